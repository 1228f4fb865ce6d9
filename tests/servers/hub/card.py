"""The rules of the Hub for the YAML at the head of a dataset card, as far as it documents them.

Errors and warnings are worded as the Hub's validator does: the place, and what it must be. A card without YAML is a
warning; what is unknown passes.

See https://huggingface.co/docs/hub/datasets-cards and https://huggingface.co/docs/hub/repositories-licenses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with huggingface-hub, its stubs do not

_BLOCK = re.compile(r"\s*---[\r\n]+([\S\s]*?)[\r\n]*---[ \t]*([\r\n]|$)")
_SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "1B<n<10B",
          "10B<n<100B", "100B<n<1T", "n>1T", "other"]  # fmt: skip
_LICENSES = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
    openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
    fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown
    other
"""
_TASKS = """
    audio-classification audio-to-audio audio-text-to-text automatic-speech-recognition question-answering
    multiple-choice text-generation text-to-speech text-to-audio text-classification voice-activity-detection
    feature-extraction table-question-answering visual-question-answering other any-to-any
"""


@dataclass(slots=True)
class Report:
    """What is wrong with a card, and what might be."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The body of the Hub's answer."""
        return {"errors": [{"message": text} for text in self.errors],
                "warnings": [{"message": text} for text in self.warnings]}  # fmt: skip


def validate_card(content: str, kind: str) -> Report:
    """Check a card; only those of datasets have rules beyond that their YAML is a mapping."""
    report = Report()
    try:
        data = read_card(content)
    except yaml.YAMLError as wrong:
        report.errors.append(str(wrong))
        return report
    if data is None:
        report.warnings.append("empty or missing yaml metadata in repo card")
    elif not isinstance(data, dict):
        report.errors.append('"value" must be of type object')
    elif kind == "dataset":
        for key, check in _CHECKS.items():
            if data.get(key) is not None:
                report.errors.extend(check(key, data[key]))
        unknown = [task for task in _list(data.get("task_categories")) if task not in _TASKS.split()]
        report.warnings.extend(f'The task_categories "{task}" is not in the official list' for task in unknown)
    return report


def read_card(content: str) -> Any:
    """The YAML of a card, or None where it has none; raises ``yaml.YAMLError``."""
    found = _BLOCK.match(content)
    return yaml.safe_load(found[1]) if found else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f'"{place}" must be an array'
    for number, item in enumerate(_list(value)):
        if not isinstance(item, str) or not item:
            yield f'"{place}[{number}]" must be a string'


def _text(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f'"{place}" must be a string'


def _flag(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f'"{place}" must be a boolean'


def _license(place: str, value: Any) -> Iterator[str]:
    for item in _list(value):
        if not isinstance(item, str) or item not in _LICENSES.split():
            yield f'"{place}" must be one of [{", ".join(_LICENSES.split())}]'


def _language(place: str, value: Any) -> Iterator[str]:
    for number, item in enumerate(_list(value)):
        if not isinstance(item, str):  # the two letters of Norwegian are the word for false
            yield f'"{place}[{number}]" must be a string'
        elif not re.fullmatch(r"[a-z]{2,3}|code|multilingual", item):
            yield f'"{place}[{number}]" must only contain lowercase characters and be an ISO 639-1, 639-2 or 639-3 code'


def _sizes(place: str, value: Any) -> Iterator[str]:
    yield from _texts(place, value)
    for number, item in enumerate(_list(value)):
        if isinstance(item, str) and item not in _SIZES:
            yield f'"{place}[{number}]" must be one of [{", ".join(_SIZES)}]'


def _configs(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f'"{place}" must be an array'
        return
    names = list[str]()
    for number, config in enumerate(value):
        here = f"{place}[{number}]"
        if not isinstance(config, dict):
            yield f'"{here}" must be of type object'
            continue
        if not isinstance(config.get("config_name"), str) or not config["config_name"]:
            yield f'"{here}.config_name" is required and must be a string'
        else:
            names.append(config["config_name"])
        yield from _flag(f"{here}.default", config.get("default", False))
        yield from _data_files(f"{here}.data_files", config.get("data_files", []))
    if len(set(names)) < len(names):
        yield f'"{place}" contains a duplicate value: config_name'
    if sum(bool(isinstance(config, dict) and config.get("default")) for config in value) > 1:
        yield f'"{place}" must have at most one default config'


def _data_files(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        yield f'"{place}" must be one of [string, array]'
    for number, item in enumerate(_list(value)):
        if isinstance(item, str):
            continue
        if not isinstance(item, dict) or not isinstance(item.get("split"), str):
            yield f'"{place}[{number}].split" is required and must be a string'
        elif not re.fullmatch(r"\w+(\.\w+)*", item["split"]):
            yield f'"{place}[{number}].split" must be letters, digits, underscores and dots'
        elif not isinstance(item.get("path"), str) and any(_texts("", item.get("path"))):
            yield f'"{place}[{number}].path" is required and must be a string or an array of strings'


def _info(place: str, value: Any) -> Iterator[str]:
    infos = value if isinstance(value, list) else [value]
    for number, info in enumerate(infos):
        here = f"{place}[{number}]" if isinstance(value, list) else place
        if not isinstance(info, dict):
            yield f'"{here}" must be of type object'
            continue
        if isinstance(value, list) and not isinstance(info.get("config_name"), str):
            yield f'"{here}.config_name" is required and must be a string'
        yield from _features(f"{here}.features", info.get("features", []))
        for at, split in enumerate(_list(info.get("splits"))):
            if not isinstance(split, dict) or not isinstance(split.get("name"), str):
                yield f'"{here}.splits[{at}].name" is required and must be a string'
                continue
            for key in ("num_bytes", "num_examples"):
                if key in split and (not isinstance(split[key], int) or split[key] < 0):
                    yield f'"{here}.splits[{at}].{key}" must be a positive number'


def _features(place: str, value: Any) -> Iterator[str]:
    for number, feature in enumerate(_list(value)):
        here = f"{place}[{number}]"
        if not isinstance(feature, dict) or not isinstance(feature.get("name"), str):
            yield f'"{here}.name" is required and must be a string'
        elif not {"dtype", "struct", "list", "sequence", "class_label"} & feature.keys():
            yield f'"{here}" must contain at least one of [dtype, struct, list, sequence, class_label]'


_CHECKS: Mapping[str, Callable[[str, Any], Iterator[str]]] = {
    "license": _license,
    "license_name": _text,
    "language": _language,
    "pretty_name": _text,
    "viewer": _flag,
    "size_categories": _sizes,
    "configs": _configs,
    "dataset_info": _info,
    **dict.fromkeys(
        ("tags", "task_categories", "task_ids", "annotations_creators", "language_creators", "multilinguality",
         "source_datasets"), _texts,
    ),
}  # fmt: skip
