"""Opens audio files as a stream of blocks: by libsndfile, or by FFmpeg (PyAV) for what libsndfile does not know."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

BLOCK = 1 << 18
"""Samples decoded at a time, over all channels: 1 MiB."""

INSTALL = "pip install 'audiomcq[listen]'"
"""What brings PyAV, and all that ``caption --describe local`` needs."""

_FOREIGN = (
    ("m4a", 4, b"ftyp"),
    ("aac", 0, b"ADIF"),
    ("aac", 0, b"\xff\xf1"),
    ("aac", 0, b"\xff\xf9"),
    ("wma", 0, b"\x30\x26\xb2\x75"),
)
"""What FFmpeg is asked to read, by its first bytes: many a file is named .mp3 and is none."""


class NoDecoder(OSError):
    """A file that is audio by its first bytes, of a kind that nothing installed here decodes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An open audio file.

    Attributes:
        rate, channels: Samples a second, and how many channels. frames: What its header says it holds, where it does.
        format: As WAV or MP3. blocks: Of shape (frames, channels), to the end; each is valid until the next.
    """

    rate: int
    channels: int
    frames: int | None
    format: str
    blocks: Iterator[Samples]


@contextmanager
def open_audio(path: Path, start: float = 0.0, seconds: float | None = None) -> Iterator[Decoded]:
    """Open an audio file.

    Args:
        path: The file. start, seconds: The part whose blocks are wanted; what lies behind the file's end is left out.

    Raises:
        OSError, soundfile.SoundFileError: It cannot be read; also while its blocks are read.
        NoDecoder: It needs PyAV, which is not installed.
    """
    import soundfile as sf

    check_regular(path)
    if path.suffix.lower() == ".raw":
        raise OSError("headerless audio: its rate and channels are not known")
    try:
        file = sf.SoundFile(path)
    except sf.SoundFileError:
        if not (kind := _find_foreign(path)):
            raise
        with _open_foreign(path, kind) as decoded:
            yield replace(decoded, blocks=_cut(decoded.blocks, *_count(decoded.rate, start, seconds)))
        return
    # It seeks to where it is after every read, and an mp3 decoder forgets there what the next frames build on: 30 to
    # 75 ms of silence or noise follow (soundfile 0.14, libsndfile 1.2.2). One that cannot seek is left alone.
    file.seekable = lambda: False
    with file:
        first, frames = _count(file.samplerate, start, seconds)
        if first and file.format not in ("MP3", "OGG"):  # what these give depends on what was read before
            file.seek(min(first, file.frames))
            first = 0
        blocks = _cut(_read_blocks(file), first, frames)
        yield Decoded(file.samplerate, file.channels, file.frames, file.format, blocks)


def check_regular(path: Path) -> os.stat_result:
    """Refuse what is not a plain file: reading a pipe would wait for ever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    return status


def describe_error(error: Exception) -> str:
    """What an error says, without the path that it names."""
    return str(getattr(error, "error_string", None) or getattr(error, "strerror", None) or error).strip()


def _read_blocks(file: Any) -> Iterator[Samples]:
    """Blocks up to the end of an open file.

    Neither ``file.read()``, which allocates what a damaged header asks for (hundreds of GiB), nor ``file.blocks()``,
    which counts frames that were never read (soundfile 0.14).
    """
    import numpy as np

    block = np.empty((max(1, BLOCK // file.channels), file.channels), np.float32)
    while len(read := file.read(out=block)):
        yield read


def _count(rate: int, start: float, seconds: float | None) -> tuple[int, int | None]:
    """The first frame of a part, and how many frames it has; None: to the end."""
    first = round(start * rate)
    return first, None if seconds is None else round((start + seconds) * rate) - first


def _cut(blocks: Iterator[Samples], first: int, frames: int | None) -> Iterator[Samples]:
    """Blocks without the frames before the first wanted and those after the last; reads no more than it needs."""
    end = sys.maxsize if frames is None else first + frames
    at = 0
    for block in blocks:
        part = block[max(0, first - at) : max(0, end - at)]
        at += len(block)
        if len(part):
            yield part
        if at >= end:
            return


def _find_foreign(path: Path) -> str:
    """What a file is, if it is one of ``_FOREIGN``."""
    with path.open("rb") as file:
        begin = file.read(16)
    return next((kind for kind, at, signature in _FOREIGN if begin[at:].startswith(signature)), "")


@contextmanager
def _open_foreign(path: Path, kind: str) -> Iterator[Decoded]:
    try:
        import av
    except ImportError as error:
        raise NoDecoder(f"{kind} needs PyAV: {INSTALL}") from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise OSError("no audio in it")
            stream = container.streams.audio[0]
            seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
            frames = None if seconds is None else round(seconds * stream.rate)
            blocks = _read_foreign(container, stream)
            yield Decoded(stream.rate, stream.channels, frames, kind.upper(), blocks)
    except av.FFmpegError as error:  # some of them are no OSError
        raise OSError(error.strerror or type(error).__name__) from error


def _read_foreign(container: Any, stream: Any) -> Iterator[Samples]:
    import av
    import numpy as np

    resampler = av.AudioResampler(format="fltp")  # rate and channels stay
    waiting: list[Any] = []
    for frame in container.decode(stream):
        waiting += [part.to_ndarray() for part in resampler.resample(frame)]
        if sum(part.size for part in waiting) >= BLOCK:
            yield np.concatenate(waiting, axis=1).T
            waiting.clear()
    if waiting:
        yield np.concatenate(waiting, axis=1).T
