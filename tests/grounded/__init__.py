"""Clips made of plain clauses, and a corpus of them small enough to know by heart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.drafts import Question
from audiomcq_cli.grounded.event import Event
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.knowledge import Knowledge, build_table, load_table
from audiomcq_cli.mcq import shuffle_choices
from audiomcq_cli.measurements import SOURCE

FAMILIES: Mapping[str, Sequence[str]] = {
    "dog": ("A dog barks", "A puppy whimpers"),
    "cat": ("A cat meows", "A kitten purrs"),
    "cow": ("A cow moos",),
    "horse": ("A horse neighs",),
    "frog": ("A frog croaks",),
    "bird": ("A bird chirps", "An owl hoots"),
    "rain": ("Rain falls", "Water drips"),
    "wind": ("Wind blows",),
    "people": ("People are talking",),
    "his speech": ("A man speaks",),
    "her speech": ("A woman talks",),
    "her laughter": ("A woman laughs", "A woman giggles"),
    "his sneezing": ("A man sneezes", "A man coughs"),
    "engine": ("An engine idles", "A car passes", "A train moves", "Loud humming"),
    "clock": ("A clock ticks",),
    "bell": ("A bell rings", "A phone rings"),
    "siren": ("A siren wails", "A horn honks"),
    "door": ("A door closes", "A drawer opens"),
    "typing": ("Someone types on a keyboard",),
    "gun": ("A gun fires",),
}
"""Clauses by what they are about; what one family says, nobody would say of another."""

CORPUS = [
    *(clause for clauses in FAMILIES.values() for clause in clauses),
    "A dog barks loudly", "A helicopter flies", "A boat passes", "A sheep bleats",
    "A baby cries", "A child sings", "A crowd cheers", "A man snores", "A girl shouts", "A boy whistles",
    "A truck accelerates", "A bus accelerates", "A tractor accelerates",
    "A toilet flushes", "A motorcycle revs", "A duck quacks", "A pig oinks", "A lion roars", "Thunder rumbles",
    "Glass shatters", "Music plays", "A saw cuts", "Paper crumples", "Keys jingle", "A woman sneezes",
]  # fmt: skip


def make_clip(
    *captions: str, clip: str = "Small:1", events: Iterable[tuple[str, float | None, float | None]] = (), **changes: Any
) -> Row:
    """A row of clips; ``events``: label, onset and offset."""
    known = [{"label": label, "onset": on, "offset": off, "origin": SOURCE} for label, on, off in events]
    said = [{"text": caption, "origin": "Small"} for caption in captions]
    row = {
        "clip_id": clip,
        "audio_sha256": None,
        "captions": said,
        "events": known,
        "transcript": [],
        "measurements": [],
        "duration": 10.0,
        "flags": [],
        "provenance": [],
        "calls": [],
    }
    return row | changes


UNREAD = (("xyz", None, None),)


def learn(captions: Iterable[str]) -> Knowledge:
    """What is known of a corpus that has one clip for each caption, with a known event that no rule can read."""
    clips = [make_clip(caption, clip=f"Small:{n}", events=UNREAD) for n, caption in enumerate(captions)]
    return load_table(build_table(clips))


@cache
def small() -> Knowledge:
    """What is known of ``CORPUS``."""
    return learn(CORPUS)


def hear(text: str) -> Event:
    """The one event of a caption."""
    [event] = listen([text]).events
    return event


def make_row(clip: Row, question: Question) -> Row:
    """The row of a question, as far as reasoning is made from it."""
    id_ = f"{clip['clip_id']}:grounded:0"
    choices, index = shuffle_choices(id_, question.answer, question.distractors, 0)
    return clip | {
        "id": id_,
        "method": "grounded",
        "question": question.question,
        "question_type": question.question_type,
        "choices": choices,
        "answer": question.answer,
        "answer_index": index,
        "proof": list(question.proof),
        "provenance": [
            {"column": "question", "model": "grounded", "revision": "", "prompt": question.form, "prompt_version": ""}
        ],
    }
