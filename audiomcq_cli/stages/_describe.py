"""Captions by models that hear: what each of them says of a clip, or of every part of one that is too long for it.

All captioners are asked at once, each for as many windows as it needs. What a model says is kept as it is; only what is
no description at all (a refusal, "I cannot hear the audio") is asked for again, and then left out with a remark.
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
"""What may become of a clip that is longer than a captioner hears at once."""

ATTEMPTS = 2
"""How often a captioner is asked for a description whose reply is none, beside the model's own ``tries``."""

UNDESCRIBED = "not_described"
"""Flag of a clip, or reason of one without any caption: a captioner had nothing to say of it, or of a part."""

TOO_LONG_TO_HEAR = "too_long_to_hear"
"""Flag of a clip, or reason of its end: it is longer than a captioner hears at once."""

NO_WORDS = ("empty", "length", "too_large", "refusal", "content_filter")
"""Failures in which the model had its say; after any other one it was not heard, and the clip is tried again."""


@dataclass(slots=True)
class _Part:
    """What one captioner is asked of one window; ``span`` is its beginning and end, none of a whole clip."""

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
    """Ask every captioner for a description of a clip and add what they say to its captions.

    Args:
        clip: A clip that has been measured. captioners: Names of models. windows: Seconds that they hear at once.
        too_long: One of ``TOO_LONG``.

    Returns:
        The row; a failure where a model could not be asked; a reject where the clip is without any caption because
        every model says that it has nothing to say.
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
    """Beginning and end, in seconds, of the fewest windows of one length that hold a clip; to the millisecond.

    They are of one length because a sliver at the end would be asked for like the others, and hold nothing.
    """
    whole, longest = -(-round(duration * 1e6) // 1000), int(window * 1000 + 1e-6)
    count = max(1, -(-whole // longest))
    ends = [whole * number // count / 1000 for number in range(count + 1)]
    return list(pairwise(ends))


def clean(text: str) -> str:
    """A description on one line, without what the model thought before it."""
    return tidy(drop_thinking(text))


# A description may quote somebody who says any of these.
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
    """Why a reply describes nothing, in words for the model, or an empty string.

    Whether a description is a good one nobody can tell here; this only finds what is none.
    """
    said = clean(text)
    if not re.search(r"\w{2}", said):
        return "there were no words in it"
    if _DENIALS.search(tidy(_QUOTED.sub(" ", said).replace("\u2019", "'"))):
        return "it said that nothing can be heard or that there is no clip; the clip is here, listen to it"
    return ""


def _split(clip: Row, captioner: str, window: float) -> list[_Part]:
    """What a captioner is asked: the clip, or the windows of one that is too long for it."""
    whole = Clip.of_row(clip)
    if clip["duration"] <= window:
        return [_Part(captioner, whole)]
    spans = split_clip(clip["duration"], window)
    return [_Part(captioner, whole.cut(start, end - start), (start, end)) for start, end in spans]


def _may_say_more(part: _Part) -> bool:
    """Whether the last reply was usable as far as the engine can tell, and is none all the same."""
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
    made = [part.replies[-1].made("captions") for part in good]  # those of all windows are one
    return [
        clip
        | {
            "captions": captions,
            "flags": [*clip["flags"], *flags, *silent],
            "calls": [*clip["calls"], *(reply.call for part in parts for reply in part.replies)],
            "provenance": [*clip["provenance"], *(one for at, one in enumerate(made) if one not in made[:at])],
        }
    ]
