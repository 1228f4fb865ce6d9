"""What is heard in the whole corpus: where wrong options come from.

The pool holds the distinct events of all clips, with how many clips have each. An event that is not stated or implied
by a clip's own captions can be a wrong option there. Picks are by weighted rendezvous hashing: every event draws a
number that depends on the question and on itself, so an event that joins the pool takes the place of another in a few
questions and moves nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from audiomcq_cli.grounded.clauses import Event
from audiomcq_cli.grounded.hearing import Scene
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
    def sources(self) -> Mapping[str, Mapping[str, int]]:
        """How often each source is heard, by kind."""
        return self._tally(lambda event: (kind_of(event.source), event.source))

    @cached_property
    def actions(self) -> Mapping[str, Mapping[str, int]]:
        """How often each action is heard, by kind of who does it."""
        return self._tally(lambda event: (kind_of(event.source), event.action))

    @cached_property
    def doers(self) -> Mapping[str, Mapping[str, int]]:
        """How often each source is heard, by action."""
        return self._tally(lambda event: (event.action, event.source))

    def _tally(self, key: Callable[[Event], tuple[str, str]]) -> Mapping[str, Mapping[str, int]]:
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for event, clips in zip(self.events, self.clips, strict=True):
            group, name = key(event)
            found[group][name] += clips
        return found

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

    def pick(
        self,
        like: str,
        accept: Callable[[Event], bool],
        name: Callable[[Event], str],
        count: int,
        *key: str | int,
        only: bool = False,
    ) -> list[str]:
        """Names of events that are accepted and differ in what they are.

        Args:
            like: Kind that is wanted; others follow where it has too few, unless ``only`` it will do.
            accept, name: Which events will do, and as what they stand. count: How many. key: What to draw by.
        """
        found: dict[str, Event] = {}
        spare: dict[str, Event] = {}
        for event in self.rank(*key):
            into = found if kind_of(event.source) == like else spare
            if into is spare and (only or len(spare) == count):
                continue
            text = name(event)
            if text in into or not accept(event):
                continue
            if not only and any(_is_alike(event, other) for other in into.values()):
                continue
            into[text] = event
            if len(found) == count:
                break
        rest = (text for text, event in spare.items() if not any(_is_alike(event, other) for other in found.values()))
        return list(dict.fromkeys([*found, *rest]))[:count]


def kind_of(source: str) -> str:
    """Kind of a source by name; what nobody is named for is a kind of its own."""
    return SOMETHING if source == SOMETHING else load().sources[source].kind


def is_implied(event: Event, scene: Scene) -> bool:
    """Whether the captions of a clip state an event, or something that it may be taken for, or part of, or a kind of.

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
    """Whether two wrong options would be nearly the same: they share what is done, or what does it (people aside)."""
    same_source = one.source == other.source and kind_of(one.source) not in ("person", SOMETHING)
    return same_source or one.action == other.action
