"""Files of a dataset's own repository on the Hub: checks the names in its rows, and reads the files.

A row is untrusted, and whoever reads it may hold a token. A name is therefore parsed and checked here before any
request. It is never given to fsspec, which opens chains (``zip://x::file:///y``) and every other scheme.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from audiomcq_cli.errors import HubError, InputError
from audiomcq_cli.hub import asking

_CHAIN = re.compile(r"::[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HUB = re.compile("hf://", re.IGNORECASE)
_BROKEN = "cannot be read out of its archive"


class ForeignFile(ValueError):
    """A row names a file outside its repository or its revision."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the repository, or, if ``member`` is set, a file in that ZIP archive."""

    path: str
    member: str = ""


@dataclass(slots=True)
class Repository:
    """A dataset's repository at one commit.

    Attributes:
        name: ``org/name``.
        commit: 40 digits.
    """

    name: str
    commit: str
    _archive: tuple[str, Any] = field(default=("", None), init=False, repr=False)  # the one opened last

    @property
    def root(self) -> str:
        """Beginning of the address of every file in it."""
        return f"hf://datasets/{self.name}@{self.commit}/"

    def find(self, named: str, *, archives: bool) -> Place | None:
        """Return the file that a row names by its address; None for a name that is not an address on the Hub.

        Args:
            named: Name in the row.
            archives: Whether it may be a file in a ZIP archive of the repository, in the form in which ``datasets``
                lists those.

        Raises:
            ForeignFile: The name is an address outside this repository and commit, or a chain of addresses.
        """
        inner, colons, outer = named.rpartition("::")
        if archives and colons and inner.startswith("zip://") and outer.startswith(self.root):
            path, member = outer.removeprefix(self.root), inner.removeprefix("zip://")
            if _is_inside(path) and _is_inside(member):
                return Place(path, member)
        elif named.startswith(self.root) and _is_inside(named.removeprefix(self.root)):
            return Place(named.removeprefix(self.root))
        if _HUB.search(named) or _CHAIN.search(named):
            raise ForeignFile(f"names {named!r}, which is no file of this dataset at the revision that is read")
        return None

    def read(self, place: Place) -> bytes:
        """Return the bytes of a file.

        Raises:
            InputError: The file does not exist, or cannot be read from its archive.
            HubError: The Hub refuses, or does not answer.
        """
        with asking(self.name):
            try:
                if place.member:
                    return self._read_member(place)
                with self._open(place.path) as file:
                    content: bytes = file.read()
                    return content
            except FileNotFoundError as error:
                if error.__cause__ is not None and not _is_missing_file(error.__cause__):
                    raise HubError(f"{self.name}: is no longer to be seen", hint="has it been removed?") from error
                raise InputError(f"no such file in the dataset: {place.path!r}") from error

    def _open(self, path: str) -> Any:
        from huggingface_hub import HfFileSystem

        return HfFileSystem().open(f"datasets/{self.name}@{self.commit}/{path}", "rb")

    def _read_member(self, place: Place) -> bytes:
        import zipfile
        import zlib

        try:
            if self._archive[0] != place.path:
                self._archive = (place.path, zipfile.ZipFile(self._open(place.path)))
            content: bytes = self._archive[1].read(place.member)
            return content
        except KeyError as error:
            raise InputError(f"no such file in the archive {place.path!r}: {place.member!r}") from error
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            raise InputError(f"{_BROKEN} {place.path!r}: {place.member!r}") from error


def check_card(card: Mapping[str, Any] | None, file: str) -> None:
    """Refuse a card that sends readers to files outside its repository, before anything is opened.

    Raises:
        InputError: ``data_files`` or ``data_dir`` of a config is an address, absolute, or leads upwards.
    """
    configs = (card or {}).get("configs")
    for config in configs if isinstance(configs, list) else ():
        given = [config.get(key) for key in ("data_files", "data_dir")] if isinstance(config, dict) else []
        for text in _list_texts(given):
            if "://" in text or "::" in text or text.startswith(("/", "\\", "~")) or ".." in re.split(r"[/\\]", text):
                raise _refuse_data(text, file)


def check_data(files: Any, repository: Repository, file: str) -> None:
    """Refuse a set with a data file, as found by ``datasets``, outside its repository; raises ``InputError``."""
    for path in _list_texts(files):
        if not path.startswith(repository.root):
            raise _refuse_data(path, file)


def _refuse_data(path: str, file: str) -> InputError:
    hint = "the card of a dataset may name files of its own repository alone"
    return InputError(f"its card names data outside of the repository: {path!r}", file=file, hint=hint)


def _list_texts(value: Any) -> list[str]:
    """Return all texts in the lists and dicts of ``data_files``, names of splits included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, one in value.items() if key != "split" for text in _list_texts(one)]
    return [text for one in value for text in _list_texts(one)] if isinstance(value, list | tuple) else []


def _is_missing_file(error: BaseException) -> bool:
    from huggingface_hub.errors import EntryNotFoundError

    return isinstance(error, EntryNotFoundError)


def _is_inside(path: str) -> bool:
    """Return whether a path is a plain relative one, both as it is and with its percent signs decoded."""
    if any(sign < " " or sign == "\x7f" for sign in path) or "\\" in path:
        return False
    return not any({"", ".", ".."} & set(read.split("/")) for read in (path, unquote(path)))
