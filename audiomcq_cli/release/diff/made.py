"""Reads what a comparison covers beside the rows: facts of the card, settings, and texts of prompts.

A manifest or a card may come from anybody. A value that this program would not write is compared as text, or not at
all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.front_matter import read_metadata
from audiomcq_cli.release.layout import CARD
from audiomcq_cli.release.marked import read_former
from audiomcq_cli.release.tree import Tree

WRITTEN = "text of people"
"""Name of the fact that stands for the text of people around the program's part of the card."""

_OF_ROWS = frozenset({"configs", "dataset_info", "size_categories"})
"""Keys of a card that follow from the rows, which are compared themselves."""

_LONGEST = 200_000
"""Most characters of two prompts that are compared line by line; the time grows with their square."""


def read_card(tree: Tree) -> Mapping[str, Any]:
    """Return the YAML at the head of a card; empty if there is no card.

    Raises:
        InputError: The head of the card cannot be read.
    """
    return read_metadata(tree.read(CARD), f"{tree.name}/{CARD}") if CARD in tree.files else {}


def list_facts(tree: Tree, card: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that a release states about itself, as text: license, title, tags, keys added by people."""
    facts = {"license": describe(manifest["license"])} if "license" in manifest else {}
    names = {"pretty_name": "title", "license": "license of the card"}
    for key, value in card.items():
        if key not in _OF_ROWS:
            facts[names.get(key, str(key))] = describe(value)
    stated = facts.get("license", "")
    if facts.get("license of the card", "-").lower() in (stated.lower(), "other"):
        del facts["license of the card"]  # a repetition, or a license without a name on the Hub
    if facts.get("license_name") == stated:
        del facts["license_name"]
    if CARD in tree.files and (written := _read_written(tree)):
        facts[WRITTEN] = written
    return facts


def _read_written(tree: Tree) -> str:
    try:
        former = read_former(tree.read(CARD).decode("utf-8", "replace"))
    except InputError:
        return ""
    return "\n\n".join(filter(None, (former.before, former.after)))


def list_settings(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the recipe of a manifest as flat settings, such as ``generate.questions_per_clip`` or
    ``models.judge.model``.
    """
    found: dict[str, str] = {}
    models: dict[str, Any] = {}
    for stage, step in _list_steps(manifest):
        for name, value in _flatten(step.get("options"), ""):
            found[f"{stage}.{name}"] = value
        found |= {f"{stage}.{name}": describe(step[name]) for name in ("seed", "version") if name in step}
        for name, model in _items(step.get("models")):
            # One table a model, as in a recipe. A stage that used another model gets a table of its own.
            place = "models" if models.setdefault(name, model) == model else f"{stage}.models"
            found |= {f"{place}.{name}.{key}": value for key, value in _flatten(model, "")}
    for source in _tables(manifest.get("sources")):
        parts = {key: value for key, value in source.items() if key != "name"}
        found |= {f"sources.{source.get('name')}.{key}": value for key, value in _flatten(parts, "")}
    return found


def list_prompts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of every prompt by its name, or by ``NAME (STAGE)`` if a later stage used another text."""
    found: dict[str, str] = {}
    for stage, step in _list_steps(manifest):
        for name, prompt in _items(step.get("prompts")):
            text = prompt.get("text") if isinstance(prompt, Mapping) else None
            if isinstance(text, str) and found.setdefault(name, text) != text:
                found[f"{name} ({stage})"] = text
    return found


def compare_texts(old: str, new: str) -> list[str]:
    """Return the lines that differ between two texts, marked by ``-`` and ``+``, with one line of context."""
    if len(old) + len(new) > _LONGEST:
        return [f"- {len(old):,} characters", f"+ {len(new):,} characters"]
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    return ["…" if line.startswith("@@") else line for line in lines][1:]


def describe(value: Any) -> str:
    """Return a value of YAML or JSON as text for people."""
    if isinstance(value, list | tuple):
        return ", ".join(map(describe, value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {describe(part)}" for key, part in value.items()) + "}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _list_steps(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for step in _tables(manifest.get("lineage")):
        yield str(step.get("stage")), step


def _tables(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, Mapping) else ()


def _flatten(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a table, each with the path of its keys."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flatten(part, f"{path}.{key}" if path else str(key))
    elif path and not isinstance(value, Mapping):
        yield path, describe(value)
