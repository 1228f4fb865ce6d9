"""Reads the YAML at the head of a dataset card; all commands use this reader and so see the same keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.yaml import read_yaml
from audiomcq_cli.release.layout import CARD

_FRONT = re.compile(r"\A\s*---[ \t]*\r?\n(.*?\r?\n|)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
"""Front matter of a card. Leading blank lines are allowed, as in ``huggingface_hub``, which the Hub and ``datasets``
use.
"""


@dataclass(frozen=True, slots=True)
class Front:
    """The keys and values at the head of a card, and the text below."""

    keys: Mapping[str, Any]
    body: str


def read_front(card: str, file: str, *, hint: str = "") -> Front | None:
    """Split a card into YAML and text; None if it has no YAML between two lines ``---`` at its head.

    Raises:
        InputError: The YAML is not a table of keys and values.
    """
    found = _FRONT.match(card)
    if found is None:
        return None
    above = "\n" * card.count("\n", 0, found.start(1))  # so that lines are counted as in the card
    return Front(read_yaml(above + found[1], file, hint=hint), card[found.end() :])


_MEND = "mend what stands between the two lines --- at the head of the card"


def read_metadata(text: bytes, file: str = CARD) -> Mapping[str, Any]:
    """Return the YAML at the head of a card.

    Raises:
        InputError: There is no YAML, or it is not a table of keys and values.
    """
    front = read_front(text.decode("utf-8", "replace"), file, hint=_MEND)
    if front is None:
        hint = "begin the card with a line ---, then its keys as YAML, then another line ---"
        raise InputError("no YAML between two lines --- at its head", file=file, hint=hint)
    return front.keys
