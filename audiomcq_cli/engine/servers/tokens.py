"""Estimates the tokens of a call before it is sent: for limits, budgets and rehearsals."""

from __future__ import annotations

from audiomcq_cli.contracts import Call, Completion, Model

CHARACTERS_A_TOKEN = 4
"""Characters of English text for each token, about."""

REPLY_TOKENS = 256
"""Reply tokens if the recipe sets no limit."""

TURN_TOKENS = 16
"""Most tokens that a chat template adds to one turn."""

CLIP_SECONDS = 30.0
"""Seconds of a clip of unknown length; many models pad a shorter clip to this length."""

CLIP_TOKENS = 1500
"""Tokens of such a clip in the models that use the most: 50 a second, as Whisper's encoder gives."""

AUDIO_TOKENS = 25
"""Tokens of a second of audio: Qwen2-Audio and Qwen2.5-Omni use as many, Voxtral and Qwen3-Omni half."""


def count_tokens(*texts: str) -> int:
    """Estimate the tokens of some texts, at least one each."""
    return sum(-(-len(text) // CHARACTERS_A_TOKEN) for text in texts)


def estimate_tokens(call: Call) -> tuple[float, float]:
    """Estimate the prompt tokens of a call, and its greatest number of reply tokens."""
    most = call.sampling.get("max_completion_tokens") or call.sampling.get("max_tokens") or REPLY_TOKENS
    heard = round(AUDIO_TOKENS * sum(_list_seconds(call)))
    said = count_tokens(*(turn.text for turn in call.messages))
    return said + heard, count_tokens(*call.continuations) or float(most)


def _list_seconds(call: Call) -> list[float]:
    """Return the length of every audio part of a call."""
    parts = [part.length for turn in call.messages for part in turn.audio]
    return [CLIP_SECONDS if seconds is None else seconds for seconds in parts]


MARGIN = 1.25
"""Margin for texts with more tokens a character than any seen before."""


class TokenBounds:
    """Upper bounds of a call's tokens, learned from calls to the same model with the same prompt.

    Before the first answer a prompt counts a token a byte, plus its template and its clips. After that the estimate
    counts, times the largest factor by which it was too small so far, and a margin.
    """

    def __init__(self) -> None:
        self._factors: dict[tuple[str, str], float] = {}

    def bound(self, model: Model, call: Call) -> tuple[float, float]:
        """Return the most tokens of the prompt and of the reply."""
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
        """Learn from the actual tokens of a call."""
        prompt, reply = estimate_tokens(call)
        took = completion.prompt_tokens
        if call.continuations:
            prompt, took = prompt + reply, took + completion.completion_tokens
        this = (model.name, call.prompt)
        self._factors[this] = max(self._factors.get(this, 1.0), took / max(prompt, 1.0))
