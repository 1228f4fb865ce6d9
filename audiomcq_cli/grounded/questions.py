"""Questions about what a scene has, in several forms, each with its answer and wrong options out of the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.grounded.clauses import BEFORE, DURING, Event, name_source
from audiomcq_cli.grounded.drafts import Draft, Question, balance, choose
from audiomcq_cli.grounded.hearing import Pair, Scene, listen
from audiomcq_cli.grounded.lexicon import SOMETHING, load
from audiomcq_cli.grounded.measured.options import COUNTS
from audiomcq_cli.grounded.measured.questions import draft_measured
from audiomcq_cli.grounded.music import draft_music, read_traits
from audiomcq_cli.grounded.pool import Pool, is_implied, kind_of
from audiomcq_cli.grounded.shortfall import describe_shortfall
from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.measurements import SOURCE, select_events
from audiomcq_cli.records import draw

STEMS = {
    "presence": (
        "Which of these sounds can be heard?",
        "Which of these is part of the recording?",
        "What can be heard in this recording?",
        "Which of the following sounds is present in the clip?",
        "Which of these sounds does the clip contain?",
        "Which sound do you hear in this clip?",
    ),
    "background": (
        "What can be heard in the background?",
        "Which sound is in the background of this clip?",
        "What is going on in the background?",
    ),
    "during": (
        "What can be heard while {cue}?",
        "While {cue}, which other sound can be heard?",
        "Which sound goes along with {sound}?",
    ),
    "after": (
        "Which sound comes right after that of {sound}?",
        "What comes right after the sound of {sound}?",
        "Which sound follows that of {sound}?",
    ),
    "before": (
        "Which sound comes right before that of {sound}?",
        "What comes right before the sound of {sound}?",
        "Which sound comes just before that of {sound}?",
    ),
    "first": ("Which of these sounds comes first?", "Which sound does the clip begin with?", "What is heard first?"),
    "last": ("Which of these sounds comes last?", "Which sound does the clip end with?", "What is heard last?"),
    "animal": ("Which animal can be heard?", "What kind of animal can be heard in this clip?"),
    "vehicle": ("Which vehicle can be heard?", "What kind of vehicle can be heard in this clip?"),
    "doing": ("What {be} {the} doing?",),
    "who": ("Who is {gerund}?", "Who can be heard {gerund}?"),
    "times": ("How many times {do} {the} {verb}?",),
}
"""Ways to ask, by form; a question takes one of its form."""

_WHO = frozenset({"speak", "laugh", "shout", "sing", "whistle", "cough", "sneeze", "snore", "cry"})
"""What anybody may be heard to do, so that who does it is a question."""

_NO_ANSWER = frozenset({"animal", "vehicle", "traffic", "tire", "brakes", "aircraft", "race_cars"})
"""Too broad, or a part only, to be what a question after an animal or a vehicle looks for."""

_SPEECH = frozenset({"speak", "whisper", "shout", "chant"})
_MUSIC = frozenset({"play", "play_music", "sing", "hum_tune"})


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of the corpus: events, and what is said of music (clips by option, by facet)."""

    pool: Pool
    traits: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Written:
    """The questions about a clip, and where they are fewer than wanted, why; else empty."""

    questions: Sequence[Question]
    shortfall: str = ""


def write_questions(row: Mapping[str, Any], knowledge: Knowledge, count: int, seed: int) -> Written:
    """Up to ``count`` different questions about a clip (a row of ``records.CLIP``), fewer where it says too little."""
    captions = caption_texts(row["captions"])
    known = select_events(row["events"], SOURCE)
    scene = listen(captions, [str(event["label"]) for event in known])
    author = _Author(row["clip_id"], scene, knowledge.pool, seed, timed=bool(known))
    drafts = [
        *author.drafts(),
        *draft_measured(row, knowledge.traits, author.pick_labels, seed),
        *draft_music(row["clip_id"], read_traits(captions), knowledge.traits, seed),
    ]
    chosen = choose(drafts, row["clip_id"], count, seed)
    short = len(chosen.questions) < count
    return Written(chosen.questions, describe_shortfall(row, scene, chosen) if short else "")


@dataclass(frozen=True, slots=True)
class _Author:
    """Writes drafts about what the captions of one clip say."""

    clip: str
    scene: Scene
    pool: Pool
    seed: int
    timed: bool  # whether events are known, which count better than captions

    def drafts(self) -> Iterator[Draft]:
        """Every question that the forms find in the scene."""
        agreed = self.scene.agreed()
        for event in agreed:
            yield self.presence(event)
            yield from self.special(event)
        steps = Counter({(one.first.concept, one.second.concept): 1 for one in self.scene.pairs})
        before = Counter(first for first, _ in steps)
        after = Counter(second for _, second in steps)
        for pair in self.scene.pairs:
            if pair.first in agreed and pair.second in agreed:
                yield from self.pair(pair, before[pair.first.concept] == 1, after[pair.second.concept] == 1)
        if self.scene.chain:
            yield self.place("first", self.scene.chain[0])
            yield self.place("last", self.scene.chain[-1])

    def stem(self, form: str, about: str = "") -> str:
        """One of the ways to ask, not filled in."""
        return STEMS[form][draw(self.seed, self.clip, "stem", form, about) % len(STEMS[form])]

    def pick_labels(self, label: str, count: int, form: str) -> list[str]:
        """Events that are not heard, for a question about a label."""
        events = listen([label]).events
        like = kind_of(events[0].source) if events else SOMETHING
        return self._pick_like(like, count, form, label)

    def presence(self, event: Event) -> Draft:
        return self._draft("presence", _type_of(event), event)

    def special(self, event: Event) -> Iterator[Draft]:
        """Forms that fit some events only."""
        others = [one for one in self.scene.events if one.concept != event.concept]
        if event.background and not any(other.background for other in others):
            yield self._draft("background", _type_of(event), event)
        if event.times in COUNTS and not self.timed:
            yield self._times(event)
        kind = kind_of(event.source)
        if kind == "person" and self._is_alone(event):
            if event.action not in _SPEECH:
                yield self._doing(event)
            if event.action in _WHO and event.source != "person":
                yield self._who(event)
        if kind in ("animal", "vehicle") and self._is_alone(event) and event.source not in _NO_ANSWER:
            yield self._which(kind, event)

    def pair(self, pair: Pair, one_after: bool, one_before: bool) -> Iterator[Draft]:
        """What goes along with something, or comes next to it, where that is one thing."""
        if _is_near(pair.first, pair.second):
            return  # a drill operating, then another tool: the one would do as well as the other
        if pair.relation == DURING:
            yield self._draft("during", _type_of(pair.first), pair.first, cue=pair.second)
            yield self._draft("during", _type_of(pair.second), pair.second, cue=pair.first)
        elif pair.relation == BEFORE:
            if one_after:
                yield self._draft("after", "temporal", pair.second, cue=pair.first)
            if one_before:
                yield self._draft("before", "temporal", pair.first, cue=pair.second)

    def place(self, form: str, event: Event) -> Draft:
        """What comes first or last, among the clip's own sounds and others."""
        own = [one.text for one in self.scene.chain if one != event][:2]

        def wrong() -> list[str]:
            return [*own, *self._pick(event, 3 - len(own), form)]

        return Draft(form, "temporal", self._stem(form), event.text, ("place", form), wrong)

    # ---------------------------------------------------------------------------------------------------- forms

    def _draft(self, form: str, question_type: str, event: Event, cue: Event | None = None) -> Draft:
        words = {"cue": cue.progress, "sound": cue.text} if cue else {}
        question = self._stem(form, event.text, **words)
        return Draft(form, question_type, question, event.text, event.concept, lambda: self._pick(event, 3, form))

    def _doing(self, event: Event) -> Draft:
        lexicon = load()

        def fits(other: Event) -> bool:
            return (
                kind_of(other.source) == "person"
                and other.action not in _SPEECH
                and lexicon.covers(other.action, event.source)
                and (event.source != "crowd" or "crowd" in self.pool.doers[other.action])
                and not any(lexicon.alike(other.action, name) for name in self.scene.actions)
            )

        # Of those who speak nobody is asked what they do: no answer is commoner.
        said = {name: count for name, count in self.pool.actions["person"].items() if name not in _SPEECH}
        question = self._stem("doing", be="are" if event.plural else "is", the=_definite(event))
        return Draft(
            "doing",
            _type_of(event),
            question,
            event.gerund,
            event.concept,
            lambda: self._pick_of("person", fits, lambda one: one.gerund, "doing", event),
            balance(event.action, said),
        )

    def _who(self, event: Event) -> Draft:
        lexicon = load()

        def name(other: Event) -> str:
            return name_source(other.source, plural=event.plural and other.source != "crowd")

        def fits(other: Event) -> bool:
            return (
                kind_of(other.source) == "person"
                and other.source != "person"
                and not (event.action in _SPEECH and other.source == "baby")
                and not any(lexicon.same(other.source, one) for one in self.scene.sources)
            )

        question = self._stem("who", event.text, gerund=event.gerund)
        return Draft(
            "who",
            _type_of(event),
            question,
            event.subject,
            event.concept,
            lambda: self._pick_of("person", fits, name, "who", event),
            balance(event.source, self.pool.doers[event.action]),
        )

    def _which(self, kind: str, event: Event) -> Draft:
        lexicon = load()
        rivals = [one for one in self.scene.sources if kind_of(one) == kind and one not in (kind, "traffic")]

        def name(other: Event) -> str:
            return name_source(other.source, plural=event.plural)

        def fits(other: Event) -> bool:
            return (
                kind_of(other.source) == kind
                and other.source not in _NO_ANSWER
                and not any(lexicon.same(other.source, one) for one in rivals)
                and not _is_action_near(other, self.scene)
            )

        return Draft(
            kind,
            "sound",
            self._stem(kind, event.text),
            event.subject,
            event.concept,
            lambda: self._pick_of(kind, fits, name, kind, event),
            balance(event.source, self.pool.sources[kind]),
        )

    def _times(self, event: Event) -> Draft:
        place = COUNTS.index(event.times)
        wrong = _list_counts(place, self.clip, event.text, self.seed)
        question = self._stem("times", do="do" if event.plural else "does", the=_definite(event), verb=event.verb)
        return Draft("times", "temporal", question, event.times, ("times", event.concept), lambda: wrong)

    # -------------------------------------------------------------------------------------------------- helpers

    def _stem(self, form: str, about: str = "", **words: str) -> str:
        return self.stem(form, about).format(**words)

    def _pick(self, event: Event, count: int, form: str) -> list[str]:
        return self._pick_like(kind_of(event.source), count, form, event.text)

    def _pick_of(
        self, kind: str, fits: Callable[[Event], bool], name: Callable[[Event], str], form: str, about: Event
    ) -> list[str]:
        return self.pool.pick(kind, fits, name, 3, self.seed, self.clip, form, about.text, only=True)

    def _pick_like(self, kind: str, count: int, form: str, about: str) -> list[str]:
        def fits(other: Event) -> bool:
            return not is_implied(other, self.scene)

        return self.pool.pick(kind, fits, lambda other: other.text, count, self.seed, self.clip, form, about)

    def _is_alone(self, event: Event) -> bool:
        """Whether nothing else in the scene is of its kind or does anything else."""
        kind = kind_of(event.source)
        lexicon = load()
        broader = lexicon.sources[event.source].broader
        same_kind = [
            name for name in self.scene.sources if kind_of(name) == kind and name not in (event.source, *broader)
        ]
        others = [one for one in self.scene.events if kind_of(one.source) == kind and one.concept != event.concept]
        return not same_kind and not others


def _list_counts(place: int, clip: str, about: str, seed: int) -> list[str]:
    """Three numbers of times near one, as wrong options."""
    near = [other for other in range(len(COUNTS)) if other != place and abs(other - place) <= 3]
    return [COUNTS[other] for other in sorted(near, key=lambda other: draw(seed, clip, "times", about, other))[:3]]


def _is_action_near(event: Event, scene: Scene) -> bool:
    """Whether something in a scene does what an event does, which would leave open who it is."""
    lexicon = load()
    return any(lexicon.alike(event.action, name) for name in scene.actions if not lexicon.actions[name].vague)


def _is_near(one: Event, other: Event) -> bool:
    """Whether two events are easily taken for one another."""
    lexicon = load()
    named = SOMETHING not in (one.source, other.source)
    close = lexicon.same(one.source, other.source) if named else one.source == other.source
    return close and lexicon.alike(one.action, other.action)


def _type_of(event: Event) -> str:
    if event.action in _SPEECH:
        return "speech"
    return "music" if event.action in _MUSIC else "sound"


def _definite(event: Event) -> str:
    """The subject where it is known which: ``the man``, ``the people``."""
    if event.source == SOMETHING:
        return SOMETHING
    if event.source == "person":
        return "the people" if event.plural else "the person"
    return f"the {event.subject.removeprefix('an ').removeprefix('a ')}"
