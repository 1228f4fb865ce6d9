"""Writes ``recipe.toml`` and ``prompts/`` of a release from its lineage, so that the release can be made again.

The lineage holds what decides about rows and nothing about the machines that made them. Datasets on the Hub, prompts,
options and models are complete. A local file or folder is placed below ``FILL_IN``: ``audiomcq run`` stops at the first
one that is left and says which line to complete. Servers are expected on ports of this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any

from audiomcq_cli.errors import StorageError
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import flatten

PROMPTS = "prompts"

FILL_IN = "FILL-IN"
"""Placeholder for the folder of a local file, which a release does not know."""

WORKDIR = "../rebuilt"
"""Work folder of the recipe: beside the release, so that the release stays as it was published."""

_PORT = 8000
"""Port of the first server; servers of further models use the ports after it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def list_prompts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of every prompt by its path below the release.

    If a prompt was changed between two stages, the later text is in a folder named after its stage: in ``prompts/``
    itself it would be a prompt that no stage has.

    Raises:
        StorageError: A prompt of the manifest has a name that no file of the program has.
    """
    found: dict[str, str] = {}
    for step in manifest["lineage"]:
        for name, prompt in sorted(step["prompts"].items()):
            if not _PLAIN.fullmatch(name) or not _PLAIN.fullmatch(step["stage"]):
                raise StorageError(f"manifest: no name of a prompt: {name!r}", hint="run the stages again")
            text = prompt.get("text", "")
            path = f"{PROMPTS}/{name}.toml"
            if found.setdefault(path, text) != text:
                found[f"{PROMPTS}/{step['stage']}/{name}.toml"] = text
    return found


def hide_places(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the sources of a manifest with local paths in their options reduced to file names."""
    return [
        {**source, "options": {name: _hide_place(value) for name, value in source.get("options", {}).items()}}
        for source in sources
    ]


def write_recipe(info: ReleaseInfo, manifest: Mapping[str, Any]) -> str:
    """Return the recipe as TOML."""
    lineage = manifest["lineage"]
    models = _list_models(lineage)
    imported = bool(lineage) and lineage[0]["stage"] == "import"
    tables = [
        _introduce(info, manifest),
        _write_table("[project]", _describe_project(info, manifest)),
        *(_write_source(source, manifest.get("audio_roots", {}), imported=imported) for source in manifest["sources"]),
        *(_write_model(name, model, address) for name, model, address in _number_servers(models)),
        *_write_stages(lineage, models),
        _write_table("[publish]", _describe_publication(info)),
    ]
    return "\n\n".join(tables) + "\n"


def _introduce(info: ReleaseInfo, manifest: Mapping[str, Any]) -> str:
    return (
        f"# The recipe of {flatten(info.name)} {flatten(info.version)}, made with audiomcq"
        f" {flatten(manifest['tool_version'])}. To make the release again:\n"
        f"# complete each path that begins with {FILL_IN}, serve the models at the addresses below, then\n"
        "#\n"
        "#     audiomcq run recipe.toml --dry-run"
    )


def _describe_project(info: ReleaseInfo, manifest: Mapping[str, Any]) -> dict[str, Any]:
    steps = manifest["lineage"]
    return {
        "name": info.name,
        "version": info.version,
        "seed": steps[0].get("seed", 0) if steps else 0,
        "keep_broken": any(step.get("keep_broken") for step in steps) or None,
        "workdir": WORKDIR,
        "shards": len(manifest.get("shards", ())) or None,
        "prompts": PROMPTS if list_prompts(manifest) else None,
    }


def _describe_publication(info: ReleaseInfo) -> dict[str, Any]:
    return {
        "title": info.title or None,
        "license": info.license,
        "languages": list(info.languages),
        "audio": info.audio if info.embed else None,
        "redistribute": list(info.redistribute) or None,
        "max_guessable": info.max_guessable,
    }


def _write_source(source: Mapping[str, Any], audio_roots: Mapping[str, str], *, imported: bool) -> str:
    """Return one source or question set; of local files only the names are known."""
    file = str(source.get("file") or source["name"])
    remote = source["adapter"] == "hf"
    keys = {
        "adapter": source["adapter"],
        "path": file if remote else f"{FILL_IN}/{file}",
        "name": source["name"],
        "audio": None if remote else _find_audio(file, audio_roots.get(source["name"])),
        **{name: source.get(name) for name in ("limit", "sample", "license", "origin")},
        **{
            name: _fill_in(value)
            for name, value in source.get("options", {}).items()
            if value not in ("", None, [], {})
        },
    }
    return _write_table("[[imports]]" if imported else "[[sources]]", keys)


def _find_audio(file: str, root: str | None) -> str | None:
    """Return the folder of the audio; None if there is none or it is the source itself."""
    name = PureWindowsPath(root or "").name
    return None if name in ("", file) else f"{FILL_IN}/{name}"


def _fill_in(value: Any) -> Any:
    """Return an option of a source; a path becomes its file name below ``FILL_IN``."""
    hidden = _hide_place(value)
    return value if hidden == value else f"{FILL_IN}/{hidden}"


def _list_models(lineage: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the models by name, as the first stage that called them did."""
    models: dict[str, Mapping[str, Any]] = {}
    for step in lineage:
        for name, model in step["models"].items():
            models.setdefault(name, model)
    return models


def _number_servers(models: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield name, table and address of every model; tables of the same model share the address of its server."""
    ports: dict[tuple[Any, Any], int] = {}
    for name, model in sorted(models.items()):
        if model.get("backend") != "openai-compatible" or "/" not in str(model.get("model")):
            yield name, model, ""
        else:
            port = ports.setdefault((model["model"], model.get("revision")), _PORT + len(ports))
            yield name, model, f"http://localhost:{port}/v1"


def _write_model(name: str, model: Mapping[str, Any], address: str) -> str:
    """Return one model: local weights with the backend that loads them, or a model of a server with its address.

    An id without an organisation is one of OpenAI's, whose address is the default.
    """
    keys = {key: value for key, value in model.items() if value != {} and key != "named"}
    head = f"[models.{_write_key(name)}]"
    match model.get("backend"):
        case "embedded":
            known = (
                f"# it calls itself {flatten(model['model'])}; SHA-256 of its weights: {flatten(model['revision'])}…"
            )
            named = model.get("named") or f"{FILL_IN}/{model['model']}.gguf"
            return f"{_write_table(head, {**keys, 'model': named, 'revision': None})}\n{known}"
        case "openai-compatible":
            return _write_table(head, {**keys, "base_url": address or None})
        case _:
            return _write_table(head, keys)


def _write_stages(lineage: Sequence[Mapping[str, Any]], models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table for each stage, with a remark if it was run with another seed or model than the rest."""
    seed = lineage[0].get("seed", 0) if lineage else 0
    prompts = list_prompts({"lineage": lineage})
    for step in lineage:
        remarks = [f"# run with seed {step['seed']}"] if step.get("seed", seed) != seed else []
        remarks += [
            f"# here {flatten(name)} was {flatten(json.dumps(model, ensure_ascii=False, sort_keys=True))}"
            for name, model in sorted(step["models"].items())
            if model != models[name]
        ]
        others = [name for name in sorted(step["prompts"]) if f"{PROMPTS}/{step['stage']}/{name}.toml" in prompts]
        remarks += [f"# here prompt {name} was prompts/{step['stage']}/{name}.toml" for name in others]
        options = {
            name: f"{FILL_IN}/{value}" if name in step.get("beside", {}) else value
            for name, value in step["options"].items()
            if value is not None
        }
        yield "\n".join([_write_table(f"[{_write_key(step['stage'])}]", options), *remarks])


def _write_table(head: str, keys: Mapping[str, Any]) -> str:
    lines = [f"{_write_key(name)} = {_write_value(value)}" for name, value in keys.items() if value is not None]
    return "\n".join([head, *lines])


def _write_key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _write_value(name)


def _write_value(value: Any) -> str:
    """Return a value as TOML, on one line. TOML reads the texts and numbers of JSON, except for two characters."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_write_key(str(key))} = {_write_value(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_write_value(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(_drop_surrogates(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


def _drop_surrogates(text: str) -> str:
    """Return a text that UTF-8 can encode: lone surrogates, which file names may have, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _hide_place(value: Any) -> Any:
    """Return only the last part of an absolute or home path, POSIX or Windows; other values as they are.

    A path within the source, such as ``texts/captions.csv``, is the same on every machine.
    """
    if not isinstance(value, str) or not re.search(r"[/\\]", value):
        return value
    path = PureWindowsPath(value)
    outside = path.anchor or value.startswith("~") or ".." in path.parts
    return path.name or value if outside else value
