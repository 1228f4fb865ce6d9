"""Labels each question by how judges answer it without its audio: weak if enough of them are right anyway.

The rule is that of arXiv 2509.21060: every judge is asked once, with 30 s of silence in place of the clip and the
options in the row's order; a question is weak if 2 of 3 judges are right. An unreadable answer is not a wrong one: it
is kept with its own status, and the row is flagged.

A judge is asked in words (``MODEL``) or scored (``MODEL:SCORING``). A scored judge's answer is the option that it finds
likeliest; it gets no audio. One model scored in two ways counts as two judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from audiomcq_cli.answers import parse_answer
from audiomcq_cli.contracts import (
    Chat,
    Context,
    Failure,
    Flow,
    Need,
    Reject,
    Reply,
    Request,
    Row,
    Score,
    Silence,
    Stage,
    option,
)
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.mcq import format_options, letter
from audiomcq_cli.records import LABELLED, REASONED, UNDECIDED
from audiomcq_cli.stages._blocks import hold, plan_blocks

UNPARSABLE = "unparsable_votes"
"""Flag of a row with an unreadable answer of a judge."""


DEAF = 'set condition = "none" under [filter] (--condition none): the judges then get no audio part'
"""Advice if no judge accepts audio."""

SILENT = ("empty", "length", "control_characters", "refusal", "content_filter")
"""Failures in which the judge was reached and gave no answer: unparsable. A server that cannot be reached fails the
row.
"""


@dataclass(frozen=True, slots=True)
class Scoring:
    """A way to score options: the log-probability after the first prompt, less those after the others; the best wins.

    Attributes:
        prompts: Prompts after which options are scored.
        letters: Whether the options' letters are scored, not their texts.
    """

    prompts: tuple[str, ...]
    letters: bool = False


SCORINGS = {
    "likelihood": Scoring(("judge_option",)),
    "pmi": Scoring(("judge_option", "judge_blank")),  # Holtzman et al., Surface Form Competition, arXiv 2104.08315
    "letter": Scoring(("judge_letter",), letters=True),
}
"""Scorings by the name that follows a model's in ``judges``."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge: its entry in ``judges``, its model, and its scoring; None if it is asked in words."""

    entry: str
    model: str
    scoring: Scoring | None = None


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """Options of filter.

    Raises:
        RecipeError: There are fewer judges than ``weak_at`` needs, one is named twice, or a scoring is unknown.
    """

    judges: tuple[str, ...] = option(
        ("judge1", "judge2", "judge3"),
        "models that answer without the audio: MODEL answers in words, MODEL:SCORING by the probability of the options"
        f" ({', '.join(SCORINGS)})",
    )
    condition: str = option(
        "silence",
        "what a judge hears: silence, or none (no audio part); a judge with a scoring always gets none",
        choices=("silence", "none"),
    )
    silence_seconds: float = option(30.0, "length of the silence in seconds", minimum=0.1)
    weak_at: int = option(2, "a question is weak if at least this many judges answer it correctly", minimum=1)

    def __post_init__(self) -> None:
        list_judges(self)  # raises
        if len(set(self.judges)) < len(self.judges):
            raise RecipeError("judges: a judge is named twice", hint="each vote has to come from another model")
        if self.weak_at > len(self.judges):
            judges = f"{len(self.judges)} judge{'s'[: len(self.judges) != 1]}"
            raise RecipeError(
                f"weak_at is {self.weak_at} with {judges}: no question could be weak",
                hint="name more judges or lower weak_at",
            )


def list_judges(options: FilterOptions) -> list[Judge]:
    """Return the judges in their order; raises ``RecipeError`` for an unknown scoring."""
    judges = []
    for entry in options.judges:
        model, colon, name = entry.partition(":")
        if not model or (colon and name not in SCORINGS):
            known = ", ".join(SCORINGS)
            raise RecipeError(f"judges: {entry!r} is not a judge", hint=f"MODEL or MODEL:SCORING; scorings are {known}")
        judges.append(Judge(entry, model, SCORINGS.get(name)))
    return judges


def ask(row: Row, ctx: Context[FilterOptions]) -> Flow:
    """Ask all judges in parallel, without the clip, and label the question by their votes."""
    held = hold(row, ctx)
    if isinstance(held, Reject):
        return held
    row, options = held, ctx.options
    judges = list_judges(options)
    asked = [_make_requests(row, judge, options) for judge in judges]
    replies = yield [request for requests in asked for request in requests]
    if lost := [reply for reply in replies if reply.failed and reply.error not in SILENT]:
        return Failure(lost[0])
    rest = iter(replies)
    votes = [
        _read_vote(row, judge, list(islice(rest, len(requests))), options)
        for judge, requests in zip(judges, asked, strict=True)
    ]
    right = sum(vote["status"] == "right" for vote in votes)
    unparsable = sum(vote["status"] == "unparsable" for vote in votes)
    flags = [UNPARSABLE] if unparsable else []
    flags += [UNDECIDED] if right < options.weak_at <= right + unparsable else []
    calls = {reply.key: reply for reply in replies}.values()  # scorings of one model share replies
    return [
        row
        | {
            "votes": votes,
            "audio_contribution": "weak" if right >= options.weak_at else "strong",
            "flags": [*row["flags"], *flags],
            "calls": [*row["calls"], *(reply.call for reply in calls)],
            "provenance": [*row["provenance"], *(reply.made("audio_contribution") for reply in calls)],
        }
    ]


def _make_requests(row: Row, judge: Judge, options: FilterOptions) -> list[Request]:
    choices: Sequence[str] = row["choices"]
    variables = {"question": row["question"], "options": format_options(choices), "choices": list(choices)}
    scoring = judge.scoring
    if scoring is None:
        audio = (Silence(options.silence_seconds),) if options.condition == "silence" else ()
        return [Chat(model=judge.model, prompt="judge", variables=variables, audio=audio, optional=True)]
    texts = tuple(map(letter, range(len(choices)))) if scoring.letters else tuple(choices)
    return [
        Score(model=judge.model, prompt=prompt, variables=variables, continuations=texts, optional=True)
        for prompt in scoring.prompts
    ]


def _read_vote(row: Row, judge: Judge, replies: Sequence[Reply], options: FilterOptions) -> Row:
    choices: Sequence[str] = row["choices"]
    first = replies[0]
    if any(reply.failed for reply in replies):
        chosen = None
    else:
        chosen = _find_likeliest(replies) if judge.scoring else parse_answer(first.text, choices)
    return {
        "judge": judge.entry,
        "model": first.origin.model,
        "revision": first.origin.revision,
        "condition": "none" if judge.scoring else options.condition,
        "order": list(range(len(choices))),
        "chosen": chosen,
        "status": "unparsable" if chosen is None else "right" if chosen == row["answer_index"] else "wrong",
        "call": first.key,
    }


def _find_likeliest(replies: Sequence[Reply]) -> int | None:
    """Return the option with the best score; None if two share it: nothing is guessed."""
    first, *others = ([score["logprob"] for score in reply.value] for reply in replies)
    scores = [logprob - sum(less) for logprob, *less in zip(first, *others, strict=True)]
    best = max(scores)
    return scores.index(best) if scores.count(best) == 1 else None


def _list_needs(options: FilterOptions) -> list[Need]:
    hearing = {"chat", "audio"} if options.condition == "silence" else {"chat"}
    return [
        Need(
            judge.model,
            frozenset({"score"} if judge.scoring else hearing),
            distinct=True,
            way=judge.entry.removeprefix(judge.model),
            instead="" if judge.scoring or options.condition == "none" else DEAF,
        )
        for judge in list_judges(options)
    ]


def _list_prompts(options: FilterOptions) -> list[str]:
    used = [judge.scoring.prompts if judge.scoring else ("judge",) for judge in list_judges(options)]
    return list(dict.fromkeys(name for names in used for name in names))


STAGE: Stage[FilterOptions] = Stage(
    help="Label each question weak or strong by asking judges without its audio.",
    after="cot",
    version=3,
    options=FilterOptions,
    reads=REASONED,
    writes=LABELLED,
    flow=ask,
    plan=plan_blocks,
    needs=_list_needs,
    prompts=_list_prompts,
    named_only=False,
)
