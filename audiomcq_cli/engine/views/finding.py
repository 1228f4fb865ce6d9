"""Finds items of a work folder or a stage folder: the folder to trace from, matching ids, and random ids.

The folders of a corpus are a chain: each stage's manifest names its input. Ids come from the rows and rejects of all
folders of the chain, so that a row is found wherever it ended.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiomcq_cli.errors import InputError
from audiomcq_cli.records import draw
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.shards import list_shards, read_rows

_NEAR = 5
"""Most suggested ids if none matches, or too many do."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected or failed item: its id, the stage that dropped it, the outcome, the reason code and an explanation."""

    id: str
    stage: str
    outcome: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a corpus.

    Attributes:
        clips: Ids of clips.
        questions: Ids of questions, each with its clip, or empty if unknown.
        kept: Ids of the rows of the last stage.
        rejected: Items that a stage dropped, in the order of the stages.
    """

    clips: set[str] = field(default_factory=set)
    questions: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, name: str, clip: str) -> None:
        """Add the id of a row: a question, or a clip itself."""
        self.clips.add(clip)
        if name != clip:
            self.questions[name] = clip


def find_stage_folder(folder: Path) -> Path:
    """Return the folder to trace from: a stage folder itself, or that of the last finished stage in a work folder.

    Raises:
        InputError: The folder is neither.
    """
    if manifests.manifest_path(folder).is_file() or (folder / HIDDEN).is_dir() or not folder.is_dir():
        return folder
    found = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            manifest = manifests.read_manifest(place)
        except InputError:  # a release, or damaged
            continue
        if manifest:
            found.append((len(manifest["lineage"]), place))
    return max(found, key=lambda one: one[0])[1] if found else folder


def read_ids(folder: Path) -> Ids:
    """Return all ids of a stage folder and of those before it."""
    ids = Ids()
    here: Path | None = folder
    seen: set[Path] = set()
    while here is not None and here.resolve() not in seen:
        seen.add(here.resolve())
        manifest = manifests.read_manifest(here)
        if manifest is None:
            break
        for shard in list_shards(here):
            for name, clip in _read_kept(shard.path):
                ids.add(name, clip)
                if here == folder:
                    ids.kept.append(name)
        rejected: list[Rejected] = []
        for path in sorted((here / HIDDEN / "rejects").glob("*.parquet")):
            rejected.extend(
                Rejected(stage=manifest["stage"], **row)
                for row in read_rows(path, ("id", "outcome", "reason", "detail"))
            )
        ids.rejected[:0] = rejected
        here = (here / manifest["input"]).resolve() if manifest["input"] else None
    for one in ids.rejected:
        if one.id not in ids.questions and one.id not in ids.clips:
            _place(one.id, ids)
    return ids


def find_items(ids: Ids, asked: str, place: str) -> list[str]:
    """Return the items that an id means: itself, all questions of a clip, or the only id that contains it.

    Raises:
        InputError: No id matches, or several clips do; similar ids are named.
    """
    if asked in ids.questions:
        return [asked]
    by_clip = [name for name, clip in ids.questions.items() if clip == asked]
    if by_clip or asked in ids.clips:
        return sorted(by_clip) or [asked]
    every = [*ids.questions, *ids.clips]
    part = [name for name in every if asked and asked.casefold() in name.casefold()]
    questions = [name for name in part if name in ids.questions]
    if len(questions) == 1:
        return questions
    clips = {ids.questions.get(name, name) for name in part}
    if len(clips) == 1:
        return find_items(ids, clips.pop(), place)
    if part:
        what, near = f"{len(part):,} ids have {asked!r} in them", sorted(questions or part)[:_NEAR]
    else:
        what = f"no item {asked!r}, here or in the stages before"
        near = difflib.get_close_matches(asked, every, n=_NEAR, cutoff=0.5)
    hint = f"is it one of these? {', '.join(near)}" if near else "ids are those of the rows and of the rejects"
    raise InputError(what, file=place, hint=hint)


def draw_items(ids: Ids, count: int, seed: int, place: str, *, rejected: bool = False, reason: str = "") -> list[str]:
    """Return random ids: of rows kept by the last stage, or of rejected ones, optionally for one reason.

    Raises:
        InputError: There are none; the existing reasons are named.
    """
    pool = {one.id for one in list_rejected(ids, place, reason=reason)} if rejected else set(ids.kept)
    if not pool:
        raise InputError("no rows", file=place)
    return sorted(pool, key=lambda name: (draw(seed, "trace", name), name))[:count]


def list_rejected(ids: Ids, place: str, *, reason: str = "") -> list[Rejected]:
    """Return the items that were rejected or failed, in the order of the stages, optionally for one reason.

    Raises:
        InputError: There are none; the existing reasons are named.
    """
    found = [one for one in ids.rejected if reason in ("", one.reason)]
    if not found:
        reasons = sorted({one.reason for one in ids.rejected})
        what = f"nothing was rejected for {reason!r}" if reason else "nothing was rejected"
        raise InputError(what, file=place, hint=f"reasons here: {', '.join(reasons)}" if reasons else "")
    return found


def _read_kept(path: Path) -> Iterator[tuple[str, str]]:
    """Yield id and clip of every row; for a clip, its own id twice."""
    from audiomcq_cli import parquet

    columns: Sequence[str] = [name for name in ("id", "clip_id") if name in parquet.read_metadata(path).schema.names]
    for row in read_rows(path, columns):
        clip = str(row.get("clip_id", ""))
        yield str(row.get("id", clip)), clip


def _place(name: str, ids: Ids) -> None:
    """Find the clip of a rejected item: the longest known clip with which its id begins, or itself."""
    clip = name
    while ":" in clip:
        clip = clip.rpartition(":")[0]
        if clip in ids.clips:
            ids.questions[name] = clip
            return
    if name.count(":") >= 3:  # a question of a clip that nobody kept
        ids.add(name, name.rsplit(":", 2)[0])
    else:
        ids.clips.add(name)
