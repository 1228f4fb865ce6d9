"""The audio of a release: which clips are embedded, and their bytes.

A file is embedded unchanged, and only if it is still the file that the rows were made from. A clip is left out if its
license is not known to allow it (``licenses.py``) and its source is not named in ``redistribute``, or if it had no
audio when it was captioned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from audiomcq_cli.audio_files import resolve
from audiomcq_cli.errors import InputError, RecipeError
from audiomcq_cli.release.rows.licenses import normalize_license
from audiomcq_cli.release.rows.statistics import Statistics

if TYPE_CHECKING:
    import pyarrow as pa

    from audiomcq_cli.contracts import Row

NO_AUDIO, NO_LICENSE, NOT_ALLOWED = "no_audio", "no_license", "not_allowed"
WITHHELD = {
    NO_AUDIO: "there was no audio when it was captioned",
    NO_LICENSE: "its license is not known",
    NOT_ALLOWED: "its license is not known to allow it",
}
"""Reasons why a clip's audio is left out, by the code under which ``Statistics.withheld`` counts it."""

_LARGEST = 2**31 - 1
"""Largest file, in bytes, that fits into a cell of a binary column."""

_COLUMNS = ("clip_id", "source_dataset", "license", "audio_path", "audio_sha256")
_UNCHANGED = 'bring the file back as it was, caption again, or publish with audio = "reference"'


@dataclass(frozen=True, slots=True)
class Recording:
    """The file of a clip to embed: its clip, path, expected hash, and size in bytes."""

    clip: str
    path: Path
    name: str
    sha256: str
    size: int

    def read(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            InputError: The file cannot be read, or is not the one that the clip was captioned from.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise _refuse(self.clip, self.path, f"cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise _refuse(self.clip, self.path, "has changed since it was captioned")
        return data


class Gate:
    """Decides which clips are embedded."""

    def __init__(self, source: Path, manifest: Mapping[str, Any], redistribute: Collection[str]) -> None:
        """Take roots and licenses of the sources from the manifest of a stage folder.

        Args:
            source: The stage folder.
            manifest: Its manifest.
            redistribute: Sources whose audio is embedded whatever its license.

        Raises:
            RecipeError: A source in ``redistribute`` is not in the manifest.
        """
        self._roots = {name: source / root for name, root in manifest["audio_roots"].items()}
        self._licenses = {str(one["name"]): one.get("license") for one in manifest["sources"]}
        self._redistribute = frozenset(redistribute)
        if unknown := sorted(self._redistribute - self._licenses.keys()):
            hint = f"sources of these rows are {', '.join(self._licenses)}"
            raise RecipeError(f"publish.redistribute: no source {unknown[0]!r}", hint=hint)

    def admit(self, table: pa.Table) -> tuple[list[Recording | None], Statistics]:
        """Return the recording of every row (None if it is left out), and counts of both by clip.

        All rows of a clip must be in this table.

        Raises:
            InputError: The audio of a clip to embed cannot be found.
        """
        found: dict[str, Recording | None] = {}
        counts = Statistics()
        rows = table.select(_COLUMNS).to_pylist()
        for row in rows:
            if row["clip_id"] in found:
                continue
            license_ = row["license"] or self._licenses.get(row["source_dataset"]) or ""
            key = (row["source_dataset"], license_)
            if reason := self._find_reason(row, license_):
                found[row["clip_id"]] = None
                counts.withheld[(*key, reason)] += 1
            else:
                found[row["clip_id"]] = self._locate(row)
                counts.embedded[key] += 1
        return [found[row["clip_id"]] for row in rows], counts

    def _find_reason(self, row: Row, license_: str) -> str:
        """Return why the clip of a row is left out; empty if it is embedded."""
        if not (row["audio_path"] and row["audio_sha256"]):
            return NO_AUDIO
        if row["source_dataset"] in self._redistribute or normalize_license(license_):
            return ""
        return NOT_ALLOWED if license_ else NO_LICENSE

    def _locate(self, row: Row) -> Recording:
        clip, relative = row["clip_id"], row["audio_path"]
        if row["source_dataset"] not in self._roots:
            raise _refuse(clip, relative, "cannot be found: the manifest has no audio root for its source")
        try:
            path = resolve(self._roots[row["source_dataset"]], relative)
            size = path.stat().st_size
        except InputError as error:
            raise _refuse(clip, relative, str(error)) from error
        except OSError as error:
            raise _refuse(clip, self._roots[row["source_dataset"]] / relative, "is not there") from error
        if size > _LARGEST:
            raise _refuse(clip, path, f"is too large to be embedded: {size:,} bytes")
        return Recording(clip, path, PurePosixPath(relative).name, row["audio_sha256"], size)


def _refuse(clip: str, file: Path | str, problem: str) -> InputError:
    return InputError(f"audio of clip {clip!r} {problem}", file=str(file), hint=_UNCHANGED)
