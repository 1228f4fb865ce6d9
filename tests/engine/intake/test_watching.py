"""How far the reading of sources is: what is told, of how much, and that a stop ends it wherever it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Source, SourceRow
from audiomcq_cli.contracts.options import NoOptions
from audiomcq_cli.engine.extent import UNKNOWN, Extent, count_rows, measure
from audiomcq_cli.engine.intake.partition import partition, read_partition
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.engine.intake.watching import Watching, watched
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import Interrupted
from tests.engine import Watching as Told

ROWS = 450


def spec_of(rows: list[SourceRow], path: Path, **changes: object) -> SourceSpec:
    """A source that gives these rows."""
    source = Source(help="Some rows.", dataset="Some", read=lambda path, options: iter(rows), options=NoOptions)
    usual = {"adapter": "some", "options": NoOptions(), "path": path, "name": "Some", "source": source}
    return SourceSpec(**usual | changes)  # type: ignore[arg-type]


@given(st.integers(0, 1_000))
def test_all_rows_are_told_in_the_end(count: int) -> None:
    """Whatever the number of rows, each comes through, what is told rises, and the last of it is all of them."""
    told: list[int] = []
    rows = watched(range(count), "a", lambda name, rows, extent: told.append(rows), Extent(count))
    assert list(rows) == list(range(count))
    assert told == sorted(told)
    assert told[-1] == count


def test_extent_of_a_file(tmp_path: Path) -> None:
    """Of Parquet the rows are known, of lines about as many, of another file its bytes, of a folder nothing."""
    pq.write_table(pa.table({"a": list(range(7))}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "b.parquet").write_text("none")
    names = ("a.parquet", "a.csv", "a.json", "b.parquet", "nowhere.csv", ".")
    assert [measure(tmp_path / name) for name in names] == [
        Extent(7),
        Extent(3, about=True),
        Extent(size=3),
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ]


def test_rows_of_partitions_are_those_that_are_driven(tmp_path: Path) -> None:
    """Rows of a clip count as the one row that they become; a shard that cannot be read leaves the total unknown."""
    rows = [SourceRow(source_id=f"{number % 30}", row=number, captions=("a",)) for number in range(90)]
    parts = partition([spec_of(rows, tmp_path / "a.csv")], tmp_path / "parts", 4)
    driven = [len(list(read_partition(part))) for part in parts]
    assert count_rows(parts, joined=True) == sum(driven) == 30
    assert count_rows(parts, joined=False) == 90
    parts[0].write_bytes(b"{")
    assert count_rows(parts, joined=True) is None


def test_reading_is_shown_with_its_extent(tmp_path: Path) -> None:
    """Whoever watches is shown which source is read, how many rows were, and of how many."""
    path = tmp_path / "a.csv"
    path.write_text("a\n" * (ROWS + 1))
    rows = [SourceRow(source_id=str(number), row=number) for number in range(ROWS)]
    told = Told()
    partition([spec_of(rows, path)], tmp_path / "parts", 1, watch=Watching("caption", lambda: None, told))
    assert [(one.what, one.done, one.total, one.about) for one in told.shown] == [
        ("caption: reading Some", done, ROWS + 1, True) for done in (0, 200, 400, ROWS)
    ]


@pytest.mark.parametrize("changes", [{}, {"sample": 400}, {"guess": True}])
def test_stop_ends_every_pass(changes: dict[str, bool], tmp_path: Path) -> None:
    """A stop ends the reading also in the second pass over rows that were drawn or whose audio is guessed."""
    guesses = ("b.wav",) if changes.pop("guess", False) else ()
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio/b.wav").write_bytes(b"")
    rows = [SourceRow(source_id=str(n), row=n, audio=("a.wav",), guesses=guesses) for n in range(ROWS)]
    spec = spec_of(rows, tmp_path / "a.csv", audio_root=tmp_path / "audio", **changes)
    runtime = Runtime({}, {})
    told = Told()

    def stop_later() -> None:
        if told.shown and (told.shown[-1].done == ROWS or told.shown[-1].what != "caption: reading Some"):
            runtime.stop()
        runtime.raise_if_stopping()

    async def work() -> None:
        async with runtime:
            partition([spec], tmp_path / "parts", 1, watch=Watching("caption", stop_later, told))

    if changes or guesses:
        with pytest.raises(Interrupted):
            asyncio.run(work())
    else:
        asyncio.run(work())
    assert bool(list((tmp_path / "parts").glob("part-*"))) is not bool(changes or guesses)
