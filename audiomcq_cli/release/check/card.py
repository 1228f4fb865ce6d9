"""Checks the dataset card of a release: its YAML against the rules of the Hub, and its configs against the files.

The rules are those of the Hub's ``validate-yaml``. They are applied here, so a card can be checked offline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.front_matter import read_metadata
from audiomcq_cli.release.layout import CARD
from audiomcq_cli.release.rows.licenses import HUB_LICENSES

if TYPE_CHECKING:
    import pyarrow as pa


_TEXTS = ("pretty_name", "license_name", "license_link")
_LISTS = ("language", "task_categories", "task_ids", "size_categories", "tags", "annotations_creators")
_MOST = 200
"""Most configs, and most globs of one config, that are checked: each glob is matched against each file."""

_SIZE = re.compile(r"n<1K|(1|10|100)[KMB]<n<(1|10|100)[KMBT]|n>1T")
_LANGUAGE = re.compile(r"[a-z]{2,3}|code|multilingual")


def check_card(text: bytes, files: Sequence[str], schema: pa.Schema | None) -> Iterator[str]:
    """Yield what is wrong with a card.

    Args:
        text: Text of the card.
        files: Paths of the files with rows.
        schema: Schema of the rows, if known.
    """
    try:
        card = read_metadata(text)
    except InputError as error:
        yield str(error).removeprefix(f"{CARD}: ")
        return
    yield from _check_keys(card)
    configs = card.get("configs")
    if not isinstance(configs, list) or not configs:
        yield "configs: expected a list of them"
    elif len(configs) > _MOST:
        yield f"configs: more than {_MOST:,}"
    else:
        yield from _check_configs(configs, files)
    if schema is not None:
        yield from _check_features(card.get("dataset_info"), schema)


def _check_keys(card: Mapping[str, Any]) -> Iterator[str]:
    """Check the types and values of the keys that the Hub knows."""
    for key in _TEXTS:
        if key in card and not isinstance(card[key], str):
            yield f"{key}: expected a text"
    for key in _LISTS:
        value = card.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            yield f"{key}: expected a list of texts"
    licenses = card.get("license")
    ids = licenses if isinstance(licenses, list) else [licenses]
    if not all(isinstance(name, str) and name in HUB_LICENSES for name in ids):
        yield "license: expected an identifier of the Hub, as cc-by-4.0 or other"
    if "other" in ids and not card.get("license_name"):
        yield "license_name: is missing where license is other"
    for key, pattern in (("size_categories", _SIZE), ("language", _LANGUAGE)):
        value = card.get(key)
        names = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
        wrong = [name for name in names if not pattern.fullmatch(name)]
        if wrong:
            yield f"{key}: {wrong[0]!r} is not a value that the Hub knows"


def _check_configs(configs: Sequence[Any], files: Sequence[str]) -> Iterator[str]:
    """Check that names are unique, one config is the default, globs match files, and each file with rows is in a
    config.
    """
    names, seen = list[str](), set[str]()
    for place, config in enumerate(configs):
        name = config.get("config_name") if isinstance(config, dict) else None
        if not isinstance(name, str) or not name:
            yield f"configs[{place}]: config_name is missing"
            continue
        names.append(name)
        parts = config.get("data_files")
        for part in parts[:_MOST] if isinstance(parts, list) else [parts]:
            globs = part.get("path") if isinstance(part, dict) and part.get("split") else None
            for glob in globs[:_MOST] if isinstance(globs, list) else [globs]:
                if not isinstance(glob, str):
                    yield f"config {name}: expected data_files with split and path"
                elif found := {file for file in files if _matches(file, glob)}:
                    seen |= found
                else:
                    yield f"config {name}: no file matches {glob}"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"config {name} is there twice"
    if sum(isinstance(one, dict) and one.get("default") is True for one in configs) > 1:
        yield "more than one config is the default"
    if left := sorted(set(files) - seen):
        yield f"no config has {left[0]}" + (f" and {len(left) - 1:,} more files" if len(left) > 1 else "")


def _check_features(infos: Any, schema: pa.Schema) -> Iterator[str]:
    """Check that the features of the card are the columns of the rows; otherwise ``datasets`` refuses to read them."""
    from datasets import Features

    for info in infos if isinstance(infos, list) else [infos] if infos else []:
        if not isinstance(info, dict) or "features" not in info:
            continue
        name = f"dataset_info of {info.get('config_name', 'default')}"
        try:
            features = Features._from_yaml_list(info["features"]).arrow_schema
        except Exception as error:  # noqa: BLE001 - datasets raises what it meets in YAML that is not of its form
            yield f"{name}: features cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
            continue
        if features.names != schema.names:
            other = sorted(set(features.names) ^ set(schema.names))
            yield f"{name}: its features are not the columns of the rows: {', '.join(other) or 'another order'}"
        elif wrong := [one.name for one in features if one.type != schema.field(one.name).type]:
            yield f"{name}: the type of {wrong[0]} differs from the rows"


def _matches(path: str, glob: str) -> bool:
    """Return whether a glob of a card matches a path: ``*`` stays in a folder, ``**`` does not."""
    return fnmatchcase(path, glob) and ("**" in glob or path.count("/") == glob.count("/"))
