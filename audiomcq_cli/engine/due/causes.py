"""Says in plain words why a shard is made again, by comparing its parts with those of the current run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiomcq_cli.engine.due.made_of import MadeOf

UNKNOWN = "made of another input, or with other options, prompts or models"
"""Cause if no run log says what the existing shard was made of."""

OTHER = "something else that it is made of changed, such as the order of the sources"
"""Cause if the fingerprints differ and none of the compared parts does."""

_LONGEST = 60
"""Longest value, in characters, that is shown whole."""

_ALIKE = {
    "model": "",
    "revision": "revision ",
    "structured": "structured ",
    "tries": "tries ",
    "sample_rate": "sample_rate ",
    "audio_window": "audio_window ",
}
"""Parts of a model that are compared as one value, with the words before the values."""


def find_causes(old: MadeOf | None, new: MadeOf, *, input_stage: str = "") -> tuple[str, ...]:
    """Return everything that changed, most informative first, without consequences of other changes; empty if nothing
    did.

    Args:
        old: Parts of the existing shard; None if unknown.
        new: Parts of the current run. If its ``input`` is empty, neither the input nor the prepared table is compared.
        input_stage: The stage that writes the input.
    """
    if old is None:
        return (UNKNOWN,)
    own = [*_compare_stage(old.parts, new.parts), *_compare_named(old.parts, new.parts, alone=_is_same(old, new))]
    own += [f"input beside: {name} {change}" for name, change in compare_beside(old.beside, new.beside)]
    if new.folder is None:
        own += _compare_sources(old, new)
    elif new.input and old.input != new.input:
        own.append(_describe_input(old, new, input_stage))
    if new.input and not own and old.parts["prepared"] != new.parts["prepared"]:
        own.append(f"what it looks up in all of {input_stage or 'its input'} changed: another shard there did")
    return tuple(own)


def compare_beside(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The second inputs that are others, by name, and whether each was changed, added or removed."""
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, "changed" if name in old and name in new else "added" if name in new else "removed"


def _is_same(old: MadeOf, new: MadeOf) -> bool:
    """Return whether stage and options are the same: they decide which prompts and models a stage uses."""
    return all(old.parts[key] == new.parts[key] for key in ("version", "options"))


def _compare_stage(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old["version"] != new["version"]:
        yield f"stage {new['stage']} is of another version: {_change(old['version'], new['version'])}"
    elif old["writes"] != new["writes"]:
        yield f"stage {new['stage']} writes other columns"
    if old["seed"] != new["seed"]:
        yield f"seed {_change(old['seed'], new['seed'])}"
    if old.get("keep_broken", False) != new["keep_broken"]:
        yield f"keep_broken {_change(old.get('keep_broken', False), new['keep_broken'])}"
    for name in sorted({*old["options"], *new["options"]}):
        before, after = old["options"].get(name), new["options"].get(name)
        if before != after:
            yield f"option {name} {_change(before, after)}"


def _compare_named(old: Mapping[str, Any], new: Mapping[str, Any], *, alone: bool) -> Iterator[str]:
    """Yield changes of models and prompts; ``alone``: nothing else explains an added one."""
    changes: dict[str, list[str]] = {}
    for name in sorted(old["models"].keys() & new["models"].keys()):
        for change in _compare_model(old["models"][name], new["models"][name]):
            changes.setdefault(change, []).append(name)
    for change, names in changes.items():
        yield f"{'models' if len(names) > 1 else 'model'} {', '.join(names)}: {change}"
    for name in sorted(old["prompts"].keys() & new["prompts"].keys()):
        yield from _compare_prompt(name, old["prompts"][name], new["prompts"][name])
    for kind in ("model", "prompt") if alone else ():
        before, after = old[f"{kind}s"].keys(), new[f"{kind}s"].keys()
        yield from (f"{kind} {name} added" for name in sorted(after - before))
        yield from (f"{kind} {name} removed" for name in sorted(before - after))


def _compare_model(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _ALIKE.items():
        if old.get(key) != new.get(key):
            yield f"{words}{_change(old.get(key), new.get(key))}"
    before, after = _table(old.get("sampling")), _table(new.get("sampling"))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"sampling {key} {_change(before.get(key), after.get(key))}"


def _compare_prompt(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old.get("sha256") == new.get("sha256"):
        return
    if old.get("version") != new.get("version"):
        yield f"prompt {name} changed (version {_change(old.get('version'), new.get('version'))})"
    elif old.get("text") == new.get("text"):
        yield f"reply schema of prompt {name} changed"
    else:
        yield f"prompt {name} changed"


def _compare_sources(old: MadeOf, new: MadeOf) -> Iterator[str]:
    """Yield why a source gives other rows to this shard than before."""
    before, after = old.parts["sources"], new.parts["sources"]
    for name in sorted({*old.contents, *new.contents}):
        was, now = old.contents.get(name), new.contents.get(name)
        if was == now:
            continue
        if name not in before:
            yield f"source {name} added"
        elif name not in after:
            yield f"source {name} removed"
        elif changes := list(_compare_source(before[name], after[name])):
            yield f"source {name}: {', '.join(changes)}"
        elif was and now and was[:1] == now[:1]:
            yield f"audio of source {name} changed"
        else:
            yield f"file of source {name} changed"


def _compare_source(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*old, *new} - {"options", "name"}):
        if old.get(key) != new.get(key):
            yield f"{key} {_change(old.get(key), new.get(key))}"
    before, after = _table(old.get("options")), _table(new.get("options"))
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"{key} {_change(before.get(key), after.get(key))}"


def _describe_input(old: MadeOf, new: MadeOf, stage: str) -> str:
    if old.folder != new.folder:
        return f"input folder {_change(old.folder, new.folder)}"
    return f"its input changed: {stage} was done again" if stage else "its input changed"


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _change(old: Any, new: Any) -> str:
    """Return two values with an arrow between; for long values, only that they differ."""
    before, after = _show(old), _show(new)
    if max(len(before), len(after)) > _LONGEST or before == after:
        return "changed"
    return f"{before} → {after}"


def _show(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_show, value)) or "none"
    text = f"{value:g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)
    return text or "none"
