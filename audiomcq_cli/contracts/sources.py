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
    """A sound that a source says is in a clip, with its times in seconds from the beginning where they are known."""

    label: str
    onset: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A question that a source itself asks of a clip, with its answer in free text where there is one."""

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of a source, before the captions of a clip are brought together.

    Attributes:
        source_id: The clip's id within its source; rows with the same one are the same clip.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        captions: Texts, in the order of the source. events: Sounds that are known to be in it. seeds: Questions of the
            source's own.
        audio: Names its audio may have, best first, without or relative to the audio root; a name without an extension
            matches any audio extension.
        guesses: Names that may as well be those of another row's audio, looked for where none of ``audio`` is there. A
            file that two rows could mean by them is nobody's, and a row that could mean two files by them is rejected.
            One with a slash before it has to be the whole path of a file.
        content: Gives the bytes of its audio, where the source itself brings them (see ``Source.brings_audio``); raises
            ``InputError``, with file and row, where they are not there.
        license, origin: Of the audio, where the source says so (origin: a URL or a recording's name).
        problem: Why this row cannot be used, where it alone is at fault.
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
    """What a source expects to find, for people who have it before them: ``audiomcq sources`` shows it.

    Attributes:
        path: What is given as its path. columns: Columns or keys that are read, and what each holds.
        audio: Names that its audio files may have, and where. rights: What is known of licenses.
    """

    path: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    audio: str = ""
    rights: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[O]):
    """A format of captioned audio.

    Attributes:
        help: One line: the files and columns it expects. dataset: Default ``source_dataset`` of its clips;
            empty to take the name of the folder.
        read: Streams the rows of a path; raises ``InputError`` where the file itself is wrong.
        grouped: Whether all rows of a clip come together (so that a limit can stop reading early).
        audio_root: Where its audio lies by default; None where it has to be told.
        brings_audio: Whether its rows may bring the audio itself, which is then kept in the work folder, unless a
            folder of audio is given.
        pin: For what does not lie on this machine: the same address at a fixed state, so that it is read once and
            again only when it has changed. The path is then an address, not relative to the recipe.
        exact: Whether the names of its audio are whole paths below the audio root, and never the ends of some.
        remarks: Says, in lines for people, what of a path it does not read.
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
