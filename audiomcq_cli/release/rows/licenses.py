"""Knows which licenses allow a recording to be redistributed unchanged, in the spellings that occur.

Sources give names, identifiers and addresses: Clotho the addresses of Creative Commons deeds, Freesound plain names
("Attribution NonCommercial"), the Hub and SPDX identifiers. A text is accepted only if every word of it is understood:
"CC BY 4.0, captions only" is not. Terms that no table lists are taken to forbid redistribution.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LISTED = """
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
HUB_LICENSES = frozenset(_LISTED.split())
"""Values that a dataset card on the Hub may give as its license:
https://huggingface.co/docs/hub/repositories-licenses.
"""

_DEED = re.compile(
    r"(?:https?:)?(?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/(?P<kind>[a-z+-]+)"
    r"(?:/(?P<version>\d\.\d))?(?:/(?:[a-z]{2}|igo|scotland))?(?:/(?:deed|legalcode)(?:\.[a-z_-]+)?)?/?"
)
"""Address of a Creative Commons deed or text, of any version and jurisdiction."""

_NOISE = re.compile(r"[^a-z0-9\s.+/,;:&()\[\]'\"_-]")
"""Characters that occur in no license name, so a text with them is not understood."""

_PHRASES = (
    (r"creative commons", "cc"),
    (r"attribution", "cc by"),
    (r"non ?commercial", "nc"),
    (r"no ?deriv(?:ative)?s?", "nd"),
    (r"share ?alike", "sa"),
    (r"ccby", "cc by"),
    (r"(?:cc ?)?sampling (?:plus|\+)", "sampling+"),
    (r"united states", "us"),
    (r"licen[cs]ed?|under|the|a|and|or|version|v|international|intl|unported|generic|universal|dedication|deed", ""),
)
"""Words of license texts, replaced in this order. Short names, versions and jurisdictions remain."""

_VERSION = r"(?: (?P<version>\d(?:\.\d)?)(?: (?:igo|(?!cc|pd)[a-z]{2}))?)?(?= |$)"
_BY = re.compile(r"(?:cc )+by(?P<parts>(?: (?:nc|nd|sa))*)" + _VERSION)
_SAMPLING = re.compile(r"(?:cc )*(?P<parts>nc )?sampling\+" + _VERSION)
_ZERO = re.compile(r"(?:(?:cc )+(?:0|zero)|cc0)" + _VERSION)
_OTHERS = {
    r"(?:cc )*(?:public domain(?: mark)?|pd|pdm|pddc)": "Public-Domain",
    r"mit": "MIT",
    r"apache(?: software)?": "Apache",
    r"bsd(?: [023] clause)?|0bsd": "BSD",
    r"unlicense": "Unlicense",
    r"(?:odc )?pddl": "PDDL",
    r"(?:odc )+by": "ODC-By",
    r"(?:odc )?odbl": "ODbL",
    r"cdla permissive": "CDLA-Permissive",
    r"cdla sharing": "CDLA-Sharing",
}


@lru_cache(maxsize=1_024)  # asked for every clip
def normalize_license(text: str | None) -> str | None:
    """Return the short name of a license that allows redistribution of a whole, unchanged recording; None for others.

    ``http://creativecommons.org/licenses/by-nc/3.0/`` is ``CC-BY-NC-3.0``, Freesound's ``Creative Commons 0`` is
    ``CC0``. If a text names several licenses, all must be known; their names are joined by ``/``. The publisher must
    keep the conditions of a license (attribution, no commercial use, no changes): files are embedded unchanged.
    """
    words = unicodedata.normalize("NFKC", text or "").casefold().strip()
    if deed := _DEED.fullmatch(words):
        words = _name_of_deed(deed["kind"], deed["version"])
    elif _NOISE.search(words):
        return None
    names: list[str] = []
    rest = _simplify(words)
    while rest:
        name, rest = _take_first(rest)
        if not name:
            return None
        names.append(name)
    return "/".join(dict.fromkeys(names)) or None


def _name_of_deed(kind: str, version: str | None) -> str:
    """Return the license name of a deed's address: Creative Commons names all but the public domain after itself."""
    name = {"zero": "cc0", "mark": "public domain mark", "publicdomain": "public domain"}.get(kind, f"cc {kind}")
    return f"{name} {version or ''}"


def _simplify(words: str) -> str:
    """Return a license text in short names: ``creative commons attribution (v4.0)`` is ``cc cc by 4.0``."""
    words = re.sub(r"(?<=[a-z])(?=\d\.\d)", " ", words)
    words = " ".join(re.findall(r"[a-z0-9]+(?:\.\d+)*|\+", words)).replace("sampling +", "sampling+")
    for phrase, name in _PHRASES:
        words = re.sub(rf"(?<![^ ])(?:{phrase})(?![^ ])", name, words)
    return " ".join(words.split())


def _take_first(words: str) -> tuple[str, str]:
    """Split short names into the license they begin with (empty if unknown) and what follows it."""
    if found := _BY.match(words):
        parts = set(found["parts"].split())
        if parts >= {"nd", "sa"}:  # no such license exists
            return "", words
        name = "-".join(("CC-BY", *(part.upper() for part in ("nc", "nd", "sa") if part in parts)))
    elif found := _ZERO.match(words):
        name = "CC0"
    elif found := _SAMPLING.match(words):
        # Retired, but on many clips of Freesound: whole copies may be redistributed, not commercially.
        name = "CC-NC-Sampling+" if found["parts"] else "CC-Sampling+"
    else:
        others = ((other, re.match(rf"(?:{pattern}){_VERSION}", words)) for pattern, other in _OTHERS.items())
        name, found = next((one for one in others if one[1]), ("", None))
        if not found:
            return "", words
    version = f"-{found['version']}" if found["version"] else ""
    return name + version, words[found.end() :].strip()
