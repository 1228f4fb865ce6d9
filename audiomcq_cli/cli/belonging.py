"""Explains options that ``run`` does not have: each belongs to the command of a stage, and for
``run`` into the recipe.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from typer.core import TyperCommand

from audiomcq_cli import registry

OF_PROJECT = {"shard_count": "shards"}
"""Options of the first stage's command that are keys of ``[project]`` in a recipe."""


class RunCommand(TyperCommand):
    """The command ``run``. An option that only a stage's command has gets an error that says where it belongs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; the error of an unknown option says where the option belongs."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            name = getattr(error, "option_name", "")  # click's NoSuchOption, of which Typer has its own copy
            if told := explain_option(name):
                error.message, error.possibilities = told, None  # type: ignore[attr-defined]  # likewise
            raise


def explain_option(name: str) -> str:
    """Name the stage of an option and its key in the recipe; empty if no stage has it."""
    key = name.removeprefix("--").replace("-", "_")
    if key in OF_PROJECT:
        return f"{name} belongs to audiomcq caption; for run, set {OF_PROJECT[key]} under [project] in the recipe"
    stages = [stage for stage, found in registry.stages().items() if key in {one.name for one in fields(found.options)}]
    if not stages:
        return ""
    commands = " and ".join(f"audiomcq {stage}" for stage in stages)
    tables = " or ".join(f"[{stage}]" for stage in stages)
    return f"{name} belongs to {commands}; for run, set {key} under {tables} in the recipe"
