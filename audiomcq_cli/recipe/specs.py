"""Reads ``ADAPTER:PATH``, on the command line or in a recipe, as a source or a set of questions."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli import registry
from audiomcq_cli.engine.intake.questions import ImportSpec
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.check import did_you_mean
from audiomcq_cli.recipe.options import build

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def source_specs(texts: Sequence[str], **given: Any) -> tuple[SourceSpec, ...]:
    """Return the sources that a command line names, each as ``ADAPTER:PATH``, with what it says about all of them.

    Raises:
        RecipeError: As ``source_spec``, or two have the same name.
    """
    specs = tuple(source_spec(text, **given) for text in texts)
    names = [spec.name for spec in specs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise RecipeError(f"two sources are called {twice[0]!r}", hint="put them into a recipe, each with a name")
    return specs


def source_spec(
    text: str,
    *,
    audio: Path | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    limit: int | None = None,
    sample: int | None = None,
    license: str | None = None,
    origin: str | None = None,
) -> SourceSpec:
    """Return a source from ``ADAPTER:PATH``.

    Raises:
        RecipeError: The text is not of that form, or the adapter does not exist.
    """
    adapter, path = _read_adapter("source", text, registry.names("sources"))
    _check_name(name)
    source = registry.source(adapter)
    where = Path(path) if source.pin else expand_home(path)
    return SourceSpec(
        adapter=adapter,
        source=source,
        options=build(source.options, options or {}),
        path=where,
        name=name or source.dataset or _make_name(where, remote=source.pin is not None) or adapter,
        audio_root=audio or (source.audio_root(where) if source.audio_root else None),
        limit=limit,
        sample=sample,
        license=license,
        origin=origin,
    )


def import_spec(
    text: str,
    *,
    audio: Path | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    limit: int | None = None,
    license: str | None = None,
    origin: str | None = None,
) -> ImportSpec:
    """Return a question set from ``ADAPTER:PATH``; the audio of a folder is searched for inside it.

    Raises:
        RecipeError: The text is not of that form, the adapter does not exist, or its options contradict each other.
    """
    adapter, path = _read_adapter("import", text, registry.names("importers"))
    _check_name(name)
    importer, where = registry.importer(adapter), expand_home(path)
    return ImportSpec(
        adapter=adapter,
        importer=importer,
        options=build(importer.options, options or {}),
        path=where,
        name=name or importer.dataset or _make_name(where) or adapter,
        audio_root=audio or (where if where.is_dir() else None),
        limit=limit,
        license=license,
        origin=origin,
    )


def expand_home(path: str) -> Path:
    """Expand ``~`` in a path; raises ``RecipeError`` if that user has no home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise RecipeError(f"path {path!r}: there is no such home folder", hint="write the path out") from error


def _read_adapter(kind: str, text: str, known: Sequence[str]) -> tuple[str, str]:
    """Split ``ADAPTER:PATH``."""
    adapter, colon, path = text.partition(":")
    if not colon or not path:
        raise RecipeError(f"{kind} {text!r}: expected ADAPTER:PATH", hint=f"adapters are {', '.join(known)}")
    if adapter not in known:
        raise RecipeError(f"{kind} {text!r}: unknown adapter {adapter!r}{did_you_mean(adapter, known)}")
    return adapter, path


def _check_name(name: str | None) -> None:
    if name is not None and not re.fullmatch(_NAME, name):
        raise RecipeError(f"--name {name!r}: expected letters, digits, '.', '_' and '-'")


def _make_name(path: Path, *, remote: bool = False) -> str:
    """Return a name made from the file or folder. The revision of a remote source is left out: ids outlive it."""
    name = re.sub("@[^:]*", "", path.name) if remote else Path(os.path.abspath(path)).name  # noqa: PTH100 - resolve() follows links
    name = re.sub(r"\.(csv|tsv|jsonl?|ndjson|parquet)$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")
