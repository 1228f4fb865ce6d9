"""From declared options to recipe keys, flags and help."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import jsonschema
import pytest
import typer.main

from audiomcq_cli.cli.options import argument, as_sentence, flag, flags_of, given_flags
from audiomcq_cli.contracts import option
from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.options import build, schema_of


@dataclass(frozen=True, slots=True)
class Options:
    """One of every type that there is."""

    text: str = option("x", "a text", choices=("x", "y"))
    free: str = option("", "anything [as it is]")
    count: int = option(2, "how many", minimum=1, maximum=9)
    share: float = option(0.5, "a share")
    switch: bool = option(False, "whether")
    names: tuple[str, ...] = option(("a", "b"), "some names")
    shares: Mapping[str, float] = option({}, "share by name")
    labels: Mapping[str, str] = option({}, "label by name")


def values(**given: object) -> dict[str, object]:
    """What Typer hands over: None for what was not given."""
    return {
        **dict.fromkeys(("text", "free", "count", "share", "switch", "names", "shares", "labels")),
        **given,
    }


def test_schema() -> None:
    """Each option is a key with its type, its limits and its help; no other key is taken."""
    schema = schema_of(Options)
    jsonschema.Draft202012Validator.check_schema(schema)
    keys = schema["properties"]
    assert keys["text"] == {"description": "a text", "type": "string", "enum": ["x", "y"]}
    assert keys["count"] == {"description": "how many", "type": "integer", "minimum": 1, "maximum": 9}
    assert keys["names"] == {"description": "some names", "type": "array", "items": {"type": "string"}}
    assert keys["shares"]["additionalProperties"] == {"type": "number"}
    assert schema["additionalProperties"] is False


def test_build() -> None:
    """A table becomes options: lists are tuples, whole numbers are floats where one is declared."""
    made = build(Options, {"share": 1, "names": ["c"], "shares": {"s": 2}})
    assert made == Options(share=1.0, names=("c",), shares={"s": 2})
    assert isinstance(made.share, float)
    assert build(Options, {}) == Options()


def test_flags_that_were_not_given_leave_the_recipe_alone() -> None:
    """Only what stands on the command line is handed on; a switch that is off is given."""
    assert given_flags(Options, values()) == {}
    assert given_flags(Options, values(names=[])) == {}
    assert given_flags(Options, values(switch=False, count=0)) == {"switch": False, "count": 0}


def test_pairs() -> None:
    """NAME=VALUE, once for each; a value may hold an equals sign."""
    given = given_flags(Options, values(shares=["a=0.5", "b=2"], labels=["k=v=w"]))
    assert given == {"shares": {"a": 0.5, "b": 2.0}, "labels": {"k": "v=w"}}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("shares", "a", "NUMBER"), ("shares", "a=x", "NUMBER"), ("shares", "=1", "NUMBER"), ("labels", "a", "VALUE")],
)
def test_bad_pairs(name: str, value: str, expected: str) -> None:
    """What is no pair is refused with what was expected."""
    with pytest.raises(RecipeError, match=f"--{name} '{value}': expected NAME={expected}"):
        given_flags(Options, values(**{name: [value]}))


def test_help_of_flags() -> None:
    """Help is a sentence and tells choices, repetition and default; brackets in it are no markup."""
    found = {one.name: one.annotation.__metadata__[0] for one in flags_of(Options, "Panel")}
    assert found["text"].help == "A text. One of x, y. Default: x."
    assert found["free"].help == r"Anything \[as it is]."
    assert found["share"].help == "A share. Default: 0.5."
    assert found["switch"].help == "Whether."
    assert found["names"].help == "Some names. Give it once for each. Default: a, b."
    assert found["shares"].metavar == "NAME=VALUE"
    assert found["count"].metavar == "N"
    assert {one.rich_help_panel for one in found.values()} == {"Panel"}


def test_switches() -> None:
    """A shared switch has no --no- twin; a stage's has one, so that it can undo the recipe's."""
    shared = flag("dry_run", bool, "Help.", default=False)
    [own] = [one for one in flags_of(Options, "Panel") if one.name == "switch"]

    def command(**values: object) -> None: ...

    command.__signature__ = inspect.Signature([shared, own])  # type: ignore[attr-defined]  # what Typer reads
    app = typer.Typer()
    app.command()(command)
    options = {one.name: (one.opts, one.secondary_opts) for one in typer.main.get_command(app).params}
    assert options["dry_run"] == (["--dry-run"], [])
    assert options["switch"] == (["--switch"], ["--no-switch"])


def test_arguments() -> None:
    """An argument is required unless it is said not to be."""
    assert argument("a", str, "Help.", metavar="A").default is argument("a", str, "", metavar="A").empty
    assert argument("a", str, "Help.", metavar="A", required=False).default is None


def test_sentences() -> None:
    """Help texts that are no sentences become some."""
    assert as_sentence("write it (all)") == "Write it (all)."
    assert as_sentence("Written.") == "Written."
