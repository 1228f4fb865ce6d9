"""Exports: formats that trainers read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from audiomcq_cli.contracts.options import O
from audiomcq_cli.contracts.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Generic[O]):
    """A format that a trainer reads: the ``EXPORT`` of a file in ``exports/``.

    ``write`` streams rows (as in ``records.QUESTION`` and later) into an existing empty folder, and returns the number
    of records that it wrote.
    """

    help: str
    options: type[O]
    write: Callable[[Iterable[Row], Path, O], int]
