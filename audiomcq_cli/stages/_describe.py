"""Captions by models that accept audio: each describes a clip, or every part of a clip that is too long for it.

All captioners are asked at once, each for as many windows as it needs. A description is kept as it is. Only a reply
that describes nothing (a refusal, "I cannot hear the audio") is asked for again, and then left out with a flag.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from audiomcq_cli.answers import drop_thinking
from audiomcq_cli.contracts import Chat, Clip, Failure, Outcome, Reject, Reply, Request, Row
from audiomcq_cli.mcq import tidy
from audiomcq_cli.records import name_window

TOO_LONG = ("split", "flag", "reject")
"""Treatments of a clip that is longer than a captioner's audio window."""

ATTEMPTS = 2
"""Attempts to get a description from a captioner whose replies describe nothing, in addition to the model's own
``tries``.
"""

UNDESCRIBED = "not_described"
"""Flag of a clip, or reject reason of one without any caption: a captioner described neither it nor a part of it."""

TOO_LONG_TO_HEAR = "too_long_to_hear"
"""Flag of a clip, or its reject reason: it is longer than a captioner's audio window."""

NO_WORDS = ("empty", "length", "too_large", "refusal", "content_filter")
"""Failures in which the model answered; after any other failure the clip is tried again."""


@dataclass(slots=True)
class _Part:
    """One request to a captioner for one window; ``span`` is the window's start and end, empty for a whole clip."""

    captioner: str
    audio: Clip
    span: tuple[float, float] | None = None
    replies: list[Reply] = field(default_factory=list)
    problem: str = ""

    def ask(self) -> Chat:
        feedback = [self.problem] if self.problem else []
        return Chat(
            model=self.captioner,
            prompt="describe",
            variables={"feedback": feedback},
            audio=(self.audio,),
            sample=len(self.replies),
            whole=True,
            optional=True,
        )

    def take(self, reply: Reply) -> None:
        self.replies.append(reply)
        self.problem = reply.detail if reply.failed else find_fault(reply.text)

    @property
    def caption(self) -> Row:
        said = self.replies[-1]
        origin = name_window(said.origin.model, *self.span) if self.span else said.origin.model
        return {"text": clean(said.text), "origin": origin}


def describe(
    clip: Row, captioners: Sequence[str], windows: Mapping[str, float], too_long: str
) -> Generator[Sequence[Request], Sequence[Reply], Outcome]:
    """Ask every captioner for a description of a clip and add the descriptions to its captions.

    Args:
        clip: A clip that has been measured.
        captioners: Names of models.
        windows: Audio windows of the models in seconds.
        too_long: One of ``TOO_LONG``.

    Returns:
        The row; a failure if a model could not be reached; a reject if the clip has no caption because no model
            described it.
    """
    short = [name for name in captioners if clip["duration"] > windows.get(name, math.inf)]
    if short and too_long == "reject":
        detail = f"{clip['duration']:g} s, and {short[0]!r} hears {windows[short[0]]:g} s at once"
        return Reject(TOO_LONG_TO_HEAR, detail)
    asked_of = [name for name in captioners if name not in short or too_long == "split"]
    parts = [part for name in asked_of for part in _split(clip, name, windows.get(name, math.inf))]
    for _ in range(ATTEMPTS):
        asked = [part for part in parts if not part.replies or _may_say_more(part)]
        if not asked:
            break
        for part, reply in zip(asked, (yield [part.ask() for part in asked]), strict=True):
            part.take(reply)
    return _collect(clip, parts, [TOO_LONG_TO_HEAR] if len(asked_of) < len(captioners) else [])


def split_clip(duration: float, window: float) -> list[tuple[float, float]]:
    """Return start and end, in seconds, of the fewest windows of equal length that cover a clip; to the millisecond.

    They are equal because a sliver at the end would cost a request like the others, and hold nothing.
    """
    whole, longest = -(-round(duration * 1e6) // 1000), int(window * 1000 + 1e-6)
    count = max(1, -(-whole // longest))
    ends = [whole * number // count / 1000 for number in range(count + 1)]
    return list(pairwise(ends))


def clean(text: str) -> str:
    """Return a description on one line, without the model's thinking."""
    return tidy(drop_thinking(text))


# A description may quote someone who says any of these.
_QUOTED = re.compile(r"\"[^\"]*\"|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019")
_SOUND = r"(?:audio|sounds?|clips?|recordings?|files?|attachments?|music|anything|it)\b"
_CANNOT = r"(?:cannot|can't|can\ not|could(?:n't|\ not)|do(?:n't|\ not)|(?:am\ |'m\ )?(?:unable|not\ able)\ to)"
_GIVEN = r"(?:provided|attached|given|included|uploaded|received|shared|available)"
_DENIALS = re.compile(
    rf"""
    # how assistants begin to refuse: "I'm sorry, but", "Unfortunately, I", "As an AI language model,"
    ^(?:i'm|i\ am|we're|we\ are)\ (?:very\ |so\ )?(?:sorry|afraid|unable|not\ able)\b
    | ^(?:sorry|apologies|my\ apologies|i\ apologi[sz]e|unfortunately)\b
    | ^as\ an?\ (?:[\w-]+\ ){{0,4}}(?:ai|assistant|model)\b
    # "I cannot hear the audio", "I don't have the ability to listen to clips", "I'm not able to play it"
    | \bi\ ?(?:\w+\ )?{_CANNOT}\ (?:\w+\ ){{0,5}}
      (?:hear|listen|perceive|process|access|play|open|analy[sz]e|describe)\b[^.!?]{{0,30}}?\b{_SOUND}
    # "no audio was provided", "please upload the clip", "you haven't attached a recording"
    | \bno\ (?:audio|clip|sound\ file|recording|file)s?\ (?:(?:file|clip|input)\ )?
      (?:(?:was|is|has\ been|were)\ )?{_GIVEN}\b
    | \bplease\ (?:provide|upload|share|attach|send)\b[^.!?]{{0,40}}\b(?:audio|clip|recording|file|link)
    | \b(?:did|have|do)(?:\ not|n't)\ (?:provide|attach|upload|share|include|receive|see)(?:e?d)?\b
      [^.!?]{{0,20}}\b(?:audio|clip|recording|file)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def find_fault(text: str) -> str:
    """Return why a reply describes nothing, in words for the model; empty if it describes something.

    The quality of a description cannot be judged here.
    """
    said = clean(text)
    if not re.search(r"\w{2}", said):
        return "there were no words in it"
    if _DENIALS.search(tidy(_QUOTED.sub(" ", said).replace("\u2019", "'"))):
        return "it said that nothing can be heard or that there is no clip; the clip is here, listen to it"
    return ""


def _split(clip: Row, captioner: str, window: float) -> list[_Part]:
    """Return the requests to a captioner: the clip, or the windows of a clip that is too long."""
    whole = Clip.of_row(clip)
    if clip["duration"] <= window:
        return [_Part(captioner, whole)]
    spans = split_clip(clip["duration"], window)
    return [_Part(captioner, whole.cut(start, end - start), (start, end)) for start, end in spans]


def _may_say_more(part: _Part) -> bool:
    """Return whether the last reply was valid for the engine but described nothing."""
    return bool(part.problem) and not part.replies[-1].failed


def _collect(clip: Row, parts: Sequence[_Part], flags: Sequence[str]) -> Outcome:
    last = [part.replies[-1] for part in parts]
    if lost := [reply for reply in last if reply.failed and reply.error not in NO_WORDS]:
        return Failure(lost[0])
    good = [part for part in parts if not part.problem]
    captions = [*clip["captions"], *(part.caption for part in good)]
    if parts and not captions:
        if failed := [reply for reply in last if reply.failed]:
            return Failure(failed[0])
        return Reject(UNDESCRIBED, parts[0].problem, last[0].text)
    silent = [UNDESCRIBED] if len(good) < len(parts) else []
    made = [part.replies[-1].made("captions") for part in good]  # those of all windows are the same
    return [
        clip
        | {
            "captions": captions,
            "flags": [*clip["flags"], *flags, *silent],
            "calls": [*clip["calls"], *(reply.call for part in parts for reply in part.replies)],
            "provenance": [*clip["provenance"], *(one for at, one in enumerate(made) if one not in made[:at])],
        }
    ]
