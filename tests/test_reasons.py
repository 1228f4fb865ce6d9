"""Reason codes: every one that the code can give to a rejected or failed item stands in docs/reasons.md.

A code is a text in one of a few places: what ``Reject`` and its like are made of, and what a failed call is made of.
The test reads them off the source. Where such a place holds an expression, ``PASSED_ON`` says what it can be; an
expression that is not there fails the test, and so does a code without a row, or a row without a code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

from audiomcq_cli.engine.executors.workers import CRASHES
from audiomcq_cli.engine.exporting import audio
from audiomcq_cli.engine.exporting.rows import NO_RECORD
from audiomcq_cli.grounded.blocks.plan import ALONE, DUPLICATE, NOTHING
from audiomcq_cli.mcq import LINTS
from audiomcq_cli.records import AUDIO_MISSING
from audiomcq_cli.stages import _blocks, _describe, cot, split, verify
from tests.cli import ROOT

PACKAGE = ROOT / "audiomcq_cli"
PLACES = {"Reject": 0, "Problem": 0, "reject_row": 2}
"""Which argument is the code, by the name of what is called; others take it by the name ``error`` or ``code``."""

CALLS = ("Entry", "Reply", "replace", "CallUnavailable", "CallRefused", "CallDenied")

PASSED_ON: Mapping[tuple[str, str], Sequence[str]] = {
    # codes that are put together, or chosen
    ("backends/_answers.py", "f'finish_{said}'"): ["finish_*"],
    ("backends/_openai.py", "code"): ["status_*"],
    ("backends/openai_batch.py", "code"): ["no_response"],
    ("engine/flows/replies.py", "completion.finish_reason"): ["content_filter", "refusal"],
    ("engine/flows/replies.py", "error"): ["not_json", "schema"],
    ("engine/executors/workers.py", "CRASHES"): [CRASHES],
    ("mcq.py", "code"): list(LINTS),
    ("stages/_describe.py", "TOO_LONG_TO_HEAR"): [_describe.TOO_LONG_TO_HEAR],
    ("stages/_describe.py", "UNDESCRIBED"): [_describe.UNDESCRIBED],
    ("stages/caption.py", "AUDIO_MISSING"): [AUDIO_MISSING],
    ("stages/caption.py", "name"): ["silent", "clipped"],
    ("stages/cot.py", "code"): ["cot_tags", "cot_mentions_text", "cot_too_short", "cot_too_long"],
    ("stages/cot.py", "f\"grade_{score['dimension']}\""): [f"grade_{name}" for name in cot.DIMENSIONS],
    ("stages/_blocks.py", "BROKEN"): [_blocks.BROKEN],
    ("stages/generate.py", "lack.reason"): [NOTHING, DUPLICATE, ALONE],
    ("stages/import_.py", "AUDIO_MISSING"): [AUDIO_MISSING],
    ("stages/verify.py", "f\"grade_{score['dimension']}\""): [f"grade_{name}" for name in verify.DIMENSIONS],
    # codes that came from another of these places
    ("engine/exporting/audio.py", "AUDIO_MISSING"): [AUDIO_MISSING],
    ("engine/exporting/audio.py", "CHANGED"): [audio.CHANGED],
    ("engine/exporting/audio.py", "UNREADABLE"): [audio.UNREADABLE],
    ("engine/exporting/rows.py", "NO_RECORD"): [NO_RECORD],
    ("engine/exporting/rows.py", "made.reason"): [],
    ("engine/flows/answerers.py", "error.code"): [],
    ("engine/flows/asker.py", "entry.error"): [],
    ("engine/batch/rounds.py", "reply.code"): [],
    ("engine/ledger/output.py", "reason"): [],
    ("engine/ledger/output.py", "row['reason']"): [],
    ("engine/intake/sources.py", "problem.reason"): [],
    ("importers/_questions.py", "problem.code"): [],
    ("sources/_csv.py", "reason"): [],
    ("stages/_listen.py", "reply.error"): [],
    ("stages/_listen.py", "reply.value['problem']"): [],
    ("stages/caption.py", "measured['problem']"): [],
    ("stages/caption.py", "reply.error"): [],
    ("stages/caption.py", "row['problem']['reason']"): [],
    ("stages/cot.py", "attempt.problems[0].code"): [],
    ("stages/import_.py", "measured['problem']"): [],
    ("stages/import_.py", "reply.error"): [],
    ("stages/import_.py", "row['problem']['reason']"): [],
    ("stages/verify.py", "problems[0].code"): [],
    # no code: the column that holds it
    ("records.py", "Column('string', 'reason code')"): [],
}  # fmt: skip
"""By file and expression: what it can be, or nothing where it comes from one of the other places."""

DOCUMENTED = re.compile(r"^\| `([a-z0-9_]+\*?)` \|", re.MULTILINE)


def test_every_code_is_documented() -> None:
    """docs/reasons.md has a row for each code that an item can get, and no other rows."""
    codes = {plan.reason for plan in split.PLANS.values()}
    used = set()
    for place in set(list_codes()):
        if place in PASSED_ON:
            used.add(place)
            codes |= {*PASSED_ON[place]}
        else:
            code = ast.literal_eval(place[1])
            codes.add("status_*" if code.startswith("status_") else code)
    assert used == PASSED_ON.keys()
    assert set(DOCUMENTED.findall((ROOT / "docs/reasons.md").read_text("utf-8"))) == codes


def list_codes() -> Iterator[tuple[str, str]]:
    """Every code, or expression that stands for codes, with the file that it is in."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "release") or path.is_relative_to(PACKAGE / "cli"):
            continue  # they name no items
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            for value in find_values(node):
                for one in split_choice(value):
                    yield path.relative_to(PACKAGE).as_posix(), ast.unparse(one)


def find_values(node: ast.AST) -> Iterator[ast.expr]:
    """What stands where a code does."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in PLACES and len(node.args) > PLACES[name]:
            yield node.args[PLACES[name]]
        if name in CALLS:
            yield from (keyword.value for keyword in node.keywords if keyword.arg in ("error", "code"))
    if isinstance(node, ast.Dict):
        named = {
            key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
        }
        if "detail" in named:
            yield from (named[key] for key in ("problem", "reason") if key in named)


def split_choice(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from split_choice(value.body)
        yield from split_choice(value.orelse)
    else:
        yield value
