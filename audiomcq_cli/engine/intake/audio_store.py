"""Keeps audio that a source brings along, each file once, under its content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath

from audiomcq_cli.audio_files import AUDIO_EXTENSIONS
from audiomcq_cli.containers import find_kind, read_head
from audiomcq_cli.storage.files import replacing

FOLDER = "audio"
"""Name of the folder in the work folder."""


class AudioStore:
    """Audio files at ``<folder>/<first two digits>/<sha256>.<extension>``."""

    def __init__(self, folder: Path | None) -> None:
        """Keep files in a folder, created with the first one; None keeps nothing."""
        self.folder = folder
        self._made: set[str] | None = None

    def put(self, content: bytes, name: str) -> tuple[str, str]:
        """Keep a file; return its path below the folder and its SHA-256.

        ``name`` is the source's name: its extension gives the format, else the first bytes of the file do.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = f"{digest[:2]}/{digest}{_find_extension(content, name)}"
        if self.folder is not None:
            file = self.folder / path
            if not file.is_file() or file.stat().st_size != len(content):
                with replacing(file) as temporary:
                    temporary.write_bytes(content)
                if self._made is not None:
                    self._made.add(path)
        return path, digest

    @contextmanager
    def keeping(self, used: Container[str]) -> Iterator[None]:
        """Remove at the end of the block the files that it added, except paths that are in ``used`` by then."""
        self._made = set()
        try:
            yield
        finally:
            for path in self._made:
                if self.folder is not None and path not in used:
                    (self.folder / path).unlink(missing_ok=True)
            self._made = None


def _find_extension(content: bytes, name: str) -> str:
    extension = PurePosixPath(name).suffix.lower()
    if extension in AUDIO_EXTENSIONS:
        return extension
    kind = find_kind(read_head(BytesIO(content)))
    if kind is not None:
        return kind.extension
    return ".mp3" if content.startswith(b"ID3") else ".wav"
