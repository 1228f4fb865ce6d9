"""Finds what would stop a stage before the first stage begins and anything is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli import registry
from audiomcq_cli.cli.console import out
from audiomcq_cli.contracts import mend_address
from audiomcq_cli.engine.beside import check_apart, check_beside
from audiomcq_cli.engine.intake.sources import no_rows
from audiomcq_cli.engine.planned import find_earlier
from audiomcq_cli.errors import CapabilityMissing, EndpointUnreachable, InputError, ModelError, RecipeError
from audiomcq_cli.recipe.read import unknown_model
from audiomcq_cli.release.texts.recipe import FILL_IN
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.storage.resources import shipped
from audiomcq_cli.storage.shards import list_shards

if TYPE_CHECKING:
    from audiomcq_cli.contracts import Need
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.engine.runtime import Runtime
    from audiomcq_cli.engine.servers.remarks import Remark
    from audiomcq_cli.recipe.read import Recipe


def check_jobs(jobs: Sequence[Job], recipe: Recipe) -> None:
    """Find what would stop any of the stages, without calling a server.

    Raises:
        RecipeError, InputError, CapabilityMissing, ModelNotServed: The first problem, naming the stage.
    """
    from audiomcq_cli.engine.journal.reuse import open_place

    for path in recipe.reuse:
        open_place(path).close()
    _check_places(jobs, recipe)
    for job in jobs:
        here = [path for one in job.inputs for path in (None if one.remote else one.path, one.audio_root)]
        read = [job.source] if job.source else here
        check_folder(job.target, *(path for path in read if path))
        _check_inputs(job)
        check_apart(job)
        check_beside(job)
        if (earlier := find_earlier(job)) and job.stage.earlier:
            job.stage.earlier.count(earlier)
        for need in job.needs:
            _check_model(job, need, recipe)
        if not job.replay:
            _find_weights(job, recipe)
            check_distinct(job, recipe)
    if recipe.prompts is not None:
        _check_names(recipe.prompts)
    _tell_addresses(jobs, recipe)
    _check_prompts(jobs, Prompts(recipe.prompts))


def _check_inputs(job: Job) -> None:
    """Read the first row of every local source or set, so that a mistyped path leaves nothing behind.

    Raises:
        InputError: One cannot be read, or all are empty.
    """
    first = [next(spec.read(), None) for spec in job.inputs if not spec.remote]
    if first and len(first) == len(job.inputs) and not any(first):
        raise no_rows(job.inputs)


def _check_places(jobs: Sequence[Job], recipe: Recipe) -> None:
    """Find the first placeholder that the recipe of a release leaves for its reader to complete.

    Raises:
        RecipeError: There is one; the error names its line.
    """
    for key, specs in (("sources", recipe.sources), ("imports", recipe.imports)):
        used = {spec.name for job in jobs for spec in job.inputs}
        for index, spec in enumerate(specs):
            places = {"path": str(spec.path), "audio": str(spec.audio_root or "")}
            places |= {name: value for name, value in asdict(spec.options).items() if isinstance(value, str)}
            for name, place in places.items():
                path = Path(place)
                if spec.name in used and FILL_IN in path.parts and not path.exists():
                    raise _not_filled_in(recipe, [key, index, name], path.name)
    for name in dict.fromkeys(need.model for job in jobs if not job.replay for need in job.needs):
        model = recipe.models.get(name)
        if model and model.model.startswith(f"{FILL_IN}/"):
            raise _not_filled_in(recipe, ["models", name, "model"], Path(model.model).name)


def _not_filled_in(recipe: Recipe, keys: Sequence[str | int], file: str) -> RecipeError:
    from audiomcq_cli.recipe.check import error_at

    message = f"the path of {file!r} is missing: a release does not know where its files are on your machine"
    hint = f"write the path of {file!r} in place of {FILL_IN}/{file}"
    return error_at(recipe.path, recipe.text, keys, message, hint) if recipe.path else RecipeError(message, hint=hint)


def _find_weights(job: Job, recipe: Recipe) -> None:
    """Check that local model weights exist, before an earlier stage has cost anything."""
    for need in job.needs:
        model = recipe.models[need.model]
        if identify := registry.backend(model.backend).identify:
            identify(model)


def _check_names(folder: Path) -> None:
    """Refuse a file in the user's prompt folder that replaces no shipped prompt: it would silently not be used."""
    names = {path.stem for path in shipped("prompts").glob("*.toml")}
    for path in sorted(folder.glob("*.toml")):
        if path.stem not in names:
            raise InputError(
                "no stage has a prompt of this name", file=str(path), hint=f"names: {', '.join(sorted(names))}"
            )


def _check_model(job: Job, need: Need, recipe: Recipe) -> None:
    from audiomcq_cli.engine.servers.model import check_capabilities

    if need.model not in recipe.models:
        raise unknown_model(recipe, job.name, need.model)
    model = recipe.models[need.model]
    if not job.replay:
        try:
            check_capabilities(job.name, need, model, registry.backend(model.backend).capabilities(model))
        except CapabilityMissing as error:
            if recipe.path is None:
                hint = "give a recipe with a model that does (--recipe)" + (
                    f", or {need.instead}" if need.instead else ""
                )
                raise CapabilityMissing(f"{error}; no recipe is given", hint=hint) from error
            raise CapabilityMissing(f"{recipe.path}: {error}", hint=error.hint) from error


def _tell_addresses(jobs: Sequence[Job], recipe: Recipe) -> None:
    """Warn about addresses that are probably wrong, each once, with all models that use it."""
    models: dict[str, list[str]] = {}
    for name in dict.fromkeys(need.model for job in jobs for need in job.needs):
        for url in recipe.models[name].base_url:
            models.setdefault(url, []).append(name)
    for url, names in models.items():
        if better := mend_address(url):
            out.say(
                f"model{'s' if len(names) > 1 else ''} {', '.join(names)}: base_url {url}: most servers want {better}"
            )


async def check_servers(jobs: Sequence[Job], runtime: Runtime) -> None:
    """Check that the servers of all stages would answer, by listing their models. A single stage checks for itself.

    Raises:
        ModelError, RecipeError: A server answers but refuses, or a key is missing. A server that does not answer only
            gets a warning: servers are swapped between stages.
    """
    if len(jobs) < 2:  # a single stage checks before its first call
        return
    stages: dict[str, str] = {}
    for job in jobs:
        for need in () if job.replay else job.needs:
            stages.setdefault(need.model, job.name)
    names = [name for name in stages if _has_server(runtime.model(name).model.backend)]
    absent: dict[str, list[str]] = {}
    for name, found in zip(names, await runtime.ask(names), strict=True):
        if (problem := _find_problem(found)) is not None:
            absent.setdefault(str(problem).removeprefix(f"model {name!r}"), []).append(name)
    for words, missed in absent.items():
        models = f"model{'s' if len(missed) > 1 else ''} {', '.join(map(repr, missed))}"
        out.say(f"{models}{words}: it has to be there when {stages[missed[0]]} begins")


def list_unusable(jobs: Sequence[Job], runtime: Runtime) -> list[str]:
    """Return problems with models that a dry run can see without calling a server, such as a missing key."""
    found = []
    for name in dict.fromkeys(need.model for job in jobs if not job.replay for need in job.needs):
        if _has_server(runtime.model(name).model.backend):
            try:
                runtime.backends(name)
            except RecipeError as error:
                found.append(f"{error}; the run needs it")
    return found


def _has_server(backend: str) -> bool:
    """Return whether a model is on a server, so that listing it does not load it."""
    return "base_url" not in registry.backend(backend).unused


def _find_problem(found: Sequence[Remark | ModelError | None]) -> EndpointUnreachable | None:
    """Return None if an address of a model would do, else the error that no address answers.

    Raises:
        ModelError: An address answers but refuses.
    """
    problems = [problem for problem in found if isinstance(problem, ModelError)]
    if len(problems) < len(found):
        return None
    absent = [problem for problem in problems if isinstance(problem, EndpointUnreachable)]
    for problem in problems:
        if problem not in absent:
            raise problem
    return absent[0]


def check_distinct(job: Job, recipe: Recipe) -> None:
    """Refuse graders or judges that are the same model with the same sampling: its reply would count twice.

    Raises:
        RecipeError: The error names both.
    """
    from audiomcq_cli.engine.servers.model import ModelHandle, check_distinct

    handles = {
        need.model: ModelHandle(model, registry.backend(model.backend))
        for need in job.needs
        for model in [recipe.models[need.model]]
    }
    check_distinct(job.name, job.needs, handles)


def _check_prompts(jobs: Sequence[Job], prompts: Prompts) -> None:
    """Read every prompt that a stage may use, with its schema, and check for variables that the stage does not provide.

    A stage provides the variables that the shipped prompt uses, and those in ``GIVEN``.
    """
    for name in dict.fromkeys(name for job in jobs for name in job.prompts):
        prompt, usual = prompts.get(name), Prompts().get(name)
        if prompt.source == usual.source:
            continue
        given = {*usual.variables(), *GIVEN.get(name, ())}
        if unknown := sorted(prompt.variables() - given):
            raise InputError(
                f"there is no variable {unknown[0]!r}",
                file=f"prompt {name}",
                hint=f"there are {', '.join(sorted(given))}",
            )


GIVEN: Mapping[str, tuple[str, ...]] = {
    "simple_cot": ("question_type",),
    "judge_letter": ("options",),
    "judge_blank": ("options", "question"),
    "judge_option": ("options",),
}
"""Variables that a stage provides to a prompt in addition to those of the shipped prompt."""


def check_release(recipe: Recipe, target: Path, jobs: Sequence[Job], *, take_over: bool) -> None:
    """Find what would stop publish after all stages: a problem with its folder or its sources.

    Raises:
        RecipeError, StorageError: The release cannot be built there, or not from these sources.
    """
    from audiomcq_cli.cli.commands.publish import check_release_name
    from audiomcq_cli.release.build import check_target

    check_folder(target)
    check_target(target)
    check_release_name(target, recipe.name, take_over=take_over)
    publish: Mapping[str, Any] = recipe.publish
    since = publish.get("since")
    if since and (since.startswith((".", "/")) or since.count("/") != 1) and not Path(since).is_dir():
        raise RecipeError(f"publish.since: {since}: no such folder", hint="name a release, or leave it out")
    names = [spec.name for spec in jobs[0].inputs]
    if unknown := [name for name in publish.get("redistribute", ()) if name not in names]:
        hint = f"sources of this recipe are {', '.join(names)}"
        raise RecipeError(f"publish.redistribute: no source {unknown[0]!r}", hint=hint)


def list_release_notes(recipe: Recipe, jobs: Sequence[Job]) -> list[str]:
    """Return notes on the release that people should read before the run: missing licenses."""
    from audiomcq_cli.release.rows.licenses import normalize_license

    publish, notes = recipe.publish, []
    if not publish.get("license"):
        where = f", or license under [publish] of {recipe.path}," if recipe.path else ""
        notes.append(
            "publish: the questions will have no license, which validate does not pass:"
            f" --question-license cc-by-4.0 (or another){where} gives them one"
        )
    if publish.get("audio") == "embed":
        closed = [
            spec.name
            for spec in jobs[0].inputs
            if spec.name not in publish.get("redistribute", ()) and not normalize_license(spec.license)
        ]
        if closed:
            notes.append(
                f"publish: no license is known that allows to embed the audio of {', '.join(closed)}: it stays out but"
                " for rows that bring one of their own"
            )
    return notes


def check_input(job: Job) -> None:
    """Check that the stage of a dry run could read its input folder; a real run checks for itself.

    Raises:
        InputError, RecipeError: A column is missing, or would be lost.
    """
    from audiomcq_cli.engine.stage import check_columns

    if job.source is not None:
        check_columns(list_shards(job.source)[0].path, job)


def check_folder(target: Path, *sources: Path) -> None:
    """Refuse to write to a path that is a file or a source.

    Raises:
        InputError: A part of the path is a file.
        RecipeError: The path is one of ``sources``.
    """
    path = target.resolve()
    if path in [source.resolve() for source in sources]:
        raise RecipeError(f"{target}: cannot write into the folder that is read", hint="name another folder as OUT")
    there = next(part for part in (path, *path.parents) if part.exists())
    if not there.is_dir():
        raise InputError("is a file, expected a folder to write", file=str(there), hint="name another folder as OUT")
