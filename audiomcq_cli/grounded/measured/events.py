"""Families about known events: when one begins and ends, how long it lasts, how often it comes, and their order.

The rules are those by which questions are made of TACOS: no event under 0.5 s, no two at one time, none that comes
back, no overlap that leaves an order open. Where energy over time was measured and says that nothing sounds where an
event is said to be, the two sources disagree, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import hypot

from audiomcq_cli.grounded.measured.clip import Clip, Span
from audiomcq_cli.grounded.measured.family import MARGIN, Fact, Family, Found, Key, Proof, Say, pick, value_of
from audiomcq_cli.grounded.measured.labels import LONGEST, are_alike
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import COUNTS, Counts, Names, Orders, Statements, join

SECONDS = ("{}s", "{} seconds")
EDGE = 0.5
"""Seconds from either end of a clip in which nothing is asked about: there it may be cut."""

LEAST = 1.0
"""Seconds from which on the length of an event, or of what two share, is asked about."""

MOST = len(COUNTS)
MOST_ORDERED = 6
"""Sounds in a clip whose order one can still keep in mind."""


# ------------------------------------------------------------------------------------------- begin, end and length


def find_begin(clip: Clip) -> Iterator[Found]:
    """Events that begin inside the clip."""
    for event in clip.find_single():
        if _is_inside(clip, event.onset) and _starts_there(clip, event):
            facts = (_time("onset", event.onset, event.label, clip), _length_of(clip))
            near = tuple(other.onset for other in clip.events)
            yield Found(("begin", event.label), facts, {"sound": event.label}, near)


def find_end(clip: Clip) -> Iterator[Found]:
    """Events that end inside the clip."""
    for event in clip.find_single():
        if _is_inside(clip, event.offset) and _stops_there(clip, event):
            facts = (_time("offset", event.offset, event.label, clip), _length_of(clip))
            near = tuple(other.offset for other in clip.events)
            yield Found(("end", event.label), facts, {"sound": event.label}, near)


def find_length(clip: Clip) -> Iterator[Found]:
    """Events that are not cut by the clip's ends and last long enough."""
    for event in clip.find_single():
        whole = _is_inside(clip, event.onset, event.offset)
        if whole and event.length >= LEAST and _starts_there(clip, event) and _stops_there(clip, event):
            facts = (
                _time("onset", event.onset, event.label, clip),
                _time("offset", event.offset, event.label, clip),
                _length_of(clip),
            )
            yield Found(("length", event.label), facts, {"sound": event.label})


def solve_moment(proof: Proof) -> Key:
    """The one time that a proof has besides the length of the clip."""
    [fact] = [fact for fact in proof if fact.name in ("onset", "offset")]
    digits = 0 if fact.tolerance >= 0.5 else 1
    low, high = find_bounds(proof)
    return Key(numbers=(fact.value or 0.0,), tolerance=fact.tolerance, low=low, high=high, digits=digits)


def solve_length(proof: Proof) -> Key:
    """From the onset to the offset; each is off by itself, so their squares add."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    tolerance = round(hypot(onset.tolerance, offset.tolerance), 4)
    length = round(value_of(proof, "offset") - value_of(proof, "onset"), 4)
    digits = 0 if tolerance > 0.5 else 1
    return Key(numbers=(length,), tolerance=tolerance, low=LEAST, high=value_of(proof, "duration"), digits=digits)


def find_bounds(proof: Proof) -> tuple[float, float]:
    """Between which times it could be asked about: not at the ends of the clip."""
    return EDGE, value_of(proof, "duration") - EDGE


def tell_begin(proof: Proof, say: Say) -> str:
    """When the sound sets in."""
    [onset] = pick(proof, "onset")
    ways = (
        "I follow the clip until the sound of {sound} sets in, and that is {time} seconds in.",
        "The sound of {sound} is not there at first; I hear it start at about {time} seconds.",
        "Listening for the sound of {sound}, I first notice it {time} seconds after the clip starts.",
    )
    return say(ways).format(sound=onset.text, time=_show(onset))


def tell_end(proof: Proof, say: Say) -> str:
    """When the sound is over."""
    [offset] = pick(proof, "offset")
    ways = (
        "The sound of {sound} goes on until about {time} seconds; after that it is gone.",
        "I hear the sound of {sound} stop {time} seconds into the clip.",
        "At {time} seconds the sound of {sound} is over.",
    )
    return say(ways).format(sound=offset.text, time=_show(offset))


def tell_length(proof: Proof, say: Say) -> str:
    """From when to when the sound is heard."""
    [onset], [offset] = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "The sound of {sound} starts at {begin} seconds and is over at {end} seconds, {length} seconds later.",
        "I hear the sound of {sound} from {begin} to {end} seconds, which makes {length} seconds.",
    )
    length = f"{solve_length(proof).numbers[0]:.1f}"
    return say(ways).format(sound=onset.text, begin=_show(onset), end=_show(offset), length=length)


# ------------------------------------------------------------------------------------------------------- how often


def find_times(clip: Clip) -> Iterator[Found]:
    """Labels whose events are short and apart, each one sound by energy where that was measured."""
    for label in dict.fromkeys(event.label for event in clip.events):
        own = [event for event in clip.events if event.label == label]
        alone = not any(other.label != label and are_alike(label, other.label) for other in clip.events)
        apart = all(second.onset - first.offset >= 0.1 for first, second in pairwise(own))
        if (
            2 <= len(own) <= MOST
            and alone
            and apart
            and max(event.length for event in own) <= 2.5
            and _agree(clip, own)
        ):
            yield Found(
                ("times", label), tuple(_time("onset", event.onset, label, clip) for event in own), {"sound": label}
            )


def solve_times(proof: Proof) -> Key:
    """The number of onsets."""
    return Key(numbers=(float(len(pick(proof, "onset"))),))


def tell_times(proof: Proof, say: Say) -> str:
    """Each time that it is heard."""
    onsets = pick(proof, "onset")
    times = join([f"{fact.value:.1f}" for fact in onsets])
    ways = (
        "I count the sound of {sound}: it comes at {times} seconds, {count} in all.",
        "The sound of {sound} is heard at {times} seconds. That makes {count}.",
    )
    return say(ways).format(sound=onsets[0].text, times=times, count=COUNTS[len(onsets) - 1])


# ----------------------------------------------------------------------------------------------------------- order


def find_order(clip: Clip) -> Iterator[Found]:
    """Three sounds after each other, out of a clip whose sounds all come after each other."""
    runs = _distinct_runs(clip)
    for three in combinations(runs, 3):
        yield Found(("order", *(run.label for run in three)), _list_onsets(three, clip))


def find_first(clip: Clip) -> Iterator[Found]:
    """The sound that opens a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "first"), _list_onsets(runs, clip))


def find_last(clip: Clip) -> Iterator[Found]:
    """The sound that closes a clip of several."""
    if len(runs := _distinct_runs(clip)) > 1:
        yield Found(("place", "last"), _list_onsets(runs, clip))


def find_next(clip: Clip) -> Iterator[Found]:
    """Pairs of sounds of which one comes right after the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*_list_onsets(runs, clip), Fact("cue", text=first.label))
        yield Found(("next", second.label), facts, {"sound": first.label})


def find_before(clip: Clip) -> Iterator[Found]:
    """Pairs of sounds of which one comes right before the other."""
    runs = _distinct_runs(clip)
    for first, second in pairwise(runs):
        facts = (*_list_onsets(runs, clip), Fact("cue", text=second.label))
        yield Found(("next", first.label), facts, {"sound": second.label})


def solve_order(proof: Proof) -> Key | None:
    """Three labels in the order of their onsets."""
    labels = _sort_labels(proof)
    return Key(others=labels) if len(labels) == 3 else None


def solve_first(proof: Proof) -> Key | None:
    """The label with the earliest onset."""
    labels = _sort_labels(proof)
    return Key(labels[0], others=labels) if len(labels) > 1 else None


def solve_last(proof: Proof) -> Key | None:
    """The label with the latest onset."""
    labels = _sort_labels(proof)
    return Key(labels[-1], others=labels) if len(labels) > 1 else None


def solve_next(proof: Proof) -> Key | None:
    """The label right behind the cue."""
    return _solve_neighbour(proof, 1)


def solve_before(proof: Proof) -> Key | None:
    """The label right before the cue."""
    return _solve_neighbour(proof, -1)


def tell_order(proof: Proof, say: Say) -> str:
    """Each sound with its moment, the earliest first."""
    facts = sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
    told = join([f"the sound of {fact.text} at {fact.value:.1f} seconds" for fact in facts])
    order = ", then ".join(fact.text for fact in facts)
    ways = (
        f"One after another I hear {told}.",
        f"In the order in which they come, I hear {order}; they start at {_list_times(facts)} seconds.",
        f"Going through the clip, there is {told}.",
    )
    return say(ways)


# ---------------------------------------------------------------------------------------------------- two at a time


def find_together(clip: Clip) -> Iterator[Found]:
    """Pairs of events of which one begins while the other goes on."""
    for first, second in combinations(clip.find_single(), 2):
        shared = first.overlap(second)
        if shared >= LEAST and _is_inside(clip, second.onset, min(first.offset, second.offset)):
            yield Found(
                ("together", first.label, second.label),
                (*_list_ends((first, second), clip), _length_of(clip)),
                {"sound": first.label, "other": second.label},
            )


def find_relation(clip: Clip) -> Iterator[Found]:
    """Pairs of events, in an order that says nothing: by their labels."""
    for pair in combinations(clip.find_single(), 2):
        one, other = sorted(pair, key=lambda span: span.label)
        if len(one.label) + len(other.label) > LONGEST:
            continue  # every option has both
        facts = (*_list_ends((one, other), clip), _length_of(clip))
        yield Found(("relation", one.label, other.label), facts, {"sound": one.label, "other": other.label})


def solve_together(proof: Proof) -> Key | None:
    """From the later onset to the earlier offset."""
    onsets, offsets = pick(proof, "onset"), pick(proof, "offset")
    begin = max(fact.value or 0.0 for fact in onsets)
    end = min(fact.value or 0.0 for fact in offsets)
    tolerance = onsets[0].tolerance
    if end - begin < MARGIN * tolerance:
        return None
    digits = 0 if tolerance >= 0.5 else 1
    low, high = find_bounds(proof)
    return Key(numbers=(begin, end), tolerance=tolerance, low=low, high=high, digits=digits)


def solve_relation(proof: Proof) -> Key | None:
    """Which begins first, and whether it goes on when the other begins; None where it is close."""
    onsets, offsets = pick(proof, "onset"), pick(proof, "offset")
    (a, b), (a_end, b_end) = ((fact.value or 0.0 for fact in facts) for facts in (onsets, offsets))
    margin = MARGIN * onsets[0].tolerance
    words = {"a": onsets[0].text, "b": onsets[1].text}
    if b - a_end >= margin:
        return Key("a_then_b", words=words)
    if a - b_end >= margin:
        return Key("b_then_a", words=words)
    if b - a >= margin and min(a_end, b_end) - b >= margin:
        return Key("a_into_b", words=words)
    if a - b >= margin and min(a_end, b_end) - a >= margin:
        return Key("b_into_a", words=words)
    return None


def tell_pair(proof: Proof, say: Say) -> str:
    """From when to when each of two is heard."""
    (a, b), (a_end, b_end) = pick(proof, "onset"), pick(proof, "offset")
    ways = (
        "The sound of {a} lasts from {begin} to {end} seconds, that of {b} from {start} to {stop} seconds.",
        "I hear {a} between {begin} and {end} seconds, and {b} between {start} and {stop} seconds.",
    )
    if (b.value or 0.0) < (a.value or 0.0):
        a, b, a_end, b_end = b, a, b_end, a_end
    times = {"begin": _show(a), "end": _show(a_end), "start": _show(b), "stop": _show(b_end)}
    return say(ways).format(a=a.text, b=b.text, **times)


def _distinct_runs(clip: Clip) -> list[Span]:
    runs = clip.list_runs()
    heard = all(_is_heard(clip, run) for run in runs)
    distinct = len({run.label for run in runs}) == len(runs)
    return runs if heard and distinct and len(runs) <= MOST_ORDERED else []


def _sort_labels(proof: Proof) -> tuple[str, ...]:
    """Labels by onset; none where two onsets are too close to tell."""
    facts = sorted(pick(proof, "onset"), key=lambda fact: fact.value or 0.0)
    close = any(
        (second.value or 0.0) - (first.value or 0.0) < MARGIN * first.tolerance for first, second in pairwise(facts)
    )
    return () if close else tuple(fact.text for fact in facts)


def _solve_neighbour(proof: Proof, step: int) -> Key | None:
    labels = _sort_labels(proof)
    [cue] = pick(proof, "cue")
    place = labels.index(cue.text) + step if cue.text in labels else -1
    if not 0 <= place < len(labels):
        return None
    # The cue itself stands in the question, so it is no option.
    return Key(labels[place], others=tuple(label for label in labels if label != cue.text))


def _agree(clip: Clip, events: Sequence[Span]) -> bool:
    """Whether each event is one sound by energy, and no two are the same one."""
    if not clip.sounds:
        return True
    held = [[span for span in clip.sounds if span.overlap(event) > 0.05] for event in events]
    return all(len(spans) == 1 for spans in held) and len({spans[0] for spans in held}) == len(events)


def _is_inside(clip: Clip, *times: float) -> bool:
    return all(EDGE < time < clip.duration - EDGE for time in times)


def _is_heard(clip: Clip, event: Span) -> bool:
    """Whether energy leaves at least half of an event to be heard."""
    silent = sum(event.overlap(span) for span in clip.silences)
    return silent < 0.5 * event.length


def _starts_there(clip: Clip, event: Span) -> bool:
    """Whether nothing speaks against its onset: no silence goes on, or ends, clearly after it."""
    return _is_heard(clip, event) and not clip.is_silent(event.onset + clip.tolerance)


def _stops_there(clip: Clip, event: Span) -> bool:
    return _is_heard(clip, event) and not clip.is_silent(event.offset - 2 * clip.tolerance)


def _time(name: str, value: float, label: str, clip: Clip) -> Fact:
    return Fact(name, round(value, 3), label, "s", clip.tolerance)


def _length_of(clip: Clip) -> Fact:
    return Fact("duration", round(clip.duration, 3), "", "s")


def _list_onsets(runs: Sequence[Span], clip: Clip) -> tuple[Fact, ...]:
    return tuple(_time("onset", run.onset, run.label, clip) for run in runs)


def _list_ends(pair: Sequence[Span], clip: Clip) -> tuple[Fact, ...]:
    ends = [_time("offset", event.offset, event.label, clip) for event in pair]
    return (*_list_onsets(pair, clip), *ends)


def _show(fact: Fact) -> str:
    return f"{fact.value:.{0 if fact.tolerance >= 0.5 else 1}f}"


def _list_times(facts: Proof) -> str:
    return join([_show(fact) for fact in facts])


_PLACES = Names("I also hear {}, but not at that place.", "I do not hear {} at all.")

FAMILIES = (
    Family(
        "begin",
        "temporal",
        "when a sound sets in",
        (
            "At what time does the sound of {sound} begin?",
            "When does the sound of {sound} start?",
            "At which moment do you first hear {sound}?",
            "How far into the clip does the sound of {sound} set in?",
        ),
        find_begin,
        solve_moment,
        Numbers(SECONDS, "too early", "too late"),
        tell_begin,
    ),
    Family(
        "end",
        "temporal",
        "when a sound is over",
        (
            "At what time does the sound of {sound} end?",
            "When does the sound of {sound} stop?",
            "Until when can you hear {sound}?",
        ),
        find_end,
        solve_moment,
        Numbers(SECONDS, "too early", "too late"),
        tell_end,
    ),
    Family(
        "length",
        "temporal",
        "how long a sound goes on",
        (
            "How long does the sound of {sound} last?",
            "For how long can you hear {sound}?",
            "How much time passes from the beginning to the end of the sound of {sound}?",
        ),
        find_length,
        solve_length,
        Numbers(SECONDS, "too short", "too long", reach=4),
        tell_length,
    ),
    Family(
        "times",
        "temporal",
        "how often something is heard, so each time has to be counted",
        (
            "How many times can you hear {sound}?",
            "How often does the sound of {sound} occur?",
            "Count the sound of {sound}: how many times does it come?",
        ),
        find_times,
        solve_times,
        Counts(COUNTS),
        tell_times,
        balanced=True,
    ),
    Family(
        "order",
        "temporal",
        "in which order three sounds come",
        (
            "In which order do these sounds come?",
            "What is the order of the sounds?",
            "How do the sounds follow each other?",
        ),
        find_order,
        solve_order,
        Orders(),
        tell_order,
    ),
    Family(
        "first",
        "temporal",
        "which sound comes before all others",
        ("Which of these sounds comes first?", "Which sound do you hear first?", "With which of these does it begin?"),
        find_first,
        solve_first,
        Names("I do hear {}, but later.", "I do not hear {} at all."),
        tell_order,
    ),
    Family(
        "last",
        "temporal",
        "which sound comes after all others",
        ("Which of these sounds comes last?", "Which sound do you hear last?", "Which of these starts the latest?"),
        find_last,
        solve_last,
        Names("I do hear {}, but earlier.", "I do not hear {} at all."),
        tell_order,
    ),
    Family(
        "after",
        "temporal",
        "what comes directly after another sound",
        (
            "Which sound comes right after that of {sound}?",
            "What is the next thing you hear after {sound}?",
            "Which sound follows that of {sound}?",
        ),
        find_next,
        solve_next,
        _PLACES,
        tell_order,
    ),
    Family(
        "before",
        "temporal",
        "what comes directly before another sound",
        (
            "Which sound comes right before that of {sound}?",
            "What do you hear just before {sound}?",
            "By which sound is that of {sound} preceded?",
        ),
        find_before,
        solve_before,
        _PLACES,
        tell_order,
    ),
    Family(
        "together",
        "temporal",
        "when two sounds are heard at the same time",
        (
            "From when to when do the sounds of {sound} and {other} overlap?",
            "During which time can you hear {sound} and {other} at once?",
            "When do you hear both {sound} and {other}?",
        ),
        find_together,
        solve_together,
        Numbers(("{}s to {}s", "from {} to {} seconds"), "too early", "too late"),
        tell_pair,
    ),
    Family(
        "relation",
        "temporal",
        "how two sounds lie in time",
        (
            "How do the sounds of {sound} and {other} lie in time?",
            "Which of these is true of the sounds of {sound} and {other}?",
        ),
        find_relation,
        solve_relation,
        Statements(
            (
                {
                    "a_then_b": "{a} is over before {b} begins",
                    "b_then_a": "{b} has ended by the time {a} starts",
                    "a_into_b": "{a} comes first and is still there when {b} sets in",
                    "b_into_a": "{b} starts first, and {a} joins in while that lasts",
                },
            )
        ),
        tell_pair,
    ),
)
