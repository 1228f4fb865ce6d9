from __future__ import annotations

from typing import Any

import pytest

from audiomcq_cli import records
from audiomcq_cli.contracts import Clip, Context, Listen, Origin, Outcome, Reject, Reply, Request, Row
from audiomcq_cli.measurements import make_entry
from audiomcq_cli.stages.caption import STAGE, Options, flow
from tests.stages.dialogue import ask_once

MEASURED = {
    "duration": 10.0,
    "sample_rate": 44_100,
    "channels": 2,
    "frames": 441_000,
    "format": "WAV",
    "measurements": [make_entry("silent", 0.5), make_entry("clipped", 0.01)],
    "fingerprint": [1, 2**32 - 1],
    "sha256": "ab12",
}


def make_row(*texts: str, present: bool = True, problem: Row | None = None) -> Row:
    return {
        "clip_id": "Set:a",
        "source_dataset": "Set",
        "source_id": "a",
        "captions": [{"text": text, "origin": "Set"} for text in texts],
        "events": [],
        "seeds": [],
        "audio_path": "a.wav" if present else None,
        "audio_present": present,
        "audio_sha256": "ab" * 32 if present else None,
        "license": "CC BY",
        "origin": "https://example.org/a",
        "problem": problem,
    }


def make_reply(value: Any = None, error: str = "", detail: str = "") -> Reply:
    origin = Origin(model="probe", revision="1")
    return Reply(stage="caption", key="k1", origin=origin, value=value, error=error, detail=detail)


def run(row: Row, reply: Reply | None = None, options: Options | None = None) -> tuple[list[Request], Outcome]:
    return ask_once(flow(row, Context(options or Options())), reply)


def keep(row: Row, reply: Reply | None = None, options: Options | None = None) -> Row:
    _, outcome = run(row, reply, options)
    assert isinstance(outcome, list)
    [kept] = outcome
    return kept


def test_clip_has_every_column() -> None:
    """A clip has its source's columns, what was measured, and which call says so."""
    kept = keep(make_row("Rain falls"), make_reply(MEASURED))
    assert tuple(sorted(kept)) == tuple(sorted(STAGE.writes))
    assert not records.find_problem(kept, STAGE.writes)
    assert (kept["duration"], kept["sample_rate"], kept["channels"]) == (10.0, 44_100, 2)
    assert kept["audio_sha256"] == "ab12"
    assert kept["captions"] == [{"text": "Rain falls", "origin": "Set"}]
    assert (kept["license"], kept["origin"], kept["flags"]) == ("CC BY", "https://example.org/a", [])
    assert kept["calls"] == [{"stage": "caption", "prompt": "", "key": "k1"}]
    assert (kept["measurements"], kept["fingerprint"]) == (MEASURED["measurements"], MEASURED["fingerprint"])
    measured = {"audio_sha256", "duration", "sample_rate", "channels", "measurements", "fingerprint"}
    assert {entry["column"] for entry in kept["provenance"]} == measured


def test_clip_fits_the_declared_types() -> None:
    """The rows of the stage, measured or not, go into its Arrow schema."""
    import pyarrow as pa

    rows = [keep(make_row("Rain"), make_reply(MEASURED)), keep(make_row("Rain", present=False))]
    table = pa.Table.from_pylist(rows, schema=records.arrow_schema(STAGE.writes))
    assert table.to_pylist() == [{name: row[name] for name in STAGE.writes} for row in rows]


def test_audio_is_listened_to_once() -> None:
    """The one request is a probe of the clip's own file."""
    asked, _ = run(make_row("Rain"), make_reply(MEASURED))
    clip = Clip("Set", "a.wav", sha256="ab" * 32)
    assert asked == [Listen(analysis="probe", audio=clip)]


def test_missing_audio_is_a_remark() -> None:
    """Without a file nothing is asked or measured, and the clip is kept with a remark."""
    asked, _ = run(make_row("Rain", present=False))
    kept = keep(make_row("Rain", present=False))
    assert asked == []
    assert kept["flags"] == ["audio_missing"]
    assert [kept[name] for name in ("audio_sha256", "duration", "sample_rate", "channels")] == [None] * 4


def test_audio_without_a_caption_is_kept() -> None:
    """A clip whose captions are all white space, but which has audio, is kept with a remark."""
    kept = keep(make_row(" ", "\n"), make_reply(MEASURED))
    assert (kept["captions"], kept["flags"]) == ([], ["no_caption"])


def test_captions_stand_once() -> None:
    """Captions that say the same stand once, where the first of them was."""
    kept = keep(make_row("Rain", "Wind", " Rain ", "rain"), make_reply(MEASURED))
    assert [caption["text"] for caption in kept["captions"]] == ["Rain", "Wind", "rain"]


def event(onset: float | None, offset: float | None = None) -> Row:
    return {"label": "dog", "onset": onset, "offset": offset, "origin": "source"}


@pytest.mark.parametrize("good", [(None, None), (0.0, 10.0), (10.1, None), (None, 3.0), (2.0, 2.0), (9.0, 12.0)])
def test_events_of_the_source_are_kept(good: tuple[float | None, float | None]) -> None:
    """Known sounds stand in the clip as the source has them, also where a time is not known or just over the end."""
    kept = keep(make_row("Rain") | {"events": [event(*good)]}, make_reply(MEASURED))
    assert (kept["events"], kept["flags"]) == ([event(*good)], [])


@pytest.mark.parametrize("bad", [(10.2, None), (-1.0, -0.1), (-0.1, None), (3.0, 2.0), (None, -1.0)])
def test_event_that_cannot_be_is_left_out(bad: tuple[float | None, float | None]) -> None:
    """An event before the clip, behind it, or that ends before it begins is left out with a remark."""
    kept = keep(make_row("Rain") | {"events": [event(1.0), event(*bad)]}, make_reply(MEASURED))
    assert (kept["events"], kept["flags"]) == ([event(1.0)], ["event_outside_clip"])


def test_event_that_goes_on_at_the_begin() -> None:
    """What was there before the clip and goes on in it begins with the clip."""
    kept = keep(make_row("Rain") | {"events": [event(-0.5, 1.0)]}, make_reply(MEASURED))
    assert (kept["events"], kept["flags"]) == ([event(0.0, 1.0)], [])


def test_events_without_audio() -> None:
    """Where the length of a clip is not known no event is behind its end, and events alone are something to go on."""
    kept = keep(make_row(present=False) | {"events": [event(99.0), event(-1.0)]})
    assert (kept["events"], kept["flags"]) == ([event(99.0)], ["audio_missing", "event_outside_clip"])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (make_row("Rain", problem={"reason": "no_id", "detail": "row 3"}), Reject("no_id", "row 3")),
        (make_row(" ", present=False), Reject("nothing_to_go_on", "neither a caption nor an event nor an audio file")),
    ],
)
def test_unusable_clip_is_rejected_unasked(row: Row, reason: Reject) -> None:
    """A problem of the source, or a clip with neither caption nor audio, is rejected before anything is asked."""
    assert run(row) == ([], reason)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (make_reply(error="audio_outside_root", detail="a link"), Reject("audio_outside_root", "a link")),
        (
            make_reply({"problem": "audio_empty", "detail": "no bytes", "sha256": "e3"}),
            Reject("audio_empty", "no bytes"),
        ),
    ],
)
def test_bad_audio_is_rejected(reply: Reply, expected: Reject) -> None:
    """A file that cannot be reached or decoded rejects its clip with the reason that was found."""
    assert run(make_row("Rain"), reply)[1] == expected


def test_audio_can_be_required() -> None:
    """With require_audio a clip without a file is rejected."""
    _, outcome = run(make_row("Rain", present=False), options=Options(require_audio=True))
    assert isinstance(outcome, Reject)
    assert outcome.reason == "audio_missing"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (Options(min_duration=10.5), "too_short"),
        (Options(max_duration=9.5), "too_long"),
        (Options(max_silent=0.4), "silent"),
        (Options(max_clipped=0.005), "clipped"),
    ],
)
def test_audio_can_be_limited(options: Options, reason: str) -> None:
    """Clips shorter or longer than the limits, or of which too much is silent or clipped, are rejected."""
    _, outcome = run(make_row("Rain"), make_reply(MEASURED), options)
    assert isinstance(outcome, Reject)
    assert outcome.reason == reason


def test_limits_include_their_ends() -> None:
    """A clip of exactly the shortest and the longest length, and the largest part of silence, is kept."""
    limits = Options(min_duration=10, max_duration=10, max_silent=0.5, max_clipped=0.01)
    assert keep(make_row("Rain"), make_reply(MEASURED), limits)
