"""Puts clips into fours whose answers are wrong for each other: the most crowded answers first.

A block takes four different answers, so an answer that more than a quarter of the clips give cannot all be placed; the
same holds for sounds of one texture, as voices or engines, which can hardly stand beside each other. The commonest must
never wait: each step takes a clip of the answer that most clips are left of, of the texture that most clips are left
of, then goes down the others in that order. What nothing fits is left over. Ties are settled by hashes of ids, so
neither the order in which clips come nor the machine changes the result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from audiomcq_cli.grounded.blocks.wrong import Asked, fits_all, is_by_ear
from audiomcq_cli.records import draw

SIZE = 4
"""Clips of a block."""

_TRIES = 6
"""Clips of one answer that are tried beside those already chosen."""

_REACH = 60
"""Answers that are looked through for one that goes well with the first, before any will do."""

Quad = tuple[Asked, ...]
Akin = Callable[[Asked, Asked], bool]


def match(entries: Iterable[Asked], *akin: Akin, most: int | None = None) -> list[Quad]:
    """Fours of clips out of those of one pool, each clip with one claim.

    Args:
        entries: Clips with what they are asked; none twice.
        akin: Which answers go well together in one question, the best first. They are preferred as long as no texture
            is so crowded that it has to be placed.
        most: Fours that are wanted at most.
    """
    crowd = _Crowd(entries)
    found: list[Quad] = []
    while len(keys := crowd.rank()) >= SIZE and (most is None or len(found) < most):
        first = crowd.take(keys[0])
        chosen = _choose(first, keys, crowd, akin if crowd.has_room() else ())
        if len(chosen) == SIZE:
            for one in chosen[1:]:
                crowd.remove(one)
            found.append(tuple(chosen))
    return found


class _Crowd:
    """The clips that are left, by answer, and how many those are of each texture."""

    def __init__(self, entries: Iterable[Asked]) -> None:
        self.queues: defaultdict[str, list[Asked]] = defaultdict(list)
        for entry in entries:
            self.queues[entry.claim.key].append(entry)
        for queue in self.queues.values():
            queue.sort(key=lambda one: draw("turn", one.candidate.clip))
        self.textures = Counter(one.claim.texture for queue in self.queues.values() for one in queue)
        self.keys = sorted(self.queues, key=lambda key: draw("key", key))
        self.texture = {key: self.queues[key][0].claim.texture for key in self.keys}
        self.left = sum(map(len, self.queues.values()))

    def rank(self) -> list[str]:
        """Answers that are left, the most crowded first."""
        self.keys = [key for key in self.keys if self.queues[key]]
        # A stable sort: ties stay in the order of their hashes.
        self.keys.sort(key=lambda key: (-self.textures[self.texture[key]], -len(self.queues[key])))
        return self.keys

    def has_room(self) -> bool:
        """Whether no texture is so crowded that each block has to take one of it."""
        return SIZE * max((count for texture, count in self.textures.items() if texture), default=0) < self.left

    def take(self, key: str) -> Asked:
        """The next clip of an answer."""
        one = self.queues[key][-1]
        self.remove(one)
        return one

    def remove(self, one: Asked) -> None:
        """Take a clip out."""
        queue = self.queues[one.claim.key]
        del queue[next(place for place in range(len(queue) - 1, -1, -1) if queue[place] is one)]
        self.textures[one.claim.texture] -= 1
        self.left -= 1


def _choose(first: Asked, keys: Sequence[str], crowd: _Crowd, akin: Sequence[Akin]) -> list[Asked]:
    """A clip with three more that fit it and each other, or fewer.

    Those that are akin come first, then those of another texture than any chosen, then any.
    """
    chosen = [first]

    def is_other(one: Asked) -> bool:
        return not one.claim.texture or all(one.claim.texture != other.claim.texture for other in chosen)

    turns = [*((partial(good, first), keys[:_REACH]) for good in akin), (is_other, keys), (None, keys)]
    for wanted, reach in turns:
        for key in reach:
            queue = crowd.queues[key]
            if not queue or any(one.claim.key == key for one in chosen) or (wanted and not wanted(queue[-1])):
                continue
            claim = queue[-1].claim
            if is_by_ear(claim) and any(one.candidate.hears(claim.events[0]) for one in chosen):
                continue
            if one := next((one for one in queue[: -_TRIES - 1 : -1] if fits_all(one, chosen)), None):
                chosen.append(one)
                if len(chosen) == SIZE:
                    return chosen
    return chosen
