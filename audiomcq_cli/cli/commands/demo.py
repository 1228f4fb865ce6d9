"""``demo``: builds a corpus from nothing and shows the result."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli.cli.commands.run import RELEASE, run
from audiomcq_cli.cli.console import out, printable
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import InputError
from audiomcq_cli.mcq import letter

if TYPE_CHECKING:
    from audiomcq_cli.contracts import Row

RECIPE = "recipe.toml"
EXAMPLE = "demo.toml"
MARK = ".audiomcq-demo"
"""Marks a folder that the demo made; holds the recipe as it was written there."""

SAMPLES = 3


def demo(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to build in.", show_default=False)],
    json: Json = False,
) -> None:
    """Synthesise clips, build a corpus from them with the embedded model, and show the result."""
    from audiomcq_cli.cli.session import check_models
    from audiomcq_cli.demo.write import write_clips
    from audiomcq_cli.recipe.read import read_recipe
    from audiomcq_cli.storage.resources import shipped

    example = shipped("examples") / EXAMPLE
    check_models("filter", read_recipe(example))  # raises before anything is made
    _check_target(target)
    target.mkdir(parents=True, exist_ok=True)
    (target / MARK).touch()
    clips = write_clips(target / "clips")
    _write_recipe(example, target)
    out.say(f"{len(clips)} clips made by synthesis, with captions and the times of every event: {target / 'clips'}")
    run(target / RECIPE)
    folder = read_recipe(target / RECIPE).workdir or target
    samples = _show(_read_rows(folder / "split"))
    _show_next(target, folder, samples)


def _check_target(target: Path) -> None:
    """Refuse a folder that holds anything but an earlier demo."""
    if target.exists() and not target.is_dir():
        raise InputError("is a file, expected a folder to build in", file=str(target), hint="name another folder")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise InputError("the folder is not empty", file=str(target), hint="name a new folder for the demo")


def _write_recipe(example: Path, target: Path) -> None:
    """Write the recipe into the folder, unless it was edited there."""
    text, place, mark = example.read_text("utf-8"), target / RECIPE, target / MARK
    if place.is_file() and mark.is_file() and place.read_text("utf-8") != mark.read_text("utf-8"):
        out.say(f"{place} was edited, and stays as it is")
        return
    mark.write_text(text, "utf-8")
    place.write_text(text, "utf-8")


def _read_rows(folder: Path) -> list[Row]:
    from audiomcq_cli.storage.shards import list_shards, read_rows

    return [row for shard in list_shards(folder) for row in read_rows(shard.path)]


def _show(rows: list[Row]) -> list[Row]:
    """Show the labels by question type and a few questions; return those questions."""
    counts = Counter((row["question_type"], row["audio_contribution"]) for row in rows)
    kinds = sorted({kind for kind, _ in counts})
    table = [(kind, counts[kind, "weak"], counts[kind, "strong"]) for kind in kinds]
    totals = ("all", sum(weak for _, weak, _ in table), sum(strong for *_, strong in table))
    out.table(
        "Labels: weak can be answered without the audio, strong cannot", ("type", "weak", "strong"), [*table, totals]
    )
    out.summary["labels"] = [{"type": kind, "weak": weak, "strong": strong} for kind, weak, strong in table]
    samples = _choose_samples(rows)
    out.summary["samples"] = [
        {name: row[name] for name in ("id", "question", "choices", "answer", "audio_contribution")} for row in samples
    ]
    for row in samples:
        out.say(f"\n{printable(row['source_id'])} · {row['question_type']} · {row['audio_contribution']}")
        out.say(f"  {printable(row['question'])}")
        for number, choice in enumerate(row["choices"]):
            out.say(f"  {'*' if number == row['answer_index'] else ' '} {letter(number)}. {printable(choice)}")
        votes = ", ".join(f"{vote['judge'].partition(':')[2]} {vote['status']}" for vote in row["votes"])
        out.say(f"  judges without the audio: {votes}")
    return samples


def _choose_samples(rows: list[Row]) -> list[Row]:
    """Return one question of each of the first types."""
    first: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: str(row["id"])):
        first.setdefault(row["question_type"], row)
    return list(first.values())[:SAMPLES]


def _show_next(target: Path, folder: Path, samples: list[Row]) -> None:
    """Print commands to go on with, ready to be typed; the trace is of the first question shown."""
    asked = shlex.quote(samples[0]["id"]) if samples else "--random"
    steps = (
        ("read the dataset card", f"less {folder / RELEASE / 'README.md'}"),
        ("see all that is behind a question", f"audiomcq trace {shlex.quote(str(folder))} {asked}"),
        ("change the recipe and build again", f"audiomcq run {target / RECIPE}"),
        ("build one of clips of your own", "audiomcq run --source folder:MY-CLIPS"),
    )
    out.say("\nThree scorings of one 135M-parameter model made these labels: they show the method, not its strength.\n")
    out.say("Next:")
    for what, command in steps:
        out.say(f"  {what:36} {command}")
