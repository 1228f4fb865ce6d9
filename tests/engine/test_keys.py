"""Journal keys: what could change an answer changes the key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli.contracts import Audio, Call, Clip, Identity, Message, Model, Silence
from audiomcq_cli.engine import keys

MODEL = Model(name="writer", backend="http", model="m", revision="r1")
LONG = Clip("AudioCaps", "a b/7.wav", "ab" * 32, duration=70.0)
HEARD = Clip("Clotho", "a.wav", sha256="ab" * 32)
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
        key(call=hearing(Silence(10))),
        key(call=hearing(replace(HEARD, sha256="cd" * 32))),
        key(call=hearing(HEARD.cut(0, 1))),
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


@pytest.mark.parametrize(
    ("clip", "name", "called", "listened"),
    [
        (LONG, "original", "73c8cd566f793bdb35e36de776cf9130b67ec54ade07920f41d58367480847ad",
         "0c10fc242ba7b48d8aeb117535ce513885cc1d25273f6e55954c0b9d8117fb57"),
        (Clip("Set", "a.wav"), "original", "4fe2f2bdd863e19412f09a1b7d53f016710ff05f1f4da83767671f851019dd54",
         "e784c21ed22f00a2ae7c339eae107f302ace070879a58aa363bdd6920dfdb8fb"),
        (LONG.cut(0, 0.25), "window:0:0.25",
         "158a49e213d97490ec38656eda4512e62264006bc2f4916d5fee932ec69d8b94",
         "e8da972bd23183b6a83c9520964ee2d892c05cf085f48b1661fe584addb8816d"),
        (LONG.cut(1.234, 1.5), "window:1.234:1.5",
         "9438afffeeabef83c7c8c733960248cbea703843d57057ef6733e450d8549c0b",
         "f59d4dcd76b3f21447223c6689bbbb9f863e21fac0f2334937637808498abd36"),
        (LONG.cut(30, 30.0), "window:30:30",
         "078a06a8086970b3fb1058a5614251cea4d9efd3e431f1056372510b47946703",
         "c91b7de0690c81ccc9444ed1132e3a78d7efc093c843a871b1cdddc6c73264a6"),
        (LONG.cut(1 / 3, 2 / 3), "window:0.333:0.667",
         "303d0089210803b865c955087a253b9f49a664a477bceb403641103176fa5869",
         "c3e55453356967186c6045c763b6eeee313860d2c7fb3682564f003637e34013"),
        (LONG.cut(100.1 + 200.2, 0.0015), "window:300.3:0.002",
         "ee03aaef0d745bd036688734dff31c3b4d5917c458c8014d3abc0ff1c8d435a0",
         "3d88032380e9039e3fb686a4b4005ca77f106204f1182742ccb965eb6f05d978"),
        (LONG.cut(3599.9996, 10), "window:3600:10",
         "1a6da4e540d0d13310e59e243130bf030bba773b5322f40e6aa6f89e7e6a2a1c",
         "ae00ea8f100678531a2f39087e60866eabe5b2cf8c47e2ceddc8989354579fe1"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 32 else "",
)  # fmt: skip
def test_keys_of_clips_stay_as_they_are(clip: Clip, name: str, called: str, listened: str) -> None:
    """A clip and its parts have the keys under which journals hold their replies."""
    assert clip.key() == (name, clip.sha256)
    assert key(call=hearing(clip)).hex() == called
    assert keys.listen_key("probe", "1", clip, {}).hex() == listened


@pytest.mark.parametrize(
    ("silence", "name", "called"),
    [
        (Silence(30), "silence:30", "fb6e456712cef6b18bb30d2dae97f0b5d97534cbf2aa4e216c6200cf90813e94"),
        (Silence(30.0), "silence:30", "fb6e456712cef6b18bb30d2dae97f0b5d97534cbf2aa4e216c6200cf90813e94"),
        (Silence(10), "silence:10", "7b5604b5904474d8006c10e20be5c7f1f1a242fa4b11c6bfbdc8cc43d7d8efbd"),
        (Silence(0.1), "silence:0.1", "cd26804f91de5a108fa8cd3d7baf27aea3f8ad4e0b50bb0438b57fb548b108fa"),
        (Silence(2.5), "silence:2.5", "c6ceab8ddc5ec0dc03f5adb85dce4e531868a42dcf5e4489ccb70411feb8db68"),
        (Silence(1 / 3), "silence:0.333333", "ff305d5397b6f05d8610fdedb35bb02fc0514f8bdde6b38375fd7fdd57ee1e85"),
        (Silence(29.9999999), "silence:30", "fb6e456712cef6b18bb30d2dae97f0b5d97534cbf2aa4e216c6200cf90813e94"),
        (Silence(3600), "silence:3600", "6b22dc9c5fc57c193124bc9e93de5c1767efa7553e425352272ae1caa27e5a0a"),
        (Silence(1234567.5), "silence:1.23457e+06", "ebbe239d885791d731329ec8dce5ab3453e8bb9235a767c056c1b5832bad94dd"),
        (Silence(1e-05), "silence:1e-05", "9ca77d28512282ca0579a28b319457018b4dba2275f52c8cfe0649401f66356e"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 32 else "",
)  # fmt: skip
def test_keys_of_silence_stay_as_they_are(silence: Silence, name: str, called: str) -> None:
    """Silence of a length has the key under which journals hold its replies."""
    assert silence.key() == (name, "")
    assert key(call=hearing(silence)).hex() == called


def test_silence_of_another_length_has_another_key() -> None:
    """Silences differ by their length, and the same length is the same however it is written."""
    assert key(call=hearing(Silence(10))) != key(call=hearing(Silence(5)))
    assert key(call=hearing(Silence(10))) == key(call=hearing(Silence(10.0)))


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
