"""Options of a stage, source, importer, backend or export, set in a recipe and by flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

O = TypeVar("O")  # noqa: E741 - the options of a stage, source, importer, backend or export


def option(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    path: bool = False,
) -> Any:
    """Declare one option of a frozen options dataclass: a flag on the command line and a key in the recipe.

    Supported types are ``str``, ``int``, ``float``, ``bool``, ``tuple[str, ...]``, ``Mapping[str, float]`` and
    ``Mapping[str, str]``. A ``path`` in a recipe is relative to the recipe. The path of a stage says where something
    is; it does not decide about rows, its content does (``Stage.beside``). A manifest keeps the name of the file.
    """
    metadata = {"help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum, "path": path}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Options of a stage, source, importer, backend or export without any."""
