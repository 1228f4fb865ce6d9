"""Finds prompts and schemas: inside the package when installed, beside its folder in a checkout.

A prompt is a TOML file with ``version``, ``description``, ``system`` and ``user`` (Jinja2 templates), ``example`` (a
template of a good reply, used by rehearsals and cost estimates) and, if the reply must be JSON, ``reply``: the name of
a schema in ``schemas/reply/``. The user's own folder is searched first.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError

DEFAULT_RECIPE = "laptop.toml"
"""Example whose models and stages are used without a recipe."""

_PACKAGE = Path(__file__).parent.parent


def shipped(kind: str) -> Path:
    """Return the package's folder of ``prompts``, ``schemas`` or ``examples``."""
    inside = _PACKAGE / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema of the package by its path below ``schemas/`` without extension, such as
    ``reply/question``.
    """
    path = shipped("schemas") / f"{name}.json"
    try:
        loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no such schema", file=str(path)) from None
    return loaded
