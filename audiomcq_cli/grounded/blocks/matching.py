"""Puts clips into fours whose answers are wrong for each other: the most crowded answers first.

A block takes four different answers, so an answer that more than a quarter of the clips give cannot all be placed; the
same holds for sounds of one texture, as voices or engines, which can hardly stand beside each other. The commonest must
never wait: each step takes a clip of the answer that most clips are left of, of the texture that most clips are left
of, then goes down the others in that order. What nothing fits is left over. Ties are settled by hashes of ids, so
neither the order in which clips come nor the machine changes the result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from audiomcq_cli.grounded.blocks.wrong import Asked, fits, fits_all, is_by_ear
from audiomcq_cli.records import draw

SIZE = 4
"""Clips of a block."""

_TRIES = 6
"""Clips of one answer that are tried beside those already chosen."""

_REACH = 60
"""Answers that are looked through for one that goes well with the first, before any will do."""

_CHECKS = 2_000
"""Clips that are tried for one block where a search is thorough."""

_PAIRS = 100_000
"""Pairs of clips of which a thorough search remembers whether they fit."""

Quad = tuple[Asked, ...]
Akin = Callable[[Asked, Asked], bool]


def match(entries: Iterable[Asked], *akin: Akin, clashing: Akin | None = None, most: int | None = None) -> list[Quad]:
    """Fours of clips out of those of one pool, each clip with one claim.

    Args:
        entries: Clips with what they are asked; none twice.
        akin: Which answers go well together in one question, the best first. They are preferred where no texture is so
            crowded that it has to be placed.
        clashing: Which answers never stand beside each other.
        most: Fours that are wanted at most.
    """
    crowd = _Crowd(entries)
    found: list[Quad] = []
    while len(answers := crowd.rank()) >= SIZE and (most is None or len(found) < most):
        pressing = crowd.list_pressing()
        first = crowd.take(answers[0], 0)
        chosen = _choose(_Choice(first, answers[0], clashing), answers, crowd, pressing, akin)
        if len(chosen) == SIZE:
            found.append(chosen)
    return found


def match_thoroughly(entries: Iterable[Asked]) -> list[Quad]:
    """Fours of clips out of those of one pool, in which a clip may stand with several claims.

    For small pools and claims that few others fit: clips that were chosen are given back if no fourth fits them.
    """
    answers: defaultdict[str, list[Asked]] = defaultdict(list)
    for entry in sorted(entries, key=lambda one: draw("turn", one.candidate.clip)):
        answers[entry.claim.key].append(entry)
    goes = lru_cache(_PAIRS)(fits)
    found: list[Quad] = []
    placed: set[str] = set()
    firsts = [one for key in sorted(answers, key=lambda key: (len(answers[key]), key)) for one in answers[key]]
    for first in firsts:
        if first.candidate.clip in placed:
            continue
        crowded = sorted(answers, key=lambda key: (-len(answers[key]), draw("key", key)))
        quad = next(_complete((first,), crowded, answers, goes, iter(range(_CHECKS))), None)
        if quad:
            found.append(quad)
            placed |= {one.candidate.clip for one in quad}
            answers = defaultdict(
                list, {key: left for key, all_ in answers.items() if (left := _leave_out(all_, placed))}
            )
    return found


def _leave_out(entries: Sequence[Asked], placed: set[str]) -> list[Asked]:
    return [one for one in entries if one.candidate.clip not in placed]


def _complete(
    chosen: Quad, keys: Sequence[str], answers: Mapping[str, Sequence[Asked]], goes: Akin, checks: Iterator[int]
) -> Iterator[Quad]:
    """Yield fours that begin with some clips, until no check is left."""
    if len(chosen) == SIZE:
        yield chosen
        return
    for place, key in enumerate(keys):
        for one in answers[key]:
            if next(checks, None) is None:
                return
            if all(goes(other, one) for other in chosen):
                yield from _complete((*chosen, one), keys[place + 1 :], answers, goes, checks)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the clips of one answer have in common; ``event`` is none where more than hearing decides."""

    key: str
    texture: str
    event: int | None
    queue: list[Asked]


class _Crowd:
    """The clips that are left, by answer, and how many those are of each texture."""

    def __init__(self, entries: Iterable[Asked]) -> None:
        queues: defaultdict[str, list[Asked]] = defaultdict(list)
        for entry in entries:
            queues[entry.claim.key].append(entry)
        self.answers = [_describe(key, queues[key]) for key in sorted(queues, key=lambda key: draw("key", key))]
        self.textures = Counter(one.texture for one in self.answers for _ in one.queue)
        self.left = sum(len(one.queue) for one in self.answers)

    def rank(self) -> list[_Answer]:
        """Answers that are left, the most crowded first."""
        self.answers = [one for one in self.answers if one.queue]
        # A stable sort: ties stay in the order of their hashes.
        self.answers.sort(key=lambda one: (-self.textures[one.texture], -len(one.queue)))
        return self.answers

    def list_pressing(self) -> set[str]:
        """Textures so crowded that each block has to take one of them."""
        return {texture for texture, count in self.textures.items() if texture and SIZE * count >= self.left}

    def take(self, answer: _Answer, place: int) -> Asked:
        """Take out the clip of an answer that stands at a place from the end."""
        self.textures[answer.texture] -= 1
        self.left -= 1
        return answer.queue.pop(-place - 1)


def _describe(key: str, queue: list[Asked]) -> _Answer:
    claim = queue[0].claim
    by_number = sorted(queue, key=lambda one: draw("turn", one.candidate.clip))
    return _Answer(key, claim.texture, claim.events[0] if is_by_ear(claim) else None, by_number)


class _Choice:
    """Clips chosen for one block, with what they hear and are asked as bits, so that most others are ruled out fast."""

    def __init__(self, first: Asked, answer: _Answer, clashing: Akin | None) -> None:
        self.clips = [first]
        self.clashing = clashing
        self.taken: list[tuple[_Answer, int]] = []
        self.heard = first.candidate.audible
        self.asked = 0 if answer.event is None else 1 << answer.event
        self.keys = {answer.key}
        self.textures = {answer.texture}

    def find(self, answer: _Answer) -> int | None:
        """Place from the end of a clip of an answer that fits all those chosen; None where the first few do not."""
        if answer.key in self.keys or (answer.event is not None and self.heard >> answer.event & 1):
            return None
        if self.clashing and any(self.clashing(answer.queue[-1], one) for one in self.clips):
            return None
        for place, one in enumerate(answer.queue[: -_TRIES - 1 : -1]):
            if (answer.event is None or not one.candidate.audible & self.asked) and fits_all(one, self.clips):
                return place
        return None

    def add(self, answer: _Answer, place: int) -> None:
        """Choose a clip."""
        one = answer.queue[-place - 1]
        self.clips.append(one)
        self.taken.append((answer, place))
        self.heard |= one.candidate.audible
        self.asked |= 0 if answer.event is None else 1 << answer.event
        self.keys.add(answer.key)
        self.textures.add(answer.texture)


def _choose(
    choice: _Choice, answers: Sequence[_Answer], crowd: _Crowd, pressing: set[str], akin: Sequence[Akin]
) -> Quad:
    """Return a clip with three more that fit it and each other, taken out of the crowd; or fewer, and none taken.

    Those of pressing textures come first, then those that are akin, then those of another texture than any chosen, then
    any.
    """

    def presses(answer: _Answer) -> bool:
        return answer.texture in pressing and differs(answer)

    def differs(answer: _Answer) -> bool:
        return answer.texture not in choice.textures

    def shares(answer: _Answer) -> bool:
        return answer.texture in choice.textures

    turns: list[tuple[Callable[[_Answer], bool], Sequence[_Answer]]] = [
        (presses, answers),
        *((partial(_goes_with, choice.clips[0], good), answers[:_REACH]) for good in akin),
        (differs, answers),
        (shares, answers),
    ]
    for wanted, reach in turns[0 if pressing else 1 :]:
        for answer in reach:
            if not answer.queue or not wanted(answer) or (place := choice.find(answer)) is None:
                continue
            choice.add(answer, place)
            if len(choice.clips) == SIZE:
                for one, at in choice.taken:
                    crowd.take(one, at)
                return tuple(choice.clips)
    return tuple(choice.clips)


def _goes_with(first: Asked, akin: Akin, answer: _Answer) -> bool:
    return akin(first, answer.queue[-1])
