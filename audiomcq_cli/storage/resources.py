"""Prompts and schemas: found beside the package when installed, beside its folder in a checkout.

A prompt is a TOML file: ``version``, ``description``, ``system`` and ``user`` (Jinja2 templates), ``example`` (a
template of a good reply, which rehearsals and cost estimates use) and, where the reply must be JSON, ``reply``: the
name of a schema in ``schemas/reply/``. A folder of the user's own is looked into first.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError

DEFAULT_RECIPE = "laptop.toml"
"""The example whose models and stages are used where no recipe is given."""

_PACKAGE = Path(__file__).parent.parent


def shipped(kind: str) -> Path:
    """Folder of the ``prompts``, ``schemas`` or ``examples`` that come with the program."""
    inside = _PACKAGE / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


@cache
def schema(name: str) -> dict[str, Any]:
    """A shipped JSON Schema by its path below ``schemas/`` without the extension, as ``reply/question``."""
    path = shipped("schemas") / f"{name}.json"
    try:
        loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no such schema", file=str(path)) from None
    return loaded
