"""Footers of others: whatever stands in a Parquet file under this program's key, a reader takes a table or nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.engine.ledger.output import read_failed_run, read_pair
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.shards import read_note, shard
from tests.fuzz import fuzzed

_ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
_KEYS = st.sampled_from(["stage", "fingerprint", "items", "reasons", "rows", "run"])
_FOOTERS = st.one_of(
    st.binary(max_size=50), st.one_of(_ODD, st.dictionaries(_KEYS, _ODD)).map(lambda value: json.dumps(value).encode())
)


@fuzzed
@given(_FOOTERS)
@example(b"[" * 100_000)
@example(b'{"a":' * 3_000 + b"1" + b"}" * 3_000)
@example(b'{"stage": "\\ud800"}')
@example(b"9" * 5_000)
@example(b"\xff\xfe")
def test_footer_is_a_table_or_nothing(footer: bytes) -> None:
    """No footer ends in a traceback; one that counts as a shard's own has everything that is counted."""
    with tempfile.TemporaryDirectory() as name:
        one = shard(Path(name), 0, 1)
        one.rejects.parent.mkdir(parents=True)
        rows = pa.table({"id": ["a"]})
        pq.write_table(rows.replace_schema_metadata({b"audiomcq": footer}), one.rejects)
        assert isinstance(read_note(one.rejects), dict)
        assert isinstance(read_failed_run(one), int | None)
        pair = {"rejects": hash_file(one.rejects)}
        for kept in (footer, footer.strip()[:-1] + b", " + json.dumps(pair).encode()[1:]):
            pq.write_table(rows.replace_schema_metadata({b"audiomcq": kept}), one.path)
            note = read_pair(one)
            assert not note or (note["items"]["in"] >= 0 and note["reasons"]["failed"] is not None)
