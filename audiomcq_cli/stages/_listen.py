"""Local analyses of ``caption --describe local``, which fill in events, transcript and measurements."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from audiomcq_cli.contracts import Clip, Listen, Reject, Reply, Request, Row
from audiomcq_cli.measurements import SINGING, SPEECH

UNSURE = "voices_unsure"
"""Flag of a clip in which speech, singing or music is doubtful: none of them is reported."""


def list_analyses(transcriber: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the analyses, with settings that name their weights."""
    return {"measure": {}, "segment": {}, "transcribe": {"weights": transcriber}}


def listen_locally(
    clip: Row, audio: Clip, transcriber: str
) -> Generator[Sequence[Request], Sequence[Reply], Row | Reject]:
    """Measure a clip, detect speech, singing and music, and transcribe speech."""
    measured, heard = replies = yield [Listen(analysis=name, audio=audio) for name in ("measure", "segment")]
    if reject := _find_problem(replies):
        return reject
    clip = _add(clip, measured, "measurements", measured.value["measurements"])
    clip = _add(clip, measured, "events", measured.value["events"])
    clip = _add(clip, heard, "events", heard.value["events"])
    if heard.value["unsure"]:
        clip = clip | {"flags": [*clip["flags"], UNSURE]}
    spans = [[one["onset"], one["offset"]] for one in heard.value["events"] if one["label"] in (SPEECH, SINGING)]
    if not spans:
        return clip
    replies = yield [Listen(analysis="transcribe", audio=audio, settings={"weights": transcriber, "spans": spans})]
    if reject := _find_problem(replies):
        return reject
    [said] = replies
    clip = _add(clip, said, "transcript", said.value["words"])
    return _add(clip, said, "measurements", said.value["measurements"])


def _find_problem(replies: Sequence[Reply]) -> Reject | None:
    for reply in replies:
        if reply.failed:
            return Reject(reply.error, reply.detail)
        if "problem" in reply.value:
            return Reject(reply.value["problem"], reply.value["detail"])
    return None


def _add(clip: Row, reply: Reply, column: str, entries: Sequence[Row]) -> Row:
    """Return a clip with more entries in a column, and their provenance."""
    calls = clip["calls"] if reply.call in clip["calls"] else [*clip["calls"], reply.call]
    made = [reply.made(column)] if entries else []
    return clip | {
        column: [*clip[column], *entries],
        "calls": calls,
        "provenance": [*clip["provenance"], *made],
    }
