"""The reasoning behind a grounded question: what is asked, what is heard, and each option against it.

The three stages are what every such reasoning has; what differs is the form of the question and what the clip has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.records import draw

VERSION = "1"

BRIEF = 240
"""Characters of what is heard that the short analysis repeats whole."""

LONG = 1500
"""Characters of it that the second stage repeats whole."""

_ASKED = {
    "presence": "which of four sounds is really there",
    "background": "what goes on behind the main sound",
    "during": "what is heard at the same time as something else",
    "after": "what comes directly after another sound, so the order of the sounds matters",
    "before": "what comes directly before another sound, so the order of the sounds matters",
    "first": "which sound opens the clip, so the order of the sounds matters",
    "last": "which sound closes the clip, so the order of the sounds matters",
    "times": "how often something is heard, so each time has to be counted",
    "begin": "at which moment a sound sets in",
    "animal": "which animal makes the sound",
    "vehicle": "which vehicle makes the sound",
    "doing": "what somebody can be heard to do",
    "who": "whose voice it is",
    "instrument": "which instrument is played",
    "voice": "who does the singing",
    "tempo": "how fast the music moves",
    "genre": "which style the music has",
    "mood": "which mood the music has",
}
"""What a question of a form is after."""

_WHAT_ELSE = "what the clip lets one hear"

_KINDS = {"sound": "sounds", "music": "music", "speech": "speech", "temporal": "time and order"}

_HEARD = (
    "Listening to the clip: {heard}.",
    "This is what can be heard: {heard}.",
    "The clip sounds like this: {heard}.",
)
_WRONG = (
    "Nothing in the clip speaks for {wrong}.",
    "The clip gives no sign of {wrong}.",
    "What is heard does not fit {wrong}.",
)
_PLACE = ("That leaves {answer}", "So the answer is {answer}", "What fits is {answer}")


def compose(row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The three stages by name, and the short analysis, for a question with its clip's captions and events."""
    question, answer, kind = row["question"], row["answer"], row["question_type"]
    form = next((made["prompt"] for made in row["provenance"] if made["column"] == "question"), "")
    asked = _ASKED.get(form, _WHAT_ELSE)
    heard = _tell(caption_texts(row["captions"]), row["events"])
    wrong = [choice for choice in row["choices"] if choice != answer]
    own = [
        choice for choice in wrong if choice in {event["label"] for event in row["events"]} or choice in heard.lower()
    ]

    def say(ways: Sequence[str], what: str, **words: str) -> str:
        return ways[draw(row["id"], what) % len(ways)].format(**words)

    other = [choice for choice in wrong if choice not in own]
    against = [
        *([say(_WRONG, "wrong", wrong=_join(other, "or"))] if other else []),
        *(
            [f"{_capital(_join(own, 'and'))} {'belongs' if len(own) == 1 else 'belong'} to another moment."]
            if own
            else []
        ),
    ]
    parts = {
        "stage1": f"The question is: {question} It asks {asked}. It is about {_KINDS[kind]}, so its type is {kind}",
        "stage2": say(_HEARD, "heard", heard=_shorten(heard, answer, LONG)),
        "stage3": f"{' '.join(against)} {say(_PLACE, 'place', answer=answer)}",
    }
    brief = _capital(_shorten(heard, answer, BRIEF))
    analysis = f"{brief}. The question asks {asked}: {answer} is what fits; {_join(wrong, 'and')} do not."
    return parts, analysis


def _tell(captions: Sequence[str], events: Sequence[Mapping[str, Any]]) -> str:
    """What is heard in one sentence: the fullest caption, and the times where they are known."""
    told = max(captions, key=len, default="").rstrip(" .")
    timed = [event for event in events if event["onset"] is not None]
    if not timed:
        return told
    times = "; ".join(f"{event['label']} from {event['onset']:.1f} s" for event in timed[:12])
    return f"{told} ({times})" if told else times


def _shorten(text: str, answer: str, length: int) -> str:
    """The sentence of a long text that has most to say of the answer, cut where it is too long itself."""
    if len(text) <= length:
        return text
    words = set(re.findall(r"\w+", answer.lower()))
    sentences = [part.strip(" .") for part in re.split(r"(?<=[.;])\s+", text) if part.strip(" .")]
    best = max(sentences, key=lambda part: len(words & set(re.findall(r"\w+", part.lower()))))
    if len(best) <= length:
        return best
    return f"{best[:length].rsplit(' ', 1)[0]} …"


def _join(texts: Sequence[str], word: str) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
