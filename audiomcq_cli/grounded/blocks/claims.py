"""What a clip offers to blocks: its claims, and what decides whether an option is wrong for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audiomcq_cli.grounded.measured.family import Family, Key


@dataclass(frozen=True, slots=True)
class Claim:
    """One question that could be asked about a clip, with the clip's answer.

    Attributes:
        family: Kind of question.
        ask: What the question is about beyond its family, as ``the man`` in "What is the man doing?". Only claims of
            one family and one ``ask`` share a block.
        key: The answer as it is compared: two claims with one key never share a block.
        texts: The answer as an option, in one wording or several.
        events: Numbers of the events that must be heard for the answer to be true (see ``events``).
        kind: Class of the answer, by which plausible options are matched.
        texture: What the sound is like to the ear (see ``events.find_texture``): two of one texture can hardly share a
            block, so that a crowded texture has to be placed first.
        words: What the stems of the family are filled in with.
        solved: Key of a measured family, with the family that compares it.
    """

    family: str
    ask: str
    key: str
    texts: tuple[str, ...]
    events: tuple[int, ...] = ()
    kind: str = ""
    texture: str = ""
    words: Mapping[str, str] = field(default_factory=dict, compare=False)
    solved: tuple[Family, Key] | None = field(default=None, compare=False)

    @property
    def pool(self) -> tuple[str, str]:
        """Return what the claims of one block have in common."""
        return self.family, self.ask


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip that may join a block.

    Attributes:
        clip: Id. cluster: Recordings or captions that are the same share one; a clip of its own has its id.
        claims: What it can be asked.
        audible: The events that its captions state or imply, or that a listener may take for one of those, as the bits
            of an integer (see ``events.list_audible``): none of them is a wrong option.
        orders: Pairs of events of which the captions state that the first is over before the second is heard.
        sources, actions: Everything that the captions name.
        traits: Numbers of what is so much as mentioned of the music (see ``music.Trait``).
    """

    clip: str
    cluster: str
    claims: tuple[Claim, ...]
    audible: int = 0
    orders: frozenset[tuple[int, int]] = frozenset()
    sources: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    traits: frozenset[int] = frozenset()

    def hears(self, event: int) -> bool:
        """Return whether an event is stated or implied, or easily taken for one that is."""
        return bool(self.audible >> event & 1)

    def find(self, family: str, ask: str, key: str) -> Claim | None:
        """Return the claim of a family, about something, with a key; None where the clip has none."""
        return next((one for one in self.claims if (one.family, one.ask, one.key) == (family, ask, key)), None)
