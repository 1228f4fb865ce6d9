"""Finds what the Hub has before a release: the version that its changelog starts from, and what people wrote there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.release.diff.versions import parse_version
from audiomcq_cli.release.hub.repo import HubRepo
from audiomcq_cli.release.layout import CARD
from audiomcq_cli.release.texts.changelog import CHANGELOG
from audiomcq_cli.release.tree import Tree, open_tree, read_release_manifest
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import manifest_path

if TYPE_CHECKING:
    from semver import Version


@dataclass(frozen=True, slots=True)
class Before:
    """The releases before a new one.

    Attributes:
        since: The release that the new one is compared with.
        replaces: The release whose place it takes, with what people wrote into it.
    """

    since: Tree | None = None
    replaces: Tree | None = None


def find_releases(repo: str, version: str, target: Path) -> Before:
    """Find the releases before a version on the Hub.

    The version is compared with the highest tagged version below it, so that pushing it again compares with the same
    one. What people wrote is taken from main, unless they edited the folder since it was built: the folder is then
    newer.

    Raises:
        HubError: The Hub refuses or does not answer.
        RecipeError: The version is not a semantic one.
    """
    hub = HubRepo(repo, lambda text: None)
    if hub.find_private() is None:
        return Before()
    mine = parse_version(version)
    released = {found: tag for tag in hub.list_tags() if (found := _read_tag(tag)) is not None}
    newest = max((found for found in released if found < mine), default=None)
    return Before(
        since=open_tree(f"hf:{repo}@{released[newest]}") if newest else None,
        replaces=None if _is_edited(target) else open_tree(f"hf:{repo}"),
    )


def _read_tag(tag: str) -> Version | None:
    """Return the version that a tag names; None for another tag."""
    try:
        return parse_version(tag[1:]) if tag.startswith("v") else None
    except RecipeError:
        return None


def _is_edited(target: Path) -> bool:
    """Return whether people edited the card or the changelog of a release folder since it was built."""
    try:
        files = read_release_manifest(manifest_path(target).read_bytes(), str(target))["files"]
        built = {file["file"]: file["sha256"] for file in files}
        return any(hash_file(target / name) != built[name] for name in (CARD, CHANGELOG) if name in built)
    except (OSError, InputError):
        return False
