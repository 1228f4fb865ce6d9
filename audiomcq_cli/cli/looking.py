"""Writes lines that lead from a count to its items: the command that shows them, or the one that asks again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiomcq_cli.engine.ledger.labels import Unread


def see_line(folder: str | Path, reasons: Mapping[str, int], *, random: bool = False) -> str:
    """Return the command that lists a stage's rejects of the most frequent reason, or shows one at random."""
    most = max(reasons, key=lambda code: (reasons[code], code), default="")
    flags = [*(["--random"] if random else []), "--rejected", *([most] if most else [])]
    return shlex.join(["audiomcq", "trace", str(folder), *flags])


def ask_again(command: str) -> str:
    """Return the command that asks again for failed items, without flags that would prevent it (--replay,
    --keep-failed).
    """
    return shlex.join(word for word in shlex.split(command) if word not in ("--replay", "--keep-failed"))


def describe_unread(judges: Sequence[Unread], folder: str | Path) -> Iterator[str]:
    """Yield a line for each judge with unreadable answers, with the command that shows one of them."""
    for one in judges:
        labels = f"; {count_of(one.undecided, 'label')} undecided" if one.undecided else ""
        see = shlex.join(["audiomcq", "trace", str(folder), one.example])
        unread = f"{one.unread:,} of {count_of(one.asked, 'answer')} could not be read"
        yield f"judge {one.judge}: {unread}{labels}; see one: {see}"


def count_of(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as "1 item" or "1,200 items"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
