"""A clip as the families read it: known events, sounds and silences, voices, words, and measurements by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from audiomcq_cli.grounded.measured.labels import are_alike, read_label
from audiomcq_cli.measurements import MEASURED, SEGMENTED, SILENCE, SOUND, SOURCE, select_events
from audiomcq_cli.records import EVENT_OUTSIDE_CLIP

COLLAR = 0.2
"""Seconds that an annotator's onset may be off: the collar of DCASE's event-based scores (Mesaros et al., 2016)."""

SURE = 0.5
"""Confidence below which a measurement is not used."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something from its onset to its offset, in seconds."""

    label: str
    onset: float
    offset: float

    @property
    def length(self) -> float:
        """Return seconds that it lasts."""
        return self.offset - self.onset

    def overlap(self, other: Span) -> float:
        """Return seconds that it shares with another."""
        return max(0.0, min(self.offset, other.offset) - max(self.onset, other.onset))


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard."""

    text: str
    onset: float
    offset: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Value:
    """A measurement: its value and what it says in words."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip, as far as it is sure what is known of it.

    Attributes:
        duration: Seconds; 0 where it is not known. events: What the source says is heard, with times, by onset; empty
            where some time or some label is no use. tolerance: Seconds that those may be off.
        sounds, silences: By energy; the latter where it is also known when every sound ends.
        voices: Speech, singing and music, by label. words: What is said, by onset. values: Measurements by name.
        captions: Texts.
    """

    duration: float
    events: tuple[Span, ...]
    tolerance: float
    sounds: tuple[Span, ...]
    silences: tuple[Span, ...]
    voices: Mapping[str, tuple[Span, ...]]
    words: tuple[Word, ...]
    values: Mapping[str, tuple[Value, ...]]
    captions: tuple[str, ...]

    def value(self, name: str) -> Value | None:
        """Return the one measurement of a name, where there is one."""
        found = self.values.get(name, ())
        return found[0] if len(found) == 1 else None

    def is_silent(self, second: float) -> bool:
        """Return whether it is sure that nothing sounds at a time."""
        before = bool(self.sounds) and second < self.sounds[0].onset
        return before or any(span.onset < second < span.offset for span in self.silences)

    def find_single(self) -> list[Span]:
        """Return events that are heard once and like no other, long enough to speak of (0.5 s, METHOD of TACOS)."""
        return [
            event
            for event in self.events
            if event.length >= 0.5
            and not any(other is not event and are_alike(event.label, other.label) for other in self.events)
        ]

    def list_runs(self) -> list[Span]:
        """Return events one after another, those of one label in a row as one; none where the order is not sure."""
        runs: list[Span] = []
        for event in self.events:
            last = runs[-1] if runs else None
            if last and last.label == event.label:
                runs[-1] = Span(last.label, last.onset, max(last.offset, event.offset))
            elif last and (event.onset < last.offset or event.onset - last.onset < 3 * self.tolerance):
                return []
            else:
                runs.append(event)
        alike = any(are_alike(one.label, other.label) for n, one in enumerate(runs) for other in runs[:n])
        return [] if alike or any(run.length < 0.5 for run in runs) else runs


def read_clip(row: Mapping[str, Any]) -> Clip:
    """Return the clip of a row (of ``records.CLIP``)."""
    known = [event for event in row["events"] if event["origin"] == SOURCE]
    events = () if EVENT_OUTSIDE_CLIP in row["flags"] else _read_events(known)
    energy = _read_spans(select_events(row["events"], MEASURED), row["duration"] or 0.0)
    voices: dict[str, tuple[Span, ...]] = {}
    for span in _read_spans(select_events(row["events"], SEGMENTED), row["duration"] or 0.0):
        voices[span.label] = (*voices.get(span.label, ()), span)
    values: dict[str, tuple[Value, ...]] = {}
    for one in row["measurements"]:
        if one["value"] is not None and (one["confidence"] is None or one["confidence"] >= SURE):
            values[one["name"]] = (*values.get(one["name"], ()), Value(one["value"], one["text"] or ""))
    words = _read_words(row["transcript"])
    return Clip(
        duration=row["duration"] or 0.0,
        events=events,
        tolerance=_find_tolerance(events),
        sounds=tuple(span for span in energy if span.label == SOUND),
        silences=tuple(span for span in energy if span.label == SILENCE),
        voices=voices,
        words=words,
        values=values,
        captions=tuple(caption["text"] for caption in row["captions"]),
    )


def _read_words(transcript: Sequence[Mapping[str, Any]]) -> tuple[Word, ...]:
    """Return words by onset; none where something of one is missing, as in rows that were changed since."""
    words = [(word["text"], word["onset"], word["offset"], word["confidence"]) for word in transcript]
    if any(None in word for word in words):
        return ()
    return tuple(Word(*word) for word in sorted(words, key=lambda word: word[1]))


def _read_events(events: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """Return events of a source with labels that read as what is heard; none if one has no time or no such label."""
    spans = []
    for event in events:
        label = read_label(str(event["label"]))
        if not label or event["onset"] is None or event["offset"] is None:
            return ()
        spans.append(Span(label, event["onset"], event["offset"]))
    return tuple(sorted(spans, key=lambda span: (span.onset, span.offset, span.label)))


def _read_spans(events: Iterable[Mapping[str, Any]], duration: float) -> list[Span]:
    """Return spans in their order; one that dies away so slowly that its end is not known ends by the next."""
    begun = sorted((event for event in events if event["onset"] is not None), key=lambda event: event["onset"])
    spans = []
    for event, following in zip_longest(begun, begun[1:]):
        last = following["onset"] if following else duration
        spans.append(Span(event["label"], event["onset"], last if event["offset"] is None else event["offset"]))
    return spans


def _find_tolerance(events: Sequence[Span]) -> float:
    """Return how far times may be off: an annotator's collar, or half the step to which all of them are rounded."""
    times = [time for event in events for time in (event.onset, event.offset)]
    for step in (1.0, 0.5):
        if times and all(abs(time / step - round(time / step)) < 1e-6 for time in times):
            return max(COLLAR, step / 2)
    return COLLAR
