"""``run``: runs all stages of a recipe in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli.cli.block_flags import HELP, KEEP, NEW, Choice
from audiomcq_cli.cli.commands.publish import QuestionLicense, build_folder
from audiomcq_cli.cli.commands.stages import REUSE, TAKE_OVER, override_limits
from audiomcq_cli.cli.options import Json, split_names
from audiomcq_cli.errors import RecipeError

if TYPE_CHECKING:
    from audiomcq_cli.recipe.read import Recipe

RELEASE = "release"
"""Name of the release folder within the folder that ``run`` builds in."""

Reuse = Annotated[list[Path] | None, typer.Option(help=REUSE, metavar="PATH", show_default=False)]


def run(
    recipe: Annotated[
        Path | None,
        typer.Argument(metavar="RECIPE", help="The recipe (TOML file). Optional with --source.", show_default=False),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Use this source instead of the recipe's, or without a recipe. Give it once for each.",
            metavar="ADAPTER:PATH",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Last stage to run (default: publish).", metavar="STAGE", show_default=False)
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Read only the first N clips of each source (or questions of each imported set).", metavar="N", min=1
        ),
    ] = None,
    workdir: Annotated[
        Path | None, typer.Option(help="Folder to build in (default: the recipe's, else build).", metavar="PATH")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="Folder of your own prompts. A prompt that is not in it is the shipped one.", metavar="PATH"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every random choice (default: the recipe's, else 0).", metavar="N")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(help="Take N clips of each source, drawn by the seed.", metavar="N", min=1),
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Folder with the audio files of --source.", metavar="PATH")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of --source in ids and in the column source_dataset.", metavar="TEXT")
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(
            help="License of --source (of the audio, not of the questions), for rows that name none.", metavar="TEXT"
        ),
    ] = None,
    question_license: QuestionLicense = None,
    describe: Annotated[
        list[str] | None,
        typer.Option(
            help="How to analyse the audio: local (on this machine, no server), model (ask the recipe's captioners), or"
            " both with a comma (default: the recipe's, else neither).",
            metavar="TEXT",
        ),
    ] = None,
    reuse: Reuse = None,
    take_over: Annotated[bool, typer.Option("--take-over", help=TAKE_OVER)] = False,
    keep_failed: Annotated[bool, typer.Option("--keep-failed", help="Continue without the failed items.")] = False,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            help="Limit of what this run may spend: tokens=N, money=X (in the currency of the prices) or hours=X."
            " Give it once for each.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    max_failed: Annotated[
        float | None,
        typer.Option(
            help="Share (0 to 1) of a stage's items that may fail (default: the recipe's, else 0).", metavar="X"
        ),
    ] = None,
    max_rejected: Annotated[
        float | None,
        typer.Option(
            help="Share (0 to 1) of a stage's items that may be rejected (default: the recipe's, else 1).", metavar="X"
        ),
    ] = None,
    throughput: Annotated[
        float | None,
        typer.Option(
            help="Assumed tokens per second, used by --dry-run to estimate time (default: measured in earlier runs).",
            min=0.001,
            metavar="X",
        ),
    ] = None,
    keep_blocks: Annotated[bool, typer.Option(KEEP, help=HELP[KEEP])] = False,
    new_blocks: Annotated[bool, typer.Option(NEW, help=HELP[NEW])] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Answer from the journal only; call no model.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what the run would do and cost. Nothing is called or written.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --dry-run: print Markdown, ready for a comment on GitHub.")
    ] = False,
    json: Json = False,
) -> None:
    """Run all stages of a recipe in order. Unchanged stages are skipped."""
    from audiomcq_cli.cli.owning import Claim
    from audiomcq_cli.cli.preflight import check_release, list_release_notes
    from audiomcq_cli.cli.session import command_line, rehearse_jobs, run_jobs
    from audiomcq_cli.recipe.jobs import PUBLISH, find_workdir, list_stages, make_jobs
    from audiomcq_cli.recipe.read import override

    blocks = Choice(keep_blocks, new_blocks)
    of_sources = {"limit": limit, "sample": sample, "audio": audio, "name": name, "license": license}
    loaded = _load(recipe, source or (), {name: value for name, value in of_sources.items() if value is not None})
    over: dict[str, Any] = {"workdir": workdir, "prompts": prompts, "seed": seed, "reuse": tuple(reuse or ()) or None}
    loaded = replace(loaded, **{name: value for name, value in over.items() if value is not None})
    loaded = override_limits(loaded, budget, max_failed, max_rejected)
    if question_license is not None:
        loaded = override(loaded, "publish", {"license": question_license})
    names = list_stages(loaded, until)
    flags = {"caption": {"describe": split_names(describe)}} if describe else {}
    if flags and "caption" not in names:
        raise RecipeError("--describe is for clips, and this recipe begins with questions", hint="leave it out")
    changes = {"keep_failed": keep_failed, "replay": replay, "command": command_line()}
    jobs = make_jobs(loaded, [name for name in names if name != PUBLISH], flags, **changes)
    workdir = find_workdir(loaded)
    claim = Claim(jobs, loaded, workdir, take_over=take_over)
    release = workdir / RELEASE
    notes: list[str] = []
    if PUBLISH in names:
        check_release(loaded, release, jobs, take_over=take_over or claim.names_a_corpus)
        notes = list_release_notes(loaded, jobs)
    if dry_run:
        rehearse_jobs(jobs, loaded, claim, throughput, notes, markdown=markdown, blocks=blocks)
        return
    run_jobs(jobs, loaded, claim, notes, blocks)
    if PUBLISH in names:
        build_folder(jobs[-1].target, release, loaded)


def _load(path: Path | None, sources: Sequence[str], given: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a run, or the default one, with the sources from the command line."""
    from audiomcq_cli.recipe.jobs import choose_sources
    from audiomcq_cli.recipe.read import default_recipe, read_recipe

    if path is None and not sources:
        hint = "give a recipe, as in audiomcq run RECIPE, or a source: audiomcq run --source folder:clips"
        raise RecipeError("neither a recipe nor a source", hint=hint)
    loaded = read_recipe(path) if path else default_recipe()
    if sources:
        loaded = replace(loaded, imports=())
    if not sources and not loaded.sources and not loaded.imports:
        hint = 'add one: adapter = "folder", path = "clips"; or name it here: --source folder:clips'
        raise RecipeError(f"{path}: no [[sources]] and no [[imports]]", hint=hint)
    if loaded.imports:
        if wrong := sorted(set(given) - {"limit"}):
            raise RecipeError(f"--{wrong[0]} is for sources, and this recipe has [[imports]]", hint="set it there")
        return replace(loaded, imports=tuple(replace(spec, **given) for spec in loaded.imports))
    return replace(loaded, sources=choose_sources(sources, loaded, given))
