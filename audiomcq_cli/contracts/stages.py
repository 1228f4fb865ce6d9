"""Stages: what a stage does with its rows, what it needs, and the outcome of each row."""

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
    """No usable reply after every try. A flow returns it only for one of several items; otherwise the driver does."""

    reply: Reply


Outcome = list[Row] | Reject | Failure
"""Outcome of one work item: the rows kept (usually one), or the reason why there are none."""


Flow = Generator[Sequence[Request], Sequence[Reply], Outcome | Mapping[str, Outcome]]
"""The body of a stage for one input row; a mapping (item id to outcome) if a row holds several work items."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Result of the opening of a stage: the value that flows read as ``ctx.opened``, and lines for people."""

    value: Any = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context(Generic[O]):
    """What a flow receives beside its row.

    Attributes:
        options: The stage's options.
        seed: The recipe's seed.
        prepared: Result of ``Prepare.load`` on the prepared table; None for a stage without one.
        windows: Audio windows of the stage's models in seconds, by name; a model without a limit is missing.
        keep_broken: Whether questions of balanced blocks that lost one of their four are kept as single questions.
        opened: Value that ``Stage.opening`` returned; None for a stage without one, and in a dry run whose examples
            would have stopped the stage.
        plan: Result of ``Stage.plan`` on the rows of the shard; None for a stage without one, and inside ``plan``.
    """

    options: O
    seed: int = 0
    prepared: Any = None
    windows: Mapping[str, float] = field(default_factory=dict)
    keep_broken: bool = False
    opened: Any = None
    plan: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """The input of corpus-wide knowledge.

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
        load: Turns that table into what flows look things up in. Called once a process.
    """

    build: Callable[[Materials, Context[O]], pa.Table]
    load: Callable[[pa.Table], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """The result of a tabular stage for a shard: kept rows, and (id, reason, detail) of rejected ones."""

    kept: pl.DataFrame
    rejected: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Need:
    """A model that a stage uses and its required capabilities (names of ``Capabilities``).

    Attributes:
        model: Name of the model.
        capabilities: Required capabilities.
        distinct: Such models must not be the same model with the same sampling and ``way`` under two names: one reply
            would count as two opinions.
        way: Distinguishes what the sampling does not (two scorings).
        instead: Advice for people if no model has the capability.
    """

    model: str
    capabilities: frozenset[str]
    distinct: bool = False
    way: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """How a version goes on with the groups of rows that an earlier version of the corpus planned (``Stage.keeps``).

    Such a group lies within one shard, so the version has as many shards as the earlier one.

    Attributes:
        option: Option that names a copy of the file that the earlier version kept: one of ``Stage.beside``.
        count: Returns the number of groups in such a file. Raises ``InputError`` for any other file.
    """

    option: str
    count: Callable[[Path], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[O]):
    """One stage. Exactly one of ``flow`` and ``divide`` is given.

    Attributes:
        help: One line for the command line.
        after: The stage that it follows; None for the first.
        version: Raised when the same inputs and replies would give other rows: shards are then redone.
        options: A frozen dataclass of ``option`` fields.
        key: Column that identifies a work item of the input (``clip_id`` or ``id``).
        reads: Required columns of the input, declared in ``records.py``.
        writes: Columns of the output, declared in ``records.py``.
        flow: Asks for one row at a time.
        divide: Turns a whole shard, as a table, into rows without any request.
        items: Returns the ids of the work items of one input row, if it holds several (a question slot each).
        prepare: Corpus-wide knowledge, if needed.
        beside: Second inputs with these options, by the name of the option that says where they are: files or folders.
            Their content, not their place, decides whether shards are made again; only ``prepare`` reads them.
        opening: A flow without a row, driven before the first row of a run that has work (whether a judge hears, say).
            Its requests have a journal of their own, so a later run repeats none of them. It stops the stage by
            raising one of our errors; the next run then asks anew.
        plan: Makes of all input rows of a shard what its flows read as ``ctx.plan``. Called once a shard, before the
            first flow, and only where the shard has work. Pure, and no flow changes its result: ``trace``, a replay
            and a dry run plan the same rows again.
        keeps: Name of a file in ``.audiomcq/`` that holds the tables of the plans of all shards, in their order.
            ``plan`` then returns an object with an Arrow table as its ``table``, with the same columns in every shard.
        earlier: How a later version keeps the groups in that file.
        needs: Returns the models that the options name, with their required capabilities.
        prompts: Returns the prompts that the flow may use with these options; editing any other prompt redoes no shard.
        listens: Returns the local analyses that the flow may request with these options, by name, with settings that
            say what they need: they are checked before the first clip.
        named_only: Whether ``run`` leaves it out unless the recipe has a table of its name.
        joins: For a second first stage: the stage that reads its output. It runs if the recipe has imports.
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
    earlier: Earlier | None = None
    needs: Callable[[O], Sequence[Need]] | None = None
    prompts: Callable[[O], Sequence[str]] | None = None
    listens: Callable[[O], Mapping[str, Mapping[str, Any]]] | None = None
    named_only: bool = True
    joins: str = ""
