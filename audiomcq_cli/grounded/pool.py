"""What is heard in the whole corpus: where wrong options come from.

The pool holds the distinct events of all clips, with how many clips have each. An event that is not stated or implied
by a clip's own captions can be a wrong option there. Picks are by weighted rendezvous hashing: every event draws a
number that depends on the question and on itself, so an event that joins the pool takes the place of another in a few
questions and moves nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import Scene, listen
from audiomcq_cli.grounded.lexicon import SOMETHING, load
from audiomcq_cli.records import draw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Pool:
    """The events of a corpus, and in how many clips each is heard."""

    events: Sequence[Event]
    clips: Sequence[int]

    @cached_property
    def _numbers(self) -> npt.NDArray[np.uint64]:
        import numpy as np

        return np.array([draw(event.text) for event in self.events], np.uint64)

    @cached_property
    def _weights(self) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.array(self.clips, np.float64)

    def rank(self, *key: str | int) -> Iterator[Event]:
        """All events in the order drawn for a key, common ones rather first (Efraimidis and Spirakis, 2006).

        As often as they are heard: an answer that is commoner than the options beside it could be guessed.
        """
        import numpy as np

        # SplitMix64's finaliser over both numbers: a hash for each event costs a hundred times as much.
        mixed = self._numbers ^ np.uint64(draw(*key))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        order = np.argsort(-np.log((mixed.astype(np.float64) + 1) / 2.0**64) / self._weights, kind="stable")
        return (self.events[place] for place in order)

    def pick_like(self, label: str, scene: Scene, count: int, *key: str | int) -> list[str]:
        """Names of events that a scene has not, and that differ in what they are.

        Args:
            label: What they stand beside; events of its kind come first. scene: What is heard. count: How many.
            key: What to draw by.
        """
        events = listen([label]).events
        like = kind_of(events[0].source) if events else SOMETHING
        found: dict[str, Event] = {}
        spare: dict[str, Event] = {}
        for event in self.rank(*key, label):
            into = found if kind_of(event.source) == like else spare
            if (into is spare and len(spare) == count) or event.text in into or is_implied(event, scene):
                continue
            if any(_is_alike(event, other) for other in into.values()):
                continue
            into[event.text] = event
            if len(found) == count:
                break
        rest = (text for text, event in spare.items() if not any(_is_alike(event, other) for other in found.values()))
        return list(dict.fromkeys([*found, *rest]))[:count]


def kind_of(source: str) -> str:
    """Kind of a source by name; what nobody is named for is a kind of its own."""
    return SOMETHING if source == SOMETHING else load().sources[source].kind


def is_implied(event: Event, scene: Scene) -> bool:
    """Return whether the captions of a clip state an event, or something that it may be taken for, or part of, or a
    kind of.

    Two people are told apart ("a man speaking", "a woman speaking"), unless the captions leave open who it is.
    """
    lexicon = load()
    action = lexicon.actions[event.action]
    tags = set(action.tags)
    done = any(lexicon.alike(event.action, other) for other in scene.actions)
    if event.source == SOMETHING:
        implied = done
    else:
        source = lexicon.sources[event.source]
        tags |= set(source.tags)
        close = any(lexicon.same(event.source, other) for other in scene.sources)
        anybody = not any(kind_of(other) == "person" for other in scene.sources)
        implied = (done and (close or anybody)) if source.kind == "person" else (done or close)
    if implied:
        return True
    named = [lexicon.actions[name] for name in scene.actions]
    if any(tags & set(other.tags) for other in named if other.vague):
        return True
    if not action.vague:
        return False
    heard = {tag for other in named for tag in other.tags}
    heard |= {tag for name in scene.sources for tag in lexicon.sources[name].tags}
    return bool(tags & heard)


def _is_alike(one: Event, other: Event) -> bool:
    """Return whether two wrong options would be nearly the same: they share what is done, or what does it (people
    aside).
    """
    same_source = one.source == other.source and kind_of(one.source) not in ("person", SOMETHING)
    return same_source or one.action == other.action
