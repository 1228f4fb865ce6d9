"""Caches encoded audio: each part is encoded once while it is needed, within a memory limit."""

from __future__ import annotations

import asyncio

import cachetools

from audiomcq_cli import audio as clips
from audiomcq_cli.contracts import Audio

ENCODED_BYTES = 256 * 2**20
"""Bytes of recent parts to keep: 800 clips of ten seconds as wav, which is more than are in flight."""

_Part = tuple[Audio, int, str]


class Encodings:
    """The bytes of audio parts, made in threads."""

    def __init__(self, most: int = ENCODED_BYTES) -> None:
        """Keep up to ``most`` bytes."""
        self._most = most
        self._kept: cachetools.LRUCache[_Part, bytes] = cachetools.LRUCache(most, getsizeof=len)
        self._begun: dict[_Part, asyncio.Task[bytes]] = {}

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        return int(self._kept.currsize)

    async def get(self, audio: Audio, rate: int, format: str) -> bytes:
        """Return the bytes of a part; raises as ``audio.read_part``, and a part with an error is
        tried again next time.
        """
        part = (audio, rate, format)
        if (known := self._kept.get(part)) is not None:
            return known
        task = self._begun.get(part)
        if task is None:
            work = asyncio.to_thread(clips.read_part, audio, rate, format)
            task = self._begun[part] = asyncio.ensure_future(work)
            task.add_done_callback(lambda _: self._begun.pop(part))
        data = await asyncio.shield(task)
        if len(data) <= self._most:
            self._kept[part] = data
        return data
