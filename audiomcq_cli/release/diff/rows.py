"""Compares the rows of some files of two trees by the hashes of their cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError
from audiomcq_cli.release.diff.compare import ASKED, BOOKKEEPING, COUNTED, Change, Diff, Flip
from audiomcq_cli.release.tree import Tree

if TYPE_CHECKING:
    import polars as pl

AUDIO = "audio"
_ROW = "#"  # hash of a whole row; "#name" is the hash of a cell
_ANSWERS = "#votes|answers"  # hash of the votes without their journal keys
_ANSWER = ("judge", "condition", "chosen", "status")
_BATCH = 10_000  # rows read at a time


class RowDiff:
    """Compares rows and adds the differences to a ``Diff``."""

    def __init__(
        self, diff: Diff, old: Tree, new: Tree, columns: Sequence[str], rows: int, *, full: bool = False
    ) -> None:
        """Compare ``columns``, which both sides have with the same types, and list ``rows`` rows of each kind.

        ``full`` lists bookkeeping as well.
        """
        self._full = full
        self._diff, self._old, self._new, self._rows = diff, old, new, rows
        self._columns = list(columns)
        self._counts: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
        self._key = "id" if "id" in columns else "clip_id"
        if self._key not in columns:
            raise InputError("no ids to match rows by", file=new.name, column=self._key)

    def count_same(self, path: str) -> None:
        """Count the rows of a file that is the same on both sides."""
        tree = self._old if self._old.folder and not self._new.folder else self._new
        counts = Counter[tuple[str, str]]()
        columns = [name for name in COUNTED if name in self._columns]
        rows = 0
        for frame in _read(tree, [path], columns):
            rows += frame.height
            _count(frame, counts)
        for side in self._counts:
            side.update(counts)
        before, after = self._diff.rows
        self._diff.rows = before + rows, after + rows

    def compare(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Compare the rows of some old files with those of some new files."""
        before, after = self._hash(self._old, old, 0), self._hash(self._new, new, 1)
        diff = self._diff
        diff.rows = diff.rows[0] + before.height, diff.rows[1] + after.height
        added, removed = (
            one.join(other, on=self._key, how="anti").sort(self._key)
            for one, other in ((after, before), (before, after))
        )
        diff.added += len(added)
        diff.removed += len(removed)
        self._list(diff.added_ids, added.get_column(self._key))
        self._list(diff.removed_ids, removed.get_column(self._key))
        self._count_sources(added, removed)
        changed = self._find_changed(before, after)
        diff.changed += changed.height
        flips = self._tell_labels(changed)
        self._tell_values(changed, flips, old, new)

    def finish(self) -> None:
        """Combine the counts of both sides."""
        before, after = self._counts
        for name, value in sorted(before.keys() | after.keys()):
            pair = before[name, value], after[name, value]
            self._diff.counts.setdefault(name, {})[value] = pair

    def _count_sources(self, added: pl.DataFrame, removed: pl.DataFrame) -> None:
        """Count added and removed rows by source."""
        if "source_dataset" not in added.columns:
            return
        for side, frame in enumerate((added, removed)):
            for source, count in frame.group_by("source_dataset").len().iter_rows():
                pair = list(self._diff.sources.get(str(source), (0, 0)))
                pair[side] += count
                self._diff.sources[str(source)] = pair[0], pair[1]

    def _hash(self, tree: Tree, paths: Sequence[str], side: int) -> pl.DataFrame:
        """Return id, subset and label of every row, and a hash of every cell."""
        import polars as pl

        seen = [name for name in ("subset", "audio_contribution", "source_dataset") if name in self._columns]
        cells = [pl.col(name).hash().alias(f"#{name}") for name in self._columns if name != self._key]
        plain = [pl.col(self._key), *(pl.col(name).cast(pl.Categorical) for name in seen)]
        parts = []
        for frame in _read(tree, paths, self._columns):
            _count(frame, self._counts[side])
            row = pl.struct(pl.exclude(self._key)).hash().alias(_ROW)
            parts.append(
                frame.select(*plain, *cells, *_hash_answers(frame), row)
                if cells
                else frame.select(*plain, pl.lit(0, pl.UInt64).alias(_ROW))
            )
        if not parts:
            types = (
                dict.fromkeys(seen, pl.Categorical)
                | {f"#{name}": pl.UInt64 for name in self._columns}
                | ({_ANSWERS: pl.UInt64} if "votes" in self._columns else {})
                | {_ROW: pl.UInt64}
            )
            types.pop(f"#{self._key}")
            return pl.DataFrame(schema={self._key: pl.String, **types})
        hashed = pl.concat(parts)
        if hashed.get_column(self._key).n_unique() < hashed.height:
            twice = hashed.filter(pl.col(self._key).is_duplicated()).get_column(self._key).min()
            hint = f"look closer: audiomcq validate {tree.name}"
            raise InputError(f"the id {twice!r} is there twice", file=tree.name, hint=hint)
        return hashed

    def _find_changed(self, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
        """Return the changed rows, in order, with the columns of both sides."""
        import polars as pl

        # One hash a row finds the changed rows, so that only those are compared column by column.
        narrow = before.select(self._key, _ROW).join(after.select(self._key, _ROW), on=self._key, suffix="|new")
        ids = narrow.filter(pl.col(_ROW) != pl.col(f"{_ROW}|new")).select(self._key)
        changed = before.join(ids, on=self._key, how="semi").join(
            after.join(ids, on=self._key, how="semi"), on=self._key, suffix="|new"
        )
        changed = changed.sort(self._key)
        different = {name: pl.col(f"#{name}") != pl.col(f"#{name}|new") for name in self._columns if name != self._key}
        sums = changed.select(**{name: mask.sum() for name, mask in different.items()})
        for name, count in sums.row(0, named=True).items() if changed.height else ():
            if count:
                self._diff.columns[name] += count
        return changed.with_columns(**self._mark(changed))

    def _mark(self, changed: pl.DataFrame) -> dict[str, pl.Expr]:
        """Return columns that say of each changed row whether a person sees a change, and whether
        the question changed.
        """
        import polars as pl

        hashes = {name: f"#{name}" for name in self._columns if name != self._key and name not in BOOKKEEPING}
        if _ANSWERS in changed.columns:
            hashes["votes"] = _ANSWERS
        masks = {name: pl.col(one).ne_missing(pl.col(f"{one}|new")) for name, one in hashes.items()}
        counts = changed.select(**{name: mask.sum() for name, mask in masks.items()})
        for name, count in counts.row(0, named=True).items() if changed.height and masks else ():
            if count:
                self._diff.seen[name] += count
        of = {"seen": list(masks.values()), "asked": [masks[name] for name in ASKED if name in masks]}
        marks = {name: pl.any_horizontal(some) if some else pl.lit(False) for name, some in of.items()}
        totals = (
            changed.select(**{name: mask.sum() for name, mask in marks.items()}).row(0) if changed.height else (0, 0)
        )
        self._diff.unseen += changed.height - totals[0]
        self._diff.asked += totals[1]
        return {f"|{name}": mask for name, mask in marks.items()}

    def _tell_labels(self, changed: pl.DataFrame) -> list[str]:
        """Count rows that moved to another subset and rows whose label flipped; return the ids of the latter."""
        import polars as pl

        for name, counts in (("subset", self._diff.moved), ("audio_contribution", self._diff.flipped)):
            if name not in changed.columns:
                continue
            pairs = changed.select(pl.col(name, f"{name}|new").cast(pl.String))
            pairs = pairs.filter(pl.col(name) != pl.col(f"{name}|new"))
            for old, new, count in pairs.group_by(name, f"{name}|new").len().iter_rows():
                counts[old, new] += count
        if "audio_contribution" not in changed.columns:
            return []
        label = pl.col("audio_contribution").cast(pl.String) != pl.col("audio_contribution|new").cast(pl.String)
        return changed.filter(label).get_column(self._key).to_list()

    def _tell_values(self, changed: pl.DataFrame, flips: Sequence[str], old: Sequence[str], new: Sequence[str]) -> None:
        """List the first rows with their differences."""
        flips = flips[: max(0, self._rows - len(self._diff.flips))]
        others = self._choose(changed, len(flips))
        if not flips and not others:
            return
        wanted = [name for name in self._columns if name != AUDIO and (self._full or name not in BOOKKEEPING)]
        before = self._fetch(self._old, old, wanted, {*flips, *others})
        after = self._fetch(self._new, new, wanted, {*flips, *others})
        for id in flips:
            one, other = before[id], after[id]
            votes = (row.get("votes") or [] for row in (one, other))
            labels = one["audio_contribution"], other["audio_contribution"]
            self._diff.flips.append(Flip(id, str(other.get("question", "")), *labels, *votes))
        for id in others:
            for name in wanted:
                if before[id][name] != after[id][name]:
                    self._diff.changes.append(Change(id, name, before[id][name], after[id][name]))

    def _choose(self, changed: pl.DataFrame, flips: int) -> list[str]:
        """Return the ids of the first changed rows: some whose question changed, and as many others.

        Rows whose label flipped are listed elsewhere, so ``flips`` more are taken.
        """
        import polars as pl

        listed = {change.id for change in self._diff.changes}
        asked = {change.id for change in self._diff.changes if change.column in ASKED}
        found = []
        for mask, taken in ((pl.col("|asked"), asked), (~pl.col("|asked"), listed - asked)):
            some = changed.filter(mask if self._full else mask & pl.col("|seen"))
            found += some.get_column(self._key).head(max(0, self._rows - len(taken)) + flips).to_list()
        return sorted(found)

    def _fetch(self, tree: Tree, paths: Sequence[str], columns: Sequence[str], ids: set[str]) -> dict[str, Row]:
        """Return some rows as plain data."""
        import polars as pl

        found: dict[str, Row] = {}
        for frame in _read(tree, paths, columns):
            rows = frame.filter(pl.col(self._key).is_in(list(ids)))
            found |= {row[self._key]: row for row in rows.iter_rows(named=True)}
            if len(found) == len(ids):
                break
        return found

    def _list(self, listed: list[str], ids: Iterable[str]) -> None:
        for id in ids:
            if len(listed) >= self._rows:
                return
            listed.append(id)


def _read(tree: Tree, paths: Iterable[str], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield some columns of some files; audio is replaced by whether it is embedded."""
    import polars as pl
    import pyarrow as pa

    # The column with the audio bytes is not read: the path beside them says whether audio is embedded.
    leaves = [f"{AUDIO}.path" if name == AUDIO else name for name in columns]
    for path in paths:
        for batch in tree.batches(path, leaves, rows=_BATCH):
            table: Any = pa.Table.from_batches([batch])
            if AUDIO in table.column_names:
                place = table.column_names.index(AUDIO)
                table = table.set_column(place, AUDIO, table.column(place).is_valid())
            frame = pl.from_arrow(table)
            if isinstance(frame, pl.DataFrame):
                yield frame.select(columns)


def _hash_answers(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return the hash of the judges' answers, if there are votes, without journal keys: those change with every run."""
    import polars as pl

    if "votes" not in frame.columns:
        return []
    kind = frame.schema["votes"]
    parts = [one.name for one in kind.inner.fields] if kind == pl.List(pl.Struct) else []  # type: ignore[attr-defined]
    if not set(_ANSWER) <= set(parts):
        return [pl.col("votes").hash().alias(_ANSWERS)]
    answer = pl.struct(pl.element().struct.field(name) for name in _ANSWER)
    return [pl.col("votes").list.eval(answer).hash().alias(_ANSWERS)]


def _count(frame: pl.DataFrame, counts: Counter[tuple[str, str]]) -> None:
    """Count rows by the values of the columns in ``COUNTED``."""
    for name in COUNTED:
        if name in frame.columns:
            for value, rows in frame.group_by(name).len().iter_rows():
                counts[name, str(value)] += rows
