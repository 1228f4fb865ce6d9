"""Journal keys and fingerprints: hashes of everything that could change an answer or a shard."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from audiomcq_cli.contracts import Audio, Call, Model


def digest(value: Any) -> bytes:
    """SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)).digest()


def call_key(model: Model, call: Call, *, sample: int, round: int, attempt: int) -> bytes:
    """Key of the reply to a rendered call.

    Audio stands in it by content hash and transform, silence by its transform alone. Addresses, concurrency and the
    encoding of audio cannot change an answer and are left out. ``round`` counts the runs that ended with this call
    unanswered, ``attempt`` the unusable replies within a round.
    """
    return digest(
        {
            "model": [model.model, model.revision],
            "messages": [[turn.role, turn.text, [_audio_key(part) for part in turn.audio]] for turn in call.messages],
            "sampling": dict(call.sampling),
            "schema": call.schema,
            "structured": model.structured if call.schema else "",
            "continuations": list(call.continuations),
            "try": [sample, round, attempt],
        }
    )


def listen_key(analysis: str, version: str, audio: Audio) -> bytes:
    """Key of a local analysis: audio hash, transform and tool version."""
    return digest({"analysis": analysis, "version": version, "audio": _audio_key(audio)})


def _audio_key(audio: Audio) -> list[str]:
    return [audio.transform, audio.sha256]
