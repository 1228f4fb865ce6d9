"""The reasoning behind a question: what is asked, what is heard, and each option against it.

The three stages are what every such reasoning has. What is heard is told out of what was read from the captions, in
sentences of our own: a caption's own words may be broken, or speak of what no listener has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.grounded.clauses import BEFORE, DURING
from audiomcq_cli.grounded.hearing import Pair, Scene, listen
from audiomcq_cli.grounded.measured.telling import compose_proved
from audiomcq_cli.grounded.music import read_traits
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events
from audiomcq_cli.records import draw

VERSION = "5"

BRIEF = 240
"""Characters of what is heard that the short analysis has room for."""

LONG = 1000
"""Characters of it that the second stage has room for."""

_ASKED = {
    "presence": "which of four sounds is really there",
    "background": "what goes on behind the main sound",
    "during": "what is heard at the same time as something else",
    "after": "what comes directly after another sound, so the order of the sounds matters",
    "before": "what comes directly before another sound, so the order of the sounds matters",
    "first": "which sound opens the clip, so the order of the sounds matters",
    "last": "which sound closes the clip, so the order of the sounds matters",
    "times": "how often something is heard, so each time has to be counted",
    "animal": "which animal makes the sound",
    "vehicle": "which vehicle makes the sound",
    "doing": "what kind of activity can be heard",
    "who": "who it is that can be heard",
    "instrument": "which instrument is played",
    "voice": "who does the singing",
    "tempo": "how fast the music moves",
    "genre": "which style the music has",
    "mood": "which mood the music has",
}
"""What a question of a form is after."""

_WHAT_ELSE = "what the clip lets one hear"

_OF_SOUNDS = frozenset(
    {"presence", "background", "during", "after", "before", "first", "last", "animal", "vehicle", "who", "instrument"}
)
"""Forms whose options are what is heard or not; those of the others say something about it."""

_HEARD = ("I hear {heard}.", "The clip has the sound of {heard}.", "What can be heard is {heard}.")
_TOLD = ("This is what can be heard: {told}.", "Listening to it: {told}.", "The clip sounds like this: {told}.")
_ABSENT = ("I do not hear {wrong}.", "There is no sign of {wrong}.", "Nothing points to {wrong}.")
_RULED_OUT = ("That rules out {wrong}.", "The other choices, {wrong}, do not match that.", "None of {wrong} fits that.")
_PLACE = ("That leaves {answer}.", "So the answer is {answer}.", "The choice that fits is {answer}.")
_MOMENT = {"first": "but later", "last": "but earlier"}

_OF_MUSIC = {
    "voice": "The singing comes from {}.",
    "tempo": "The tempo is {}.",
    "genre": "The style is {}.",
    "mood": "The mood is {}.",
}
"""What is said of music beside its instruments, by facet."""


def compose(row: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The three stages by name, and the short analysis, for a question with its proof or its captions and events."""
    if row.get("proof"):
        return compose_proved(row)
    question, answer, clip = row["question"], row["answer"], _hear(row)
    form = next((made["prompt"] for made in row["provenance"] if made["column"] == "question"), "")
    asked = _ASKED.get(form, _WHAT_ELSE)

    def say(ways: Sequence[str], what: str, **words: str) -> str:
        return ways[draw(row["id"], what) % len(ways)].format(**words)

    order = list(_tell_order(row, form, clip))
    caption = clip.find_caption(answer)
    told = say(_TOLD, "heard", told=_shorten(caption, answer, BRIEF))
    if clip.answers(form, answer):
        things = _join(_fit(clip.things, answer, BRIEF), "and")
        heard = say(_HEARD, "heard", heard=things) if things else ""
        told = " ".join(filter(None, [heard, *order, *_tell_music(form, clip)]))
    full = " ".join([say(_TOLD, "heard", told=_shorten(caption, answer, LONG)), *order])
    against = " ".join(_deny(row, form, clip, say))
    place = say(_PLACE, "place", answer=answer)
    parts = {
        "stage1": f'The question is: "{question}" It asks {asked}. Its type is {row["question_type"]}.',
        "stage2": full if caption else told,
        "stage3": f"{against} {place}",
    }
    return parts, f"The question asks {asked}. {told} {against} {place}"


@dataclass(frozen=True, slots=True)
class _Clip:
    """What is heard in a clip.

    Attributes:
        captions: What people wrote of it. scene: What those say. things: What sounds, in the order in which it is said.
        music: What the music is like, by facet. times: When each event is heard, where that is known.
    """

    captions: Sequence[str]
    scene: Scene
    things: Sequence[str]
    music: Mapping[str, str]
    times: Sequence[str]

    def answers(self, form: str, answer: str) -> bool:
        """Whether that is enough to see an answer by; of questions that a model wrote it seldom is."""
        return form in _ASKED and (
            form == "times" or any(answer in told for told in (*self.things, *self.music.values()))
        )

    def find_caption(self, answer: str) -> str:
        """The fullest caption of those that have the answer's sound, without the stop at its end."""
        wanted = {event.concept for event in self.scene.events if answer in event.text}
        telling = [text for text in self.captions if wanted & {event.concept for event in listen([text]).events}]
        return max(telling or self.captions, key=len, default="").rstrip(" .")


def _hear(row: Mapping[str, Any]) -> _Clip:
    captions = caption_texts(row["captions"])
    scene, traits = listen(captions), read_traits(captions)
    known = select_events(row["events"], SOURCE)
    labels = [str(event["label"]) for event in known]
    heard = labels or [event.text for event in scene.agreed()]
    instruments = (option for trait in traits if trait.facet == "instrument" for option in trait.stated)
    # "A music box playing a melody" is a music box already.
    rest = [option for option in instruments if not any(_stem(option) in thing for thing in heard)]
    things = dict.fromkeys([*heard, *rest])
    music = {trait.facet: trait.stated[0] for trait in traits if len(trait.stated) == len(trait.named) == 1}
    return _Clip(captions, scene, list(things), music, list(_list_times(known)))


def _stem(option: str) -> str:
    return option.removeprefix("an ").removeprefix("a ").removesuffix("s")


def _list_times(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """When each event is heard, the earliest first: ``a bell ringing at 1.0 s and 2.0 s``."""
    onsets: dict[str, list[float]] = {}
    for event in events:
        if event["onset"] is not None:
            onsets.setdefault(str(event["label"]), []).append(event["onset"])
    for label, times in sorted(onsets.items(), key=lambda pair: min(pair[1])):
        yield f"{label} at {_join([f'{time:.1f} s' for time in sorted(times)[:12]], 'and')}"


def _tell_order(row: Mapping[str, Any], form: str, clip: _Clip) -> Iterator[str]:
    """A sentence on when, in which order or how often something is heard, as the form of the question wants it."""
    answer, scene = row["answer"], clip.scene
    if clip.times:
        yield f"The times are: {'; '.join(_fit(clip.times, answer, BRIEF))}."
    elif form in ("first", "last") and scene.chain:
        yield f"In order: {', then '.join(event.text for event in scene.chain)}."
    elif form in ("after", "before") and (pair := _find_pair(scene, row["question"], answer, BEFORE)):
        yield f"First comes the sound of {pair.first.text}, then that of {pair.second.text}."
    elif form == "during" and (pair := _find_pair(scene, row["question"], answer, DURING)):
        yield f"The sound of {pair.first.text} comes at the same time as that of {pair.second.text}."
    elif form == "background":
        yield f"The sound of {answer} stays in the background."
    elif form == "times":
        counted = [event.text for event in scene.agreed() if event.times == answer]
        yield from (f"The sound of {text} comes {answer}." for text in counted[:1])


def _tell_music(form: str, clip: _Clip) -> Iterator[str]:
    """Sentences on what music is like, for a question about music."""
    for facet, sentence in _OF_MUSIC.items() if form in (*_OF_MUSIC, "instrument") else ():
        if facet in clip.music:
            yield "There is no singing." if clip.music[facet] == "nobody" else sentence.format(clip.music[facet])


def _find_pair(scene: Scene, question: str, answer: str, relation: str) -> Pair | None:
    """The two events that a question about order or simultaneity connects."""
    for pair in scene.pairs:
        for one, cue in ((pair.first, pair.second), (pair.second, pair.first)):
            if pair.relation == relation and one.text == answer and (cue.text in question or cue.progress in question):
                return pair
    return None


def _deny(row: Mapping[str, Any], form: str, clip: _Clip, say: Callable[..., str]) -> Iterator[str]:
    """What speaks against the wrong options."""
    wrong = [choice for choice in row["choices"] if choice != row["answer"]]
    if form not in _OF_SOUNDS:
        quoted = [f'"{choice}"' for choice in wrong]
        yield say(_RULED_OUT, "wrong", wrong=_join(quoted, "and"))
        return
    if absent := [choice for choice in wrong if choice not in clip.things]:
        yield say(_ABSENT, "wrong", wrong=_join(absent, "or"))
    if own := [choice for choice in wrong if choice in clip.things]:
        yield f"I do hear {_join(own, 'and')}, {_MOMENT.get(form, 'but that is not what is asked')}."


def _fit(texts: Sequence[str], answer: str, length: int) -> list[str]:
    """As many texts as there is room for, in their order; those that have to do with the answer before all others."""
    words = _words(answer)
    by_use = sorted(range(len(texts)), key=lambda place: -len(words & _words(texts[place])))
    kept: list[int] = []
    for place in by_use:
        length -= len(texts[place]) + 2
        if length < 0 and kept:
            break
        kept.append(place)
    return [_cut(texts[place], LONG) for place in sorted(kept)]


def _shorten(text: str, answer: str, length: int) -> str:
    """The sentence of a long text that has most to say of the answer, cut where it is too long itself."""
    if len(text) <= length:
        return text
    sentences = [part.strip(" .") for part in re.split(r"(?<=[.;])\s+", text) if part.strip(" .")]
    return _cut(max(sentences, key=lambda part: len(_words(answer) & _words(part))), length)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length].rsplit(' ', 1)[0]} …"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _join(texts: Sequence[str], word: str) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}"
