"""Names of the files that windows of AudioSet videos are distributed as: AudioCaps and MusicCaps consist of them."""

from __future__ import annotations

from decimal import Decimal

from audiomcq_cli.sources._identity import AudioNames


def name_window(video: str, start: str, end: str | None) -> AudioNames:
    """Return the names that the audio of a window of a video may have, with and without the Y of AudioSet's archives.

    Names with the time are sure: ``ID_30``, ``ID_30_40``, ``ID_30.000_40.000`` and, in milliseconds as audiosetdl
    writes them, ``ID_30000_40000``. The id alone may be the whole video, or another window of it.

    Args:
        video: Id of the video.
        start: Start in seconds, as ``parse_seconds`` writes it.
        end: End in seconds, likewise; None if unknown.
    """
    windows = [start]
    if end is not None:
        first, last = Decimal(start), Decimal(end)
        windows += [f"{start}_{end}", f"{first:.3f}_{last:.3f}", f"{first * 1000:.0f}_{last * 1000:.0f}"]
    stems = [f"{video}_{window}" for window in windows]
    sure = tuple(dict.fromkeys(name for stem in stems for name in (stem, f"Y{stem}")))
    return AudioNames(sure, (video, f"Y{video}"))


def add_seconds(start: str, seconds: int) -> str:
    """Return a time later by some seconds, in the same form."""
    return str(Decimal(start) + seconds)
