"""Tests of ``release/rows/licenses.py``."""

from __future__ import annotations

import pytest

from audiomcq_cli.release.rows.licenses import normalize_license

CC = "creativecommons.org"

KNOWN = {
    # Clotho and FSD50K: addresses, of any version, jurisdiction and language
    f"http://{CC}/licenses/by/3.0/": "CC-BY-3.0",
    f"https://{CC}/licenses/by-nc/4.0/": "CC-BY-NC-4.0",
    f"http://{CC}/publicdomain/zero/1.0/": "CC0-1.0",
    f"http://{CC}/publicdomain/mark/1.0/": "Public-Domain-1.0",
    f"http://{CC}/licenses/sampling+/1.0/": "CC-Sampling+-1.0",
    f"http://{CC}/licenses/nc-sampling+/1.0/": "CC-NC-Sampling+-1.0",
    f"http://{CC}/licenses/by-nd-nc/1.0": "CC-BY-NC-ND-1.0",
    f"https://www.{CC}/licenses/by-sa/2.0/de/deed.en": "CC-BY-SA-2.0",
    f"https://{CC}/licenses/by-nc-nd/4.0/legalcode": "CC-BY-NC-ND-4.0",
    f"{CC}/licenses/by/2.5/scotland/": "CC-BY-2.5",
    # Freesound
    "Creative Commons 0": "CC0",
    "Attribution": "CC-BY",
    "Attribution 4.0": "CC-BY-4.0",
    "Attribution NonCommercial": "CC-BY-NC",
    "Attribution Noncommercial 3.0": "CC-BY-NC-3.0",
    "Sampling+": "CC-Sampling+",
    "Sampling Plus 1.0": "CC-Sampling+-1.0",
    # SPDX and the Hub
    "CC0-1.0": "CC0-1.0",
    "cc-by-4.0": "CC-BY-4.0",
    "CC-BY-NC-SA-3.0-IGO": "CC-BY-NC-SA-3.0",
    "CC-BY-3.0-US": "CC-BY-3.0",
    "CC-PDDC": "Public-Domain",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD",
    "MIT": "MIT",
    "odc-by": "ODC-By",
    "ODbL-1.0": "ODbL-1.0",
    "PDDL-1.0": "PDDL-1.0",
    "CDLA-Permissive-2.0": "CDLA-Permissive-2.0",
    "CC-BY-4.0 OR MIT": "CC-BY-4.0/MIT",
    # by hand
    "CC0": "CC0",
    "CC BY": "CC-BY",
    "  cc by-sa 4.0 ": "CC-BY-SA-4.0",
    "CC_BY_4.0": "CC-BY-4.0",
    "CC-BY4.0": "CC-BY-4.0",
    "ＣＣ　ＢＹ　４.０": "CC-BY-4.0",  # noqa: RUF001 - as a full-width keyboard writes it
    "Creative Commons Attribution 4.0 International (CC BY 4.0)": "CC-BY-4.0",
    "Creative Commons Attribution-NonCommercial-ShareAlike 3.0 Unported License": "CC-BY-NC-SA-3.0",
    "Creative Commons Attribution-NonCommercial 3.0 United States License": "CC-BY-NC-3.0",
    "Creative Commons Attribution-NoDerivatives 4.0": "CC-BY-ND-4.0",
    "Creative Commons Zero v1.0 Universal": "CC0-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0/Public-Domain",
    "CC BY-NC 4.0 / CC0": "CC-BY-NC-4.0/CC0",
    "Public Domain": "Public-Domain",
    "PDM 1.0": "Public-Domain-1.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "The MIT License": "MIT",
}

UNKNOWN = (
    None, "", " ", "unknown", "other", "Custom", "none", "No license", "All rights reserved", "© 2020 CC BY",
    "Standard YouTube License", "academic use", "non-commercial", "research only",
    # which one is not said
    "CC", "Creative Commons", "by", "BY-NC", "the license", "CC-",
    # licenses that forbid it, are none, or live elsewhere
    f"http://{CC}/licenses/sampling/1.0/", "CC BY ND SA", f"https://{CC}/licenses/by-sa-nd/4.0/",
    f"https://{CC}/licenses/", "http://cc.org/by/3.0/", f"https://evil.example/{CC}/licenses/by/3.0/",
    f"https://{CC}.evil.example/licenses/by/3.0/", f"http://{CC}/licenses/by/3.0/ not",
    # a known one with words that may take it back
    "not CC BY", "CC BY 4.0, captions only", "CC BY 4.0 (academic use only)", "CC BY?", "CC BY or not",
    "CC BY 4.0 and all rights reserved", "Attribution required", "permission under CC BY", "CC BY\u200b 4.0 ❌",
)  # fmt: skip


@pytest.mark.parametrize("text", KNOWN)
def test_known_licenses(text: str) -> None:
    """Every spelling of a license that allows redistribution gives its one short name."""
    assert normalize_license(text) == KNOWN[text]


@pytest.mark.parametrize("name", sorted({name for names in KNOWN.values() for name in names.split("/")}))
def test_short_names_are_known(name: str) -> None:
    """A short name means itself."""
    assert normalize_license(name) == name


@pytest.mark.parametrize("text", UNKNOWN)
def test_other_terms_are_not_known(text: str | None) -> None:
    """What forbids it, says nothing, or says more than is understood, does not count as a license that allows it."""
    assert normalize_license(text) is None
