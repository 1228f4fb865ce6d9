"""What a family of questions is: what it finds in a clip, what the numbers come to, and what may be offered.

A family reads facts out of a clip, and its key is computed from those facts alone. They are kept with the row as its
``proof``, so that anybody can compute the key again; that is what ``proof.find_fault`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any, Protocol

from audiomcq_cli.grounded.measured.clip import Clip
from audiomcq_cli.measurements import MEASUREMENTS

MARGIN = 3
"""Tolerances, at least, between what is true and what a wrong option says."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of a proof: its name, its value, what it is of, its unit, how far it may be from the truth."""

    name: str
    value: float | None = None
    text: str = ""
    unit: str = ""
    tolerance: float = 0.0


Proof = Sequence[Fact]


def read_facts(entries: Iterable[Mapping[str, Any]]) -> tuple[Fact, ...]:
    """Return the facts of a row's column ``proof``."""
    return tuple(
        Fact(one["name"], one["value"], one["text"] or "", one["unit"] or "", one["tolerance"] or 0.0)
        for one in entries
    )


def write_facts(facts: Proof) -> list[dict[str, Any]]:
    """Return facts as they stand in a row."""
    return [asdict(fact) for fact in facts]


def state(name: str, value: float, text: str = "") -> Fact:
    """Return a measurement as a fact: its unit and tolerance are those of ``measurements.py``."""
    known = MEASUREMENTS[name]
    return Fact(name, round(value, 4), text, known.unit, round(known.margin(value), 4))


def pick(proof: Proof, name: str) -> list[Fact]:
    """Return the facts of one name, in their order."""
    return [fact for fact in proof if fact.name == name]


def value_of(proof: Proof, name: str) -> float:
    """Return the value of the one fact of a name.

    Raises:
        ValueError: There is none, or several, or it has no value.
    """
    [fact] = pick(proof, name)
    if fact.value is None:
        raise ValueError(f"{name} has no value")
    return fact.value


@dataclass(frozen=True, slots=True)
class Key:
    """The answer that a proof comes to.

    Attributes:
        name: Of a statement, or the option itself. numbers: Where the options are numbers.
        tolerance: How far those may be from the truth. low, high: Where an option may lie. digits: After the point.
        words: What statements are filled in with. unclear: Options that may not be offered, as they may be right too.
        others: Names of which it is known that they are wrong.
    """

    name: str = ""
    numbers: tuple[float, ...] = ()
    tolerance: float = 0.0
    low: float = 0.0
    high: float = inf
    digits: int = 1
    words: Mapping[str, str] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a family can ask about.

    Attributes:
        subject: What it is, so that a clip is not asked twice about it. proof: The facts behind the key.
        words: What the question is filled in with. near: Numbers that the clip itself offers as wrong options.
    """

    subject: object
    proof: tuple[Fact, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    near: tuple[float, ...] = ()


PickNames = Callable[[str, int], Sequence[str]]
"""Gives names of what the clip does not have: like which one, and how many."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Sources of wrong options.

    Attributes:
        names: What the clip does not have. near: Numbers of the clip itself. usual: Keys of the corpus, by how many
            clips.
    """

    names: PickNames
    near: tuple[float, ...] = ()
    usual: Mapping[str, int] = field(default_factory=dict)


Say = Callable[[Sequence[str]], str]
"""Takes one of several ways to say something, another one each time."""

Weigh = Callable[[Proof, Key, str, Say], str]
"""Weighs one option of a question against what is heard: the start of a sentence, as a listener would say it."""

Gather = Callable[[Proof, Key, Sequence[str], Say], tuple[Sequence[str], str]]
"""Takes wrong options together that one fact rules out: which those are, and a clause about them."""


class Options(Protocol):
    """The form of a family's options: how a key reads, what else is offered, and which of the choices is right."""

    @property
    def drawn_by_use(self) -> bool:
        """Return whether wrong options are drawn as often as they are keys in the corpus."""

    def show(self, key: Key, way: int) -> str:
        """Return the key as an option; ``way`` chooses among wordings."""

    def draw_wrong(self, key: Key, offer: Offer, way: int, turn: int) -> list[str]:
        """Return three wrong options, or fewer; ``turn`` is the seed of the draw."""

    def find_fault(self, key: Key, choices: Sequence[str], answer: str) -> str:
        """Return what is wrong with choices for a key, or an empty string: one of them alone has to be right."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of question.

    Attributes:
        name: As it stands in proofs and in the provenance of a row. question_type: Of its questions.
        asked: What a question of it is after, as the end of "The question is …".
        listening: Ways to find that out by ear, each a sentence; names in braces as in ``weighing.name_sounds``.
        stems: Ways to ask; names in braces are filled in with the words of what was found.
        find: What there is to ask about in a clip; silent where that is not sure.
        solve: The key of a proof; None where the numbers decide nothing.
        options: The form of its options. tell: What is heard, out of the proof. weigh: An option against that.
        balanced: Whether keys are so few that the common ones are asked about less, see ``drafts.balance``.
        alone: Whether it may be asked outside a block: not where its habits let a guesser be right who hears nothing.
        about: What it asks about, where another family asks about the same: a clip is asked by one of them.
        reasoned: Whether templates write its reasoning: not where all there is to say is that an option is not heard.
        gather: Which of its wrong options one fact rules out together, and a clause that says so.
        decisive: Whether weighing the answer says all that is heard: the short analysis begins with that.
    """

    name: str
    question_type: str
    asked: str
    listening: tuple[str, ...]
    stems: tuple[str, ...]
    find: Callable[[Clip], Iterator[Found]]
    solve: Callable[[Proof], Key | None]
    options: Options
    tell: Callable[[Proof, Say], str]
    weigh: Weigh
    balanced: bool = False
    alone: bool = True
    about: str = ""
    reasoned: bool = True
    gather: Gather | None = None
    decisive: bool = False
