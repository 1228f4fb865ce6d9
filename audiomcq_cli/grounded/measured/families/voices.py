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
from audiomcq_cli.grounded.measured.weighing import Stretches, weigh_number, weigh_statement, weigh_stretch
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
    """Find clips in which a detector found something, and in which nobody else says that there is more."""
    found = {kind: sum(span.length for span in spans) for kind, spans in clip.voices.items()}
    if not found or min(found.values()) < LEAST or _is_doubted(clip, set(found)):
        return
    facts = tuple(Fact(kind, round(found.get(kind, 0.0), 2), "", "s", BOUNDARY) for kind in _KINDS)
    yield Found("voices", facts)


def solve_kinds(proof: Proof) -> Key | None:
    """Return which of speech, singing and music there is; None for what no option says."""
    there = {fact.name for fact in proof if (fact.value or 0.0) >= LEAST}
    if SINGING in there:
        return Key("singing") if SPEECH not in there else None
    names = {(SPEECH,): "speech", (MUSIC,): "music", (MUSIC, SPEECH): "both"}
    name = names.get(tuple(sorted(there)))
    return Key(name) if name else None


def find_range(clip: Clip) -> Iterator[Found]:
    """Find what is heard in one stretch that neither begins nor ends with the clip."""
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
    """Return the onset and the offset."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    numbers = (onset.value or 0.0, offset.value or 0.0)
    low, high = find_bounds(proof)
    return Key(numbers=numbers, tolerance=onset.tolerance, low=low, high=high)


def find_entrance(clip: Clip) -> Iterator[Found]:
    """Find what sets in after the clip has begun, the first time."""
    for kind, spans in clip.voices.items():
        onset = spans[0].onset
        if EDGE + BOUNDARY < onset < clip.duration - LEAST and spans[0].length >= LEAST and _is_placed(clip, kind):
            facts = (
                Fact("onset", round(onset, 3), kind, "s", BOUNDARY),
                Fact("duration", round(clip.duration, 3), "", "s"),
            )
            yield Found(("entrance", kind), facts, {"kind": _KINDS[kind], "verb": _VERBS[kind]})


def solve_entrance(proof: Proof) -> Key:
    """Return the first onset."""
    [onset] = pick(proof, "onset")
    low, high = find_bounds(proof)
    return Key(numbers=(onset.value or 0.0,), tolerance=onset.tolerance, low=low, high=high)


def tell_kinds(proof: Proof, say: Say) -> str:
    """Tell how long each is heard."""
    there = [fact for fact in proof if (fact.value or 0.0) >= LEAST]
    absent = [fact.name for fact in proof if fact not in there]
    told = join([f"{fact.name} for about {fact.value:.0f} seconds" for fact in there])
    ways = (
        "I hear {told}, and no sign of {absent}.",
        "There is {told}; I do not hear {absent}.",
        "What I can make out is {told}. Of {absent} there is nothing.",
    )
    return say(ways).format(told=told, absent=join(absent, "or"))


def tell_range(proof: Proof, say: Say) -> str:
    """Tell from when to when it is heard."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "There is {kind} from about {begin:.1f} to {end:.1f} seconds, and neither before nor after.",
        "I hear {kind} set in at {begin:.1f} seconds and stop at {end:.1f} seconds.",
        "The {kind} comes in at {begin:.1f} seconds and is gone at {end:.1f}.",
    )
    return say(ways).format(kind=onset.text, begin=onset.value, end=offset.value)


def tell_entrance(proof: Proof, say: Say) -> str:
    """Tell when it is heard first."""
    [onset] = pick(proof, "onset")
    ways = (
        "At first there is no sign of {kind}; that comes in at {begin:.1f} seconds.",
        "I wait for {kind}, and hear it from {begin:.1f} seconds on.",
        "There is no {kind} until {begin:.1f} seconds have passed.",
    )
    return say(ways).format(kind=onset.text, begin=onset.value)


def _is_doubted(clip: Clip, found: set[str]) -> bool:
    """Return whether anything else that is known of a clip speaks against what a detector found.

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
    """Return whether it is sure when something sets in for the first time, or also when it ends.

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


def _weigh_kinds(proof: Proof, key: Key, name: str, say: Say) -> str:
    """Return what speaks for or against one combination of speech, singing and music."""
    there = {fact.name: f"{fact.value:.0f} seconds" for fact in proof if (fact.value or 0.0) >= LEAST}
    wanted, barred = _ASKED[name]
    missing = [_GERUNDS[kind] for kind in wanted if kind not in there]
    extra = [kind for kind in barred if kind in there]
    if name == key.name:
        return say(("that is what I hear, and all of it", "it has just what is there"))
    if extra:
        return say((f"there is {_GERUNDS[extra[0]]} for about {there[extra[0]]}", f"I do hear {_GERUNDS[extra[0]]}"))
    return say((f"I hear no {join(missing, 'or')}", f"there is no {join(missing, 'or')}"))


_GERUNDS = {SPEECH: "speech", SINGING: "singing", MUSIC: "music"}
_ASKED = {
    "speech": ((SPEECH,), (MUSIC, SINGING)),
    "music": ((MUSIC,), (SPEECH, SINGING)),
    "both": ((SPEECH, MUSIC), (SINGING,)),
    "singing": ((SINGING,), ()),
}

_KINDS_TOLD = Statements(
    (
        {
            "speech": "somebody speaks, without any music",
            "music": "music plays, and nobody speaks or sings",
            "both": "there is talking as well as music",
            "singing": "somebody sings",
        },
    )
)

FAMILIES = (
    Family(
        "voices",
        "speech",
        "whether people speak or sing and whether there is music",
        (
            "I listen for a voice first, whether it speaks or sings, and then for music beside it.",
            "Three things have to be settled: is there speech, is there singing, is there music?",
            "Voices and music can go together, so each has to be listened for by itself.",
        ),
        (
            "What can be heard of voices and music?",
            "Which of these is true of the voices and the music in this clip?",
        ),
        find_kinds,
        solve_kinds,
        _KINDS_TOLD,
        tell_kinds,
        weigh_statement(_KINDS_TOLD.read, _weigh_kinds),
        balanced=True,
        alone=False,
        reasoned=False,
    ),
    Family(
        "range",
        "temporal",
        "from when to when something is heard",
        (
            "I note when it sets in and when it is gone; both ends matter.",
            "There is one such stretch in the clip, and I need its beginning and its end.",
        ),
        ("From when to when can you hear {verb}?", "During which time is there {kind}?", "When do you hear {kind}?"),
        find_range,
        solve_range,
        Numbers(("{}s to {}s", "from {} to {} seconds")),
        tell_range,
        weigh_stretch(
            Stretches(
                early=(
                    "{option} is too early at both ends: {last} sets in only at {begin} seconds and goes on "
                    "until {end}",
                    "{option} begins {head} before {last} does and ends {tail} before it stops",
                ),
                late=(
                    "{option} is too late at both ends: {last} sets in at {begin} seconds and is over at {end}",
                    "{option} starts {head} after {last} does and ends {tail} after it is over",
                    "{option} misses the first {head} of {last} and goes on {tail} after its end",
                ),
                over=(
                    "{option} begins when {last} is over, as that ends at {end} seconds",
                    "{option} lies after the {last}, which lasts from {begin} to {end} seconds",
                ),
                ahead=(
                    "{option} ends before {last} is there, which is at {begin} seconds",
                    "{option} is over before the {last} sets in, at {begin} seconds",
                ),
                fit=("{option} has both ends right", "{option} begins and ends with it"),
            )
        ),
    ),
    Family(
        "entrance",
        "temporal",
        "when something sets in for the first time",
        (
            "I wait for the first moment of it; that it may come again later does not matter.",
            "What counts is the very first time, so I listen from the start until it is there.",
        ),
        ("When do you first hear {kind}?", "At what time can you first hear {verb}?"),
        find_entrance,
        solve_entrance,
        Numbers(SECONDS),
        tell_entrance,
        weigh_number(
            (
                "{option} is where it sets in",
                "{option} agrees with the first moment of it",
            ),
            (
                "{option} is {off} before it is there",
                "at {option} I am still waiting for it, for another {off}",
                "{option} is {off} too early",
            ),
            (
                "by {option} its start lies {off} back",
                "{option} is {off} too late",
                "{option} is {off} after its first moment",
            ),
        ),
    ),
)
