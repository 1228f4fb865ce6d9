"""Turns the counts of a release into plain data: ``statistics.json``. Plots and card take all their numbers from it.

Its schema is ``schemas/statistics.json``. Its numbers do not depend on when or where a release is built.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.records import LABELS
from audiomcq_cli.release.rows.statistics import EDGES, Counts, Histogram, Statistics

FORMAT = 1

STATUSES = ("right", "wrong", "unparsable")


def summarize(
    statistics: Statistics, manifest: Mapping[str, Any], guessed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the counts of a release, and of the items that its stages dropped.

    The latter come from the manifest of the stage folder. ``guessed``: what can be guessed from the text alone, as
    ``probe.report`` gives it, where that was probed.
    """
    origins = statistics.origins
    return {
        "format": FORMAT,
        "questions": statistics.rows,
        "clips": statistics.clips.total(),
        "labels": _label_counts(origins, ()),
        "question_types": {kind: _label_counts(origins, (1,), kind) for kind in _values(origins, 1)},
        "sources": {source: _describe_source(statistics, source) for source in _values(origins, 0)},
        "subsets": _totals(statistics.questions, 0),
        **{name: _pick(statistics.groups, name) for name in ("method", "difficulty", "skill")},
        "blocks": {state: statistics.blocks[(state,)] for state in ("whole", "broken", "alone")},
        "choices": _totals(statistics.positions, 0),
        "answer_positions": _describe_positions(statistics.positions),
        "duration": _describe_sizes("duration", statistics.sizes.get("duration", Histogram())),
        "lengths": {
            name: _describe_sizes(name, statistics.sizes.get(name, Histogram())) for name in EDGES if name != "duration"
        },
        "judges": _describe_judges(statistics.votes),
        "stages": [
            {"stage": step["stage"], "items": step["items"], "reasons": step["reasons"]} for step in manifest["lineage"]
        ],
        **({"probe": guessed} if guessed is not None else {}),
    }


def write_json(value: object) -> str:
    """Return JSON in the form that all files of a release have."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _values(counts: Counts, place: int) -> list[str]:
    return sorted({key[place] for key in counts})


def _totals(counts: Counts, place: int) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for key, rows in counts.items():
        totals[key[place]] += rows
    return dict(totals)


def _pick(counts: Counts, name: str) -> dict[str, int]:
    """Return the counts of one column; empty if no row has a value."""
    found = {value: rows for (column, value), rows in counts.items() if column == name}
    return found if any(found) else {}


def _label_counts(counts: Counts, places: Sequence[int], *wanted: str) -> dict[str, int]:
    """Count questions by label, over the keys with the given values in the given places."""
    totals = dict.fromkeys(LABELS, 0)
    for key, rows in counts.items():
        if all(key[place] == value for place, value in zip(places, wanted, strict=True)):
            totals[key[-1]] += rows
    return totals


def _describe_source(statistics: Statistics, source: str) -> dict[str, Any]:
    kinds = sorted({kind for name, kind, _ in statistics.origins if name == source})
    return {
        "clips": statistics.clips[(source,)],
        "labels": _label_counts(statistics.origins, (0,), source),
        "question_types": {kind: _label_counts(statistics.origins, (0, 1), source, kind) for kind in kinds},
        "licenses": {license: rows for (name, license), rows in statistics.licenses.items() if name == source},
    }


def _describe_positions(positions: Counts) -> list[dict[str, Any]]:
    """Return the right answers at each position, and their expected number if all positions were equally likely."""
    counts = [(int(choices), int(place), rows) for (choices, place), rows in positions.items()]
    return [
        {
            "position": position,
            "questions": sum(rows for _, place, rows in counts if place == position),
            "expected": round(sum(rows / choices for choices, _, rows in sorted(counts) if position < choices), 3),
        }
        for position in range(max((choices for choices, *_ in counts), default=0))
    ]


def _describe_sizes(name: str, sizes: Histogram) -> dict[str, Any]:
    edges = EDGES[name]
    unit, scale = ("seconds", 1_000) if name == "duration" else ("characters", 1)

    def whole(value: int | None) -> float | int | None:
        return value if value is None or scale == 1 else value / scale

    counts = sizes.bins or (0,) * len(edges)
    return {
        "unit": unit,
        "count": sizes.count,
        "sum": whole(sizes.total),
        "mean": round(sizes.total / scale / sizes.count, 3) if sizes.count else None,
        "min": whole(sizes.least) if sizes.count else None,
        "max": whole(sizes.greatest) if sizes.count else None,
        "bins": [
            {"from": whole(edge), "below": whole(above), "count": count}
            for edge, above, count in zip(edges, (*edges[1:], None), counts, strict=True)
        ],
    }


def _describe_judges(votes: Counts) -> list[dict[str, Any]]:
    judges = sorted({key[:4] for key in votes})
    return [
        {
            **dict(zip(("judge", "model", "revision", "condition"), judge, strict=True)),
            **_score({key[4:]: count for key, count in votes.items() if key[:4] == judge}),
            "question_types": {
                kind: _score({key[4:]: count for key, count in votes.items() if key[:5] == (*judge, kind)})
                for kind in sorted({key[4] for key in votes if key[:4] == judge})
            },
        }
        for judge in judges
    ]


def _score(votes: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Return answers by status, the accuracy of the readable ones, and the accuracy of guessing."""
    counts = dict.fromkeys(STATUSES, 0)
    guessed = 0.0
    for (_, choices, status), answers in sorted(votes.items()):
        counts[status] = counts.get(status, 0) + answers
        guessed += answers / int(choices)
    whole = sum(counts.values())
    readable = whole - counts["unparsable"]
    return {
        "answers": whole,
        **counts,
        "accuracy": round(counts["right"] / readable, 6) if readable else None,
        "chance": round(guessed / whole, 6),
    }
