"""Journal keys and fingerprints: hashes of everything that could change an answer or a shard."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from audiomcq_cli.contracts import Call, Clip, Identity, Model


def digest(value: Any) -> bytes:
    """Return the SHA-256 of plain data, independent of the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)).digest()


def call_key(model: Model, identity: Identity, call: Call, *, sample: int, number: int) -> bytes:
    """Key of the reply to a rendered call.

    Audio stands in it by its own key: what part of which content, or how much silence. Addresses, concurrency and the
    encoding of audio cannot change an answer and are left out; the rate at which it is heard can. ``number`` counts the
    tries of this request, in this run and before.
    """
    return digest(
        {
            "model": [identity.model, identity.revision],
            "messages": [[turn.role, turn.text, [part.key() for part in turn.audio]] for turn in call.messages],
            "rate": model.sample_rate if any(turn.audio for turn in call.messages) else 0,
            "sampling": plain_numbers(call.sampling),
            "schema": call.schema,
            "structured": model.structured if call.schema else "",
            "continuations": list(call.continuations),
            "try": [sample, number],
        }
    )


def plain_numbers(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Return sampling parameters with 1.0 written as 1: both mean the same in a recipe."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in sampling.items()
    }


def listen_key(analysis: str, version: str, audio: Clip, settings: Mapping[str, Any]) -> bytes:
    """Return the journal key of a local analysis: a hash of its name, its version, the audio and the settings."""
    told = {"settings": dict(settings)} if settings else {}
    return digest({"analysis": analysis, "version": version, "audio": audio.key(), **told})
