"""Writes the demo set as a folder for the source ``folder``: audio, captions and events."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from audiomcq_cli.demo.clips import CLIPS
from audiomcq_cli.demo.signals import RATE
from audiomcq_cli.demo.sounds import Clip, render

CAPTIONS_FILE = "clips.jsonl"


def write_clips(folder: Path, *, seed: int = 0) -> list[Clip]:
    """Write the set to a folder: a 16-bit mono WAV file for each clip, and ``clips.jsonl``.

    Args:
        folder: Created if it does not exist; files of the same names are replaced.
        seed: Changes the noise and other small details, never events or captions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        samples = np.round(render(clip, seed) * 32767).astype("<i2")
        with wave.open(str(folder / _name_file(clip)), "wb") as file:
            file.setparams((1, 2, RATE, len(samples), "NONE", ""))
            file.writeframes(samples.tobytes())
    lines = [json.dumps(describe(clip), ensure_ascii=False) + "\n" for clip in CLIPS]
    (folder / CAPTIONS_FILE).write_text("".join(lines), encoding="utf-8", newline="\n")
    return list(CLIPS)


def describe(clip: Clip) -> dict[str, Any]:
    """Return the line of a clip in the captions file, with its events in the order of their onsets."""
    events = [
        {"label": part.sound.label, "onset": round(part.onset, 3), "offset": round(part.offset, 3)}
        for part in sorted(clip.parts, key=lambda part: (part.onset, part.offset))
    ]
    first, second = clip.captions
    return {
        "file_name": _name_file(clip),
        "caption_1": first,
        "caption_2": second,
        "license": "CC0-1.0",
        "events": events,
    }


def _name_file(clip: Clip) -> str:
    return f"{clip.name}.wav"
