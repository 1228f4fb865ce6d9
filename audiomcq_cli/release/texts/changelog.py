"""The CHANGELOG.md of a release: an entry for each version, newest first, with the changes since the previous version.

An entry stands between two comments and is rewritten with its version; what people write outside the comments stays.
The form is Keep a Changelog without dates, since nothing in a release depends on when it was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.release.diff.compare import Diff, Side, compare, open_side
from audiomcq_cli.release.diff.parts import describe_flips
from audiomcq_cli.release.diff.versions import check_version, next_version, parse_version
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import escape
from audiomcq_cli.release.rows.statistics import Statistics
from audiomcq_cli.release.tree import Tree, open_tree

CHANGELOG = "CHANGELOG.md"

_BEGIN = (
    "<!-- audiomcq: from here to the end mark this is written anew when the version is built; the rest is yours -->"
)
_END = "<!-- audiomcq: end -->"
_MADE = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_HEADING = re.compile(r"^## \[([^\]\s]+)\].*$", re.MULTILINE)
_PREAMBLE = """\
# Changelog

What changed from version to version, newest first, in the form of
[Keep a Changelog](https://keepachangelog.com/en/1.1.0/). Versions follow [Semantic Versioning](https://semver.org/).
"""


@dataclass(frozen=True, slots=True)
class Base:
    """The release that a new one is compared with.

    Attributes:
        side: The previous release; None for a first release.
        rebuilt: Whether ``side`` is an earlier build of this same version.
        former: CHANGELOG.md of the previous release.
        own: CHANGELOG.md of the release that is replaced, with what people wrote there.
    """

    side: Side | None = None
    rebuilt: bool = False
    former: str = ""
    own: str = ""


def find_base(replaced: Tree | None, info: ReleaseInfo, since: Tree | None) -> Base:
    """Find the release to compare with: ``since``, else the release of the same name that is replaced.

    Raises:
        RecipeError: The version is not a semantic one, or is lower than the version that it replaces.
    """
    version = parse_version(info.version)
    old = _open_replaced(replaced, info) if replaced else None
    own = _read(old) if old else ""
    if since is not None:
        side = open_side(since)
        return Base(side, former=_read(side), own=own)
    if old is None:
        return Base()
    before = parse_version(old.version)
    if version < before:
        hint = f'set version = "{next_version(old.version, "patch")}" or higher, or name another folder as OUT'
        raise RecipeError(
            f"version {info.version} is lower than {old.version}, the version of {old.tree.name}", hint=hint
        )
    return Base(old, rebuilt=version == before, former=own, own=own)


def write_changelog(
    folder: Path, base: Base, info: ReleaseInfo, statistics: Statistics, manifest: dict[str, Any]
) -> Path:
    """Write the CHANGELOG.md of a release whose data and card are written.

    Args:
        folder: Folder of the release.
        base: The release that it is compared with.
        info: Names of the release.
        statistics: Counts of its rows.
        manifest: Its manifest, still without this file.

    Raises:
        RecipeError: The version is too low for what changed.
    """
    entry: str | None = _tell_first(statistics)
    if base.side is not None:
        diff = _compare(base, base.side, Side(open_tree(folder), manifest))
        if diff is not None and not base.rebuilt:
            check_version(base.side.version, info.version, diff)
        entry = _choose_entry(base, base.side, info, diff, statistics)
    path = folder / CHANGELOG
    path.write_text(merge(base.former, base.own, info.version, entry), "utf-8", newline="\n")
    return path


def merge(former: str, own: str, version: str, entry: str | None) -> str:
    """Return a changelog with an entry for a version.

    Args:
        former: Changelog of the previous release.
        own: Changelog of the release that is replaced. It has what people wrote about this version.
        version: The new version.
        entry: Text of the entry; None keeps an existing one.
    """
    preamble, sections = _split(own or former)
    if own and former and own != former:
        carried = {name: sections.get(name, text) for name, text in _split(former)[1].items()}
        sections = {**carried, **{name: text for name, text in sections.items() if name == version}}
    mine = sections.get(version, "")
    if entry is not None or not mine:
        made = f"{_BEGIN}\n\n{entry or ''}\n\n{_END}"
        if _MADE.search(mine):
            mine = _MADE.sub(lambda _: made, mine, count=1)
        else:
            heading, _, text = (mine or f"## [{version}]\n").partition("\n")
            mine = f"{heading}\n\n{made}\n\n{text.strip()}".rstrip() + "\n"
    rest = {name: text for name, text in sections.items() if name != version}
    parts = [preamble or _PREAMBLE, mine, *rest.values()]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _compare(base: Base, old: Side, new: Side) -> Diff | None:
    """Compare two sides; None if an earlier build of this version is damaged, because building it again mends it."""
    try:
        return compare(old, new, rows=0)
    except InputError as error:
        if base.rebuilt:
            return None
        hint = "compare with another release by --since, or remove this one if nothing is left to compare with"
        raise InputError(f"the release before cannot be read: {error}", hint=hint) from error


def find_theirs(text: str) -> str:
    """Return what people wrote into a changelog, in one line; empty if a release wrote all of it."""
    preamble, sections = _split(text)
    ours = "" if preamble.split() == _PREAMBLE.split() else preamble
    parts = (ours, *(_MADE.sub("", section).partition("\n")[2] for section in sections.values()))
    return " ".join(" ".join(parts).split())


def _choose_entry(base: Base, side: Side, info: ReleaseInfo, diff: Diff | None, statistics: Statistics) -> str | None:
    """Return the entry of a release that follows another one; None if the entry exists."""
    if diff is not None and parse_version(info.version) != parse_version(side.version):
        return _tell_changes(diff)
    sections = {**_split(base.former)[1], **_split(base.own)[1]}
    if diff is not None and not diff.rows_differ and not diff.relicensed and info.version in sections:
        return None
    older = [name for name in sections if name != info.version]
    if not older:
        return _tell_first(statistics)
    return (
        f"{_count(statistics.rows, 'question')}. This version was built again without the one before it at hand, so"
        f" what changed since {older[0]} was not counted (`--since` names a release to compare with)."
    )


def _tell_first(statistics: Statistics) -> str:
    kinds: dict[str, int] = {}
    labels: dict[str, int] = {}
    for (_, label, kind), rows in sorted(statistics.questions.items()):
        kinds[kind] = kinds.get(kind, 0) + rows
        labels[label] = labels.get(label, 0) + rows

    def told(counts: dict[str, int]) -> str:
        return ", ".join(f"{rows:,} {escape(name)}" for name, rows in counts.items())

    clips = statistics.clips.total()
    return (
        f"### Added\n\n- {_count(statistics.rows, 'question')} about {_count(clips, 'clip')}: {told(kinds)};"
        f" {told(labels)}."
    )


def _tell_changes(diff: Diff) -> str:
    """Return the changes of a diff in the form of Keep a Changelog."""
    added = [_count(diff.added, "question")] if diff.added else []
    removed = [_count(diff.removed, "question")] if diff.removed else []
    changed = []
    for kind, found in (("column", diff.schema), ("config", diff.configs)):
        for name, (old, new) in found.items():
            told = f"{kind} {escape(name)}"
            if old is None:
                added.append(f"{told}: {escape(new)}")
            elif new is None:
                removed.append(told)
            else:
                changed.append(f"{told} is {escape(new)}, was {escape(old)}")
    for name in ("license", "license of the card", "license_name", "title"):
        if name in diff.card:
            old, new = diff.card[name]
            changed.append(f"{escape(name)} is {escape(new or 'not stated')}, was {escape(old or 'not stated')}")
    if diff.prompts:
        changed.append(f"{'prompt' if len(diff.prompts) == 1 else 'prompts'} {', '.join(map(escape, diff.prompts))}")
    if diff.changed:
        columns = ", ".join(f"{escape(name)} {rows:,}" for name, rows in diff.columns.most_common())
        changed.append(f"{_count(diff.changed, 'question')}, by column: {columns}")
    if diff.flipped:
        changed.append(f"{_count(diff.flipped.total(), 'label')} flipped: {escape(describe_flips(diff.flipped))}")
    if diff.moved:
        moved = escape(describe_flips(diff.moved))
        changed.append(f"{_count(diff.moved.total(), 'question')} moved between subsets: {moved}")
    parts = [f"{diff.rows[1]:,} questions, {diff.rows[0]:,} in {escape(diff.old_version)}."]
    for title, lines in (("Added", added), ("Changed", changed), ("Removed", removed)):
        if lines:
            parts.append(f"### {title}\n\n" + "\n".join(f"- {line}." for line in lines))
    if not diff.rows_differ:
        parts.append("The questions are the same, row by row.")
    return "\n\n".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _open_replaced(tree: Tree, info: ReleaseInfo) -> Side | None:
    """Open the release of this name that is about to be replaced; None if it is too damaged to identify."""
    try:
        side = open_side(tree)
    except InputError:
        return None
    return side if side.manifest.get("release") == info.name else None


def _read(side: Side) -> str:
    return side.tree.read(CHANGELOG).decode("utf-8", "replace") if CHANGELOG in side.tree.files else ""


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Split a changelog into the text before the first version, and the text of each version with its heading."""
    marks = list(_HEADING.finditer(text))
    if not marks:
        return text, {}
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    preamble = text[: marks[0].start()]
    sections: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        if _is_version(mark[1]):
            sections[mark[1]] = text[mark.start() : end]
        elif sections:
            sections[list(sections)[-1]] += text[mark.start() : end]
        else:
            preamble += text[mark.start() : end]
    return preamble, sections


def _is_version(text: str) -> bool:
    from semver import Version

    return Version.is_valid(text)
