"""Journal keys: what could change an answer changes the key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Audio, Call, Identity, Message, Model
from audiomcq_cli.engine import keys

MODEL = Model(name="writer", backend="http", model="m", revision="r1")
HEARD = Audio(transform="original", source="Clotho", path="a.wav", sha256="ab" * 32)
CALL = Call(
    messages=(Message("system", "s"), Message("user", "u", (HEARD,))),
    sampling={"temperature": 0.5, "top_p": 0.9},
    prompt="ask",
    schema={"type": "object"},
    schema_name="question",
)


def key(model: Model = MODEL, call: Call = CALL, sample: int = 0, number: int = 0) -> bytes:
    return keys.call_key(model, Identity(model.model, model.revision), call, sample=sample, number=number)


def hearing(audio: Audio) -> Call:
    return replace(CALL, messages=(Message("system", "s"), Message("user", "u", (audio,))))


@pytest.mark.parametrize(
    "other",
    [
        key(replace(MODEL, model="m2")),
        key(replace(MODEL, revision="r2")),
        key(replace(MODEL, structured="json_object")),
        key(call=replace(CALL, sampling={"temperature": 0.6, "top_p": 0.9})),
        key(call=replace(CALL, sampling={})),
        key(call=replace(CALL, schema={"type": "array"})),
        key(call=replace(CALL, schema=None)),
        key(call=replace(CALL, continuations=("a",))),
        key(call=replace(CALL, messages=CALL.messages[1:])),
        key(call=replace(CALL, messages=(*CALL.messages, Message("assistant", "a")))),
        key(call=replace(CALL, messages=(Message("user", "s"), *CALL.messages[1:]))),
        key(call=hearing(Audio.silence(10))),
        key(call=hearing(replace(HEARD, sha256="cd" * 32))),
        key(call=hearing(replace(HEARD, transform="swapped"))),
        key(sample=1),
        key(replace(MODEL, sample_rate=8_000), hearing(HEARD)),
        key(number=1),
    ],
)
def test_what_could_change_an_answer_is_in_the_key(other: bytes) -> None:
    """Model, revision, how JSON is enforced, turns, audio, sampling, schema, sample, rate and try all count."""
    assert other != key()


@pytest.mark.parametrize(
    "same",
    [
        key(replace(MODEL, name="other", backend="other", base_url=("http://x/v1",), api_key_env="KEY")),
        key(replace(MODEL, concurrency=1, requests_per_minute=5, attempts=1, tries=9, timeout=1.0)),
        key(replace(MODEL, audio_format="flac")),
        key(call=replace(CALL, sampling={"top_p": 0.9, "temperature": 0.5})),
        key(call=replace(CALL, prompt="renamed", schema_name="renamed")),
        key(call=hearing(replace(HEARD, path="elsewhere/b.flac", source="Other"))),
    ],
)
def test_what_cannot_change_an_answer_is_not(same: bytes) -> None:
    """Names, addresses, limits, the encoding of audio and where a file lies share replies."""
    assert same == key()


def test_silence_of_another_length_has_another_key() -> None:
    """Silences differ by their length, and the same length is the same however it is written."""
    assert key(call=hearing(Audio.silence(10))) != key(call=hearing(Audio.silence(5)))
    assert key(call=hearing(Audio.silence(10))) == key(call=hearing(Audio.silence(10.0)))


def test_how_json_is_enforced_does_not_matter_to_free_text() -> None:
    """Without a schema there is nothing to enforce."""
    free = replace(CALL, schema=None)
    assert key(call=free) == key(replace(MODEL, structured="none"), free)


def test_sample_and_try_are_not_mixed_up() -> None:
    """The two numbers stand apart."""
    assert len({key(sample=sample, number=number) for sample in range(3) for number in range(3)}) == 9


def test_rate_does_not_matter_to_a_call_without_audio() -> None:
    """The rate at which a model hears is part of what it hears, and of nothing else."""
    text = replace(CALL, messages=(Message("user", "u"),))
    assert key(call=text) == key(replace(MODEL, sample_rate=8_000), text)


def test_number_written_as_a_float_is_the_same_number() -> None:
    """A recipe may say 1 or 1.0 and mean the same."""
    assert key(call=replace(CALL, sampling={"top_p": 1})) == key(call=replace(CALL, sampling={"top_p": 1.0}))


@settings(max_examples=20)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
        lambda part: st.lists(part) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), part),
    )
)
def test_digest_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    """The same data in another order of insertion has the same digest, at every depth."""
    assert keys.digest(_turn(value)) == keys.digest(value)


def test_listen_key_holds_the_version_of_the_tool() -> None:
    """An analysis is done again where the audio, the analysis or its tool is another."""
    found = {
        keys.listen_key("probe", "1", HEARD, {}),
        keys.listen_key("probe", "2", HEARD, {}),
        keys.listen_key("beats", "1", HEARD, {}),
        keys.listen_key("probe", "1", replace(HEARD, sha256="cd" * 32), {}),
    }
    assert len(found) == 4
    assert keys.listen_key("probe", "1", replace(HEARD, path="b.wav"), {}) in found


def _turn(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turn(part) for name, part in reversed(value.items())}
    return [_turn(part) for part in value] if isinstance(value, list) else value
