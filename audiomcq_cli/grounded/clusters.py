"""Finds clips that are copies of one another: the same recording, or the same caption."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from audiomcq_cli.mcq import caption_texts
from audiomcq_cli.records import draw


def list_marks(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what copies of a clip (a row with ``audio_sha256`` and ``captions``) have in common with it.

    That is the hash of the audio, and each caption without case, punctuation and white space at its ends or in a row.
    """
    if row["audio_sha256"]:
        yield f"audio {row['audio_sha256']}"
    for text in caption_texts(row["captions"]):
        if words := re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()):
            yield f"caption {' '.join(words)}"


def find_clusters(marks: Iterable[tuple[str, Sequence[str]]], preferred: Set[str] = frozenset()) -> dict[str, str]:
    """Cluster by clip, of clips that have copies. A cluster is named after the one of its clips that stands for it.

    Args:
        marks: Id and marks of every clip. Clips that share a mark are of one cluster, and so are the copies of copies.
        preferred: Clips that stand for their cluster before others; else the one of the lowest hash does.
    """
    parents: dict[str, str] = {}
    first: dict[str, str] = {}
    for clip, shared in marks:
        parents[clip] = clip
        for mark in shared:
            one, other = _find_root(parents, first.setdefault(mark, clip)), _find_root(parents, clip)
            parents[max(one, other)] = min(one, other)
    clusters: defaultdict[str, list[str]] = defaultdict(list)
    for clip in parents:
        clusters[_find_root(parents, clip)].append(clip)
    heads = {
        root: min(clips, key=lambda clip: (clip not in preferred, draw("turn", clip)))
        for root, clips in clusters.items()
        if len(clips) > 1
    }
    return {clip: head for root, head in heads.items() for clip in clusters[root]}


def _find_root(parents: dict[str, str], clip: str) -> str:
    while parents[clip] != clip:
        parents[clip] = parents[parents[clip]]
        clip = parents[clip]
    return clip
