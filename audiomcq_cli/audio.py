"""Audio files: find them, hash them, make sure they decode, and give the samples and bytes that models hear.

Everything here is plain and synchronous; the engine runs it in worker processes, by name. Paths that come from
manifests and caption files are untrusted: ``resolve`` is the only way from such a path to a file. What goes wrong with
one clip is told without its folder, so that the rejects are the same on every machine.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.contracts import Audio, Row
from audiomcq_cli.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

AUDIO_EXTENSIONS = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".w64", ".m4a", ".aac", ".wma",
)  # fmt: skip
"""What counts as audio, best first where one recording is there twice. libsndfile cannot decode the last three: such
files are still listed, so that they turn up among the rejects instead of being passed over in silence."""

FORMATS = ("wav", "flac")
"""What audio can be encoded to."""

_BLOCK = 1 << 18  # samples decoded at a time, over all channels: 1 MiB
_SLACK = 0.1  # seconds; see _probe


@dataclass(frozen=True, slots=True)
class Analysis:
    """A local analysis of an audio file.

    Attributes:
        number: Raise it when the analysis itself gives other results. tool: Versions of the libraries behind it.
        run: Gives plain data for a file and settings, or ``{"problem": code, "detail": text}``.
        example: What it might give: a rehearsal runs nothing.
    """

    number: int
    tool: Callable[[], str]
    run: Callable[[Path, Mapping[str, Any]], Row]
    example: Row

    @property
    def version(self) -> str:
        """What the results depend on beside the audio: part of the key under which they are kept."""
        return f"{self.number} ({self.tool()})"


# ------------------------------------------------------------------------------------------------------- finding


def check_relative(relative: str) -> None:
    """Refuse a path that is absolute or could lead out of its folder, on any system, whether or not it exists.

    Raises:
        InputError: It is empty or absolute, has a drive letter, a ``..`` between slashes or backslashes, or a NUL.
    """
    if not relative or "\0" in relative:
        raise InputError(f"not a path: {relative!r}")
    if relative[0] in "/\\" or re.match("[A-Za-z]:", relative):
        raise InputError(f"path is absolute: {relative!r}", hint="give it relative to the audio root")
    if ".." in re.split(r"[/\\]", relative):
        raise InputError(f"path leads out of its folder: {relative!r}", hint="give it relative to the audio root")


def resolve(root: Path, relative: str) -> Path:
    """The file that an untrusted path means below a root; it need not exist.

    Raises:
        InputError: The path is not one (see ``check_relative``), or a symbolic link leads out of the root.
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


def list_audio(root: Path) -> list[str]:
    """Relative POSIX paths of all audio files below a folder, sorted; hidden files and folders are left out.

    Raises:
        InputError: The folder, or one in it, is not there or cannot be read.
    """
    return sorted(walk_audio(root))


def walk_audio(root: Path) -> Iterator[str]:
    """As ``list_audio``, in whatever order the disk has, one folder in memory at a time."""
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
    """Finds audio files by the names that a source gives them, without touching their folder again.

    A name can be the whole path, the path without extension, the file's name or its stem, and is taken in that order.
    On ties the file nearest to the root counts, then the order of ``AUDIO_EXTENSIONS``, then the name. The names are
    in a temporary file (SQLite's own, gone with the index): a million of them would take 500 MB of memory.
    """

    def __init__(self, files: Iterable[str]) -> None:
        """Index relative POSIX paths of audio files, in any order."""
        import sqlite3

        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
            "CREATE TABLE files (path BLOB, found INT DEFAULT 0); CREATE TABLE names (name BLOB, rank INT, file INT);"
            "BEGIN"
        )
        names = (name for number, path in enumerate(self._add(files), 1) for name in _list_names(path, number))
        self._base.executemany("INSERT INTO names VALUES (?, ?, ?)", names)
        self._base.executescript("CREATE INDEX by_name ON names (name); CREATE INDEX by_path ON files (path)")

    def _add(self, files: Iterable[str]) -> Iterator[str]:
        for path in files:
            self._base.execute("INSERT INTO files (path) VALUES (?)", (_pack(path),))
            yield path

    def find(self, candidates: Sequence[str]) -> str | None:
        """Relative path of the first candidate that there is, or None."""
        query = "SELECT path FROM names, files ON files.rowid = file WHERE name = ? ORDER BY rank, path LIMIT 1"
        for candidate in candidates:
            if found := self._base.execute(query, (_pack(_normalize(candidate)),)).fetchone():
                return _unpack(found[0])
        return None

    def mark(self, path: str) -> None:
        """Keep in mind that a file has been named."""
        self._base.execute("UPDATE files SET found = 1 WHERE path = ?", (_pack(path),))

    def unmarked(self) -> Iterator[str]:
        """The files that have not been marked, by name."""
        query = "SELECT path FROM files WHERE found = 0 ORDER BY path"
        return (_unpack(path) for (path,) in self._base.execute(query))

    @property
    def empty(self) -> bool:
        """Whether there is no file at all."""
        return self._base.execute("SELECT 1 FROM files LIMIT 1").fetchone() is None


def index_folder(root: Path) -> FolderIndex:
    """Index the audio files below a folder, walking it once; raises like ``list_audio``."""
    return FolderIndex(walk_audio(root))


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hex; raises ``InputError`` where it cannot be read."""
    try:
        _check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read: {_describe(error)}", file=path.name) from error


# ----------------------------------------------------------------------------------------------------- analysing


def run_analysis(name: str, path: str, settings: Mapping[str, Any]) -> Row:
    """Run one of ``ANALYSES`` on a file, in any process; bad audio comes back as a ``problem``, never as an error."""
    import soundfile as sf

    try:
        return ANALYSES[name].run(Path(path), settings)
    except (sf.SoundFileError, OSError) as error:
        return {"problem": "audio_unreadable", "detail": _describe(error)}


def _probe(path: Path, settings: Mapping[str, Any]) -> Row:
    """Length, rate, channels and format of a file, after decoding all of it.

    The header alone cannot be trusted: a FLAC file damaged in the middle and an MP3 file cut in half both keep their
    full length there, and seeking to the last block finds neither. Decoding takes 5 to 20 ms for ten seconds, once,
    against several model calls on the same clip. A file that ends earlier than its header says is refused; MP3 files
    without an Info frame miss up to a few frames of their estimated length, hence the slack.
    """
    if _check_regular(path).st_size == 0:
        return {"problem": "audio_empty", "detail": "the file has no bytes"}
    with _open(path) as file:
        rate, channels, declared, format_ = file.samplerate, file.channels, file.frames, file.format
        frames = sum(len(block) for block in _decode(file))
    if frames == 0:
        return {"problem": "audio_empty", "detail": "the file has no samples"}
    if declared - frames > _SLACK * rate:
        detail = f"ends after {frames / rate:.2f} s of the {declared / rate:.2f} s in its header"
        return {"problem": "audio_unreadable", "detail": detail}
    return {"duration": frames / rate, "sample_rate": rate, "channels": channels, "frames": frames, "format": format_}


def _describe_soundfile() -> str:
    import soundfile as sf

    return f"soundfile {sf.__version__}, libsndfile {sf.__libsndfile_version__}"


_PROBED: Row = {"duration": 10.0, "sample_rate": 44_100, "channels": 2, "frames": 441_000, "format": "WAV"}

ANALYSES: dict[str, Analysis] = {
    "probe": Analysis(number=1, tool=_describe_soundfile, run=_probe, example=_PROBED),
}
"""The analyses there are, by name."""


# ------------------------------------------------------------------------------------------------------- hearing


def load(path: Path, rate: int) -> Samples:
    """Decode a file to mono at a rate: the samples ``librosa.load(path, sr=rate, mono=True)`` gives, faster.

    Returns:
        float32 samples, shape ``(ceil(frames * rate / rate of the file),)``.

    Raises:
        InputError: The file cannot be decoded or holds no samples.
    """
    import numpy as np
    import soundfile as sf
    import soxr

    try:
        with _open(path) as file:
            native, blocks = file.samplerate, [_mix(block) for block in _decode(file)]
    except (sf.SoundFileError, OSError) as error:
        raise InputError(f"cannot be decoded: {_describe(error)}", file=path.name) from error
    if not blocks:
        raise InputError("holds no samples", file=path.name)
    mono = np.concatenate(blocks)
    if native == rate:
        return mono
    resampled = soxr.resample(mono, native, rate, quality="HQ")
    length = math.ceil(len(mono) * (float(rate) / native))  # librosa's own formula, rounding included
    return np.pad(resampled[:length], (0, max(0, length - len(resampled))))


def encode(samples: Samples, rate: int, format: str) -> bytes:
    """Encode samples between -1 and 1 (those beyond are clipped) as 16-bit WAV or FLAC."""
    import soundfile as sf

    if format not in FORMATS:
        raise InputError(f"audio cannot be encoded as {format!r}", hint=f"use one of {', '.join(FORMATS)}")
    buffer = BytesIO()
    sf.write(buffer, samples, rate, format=format.upper(), subtype="PCM_16")
    return buffer.getvalue()


@lru_cache(maxsize=16)
def silence(seconds: float, rate: int, format: str) -> bytes:
    """Encode digital silence, mono; kept, because the label asks for the same one with every question."""
    import numpy as np

    return encode(np.zeros(round(seconds * rate), np.float32), rate, format)


def read_part(audio: Audio, roots: Mapping[str, Path], rate: int, format: str) -> bytes:
    """The bytes of an audio part: what its transform makes of the clip, mono at a rate, encoded.

    Args:
        audio: The part. roots: Audio root by ``source_dataset``.
        rate: Samples a second. format: One of ``FORMATS``.

    Raises:
        InputError: The transform is not known, or the file is not there, leaves its root, cannot be decoded or is
            not the one that was hashed (its replies would be kept under the hash of another).
    """
    if found := re.fullmatch(r"silence:([0-9]+(?:\.[0-9]+)?)", audio.transform):
        return silence(float(found[1]), rate, format)
    if audio.transform != "original":
        raise InputError(f"unknown transform {audio.transform!r}", hint="expected original or silence:SECONDS")
    if audio.source not in roots:
        raise InputError(f"no audio root is known for source {audio.source!r}", file=audio.path)
    path = resolve(roots[audio.source], audio.path)
    if audio.sha256 and hash_file(path) != audio.sha256:
        raise InputError("has changed since the caption stage", file=audio.path, hint="run the caption stage again")
    return encode(load(path, rate), rate, format)


# --------------------------------------------------------------------------------------------- opening and naming


def _open(path: Path) -> Any:
    """Open a file as a ``soundfile.SoundFile``; raises its errors, or ``OSError``."""
    import soundfile as sf

    _check_regular(path)
    if path.suffix.lower() == ".raw":
        raise OSError("headerless audio: its rate and channels are not known")
    return sf.SoundFile(path)


def _decode(file: Any) -> Iterator[Samples]:
    """Blocks of shape (frames, channels) up to the end of an open file; a block is valid until the next.

    Neither ``file.read()``, which allocates what a damaged header asks for (hundreds of GiB), nor ``file.blocks()``,
    which counts frames that were never read (soundfile 0.14).
    """
    import numpy as np

    block = np.empty((max(1, _BLOCK // file.channels), file.channels), np.float32)
    while len(read := file.read(out=block)):
        yield read


def _mix(block: Samples) -> Samples:
    """The mean over the channels; ``np.mean`` over the short axis takes twenty times as long."""
    mono: Samples = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        mono += block[:, channel]
    mono /= block.shape[1]
    return mono


def _check_regular(path: Path) -> os.stat_result:
    """Refuse what is not a plain file: reading a pipe would wait for ever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    return status


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"cannot be read: {_describe(error)}", file=str(error.filename)) from error


def _describe(error: Exception) -> str:
    """What an error says, without the path that it names."""
    return str(getattr(error, "error_string", None) or getattr(error, "strerror", None) or error).strip()


def _list_names(path: str, number: int) -> Iterator[tuple[bytes, int, int]]:
    """Names that a file answers to, with a rank (least: whole path, few folders, good format) and its number."""
    stem, name = _drop_extension(path), _drop_folder(path)
    rank = min(path.count("/"), 0xFFFF) << 8 | AUDIO_EXTENSIONS.index("." + path.rpartition(".")[2].lower())
    ways = (path, stem, name, _drop_extension(name)) if name != path else (path, stem)
    for way, one in enumerate(ways):
        yield _pack(_normalize(one)), way << 32 | rank, number


def _pack(name: str) -> bytes:
    """A name as bytes, which sort as the name does; a file name that is not UTF-8 as well."""
    return name.encode("utf-8", "surrogatepass")


def _unpack(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")


def _drop_extension(path: str) -> str:
    return path.rpartition(".")[0]


def _drop_folder(path: str) -> str:
    return path.rpartition("/")[2]


def _normalize(name: str) -> str:
    """One form of a name: some file systems store letters with accents decomposed."""
    return unicodedata.normalize("NFC", name)
