"""Keeps the questions that pass the lints and the grades of every grader."""

from __future__ import annotations

from dataclasses import dataclass

from audiomcq_cli.contracts import Chat, Context, Flow, Need, Reject, Row, Stage, option
from audiomcq_cli.mcq import Problem, heard_texts, lint, lint_block
from audiomcq_cli.records import QUESTION, VERIFIED
from audiomcq_cli.stages._blocks import hold, plan_blocks

DIMENSIONS = ("answer_consistency", "incorrect_options_quality", "language_fluency")
"""Dimensions on which a question is graded, 1 to 5 each."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Options of verify."""

    graders: tuple[str, ...] = option(("grader",), "models that grade each question; empty: only the rules check it")
    threshold: int = option(4, "lowest score that passes, for every dimension and grader", minimum=1, maximum=5)


def ask(row: Row, ctx: Context[VerifyOptions]) -> Flow:
    """Lint first, which costs nothing; then ask every grader at once."""
    held = hold(row, ctx)
    if isinstance(held, Reject):
        return held
    row = held
    if problems := _lint(row):
        return Reject(problems[0].code, "; ".join(problem.detail for problem in problems))
    variables = {
        "captions": heard_texts(row["captions"]),
        **{name: row[name] for name in ("question", "question_type", "choices", "answer")},
    }
    graders = ctx.options.graders
    chats = [Chat(model=grader, prompt="grade_question", variables=variables) for grader in graders]
    replies = (yield chats) if chats else []
    graded = [
        ({"dimension": name, **reply.value[name], "grader": grader}, reply)
        for grader, reply in zip(graders, replies, strict=True)
        for name in DIMENSIONS
    ]
    if low := [one for one in graded if one[0]["score"] < ctx.options.threshold]:
        score, reply = min(low, key=lambda one: int(one[0]["score"]))
        detail = f"{score['grader']} gave {score['score']} of 5: {score['reason']}"
        return Reject(f"grade_{score['dimension']}", detail, reply.text)
    return [
        row
        | {
            "scores": [score for score, _ in graded],
            "calls": [*row["calls"], *(reply.call for reply in replies)],
            "provenance": [*row["provenance"], *(reply.made("scores") for reply in replies)],
        }
    ]


def _lint(row: Row) -> list[Problem]:
    """Return the faults by rule; within a block, rules that compare the answer with the other options mean nothing."""
    if row["block"] is None:
        return lint(row["question"], row["choices"], row["answer"])
    return lint_block(row["question"], row["choices"])


def _list_needs(options: VerifyOptions) -> list[Need]:
    return [Need(grader, frozenset({"chat"}), distinct=True) for grader in options.graders]


def _list_prompts(options: VerifyOptions) -> tuple[str, ...]:
    return ("grade_question",) if options.graders else ()


STAGE: Stage[VerifyOptions] = Stage(
    help="Keep the questions that pass rules and graders.",
    after="generate",
    version=2,
    options=VerifyOptions,
    reads=QUESTION,
    writes=VERIFIED,
    flow=ask,
    plan=plan_blocks,
    needs=_list_needs,
    prompts=_list_prompts,
    named_only=False,
)
