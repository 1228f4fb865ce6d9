"""Files that are whole or not there: written beside and put in place, hashed, locked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiomcq_cli.errors import StorageError
from audiomcq_cli.storage.descriptors import advise

HIDDEN = ".audiomcq"
"""Folder inside a stage folder for all that is not a kept row; ``datasets`` and globs pass over it."""


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path, name: str, *, wait: bool) -> Iterator[None]:
    """Keep other processes from the same work in a stage folder; the lock ends with the process, however that ends.

    Raises:
        StorageError: Another process has it and ``wait`` is false.
    """
    with holding(folder / HIDDEN / "locks" / f"{name}.lock", f"{folder}: another run is working on {name}", wait=wait):
        yield


@contextmanager
def holding(path: Path, busy: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file; ``busy`` says what another process does that has it.

    Raises:
        StorageError: Another process has it and ``wait`` is false, or it cannot be written.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=-1 if wait else 0)
        lock.acquire()
    except filelock.Timeout:
        raise StorageError(busy, hint="wait for it to end") from None
    except OSError as error:
        raise StorageError(f"{path.parent}: cannot be written: {error}", hint=advise(error)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that takes the place of ``path`` when the block ends well, and is removed when not.

    It is the same every time, so that what a killed run left is written over.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error}", hint=advise(error)) from error
    finally:
        with suppress(OSError):  # a folder that is gone or only to be read: that was said already
            temporary.unlink()
