"""``croissant.json`` of a release: its metadata for machines, as JSON-LD of Croissant 1.1.

The format is defined at https://docs.mlcommons.org/croissant; ``mlcroissant`` reads it. File addresses are in the
repository if it is known, otherwise relative to this file.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.records import COLUMNS, Column
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import flatten
from audiomcq_cli.release.rows.files import AUDIO, release_schema

HELD = {
    **COLUMNS,
    AUDIO: Column({"bytes": "binary", "path": "string"}, "the file of the clip, where it is embedded", required=False),
}
"""Columns that a release may have."""

HUB = "https://huggingface.co/datasets/"

_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)

# Copied from the specification: readers compare it word for word.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_TYPES = {
    "string": "sc:Text",
    "float64": "cr:Float64",
    "int8": "cr:Int8",
    "int16": "cr:Int16",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "uint32": "cr:UInt32",
}


def describe_release(info: ReleaseInfo, configs: Mapping[str, str], questions: int, citation: str) -> dict[str, Any]:
    """Return the metadata of a release.

    Args:
        info: Names of the release.
        configs: Name and glob of every config.
        questions: Number of questions.
        citation: BibTeX entry of the release.
    """
    repo = find_repo(info)
    columns = release_schema(embed=info.embed).names
    title = flatten(info.title) or flatten(info.name)
    return {
        "@context": copy.deepcopy(_CONTEXT),
        "@type": "sc:Dataset",
        "name": title,
        "alternateName": [flatten(info.name)],
        "description": f"{questions:,} multiple-choice questions about audio, each with a label that says"
        " whether models could answer it without hearing the audio (weak) or not (strong).",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "citeAs": citation,
        "license": flatten(info.license),
        "version": flatten(info.version),
        "inLanguage": list(info.languages),
        "keywords": ["audio", "question answering", "multiple choice", "chain of thought"],
        "isLiveDataset": False,
        **({"url": f"{HUB}{repo}"} if repo else {}),
        "distribution": [*([_describe_repo(repo)] if repo else []), *_list_file_sets(configs, bool(repo))],
        "recordSet": [_describe_records(name, columns) for name in configs],
    }  # fmt: skip


def find_repo(info: ReleaseInfo) -> str:
    """Return the Hub repository of a release (``info.repo``); empty if none is named or the name is malformed."""
    return info.repo if _REPO.fullmatch(info.repo) else ""


def _describe_repo(repo: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "repo",
        "name": "repo",
        "description": "The Git repository on the Hugging Face Hub.",
        "contentUrl": f"{HUB}{repo}",
        "encodingFormat": "git+https",
        # Every file must have a hash, and the hash of a repository is unknown: this is what the Hub's own Croissant
        # files use.
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    }


def _list_file_sets(configs: Mapping[str, str], hosted: bool) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"files-{name}",
            "name": f"files-{name}",
            "description": f"Parquet files of the config {name}.",
            **({"containedIn": {"@id": "repo"}} if hosted else {}),
            "encodingFormat": "application/x-parquet",
            "includes": glob,
        }
        for name, glob in configs.items()
    ]


def _describe_records(config: str, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": f"Rows of the config {config}.",
        "key": {"@id": f"{config}/id"},
        "field": [_describe_field(config, name) for name in columns],
    }


def _describe_field(config: str, name: str) -> dict[str, Any]:
    """Return a field for a column: a scalar, a list, or a list of structs with a field for each part."""
    column = HELD[name]
    extract = {"fileSet": {"@id": f"files-{config}"}, "extract": {"column": name}}
    field = {"@type": "cr:Field", "@id": f"{config}/{name}", "name": f"{config}/{name}", "description": column.doc}
    inner = column.type[0] if isinstance(column.type, list) else column.type
    listed = {"isArray": True, "arrayShape": "-1"} if isinstance(column.type, list) else {}
    if not isinstance(inner, dict):
        return {**field, "dataType": _TYPES[inner], "source": extract, **listed}
    if inner.keys() == {"bytes", "path"}:
        return {**field, "dataType": "sc:AudioObject", "source": {**extract, "transform": {"jsonPath": "bytes"}}}
    return {**field, **listed, "subField": [_describe_part(field["@id"], extract, *part) for part in inner.items()]}


def _describe_part(parent: str, extract: Mapping[str, Any], name: str, type_: Any) -> dict[str, Any]:
    listed = isinstance(type_, list)
    return {
        "@type": "cr:Field",
        "@id": f"{parent}/{name}",
        "name": f"{parent}/{name}",
        "dataType": _TYPES[type_[0] if listed else type_],
        "source": {**extract, "transform": {"jsonPath": name}},
        **({"isArray": True, "arrayShape": "-1"} if listed else {}),
    }
