"""Makes the clips: what the sources say about each, and what its audio file is found to be.

The engine has already brought the rows of a clip together and looked for its audio, so a row of the input is::

    {"clip_id", "source_dataset", "source_id", "captions": [{"text", "origin"}],
     "events": [{"label", "onset", "offset", "origin"}], "seeds": [{"question", "answer", "origin"}],
     "audio_path", "audio_present", "audio_sha256", "license", "origin", "problem": {"reason", "detail"} or None}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audiomcq_cli import records
from audiomcq_cli.contracts import Audio, Context, Flow, Listen, Reject, Row, Stage, option
from audiomcq_cli.records import AUDIO_MISSING, EVENT_OUTSIDE_CLIP

SLACK = 0.1
"""Seconds by which an event may begin behind the end: annotators round, and so do codecs."""

_MEASURED = ("audio_sha256", "duration", "sample_rate", "channels")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set for the caption stage."""

    min_duration: float = option(0.0, "reject clips shorter than this, in seconds (0: no limit)", minimum=0)
    max_duration: float = option(0.0, "reject clips longer than this, in seconds (0: no limit)", minimum=0)
    require_audio: bool = option(False, "reject clips whose audio file is not there")


def flow(row: Row, context: Context[Options]) -> Flow:
    """Bring one clip into its columns and, where its audio is there, measure it."""
    if row["problem"]:
        return Reject(row["problem"]["reason"], row["problem"]["detail"])
    clip = _begin_clip(row)
    if not row["audio_present"]:
        if not clip["captions"] and not clip["events"]:
            return Reject("nothing_to_go_on", "neither a caption nor an event nor an audio file")
        if context.options.require_audio:
            return Reject(AUDIO_MISSING, "no audio file of this clip below the audio root")
        return [_check_events(clip | {"flags": [AUDIO_MISSING]})]

    heard = {"source": row["source_dataset"], "path": row["audio_path"], "sha256": row["audio_sha256"] or ""}
    audio = Audio(transform="original", **heard)
    [reply] = yield [Listen(analysis="probe", audio=audio)]
    if reply.failed:
        return Reject(reply.error, reply.detail)
    measured = reply.value
    if "problem" in measured:
        return Reject(measured["problem"], measured["detail"])
    if reject := _check_duration(measured["duration"], context.options):
        return reject
    found = {
        "audio_sha256": measured["sha256"],
        "duration": measured["duration"],
        "sample_rate": measured["sample_rate"],
        "channels": measured["channels"],
        "flags": [] if clip["captions"] else ["no_caption"],
        "calls": [reply.call],
        "provenance": [reply.made(column) for column in _MEASURED],
    }
    return [_check_events(clip | found)]


def _begin_clip(row: Row) -> Row:
    """The clip before its audio is heard: nothing measured, no remarks."""
    return {
        "clip_id": row["clip_id"],
        "source_dataset": row["source_dataset"],
        "source_id": row["source_id"],
        "audio_path": row["audio_path"],
        **dict.fromkeys(_MEASURED),
        "captions": _distinct(row["captions"]),
        "events": row["events"],
        "transcript": [],
        "measurements": [],
        "fingerprint": None,
        "seeds": row["seeds"],
        "license": row["license"],
        "origin": row["origin"],
        "flags": [],
        "calls": [],
        "provenance": [],
    }


def _distinct(captions: Iterable[Row]) -> list[Row]:
    """Captions with a text, each text once, where it first stands."""
    found: dict[str, Row] = {}
    for caption in captions:
        if text := caption["text"].strip():
            found.setdefault(text, caption | {"text": text})
    return list(found.values())


def _check_events(clip: Row) -> Row:
    """Leave out the events that cannot be in a clip as long as this one, and say so."""
    events = [_cut(event) for event in clip["events"] if _fits(event, clip["duration"])]
    if len(events) == len(clip["events"]):
        return clip | {"events": events}
    return clip | {"events": events, "flags": [*clip["flags"], EVENT_OUTSIDE_CLIP]}


def _cut(event: Row) -> Row:
    """An event that goes on when the clip begins, as of then."""
    return event | {"onset": 0.0} if (event["onset"] or 0.0) < 0 else event


def _fits(event: Row, duration: float | None) -> bool:
    onset, offset = event["onset"] or 0.0, event["offset"]
    if (onset < 0 and (offset is None or offset <= 0)) or (offset is not None and offset < onset):
        return False
    return duration is None or onset <= duration + SLACK


def _check_duration(seconds: float, options: Options) -> Reject | None:
    if seconds < options.min_duration:
        return Reject("too_short", f"{seconds:.3f} s, expected at least {options.min_duration:g} s")
    if options.max_duration and seconds > options.max_duration:
        return Reject("too_long", f"{seconds:.3f} s, expected at most {options.max_duration:g} s")
    return None


STAGE: Stage[Options] = Stage(
    help="bring captioned audio into clips, one row each, and measure the audio files",
    after=None,
    version=1,
    options=Options,
    key="clip_id",
    reads=(),  # not columns of a folder: see above
    writes=records.CLIP,
    flow=flow,
    named_only=False,
)
