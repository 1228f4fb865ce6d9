"""Reads the recipe: one TOML file that describes a corpus. Its errors name the line and the key."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from audiomcq_cli import registry
from audiomcq_cli.contracts import Model
from audiomcq_cli.engine.intake.questions import ImportSpec
from audiomcq_cli.engine.intake.sources import SourceSpec
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.recipe.check import did_you_mean, error_at, explain_toml, first_odd, first_problem
from audiomcq_cli.recipe.options import build, schema_of
from audiomcq_cli.recipe.specs import expand_home, import_spec, source_spec
from audiomcq_cli.storage.resources import DEFAULT_RECIPE, schema, shipped

T = TypeVar("T")
N = TypeVar("N", SourceSpec, ImportSpec)

DEFAULT_BACKEND = "openai-compatible"

ROLES = ("captioners", "writer", "graders", "grader", "judges")
"""Stage options that name models."""

_NAME = re.compile(r"[^\s,;\[\]()\"']+")
"""A name, between characters that may separate or surround names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A checked recipe; paths are relative to the current folder.

    Attributes:
        path: File of the recipe; None for a run without one (see ``default_recipe``).
        text: Content of the file; None for a run without one.
        name: Name of the project.
        version: Version of the project.
        seed: Seed of all random choices.
        keep_broken: Whether questions of broken blocks are kept.
        shards: Number of shards.
        named: Whether the recipe has ``[project]``, so that the name is its own.
        workdir: Folder of all stage folders and of the journal.
        prompts: Folder of the user's own prompts.
        reuse: Journals searched for replies that the run's own journal lacks.
        models: Models by name.
        sources: Sources in order. A recipe has sources or imports.
        imports: Question sets in order.
        stages: Tables of the stages, unchanged.
        publish: Table ``[publish]``.
        budget: Table ``[budget]``.
        limits: Table ``[limits]``.
        expect: Table ``[expect]``.
    """

    path: Path | None = None
    text: str = field(default="", repr=False)
    name: str = "corpus"
    named: bool = False
    version: str = "0.1.0"
    seed: int = 0
    keep_broken: bool = False
    workdir: Path | None = None
    shards: int | None = None
    prompts: Path | None = None
    reuse: tuple[Path, ...] = ()
    models: Mapping[str, Model] = field(default_factory=dict)
    sources: tuple[SourceSpec, ...] = ()
    imports: tuple[ImportSpec, ...] = ()
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    publish: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, float] = field(default_factory=dict)

    def limit(self, name: str, stage: str, default: float) -> float:
        """Return a limit, set for all stages or for this one."""
        given = self.limits.get(name, default)
        return float(given.get(stage, default) if isinstance(given, Mapping) else given)

    def options(self, stage: str, flags: Mapping[str, Any] | None = None) -> Any:
        """Return the options of a stage: flags first, then the recipe's table, then the defaults.

        Raises:
            RecipeError: A flag's value is invalid, or options contradict each other.
        """
        given, table = dict(flags or {}), self.stages.get(stage, {})
        options = registry.stages()[stage].options
        check_flags(given, options)
        try:
            if given or not table or self.path is None:
                return build(options, {**table, **given})
            return _build(options, table, self.path, self.text, [stage])
        except RecipeError:
            raise_if_unknown(self, stage, {**table, **given})  # "j1 j2" is no model, not one judge too few
            raise


def raise_if_unknown(recipe: Recipe, stage: str, table: Mapping[str, Any]) -> None:
    """Raise ``RecipeError`` if the options of a stage name a model that the recipe does not have."""
    for role in ROLES:
        named = table.get(role, ())
        entries = (named,) if isinstance(named, str) else named
        for entry in entries:
            if (name := entry.partition(":")[0]) and name not in recipe.models:
                raise unknown_model(recipe, stage, name, ",".join(entries))


def unknown_model(recipe: Recipe, stage: str, name: str, named: str = "") -> RecipeError:
    """Return the error about an unknown model in a stage; ``named`` holds all names of the same option."""
    known = ", ".join(sorted(recipe.models)) or "none"
    message = f"stage {stage} needs a model {name!r}"
    if recipe.path is None:
        message += f", and no recipe is given; the default one has {known}"
        hint = "give a recipe that has it (--recipe), or name another model"
    else:
        message = f"{recipe.path}: {message}; the recipe has {known}"
        hint = f"add a table [models.{name}], or name another under [{stage}]"
    if _NAME.findall(name) != [name]:
        parts = _NAME.findall(named or name)
        hint = f"each name stands alone: {','.join(parts)} on the command line, {json.dumps(parts)} in the recipe"
    return RecipeError(message, hint=hint)


def check_flags(given: Mapping[str, Any], options: type) -> None:
    """Raise ``RecipeError`` if the value of a flag is invalid for its option."""
    if problem := first_problem(dict(given), schema_of(options)):
        raise RecipeError(f"--{str(problem[0][0]).replace('_', '-')}: {problem[1]}")


def override(recipe: Recipe, table: str, given: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other values in its table ``budget``, ``limits`` or ``publish``.

    Raises:
        RecipeError: A value is invalid for the table.
    """
    if problem := first_problem(dict(given), schema("recipe")["properties"][table]):
        raise RecipeError(f"{table} {'.'.join(str(key) for key in problem[0])}: {problem[1]}")
    whole: dict[str, Any] = {table: {**getattr(recipe, table), **given}}
    return replace(recipe, **whole)


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe, with the tables and keys of all stages, sources and backends."""
    whole = copy.deepcopy(schema("recipe"))
    for name, stage in registry.stages().items():
        whole["properties"][name] = {"description": stage.help, **schema_of(stage.options)}
    whole["additionalProperties"] = False
    for kind, entries in (
        ("model", [registry.backend(name).options for name in registry.names("backends")]),
        ("source", [registry.source(name).options for name in registry.names("sources")]),
        ("import", [registry.importer(name).options for name in registry.names("importers")]),
    ):
        for options in entries:
            whole["$defs"][kind]["properties"] |= schema_of(options)["properties"]
    return whole


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        InputError: The file does not exist.
        RecipeError: The recipe is invalid; the message names line and key.
    """
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        message = f"the recipe cannot be read: {error.strerror}"
        raise InputError(message, file=str(path), hint="expected a TOML file; is the path right?") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8, byte {error.start}", hint="save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:  # from TOML, or a number with thousands of digits
        message, hint = explain_toml(text, error)
        raise RecipeError(f"{path}: {message}", hint=hint) from error
    return _Reader(path, text).read(table)


def default_recipe() -> Recipe:
    """Return the recipe of a command without one: models and stages of an example, and nothing else of it."""
    example = read_recipe(shipped("examples") / DEFAULT_RECIPE)
    return Recipe(models=example.models, stages=example.stages)


class _Reader:
    """Checks the tables of one recipe."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def read(self, table: Mapping[str, Any]) -> Recipe:
        whole = schema("recipe")
        if odd := first_odd(table):
            raise self._error(*odd)
        self._check_version(table.get("project"))
        stages = registry.stages()
        known = {**whole["properties"], **{name: schema_of(stage.options) for name, stage in stages.items()}}
        for name, value in table.items():
            if name not in known:
                raise self._error([name], f"unknown table{did_you_mean(name, known)}")
            if name in ("models", "sources", "imports"):
                continue  # each one, with the keys of its backend or adapter
            self._check([name], value, known[name])
        if table.get("sources") and table.get("imports"):
            raise self._error(["imports"], "a corpus begins with sources or with imports, not with both")
        project = table.get("project", {})
        return Recipe(
            path=self._path,
            text=self._text,
            name=project.get("name", self._path.stem),
            named="name" in project,
            version=project.get("version", "0.1.0"),
            seed=project.get("seed", 0),
            keep_broken=project.get("keep_broken", False),
            workdir=self._beside(project.get("workdir", "build")),
            shards=project.get("shards"),
            prompts=self._beside(project["prompts"]) if "prompts" in project else None,
            reuse=tuple(self._beside(path) for path in project.get("reuse", ())),
            models=self._models(table.get("models", {}), whole["$defs"]["model"]),
            sources=self._inputs("sources", table.get("sources", []), whole["$defs"]["source"], source_spec),
            imports=self._inputs("imports", table.get("imports", []), whole["$defs"]["import"], import_spec),
            stages={name: self._place(table[name], stages[name].options) for name in stages if name in table},
            publish=self._publish(table.get("publish", {})),
            budget=table.get("budget", {}),
            limits=table.get("limits", {}),
            expect=table.get("expect", {}),
        )

    def _check_version(self, project: Any) -> None:
        """Explain what a version is. The pattern in the schema is for editors."""
        from audiomcq_cli.release.diff.versions import parse_version

        version = project.get("version") if isinstance(project, dict) else None
        if isinstance(version, str):
            try:
                parse_version(version)
            except RecipeError as error:
                raise error_at(self._path, self._text, ["project", "version"], str(error), error.hint) from error

    def _publish(self, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return ``[publish]``; a previous release that exists as a folder beside the recipe becomes that folder."""
        if "since" in table and (folder := self._beside(table["since"])).exists():
            return {**table, "since": str(folder)}
        return table

    def _models(self, tables: Any, base: Mapping[str, Any]) -> dict[str, Model]:
        if not isinstance(tables, dict):
            raise self._error(["models"], "expected tables [models.NAME]")
        return {name: self._model(["models", name], name, table, base) for name, table in tables.items()}

    def _model(self, keys: Sequence[str | int], name: str, table: Any, base: Mapping[str, Any]) -> Model:
        kind = table.get("backend", DEFAULT_BACKEND) if isinstance(table, dict) else DEFAULT_BACKEND
        if kind not in registry.names("backends"):
            names = ", ".join(registry.names("backends"))
            raise self._error([*keys, "backend"], f"unknown backend {kind!r}; backends are {names}")
        backend = registry.backend(kind)
        options = backend.options
        common, own = self._split(keys, table, base, options)
        for key in backend.unused:
            if key in common:
                raise self._error([*keys, key], f"means nothing to the backend {kind!r}; leave it out")
        urls = common.pop("base_url", ())
        urls = (urls,) if isinstance(urls, str) else tuple(urls)
        for url in urls:
            self._check_url([*keys, "base_url"], url)
        settings = _build(options, own, self._path, self._text, keys)
        return Model(
            name=name,
            base_url=urls,
            settings=settings,
            **{"backend": kind, "concurrency": backend.concurrency, **common},
        )

    def _check_url(self, keys: Sequence[str | int], url: str) -> None:
        if "@" in url or "?" in url:
            raise self._error(keys, "an address holds no credentials; name a variable in api_key_env instead")
        try:
            parts = urlsplit(url)
            wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.fragment
        except ValueError:  # a bad port or IPv6 address
            wrong = True
        if wrong:
            raise self._error(keys, "expected an address such as http://localhost:8000/v1")  # it may hold a password

    def _inputs(self, key: str, tables: Any, base: Mapping[str, Any], make: Callable[..., N]) -> tuple[N, ...]:
        """Return what the tables ``[[sources]]`` or ``[[imports]]`` name, each built from its text and keys."""
        if not isinstance(tables, list):
            raise self._error([key], f"expected tables [[{key}]]")
        specs = [self._input(key, [key, index], table, base, make) for index, table in enumerate(tables)]
        for index, spec in enumerate(specs):
            if spec.name in {one.name for one in specs[:index]}:
                message = f"two {key} are called {spec.name!r}; give one another name"
                raise self._error([key, index, "name"], message)
        return tuple(specs)

    def _input(
        self, key: str, keys: Sequence[str | int], table: Any, base: Mapping[str, Any], make: Callable[..., N]
    ) -> N:
        kind, find = ("importers", registry.importer) if key == "imports" else ("sources", registry.source)
        adapter = table.get("adapter", "") if isinstance(table, dict) else ""
        if adapter != "" and adapter not in registry.names(kind):
            names = ", ".join(registry.names(kind))
            raise self._error([*keys, "adapter"], f"unknown adapter {adapter!r}; adapters are {names}")
        if adapter == "":
            self._check(keys, table, base)
            raise self._error([*keys, "adapter"], "must not be empty")
        kind_of = find(adapter)
        common, own = self._split(keys, table, base, kind_of.options)
        audio, path = common.pop("audio", None), common.pop("path")
        where = path if getattr(kind_of, "pin", None) else self._beside(path)
        del common["adapter"]
        try:
            return make(f"{adapter}:{where}", audio=self._beside(audio) if audio else None, options=own, **common)
        except RecipeError as error:  # options that contradict each other
            named = next((name for name in own if str(error).startswith(name)), None)
            at, message = ([*keys, named], str(error).removeprefix(f"{named}: ")) if named else (keys, str(error))
            raise error_at(self._path, self._text, at, message, error.hint) from error

    def _split(
        self, keys: Sequence[str | int], table: Any, base: Mapping[str, Any], options: type
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Check a table against the common keys and those of its backend or adapter; return both parts."""
        extra = schema_of(options)["properties"]
        self._check(keys, table, {**base, "properties": {**base["properties"], **extra}})
        own = {one.name: one for one in fields(options) if one.name in table}
        return (
            {name: value for name, value in table.items() if name not in own},
            self._place({name: table[name] for name in own}, options),
        )

    def _place(self, table: Mapping[str, Any], options: type) -> dict[str, Any]:
        """Options as a recipe says them, with paths relative to the recipe; an empty path stays empty."""
        paths = {one.name for one in fields(options) if one.metadata["path"]}
        return {name: str(self._beside(value)) if name in paths and value else value for name, value in table.items()}

    def _check(self, keys: Sequence[str | int], table: Any, wanted: Mapping[str, Any]) -> None:
        if problem := first_problem(table, wanted):
            raise self._error([*keys, *problem[0]], problem[1])

    def _error(self, keys: Sequence[str | int], message: str) -> RecipeError:
        return error_at(self._path, self._text, keys, message)

    def _beside(self, path: str) -> Path:
        return self._path.parent / expand_home(path)


def _build(options: type[T], table: Mapping[str, Any], path: Path, text: str, keys: Sequence[str | int]) -> T:
    """Build options from a table of a recipe. If they contradict each other, the error names the place of the table."""
    try:
        return build(options, table)
    except RecipeError as error:
        key = next((name for name in table if str(error).startswith(name)), None)
        raise error_at(path, text, [*keys, key] if key else keys, str(error), error.hint) from error
