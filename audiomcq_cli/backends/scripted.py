"""Replies from a file instead of a model, for trying a recipe and for tests.

The file is JSON: for each prompt name a list of replies, from which the conversation's hash picks one; ``"*"`` stands
for every other prompt. The backend accepts audio, and scores a continuation by its length, so that every part of a
pipeline runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import BackendKind, Call, Capabilities, Completion, Encoder, Identity, Model, option
from audiomcq_cli.errors import CallRefused, ModelNotServed


@dataclass(frozen=True, slots=True)
class ScriptedOptions:
    """Keys of the model's table."""

    script: str = option("", "JSON file: prompt name to a list of replies", path=True)


class Scripted:
    """Picks replies from its script."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._replies: Mapping[str, list[str]] = {}

    async def check(self) -> None:
        """Read the script; raises ``ModelNotServed`` if that fails."""
        path = Path(self._model.settings.script)
        try:
            self._replies = _check_script(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise ModelNotServed(
                f"model {self._model.name!r}: no usable script {str(path)!r}: {error}",
                hint="script = a JSON file: prompt name to a list of replies",
            ) from error

    async def send(self, call: Call) -> Completion:
        """Pick a reply; raises ``CallRefused`` if the script has none for the prompt."""
        if call.continuations:
            return Completion(
                scores=tuple({"logprob": -float(len(text)), "tokens": len(text)} for text in call.continuations)
            )
        heard = [
            await self._encode(part, rate=self._model.sample_rate, format=self._model.audio_format)
            for turn in call.messages
            for part in turn.audio
        ]
        replies = self._replies.get(call.prompt) or self._replies.get("*")
        if not replies:
            raise CallRefused(f"the script has no reply to prompt {call.prompt!r}", code="not_scripted")
        text = "\n".join(turn.text for turn in call.messages).encode()
        seed = hashlib.sha256(text + b"".join(heard)).digest()
        reply = replies[int.from_bytes(seed[:4], "big") % len(replies)]
        return Completion(text=reply, prompt_tokens=len(text) // 4, completion_tokens=len(reply) // 4)

    async def close(self) -> None:
        """Do nothing."""


def _check_script(script: Any) -> Mapping[str, list[str]]:
    if not isinstance(script, dict) or not all(isinstance(replies, list) for replies in script.values()):
        raise ValueError("not a table of lists")
    if not all(isinstance(reply, str) for replies in script.values() for reply in replies):
        raise ValueError("a reply is not a text")
    return script


def _find_capabilities(model: Model) -> Capabilities:
    return Capabilities(schema=True, audio=True, score=True, audio_window=model.audio_window)


def _identify(model: Model) -> Identity:
    """Return the script's content hash as the identity: another script gives other replies."""
    try:
        return Identity(model.model, hashlib.sha256(Path(model.settings.script).read_bytes()).hexdigest()[:16])
    except OSError:
        return Identity(model.model, "")  # check reports the error


BACKEND = BackendKind(
    help="replies from a JSON file, for trying a recipe",
    options=ScriptedOptions,
    capabilities=_find_capabilities,
    open=Scripted,
    identify=_identify,
)
