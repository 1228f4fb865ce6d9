"""Makes recipe keys and command-line flags from the options that a stage, source, backend or export declares."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.options import SCALARS, is_mapping

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable summary on stdout.")]

_METAVARS: dict[Any, str] = {str: "TEXT", int: "N", float: "X", Path: "PATH", list[str]: "TEXT", list[Path]: "PATH"}


def flags_of(options: type, panel: str, usual: Mapping[str, Any] | None = None) -> list[inspect.Parameter]:
    """Return one Typer parameter for each option. Its default None means the recipe's value, else the option's own
    default.

    ``usual`` holds the values that apply without a recipe, if they are not the options' own defaults.
    """
    hints = typing.get_type_hints(options)
    return [
        flag(
            one.name,
            _flag_type(hints[one.name]),
            _help(one, hints[one.name], usual or {}),
            panel=panel,
            metavar="NAME=VALUE" if is_mapping(hints[one.name]) else None,
        )
        for one in fields(options)
    ]


def flag(
    name: str,
    type_: Any,
    help: str,
    *,
    default: Any = None,
    panel: str | None = None,
    metavar: str | None = None,
    minimum: int | None = None,
) -> inspect.Parameter:
    """Return a Typer option as a keyword parameter."""
    names = [f"--{name.replace('_', '-')}"] if type_ is bool else []  # a switch without its --no- twin
    plain = next((one for one in typing.get_args(type_) if one is not type(None)), type_)
    declaration = Annotated[
        type_,
        typer.Option(
            *names,
            help=escape_markup(help),
            rich_help_panel=panel,
            show_default=False,
            metavar=metavar or _METAVARS.get(plain, ""),
            min=minimum,
        ),
    ]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=declaration)


BUDGET = ("tokens", "money", "hours")


def read_budget(values: Sequence[str]) -> dict[str, Any]:
    """Parse a budget from ``tokens=N``, ``money=X``, ``hours=X``.

    Raises:
        RecipeError: A text is not of that form.
    """
    for value in values:
        name, found, _ = value.partition("=")
        if not found or name not in BUDGET:
            number = value if not found and value.replace(".", "", 1).isdecimal() else "20"
            raise RecipeError(
                f"--budget {value!r}: expected tokens=N, money=X or hours=X", hint=f"as in --budget money={number}"
            )
    given = _read_pairs("budget", Mapping[str, float], values)
    return {name: int(value) if name == "tokens" else value for name, value in given.items()}


def argument(name: str, type_: Any, help: str, *, metavar: str, required: bool = True) -> inspect.Parameter:
    """Return a Typer argument as a positional parameter."""
    declaration = Annotated[type_, typer.Argument(help=escape_markup(help), metavar=metavar, show_default=False)]
    default = inspect.Parameter.empty if required else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=declaration)


def escape_markup(text: str) -> str:
    """Escape help text for Typer, which takes words in square brackets for colours."""
    return text.replace("[", "\\[")


def as_sentence(text: str) -> str:
    """Return a help text with a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def given_flags(options: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options given as flags, in the form of a recipe table.

    Raises:
        RecipeError: A value of a mapping is not ``NAME=VALUE``, or not a number where one is expected.
    """
    hints = typing.get_type_hints(options)
    given = {}
    for one in fields(options):
        value = values[one.name]
        if value is None or value == []:
            continue
        given[one.name] = _read_value(one.name, hints[one.name], value)
    return given


def _read_value(name: str, hint: Any, value: Any) -> Any:
    """Return the value of an option from its flag. A list may be written with commas, because its entries are names."""
    if is_mapping(hint):
        return _read_pairs(name, hint, value)
    if hint in SCALARS:
        return value
    return split_names(value)


def split_names(values: Sequence[str]) -> list[str]:
    """Split flag values at commas into names."""
    return [part.strip() for one in values for part in one.split(",") if part.strip()]


def _flag_type(hint: Any) -> Any:
    return (hint if hint in SCALARS else list[str]) | None


def _help(one: Field[Any], hint: Any, usual: Mapping[str, Any]) -> str:
    text = as_sentence(str(one.metadata.get("help", "")))
    choices = [choice for choice in one.metadata.get("choices", ()) if choice]
    if not all(choice in text for choice in choices):
        text += f" One of {', '.join(choices)}."
    if hint not in SCALARS:
        text += " Give it once for each."
    own = _write_default(None if one.default is MISSING else one.default)
    if one.name in usual and (without := _write_default(usual[one.name]) or "none") != own:
        lacking = f" ({own} if the recipe has none)" if own else ""
        text += f" Default: the recipe's value{lacking}. Without a recipe: {without}."
    elif own:
        text += f" Default: {own}."
    return text


def _write_default(default: Any) -> str:
    """Return a default as text; empty if there is nothing to show."""
    if default in ("", None) or default is False:
        return ""
    if isinstance(default, Sequence) and not isinstance(default, str):
        return ", ".join(default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def _read_pairs(name: str, hint: Any, values: Sequence[str]) -> dict[str, Any]:
    value_type = typing.get_args(hint)[1]
    pairs = {}
    for value in values:
        key, found, text = value.partition("=")
        try:
            pairs[key] = value_type(text)
        except ValueError:
            found = ""
        if not found or not key:
            expected = "NAME=NUMBER" if value_type in (int, float) else "NAME=VALUE"
            raise RecipeError(f"--{name.replace('_', '-')} {value!r}: expected {expected}")
    return pairs
