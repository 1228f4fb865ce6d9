"""Lines that lead from a count to what is behind it: which command shows the items, and which one asks again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiomcq_cli.engine.ledger.labels import Unread


def see_line(folder: str | Path, reasons: Mapping[str, int], *, random: bool = False) -> str:
    """The command that lists what a stage dropped for its most frequent reason, or shows one of those items whole."""
    most = max(reasons, key=lambda code: (reasons[code], code), default="")
    flags = [*(["--random"] if random else []), "--rejected", *([most] if most else [])]
    return shlex.join(["audiomcq", "trace", str(folder), *flags])


def ask_again(command: str) -> str:
    """The command that asks again for what failed: a replay asks nobody, and --keep-failed leaves it as it is."""
    return shlex.join(word for word in shlex.split(command) if word not in ("--replay", "--keep-failed"))


def describe_unread(judges: Sequence[Unread], folder: str | Path) -> Iterator[str]:
    """A line for each judge some of whose answers could not be read, with the command that shows one of them."""
    for one in judges:
        labels = f"; {count_of(one.undecided, 'label')} undecided" if one.undecided else ""
        see = shlex.join(["audiomcq", "trace", str(folder), one.example])
        unread = f"{one.unread:,} of {count_of(one.asked, 'answer')} could not be read"
        yield f"judge {one.judge}: {unread}{labels}; see one: {see}"


def count_of(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun, as "1 item" or "1,200 items"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
