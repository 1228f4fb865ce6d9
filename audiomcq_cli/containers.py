"""Identifies an audio file by its first bytes, whatever its name, and finds headers with an unknown or wrong size.

Nothing is decoded here. FFmpeg never guesses a format: it would try playlists, which name other files and addresses.
The signature decides which of its readers opens a file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEAD = 400
"""Bytes from the beginning in which signatures are searched for: two packets of MPEG-TS."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: Name for people.
        extension: Usual extension.
        demuxer: FFmpeg's name of the reader.
        common: Whether libsndfile reads it too, at least mostly.
        timed: Whether its header has the length; otherwise FFmpeg estimates it by the bit rate.
    """

    name: str
    extension: str
    demuxer: str
    common: bool = False
    timed: bool = True


_MP4 = Kind("m4a", ".m4a", "mov")
_ADTS = Kind("aac", ".aac", "aac", timed=False)
_MPEG = Kind("mp3", ".mp3", "mp3", common=True, timed=False)
_AC3, _EAC3 = Kind("ac3", ".ac3", "ac3", timed=False), Kind("eac3", ".eac3", "eac3", timed=False)
_WAV, _AIFF = Kind("wav", ".wav", "wav", common=True), Kind("aiff", ".aiff", "aiff", common=True)

_SIGNATURES = (
    (0, b"fLaC", Kind("flac", ".flac", "flac", common=True)),
    (0, b"OggS", Kind("ogg", ".ogg", "ogg", common=True)),
    (0, b"RF64", _WAV),
    (0, b"BW64", _WAV),
    (0, b"riff\x2e\x91\xcf\x11", Kind("w64", ".w64", "w64", common=True)),
    (0, b".snd", Kind("au", ".au", "au", common=True)),
    (0, b"caff", Kind("caf", ".caf", "caf", common=True)),
    *((4, sign, _MP4) for sign in (b"ftyp", b"moov", b"mdat", b"wide")),
    (0, b"\x1a\x45\xdf\xa3", Kind("matroska", ".mka", "matroska")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("wma", ".wma", "asf")),
    (0, b"ADIF", _ADTS),
    *((0, bytes((0xFF, second)), _ADTS) for second in (0xF0, 0xF1, 0xF8, 0xF9)),
    *((0, bytes((0xFF, second)), _MPEG) for second in (*range(0xE2, 0xE8), *range(0xF2, 0xF8), *range(0xFA, 0x100))),
    (0, b"#!AMR", Kind("amr", ".amr", "amr", timed=False)),
    (0, b"\x7f\xfe\x80\x01", Kind("dts", ".dts", "dts", timed=False)),
    (0, b"MAC ", Kind("ape", ".ape", "ape")),
    (0, b"wvpk", Kind("wavpack", ".wv", "wv")),
    (0, b"TTA1", Kind("tta", ".tta", "tta")),
    (0, b"MPCK", Kind("musepack", ".mpc", "mpc8")),
    (0, b"MP+", Kind("musepack", ".mpc", "mpc")),
    (0, b"DSD ", Kind("dsf", ".dsf", "dsf")),
    (0, b"FLV\x01", Kind("flv", ".flv", "flv", timed=False)),
    (0, b".RMF", Kind("realmedia", ".rm", "rm", timed=False)),
    (0, b"\x00\x00\x01\xba", Kind("mpeg", ".mpg", "mpeg", timed=False)),
)  # fmt: skip

_TS = Kind("mpegts", ".ts", "mpegts", timed=False)
_AVI = Kind("avi", ".avi", "avi", timed=False)


def find_kind(head: bytes) -> Kind | None:
    """Return the kind of a file from its first ``HEAD`` bytes, after any tags (``read_head``); None if unknown."""
    if head[:4] == b"RIFF":
        return {b"WAVE": _WAV, b"AVI ": _AVI}.get(head[8:12])
    if head[:4] == b"FORM":
        return _AIFF if head[8:12] in (b"AIFF", b"AIFC") else None
    if head[:2] == b"\x0b\x77" and len(head) > 5:
        return _EAC3 if head[5] >> 3 > 10 else _AC3  # bsid, in A/52
    if head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        return _TS
    return next((kind for at, sign, kind in _SIGNATURES if head[at : at + len(sign)] == sign), None)


def read_head(file: BinaryIO) -> bytes:
    """Return the first ``HEAD`` bytes of a file, after any ID3 tags."""
    at = 0
    for _ in range(8):
        file.seek(at)
        head = file.read(HEAD)
        if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 0x7F:
            return head
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return b""


# ------------------------------------------------------------------------------------------------- unwritten sizes

_UNKNOWN = 0x7FFF_0000
"""Least 32-bit size that means "unknown" in programs: 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF."""

_MOST_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of the samples by the header, and by the file.

    Attributes:
        said: Bytes by the header; None if the header says that it does not know.
        there: Bytes to the end of the file.
        at: Place of the size field.
        right: Right value of the size field.
        unwritten: Whether libsndfile needs the right value.
        contradicted: Whether much more data follows that is no further part of the file, so that the size is wrong.
    """

    said: int | None
    there: int
    at: int
    right: bytes
    unwritten: bool
    contradicted: bool = False


def read_sizes(path: Path) -> Sizes | None:
    """Return the sizes of the samples; None for other formats, and for headers that announce no samples."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return _read_wave(file, size)
        if head[:4] in (b".snd", b"dns.") and len(head) == 24:
            return _read_au(head, size)
        if head[:4] == b"caff":
            return _read_caf(file, size)
    return None


def _walk(file: BinaryIO, at: int, form: str, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, size and position of each chunk, up to one that extends past the end of the file."""
    header = struct.Struct(form)
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        begin = file.read(header.size)
        if len(begin) < header.size:
            return
        name, length = header.unpack(begin)
        yield name, length, at + header.size
        at += header.size + length + (length & 1 if header.size == 8 else 0)
        if at > size:
            return


def _read_wave(file: BinaryIO, size: int) -> Sizes | None:
    long_at, long = 0, 0
    for name, length, at in _walk(file, 12, "<4sI", size):
        if name == b"ds64" and length >= 16:
            file.seek(at + 8)
            long_at, long = at + 8, int.from_bytes(file.read(8), "little")
        if name != b"data":
            continue
        there = size - at
        if long_at and length == 0xFFFF_FFFF:
            unknown = long in (0, 2**64 - 1)
            return Sizes(None if unknown else long, there, long_at, struct.pack("<Q", there), unknown and there > 0)
        if length == 0:
            unwritten = there > 0 and not _is_list(file, at, size)
            right = struct.pack("<I", min(there, 0xFFFF_FFFF))
            return Sizes(0, there if unwritten else 0, at - 4, right, unwritten)
        more = there > 2 * length and not _is_list(file, at + length + (length & 1), size)
        return Sizes(None if length >= _UNKNOWN else length, there, at - 4, b"", False, more)
    return None


def _is_list(file: BinaryIO, at: int, size: int) -> bool:
    """Return whether only whole chunks follow, as after the samples of a file that really has none."""
    end = at
    for name, length, begin in _walk(file, at, "<4sI", size):
        if not all(0x20 <= letter < 0x7F for letter in name):
            return False
        end = begin + length
    return size - 1 <= end <= size or end + 1 == size


def _read_au(head: bytes, size: int) -> Sizes:
    order = ">" if head[:4] == b".snd" else "<"
    begin, said = struct.unpack_from(f"{order}II", head, 4)
    there = max(0, size - begin)
    unwritten = said == 0 and there > 0
    return Sizes(None if said >= _UNKNOWN else said, there, 8, b"\xff\xff\xff\xff", unwritten)


def _read_caf(file: BinaryIO, size: int) -> Sizes | None:
    for name, length, at in _walk(file, 8, ">4sQ", size):
        if name == b"data":
            there, unknown = size - at, length in (0, 2**64 - 1)
            return Sizes(None if unknown else length, there, at - 8, struct.pack(">Q", there), unknown and there > 4)
    return None


class Patched:
    """A file for libsndfile with some bytes replaced: the size that its header should have."""

    def __init__(self, path: Path, at: int, right: bytes) -> None:
        """Open the file; it is not changed."""
        self._file = path.open("rb")
        self._at, self._right = at, right

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        begin = self._file.tell()
        data = bytearray(self._file.read(count))
        first, last = max(begin, self._at), min(begin + len(data), self._at + len(self._right))
        if first < last:
            data[first - begin : last - begin] = self._right[first - self._at : last - self._at]
        return bytes(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
