"""Identifies the recording of a row: recognises invalid ids, and derives names of the audio file from a path or
address.

A whole address tells two recordings apart. Parts of it are only used to look for a file, which may belong to another
row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from audiomcq_cli.audio_files import drop_audio_extension

_ERROR = re.compile(r"#(N/A|[A-Z0-9_/ ]+[!?])|#N/A N/A|#{3,}|Err:[0-9]{3}|#GETTING_DATA")  # Excel, Sheets, LibreOffice
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}")  # 12345678901 as a spreadsheet shows it
_YOUTUBE = re.compile(r"[A-Za-z0-9_-]{11}")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^/?#]*)(.*)", re.DOTALL)
_DRIVE = re.compile("[A-Za-z]:")
_WEB = ("http", "https")
"""Schemes with a query and a fragment. In storage schemes (s3, gs, file, hf), ``?`` and ``#`` belong to the name."""


@dataclass(frozen=True, slots=True)
class AudioNames:
    """Names below an audio root that the audio of a row may have.

    Attributes:
        sure: Names with everything that the row says, best first.
        guesses: Parts of those names, which may also belong to another row's file. A name that begins with a slash must
            be the whole path of a file.
    """

    sure: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()


def find_id_problem(text: str) -> str:
    """Return why a text cannot be the id of a recording; empty if it can."""
    if _ERROR.fullmatch(text):
        return f"is {text!r}, an error of a spreadsheet"
    if _ROUNDED.fullmatch(text):
        return f"is {text!r}, a number that a spreadsheet has rounded"
    return ""


def find_youtube_problem(text: str) -> str:
    """Return why a text cannot be the id of a YouTube video; empty if it can."""
    problem = find_id_problem(text)
    if problem or _YOUTUBE.fullmatch(text):
        return problem
    return f"is {text!r}; an id of YouTube has 11 signs of A-Z a-z 0-9 _ -"


def is_address(text: str) -> bool:
    """Return whether a text is an address with a scheme."""
    return _ADDRESS.fullmatch(text) is not None


def has_query(address: str) -> bool:
    """Return whether the query or fragment of an address tells recordings apart."""
    found = _ADDRESS.fullmatch(address)
    return found is not None and found[1].lower() in _WEB and re.search("[?#]", found[3]) is not None


def name_audio(text: str, *, own_names: bool = True) -> AudioNames:
    """Return names below an audio root that a path from another machine, or an address, may mean.

    The longest comes first: for ``/data/audioset/a.wav`` they are ``data/audioset/a.wav``, ``audioset/a.wav`` and
    ``a.wav``, each also without its extension, because a set may be kept in another format. Unless file names are
    unique, the end of a path counts only as the whole path of a file (``/a.wav``): ``b/a.wav`` is another file. For an
    address, only host and path together, with the query, are sure.
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        return _name_path(text.replace("\\", "/"), own_names=own_names)
    scheme, host, rest = found[1].lower(), found[2], found[3]
    path = unquote(re.split("[?#]", rest, maxsplit=1)[0]) if scheme in _WEB else rest
    query = re.split("[?#]", rest, maxsplit=1)[1:] if scheme in _WEB else []
    whole = "/".join([*_split(host), *_split(path)])
    if query:
        whole += rest[-len(query[0]) - 1 :]
    sure = _with_stem("/".join(_split(whole)))
    guesses: list[str] = []
    for read in dict.fromkeys((path, unquote(path))):
        named = _name_path(read, own_names=own_names)
        guesses += [*named.sure, *named.guesses]
    return AudioNames(sure, tuple(name for name in dict.fromkeys(guesses) if name not in sure))


def _name_path(path: str, *, own_names: bool) -> AudioNames:
    parts = _split(path)
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    if own_names:
        return AudioNames(tuple(dict.fromkeys(name for end in ends for name in _with_stem(end))))
    sure = _with_stem(ends[0]) if ends else ()
    guesses = (name for end in ends[1:] for name in _with_stem(f"/{end}"))
    return AudioNames(sure, tuple(dict.fromkeys(guesses)))


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".", "..") and not _DRIVE.fullmatch(part)]


def _with_stem(path: str) -> tuple[str, ...]:
    """Return a path with and without its extension, unless nothing else is left of the file's name."""
    stem = drop_audio_extension(path)
    return tuple(dict.fromkeys((path, path if stem.endswith("/") else stem or path))) if path else ()
