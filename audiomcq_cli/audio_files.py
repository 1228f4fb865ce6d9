"""Finds audio files by path or name, and hashes them.

Paths that come from manifests and caption files are untrusted: ``resolve`` is the only way from such a path to a file.
Errors about a clip leave out its folder, so that the rejects are the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from audiomcq_cli.contracts import Clip
from audiomcq_cli.decoding import check_regular, describe_error
from audiomcq_cli.errors import InputError

AUDIO_EXTENSIONS = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".w64", ".m4a", ".aac", ".wma",
    ".aifc", ".wave", ".rf64", ".bwf", ".snd", ".mp2", ".mpga", ".m4b", ".mka", ".weba", ".webm", ".mp4", ".mov",
    ".mkv", ".m4v", ".3gp", ".3g2", ".3ga", ".amr", ".ac3", ".eac3", ".dts", ".ape", ".wv", ".tta", ".mpc", ".dsf",
    ".spx", ".asf", ".wmv", ".ogv", ".avi", ".flv", ".mpg", ".mpeg",
)  # fmt: skip
"""Extensions of audio files that every source looks for, best first if a recording exists twice. A film counts by its
sound track. Files after .w64 are listed even if their decoder is missing, so that they appear among the rejects and are
not silently skipped.
"""

# --------------------------------------------------------------------------------------------------------- paths


def check_relative(relative: str) -> None:
    """Refuse a path that is absolute or could lead out of its folder, on any system, whether it exists or not.

    Raises:
        InputError: The path is empty or absolute, has a drive letter, a ``..`` between slashes or backslashes, or a
            NUL.
    """
    if not relative or "\0" in relative:
        raise InputError(f"not a path: {relative!r}")
    if relative[0] in "/\\" or re.match("[A-Za-z]:", relative):
        raise InputError(f"path is absolute: {relative!r}", hint="give it relative to the audio root")
    if ".." in re.split(r"[/\\]", relative):
        raise InputError(f"path leads out of its folder: {relative!r}", hint="give it relative to the audio root")


def resolve(root: Path, relative: str) -> Path:
    """Return the file below a root that an untrusted path means. The file need not exist.

    Raises:
        InputError: The path is invalid (see ``check_relative``), or a symbolic link leads out of the root.
    """
    check_relative(relative)
    try:
        base, path = Path(os.path.realpath(root)), Path(os.path.realpath(root / relative))
    except ValueError as error:  # a lone surrogate, which no file system can hold
        raise InputError(f"not a path: {relative!r}") from error
    if not path.is_relative_to(base):
        raise InputError(
            f"a symbolic link leads out of the audio root: {relative!r}",
            hint="make the folder that the link points to the audio root, or put the file itself there",
        )
    return path


def find_clip(clip: Clip) -> Path:
    """The file of a clip, below the audio root that the engine gave it; it need not exist.

    Raises:
        InputError: The audio root of its source is not known, or the path is not one (see ``resolve``).
    """
    if clip.root is None:
        raise InputError(f"where the audio of source {clip.source!r} lies is not known")
    return resolve(clip.root, clip.path)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex; raises ``InputError`` if it cannot be read."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {describe_error(error)}", file=path.name) from error


# ------------------------------------------------------------------------------------------------------- finding


def walk_audio(root: Path) -> Iterator[str]:
    """Yield the relative POSIX paths of all audio files below a folder, without hidden files and folders.

    The order is that of the disk; one folder is in memory at a time.

    Raises:
        InputError: The folder, or one in it, does not exist or cannot be read.
    """
    if not root.is_dir():
        raise InputError("no such folder" if not root.exists() else "not a folder", file=str(root))
    for folder, folders, files in os.walk(root, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS:  # noqa: PTH122 - hot
                yield prefix + name


class FolderIndex:
    """Finds audio files by the names that a source gives, without reading their folder again.

    A name can be the whole path, the path without extension, the file's name or its stem, tried in that order. On ties
    the file nearest to the root wins, then the order of ``AUDIO_EXTENSIONS``, then the name. A guess is a name that
    several rows may have: its owner is known when all rows have been read (see ``claim``). The names are in a temporary
    file (SQLite's own, deleted with the index): a million of them would take 500 MB of memory.
    """

    def __init__(self, files: Iterable[str]) -> None:
        """Index relative POSIX paths of audio files, in any order."""
        import sqlite3

        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
            "CREATE TABLE files (path BLOB, found INT DEFAULT 0, owner BLOB, contested INT DEFAULT 0);"
            "CREATE TABLE names (name BLOB, rank INT, file INT); BEGIN"
        )
        names = (name for number, path in enumerate(self._add(files), 1) for name in _list_names(path, number))
        self._base.executemany("INSERT INTO names VALUES (?, ?, ?)", names)
        self._base.executescript("CREATE INDEX by_name ON names (name); CREATE INDEX by_path ON files (path)")

    def _add(self, files: Iterable[str]) -> Iterator[str]:
        for path in files:
            self._base.execute("INSERT INTO files (path) VALUES (?)", (_pack(path),))
            yield path

    def find(self, candidates: Sequence[str], *, exact: bool = False) -> str | None:
        """Return the relative path of the first candidate that exists, or None; ``exact`` allows only whole paths."""
        for candidate in candidates:
            if found := self._look_up(candidate, _WHOLE if exact else _ANY, 1):
                return found[0]
        return None

    def guess(self, guesses: Sequence[str]) -> list[str]:
        """Return the files that a row could mean by its guesses, likeliest first; more than one are different
        recordings.

        A longer end of a path beats a shorter end of the same path, and files that differ only in extension are one
        recording. A guess with a leading slash must be the whole path of a file, with or without extension.
        """
        files: list[str] = []
        taken: list[str] = []
        for guess in guesses:
            name, whole = guess.removeprefix("/"), guess.startswith("/")
            stem = drop_audio_extension(name)
            if any(one == stem or one.endswith(f"/{stem}") for one in taken):
                continue
            found = self._look_up(name, _WHOLE if whole else _ANY, _MOST_MEANT)
            if found:
                taken.append(stem)
            for path in found:
                if _drop_extension(path) not in map(_drop_extension, files):
                    files.append(path)
        return files

    def _look_up(self, name: str, ways: int, most: int) -> list[str]:
        query = """
            SELECT path FROM names, files ON files.rowid = file
            WHERE name = ? AND rank < ? ORDER BY rank, path LIMIT ?
        """
        rows = self._base.execute(query, (_pack(normalize(name)), ways << 32, most))
        return [_unpack(path) for (path,) in rows]

    def claim(self, path: str, owner: str, *, sure: bool) -> None:
        """Record the owner of a file: a row that names it for sure, or one that guesses it."""
        value = b"" if sure else _pack(owner)  # no row is without a name
        known = self._base.execute("SELECT owner FROM files WHERE path = ?", (_pack(path),)).fetchone()
        if (known and known[0] is None) or (known and sure):
            self._base.execute("UPDATE files SET owner = ? WHERE path = ?", (value, _pack(path)))
        elif known and known[0] != value:
            self._base.execute("UPDATE files SET contested = 1 WHERE path = ?", (_pack(path),))

    def grants(self, path: str, owner: str) -> bool:
        """Return whether a guessed file belongs to that row: no other row has guessed it, and none has named it for
        sure.
        """
        query = "SELECT 1 FROM files WHERE path = ? AND owner = ? AND contested = 0"
        return self._base.execute(query, (_pack(path), _pack(owner))).fetchone() is not None

    def find_by_name(self, name: str) -> list[str]:
        """Return the files with a name in any folder, best first, without those that were named by their path."""
        query = """
            SELECT path FROM names, files ON files.rowid = file
            WHERE name = ? AND rank >= ? AND found != 1 ORDER BY rank, path
        """
        found = self._base.execute(query, (_pack(normalize(name)), _WHOLE << 32))
        return [_unpack(path) for (path,) in found]

    def mark(self, path: str, *, by_path: bool = True) -> None:
        """Record that a file has been named: by its path, or by its name alone."""
        self._base.execute("UPDATE files SET found = ? WHERE path = ?", (1 if by_path else 2, _pack(path)))

    def unmarked(self) -> Iterator[str]:
        """Yield the files that have not been marked, by name."""
        query = "SELECT path FROM files WHERE found = 0 ORDER BY path"
        return (_unpack(path) for (path,) in self._base.execute(query))

    @property
    def empty(self) -> bool:
        """True if there are no files."""
        return self._base.execute("SELECT 1 FROM files LIMIT 1").fetchone() is None


def index_folder(root: Path) -> FolderIndex:
    """Index the audio files below a folder, reading it once; raises like ``walk_audio``."""
    return FolderIndex(walk_audio(root))


# -------------------------------------------------------------------------------------------------------- naming


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"cannot be read: {describe_error(error)}", file=str(error.filename)) from error


_WHOLE, _ANY = 2, 4
"""Number of the first ways below to name a file that are its whole path, and of all ways."""

_MOST_MEANT = 8
"""Most files that are looked up for one guess; two already make it ambiguous."""


def _list_names(path: str, number: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the names of a file, with a rank (least: whole path, few folders, good format) and its number."""
    stem, name = _drop_extension(path), _drop_folder(path)
    rank = min(path.count("/"), 0xFFFF) << 8 | AUDIO_EXTENSIONS.index("." + path.rpartition(".")[2].lower())
    ways = (path, stem, name, _drop_extension(name)) if name != path else (path, stem)
    for way, one in enumerate(ways):
        yield _pack(normalize(one)), way << 32 | rank, number


def _pack(name: str) -> bytes:
    """Return a name as bytes in the same sort order; also a file name that is not UTF-8."""
    return name.encode("utf-8", "surrogatepass")


def _unpack(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")


def _drop_extension(path: str) -> str:
    return path.rpartition(".")[0]


def drop_audio_extension(name: str) -> str:
    """Return a name without an audio extension; any other text after a dot belongs to the name."""
    return _drop_extension(name) if name.lower().endswith(AUDIO_EXTENSIONS) else name


def _drop_folder(path: str) -> str:
    return path.rpartition("/")[2]


def normalize(name: str) -> str:
    """Normalise a name or id for comparison: some file systems store letters with accents decomposed."""
    return unicodedata.normalize("NFC", name)
