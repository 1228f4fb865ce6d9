"""Writes the settings of stages and models for the card: one a row, with values as people write them, not JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def list_settings(lineage: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield stage, setting and value. Only the first row of a stage names it; a seed is listed when it changes."""
    seed: object = None
    for step in lineage:
        stage = step["stage"]
        changed = {"seed": step.get("seed")} if step.get("seed") != seed else {}
        seed = step.get("seed")
        for name, value in {"version of the stage": step["version"], **changed, **step["options"]}.items():
            yield stage, name, write_value(value)
            stage = ""


def write_value(value: object) -> str:
    """Return a setting on one line: lists with commas, tables as names with their values."""
    match value:
        case None | "":
            return "not set"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}" if abs(value) < 1e6 else str(value)
        case Mapping():
            return ", ".join(f"{name} {write_value(one)}" for name, one in value.items()) or "not set"
        case list() | tuple():
            return ", ".join(write_value(one) for one in value) or "none"
        case _:
            return str(value)
