"""Rows that a probe reads, of folders that anybody wrote: they are probed, or the error names the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.probe.asked import COLUMNS, NEEDED
from audiomcq_cli.probe.report import as_data
from audiomcq_cli.release.rows.guesses import describe_guesses, probe_tree
from audiomcq_cli.release.tree import open_tree
from tests.fuzz import fuzzed

texts = st.text(max_size=6) | st.sampled_from(("", "a dog", "A dog.", "which", "\u202e", "x" * 300))
lists = st.lists(texts, min_size=2, max_size=6)
TYPED: dict[str, st.SearchStrategy[Any]] = {"choices": lists, "answer_index": st.integers(0, 1)}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A table with the columns that are needed, now and then with values or types that no stage writes."""
    count = draw(st.sampled_from((1, 3, 45)))
    named = [*NEEDED, *draw(st.lists(st.sampled_from(sorted(set(COLUMNS) - set(NEEDED))), unique=True))]
    table = {}
    for name in named:
        right = TYPED.get(name, texts if name in NEEDED else texts | st.none())
        wild = st.sampled_from((texts | st.none(), st.integers(-9, 9), lists | st.none(), st.floats()))
        values = draw(wild) if draw(st.integers(0, 9)) == 0 else right
        table[name] = [draw(values) for _ in range(min(count, 3))] * (count // min(count, 3))
    return pa.table(table)


@fuzzed
@given(tables())
def test_any_table_is_probed_or_named(table: pa.Table) -> None:
    """What comes out is a report that can be told, or an error of ours that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, Path(folder, "part-00000-of-00001.parquet"))
        try:
            report = probe_tree(open_tree(folder))
        except InputError as error:
            assert "part-00000-of-00001.parquet" in str(error)
            return
    assert report.rows == table.num_rows
    assert describe_guesses(as_data(report)).startswith("## What can be guessed")


def test_wild_tables_are_not_all_refused() -> None:
    """Most tables that the test above makes are probed."""
    with tempfile.TemporaryDirectory() as folder:
        row = {"id": "a", "clip_id": "c", "question": "?", "choices": ["a", "b"], "answer_index": 1}
        pq.write_table(pa.Table.from_pylist([row] * 45), Path(folder, "part-00000-of-00001.parquet"))
        best = probe_tree(open_tree(folder)).best
    assert best is not None
    assert best.most.chance == pytest.approx(0.5)
