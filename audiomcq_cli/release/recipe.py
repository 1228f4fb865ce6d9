"""``recipe.toml`` and ``prompts/`` of a release: what made it, out of its lineage, so that it can be made again.

The lineage holds what decides over rows and nothing of the machines they were made on. So addresses, the settings of
backends that change no answer, and the places of files are for whoever runs the recipe to fill in; it says where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any

from audiomcq_cli.errors import StorageError
from audiomcq_cli.release.info import ReleaseInfo
from audiomcq_cli.release.markdown import flatten

PROMPTS = "prompts"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def list_prompts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The text of every prompt by its path below the release.

    Where a prompt was changed between two stages, the text of the later one is ``NAME.STAGE.toml``.

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
                found[f"{PROMPTS}/{name}.{step['stage']}.toml"] = text
    return found


def hide_places(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sources of a manifest without folders of the machine: of a path in their options only the name stays."""
    return [
        {**source, "options": {name: _hide_place(value) for name, value in source.get("options", {}).items()}}
        for source in sources
    ]


def write_recipe(info: ReleaseInfo, manifest: Mapping[str, Any]) -> str:
    """The recipe as TOML."""
    lineage = manifest["lineage"]
    models = _list_models(lineage)
    imported = bool(lineage) and lineage[0]["stage"] == "import"
    tables = [
        _introduce(info, manifest),
        _write_table("[project]", _describe_project(info, manifest)),
        *(_write_source(source, imported=imported) for source in hide_places(manifest["sources"])),
        *(_write_model(name, model) for name, model in sorted(models.items())),
        *_write_stages(lineage, models),
        _write_table("[publish]", _describe_publication(info)),
    ]
    return "\n\n".join(tables) + "\n"


def _introduce(info: ReleaseInfo, manifest: Mapping[str, Any]) -> str:
    return (
        f"# What made {flatten(info.name)} {flatten(info.version)}, put together from its lineage; made with audiomcq"
        f" {flatten(manifest['tool_version'])}.\n"
        "# To make it again, copy this file and prompts/ into a folder of their own, give every source its path and"
        "\n# every model the address of its server, then: audiomcq run recipe.toml --dry-run"
    )


def _describe_project(info: ReleaseInfo, manifest: Mapping[str, Any]) -> dict[str, Any]:
    steps = manifest["lineage"]
    return {
        "name": info.name,
        "version": info.version,
        "seed": steps[0].get("seed", 0) if steps else 0,
        "workdir": "build",
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
    }


def _write_source(source: Mapping[str, Any], *, imported: bool) -> str:
    """One source or question set; its path is the name of what was read, for the reader to complete."""
    keys = {
        "adapter": source["adapter"],
        "path": source.get("file") or source["name"],
        "name": source["name"],
        **{name: source.get(name) for name in ("limit", "license", "origin")},
        **{name: value for name, value in source["options"].items() if value not in ("", None)},
    }
    text = _write_table("[[imports]]" if imported else "[[sources]]", keys)
    return re.sub(r"(?m)^(path = .*)$", r"\1  # say where it lies", text, count=1)


def _list_models(lineage: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Models by name, as the first stage that asked them did."""
    models: dict[str, Mapping[str, Any]] = {}
    for step in lineage:
        for name, model in step["models"].items():
            models.setdefault(name, model)
    return models


def _write_model(name: str, model: Mapping[str, Any]) -> str:
    text = _write_table(f"[models.{_write_key(name)}]", {key: value for key, value in model.items() if value != {}})
    if model.get("backend") in ("embedded", "vllm-offline"):
        return f"{text}\n# model is what it calls itself; name the package, file or repository to load it from"
    return f'{text}\n# base_url = "http://localhost:8000/v1"'


def _write_stages(lineage: Sequence[Mapping[str, Any]], models: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A table for each stage, with remarks where it was run with another seed or model than the rest."""
    seed = lineage[0].get("seed", 0) if lineage else 0
    for step in lineage:
        remarks = [f"# run with seed {step['seed']}"] if step.get("seed", seed) != seed else []
        remarks += [
            f"# here {flatten(name)} was {flatten(json.dumps(model, ensure_ascii=False, sort_keys=True))}"
            for name, model in sorted(step["models"].items())
            if model != models[name]
        ]
        options = {name: value for name, value in step["options"].items() if value is not None}
        yield "\n".join([_write_table(f"[{_write_key(step['stage'])}]", options), *remarks])


def _write_table(head: str, keys: Mapping[str, Any]) -> str:
    lines = [f"{_write_key(name)} = {_write_value(value)}" for name, value in keys.items() if value is not None]
    return "\n".join([head, *lines])


def _write_key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _write_value(name)


def _write_value(value: Any) -> str:
    """A value as TOML, on one line. What JSON says of texts and numbers TOML understands, but for two signs."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_write_key(str(key))} = {_write_value(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_write_value(one) for one in value)}]"
    if isinstance(value, str):
        return json.dumps(_drop_surrogates(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


def _drop_surrogates(text: str) -> str:
    """A text that UTF-8 can say: halves of a sign, which file names may have, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _hide_place(value: Any) -> Any:
    """The last part of a path, of either kind of machine; all else as it is."""
    return PureWindowsPath(value).name or value if isinstance(value, str) and re.search(r"[/\\]", value) else value
