"""What is known of a whole corpus, as one small table: made once, read by every shard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiomcq_cli.grounded.blocks.plan import Plan
from audiomcq_cli.grounded.blocks.table import read_entries
from audiomcq_cli.grounded.clusters import find_clusters, list_marks
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.measured.questions import Known, count_answers
from audiomcq_cli.grounded.pool import Pool
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("facet", "text", "source", "action", "verb", "gerund")
_EVENT, _COPY, _EARLIER = "event", "copy", "earlier"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a corpus.

    Attributes:
        pool: The events that are heard, as wrong options of questions about known events.
        measured: What measured families count: clips by answer, by facet (see ``count_answers``).
        clusters: Cluster by clip, of clips that have copies; only the clip that it is named after may join blocks.
        earlier: The blocks of an earlier version that are to be kept.
    """

    pool: Pool
    measured: Known
    clusters: Mapping[str, str] = field(default_factory=dict)
    earlier: Plan | None = None

    def is_copy(self, clip: str) -> bool:
        """Return whether another clip of the same recording or caption stands for this one."""
        return self.clusters.get(clip, clip) != clip


def build_table(rows: Iterable[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]] = ()) -> pa.Table:
    """Count what clips (rows of ``records.CLIP``) have in common; ``earlier``: blocks that are to be kept, as entries.

    Sounds and answers are counted of clips with known sounds, measurements or words: only these are asked alone.
    """
    events: Counter[Event] = Counter()
    answers: Counter[tuple[str, str]] = Counter()
    marks: list[tuple[str, list[str]]] = []
    for row in rows:
        marks.append((row["clip_id"], list(list_marks(row))))
        if row["measurements"] or row["events"] or row["transcript"]:
            labels = dict.fromkeys(str(event["label"]) for event in select_events(row["events"], SOURCE))
            agreed = listen(caption_texts(row["captions"])).agreed()
            events.update({*agreed, *(event for label in labels for event in listen([label]).events)})
            answers.update(count_answers(row))
    clusters = find_clusters(marks, {clip for entry in earlier for clip in entry["clips"] if entry["block"]})
    return _write(
        [
            *(
                {"facet": _EVENT, "text": event.text, **_plain(event), "clips": clips}
                for event, clips in events.items()
            ),
            *({"facet": facet, "text": option, "clips": clips} for (facet, option), clips in answers.items()),
            *({"facet": _COPY, "text": clip, "cluster": cluster, "clips": 1} for clip, cluster in clusters.items()),
            *({"facet": _EARLIER, "text": json.dumps(entry, sort_keys=True), "clips": 1} for entry in earlier),
        ]
    )


def empty_table() -> pa.Table:
    """Return the table of a corpus that is not asked about in this way."""
    return _write([])


def load_table(table: pa.Table) -> Knowledge:
    """Return the knowledge of a table."""
    by_facet: dict[str, list[Mapping[str, Any]]] = {}
    for row in table.to_pylist():
        by_facet.setdefault(row["facet"], []).append(row)
    events, copies, earlier = (by_facet.pop(facet, []) for facet in (_EVENT, _COPY, _EARLIER))
    return Knowledge(
        Pool(
            [Event(row["source"], row["action"], row["plural"], row["verb"], row["gerund"]) for row in events],
            [row["clips"] for row in events],
        ),
        {facet: {row["text"]: row["clips"] for row in rows} for facet, rows in by_facet.items()},
        {row["text"]: row["cluster"] for row in copies},
        read_entries(json.loads(row["text"]) for row in earlier) if earlier else None,
    )


def _plain(event: Event) -> dict[str, Any]:
    names = ("source", "action", "plural", "verb", "gerund")
    return {name: getattr(event, name) for name in names}


def _write(entries: Sequence[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    def key(row: Mapping[str, Any]) -> Iterator[str]:
        return (str(row.get(name) or "") for name in (*_TEXTS, "plural"))

    # Nothing is null: a column of nulls alone comes out of a file as other bytes than went in.
    blank = dict.fromkeys((*_TEXTS, "cluster"), "") | {"plural": False}
    rows = sorted(entries, key=lambda row: (row["facet"], -row["clips"], *key(row)))
    fields = [*((name, pa.string()) for name in (*_TEXTS, "cluster")), ("plural", pa.bool_()), ("clips", pa.int64())]
    return pa.Table.from_pylist([blank | row for row in rows], pa.schema(fields))
