"""What ``caption --describe local`` asks of a clip and what it fills in: events, transcript and measurements."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from audiomcq_cli.contracts import Clip, Listen, Reject, Reply, Request, Row
from audiomcq_cli.measurements import SINGING, SPEECH

UNSURE = "voices_unsure"
"""Flag of a clip in which there may or may not be speech, singing or music: nothing is told of them."""


def list_analyses(transcriber: str) -> Mapping[str, Mapping[str, Any]]:
    """What is asked, with settings that say which weights it takes."""
    return {"measure": {}, "segment": {}, "transcribe": {"weights": transcriber}}


def listen_locally(
    clip: Row, audio: Clip, transcriber: str
) -> Generator[Sequence[Request], Sequence[Reply], Row | Reject]:
    """Measure a clip, look for speech, singing and music, and write down what is said."""
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
    """A clip with more entries in a column, and whom they come from."""
    calls = clip["calls"] if reply.call in clip["calls"] else [*clip["calls"], reply.call]
    made = [reply.made(column)] if entries else []
    return clip | {
        column: [*clip[column], *entries],
        "calls": calls,
        "provenance": [*clip["provenance"], *made],
    }
