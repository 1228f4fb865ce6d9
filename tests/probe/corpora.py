"""Corpora out of nothing, of which it is known how far they can be guessed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from audiomcq_cli.probe.asked import Asked

NOUNS = ("dog", "cat", "bell", "siren", "engine", "river", "crowd", "piano", "drum", "whistle", "door", "horse")
VERBS = ("ringing", "running", "sleeping", "moving", "starting", "stopping")
SOUNDS = tuple(f"a {noun} {verb}" for noun in NOUNS for verb in VERBS)
FORMS = ("presence", "background", "after")


def ask(number: int, options: Sequence[str], key: int, form: str = "presence", **values: str) -> Asked:
    """A question about a clip of its own."""
    return Asked(
        id=f"S:{number}:grounded:0",
        question=f"Which sound is it ({form})?",
        options=tuple(options),
        key=key,
        stem=form,
        clip=values.get("clip", f"S:{number}"),
        block=values.get("block", ""),
        cluster=values.get("cluster", ""),
        groups={"form": form, "source": "S"},
    )


def make_fair(seed: int, rows: int, options: int = 4) -> list[Asked]:
    """Questions whose key is any of the options, each as likely."""
    random = Random(seed)
    return [
        ask(number, random.sample(SOUNDS, options), random.randrange(options), random.choice(FORMS))
        for number in range(rows)
    ]


def make_blocks(seed: int, blocks: int, *, ids: bool = True) -> list[Asked]:
    """Whole blocks: four clips, one question, the same options in the same order, each the key of one clip."""
    random = Random(seed)
    rows = []
    for block in range(blocks):
        offered, form = random.sample(SOUNDS, 4), random.choice(FORMS)
        keys = random.sample(range(4), 4)
        name = {"block": f"b{block}"} if ids else {}
        rows += [ask(4 * block + place, offered, key, form, **name) for place, key in enumerate(keys)]
    return rows
