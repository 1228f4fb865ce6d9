"""The audio of a request: a clip, a part of a clip, or digital silence; never its bytes.

``Audio`` is a closed union: whoever encodes or describes audio matches on the type, and mypy names every match that
lacks one. Another kind (white noise of a seed and a level, say) is one more class here, with a ``key()`` of its own,
beside one more ``case`` in ``audio.read_part`` and wherever else mypy then asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip of a row, or a part of it.

    Attributes:
        source: ``source_dataset`` of the row.
        path: ``audio_path`` of the row, relative to the audio root of its source.
        sha256: Content hash of the file. Empty where it is not known yet; the engine then takes it before it sends.
        start: Where the part begins, in seconds, to the millisecond.
        seconds: Length of the part, to the millisecond; None for all that follows. What lies behind the clip's end is
            left out.
        duration: Length of the whole clip in seconds, where it is known. Ignored in comparisons: the content hash
            already decides.
        root: Audio root of the source. The engine fills it in from the shard that asks; flows leave it out.
    """

    source: str
    path: str
    sha256: str = ""
    _: KW_ONLY
    start: float = 0.0
    seconds: float | None = None
    duration: float | None = field(default=None, compare=False)
    root: Path | None = None

    def __post_init__(self) -> None:
        """Round to the milliseconds of the key, so that equal keys are equal audio."""
        object.__setattr__(self, "start", round(_check_length(self.start, "start of a part"), 3))
        if self.seconds is not None:
            object.__setattr__(self, "seconds", round(_check_length(self.seconds, "length of a part"), 3))

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Clip:
        """The whole clip of a row; its length is known as soon as caption has measured it."""
        return cls(row["source_dataset"], row["audio_path"], row["audio_sha256"] or "", duration=row.get("duration"))

    def cut(self, start: float, seconds: float) -> Clip:
        """Return a part of the clip. ``start`` counts from the beginning of the whole clip, even on a part of it.

        Args:
            start: Where the part begins, in seconds.
            seconds: Length of the part.
        """
        return replace(self, start=start, seconds=seconds)

    @property
    def whole(self) -> bool:
        """True if the part is the whole clip."""
        return not self.start and self.seconds is None

    @property
    def length(self) -> float | None:
        """Greatest length in seconds; None if unknown."""
        if self.seconds is not None:
            return self.seconds
        return None if self.duration is None else max(0.0, self.duration - self.start)

    def key(self) -> tuple[str, str]:
        """Return the part and the content hash, for the journal key; never the place of the file."""
        if self.whole:
            return "original", self.sha256
        length = "" if self.seconds is None else _write_milliseconds(self.seconds)
        return f"window:{_write_milliseconds(self.start)}:{length}", self.sha256


@dataclass(frozen=True, slots=True)
class Silence:
    """Digital silence, mono, at whatever rate the model wants.

    Attributes:
        seconds: Its length, to six digits.
    """

    seconds: float

    def __post_init__(self) -> None:
        """Round to the digits of the key, so that equal keys are equal audio."""
        object.__setattr__(self, "seconds", float(f"{_check_length(self.seconds, 'length of silence'):g}"))

    @property
    def length(self) -> float:
        """Length in seconds."""
        return self.seconds

    def key(self) -> tuple[str, str]:
        """Return the length, for the journal key."""
        return f"silence:{self.seconds:g}", ""


Audio = Clip | Silence


def _write_milliseconds(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _check_length(seconds: float, what: str) -> float:
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(f"{what}: {seconds:g} s", hint="the stage that asks has to give 0 s or more")
    return seconds + 0.0  # -0.0 is 0.0
