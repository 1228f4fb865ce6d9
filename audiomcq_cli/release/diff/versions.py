"""Semantic versions of releases: the version that a change requires, and the versions that are allowed.

major   a column or config is gone, or a column has another type (before 1.0: minor)
minor   rows, columns or configs were added, or rows removed
patch   existing rows changed, or the license

See https://semver.org. Only what breaks readers is enforced; people decide the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiomcq_cli.errors import RecipeError

if TYPE_CHECKING:
    from semver import Version

    from audiomcq_cli.release.diff.compare import Diff


def parse_version(text: str) -> Version:
    """Parse a semantic version.

    Raises:
        RecipeError: The text is not a semantic version.
    """
    from semver import Version

    try:
        return Version.parse(text)
    except (ValueError, TypeError) as error:
        hint = "three numbers without leading zeros, as 1.2.0; a pre-release is 1.2.0-rc.1; see https://semver.org"
        raise RecipeError(f"version {text!r} is not a semantic version", hint=hint) from error


def required_bump(diff: Diff) -> str:
    """Return the part of a version that must rise: ``major``, ``minor``, ``patch``, or empty if nothing changed."""
    if diff.breaks:
        return "major"
    if diff.added or diff.removed or diff.schema or diff.configs:
        return "minor"
    return "patch" if diff.changed or diff.relicensed else ""


def next_version(old: str, bump: str) -> str:
    """Return the lowest version for a change to ``old``; before 1.0 a minor version may break readers."""
    version = parse_version(old)
    if bump == "major" and version.major == 0:
        bump = "minor"
    return str(version.next_version(bump) if bump else version)


def check_version(old: str, new: str, diff: Diff) -> None:
    """Refuse a version that would mislead readers of the previous release.

    Args:
        old: Version of the previous release, which others may have read.
        new: Version of the new release.
        diff: Differences from old to new.

    Raises:
        RecipeError: ``new`` is lower, is the same although rows or license changed, or hides a change that breaks
            readers.
    """
    before, after = parse_version(old), parse_version(new)
    bump = required_bump(diff)
    fitting = f'set version = "{next_version(old, bump)}" in [project]'
    if after < before:
        raise RecipeError(f"version {new} is lower than {old}, the version of {diff.old}", hint=fitting)
    if after == before and (diff.rows_differ or diff.relicensed):
        what = "content" if diff.rows_differ else "license"
        message = f"version {new} is also the version of {diff.old}, but the {what} differs"
        raise RecipeError(message, hint=fitting)
    # A pre-release promises nothing yet, and a version before 1.0 may break with every minor version.
    parts = ((v.major, v.minor) if before.major == 0 else (v.major,) for v in (before, after))
    if diff.breaks and not before.prerelease and next(parts) == next(parts):
        more = f" and {len(diff.breaks) - 1} more" if len(diff.breaks) > 1 else ""
        message = f"version {new} would break readers of {old} of {diff.old}: {diff.breaks[0]}{more}"
        raise RecipeError(message, hint=fitting)
