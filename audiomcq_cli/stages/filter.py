"""Labels each question by what judges make of it without its audio: weak if enough of them are right all the same.

The rule is that of arXiv 2509.21060: every judge is asked once, with 30 s of silence in place of the clip and the
options in the row's order; a question is weak if 2 of 3 judges are right. An answer that cannot be read is not a wrong
one: it is kept with its own status, and the row is flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiomcq_cli.contracts import Audio, Chat, Context, Failure, Flow, Need, Reply, Row, Stage, option
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.mcq import format_options, parse_answer
from audiomcq_cli.records import LABELLED, REASONED

UNPARSABLE = "unparsable_votes"
"""Flag of a row of which some judge's answer could not be read."""

UNDECIDED = "undecided"
"""Flag of a row whose label could be the other one, had those answers been right: it is not known, only likelier."""


SILENT = ("empty", "refusal", "content_filter")
"""Failures in which the judge was there and gave no answer: unparsable, where a server that is gone fails the row."""


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What can be set for filter.

    Raises:
        RecipeError: There are fewer judges than ``weak_at`` needs, or one is named twice.
    """

    judges: tuple[str, ...] = option(("judge1", "judge2", "judge3"), "models that answer without the audio")
    condition: str = option(
        "silence", "what a judge hears: silence, or none for no audio part at all", choices=("silence", "none")
    )
    silence_seconds: float = option(30.0, "length of the silence in seconds", minimum=0.1)
    weak_at: int = option(2, "right judges that make a question weak", minimum=1)

    def __post_init__(self) -> None:
        if len(set(self.judges)) < len(self.judges):
            raise RecipeError("judges: a judge is named twice", hint="each vote has to come from another model")
        if self.weak_at > len(self.judges):
            raise RecipeError(
                f"weak_at is {self.weak_at} with {len(self.judges)} judges: no question could be weak",
                hint="name more judges or lower weak_at",
            )


def ask(row: Row, ctx: Context[FilterOptions]) -> Flow:
    """Ask all judges at once and label the row by their votes."""
    options = ctx.options
    audio = (Audio.silence(options.silence_seconds),) if options.condition == "silence" else ()
    variables = {
        "question": row["question"],
        "options": format_options(row["choices"]),
        "choices": list(row["choices"]),
    }
    replies = yield [
        Chat(model=judge, prompt="judge", variables=variables, audio=audio, optional=True) for judge in options.judges
    ]
    if lost := [reply for reply in replies if reply.failed and reply.error not in SILENT]:
        return Failure(lost[0])
    votes = [_read_vote(row, judge, reply, options) for judge, reply in zip(options.judges, replies, strict=True)]
    right = sum(vote["status"] == "right" for vote in votes)
    unparsable = sum(vote["status"] == "unparsable" for vote in votes)
    flags = [UNPARSABLE] if unparsable else []
    flags += [UNDECIDED] if right < options.weak_at <= right + unparsable else []
    return [
        row
        | {
            "votes": votes,
            "audio_contribution": "weak" if right >= options.weak_at else "strong",
            "flags": [*row["flags"], *flags],
            "calls": [*row["calls"], *(reply.call for reply in replies)],
            "provenance": [*row["provenance"], *(reply.made("audio_contribution") for reply in replies)],
        }
    ]


def _read_vote(row: Row, judge: str, reply: Reply, options: FilterOptions) -> Row:
    choices: Sequence[str] = row["choices"]
    chosen = None if reply.failed else parse_answer(reply.text, choices)
    return {
        "judge": judge,
        "model": reply.origin.model,
        "revision": reply.origin.revision,
        "condition": options.condition,
        "order": list(range(len(choices))),
        "chosen": chosen,
        "status": "unparsable" if chosen is None else "right" if chosen == row["answer_index"] else "wrong",
        "call": reply.key,
    }


def _list_needs(options: FilterOptions) -> list[Need]:
    hearing = {"chat", "audio"} if options.condition == "silence" else {"chat"}
    return [Need(judge, frozenset(hearing), distinct=True) for judge in options.judges]


STAGE: Stage[FilterOptions] = Stage(
    help="Label each question weak or strong by asking judges without its audio.",
    after="cot",
    version=1,
    options=FilterOptions,
    reads=REASONED,
    writes=LABELLED,
    flow=ask,
    needs=_list_needs,
    prompts=("judge",),
    named_only=False,
)
