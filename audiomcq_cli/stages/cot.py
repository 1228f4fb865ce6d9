"""Writes the reasoning that leads to a question's answer: in three stages, and condensed into one paragraph.

Both are checked by rules and graded. The writer is told what is wrong and tries once more. Grounded questions with a
proof need no writer: templates state what is heard, by the numbers of that proof, and weigh every option against it.
Grounded questions that captions answer get no reasoning, unless the writer writes it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.contracts import Chat, Context, Flow, Need, Reject, Reply, Request, Row, Stage, option
from audiomcq_cli.grounded.measured import telling
from audiomcq_cli.mcq import Problem, fold, heard_texts, mentions_text
from audiomcq_cli.records import REASONED, VERIFIED
from audiomcq_cli.stages._blocks import hold, plan_blocks

STAGES = ("stage1", "stage2", "stage3")
"""Tags of the structured reasoning: the question, the audio, the choices."""

DIMENSIONS = ("reasoning_logic_fidelity", "simple_reasoning_logic_fidelity")
"""Dimensions on which reasoning is graded, 1 to 5 each."""

STAGE_LENGTH = (20, 2000)
"""Least and most characters of a stage."""

SIMPLE_LENGTH = (40, 1000)
"""Least and most characters of the simple reasoning."""

# Stages and analysis come as plain text and get their tags here; a tag inside would break the parsing by a trainer.
_TAG = re.compile(r"</?\s*[a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CotOptions:
    """Options of cot."""

    writer: str = option(
        "writer", "model that writes the reasoning; empty: templates write it where numbers prove the answer"
    )
    templated: tuple[str, ...] = option(
        ("grounded",),
        "methods of generate whose questions get their reasoning from templates, even if there is a writer",
    )
    grader: str = option("grader", "model that grades the reasoning; empty: only the rules check it")
    threshold: int = option(4, "lowest score that passes, for both dimensions", minimum=1, maximum=5)
    attempts: int = option(2, "how often the writer may write the reasoning before the question is rejected", minimum=1)


def ask(row: Row, ctx: Context[CotOptions]) -> Flow:
    """Write, check and grade; write again with the faults until the reasoning passes or no attempt is left."""
    held = hold(row, ctx)
    if isinstance(held, Reject):
        return held
    row = held
    if not ctx.options.writer or row["method"] in ctx.options.templated:
        return _compose(row)
    calls: list[Row] = list(row["calls"])
    feedback: list[str] = []
    for sample in range(ctx.options.attempts):
        attempt = yield from _write(row, ctx.options, sample, feedback)
        calls += [reply.call for reply in attempt.replies]
        if not attempt.problems:
            made = zip(attempt.replies, ("structured_cot", "simple_cot", "scores"), strict=False)
            provenance = [*row["provenance"], *(reply.made(column) for reply, column in made)]
            scores = [*row["scores"], *attempt.scores]
            return [{**row, **attempt.texts, "scores": scores, "calls": calls, "provenance": provenance}]
        feedback = [problem.detail for problem in attempt.problems]
    return Reject(attempt.problems[0].code, "; ".join(feedback), attempt.replies[-1].text)


def _compose(row: Row) -> list[Row]:
    """Return the question with reasoning from templates; without any where nothing is proved or a rule is broken."""
    without = [row | {"structured_cot": None, "simple_cot": None}]
    told = telling.compose_proved(row) if row["proof"] else None
    if not told:
        return without
    parts, analysis = told
    if check_structured(parts, row["question_type"], row["choices"], row["answer"]) or check_simple(analysis):
        return without
    made = {"model": "template", "revision": telling.VERSION, "prompt": "", "prompt_version": ""}
    texts = {"structured_cot": compose_structured(parts), "simple_cot": compose_simple(analysis)}
    return [row | texts | {"provenance": [*row["provenance"], *({"column": name} | made for name in texts)]}]


def compose_structured(parts: Mapping[str, str]) -> str:
    """Return the three stages in their tags, one a line."""
    return "\n".join(f"<{name}>{parts[name].strip()}</{name}>" for name in STAGES)


def compose_simple(analysis: str) -> str:
    """Return the simple reasoning in its tags."""
    return f"<simple analysis>{analysis.strip()}</simple analysis>"


def check_structured(
    parts: Mapping[str, str], question_type: str, choices: Sequence[str], answer: str
) -> list[Problem]:
    """Return what is wrong with the three stages: tags, lengths, mentions of a text, and the
    endings of stages 1 and 3.
    """
    problems = [problem for name in STAGES for problem in _check_text(name, parts[name], *STAGE_LENGTH)]
    if not _ends_in(parts["stage1"], question_type):
        problems.append(Problem("cot_no_type", f"stage1 has to end in the question type, {question_type!r}"))
    # If one choice ends in another's words ("a dog barking", "barking"), the longest one is meant.
    ending = [choice for choice in choices if _ends_in(parts["stage3"], choice)]
    if max(ending, key=len, default="") != answer:
        problems.append(Problem("cot_no_key", f"stage3 has to end in the right option, word for word: {answer!r}"))
    return problems


def check_simple(analysis: str) -> list[Problem]:
    """Return what is wrong with the simple reasoning: tags, length, mentions of a text."""
    return _check_text("the short paragraph", analysis, *SIMPLE_LENGTH)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The result of one attempt.

    Attributes:
        replies: Replies so far: the structured reasoning, the simple one, the grades.
        texts: The columns ``structured_cot`` and ``simple_cot``.
        problems: What is wrong with it, worst first; empty if it passed.
    """

    replies: Sequence[Reply]
    texts: Mapping[str, str]
    problems: Sequence[Problem] = ()
    scores: Sequence[Row] = ()


def _write(
    row: Row, options: CotOptions, sample: int, feedback: Sequence[str]
) -> Generator[Sequence[Request], Sequence[Reply], _Attempt]:
    """Make one attempt; it ends at the first reply that breaks a rule."""
    item = {name: row[name] for name in ("question", "question_type", "choices", "answer")}
    heard = {**item, "captions": heard_texts(row["captions"])}

    def chat(model: str, prompt: str, variables: Mapping[str, Any]) -> list[Chat]:
        return [Chat(model=model, prompt=prompt, variables=variables, sample=sample)]

    [draft] = yield chat(options.writer, "structured_cot", {**heard, "feedback": list(feedback)})
    texts = {"structured_cot": compose_structured(draft.value)}
    if problems := check_structured(draft.value, row["question_type"], row["choices"], row["answer"]):
        return _Attempt([draft], texts, problems)
    [short] = yield chat(options.writer, "simple_cot", {**item, **texts, "feedback": list(feedback)})
    texts["simple_cot"] = compose_simple(short.value["analysis"])
    problems = check_simple(short.value["analysis"])
    if problems or not options.grader:
        return _Attempt([draft, short], texts, problems)
    [grade] = yield chat(options.grader, "grade_reasoning", {**heard, **texts})
    scores = [{"dimension": name, **grade.value[name], "grader": options.grader} for name in DIMENSIONS]
    return _Attempt([draft, short, grade], texts, _find_low(scores, options.threshold), scores)


def _find_low(scores: Sequence[Row], threshold: int) -> list[Problem]:
    low = sorted((score for score in scores if score["score"] < threshold), key=lambda score: int(score["score"]))
    return [
        Problem(f"grade_{score['dimension']}", f"{score['dimension']} got {score['score']} of 5: {score['reason']}")
        for score in low
    ]


def _check_text(name: str, text: str, least: int, most: int) -> list[Problem]:
    length, mentioned, tag = len(text.strip()), mentions_text(text), _TAG.search(text)
    found = {
        "cot_tags": f"{name} holds a tag; write plain text without any" if tag else "",
        "cot_mentions_text": f"{name} speaks of {mentioned!r}, which no listener has" if mentioned else "",
        "cot_too_short": f"{name} has {length} characters, at least {least} are needed" if length < least else "",
        "cot_too_long": f"{name} has {length} characters, at most {most} are allowed" if length > most else "",
    }
    return [Problem(code, detail) for code, detail in found.items() if detail]


def _ends_in(text: str, ending: str) -> bool:
    """Return whether a text ends in some words, ignoring case and the punctuation around them."""
    return re.search(rf"(?<!\w){re.escape(fold(ending))}$", fold(text)) is not None


def _list_needs(options: CotOptions) -> list[Need]:
    models = (options.writer, options.grader) if options.writer else ()
    return [Need(model, frozenset({"chat"})) for model in models if model]


def _list_prompts(options: CotOptions) -> tuple[str, ...]:
    return ("structured_cot", "simple_cot", "grade_reasoning") if options.writer else ()


STAGE: Stage[CotOptions] = Stage(
    help="Write the reasoning behind each answer, once in three stages and once in short.",
    after="verify",
    version=5,
    options=CotOptions,
    reads=VERIFIED,
    writes=REASONED,
    flow=ask,
    plan=plan_blocks,
    needs=_list_needs,
    prompts=_list_prompts,
    named_only=False,
)
