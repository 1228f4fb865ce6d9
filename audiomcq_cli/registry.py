"""Finds stages, sources, importers, backends and exports: a module's file name is its name on the command line.

There is no plugin loader: a file added to ``stages/``, ``sources/``, ``importers/``, ``backends/`` or ``exports/`` is
found. A module whose name begins with an underscore is not an entry; a name that Python reserves gets an underscore at
the end (``import_``).
"""

from __future__ import annotations

import keyword
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import BackendKind, Export, Importer, Source, Stage
from audiomcq_cli.errors import RecipeError

_PACKAGE = Path(__file__).parent


def names(kind: str) -> list[str]:
    """Return the names of one kind (``stages``, ``sources`` and so on), without importing any of them."""
    found = (module.name for module in pkgutil.iter_modules([str(_PACKAGE / kind)]))
    return sorted(name.removesuffix("_").replace("_", "-") for name in found if not name.startswith("_"))


def source(name: str) -> Source[Any]:
    """Return the source of that name; raises ``RecipeError`` with the known names."""
    found: Source[Any] = _load("sources", name, "SOURCE")
    return found


def importer(name: str) -> Importer[Any]:
    """Return the importer of that name; raises ``RecipeError`` with the known names."""
    found: Importer[Any] = _load("importers", name, "IMPORTER")
    return found


def backend(name: str) -> BackendKind[Any]:
    """Return the backend of that name; raises ``RecipeError`` with the known names."""
    found: BackendKind[Any] = _load("backends", name, "BACKEND")
    return found


def export(name: str) -> Export[Any]:
    """Return the export of that name; raises ``RecipeError`` with the known names."""
    found: Export[Any] = _load("exports", name, "EXPORT")
    return found


@cache
def stages() -> dict[str, Stage[Any]]:
    """Return every stage by name, in the order of the pipeline: each comes after the one that it follows.

    A second way in (``Stage.joins``) is at the end: a stage in the middle reads what it writes.
    """
    found: dict[str, Stage[Any]] = {name: _load("stages", name, "STAGE") for name in names("stages")}
    ordered: dict[str, Stage[Any]] = {}

    def place_after(previous: str | None) -> None:
        # Stages left out by default come first, so that they are between two stages that always run.
        following = [name for name, stage in found.items() if stage.after == previous]
        for name in sorted(following, key=lambda name: (bool(found[name].joins), not found[name].named_only)):
            ordered[name] = found[name]
            place_after(name)

    place_after(None)
    if lost := set(found) - set(ordered):
        raise RecipeError(f"stage {min(lost)!r} follows a stage that does not exist")
    return ordered


def _load(kind: str, name: str, attribute: str) -> Any:
    if name not in names(kind):
        raise RecipeError(f"unknown {kind[:-1]} {name!r}", hint=f"there are {', '.join(names(kind))}")
    file = f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
    module = import_module(f"audiomcq_cli.{kind}.{file}")
    if not hasattr(module, attribute):
        raise RecipeError(f"{module.__file__} does not define {attribute}", hint=f"every file in {kind}/ has to")
    return getattr(module, attribute)
