"""Families about people and music: whether somebody speaks or sings, whether music plays, and when."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.families.words import has_words
from audiomcq_cli.grounded.measured.family import Fact, Family, Found, Key, Proof, Say, pick
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Statements, join
from audiomcq_cli.grounded.measured.timeline import BOUNDARY, EDGE, SECONDS, find_bounds
from audiomcq_cli.grounded.music import read_traits
from audiomcq_cli.measurements import MUSIC, SINGING, SPEECH

LEAST = 1.0
"""Seconds of speech, singing or music, so that it is no slip of the detector."""

MELODIC = 3.0
"""Seconds of music in one stretch, at least: a bell that rings once is none."""

QUIETER = 20.0
"""dB below the loudest second of a clip that are silence beside it."""

_KINDS = {SPEECH: "somebody speaking", SINGING: "somebody singing", MUSIC: "music"}
_VERBS = {SPEECH: "somebody speak", SINGING: "somebody sing", MUSIC: "music play"}

_SAYING = {
    SPEECH: frozenset({"speak", "whisper", "shout", "chant"}),
    SINGING: frozenset({"sing", "hum_tune"}),
    MUSIC: frozenset({"play", "play_music"}),
}
"""Actions in captions that speak for each."""


def find_kinds(clip: Clip) -> Iterator[Found]:
    """Clips in which a detector found something, and in which nobody else says that there is more."""
    found = {kind: sum(span.length for span in spans) for kind, spans in clip.voices.items()}
    if not found or min(found.values()) < LEAST or _is_doubted(clip, set(found)):
        return
    facts = tuple(Fact(kind, round(found.get(kind, 0.0), 2), "", "s", BOUNDARY) for kind in _KINDS)
    yield Found("voices", facts)


def solve_kinds(proof: Proof) -> Key | None:
    """Which of speech, singing and music there is; None for what no option says."""
    there = {fact.name for fact in proof if (fact.value or 0.0) >= LEAST}
    if SINGING in there:
        return Key("singing") if SPEECH not in there else None
    names = {(SPEECH,): "speech", (MUSIC,): "music", (MUSIC, SPEECH): "both"}
    name = names.get(tuple(sorted(there)))
    return Key(name) if name else None


def find_range(clip: Clip) -> Iterator[Found]:
    """What is heard in one stretch that neither begins nor ends with the clip."""
    for kind, spans in clip.voices.items():
        if (
            len(spans) == 1
            and spans[0].length >= LEAST
            and _is_inside(spans[0], clip)
            and _is_placed(clip, kind, end=True)
        ):
            facts = (
                Fact("onset", round(spans[0].onset, 3), kind, "s", BOUNDARY),
                Fact("offset", round(spans[0].offset, 3), kind, "s", BOUNDARY),
                Fact("duration", round(clip.duration, 3), "", "s"),
            )
            yield Found(("range", kind), facts, {"kind": _KINDS[kind], "verb": _VERBS[kind]})


def solve_range(proof: Proof) -> Key:
    """From the onset to the offset."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    numbers = (onset.value or 0.0, offset.value or 0.0)
    low, high = find_bounds(proof)
    return Key(numbers=numbers, tolerance=onset.tolerance, low=low, high=high)


def find_entrance(clip: Clip) -> Iterator[Found]:
    """What sets in after the clip has begun, the first time."""
    for kind, spans in clip.voices.items():
        onset = spans[0].onset
        if EDGE + BOUNDARY < onset < clip.duration - LEAST and spans[0].length >= LEAST and _is_placed(clip, kind):
            facts = (
                Fact("onset", round(onset, 3), kind, "s", BOUNDARY),
                Fact("duration", round(clip.duration, 3), "", "s"),
            )
            yield Found(("entrance", kind), facts, {"kind": _KINDS[kind], "verb": _VERBS[kind]})


def solve_entrance(proof: Proof) -> Key:
    """The first onset."""
    [onset] = pick(proof, "onset")
    low, high = find_bounds(proof)
    return Key(numbers=(onset.value or 0.0,), tolerance=onset.tolerance, low=low, high=high)


def tell_kinds(proof: Proof, say: Say) -> str:
    """How long each is heard."""
    there = [fact for fact in proof if (fact.value or 0.0) >= LEAST]
    absent = [fact.name for fact in proof if fact not in there]
    told = join([f"{fact.name} for about {fact.value:.0f} seconds" for fact in there])
    return say(("I hear {told}, and no sign of {absent}.", "There is {told}; I do not hear {absent}.")).format(
        told=told, absent=join(absent, "or")
    )


def tell_range(proof: Proof, say: Say) -> str:
    """From when to when it is heard."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "There is {kind} from about {begin:.1f} to {end:.1f} seconds, and neither before nor after.",
        "I hear {kind} set in at {begin:.1f} seconds and stop at {end:.1f} seconds.",
    )
    return say(ways).format(kind=onset.text, begin=onset.value, end=offset.value)


def tell_entrance(proof: Proof, say: Say) -> str:
    """When it is heard first."""
    [onset] = pick(proof, "onset")
    ways = (
        "At first there is no sign of {kind}; that comes in at {begin:.1f} seconds.",
        "I wait for {kind}, and hear it from {begin:.1f} seconds on.",
    )
    return say(ways).format(kind=onset.text, begin=onset.value)


def _is_doubted(clip: Clip, found: set[str]) -> bool:
    """Whether anything else that is known of a clip speaks against what a detector found.

    Words are understood where somebody speaks or sings; music is more than one tone and more than single sounds; and
    what captions and the source's events name is what there is.
    """
    if bool(found & {SPEECH, SINGING}) != has_words(clip):
        return True
    if MUSIC in found and (clip.value("pitch_change") or (len(clip.sounds) > 1 and not found & {SPEECH, SINGING})):
        return True
    if MUSIC in found and max(span.length for span in clip.voices[MUSIC]) < MELODIC:
        return True
    if not clip.captions and not clip.events:
        return False
    texts = [*clip.captions, *(event.label for event in clip.events)]
    actions = listen(texts).actions
    named = {kind for kind, saying in _SAYING.items() if actions & saying}
    named |= {MUSIC} if read_traits(texts) else set()
    return named - {MUSIC} != found - {MUSIC} or ((MUSIC in named) != (MUSIC in found) and SINGING not in found)


def _is_placed(clip: Clip, kind: str, *, end: bool = False) -> bool:
    """Whether it is sure when something sets in for the first time, or also when it ends.

    The source has it there as well, or there is silence beside it and nobody says that it is something else: out of
    other sound a detector may find it half a second late.
    """
    first = clip.voices[kind][0]
    own = [event for event in clip.events if listen([event.label]).actions & _SAYING[kind]]
    if own:
        off = abs(own[0].onset - first.onset), abs(max(event.offset for event in own) - first.offset)
        return max(off[: 1 + end]) <= clip.tolerance + BOUNDARY
    levels = [one.value for one in clip.values.get("second_loudness", ())]
    sides = levels[: int(max(0.0, first.onset - BOUNDARY))], levels[ceil(first.offset + BOUNDARY) :]
    quiet = all(side and max(side) <= max(levels) - QUIETER for side in sides[: 1 + end])
    return quiet and not _is_doubted(clip, set(clip.voices))


def _is_inside(span: Span, clip: Clip) -> bool:
    return span.onset > EDGE and span.offset < clip.duration - EDGE


FAMILIES = (
    Family(
        "voices",
        "speech",
        "whether people speak or sing and whether there is music",
        (
            "What can be heard of voices and music?",
            "Which of these is true of the voices and the music in this clip?",
        ),
        find_kinds,
        solve_kinds,
        Statements(
            (
                {
                    "speech": "somebody speaks, without any music",
                    "music": "music plays, and nobody speaks or sings",
                    "both": "there is talking as well as music",
                    "singing": "somebody sings",
                },
            )
        ),
        tell_kinds,
        balanced=True,
        alone=False,
    ),
    Family(
        "range",
        "temporal",
        "from when to when something is heard",
        ("From when to when can you hear {verb}?", "During which time is there {kind}?", "When do you hear {kind}?"),
        find_range,
        solve_range,
        Numbers(("{}s to {}s", "from {} to {} seconds"), "too early", "too late"),
        tell_range,
    ),
    Family(
        "entrance",
        "temporal",
        "when something sets in for the first time",
        ("When do you first hear {kind}?", "At what time can you first hear {verb}?"),
        find_entrance,
        solve_entrance,
        Numbers(SECONDS, "too early", "too late"),
        tell_entrance,
    ),
)
