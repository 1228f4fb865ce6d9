"""Compares two releases, or two folders of the same stage, here or on the Hub.

The comparison covers rows, columns, configs, facts of the card, and what made the rows: recipe and prompts.

Rows are matched by id, shard by shard if both sides have the same shards, so memory does not grow with the corpus.
Cells are compared by hash. A file with the same hash on both sides is not compared: its rows are counted on the side
where reading is free. Audio is compared by content hash and by whether it is embedded, never by bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.diff.made import list_facts, list_prompts, list_settings, read_card
from audiomcq_cli.release.tree import DataFile, Tree, open_tree, read_manifest_of

if TYPE_CHECKING:
    import pyarrow as pa

COUNTED = ("question_type", "source_dataset", "audio_contribution", "subset")
"""Columns by whose values rows are counted."""

BOOKKEEPING = ("calls", "provenance", "fingerprint")
"""Columns of hashes that say how a row was made. Programs use them; people do not read them."""

ASKED = ("question", "choices", "answer", "answer_index", "question_type")
"""Columns that make up the question itself."""

_LICENSES = ("license", "license of the card", "license_name")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two folders that are compared: its files and its manifest."""

    tree: Tree
    manifest: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """``release``, or the name of a stage."""
        return "release" if "release" in self.manifest else str(self.manifest["stage"])

    @property
    def version(self) -> str:
        """Version of a release; empty for a stage."""
        return str(self.manifest.get("version", ""))

    def hash(self, path: str) -> str:
        """Return the SHA-256 of a file.

        If the size matches, the hash in the manifest of a release is trusted: ``validate`` checks it.
        """
        listed = {file["file"]: file for file in self.manifest.get("files", ())}.get(path)
        if listed and self.tree.folder and listed.get("size") == self.tree.files[path].size:
            return str(listed.get("sha256"))
        return self.tree.hash(path)


@dataclass(frozen=True, slots=True)
class Change:
    """A cell of a listed row, before and after; None if the row did not exist or the column is not shown."""

    id: str
    column: str
    old: Any = None
    new: Any = None


@dataclass(frozen=True, slots=True)
class Flip:
    """A question whose label changed, with the votes behind both."""

    id: str
    question: str
    old: str
    new: str
    old_votes: Sequence[Mapping[str, Any]]
    new_votes: Sequence[Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class Diff:
    """The differences. Counts cover all rows; lists hold the first few.

    Attributes:
        old: Name of the old side.
        new: Name of the new side.
        old_version: Version of the old side; empty for a stage.
        new_version: Version of the new side; empty for a stage.
        rows: Number of rows before and after.
        added: Number of added rows.
        removed: Number of removed rows.
        changed: Number of changed rows.
        unseen: Changed rows that differ only in ``BOOKKEEPING`` and journal keys of votes.
        asked: Rows whose question, choices or answer changed.
        columns: Changed rows by column.
        seen: Changed rows by column without bookkeeping; votes count if their answers differ.
        sources: Rows added and removed by source.
        moved: Rows by subset before and after.
        flipped: Rows by label before and after.
        counts: Rows before and after by value, for each of ``COUNTED``.
        schema: Types of a column before and after; None if it does not exist.
        configs: Files of a config before and after.
        card: Facts of the card or manifest before and after, such as license and title.
        settings: Settings of the recipe before and after.
        prompts: Texts of the prompts before and after.
        files: Number of data files that are the same, and of all.
        added_ids: Ids of the first added rows, in the order of shards and ids.
        removed_ids: Ids of the first removed rows, in the same order.
        changes: The first changed rows, in the same order.
        flips: The first flipped rows, in the same order.
    """

    old: str
    new: str
    old_version: str = ""
    new_version: str = ""
    rows: tuple[int, int] = (0, 0)
    added: int = 0
    removed: int = 0
    changed: int = 0
    unseen: int = 0
    asked: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    flipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    schema: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    configs: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    card: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    settings: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    prompts: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    files: tuple[int, int] = (0, 0)
    added_ids: list[str] = field(default_factory=list)
    removed_ids: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    flips: list[Flip] = field(default_factory=list)

    @property
    def rows_differ(self) -> bool:
        """True if a program that reads the rows could see a difference."""
        return bool(self.added or self.removed or self.changed or self.schema or self.configs)

    @property
    def relicensed(self) -> bool:
        """True if the license changed."""
        return any(name in self.card for name in _LICENSES)

    @property
    def differs(self) -> bool:
        """True if a reader of the rows or the card, or someone who rebuilds them, could see a difference.

        A different version number alone does not count.
        """
        return bool(self.rows_differ or self.card or self.settings or self.prompts)

    @property
    def breaks(self) -> list[str]:
        """Describe what a program that reads the old side would no longer find."""
        columns = [
            f"column {name} is gone" if new is None else f"column {name} is {new}, was {old}"
            for name, (old, new) in self.schema.items()
            if old is not None
        ]
        return columns + [f"config {name} is gone" for name, (_, new) in self.configs.items() if new is None]


def open_side(where: str | Tree) -> Side:
    """Open a folder or a dataset on the Hub for a comparison; raises like ``open_tree`` and ``read_manifest_of``."""
    tree = where if isinstance(where, Tree) else open_tree(where)
    return Side(tree, read_manifest_of(tree))


def compare(old: Side, new: Side, rows: int = 20, *, full: bool = False) -> Diff:
    """Compare two releases or two folders of the same stage.

    Args:
        old: The old side.
        new: The new side.
        rows: Number of rows to list of each kind.
        full: List bookkeeping as well.

    Raises:
        InputError: The sides are of different kinds, or ids are not unique in one of them.
    """
    from audiomcq_cli.release.diff.rows import RowDiff

    if old.kind != new.kind:
        hint = "a release is compared with a release, a stage with the same stage"
        raise InputError(f"{old.tree.name} is of {old.kind}, {new.tree.name} of {new.kind}", hint=hint)
    before, after = _read_schema(old), _read_schema(new)
    diff = Diff(old=old.tree.name, new=new.tree.name, old_version=old.version, new_version=new.version)
    diff.schema = _find_changes(
        {name: describe_type(kind) for name, kind in before.items()},
        {name: describe_type(kind) for name, kind in after.items()},
    )
    _compare_texts(diff, old, new)
    kept = [name for name in after if name in before and name not in diff.schema]
    work = RowDiff(diff, old.tree, new.tree, kept, rows, full=full)
    same = _find_same(old, new)
    diff.files = len(same), len({file.path for side in (old, new) for file in side.tree.data_files()})
    for path in same:
        work.count_same(path)
    for group in _group(old.tree.data_files(), new.tree.data_files(), same):
        work.compare(*group)
    work.finish()
    return diff


def _compare_texts(diff: Diff, old: Side, new: Side) -> None:
    """Compare everything except the rows: configs and facts of the card, settings, prompts."""
    if old.kind == "release":
        cards = read_card(old.tree), read_card(new.tree)
        diff.configs = _find_changes(*map(_read_configs, cards))
        diff.card = _find_changes(
            *(list_facts(side.tree, card, side.manifest) for side, card in zip((old, new), cards, strict=True))
        )
    diff.settings = _find_changes(*(list_settings(side.manifest) for side in (old, new)))
    diff.prompts = _find_changes(*(list_prompts(side.manifest) for side in (old, new)))


def describe_type(kind: pa.DataType) -> str:
    """Return a column's type in words, as in the documentation of the columns."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return f"list of {describe_type(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{part.name}: {describe_type(part.type)}" for part in kind) + "}"
    return str(kind)


def _read_schema(side: Side) -> dict[str, pa.DataType]:
    """Return the columns and types of the first file (``validate`` checks that the others have the same)."""
    files = side.tree.data_files()
    if not files:
        raise InputError("no rows in it", file=side.tree.name)
    with side.tree.parquet(files[0].path) as file:
        return {part.name: part.type for part in file.schema_arrow}


def _read_configs(card: Mapping[str, Any]) -> dict[str, str]:
    """Return the configs of a card, each with its files as text."""
    configs = card.get("configs")
    named = [one for one in configs if isinstance(one, dict)] if isinstance(configs, list) else []
    return {str(one.get("config_name")): _describe_files(one.get("data_files")) for one in named}


def _describe_files(data_files: Any) -> str:
    if isinstance(data_files, list):
        parts = (f"{one.get('split')}: {one.get('path')}" if isinstance(one, dict) else str(one) for one in data_files)
        return ", ".join(parts)
    return str(data_files)


def _find_changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _find_same(old: Side, new: Side) -> list[str]:
    """Return the data files that are byte for byte the same on both sides."""
    both = {file.path for file in old.tree.data_files()} & {file.path for file in new.tree.data_files()}
    equal_size = [path for path in both if old.tree.files[path].size == new.tree.files[path].size]
    return sorted(path for path in equal_size if old.hash(path) == new.hash(path))


def _group(old: Sequence[DataFile], new: Sequence[DataFile], same: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Return groups of files to compare: shard by shard, or all at once if the numbers of shards differ."""
    sharded = len({file.count for file in (*old, *new)}) == 1
    groups: dict[int, tuple[list[str], list[str]]] = {}
    for side, files in enumerate((old, new)):
        for file in files:
            if file.path not in same:
                groups.setdefault(file.index if sharded else 0, ([], []))[side].append(file.path)
    return [groups[index] for index in sorted(groups)]
