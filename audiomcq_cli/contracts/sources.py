"""Sources: formats of captioned audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.rows import Reject


@dataclass(frozen=True, slots=True)
class Event:
    """A sound that a source reports in a clip, with its times in seconds from the beginning, if known."""

    label: str
    onset: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A question that a source asks about a clip, with its free-text answer, if there is one."""

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of a source, before the captions of a clip are brought together.

    Attributes:
        source_id: Id of the clip within its source; rows with the same one are the same clip.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        captions: Texts, in the order of the source.
        events: Known sounds of the clip.
        seeds: The source's own questions.
        audio: Possible names of its audio, best first, with or without the audio root; a name without an extension
            matches any audio extension.
        guesses: Names that may also belong to another row's audio, tried if no file is named as in ``audio``. A file
            that two rows could mean belongs to neither, and a row that could mean two files is rejected. A name with a
            leading slash must be the whole path of a file.
        content: Returns the bytes of the audio if the source brings them (see ``Source.brings_audio``); raises
            ``InputError``, with file and row, if they are missing.
        license: License of the audio, if the source states it.
        origin: A URL or a recording's name, if the source states it.
        problem: Why this row alone cannot be used.
    """

    source_id: str
    row: int
    captions: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    seeds: tuple[Seed, ...] = ()
    audio: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    content: Callable[[], bytes] | None = None
    license: str | None = None
    origin: str | None = None
    problem: Reject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files that a source expects, in words for people: ``audiomcq sources`` shows it.

    Attributes:
        path: Meaning of the path.
        columns: Columns or keys that are read, with their content.
        audio: Names and places of its audio files.
        rights: Known facts about licenses.
    """

    path: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    audio: str = ""
    rights: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[O]):
    """A format of captioned audio.

    Attributes:
        help: One line: the files and columns it expects.
        dataset: Default ``source_dataset`` of its clips; empty to take the name of the folder.
        read: Streams the rows of a path; raises ``InputError`` if the file itself is invalid.
        grouped: Whether all rows of a clip come together (so that a limit can stop reading early).
        audio_root: Default folder of its audio; None if it must be given.
        brings_audio: Whether its rows may include the audio itself, which is then kept in the work folder, unless a
            folder of audio is given.
        pin: For a remote source: returns the same address at a fixed state, so that it is read again only if it has
            changed. The path is then an address, not relative to the recipe.
        exact: Whether the names of its audio are always whole paths below the audio root.
        remarks: Yields lines for people about what it does not read.
        layout: What it expects, for people.
    """

    help: str
    dataset: str
    read: Callable[[Path, O], Iterator[SourceRow]]
    options: type[O]
    grouped: bool = True
    audio_root: Callable[[Path], Path] | None = None
    brings_audio: bool = False
    pin: Callable[[Path, O], Path] | None = None
    exact: bool = False
    remarks: Callable[[Path, O], Iterator[str]] | None = None
    layout: Layout = field(default_factory=Layout)
