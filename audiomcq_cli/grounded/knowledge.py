"""What is known of a whole corpus, as one small table: made once, read by every shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.grounded.clauses import Event
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.measured.questions import count_answers
from audiomcq_cli.grounded.music import read_traits
from audiomcq_cli.grounded.pool import Pool
from audiomcq_cli.grounded.questions import Knowledge
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("facet", "text", "source", "action", "verb", "gerund")
_EVENT = "event"


def build_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Count the events, the musical traits and what the measured families want of clips (rows of ``records.CLIP``)."""
    events: Counter[Event] = Counter()
    traits: Counter[tuple[str, str]] = Counter()
    for row in rows:
        captions = caption_texts(row["captions"])
        labels = dict.fromkeys(str(event["label"]) for event in select_events(row["events"], SOURCE))
        events.update({*listen(captions).agreed(), *(event for label in labels for event in listen([label]).events)})
        traits.update((trait.facet, option) for trait in read_traits(captions) for option in trait.stated)
        traits.update(count_answers(row))
    entries = [
        *({"facet": _EVENT, "text": event.text, **_plain(event), "clips": clips} for event, clips in events.items()),
        *({"facet": facet, "text": option, "clips": clips} for (facet, option), clips in traits.items()),
    ]
    return _write(entries)


def empty_table() -> pa.Table:
    """The table of a corpus that is not asked about in this way."""
    return _write([])


def load_table(table: pa.Table) -> Knowledge:
    """The knowledge of a table."""
    rows = table.to_pylist()
    events = [row for row in rows if row["facet"] == _EVENT]
    traits: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["facet"] != _EVENT:
            traits.setdefault(row["facet"], {})[row["text"]] = row["clips"]
    pool = Pool(
        [Event(row["source"], row["action"], row["plural"], row["verb"], row["gerund"]) for row in events],
        [row["clips"] for row in events],
    )
    return Knowledge(pool, traits)


def _plain(event: Event) -> dict[str, Any]:
    names = ("source", "action", "plural", "verb", "gerund")
    return {name: getattr(event, name) for name in names}


def _write(entries: Sequence[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    def key(row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row.get(name) or "") for name in (*_TEXTS, "plural"))

    rows = sorted(entries, key=lambda row: (row["facet"], -row["clips"], key(row)))
    fields = [*((name, pa.string()) for name in _TEXTS), ("plural", pa.bool_()), ("clips", pa.int64())]
    return pa.Table.from_pylist([{name: row.get(name) for name, _ in fields} for row in rows], pa.schema(fields))
