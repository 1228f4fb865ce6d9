"""Counts events between this run and its servers, for the report of a stage and its run log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Traffic:
    """Counts by model: calls sent again, addresses set aside, and seconds that calls were in flight."""

    retries: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
