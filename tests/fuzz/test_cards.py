"""Cards of others: whatever their YAML says, one reader takes it or refuses it in our words."""

from __future__ import annotations

import contextlib
import re

from hypothesis import example, given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.check.card import check_card
from audiomcq_cli.release.front_matter import read_metadata
from audiomcq_cli.release.marked import find_theirs, read_former
from tests.fuzz import fuzzed

_LAUGHS = "a: &a [1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(20)
)
_SCALARS = st.sampled_from(
    ["2026-13-45", "!!int ''", "!!bool maybe", "!!timestamp x", "!!python/name:os.system x", "9" * 5_000, "0b", "*x",
     "&x [*x]", "{? [1] : 2}", "!!binary '####'", "<<: [1]", "[" * 4_000, "\x00", "- " * 300, "5", "null", "'",
     "%", "@"]
)  # fmt: skip
_LINES = st.lists(
    st.tuples(
        st.sampled_from(["license", "configs", "tags", "dataset_info", "language", "mine", "<<", "1"]),
        st.one_of(_SCALARS, st.text(max_size=20)),
    ).map(": ".join),
    max_size=8,
).map("\n".join)


@fuzzed
@given(st.one_of(_LINES, st.text(max_size=200)), st.sampled_from(["", "\n", " \n\n", "\ufeff", "x"]))
@example(_LAUGHS, "")
@example("license: 5\nday: 2026-13-45", "\n")
def test_card_is_read_or_refused(yaml: str, before: str) -> None:
    """``publish``, ``validate`` and ``diff`` agree about every card, and end soon."""
    card = f"{before}---\n{yaml}\n---\n\nText.\n".encode("utf-8", "replace")
    text = card.decode()
    read = refused = None
    try:
        read = read_former(text)
    except InputError as error:
        refused = str(error)
        assert error.hint
    list(check_card(card, ["data/sft/weak-00000-of-00001.parquet"], None))
    with contextlib.suppress(InputError):
        find_theirs(text, ())
    try:
        read_metadata(card)
        assert read is not None
    except InputError as error:
        assert refused is not None or "no YAML between" in str(error)
        assert not re.search(r"Traceback|object at 0x", str(error))
