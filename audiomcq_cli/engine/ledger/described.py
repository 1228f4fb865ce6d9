"""A model as a manifest describes it: written after a run, and read again where the run is followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiomcq_cli.contracts import Model
from audiomcq_cli.engine.servers.model import ModelHandle
from audiomcq_cli.foreign.shape import require

NAMED = "named"
"""Key of what the recipe calls the weights of an embedded model, where any machine can load them by that name."""

_KEPT = ("sampling", "structured", "audio", "tries", "sample_rate")
"""Keys of a recipe's model table that a manifest keeps as they are."""

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}
_SCHEMA = {
    "type": "object",
    "required": ["backend", "model"],
    "additionalProperties": False,
    "properties": {
        "backend": _TEXT,
        "model": _TEXT,
        NAMED: _TEXT,
        "revision": _TEXT,
        "sampling": {"type": "object"},
        "structured": _TEXT,
        "audio": {"type": "boolean"},
        "tries": _COUNT,
        "sample_rate": _COUNT,
        "audio_window": {"type": ["number", "null"]},
    },
}


def describe_model(handle: ModelHandle) -> dict[str, Any]:
    """What a manifest says of a model: all that could change an answer, nothing of where it runs."""
    model = handle.model
    return {
        "backend": handle.backend_name,
        "model": handle.identity.model,
        **({NAMED: model.model} if _is_portable(handle) else {}),
        "revision": handle.identity.revision,
        **{key: getattr(model, key) for key in _KEPT},
        "sampling": dict(model.sampling),
        "audio_window": model.audio_window,
    }


def restore_model(name: str, described: Mapping[str, Any], file: str, *, hint: str = "") -> Model:
    """The model that a manifest describes, known by its identity: its journal keys are those of the run.

    Args:
        name: Of its table in the recipe. described: What ``describe_model`` wrote. file, hint: For the error.

    Raises:
        InputError: It is described in another way.
    """
    table = require(described, _SCHEMA, f"a description of model {name!r:.60}", file, hint=hint)
    return Model(name=name, **{key: value for key, value in table.items() if key != NAMED})


def _is_portable(handle: ModelHandle) -> bool:
    """Whether the recipe names weights by what any machine can load: a package or a repository, not a path."""
    name, _, file = handle.model.model.partition(":")
    return handle.model.model != handle.identity.model and (bool(file) or not name.endswith(".gguf"))
