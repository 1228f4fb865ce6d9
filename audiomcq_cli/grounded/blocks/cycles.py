"""Finds fours of clips that share their sounds in a ring, so that every option is half heard in two of the clips.

An edge is a pair of sounds that a clip has. Pairs without an order close as ab, bd, dc, ca: every sound stands in two
options. Orders close as a before b, b before c, c before d, d before a, or as two pairs with their reverses: each sound
is the first of one clip and the second of another, so that whoever knows what is heard, but not the order, is right
half of the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from audiomcq_cli.grounded.blocks.matching import SIZE, Quad
from audiomcq_cli.grounded.blocks.wrong import Asked, fits_all
from audiomcq_cli.records import draw

Edge = tuple[int, int]

_TRIES = 3
"""Clips of one edge that are tried."""

_CLOSINGS = 200
"""Ways to close a ring that are tried for one clip."""


class _Graph:
    """Clips by the two sounds that they are asked about, and which sounds those connect."""

    def __init__(self, entries: Iterable[Asked]) -> None:
        self.queues: defaultdict[Edge, list[Asked]] = defaultdict(list)
        self.out: defaultdict[int, set[int]] = defaultdict(set)
        self.into: defaultdict[int, set[int]] = defaultdict(set)
        for entry in entries:
            self.queues[_edge(entry)].append(entry)
        for edge, queue in self.queues.items():
            queue.sort(key=lambda one: draw("turn", one.candidate.clip))
            self.out[edge[0]].add(edge[1])
            self.into[edge[1]].add(edge[0])

    def weigh(self, edges: Sequence[Edge]) -> tuple[int, Sequence[Edge]]:
        """Ways to close a ring in the order in which they are tried: those with most clips left first."""
        return -min(len(self.queues[edge]) for edge in edges), edges

    def remove(self, clips: set[str], edges: Iterable[Edge]) -> None:
        """Take clips out, and edges that have none left."""
        for edge in edges:
            queue = [one for one in self.queues[edge] if one.candidate.clip not in clips]
            self.queues[edge] = queue
            if not queue:
                self.out[edge[0]].discard(edge[1])
                self.into[edge[1]].discard(edge[0])


Closings = Callable[[Edge, _Graph, Callable[[int], bool]], Iterator[Sequence[Edge]]]
"""Gives the other three edges of each ring that an edge is in; what its clip hears besides is no part of it."""


def match_pairs(entries: Iterable[Asked]) -> list[Quad]:
    """Fours of clips with two sounds each: ab, ac, bd, cd."""
    return _match(entries, _close_pairs)


def match_orders(entries: Iterable[Asked]) -> list[Quad]:
    """Fours of clips with one sound before another, each sound once first and once second."""
    return _match(entries, _close_orders)


def _match(entries: Iterable[Asked], closings: Closings) -> list[Quad]:
    graph = _Graph(entries)
    edges = defaultdict(set)
    for edge, queue in graph.queues.items():
        for one in queue:
            edges[one.candidate.clip].add(edge)
    found: list[Quad] = []
    # The rarest pairs have the fewest ways to close.
    for edge in sorted(graph.queues, key=lambda edge: (len(graph.queues[edge]), draw("edge", *edge))):
        for first in list(graph.queues[edge]):
            if first not in graph.queues[edge]:
                continue
            if quad := _close(first, edge, graph, closings):
                found.append(quad)
                for one in quad:
                    clip = one.candidate.clip
                    graph.remove({clip}, edges[clip])
    return found


def _close(first: Asked, edge: Edge, graph: _Graph, closings: Closings) -> Quad | None:
    ways = sorted(islice(closings(edge, graph, first.candidate.hears), _CLOSINGS), key=graph.weigh)
    for way in ways:
        if quad := _fill([first], [graph.queues[one][:_TRIES] for one in way]):
            return quad
    return None


def _fill(chosen: list[Asked], queues: Sequence[Sequence[Asked]]) -> Quad | None:
    if len(chosen) == SIZE:
        return tuple(chosen)
    for one in queues[0]:
        if fits_all(one, chosen) and (quad := _fill([*chosen, one], queues[1:])):
            return quad
    return None


def _close_pairs(edge: Edge, graph: _Graph, hears: Callable[[int], bool]) -> Iterator[Sequence[Edge]]:
    a, b = edge

    def near(sound: int) -> set[int]:
        return graph.out[sound] | graph.into[sound]

    ends = {d for d in near(b) - {a} if not hears(d)}
    for c in sorted(near(a) - {b}):
        if not hears(c):
            for d in sorted(ends & near(c)):
                yield [_sort(a, c), _sort(b, d), _sort(c, d)]


def _close_orders(edge: Edge, graph: _Graph, hears: Callable[[int], bool]) -> Iterator[Sequence[Edge]]:
    a, b = edge
    if graph.queues.get((b, a)):
        for c in sorted(graph.out):
            if c not in (a, b) and not hears(c):
                for d in sorted(graph.out[c] & graph.into[c] - {a, b}):
                    if c < d and not hears(d):
                        yield [(b, a), (c, d), (d, c)]
    for c in sorted(graph.out[b] - {a}):
        if not hears(c):
            for d in sorted(graph.out[c] & graph.into[a] - {b}):
                if not hears(d):
                    yield [(b, c), (c, d), (d, a)]


def _edge(entry: Asked) -> Edge:
    first, second = entry.claim.events
    return first, second


def _sort(one: int, other: int) -> Edge:
    return min(one, other), max(one, other)
