"""Second inputs of a stage: files and folders beside its input, of which the content counts and not the place."""

from __future__ import annotations

import shlex
from pathlib import Path

from audiomcq_cli.engine import keys
from audiomcq_cli.engine.job import Job
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.storage.files import hash_file


def check_beside(job: Job) -> None:
    """Make sure that every file or folder that a stage reads beside its input is there.

    Raises:
        InputError: The first that is not, naming stage, option and path.
    """
    for name, path in job.beside.items():
        if not (path.is_file() or path.is_dir()):
            hint = f"correct {name} in the recipe or on the command line, or leave it out"
            raise InputError(f"stage {job.name}, {name}: no such file or folder", file=str(path), hint=hint)


def check_apart(job: Job) -> None:
    """Make sure that a stage reads nothing beside its input that it writes itself.

    Raises:
        RecipeError: It does: the file would change while it is read, and no run could be made again.
    """
    target = job.target.resolve()
    for name, path in job.beside.items():
        if target in (path.resolve(), *path.resolve().parents):
            hint = f"copy it, and name the copy: cp {shlex.quote(str(path))} earlier-{path.name}"
            raise RecipeError(f"stage {job.name}, {name}: {path} is written by this very run", hint=hint)


def hash_beside(job: Job) -> dict[str, str]:
    """Hash of the content of every second input, by name.

    Raises:
        InputError: One is not there, or cannot be read.
    """
    check_beside(job)
    found = {}
    for name, path in sorted(job.beside.items()):
        try:
            found[name] = hash_content(path)
        except OSError as error:
            raise InputError(f"stage {job.name}, {name}: cannot be read: {error}", file=str(path)) from error
    return found


def hash_content(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder that of its files and their places in it.

    What is hidden in a folder (``.audiomcq/`` with locks and logs, say) is no content: it differs from run to run.
    """
    if path.is_file():
        return hash_file(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no file or folder: {path}")
    files = {file.relative_to(path): file for file in path.rglob("*") if file.is_file()}
    shown = {place: file for place, file in files.items() if not any(part.startswith(".") for part in place.parts)}
    return keys.digest({place.as_posix(): hash_file(file) for place, file in shown.items()}).hex()
