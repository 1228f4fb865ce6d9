"""Tests of ``release/diff/versions.py``: which version a change asks for, and which it may have."""

from __future__ import annotations

import pytest

from audiomcq_cli.errors import RecipeError
from audiomcq_cli.release.diff.compare import Diff
from audiomcq_cli.release.diff.versions import check_version, next_version, parse_version, required_bump


def diff(**values: object) -> Diff:
    return Diff(old="org/old", new="new", **values)  # type: ignore[arg-type]  # of the fields that a test needs


NOTHING = diff()
CHANGED = diff(changed=3)
ADDED = diff(added=1)
RELICENSED = diff(card={"license": ("cc-by-4.0", "cc0-1.0")})
RETITLED = diff(card={"title": ("Old", "New")}, settings={"filter.seed": ("0", "1")}, prompts={"judge": ("a", "b")})
BROKEN = diff(schema={"flags": ("list of string", None)})


@pytest.mark.parametrize("text", ["1.2.0", "0.1.0", "10.0.0-rc.1", "1.0.0+build.5"])
def test_semantic_versions(text: str) -> None:
    """Also pre-releases and builds."""
    assert str(parse_version(text)) == text


@pytest.mark.parametrize("text", ["1.2", "v1.2.0", "01.2.0", "1.2.0-", "1.2.0\n", "", "1.2.0-01", "latest"])
def test_other_versions_are_refused(text: str) -> None:
    """With one that would do."""
    with pytest.raises(RecipeError, match="is not a semantic version") as caught:
        parse_version(text)
    assert "1.2.0" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "bump"),
    [
        (NOTHING, ""),
        (CHANGED, "patch"),
        (RELICENSED, "patch"),
        (RETITLED, ""),
        (ADDED, "minor"),
        (diff(removed=1, changed=2), "minor"),
        (diff(schema={"hardness": (None, "int64")}), "minor"),
        (diff(configs={"hard": (None, "train: data/*")}), "minor"),
        (diff(configs={"weak": ("train: data/*", "train: data/weak/*")}), "minor"),
        (BROKEN, "major"),
        (diff(schema={"duration": ("float64", "string")}), "major"),
        (diff(configs={"weak": ("train: data/*", None)}, added=5), "major"),
    ],
)
def test_what_a_change_asks_for(change: Diff, bump: str) -> None:
    """Major where a reader breaks, minor where there is more or less, patch where rows changed."""
    assert required_bump(change) == bump


@pytest.mark.parametrize(
    ("old", "bump", "version"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "", "1.2.3"),
        ("0.2.3", "major", "0.3.0"),
        ("2.0.0-rc.1", "major", "2.0.0"),
    ],
)
def test_the_next_version(old: str, bump: str, version: str) -> None:
    """Before 1.0 a minor version may break."""
    assert next_version(old, bump) == version


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("1.2.0", "1.2.0", NOTHING),
        ("1.2.0", "1.2.0", RETITLED),
        ("1.2.0", "1.2.1", RELICENSED),
        ("1.2.0", "1.2.1", CHANGED),
        ("1.2.0", "1.2.1", ADDED),
        ("1.2.0", "2.0.0", BROKEN),
        ("1.2.0", "2.0.0-rc.1", BROKEN),
        ("2.0.0-rc.1", "2.0.0-rc.2", BROKEN),
        ("0.2.0", "0.3.0", BROKEN),
        ("0.2.0", "1.0.0", BROKEN),
    ],
)
def test_versions_that_fit(old: str, new: str, change: Diff) -> None:
    """Only what breaks has to say so; a pre-release promises nothing."""
    check_version(old, new, change)


@pytest.mark.parametrize(
    ("old", "new", "change", "message", "hint"),
    [
        ("1.2.0", "1.1.9", NOTHING, "is lower than 1.2.0, the version of org/old", "1.2.0"),
        ("1.2.0", "1.2.0-rc.1", CHANGED, "is lower than 1.2.0", "1.2.1"),
        ("1.2.0", "1.2.0", CHANGED, "but the content differs", "1.2.1"),
        ("1.2.0", "1.2.0", RELICENSED, "but the license differs", "1.2.1"),
        ("1.2.0", "1.2.0", ADDED, "but the content differs", "1.3.0"),
        ("1.2.0", "1.9.0", BROKEN, "would break readers of 1.2.0 of org/old: column flags is gone", "2.0.0"),
        ("0.2.0", "0.2.1", BROKEN, "would break readers of", "0.3.0"),
    ],
)
def test_versions_that_mislead_are_refused(old: str, new: str, change: Diff, message: str, hint: str) -> None:
    """The hint names the version that would do."""
    with pytest.raises(RecipeError, match=message) as caught:
        check_version(old, new, change)
    assert f'version = "{hint}"' in caught.value.hint
