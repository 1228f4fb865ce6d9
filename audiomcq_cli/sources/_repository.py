"""Files of a dataset's own repository on the Hub: what its rows may name, and a way to their bytes.

A row is untrusted, and whoever reads it may hold a token. So a name is taken apart and checked here before anything is
asked for, and is never handed to fsspec, which opens chains (``zip://x::file:///y``) and whatever else has a scheme.
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
    """A row names a file that is none of its repository at the revision that is read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the repository, or, where ``member`` is not empty, a file in that ZIP archive."""

    path: str
    member: str = ""


@dataclass(slots=True)
class Repository:
    """A dataset's repository at one commit.

    Attributes:
        name: As ``org/name``. commit: 40 digits.
    """

    name: str
    commit: str
    _archive: tuple[str, Any] = field(default=("", None), init=False, repr=False)  # the one opened last

    @property
    def root(self) -> str:
        """What the address of every file of it begins with."""
        return f"hf://datasets/{self.name}@{self.commit}/"

    def find(self, named: str, *, archives: bool) -> Place | None:
        """The file that a row names by its address; None for a name that is not looked for on the Hub at all.

        Args:
            named: As the row has it. archives: Whether it may be a file in a ZIP archive of the repository, as
                ``datasets`` itself names those that it lists.

        Raises:
            ForeignFile: It is an address on the Hub that is not of this repository and commit, or several in a chain.
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
        """The bytes of a file.

        Raises:
            InputError: There is no such file, or it cannot be got out of its archive.
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
    """Refuse a card that sends readers to files outside of its repository, before anything is opened.

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
    """Refuse a set of which a data file, as ``datasets`` has found it, lies elsewhere; raises ``InputError``."""
    for path in _list_texts(files):
        if not path.startswith(repository.root):
            raise _refuse_data(path, file)


def _refuse_data(path: str, file: str) -> InputError:
    hint = "the card of a dataset may name files of its own repository alone"
    return InputError(f"its card names data outside of the repository: {path!r}", file=file, hint=hint)


def _list_texts(value: Any) -> list[str]:
    """The texts in lists and values of dicts, as ``data_files`` has them in several forms; names of splits as well."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, one in value.items() if key != "split" for text in _list_texts(one)]
    return [text for one in value for text in _list_texts(one)] if isinstance(value, list | tuple) else []


def _is_missing_file(error: BaseException) -> bool:
    from huggingface_hub.errors import EntryNotFoundError

    return isinstance(error, EntryNotFoundError)


def _is_inside(path: str) -> bool:
    """Whether a path is a plain relative one, read as it is and with its percent signs decoded."""
    if any(sign < " " or sign == "\x7f" for sign in path) or "\\" in path:
        return False
    return not any({"", ".", ".."} & set(read.split("/")) for read in (path, unquote(path)))
