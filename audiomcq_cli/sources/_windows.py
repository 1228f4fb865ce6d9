"""Names under which windows of AudioSet's videos are handed on: AudioCaps and MusicCaps are cut from them."""

from __future__ import annotations

from decimal import Decimal

from audiomcq_cli.sources._identity import AudioNames


def name_window(video: str, start: str, end: str | None) -> AudioNames:
    """Names that the audio of a window of a video may have, all with and without the Y of AudioSet's archives.

    Sure are those with the time: ``ID_30``, ``ID_30_40``, ``ID_30.000_40.000`` and, in milliseconds as of audiosetdl,
    ``ID_30000_40000``. The id alone may be the whole video, or another window of it.

    Args:
        video: Id of the video. start, end: Seconds, as ``parse_seconds`` writes them; None for an unknown end.
    """
    windows = [start]
    if end is not None:
        first, last = Decimal(start), Decimal(end)
        windows += [f"{start}_{end}", f"{first:.3f}_{last:.3f}", f"{first * 1000:.0f}_{last * 1000:.0f}"]
    stems = [f"{video}_{window}" for window in windows]
    sure = tuple(dict.fromkeys(name for stem in stems for name in (stem, f"Y{stem}")))
    return AudioNames(sure, (video, f"Y{video}"))


def add_seconds(start: str, seconds: int) -> str:
    """A time so many seconds later, written like the first."""
    return str(Decimal(start) + seconds)
