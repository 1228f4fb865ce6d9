"""Tests of ``grounded/questions.py``."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Row
from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.questions import write_questions
from audiomcq_cli.mcq import lint
from audiomcq_cli.records import TYPES
from tests.grounded import CORPUS, FAMILIES, ask, forms, hear, make_clip, small

FORMS = {
    "presence": (make_clip("A dog barks"), "sound", "a dog barking"),
    "background": (make_clip("A man speaks while birds chirp in the background"), "sound", "birds chirping"),
    "during": (make_clip("A dog barks while rain falls"), "sound", ("a dog barking", "rain falling")),
    "after": (make_clip("A dog barks, then a bell rings and a man speaks"), "temporal", "a bell ringing"),
    "before": (make_clip("A dog barks, then a bell rings and a man speaks"), "temporal", "a dog barking"),
    "first": (make_clip("A dog barks, then a bell rings, then a man speaks"), "temporal", "a dog barking"),
    "last": (make_clip("A dog barks, then a bell rings, then a man speaks"), "temporal", "a man speaking"),
    "times": (make_clip("A bell rings three times"), "temporal", "three times"),
    "animal": (make_clip("A cat meows"), "sound", "a cat"),
    "vehicle": (make_clip("A helicopter flies"), "sound", "a helicopter"),
    "doing": (make_clip("A man snores"), "sound", "snoring"),
    "who": (make_clip("A man whistles"), "sound", "a man"),
    "begin": (make_clip("Noises", events=[("a bell ringing", 4.1, 6.0)]), "temporal", ("4.1s", "4.1 seconds")),
    "instrument": (make_clip("A song with a violin"), "music", "a violin"),
    "tempo": (make_clip("A song with a slow tempo"), "music", "slow"),
    "mood": (make_clip("A cheerful song"), "music", "cheerful"),
    "genre": (make_clip("This is a jazz tune on a piano"), "music", "jazz"),
    "voice": (make_clip("A song with a male vocalist"), "music", "a man"),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    """Each form has its type, its answer and three wrong options that no rule finds fault with."""
    clip, question_type, answer = FORMS[form]
    found = ask(clip, form)
    assert found.question_type == question_type
    assert found.answer in ((answer,) if isinstance(answer, str) else answer)
    assert len(set(found.distractors)) == 3
    assert not lint(found.question, [found.answer, *found.distractors], found.answer)
    assert "{" not in found.question


@pytest.mark.parametrize(
    ("caption", "question_type"), [("A man speaks", "speech"), ("Music plays", "music"), ("A dog barks", "sound")]
)
def test_type_of_presence(caption: str, question_type: str) -> None:
    """What is asked about says of which type the question is."""
    assert ask(make_clip(caption), "presence").question_type == question_type


@pytest.mark.parametrize(
    ("captions", "form"),
    [
        (["A man speaks while birds chirp"], "background"),
        (["A bell rings in the background and birds chirp in the background"], "background"),
        (["A cat meows and a dog barks"], "animal"),
        (["An animal growls"], "animal"),
        (["A man snores and a woman speaks"], "doing"),
        (["A man speaks"], "doing"),
        (["A man laughs and a woman laughs"], "who"),
        (["Someone laughs"], "who"),
        (["A dog barks and a bell rings"], "first"),
        (["A dog barks and a bell rings"], "after"),
        (["A bell rings"], "times"),
        (["A helicopter flies and a car passes"], "vehicle"),
    ],
)
def test_form_does_not_fit(captions: list[str], form: str) -> None:
    """A form is not used where the captions leave its answer open."""
    assert form not in forms(make_clip(*captions))


def test_order_that_is_not_one() -> None:
    """What is heard twice has no one thing next to it."""
    found = forms(make_clip("A dog barks, then a bell rings, then a dog barks"))
    assert not found & {"first", "last"}


def test_options_of_first_are_the_clips_own() -> None:
    """What else the clip has are the wrong options of what comes first, filled up with what it has not."""
    found = ask(make_clip("A dog barks, then a bell rings, then a man speaks"), "first")
    assert {"a bell ringing", "a man speaking"} < set(found.distractors)


def test_what_few_captions_say_is_not_asked() -> None:
    """An event of one caption in three is no answer, and no wrong option either."""
    clip = make_clip("A dog barks", "A dog barks and a cat meows", "A dog is barking")
    for seed in range(60):
        [question] = write_questions(clip, small(), 1, seed).questions
        assert "cat" not in question.answer
        assert not any("cat" in option for option in question.distractors)


def test_same_clip_same_questions() -> None:
    """A clip is asked the same again; another seed or id asks it in other ways."""
    clip = make_clip("A dog barks while rain falls")
    assert write_questions(clip, small(), 2, 0).questions == write_questions(clip, small(), 2, 0).questions
    assert len({write_questions(clip, small(), 1, seed).questions[0].question for seed in range(20)}) > 3
    asked = {write_questions(clip | {"clip_id": f"Small:{n}"}, small(), 1, 0).questions[0].question for n in range(20)}
    assert len(asked) > 3


def test_more_questions_go_on_from_fewer() -> None:
    """Asked for more, a clip gets those it had and further ones about something else."""
    clip = make_clip("A dog barks, then a bell rings while a man speaks and rain falls")
    for seed in range(20):
        asked = [write_questions(clip, small(), count, seed).questions for count in (1, 2, 3)]
        assert asked[0] == asked[1][:1]
        assert asked[1] == asked[2][:2]


def test_forms_differ_where_they_can() -> None:
    """Two questions about a clip with several forms are of two forms."""
    clip = make_clip("A dog barks while a woman laughs")
    assert all(len({one.form for one in write_questions(clip, small(), 2, seed).questions}) == 2 for seed in range(20))


def test_no_more_than_there_is() -> None:
    """A clip that says one thing is asked one question, one that says nothing none."""
    assert len(write_questions(make_clip("A door closes"), small(), 5, 0).questions) == 1
    for caption in ("", "Odd noises", "{} {cue}", "No dog barks"):
        assert write_questions(make_clip(caption), small(), 5, 0).questions == []
    assert write_questions(make_clip(), small(), 5, 0).questions == []


def test_odd_labels() -> None:
    """Labels with braces, markup or nothing in them neither raise nor reach a question unchecked."""
    labels = ["{sound}", "<b>bell</b>", "", "\0", "x" * 400, "the caption"]
    clip = make_clip("A dog barks", events=[(label, n + 1.0, n + 1.5) for n, label in enumerate(labels)])
    for seed in range(40):
        for one in write_questions(clip, small(), 3, seed).questions:
            assert not lint(one.question, [one.answer, *one.distractors], one.answer)


LINKS = (" and ", ", ", " while ", ", then ", " followed by ", " with ", ". ")
CLAUSES = {clause: family for family, clauses in FAMILIES.items() for clause in clauses}


@st.composite
def clips(draw: st.DrawFn) -> tuple[Row, set[str]]:
    """A clip with a few captions made of clauses, and the families that these are of."""
    captions, families = [], set[str]()
    for _ in range(draw(st.integers(1, 3))):
        said = draw(st.lists(st.sampled_from(sorted(CLAUSES)), min_size=1, max_size=4, unique=True))
        links = [draw(st.sampled_from(LINKS)) for _ in said]
        captions.append("".join(f"{link}{clause}" for link, clause in zip(["", *links[1:]], said, strict=True)))
        families |= {CLAUSES[clause] for clause in said}
    return make_clip(*captions, clip=f"Small:{draw(st.integers(0, 99))}"), families


FAMILY_OF = {hear(clause).text: family for clause, family in CLAUSES.items()}


@settings(max_examples=60)
@given(clips(), st.integers(0, 5))
def test_questions_about_any_clip(made: tuple[Row, set[str]], seed: int) -> None:
    """Every question is sound: distinct options, an answer that is stated, and no wrong option of what is stated."""
    clip, families = made
    stated = {event.text for event in listen([caption["text"] for caption in clip["captions"]]).events}
    asked = write_questions(clip, small(), 4, seed).questions
    assert len({(one.question, one.answer) for one in asked}) == len(asked)
    for one in asked:
        assert one.question_type in TYPES
        assert not lint(one.question, [one.answer, *one.distractors], one.answer)
        if one.form in ("presence", "background", "during", "after", "before", "first", "last"):
            assert one.answer in stated
        if one.form in ("presence", "background", "during", "after", "before"):
            assert not {FAMILY_OF.get(option) for option in one.distractors} & families
        elif one.form in ("first", "last"):
            assert not {FAMILY_OF.get(option) for option in one.distractors if option not in stated} & families


def test_every_clip_of_a_corpus_can_be_asked() -> None:
    """Most plain captions lead to a question."""
    asked = [write_questions(make_clip(caption), small(), 1, 0).questions for caption in CORPUS]
    assert sum(map(len, asked)) > 0.9 * len(CORPUS)


def test_no_order_where_an_event_was_left_out() -> None:
    """A clip of which an event could not be has no known order."""
    events = [("a dog barking", 1.0, 2.0), ("a bell ringing", 3.0, 4.0)]
    clip = make_clip("Noises", events=events)
    assert forms(clip) & {"first", "last", "before", "after"}
    assert not forms(clip | {"flags": ["event_outside_clip"]}) & {"first", "last", "before", "after"}


def test_known_events_count_not_captions() -> None:
    """Where events are known no number is taken from a caption."""
    assert "times" in forms(make_clip("A bell rings three times"))
    clip = make_clip("A bell rings three times", events=[("a bell ringing", 1.0, 2.0)])
    assert "times" not in forms(clip)
