"""Opens audio files as a stream of blocks: by libsndfile, or by FFmpeg (PyAV) for formats that libsndfile lacks."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.containers import Kind, Patched, Sizes, find_kind, read_head, read_sizes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

BLOCK = 1 << 18
"""Samples decoded at a time, over all channels: 1 MiB."""

INSTALL = 'pip install ".[listen]" in a checkout of audiomcq'
"""Command that installs PyAV, and all that ``caption --describe local`` needs."""

FASTEST = 768_000
"""Most samples a second. A header with more is wrong, and would ask for that much memory."""


_ENDLESS = 2**62  # frames: libsndfile's value for a FLAC stream of unknown length


class NoDecoder(OSError):
    """A file that is audio by its first bytes, of a kind that no installed library decodes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An open audio file.

    Attributes:
        rate: Samples a second.
        channels: Number of channels.
        frames: Number of frames by the header, if it says so.
        format: Format such as WAV or MP3.
        blocks: Blocks of shape (frames, channels), to the end; each is valid until the next.
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
        path: The file.
        start: Start of the requested part in seconds.
        seconds: Length of the part; it ends at the end of the file at the latest.

    Raises:
        OSError, soundfile.SoundFileError: The file cannot be read; also raised while its blocks are read.
        NoDecoder: The file needs PyAV, which is not installed.
    """

    check_regular(path)
    if path.suffix.lower() == ".raw":
        raise OSError("headerless audio: its rate and channels are not known")
    with ExitStack() as stack:
        kind, sizes = _find_kind(path), read_sizes(path)
        opened = _open_first(path, kind, sizes, stack)
        if isinstance(opened, Decoded):
            first, frames = _count(opened.rate, start, seconds)
            yield replace(opened, blocks=_cut(opened.blocks, first, frames))
            return
        file = opened
        first, frames = _count(file.samplerate, start, seconds)
        if first and file.format not in ("MP3", "OGG"):  # their output depends on what was read before
            file.seek(min(first, file.frames))
            first = 0
        blocks = _cut(_read_blocks(file), first, frames)
        yield Decoded(file.samplerate, file.channels, _tell_frames(file, sizes), file.format, blocks)


def _open_first(path: Path, kind: Kind | None, sizes: Sizes | None, stack: ExitStack) -> Any:
    """Open a file with the library for its kind: libsndfile or PyAV.

    libsndfile is not given other kinds: it takes anything named .mp3 for MP3.
    """
    import soundfile as sf

    if kind is not None and not kind.common:
        return _open_foreign(path, kind, stack)
    try:
        return _open_common(path, sizes, stack)
    except (sf.SoundFileError, _Unheard) as error:
        if kind is None:
            raise
        return _open_foreign(path, kind, stack, error)


class _Unheard(OSError):
    """A file that libsndfile opens and finds empty, although it is not."""


def _open_common(path: Path, sizes: Sizes | None, stack: ExitStack) -> Any:
    """Open a file with libsndfile, given the size that its header lacks; the stack closes it."""
    import soundfile as sf

    source: Any = path
    if sizes is not None and sizes.contradicted:
        raise OSError(f"the header says {sizes.said:,} bytes of samples, {sizes.there:,} follow")
    if sizes is not None and sizes.unwritten:
        source = Patched(path, sizes.at, sizes.right)
        stack.callback(source.close)
    file = stack.enter_context(sf.SoundFile(source))
    _check_rate(file.samplerate)
    if file.frames == 0 and file.format == "OGG":
        raise _Unheard("its last page is missing")
    # It seeks to its position after every read, and an mp3 decoder then loses the data for the next frames: 30 to 75 ms
    # of silence or noise follow (soundfile 0.14, libsndfile 1.2.2). A file that cannot seek is left alone.
    file.seekable = lambda: False
    return file


def _tell_frames(file: Any, sizes: Sizes | None) -> int | None:
    """Return the length by the header: libsndfile shortens it for a truncated file of samples."""
    if file.frames >= _ENDLESS:
        return None
    if sizes is None or not sizes.said or sizes.said <= sizes.there or not sizes.there:
        return int(file.frames)
    return round(int(file.frames) * sizes.said / sizes.there)


def _check_rate(rate: int) -> None:
    if rate > FASTEST:
        raise OSError(f"has {rate} samples a second, by its header")


def check_regular(path: Path) -> os.stat_result:
    """Refuse what is not a regular file: reading a pipe would wait for ever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    return status


def describe_error(error: Exception) -> str:
    """Return the text of an error without the path in it."""
    return str(getattr(error, "error_string", None) or getattr(error, "strerror", None) or error).strip()


def _read_blocks(file: Any) -> Iterator[Samples]:
    """Yield blocks up to the end of an open file.

    ``file.read()`` would allocate what a damaged header asks for (hundreds of GiB), and ``file.blocks()`` counts frames
    that were never read (soundfile 0.14).
    """
    import numpy as np

    block = np.empty((max(1, BLOCK // file.channels), file.channels), np.float32)
    while len(read := file.read(out=block)):
        yield read


def _count(rate: int, start: float, seconds: float | None) -> tuple[int, int | None]:
    """Return the first frame of a part, and its number of frames; None means to the end."""
    first = round(start * rate)
    return first, None if seconds is None else round((start + seconds) * rate) - first


def _cut(blocks: Iterator[Samples], first: int, frames: int | None) -> Iterator[Samples]:
    """Yield blocks with only the requested frames; read no more than needed."""
    end = sys.maxsize if frames is None else first + frames
    at = 0
    for block in blocks:
        part = block[max(0, first - at) : max(0, end - at)]
        at += len(block)
        if len(part):
            yield part
        if at >= end:
            return


def _find_kind(path: Path) -> Kind | None:
    with path.open("rb") as file:
        return find_kind(read_head(file))


def _open_foreign(path: Path, kind: Kind, stack: ExitStack, before: Exception | None = None) -> Decoded:
    """Open a file with PyAV; if that fails too, libsndfile's error ``before`` is raised."""
    try:
        import av
    except ImportError as error:
        if before is not None:
            raise before from None
        raise NoDecoder(f"{kind.name} needs PyAV: {INSTALL}") from error
    try:
        with _translating():
            container = stack.enter_context(av.open(str(path), format=kind.demuxer, metadata_errors="replace"))
    except OSError:
        if before is not None:
            raise before from None
        raise
    if not container.streams.audio:
        raise OSError("has no sound track")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise before or OSError("its sound track is of a kind that nothing here decodes")
    if not stream.rate or not stream.channels:
        raise OSError("its sound track says nothing of its rate and channels")
    _check_rate(stream.rate)
    seconds = _tell_seconds(container, stream) if kind.timed else None
    frames = None if seconds is None else round(seconds * stream.rate)
    return Decoded(stream.rate, stream.channels, frames, kind.name.upper(), _read_translated(container, stream))


def _tell_seconds(container: Any, stream: Any) -> float | None:
    """Return the length of a sound track by its header. The length of the whole file may be that of another track."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return float(container.duration / 1_000_000)
    return None


@contextmanager
def _translating() -> Iterator[None]:
    """Turn errors of PyAV, some of which are not ``OSError``, into one."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise OSError(error.strerror or type(error).__name__) from error
    except ValueError as error:  # raised for invalid data
        raise OSError(str(error)) from error


def _read_translated(container: Any, stream: Any) -> Iterator[Samples]:
    with _translating():
        yield from _read_foreign(container, stream)


def _read_foreign(container: Any, stream: Any) -> Iterator[Samples]:
    import av
    import numpy as np

    resampler = av.AudioResampler(format="fltp")  # rate and channels stay
    waiting: list[Any] = []
    rate, channels = stream.rate, stream.channels
    for frame in container.decode(stream):
        if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
            raise OSError("its rate or its channels change")
        waiting += [part.to_ndarray() for part in resampler.resample(frame)]
        if sum(part.size for part in waiting) >= BLOCK:
            yield np.concatenate(waiting, axis=1).T
            waiting.clear()
    if waiting:
        yield np.concatenate(waiting, axis=1).T
