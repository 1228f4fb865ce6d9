"""Files that are complete or absent: written beside the target and moved into place, hashed, locked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiomcq_cli.errors import StorageError
from audiomcq_cli.storage.descriptors import advise

HIDDEN = ".audiomcq"
"""Folder inside a stage folder for everything but kept rows; ``datasets`` and globs skip it."""


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(folder: Path, name: str, *, wait: bool) -> Iterator[None]:
    """Keep other processes from the same work in a stage folder. The lock ends with the process, even if that is
    killed.

    Raises:
        StorageError: Another process has the lock and ``wait`` is false.
    """
    with holding(folder / HIDDEN / "locks" / f"{name}.lock", f"{folder}: another run is working on {name}", wait=wait):
        yield


@contextmanager
def holding(path: Path, busy: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file; ``busy`` describes the work of another process that holds it.

    Raises:
        StorageError: Another process has the lock and ``wait`` is false, or the file cannot be written.
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
    """Yield a temporary path that replaces ``path`` when the block succeeds, and is removed when it fails.

    The temporary path is always the same, so that the leftovers of a killed run are overwritten.
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
        with suppress(OSError):  # a folder that is gone or read-only: that error is already raised
            temporary.unlink()
