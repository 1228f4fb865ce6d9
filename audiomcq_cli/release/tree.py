"""Reads a release or stage folder in one way, on this disk or at a revision on the Hub.

A revision is resolved to its commit once, so a reader sees one state even if the branch moves. Hashes of large files
come with the listing of the Hub; of a Parquet file only the requested columns are read, over range requests.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.json import read_json
from audiomcq_cli.foreign.shape import require
from audiomcq_cli.hub import asking
from audiomcq_cli.parquet import open_parquet
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.resources import schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_PUBLISH = "audiomcq publish writes it anew, from the folder of split"

MANIFEST = f"{HIDDEN}/manifest.json"

_REPO = re.compile(r"[\w.-]+/[\w.-]+(@.+)?")
_DATA = re.compile(
    r"(?:data/(?P<subset>[^/]+)/(?P<label>[^/]+)-|part-)(?P<index>\d{5})-of-(?P<count>\d{5})\.parquet"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file: its path below the root, its size, and its SHA-256 if the listing has it."""

    path: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of rows: shard, number of shards, and in a release the subset and label from its name."""

    path: str
    index: int
    count: int
    subset: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a root.

    Attributes:
        name: Name that people gave, for messages.
        folder: Folder on this disk, if it is local.
        commit: Commit on the Hub, if it is there.
        files: Files by path, hidden ones as well.
    """

    name: str
    files: Mapping[str, TreeFile]
    folder: Path | None = None
    commit: str = ""
    _fs: Any = field(default=None, repr=False)
    _root: str = field(default="", repr=False)

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file for random access.

        Raises:
            InputError: The file does not exist.
            HubError: The Hub does not provide it.
        """
        if path not in self.files:
            raise InputError("no such file", file=f"{self.name}/{path}")
        if self.folder:
            with (self.folder / path).open("rb") as file:
                yield file
            return
        # No reading ahead: it would fetch the audio between two columns.
        how = {"cache_type": "none", "size": self.files[path].size}
        with asking(self.name), self._fs.open(f"{self._root}/{path}", "rb", **how) as file:
            yield file

    def read(self, path: str) -> bytes:
        """Return the content of a file; raises like ``open``."""
        with self.open(path) as file:
            return file.read()

    def hash(self, path: str) -> str:
        """Return the SHA-256 of a file in hex: the Hub's, else computed from its bytes."""
        if known := self.files[path].sha256:
            return known
        digest = hashlib.sha256()
        with self.open(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    @contextmanager
    def parquet(self, path: str) -> Iterator[pq.ParquetFile]:
        """Open a Parquet file; raises like ``open``, and ``InputError`` if it is not Parquet or is cut off."""
        import pyarrow as pa

        with self.open(path) as file:
            try:
                with open_parquet(file, pre_buffer=self.folder is None) as parquet:
                    yield parquet
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                if isinstance(error, OSError) and type(error) is not OSError:
                    raise  # about the connection, not the file
                problem = " ".join(str(error).split())
                raise InputError(f"not a readable Parquet file: {problem}", file=f"{self.name}/{path}") from error

    def batches(self, path: str, columns: Sequence[str] | None = None, rows: int = 1_000) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a Parquet file in some columns; one part of a struct is named like ``audio.path``."""
        with self.parquet(path) as file:
            for batch in file.iter_batches(batch_size=rows, columns=list(columns) if columns is not None else None):
                batch.validate(
                    full=True
                )  # Parquet does not check text: Arrow takes any bytes, and other readers crash on them
                yield batch

    def data_files(self) -> list[DataFile]:
        """Return the files with rows, in the order of their names."""
        found = []
        for path in sorted(self.files):
            if match := _DATA.fullmatch(path):
                place = int(match["index"]), int(match["count"])
                found.append(DataFile(path, *place, match["subset"], match["label"]))
        return found


def open_tree(where: str | Path) -> Tree:
    """Open a folder or a dataset on the Hub.

    Args:
        where: A folder, else ``org/name[@revision]``. With ``hf:`` before it, a local folder of that name is ignored.
            ``HF_ENDPOINT`` and ``HF_TOKEN`` choose the Hub and the account.

    Raises:
        InputError: Neither exists.
        HubError: The Hub refuses or does not answer.
    """
    text = str(where)
    repo = text.removeprefix("hf:")
    if repo == text and Path(text).exists():
        return _open_folder(Path(text))
    if not _REPO.fullmatch(repo):
        raise InputError("no such folder", file=text, hint="a dataset on the Hub is named org/name[@revision]")
    name, _, revision = repo.partition("@")
    return _open_hub(name, revision or "main")


def read_manifest_of(tree: Tree) -> dict[str, Any]:
    """Return the manifest of a release or of a stage folder; its key ``release`` or ``stage`` says which.

    Raises:
        InputError: There is no manifest, or it has neither key.
    """
    if MANIFEST not in tree.files:
        message = f"neither a release nor a finished stage: it has no {MANIFEST}"
        raise InputError(message, file=tree.name, hint=_find_hint(tree))
    place = f"{tree.name}/{MANIFEST}"
    manifest = read_json(tree.read(MANIFEST), place, hint=_PUBLISH)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("release", manifest.get("stage")), str):
        raise InputError("neither the manifest of a release nor of a stage", file=place)
    listed, key = manifest.get("files" if "release" in manifest else "shards"), "file"
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) and isinstance(one.get(key), str) for one in listed
    ):
        raise InputError("the manifest does not list its files", file=place)
    return manifest


def _find_hint(tree: Tree) -> str:
    """Suggest what to name instead of a tree without a manifest: subfolders with a manifest, releases first."""
    if not tree.folder:
        return "only a dataset that audiomcq published has one"
    inside = [path.removesuffix(f"/{MANIFEST}") for path in tree.files if path.endswith(f"/{MANIFEST}")]
    found = sorted(
        (name for name in inside if "/" not in name), key=lambda name: (f"{name}/README.md" not in tree.files, name)
    )
    if not found:
        return "a stage gets its manifest when all of its shards are done"
    return f"name a folder in it: {', '.join(f'{tree.name}/{name}' for name in found)}"


def read_release_manifest(data: bytes, file: str) -> dict[str, Any]:
    """Return the manifest of a release. Its schema is checked, so that no file name in it leads outside the folder.

    Raises:
        InputError: The manifest does not fit its schema.
    """
    return require(read_json(data, file, hint=_PUBLISH), schema("release"), "a release", file, hint=_PUBLISH)


def _open_folder(folder: Path) -> Tree:
    if not folder.is_dir():
        raise InputError("not a folder", file=str(folder), hint="name the folder of a release or of a stage")
    root = folder.resolve()
    files = {}
    for parent, _, names in os.walk(root):
        for name in names:
            path = Path(parent, name)
            if path.is_file():  # skips broken links
                place = path.relative_to(root).as_posix()
                files[place] = TreeFile(place, path.stat().st_size)
    return Tree(str(folder), files, folder=root)


def _open_hub(repo: str, revision: str) -> Tree:
    from huggingface_hub import HfApi, HfFileSystem
    from huggingface_hub.hf_api import RepoFile

    name = repo if revision == "main" else f"{repo}@{revision}"
    endpoint = os.environ.get("HF_ENDPOINT") or None
    api = HfApi(endpoint=endpoint)
    with asking(name):
        commit = api.dataset_info(repo, revision=revision, expand=["sha"]).sha or revision
        listed = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")
        files = {
            one.path: TreeFile(one.path, one.size, one.lfs.sha256 if one.lfs else None)
            for one in listed
            if isinstance(one, RepoFile)
        }
    system = HfFileSystem(endpoint=endpoint, skip_instance_cache=True)
    return Tree(name, files, commit=commit, _fs=system, _root=f"datasets/{repo}@{commit}")
