from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomcq_cli import audio as clips
from audiomcq_cli.contracts import Clip, Silence
from audiomcq_cli.engine.servers.encoding import Encodings
from audiomcq_cli.errors import InputError

CLIP = Clip("Small", "a.wav")


def write_clip(folder: Path) -> Path:
    path = folder / "a.wav"
    path.write_bytes(clips.encode(np.zeros(16_000, np.float32), 16_000, "wav"))
    return path


def use(work: Callable[[Encodings], Awaitable[Any]], **changes: Any) -> Any:
    async def main() -> Any:
        return await work(Encodings(**changes))

    return asyncio.run(main())


def test_clip_is_encoded_once_for_all_calls(tmp_path: Path) -> None:
    """Calls at the same time and later ones are given the same bytes, and the file is read for the first alone."""
    path, clip = write_clip(tmp_path), replace(CLIP, root=tmp_path)

    async def encode(encodings: Encodings) -> list[bytes]:
        first = await asyncio.gather(*(encodings.get(clip, 8_000, "flac") for _ in range(3)))
        path.unlink()
        return [*first, await encodings.get(replace(clip, duration=1.0), 8_000, "flac")]

    one, *others = use(encode)
    assert all(other is one for other in others)


def test_parts_rates_and_formats_are_told_apart(tmp_path: Path) -> None:
    """A window, another rate and another format are other bytes."""
    write_clip(tmp_path)
    clip = replace(CLIP, root=tmp_path)
    asked = [(clip, 8_000, "wav"), (clip.cut(0, 0.5), 8_000, "wav"), (clip, 16_000, "wav"), (clip, 8_000, "flac")]

    async def encode(encodings: Encodings) -> list[bytes]:
        return [await encodings.get(part, rate, format) for part, rate, format in asked]

    assert len(set(use(encode))) == 4


def test_memory_is_bounded_in_bytes() -> None:
    """What was used last stays within the bound, and a part beyond it is given without being kept."""

    async def encode(encodings: Encodings) -> list[int]:
        sizes = []
        for seconds in (1, 1.5, 1.25, 9):  # 16 kB a second
            data = await encodings.get(Silence(seconds), 8_000, "wav")
            assert len(data) > 16_000 * seconds
            sizes.append(encodings.size)
        return sizes

    sizes = use(encode, most=45_000)
    assert max(sizes) <= 45_000 and sizes[1] > sizes[0] and sizes[3] == sizes[2]


def test_part_that_failed_is_tried_again(tmp_path: Path) -> None:
    """A file that was not there is read when it is."""
    clip = replace(CLIP, root=tmp_path)

    async def encode(encodings: Encodings) -> bytes:
        with pytest.raises(InputError):
            await encodings.get(clip, 8_000, "wav")
        write_clip(tmp_path)
        return await encodings.get(clip, 8_000, "wav")

    assert use(encode)[:4] == b"RIFF"
