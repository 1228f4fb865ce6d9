"""Puts clips into fours whose answers are wrong for each other: the most crowded answers first.

A block takes four different answers, so an answer that more than a quarter of the clips give cannot all be placed; the
commonest must never wait. Each step takes a clip of the answer that most clips are left of, then goes down the others
by how many they have. What nothing fits is left over. Ties are settled by hashes of ids, so neither the order in which
clips come nor the machine changes the result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from audiomcq_cli.grounded.blocks.wrong import Asked, fits_all
from audiomcq_cli.records import draw

SIZE = 4
"""Clips of a block."""

_TRIES = 6
"""Clips of one answer that are tried beside those already chosen."""

_REACH = 60
"""Answers that are looked through for one that goes well with the first, before any will do."""

Quad = tuple[Asked, ...]
Akin = Callable[[Asked, Asked], bool]


def match(entries: Iterable[Asked], akin: Akin | None = None) -> list[Quad]:
    """Fours of clips out of those of one pool, each clip with one claim.

    Args:
        entries: Clips with what they are asked; none twice.
        akin: Which answers go well together in one question. They are preferred as long as no answer is so crowded
            that it has to be placed.
    """
    queues = _sort(entries)
    keys = sorted(queues, key=lambda key: (-len(queues[key]), draw("key", key)))
    left = sum(map(len, queues.values()))
    found: list[Quad] = []
    while left >= SIZE and len(keys) >= SIZE:
        keys.sort(key=lambda key: -len(queues[key]))  # stable: ties stay in the order of their hashes
        while keys and not queues[keys[-1]]:
            keys.pop()
        if len(keys) < SIZE:
            break
        first = queues[keys[0]].pop()
        left -= 1
        free = akin if akin and SIZE * (len(queues[keys[0]]) + 1) < left else None
        chosen = _choose(first, keys[1:], queues, free)
        if len(chosen) == SIZE:
            for one in chosen[1:]:
                queues[one.claim.key].remove(one)
            left -= SIZE - 1
            found.append(tuple(chosen))
    return found


def _choose(first: Asked, keys: Sequence[str], queues: dict[str, list[Asked]], akin: Akin | None) -> list[Asked]:
    """A clip with three more that fit it and each other, or fewer."""
    chosen = [first]
    taken: set[str] = set()
    for wanted, reach in ((akin, _REACH), (None, len(keys))):
        if wanted is None and akin is not None and len(chosen) == SIZE:
            break
        for key in keys[:reach]:
            if len(chosen) == SIZE:
                return chosen
            if key in taken or not queues[key] or (wanted and not wanted(first, queues[key][-1])):
                continue
            if one := next((one for one in queues[key][: -_TRIES - 1 : -1] if fits_all(one, chosen)), None):
                chosen.append(one)
                taken.add(key)
    return chosen


def _sort(entries: Iterable[Asked]) -> dict[str, list[Asked]]:
    """The clips of each answer, in the order of their hashes."""
    queues: defaultdict[str, list[Asked]] = defaultdict(list)
    for entry in entries:
        queues[entry.claim.key].append(entry)
    for queue in queues.values():
        queue.sort(key=lambda one: draw("turn", one.candidate.clip))
    return dict(queues)
