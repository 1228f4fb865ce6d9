"""Blocks as a table: what a stage keeps of its plans, and what a later version reads to keep its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli import parquet
from audiomcq_cli.errors import InputError
from audiomcq_cli.grounded.blocks.matching import SIZE
from audiomcq_cli.grounded.blocks.plan import Group, Plan
from audiomcq_cli.grounded.blocks.writing import Block

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("block", "family", "ask", "question_type", "question")
_LISTS = ("options", "keys", "clips")

COLUMNS = ("group", "slot", *_TEXTS, *_LISTS, "spare")
"""One row for each block: its group and slot, and the clip of each option; and one for each clip that is in none."""


def write_table(plan: Plan) -> pa.Table:
    """Return the table of a plan: option n has key n, and is the answer of clip n; a spare clip has a row with its
    reason.
    """
    import pyarrow as pa

    types = {name: pa.list_(pa.string()) for name in _LISTS} | {"slot": pa.int32()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    return pa.Table.from_pylist(list(_list_entries(plan)), schema)


def _list_entries(plan: Plan) -> Iterator[dict[str, Any]]:
    for group in plan.groups:
        name = next(block.id for block in group.slots if block)
        for slot, block in enumerate(group.slots):
            if block:
                texts = {one: getattr(block, "id" if one == "block" else one) for one in _TEXTS}
                clips = sorted(block.answers, key=block.answers.__getitem__)
                lists = {"options": list(block.options), "keys": list(block.keys), "clips": clips}
                yield {"group": name, "slot": slot, **texts, **lists}
    for clip, reason in plan.spares.items():
        yield {"clips": [clip], "spare": reason}


def read_entries(entries: Iterable[Mapping[str, Any]]) -> Plan:
    """Return the plan of rows of such a table; spares are left out, as they are found anew."""
    groups: dict[str, dict[int, Block]] = {}
    for entry in entries:
        if entry["block"]:
            groups.setdefault(entry["group"], {})[entry["slot"]] = _read_block(entry)
    return Plan(
        tuple(
            Group(
                tuple(sorted(next(iter(blocks.values())).answers)),
                tuple(blocks.get(slot) for slot in range(max(blocks) + 1)),
            )
            for blocks in groups.values()
        ),
        {},
    )


def read_table(path: Path) -> list[dict[str, Any]]:
    """Return the blocks in a file that a stage kept, as entries.

    Raises:
        InputError: It is no such file.
    """
    import pyarrow as pa

    hint = "name .audiomcq/blocks.parquet of the generate folder of the earlier version, or a copy of it"
    try:
        entries: list[dict[str, Any]] = parquet.read_table(path).select(COLUMNS).to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(f"holds no blocks: {error}", file=str(path), hint=hint) from error
    for entry in entries:
        if entry["block"] and not all(len(entry[name] or ()) == SIZE for name in _LISTS):
            raise InputError(f"block {entry['block']!r} has not {SIZE} options", file=str(path), hint=hint)
    return [entry for entry in entries if entry["block"]]


def count_blocks(path: Path) -> int:
    """Return the number of blocks in a file that a stage kept; raises ``InputError`` for any other file."""
    return len(read_table(path))


def _read_block(entry: Mapping[str, Any]) -> Block:
    return Block(
        id=entry["block"],
        **{name: entry[name] for name in _TEXTS[1:]},
        options=tuple(entry["options"]),
        keys=tuple(entry["keys"]),
        answers={clip: place for place, clip in enumerate(entry["clips"])},
    )
