"""Semantic versions of releases: which one a change asks for, and which one it may have.

    major   a column or config that readers knew is gone, or a column has another type (before 1.0: minor)
    minor   rows, columns or configs were added, or rows removed
    patch   rows that were there changed, or the license

See https://semver.org. Only what breaks readers is enforced; the rest is for people to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiomcq_cli.errors import RecipeError

if TYPE_CHECKING:
    from semver import Version

    from audiomcq_cli.release.diff.compare import Diff


def parse_version(text: str) -> Version:
    """A semantic version.

    Raises:
        RecipeError: It is none.
    """
    from semver import Version

    try:
        return Version.parse(text)
    except (ValueError, TypeError) as error:
        hint = "three numbers without leading zeros, as 1.2.0; a pre-release is 1.2.0-rc.1; see https://semver.org"
        raise RecipeError(f"version {text!r} is not a semantic version", hint=hint) from error


def required_bump(diff: Diff) -> str:
    """Which part of a version a change asks for: ``major``, ``minor``, ``patch``, or empty where nothing changed."""
    if diff.breaks:
        return "major"
    if diff.added or diff.removed or diff.schema or diff.configs:
        return "minor"
    return "patch" if diff.changed or diff.relicensed else ""


def next_version(old: str, bump: str) -> str:
    """The lowest version for a change to ``old``; before 1.0 a minor one may break."""
    version = parse_version(old)
    if bump == "major" and version.major == 0:
        bump = "minor"
    return str(version.next_version(bump) if bump else version)


def check_version(old: str, new: str, diff: Diff) -> None:
    """Refuse a version that would mislead those who read the release before.

    Args:
        old: Version of the release before, which others may read. new: That of the new one. diff: From old to new.

    Raises:
        RecipeError: ``new`` is lower, is the same though rows or license are not, or breaks readers without saying so.
    """
    before, after = parse_version(old), parse_version(new)
    bump = required_bump(diff)
    fitting = f'set version = "{next_version(old, bump)}" in [project]'
    if after < before:
        raise RecipeError(f"version {new} is lower than {old}, that of {diff.old}", hint=fitting)
    if after == before and (diff.rows_differ or diff.relicensed):
        what = "content" if diff.rows_differ else "license"
        message = f"version {new} is that of {diff.old}, and the {what} is not the same"
        raise RecipeError(message, hint=fitting)
    # A pre-release promises nothing yet, and what comes before 1.0 may break with every minor version.
    parts = ((v.major, v.minor) if before.major == 0 else (v.major,) for v in (before, after))
    if diff.breaks and not before.prerelease and next(parts) == next(parts):
        more = f" and {len(diff.breaks) - 1} more" if len(diff.breaks) > 1 else ""
        message = f"version {new} would break who reads {old} of {diff.old}: {diff.breaks[0]}{more}"
        raise RecipeError(message, hint=fitting)
