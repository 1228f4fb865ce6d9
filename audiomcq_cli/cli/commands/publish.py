"""``publish``: makes a release folder from what split wrote; ``--repo`` puts it on the Hub."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.options import Json
from audiomcq_cli.errors import InputError, RecipeError

if TYPE_CHECKING:
    from audiomcq_cli.recipe.read import Recipe
    from audiomcq_cli.release.hub.earlier import Before
    from audiomcq_cli.release.rows.statistics import Statistics

Since = Annotated[
    str | None,
    typer.Option(
        help="The release before, a folder, or org/name or org/name@revision on the Hub: the changelog is made against"
        " it (default: the recipe's, else the release that is replaced).",
        metavar="OLD",
        show_default=False,
    ),
]
RecipeFlag = Annotated[
    Path | None, typer.Option(help="Recipe with the name, version and license of the release.", metavar="PATH")
]

AudioFlag = Annotated[
    str | None,
    typer.Option(
        help="Whether the files of the clips go into the rows, where their licenses allow it (default: the recipe's,"
        " else reference).",
        metavar="embed|reference",
        show_default=False,
    ),
]
Redistribute = Annotated[
    list[str] | None,
    typer.Option(
        help="Source whose audio is embedded though its license is not known to allow it. Give it once for each.",
        metavar="SOURCE",
        show_default=False,
    ),
]


QuestionLicense = Annotated[
    str | None,
    typer.Option(
        help="License of the questions, such as cc-by-4.0 (default: license under [publish] of the recipe).",
        metavar="TEXT",
        show_default=False,
    ),
]


def publish(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of the stage split.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write the release to.", show_default=False)],
    recipe: RecipeFlag = None,
    since: Since = None,
    repo: Annotated[
        str | None,
        typer.Option(
            help="Push the release to this dataset repository on the Hub.", metavar="ORG/NAME", show_default=False
        ),
    ] = None,
    push: Annotated[
        bool, typer.Option("--push", help="Push the release to the repository that the recipe names.")
    ] = False,
    private: Annotated[
        bool | None,
        typer.Option(
            "--private/--public",
            help="Visibility of a newly created repository (default: private).",
            show_default=False,
        ),
    ] = None,
    branch: Annotated[str, typer.Option(help="Branch to push to. Only main gets a tag.", metavar="NAME")] = "main",
    pull_request: Annotated[
        bool, typer.Option("--pr", help="Open a pull request for a person to merge, instead of a commit.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print which files would be sent. Nothing is written, here or on the Hub.")
    ] = False,
    audio: AudioFlag = None,
    redistribute: Redistribute = None,
    question_license: QuestionLicense = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Replace the release of another project in the folder.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a release folder: the data by subset and label, and the dataset card; with --repo put it on the Hub."""
    from audiomcq_cli.cli.pushing import push_release, tell_plan
    from audiomcq_cli.recipe.read import Recipe, override, read_recipe
    from audiomcq_cli.release.hub.earlier import Before, find_releases
    from audiomcq_cli.release.hub.push import PushOptions
    from audiomcq_cli.release.tree import open_tree

    named = (("audio", audio), ("redistribute", redistribute), ("repo", repo), ("license", question_license))
    given = {name: value for name, value in named if value}
    loaded = override(read_recipe(recipe) if recipe else Recipe(), "publish", given)
    if recipe is None:
        license = question_license or "none (--question-license gives the questions one)"
        out.say(f"publish: no recipe is given: name {loaded.name}, version {loaded.version}, license {license}")
    check_release_name(target, loaded.name, take_over=take_over)
    name = loaded.publish.get("repo", "") if repo or push or dry_run else ""
    if not name and (push or dry_run or pull_request or private is not None or branch != "main"):
        hint = "--repo ORG/NAME, or repo under [publish] in the recipe and --push"
        raise RecipeError("no repository is named", hint=hint)
    before = find_releases(name, loaded.version, target) if name else Before()
    if since:
        before = replace(before, since=open_tree(since))
    if not dry_run:
        build_folder(source, target, loaded, before)
    if not name:
        return
    options = PushOptions(repo=name, private=private, branch=branch, pull_request=pull_request)
    if not dry_run:
        push_release(target, options)
        return
    with tempfile.TemporaryDirectory(prefix="audiomcq-") as folder:
        build_folder(source, building := Path(folder, target.name), loaded, before, shown=target)
        tell_plan(building, options, shown=target, json=json)


def check_release_name(target: Path, name: str, *, take_over: bool) -> None:
    """Refuse to replace the release of another project; raises ``RecipeError`` naming both."""
    from audiomcq_cli.foreign.json import read_json
    from audiomcq_cli.storage.manifest import manifest_path

    try:
        there = read_json(manifest_path(target).read_bytes(), "")["release"]
    except (OSError, InputError, LookupError, TypeError):  # no release, or one that the build refuses later
        return
    if there != name and not take_over:
        hint = "build elsewhere (run: --workdir NEW; publish: another OUT), or replace it on purpose: --take-over"
        raise RecipeError(f"{target}: holds the release of {there!r}, and this one is of {name!r}", hint=hint)


def build_folder(
    source: Path, target: Path, recipe: Recipe, before: Before | None = None, *, shown: Path | None = None
) -> None:
    """Build a release folder unless it is up to date, and sum up; ``shown`` is the target as people know it."""
    from audiomcq_cli.cli.commands.probe import tell_guessable
    from audiomcq_cli.cli.preflight import check_folder
    from audiomcq_cli.release.build import build_release, is_current
    from audiomcq_cli.release.layout import ReleaseInfo
    from audiomcq_cli.release.tree import open_tree

    check_folder(target, source)
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in recipe.publish.items()
    }
    named = options.pop("since", None)
    since, replaces = (before.since, before.replaces) if before else (None, None)
    since = since or (open_tree(named) if named else None)
    info = ReleaseInfo(name=recipe.name, version=recipe.version, **options)
    if is_current(source, target, info, since=since, replaces=replaces):
        out.say(f"publish: nothing to do: {target}")
        out.summary["release"] = {"folder": str(target), "changed": False}
        return
    report = build_release(source, target, info, since=since, replaces=replaces)
    rows, place = sum(file.rows or 0 for file in report.files), shown or target
    out.say(
        f"publish: {rows:,} rows in {len(report.files):,} files, configs {', '.join(report.configs)}: {shown or target}"
    )
    out.summary["release"] = {
        "folder": str(place),
        "changed": True,
        "rows": rows,
        "files": len(report.files),
        "configs": list(report.configs),
    }
    out.summary["release"]["guessable"] = tell_guessable(report.guesses, recipe.publish.get("max_guessable"))
    if info.embed:
        out.summary["release"]["audio"] = _tell_audio(report.statistics)


def _tell_audio(statistics: Statistics) -> dict[str, Any]:
    """Report which clips were embedded and which were not, by source and license; return the same as plain data."""
    from audiomcq_cli.release.rows.embed import WITHHELD

    embedded, withheld = sorted(statistics.embedded.items()), sorted(statistics.withheld.items())
    total = statistics.embedded.total() + statistics.withheld.total()
    out.say(f"  audio: {statistics.embedded.total():,} of {total:,} clips embedded")
    for (source, license_, reason), clips in withheld:
        terms = f" ({license_})" if license_ else ""
        out.say(f"  not embedded: {clips:,} of {source}{terms}: {WITHHELD[reason]}")
    return {
        "embedded": [{"source": source, "license": license_, "clips": clips} for (source, license_), clips in embedded],
        "withheld": [
            {"source": source, "license": license_, "reason": reason, "clips": clips}
            for (source, license_, reason), clips in withheld
        ],
    }
