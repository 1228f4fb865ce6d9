"""About how many tokens a call will take, before it is sent: for limits, budgets and rehearsals."""

from __future__ import annotations

from audiomcq_cli.contracts import Call, Completion, Model

CHARACTERS_A_TOKEN = 4
"""What English text comes to, about."""

REPLY_TOKENS = 256
"""What a reply may take where the recipe does not say."""

TURN_TOKENS = 16
"""What a chat template puts around one turn, at most."""

CLIP_SECONDS = 30.0
"""What a clip lasts whose length is not known, and what many models fill a shorter one up to."""

CLIP_TOKENS = 1500
"""What that comes to with the models that take the most: 50 a second, as Whisper's encoder gives."""

AUDIO_TOKENS = 25
"""Tokens of a second of audio: so many for Qwen2-Audio and Qwen2.5-Omni, half for Voxtral and Qwen3-Omni."""


def count_tokens(*texts: str) -> int:
    """About how many tokens some texts are, at least one each."""
    return sum(-(-len(text) // CHARACTERS_A_TOKEN) for text in texts)


def estimate_tokens(call: Call) -> tuple[float, float]:
    """About how many tokens the prompt of a call takes, and how many its reply takes at most."""
    most = call.sampling.get("max_completion_tokens") or call.sampling.get("max_tokens") or REPLY_TOKENS
    heard = round(AUDIO_TOKENS * sum(_list_seconds(call)))
    said = count_tokens(*(turn.text for turn in call.messages))
    return said + heard, count_tokens(*call.continuations) or float(most)


def _list_seconds(call: Call) -> list[float]:
    """Length of every audio part of a call."""
    parts = [part.length for turn in call.messages for part in turn.audio]
    return [CLIP_SECONDS if seconds is None else seconds for seconds in parts]


MARGIN = 1.25
"""By how much a text may take more tokens a character than those seen before it."""


class TokenBounds:
    """How many tokens a call may take at most, as far as its like has shown: calls to one model with one prompt.

    Before the first answer a prompt is taken as a token a byte, its template and its clips. After that the estimate
    counts, times the most by which it was too small for any of them and a margin for the next.
    """

    def __init__(self) -> None:
        self._factors: dict[tuple[str, str], float] = {}

    def bound(self, model: Model, call: Call) -> tuple[float, float]:
        """Tokens of the prompt and of the reply, at most."""
        prompt, completion = estimate_tokens(call)
        factor = self._factors.get((model.name, call.prompt))
        if factor is None:
            said = sum(len(turn.text.encode()) + TURN_TOKENS for turn in call.messages)
            heard = sum(CLIP_TOKENS * max(1.0, seconds / CLIP_SECONDS) for seconds in _list_seconds(call))
            scored = sum(len(text.encode()) for text in call.continuations)
            return said + heard, scored or completion
        factor *= MARGIN
        return factor * prompt, factor * completion if call.continuations else completion

    def learn(self, model: Model, call: Call, completion: Completion) -> None:
        """Take in what a call took."""
        prompt, reply = estimate_tokens(call)
        took = completion.prompt_tokens
        if call.continuations:
            prompt, took = prompt + reply, took + completion.completion_tokens
        this = (model.name, call.prompt)
        self._factors[this] = max(self._factors.get(this, 1.0), took / max(prompt, 1.0))
