"""Stages: what one step does with its rows, what it needs for that, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.requests import Reply, Request
from audiomcq_cli.contracts.rows import Reject, Row

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Failure:
    """No usable reply after every try. Flows return it only for one item of several; else the driver does."""

    reply: Reply


Outcome = list[Row] | Reject | Failure
"""What becomes of one work item: the rows kept of it (usually one), or why there are none."""


Flow = Generator[Sequence[Request], Sequence[Reply], Outcome | Mapping[str, Outcome]]
"""The body of a stage for one input row; a mapping (item id to outcome) where a row holds several work items."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What the opening of a stage found out: what flows read as ``ctx.opened``, and lines for people."""

    value: Any = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context(Generic[O]):
    """What a flow is given beside its row.

    Attributes:
        options: The stage's options. seed: The recipe's seed.
        prepared: What ``Prepare.load`` made of the prepared table; None for a stage without one.
        windows: Seconds of audio that the stage's models hear at once, by name; one without a limit is not in it.
        opened: The value that ``Stage.opening`` returned; None for a stage without one, and in a dry run whose examples
            would have stopped the stage.
        plan: What ``Stage.plan`` made of the rows of the shard; None for a stage without one, and inside ``plan``.
    """

    options: O
    seed: int = 0
    prepared: Any = None
    windows: Mapping[str, float] = field(default_factory=dict)
    opened: Any = None
    plan: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What corpus-wide knowledge is made from.

    Attributes:
        rows: A scan of the whole input folder.
        beside: The files and folders that ``Stage.beside`` names, which are there, by the same names.
    """

    rows: pl.LazyFrame
    beside: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare(Generic[O]):
    """Corpus-wide knowledge, computed once over all input rows, hashed into the fingerprint, read by every shard.

    Attributes:
        build: Makes one small Arrow table from the whole input. Deterministic.
        load: Makes of that table what flows look things up in. Called once a process.
    """

    build: Callable[[Materials, Context[O]], pa.Table]
    load: Callable[[pa.Table], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """What a tabular stage makes of a shard: rows kept, and (id, reason, detail) of those rejected."""

    kept: pl.DataFrame
    rejected: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Need:
    """A model that a stage uses and what it must be able to do (names of ``Capabilities``).

    Models needed as ``distinct`` must not be the same model with the same sampling, asked in the same ``way``, under
    two names: one reply would count as two opinions. ``way`` tells apart what the sampling does not (two scorings).
    ``instead`` is the way out, for people, where a model cannot do it and no other is to be had.
    """

    model: str
    capabilities: frozenset[str]
    distinct: bool = False
    way: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[O]):
    """What one stage does. Exactly one of ``flow`` and ``divide`` is given.

    Attributes:
        help: One line for the command line. after: The stage that it follows; None for the first.
        version: Raise it when the same inputs and replies would give other rows: shards are then redone.
        options: A frozen dataclass of ``option`` fields.
        key: The column whose value names a work item of the input (``clip_id`` or ``id``).
        reads, writes: Columns needed of the input and columns of the output, declared in ``records.py``.
        flow: Asks for one row at a time. divide: A stage that asks nothing works on a whole shard as a table.
        items: Ids of the work items of one input row, where it holds several (a question slot each).
        prepare: Corpus-wide knowledge, if it needs any.
        beside: Second inputs with these options, by the name of the option that says where they are: files or folders.
            Their content, not their place, decides whether shards are made again; ``prepare`` alone reads them.
        opening: A flow without a row, driven before the first row of a run that has work (whether a judge hears, say).
            Its requests have a journal of their own, so a later run asks none of them again. It stops the stage
            by raising one of our errors; the next run asks anew then.
        plan: Makes of all input rows of a shard what its flows read as ``ctx.plan``. Called once a shard, before the
            first of them, and only where the shard has work. Pure, and no flow changes what it returns: ``trace``, a
            replay and a dry run plan the same rows again.
        keeps: Name of a file in ``.audiomcq/`` that holds what the plans of all shards leave behind, in their order:
            ``plan`` then returns an object with an Arrow table as its ``table``, with the same columns in every shard.
        needs: The models that the options name and what each must do. prompts: Prompts that the flow may name with
            these options; one that is not named here can be edited without a shard being redone.
        listens: Local analyses that the flow may ask for with these options, by name, with the settings that say what
            they need: they are checked before the first clip.
        named_only: Whether ``run`` leaves it out unless the recipe has a table of its name.
        joins: Of a second first stage: the stage that reads what it writes. It is run where the recipe has imports.
    """

    help: str
    after: str | None
    version: int
    options: type[O]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    key: str = "id"
    flow: Callable[[Row, Context[O]], Flow] | None = None
    divide: Callable[[pl.DataFrame, Context[O]], Divided] | None = None
    items: Callable[[Row, O], Sequence[str]] | None = None
    prepare: Prepare[O] | None = None
    beside: Callable[[O], Mapping[str, Path]] | None = None
    opening: Callable[[Context[O]], Generator[Sequence[Request], Sequence[Reply], Opened]] | None = None
    plan: Callable[[Iterable[Row], Context[O]], Any] | None = None
    keeps: str = ""
    needs: Callable[[O], Sequence[Need]] | None = None
    prompts: Callable[[O], Sequence[str]] | None = None
    listens: Callable[[O], Mapping[str, Mapping[str, Any]]] | None = None
    named_only: bool = True
    joins: str = ""
