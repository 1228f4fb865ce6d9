"""Describes a model in a manifest after a run, and reads the description when the run is traced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiomcq_cli.contracts import Model
from audiomcq_cli.engine.servers.model import ModelHandle
from audiomcq_cli.foreign.shape import require

NAMED = "named"
"""Key for the recipe's name of an embedded model's weights, if any machine can load them by that name."""

_KEPT = ("sampling", "structured", "audio", "tries", "sample_rate")
"""Keys of a recipe's model table that a manifest keeps unchanged."""

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
    """Return the description of a model for a manifest: everything that could change an answer, nothing about its
    server.
    """
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
    """Return the model that a manifest describes, with its identity, so that its journal keys are those of the run.

    Args:
        name: Name of its table in the recipe.
        described: Result of ``describe_model``.
        file: Name of the manifest, for the error.
        hint: Advice for the error.

    Raises:
        InputError: The description has another form.
    """
    table = require(described, _SCHEMA, f"a description of model {name!r:.60}", file, hint=hint)
    return Model(name=name, **{key: value for key, value in table.items() if key != NAMED})


def _is_portable(handle: ModelHandle) -> bool:
    """Return whether the recipe's name of the weights works on any machine: a package or a repository, not a path."""
    name, _, file = handle.model.model.partition(":")
    return handle.model.model != handle.identity.model and (bool(file) or not name.endswith(".gguf"))
