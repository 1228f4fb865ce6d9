"""Captions by models: who is asked what of a clip, and what is no description."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Clip, Context, Failure, Listen, Origin, Reject, Reply, Row
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.records import read_window
from audiomcq_cli.stages._describe import describe, find_fault, split_clip
from audiomcq_cli.stages.caption import STAGE, Options, flow
from tests.stages.dialogue import CLIP, Answers, Played, fail, play
from tests.stages.test_caption import MEASURED, make_reply, make_row

CLIP_HEARD: Row = CLIP | {"audio_sha256": "ab", "duration": 70.0, "flags": []}
REFUSAL = "I'm sorry, but I cannot listen to audio files."


def say(text: str) -> Answers:
    return lambda chat: text


def lost(error: str) -> Reply:
    return Reply(stage="caption", key="", origin=Origin("m"), error=error, detail="no use", tries=3)


def run(answers: Answers, *names: str, clip: Row = CLIP_HEARD, too_long: str = "split", **windows: float) -> Played:
    return play(describe(clip, names or ("ears",), windows, too_long), answers)


# ---------------------------------------------------------------------------------------------------------- asking


def test_every_captioner_is_asked_about_the_clip_at_once() -> None:
    """All are sent the same audio in one round, so that it is encoded once, and told nothing of other captions."""
    played = run(say("Rain falls."), "ears", "more")
    assert [len(chats) for chats in played.rounds] == [2]
    assert [chat.model for chat in played.asked] == ["ears", "more"]
    clip = Clip("AudioCaps", "7.wav", "ab", duration=70.0)
    assert all(chat.audio == (clip,) and chat.audio[0].duration == 70 for chat in played.asked)
    assert all(chat.variables == {"feedback": []} and chat.optional and chat.whole for chat in played.asked)


def test_captions_stand_side_by_side_with_their_origin() -> None:
    """Each model's words follow those that were there, with the model as their origin, also where two say the same."""
    row = run(say("<think>What is it?</think>\nRain\n falls."), "ears", "more").row
    assert row["captions"] == [
        *CLIP["captions"],
        {"text": "Rain falls.", "origin": "ears-8b"},
        {"text": "Rain falls.", "origin": "more-8b"},
    ]
    assert [call["prompt"] for call in row["calls"]] == ["describe"] * 2
    assert [(made["column"], made["model"], made["prompt"]) for made in row["provenance"]] == [
        ("captions", "ears-8b", "describe"),
        ("captions", "more-8b", "describe"),
    ]
    assert row["flags"] == []


# ------------------------------------------------------------------------------------------------------ long clips


def test_long_clip_is_described_in_parts() -> None:
    """A model that hears 30 s is asked for each of three equal windows, which its captions name; one that hears more
    is asked once."""
    played = run(lambda chat: chat.audio[0].key()[0], "ears", "more", ears=30.0, more=70.0)
    windows = ["window:0:23.333", "window:23.333:23.333", "window:46.666:23.334"]
    assert [chat.audio[0].key()[0] for chat in played.asked] == [*windows, "original"]
    captions = played.row["captions"][1:]
    assert [read_window(caption["origin"]) for caption in captions] == [
        "0 s to 23.333 s", "23.333 s to 46.666 s", "46.666 s to 70 s", ""
    ]  # fmt: skip
    assert [caption["text"] for caption in captions] == [*windows, "original"]
    assert len(played.row["provenance"]) == 2


def test_long_clip_can_be_flagged() -> None:
    """Where long clips are only to be flagged, a model that hears less is not asked, and the others are."""
    played = run(say("Rain."), "ears", "more", too_long="flag", ears=30.0)
    assert [chat.model for chat in played.asked] == ["more"]
    assert played.row["flags"] == ["too_long_to_hear"]
    assert run(say("Rain."), too_long="flag", ears=30.0).row["captions"] == CLIP["captions"]


def test_long_clip_can_be_rejected() -> None:
    """Where long clips are to be rejected nothing is asked of them."""
    played = run(say("Rain."), "more", "ears", too_long="reject", ears=30.0, more=100.0)
    assert played.asked == []
    assert played.reject == Reject("too_long_to_hear", "70 s, and 'ears' hears 30 s at once")


@given(st.floats(0.001, 600), st.floats(0.1, 600))
def test_windows_hold_all_of_a_clip(duration: float, window: float) -> None:
    """They follow each other from the beginning to the end, none longer than the model hears, none a sliver."""
    spans = split_clip(duration, window)
    assert spans[0][0] == 0 and spans[-1][1] >= round(duration, 6)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    lengths = [round(1000 * (end - start)) for start, end in spans]
    assert max(lengths) <= window * 1000 + 1e-6 and max(lengths) - min(lengths) <= 1


# ------------------------------------------------------------------------------------------- what is no description


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL,
        "I'm sorry, I can\u2019t help with that.",
        "As an AI language model, I only work with text.",
        "As a text-based assistant I have no ears.",
        "I cannot hear the audio.",
        "I am not able to play recordings, but you can describe it to me.",
        "I don't have the ability to listen to audio clips directly.",
        "I currently cannot access audio content.",
        "It seems that no audio was provided.",
        "There is no audio file attached to your message.",
        "Please upload the clip that you want described.",
        "You haven't attached a recording.",
        "Unfortunately, I can\u2019t process audio.",
        "...",
        "<think>Rain? Thunder?</think>",
        "<think>Rain falls, and",
    ],
)
def test_reply_that_describes_nothing_is_none(text: str) -> None:
    """Refusals, claims that there is nothing to hear, and replies without words are no captions."""
    assert find_fault(text)


@pytest.mark.parametrize(
    "text",
    [
        "Rain falls.",
        "The clip is silent throughout.",
        "There is no speech; a fan hums.",
        'A woman says "I can\'t hear the music" while rain falls.',
        "A man says, “I'm sorry, but I cannot hear the audio.”",
        "A phone rings and nobody answers it. A voice asks to leave a message.",
        "No audio effects are heard, only a dry guitar.",
        "<think>I cannot hear the audio well.</think>Wind blows over a microphone.",
        "雨が降っている。",
        "A man sings, then the recording ends in mid-word.",
    ],
)
def test_description_is_not_taken_for_a_refusal(text: str) -> None:
    """Silence is a description, and what people in a clip say is theirs."""
    assert find_fault(text) == ""


def test_captioner_is_told_what_was_wrong() -> None:
    """A reply that describes nothing is asked for once more, with what was wrong, and both calls are kept."""
    played = run(lambda chat: "Rain falls." if chat.variables["feedback"] else REFUSAL)
    assert [(chat.sample, len(chat.variables["feedback"])) for chat in played.asked] == [(0, 0), (1, 1)]
    assert played.row["captions"][1:] == [{"text": "Rain falls.", "origin": "ears-8b"}]
    assert [call["key"] for call in played.row["calls"]] == ["k0", "k1"] and played.row["flags"] == []


def test_clip_goes_on_without_a_captioner_that_has_no_words() -> None:
    """A model that refuses twice, or whose replies are of no use, leaves a remark; the other one's caption is kept."""
    for silent, rounds in ((REFUSAL, 2), (lost("refusal"), 1), (lost("length"), 1)):
        said = {"ears": silent, "more": "Rain falls."}
        played = run(lambda chat, said=said: said[chat.model], "ears", "more")  # type: ignore[misc]
        assert [caption["origin"] for caption in played.row["captions"]] == ["AudioCaps", "more-8b"]
        assert played.row["flags"] == ["not_described"] and len(played.rounds) == rounds


def test_part_that_is_not_described_is_left_out() -> None:
    """Of a long clip the parts that were described are kept, with a remark."""
    played = run(lambda chat: REFUSAL if chat.audio[0].start == 0 else "Rain.", ears=40.0)
    assert [read_window(caption["origin"]) for caption in played.row["captions"][1:]] == ["35 s to 70 s"]
    assert played.row["flags"] == ["not_described"]


def test_clip_that_nobody_describes_is_rejected() -> None:
    """Without any other caption there is nothing to go on, and asking the next day would not help."""
    played = run(say(REFUSAL), clip=CLIP_HEARD | {"captions": []})
    assert (played.reject.reason, played.reject.raw_reply) == ("not_described", REFUSAL)


@pytest.mark.parametrize(("error", "captions"), [("status_503", CLIP["captions"]), ("empty", [])])
def test_captioner_that_was_not_heard_fails_the_clip(error: str, captions: list[Row]) -> None:
    """A server that did not answer fails the clip whatever else is known of it, so that the next run asks again; a
    model without a usable reply does where nothing else is known."""
    clip = CLIP_HEARD | {"captions": captions}
    played = run(lambda chat: lost(error), clip=clip)
    assert isinstance(played.outcome, Failure) and played.outcome.reply.error == error


# ------------------------------------------------------------------------------------------------------- the stage


def test_stage_describes_what_it_has_measured() -> None:
    """The clip is probed first, and captioners are asked about it with the windows that they hear."""
    context = Context(Options(describe=("model",), captioners=("ears",)), windows={"ears": 6.0})
    steps = flow(make_row(), context)
    [probe] = next(steps)
    assert isinstance(probe, Listen)
    asked: list[Any] = list(steps.send([make_reply(MEASURED)]))
    assert [chat.audio[0] for chat in asked] == [
        Clip("Set", "a.wav", "ab12", start=start, seconds=5.0) for start in (0.0, 5.0)
    ]
    with pytest.raises(StopIteration) as stop:
        steps.send([Reply(stage="caption", key=f"d{n}", origin=Origin("m"), text=f"Rain {n}.") for n in range(2)])
    [row] = stop.value.value
    assert row["captions"] == [{"text": "Rain 0.", "origin": "m (0 s to 5 s)"},
                               {"text": "Rain 1.", "origin": "m (5 s to 10 s)"}]  # fmt: skip
    assert row["flags"] == [] and [call["key"] for call in row["calls"]] == ["k1", "d0", "d1"]
    assert set(row) == set(STAGE.writes)


def test_models_are_needed_only_to_describe() -> None:
    """Without --describe no model and no prompt is needed; with it captioners have to hear, and to differ."""
    assert STAGE.needs and STAGE.prompts
    assert not STAGE.needs(Options()) and not STAGE.prompts(Options())
    options = Options(describe=("model",), captioners=("a", "b"))
    assert [(need.model, need.capabilities, need.distinct) for need in STAGE.needs(options)] == [
        (name, frozenset({"chat", "audio"}), True) for name in ("a", "b")
    ]
    assert STAGE.prompts(options) == ("describe",)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"describe": ("modle",)}, "describe"),
        ({"describe": ("model",), "captioners": ()}, "captioners"),
        ({"captioners": ("a", "a")}, "captioners"),
        ({"min_duration": 5.0, "max_duration": 2.0}, "min_duration"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], key: str) -> None:
    """An unknown way to describe, nobody to do it, a model named twice, and bounds that no clip meets are mistakes."""
    with pytest.raises(RecipeError, match=f"^{key}"):
        Options(**options)


def test_failed_reply_is_a_failure() -> None:
    """The dialogue's own failure, of JSON that is none, counts as a model that was not heard."""
    assert isinstance(run(fail).outcome, Failure)
