"""Replies from a file: the same request always gets the same reply, and a script that is no use is named."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from audiomcq_cli.backends.scripted import BACKEND, ScriptedOptions
from audiomcq_cli.contracts import Audio, Call, Clip, Completion, Message, Model, Silence
from audiomcq_cli.errors import CallRefused, ModelNotServed


async def encode(audio: Audio, *, rate: int, format: str) -> bytes:
    return f"{audio.key()} {rate} {format}".encode()


def make_model(script: Path) -> Model:
    return Model(name="writer", backend="scripted", model="script", settings=ScriptedOptions(str(script)))


def write_script(folder: Path, script: Any) -> Path:
    (folder / "script.json").write_text(json.dumps(script))
    return folder / "script.json"


def make_call(text: str = "rain", prompt: str = "ask", audio: tuple[Audio, ...] = (), **changes: Any) -> Call:
    return Call(messages=(Message("user", text, audio),), sampling={}, prompt=prompt, **changes)


def send(script: Path, *calls: Call) -> list[Completion]:
    async def work() -> list[Completion]:
        backend = BACKEND.open(make_model(script), encode)
        await backend.check()
        replies = [await backend.send(call) for call in calls]
        await backend.close()
        return replies

    return asyncio.run(work())


def test_reply_is_one_of_the_prompts_list(tmp_path: Path) -> None:
    """A prompt is answered from its own list, and different conversations get different replies of it."""
    script = write_script(tmp_path, {"ask": ["a", "b", "c"], "*": ["other"]})
    said = {reply.text for reply in send(script, *(make_call(f"text {number}") for number in range(40)))}
    assert said == {"a", "b", "c"}


def test_star_answers_every_other_prompt(tmp_path: Path) -> None:
    """A prompt that the script does not name is answered from the list under the star."""
    assert send(write_script(tmp_path, {"*": ["other"]}), make_call(prompt="unnamed"))[0].text == "other"


def test_same_request_gets_the_same_reply(tmp_path: Path) -> None:
    """The reply depends on the conversation alone."""
    script = write_script(tmp_path, {"*": [str(number) for number in range(100)]})
    assert send(script, make_call("x"), make_call("y")) == send(script, make_call("x"), make_call("y"))


def test_reply_depends_on_what_is_heard(tmp_path: Path) -> None:
    """The same question about other audio may get another reply."""
    script = write_script(tmp_path, {"*": [str(number) for number in range(1000)]})
    parts: list[tuple[Audio, ...]] = [(), (Silence(1),), (Clip("Set", "a.wav"),)]
    assert len({reply.text for reply in send(script, *(make_call(audio=part) for part in parts))}) == 3


def test_continuations_are_scored(tmp_path: Path) -> None:
    """Each continuation has a score, the shorter the higher."""
    [reply] = send(write_script(tmp_path, {}), make_call(continuations=("a", "long one")))
    assert [score["logprob"] for score in reply.scores] == [-1.0, -8.0]


def test_prompt_without_a_reply_is_refused(tmp_path: Path) -> None:
    """A prompt that the script does not know fails its row and is named."""
    with pytest.raises(CallRefused, match="unknown"):
        send(write_script(tmp_path, {"ask": ["a"]}), make_call(prompt="unknown"))


@pytest.mark.parametrize("text", [None, "not JSON", '["a", "list"]', '{"ask": "a text"}', '{"ask": [1]}'])
def test_script_that_is_no_use_is_named(tmp_path: Path, text: str | None) -> None:
    """A script that is missing or is not what it should be stops before the first call."""
    path = tmp_path / "script.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelNotServed, match=r"script\.json"):
        send(path, make_call())
