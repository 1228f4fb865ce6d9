"""Keeps what people wrote into the card of a release when the next release rewrites its own part.

Our part is between two comments; all text before and after them belongs to people. In the YAML, the keys in ``OURS``
are ours; other keys and other tags belong to people. A card without our comments belongs to people as a whole: it is
kept below our part, under a comment that says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiomcq_cli.release.front_matter import read_front
from audiomcq_cli.release.layout import CARD

BEGIN = (
    "<!-- audiomcq:begin: audiomcq publish writes this part anew with every release. Your text above this line or below"
    " audiomcq:end is kept, and so are your own keys in the YAML. -->"
)
END = "<!-- audiomcq:end -->"

UNMARKED = (
    "<!-- audiomcq: below is the whole former card, which did not mark the part that audiomcq wrote. Delete what the"
    " part above says already. -->"
)

_MEND = "mend the card of the release that is there: what you wrote into it is kept in the next one"

OURS = frozenset(
    {
        "pretty_name", "license", "license_name", "language", "task_categories", "size_categories", "configs",
        "dataset_info",
    }
)  # fmt: skip
"""YAML keys that a release sets, or leaves out if it has no value for them."""

_PART = re.compile(r"<!-- audiomcq:begin\b.*?-->.*?<!-- audiomcq:end\b.*?-->", re.DOTALL)
_MARK = re.compile(r"<!-- audiomcq:(?:begin|end)\b.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Former:
    """Additions of people to a card: text before and after our part, and keys and tags of the YAML."""

    before: str = ""
    after: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def read_former(card: str) -> Former:
    """Separate what people wrote into a card from what a release wrote.

    Raises:
        InputError: The YAML at the head of the card cannot be read, so its owner is unknown.
    """
    front = read_front(card, CARD, hint=_MEND)
    keys, body = (front.keys, front.body) if front else ({}, card)
    tags = keys.get("tags")
    given = tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()
    theirs = {name: value for name, value in keys.items() if name not in OURS and name != "tags"}
    return Former(*_part(body), theirs, given)


def find_former(card: str, manifest: Mapping[str, Any]) -> str:
    """Return a card if people may have edited it; empty if the program wrote every byte.

    Cards of the first versions lack our comments. Such a card with the hash in its release's manifest was not edited,
    so it is not kept below the new one.
    """
    hashes = {file["file"]: file["sha256"] for file in manifest["files"]}
    ours = not _MARK.search(card) and hashlib.sha256(card.encode()).hexdigest() == hashes.get(CARD)
    return "" if ours else card


def find_theirs(card: str, our_tags: Sequence[str]) -> str:
    """Return what people wrote into a card, as one text; empty if a release wrote all of it."""
    former = read_former(card)
    tags = sorted(set(former.tags) - set(our_tags))
    if not (former.before or former.after or former.keys or tags):
        return ""
    return repr((former.before, former.after, sorted(former.keys.items()), tags))


def wrap(text: str, former: Former) -> str:
    """Put our text between its comments, with the text of people around it."""
    parts = (former.before, f"{BEGIN}\n\n{text}\n\n{END}", former.after)
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(body: str) -> tuple[str, str]:
    """Return the text before and after our part."""
    found = _PART.split(body)
    if len(found) > 1 and not _MARK.search("".join(found)):
        before, *after = (part.strip() for part in found)
        return before, "\n\n".join(part for part in after if part)
    # One or both of our comments are missing, so the end of our text is unknown.
    rest = _MARK.sub("", body).strip()
    return "", f"{UNMARKED}\n\n{rest}" if rest else ""
