"""Rows: plain data that passes from stage to stage, and the rejection of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""One row as plain data; the columns are declared in ``records.py``."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A rule or a grader refused the row. ``reason`` is a short snake_case code, counted at the end of the stage."""

    reason: str
    detail: str = ""
    raw_reply: str = ""
