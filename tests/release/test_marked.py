"""Tests of ``release/marked.py``: what people wrote into a card outlives the next release."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audiomcq_cli.errors import InputError
from audiomcq_cli.release.build import build_release, is_current
from audiomcq_cli.release.marked import BEGIN, END, UNMARKED, find_former, read_former, wrap
from tests.release.conftest import INFO

OURS = f"---\nlicense: mit\n---\n\n{BEGIN}\n\n# Ours\n\n{END}\n"


def body_of(card: str) -> str:
    """A card without its YAML."""
    return card.split("\n---\n", 1)[1].strip()


def test_what_people_wrote_survives_the_next_release(stage: Path, release: Path) -> None:
    """Text before and after ours, keys and tags of their own stay; what they changed inside ours does not."""
    target = release
    card = target / "README.md"
    text = card.read_text("utf-8").replace("---\n", "---\nthumbnail: a.png\ntags:\n- mine\n", 1)
    text = text.replace("tags:\n- audio\n", "x: 1\nold:\n- audio\n", 1)
    text = text.replace(BEGIN, f"Read me first.\n\n{BEGIN}").replace("# Tiny AudioMCQ", "# Edited")
    card.write_text(f"{text}\n## Thanks\n\n| a |\n|---|\n", "utf-8")
    assert not is_current(stage, target, INFO)
    build_release(stage, target, replace(INFO, version="1.3.0"))
    new = card.read_text("utf-8")
    assert "\nthumbnail: a.png\n" in new and "\n- mine\n" in new
    assert body_of(new).startswith(f"Read me first.\n\n{BEGIN}\n\n# Tiny AudioMCQ\n")
    assert new.endswith(f"{END}\n\n## Thanks\n\n| a |\n|---|\n")
    assert "Edited" not in new and "Version 1.3.0" in new


def test_a_card_is_the_same_bytes_whatever_it_replaces(stage: Path, release: Path) -> None:
    """One that nobody touched leaves nothing behind, and what was kept once is kept the same again."""
    target = release
    first = (target / "README.md").read_bytes()
    build_release(stage, target, INFO)
    assert (target / "README.md").read_bytes() == first
    (target / "README.md").write_bytes(first + b"\nMine.\n")
    build_release(stage, target, INFO)
    once = (target / "README.md").read_bytes()
    build_release(stage, target, INFO)
    assert (target / "README.md").read_bytes() == once != first


@pytest.mark.parametrize(
    "body",
    ["Written by hand.", f"{BEGIN}\n\nOurs\n\nand theirs.", f"Theirs\n\n{END}\n\nmore", f"{END} x {BEGIN}"],
)
def test_a_card_without_both_comments_is_kept_whole(body: str) -> None:
    """Where nobody can tell whose text it is, all of it stands below ours, and so it stays."""
    former = read_former(f"---\na: 1\n---\n{body}")
    assert former.before == "" and former.after.startswith(UNMARKED)
    for words in ("Written by hand.", "and theirs.", "Theirs", "more", " x "):
        assert (words.strip() in former.after) == (words.strip() in body.replace(BEGIN, "").replace(END, ""))
    assert read_former(wrap("# Ours", former)) == replace(former, keys={})


def test_a_card_that_the_program_wrote_alone_leaves_nothing() -> None:
    """An older card without comments, but with the hash of its manifest, is no person's; one that was edited is."""
    from hashlib import sha256

    card = "---\nlicense: mit\n---\n# Old\n"
    manifest = {"files": [{"file": "README.md", "sha256": sha256(card.encode()).hexdigest()}]}
    assert find_former(card, manifest) == ""
    assert find_former(f"{card}mine", manifest) == f"{card}mine"
    assert find_former(OURS, {"files": [{"file": "README.md", "sha256": sha256(OURS.encode()).hexdigest()}]}) == OURS


@pytest.mark.parametrize("yaml", ["a: [", "- a", "a: 1\n b: 2", "a: !!python/name:os.system"])
def test_yaml_that_cannot_be_read_is_refused(yaml: str) -> None:
    """Whose it is cannot be told, and nothing in it is run."""
    with pytest.raises(InputError, match=r"README\.md: .*YAML"):
        read_former(f"---\n{yaml}\n---\nMine.")


def test_yaml_that_cannot_be_read_stops_the_release(stage: Path, release: Path) -> None:
    """The old release stays as it is, so that nothing in it is lost."""
    target = release
    text = "---\na: [\n---\nMine."
    (target / "README.md").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"README\.md: .*YAML"):
        build_release(stage, target, INFO)
    assert (target / "README.md").read_text("utf-8") == text
    assert json.loads((target / ".audiomcq/manifest.json").read_text())["version"] == "1.2.0"
