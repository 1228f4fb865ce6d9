"""Finds stages, sources, importers, backends and exports: a module's file name is its name on the command line.

There is no plugin loader: adding a file to ``stages/``, ``sources/``, ``importers/``, ``backends/`` or ``exports/`` is
all it takes. A module whose name begins with an underscore is not an entry; one whose name Python keeps for itself ends
in one (``import_``).
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
    """Names of one kind (``stages``, ``sources`` and so on), without importing any of them."""
    found = (module.name for module in pkgutil.iter_modules([str(_PACKAGE / kind)]))
    return sorted(name.removesuffix("_").replace("_", "-") for name in found if not name.startswith("_"))


def source(name: str) -> Source[Any]:
    """The source of that name; raises ``RecipeError`` naming those there are."""
    found: Source[Any] = _load("sources", name, "SOURCE")
    return found


def importer(name: str) -> Importer[Any]:
    """The importer of that name; raises ``RecipeError`` naming those there are."""
    found: Importer[Any] = _load("importers", name, "IMPORTER")
    return found


def backend(name: str) -> BackendKind[Any]:
    """The backend of that name; raises ``RecipeError`` naming those there are."""
    found: BackendKind[Any] = _load("backends", name, "BACKEND")
    return found


def export(name: str) -> Export[Any]:
    """The export of that name; raises ``RecipeError`` naming those there are."""
    found: Export[Any] = _load("exports", name, "EXPORT")
    return found


@cache
def stages() -> dict[str, Stage[Any]]:
    """Every stage by name, in the order of the pipeline: each comes after the one that it names.

    A second way in (``Stage.joins``) stands at the end: what it writes is read by a stage in the middle.
    """
    found: dict[str, Stage[Any]] = {name: _load("stages", name, "STAGE") for name in names("stages")}
    ordered: dict[str, Stage[Any]] = {}

    def place_after(previous: str | None) -> None:
        # Those left out by default come first, so that they stand between two stages that are always run.
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
