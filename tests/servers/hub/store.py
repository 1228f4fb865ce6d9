"""What the stand-in Hub keeps: users, repositories, their commits and refs, and the bytes of files in a folder.

A commit is the whole tree, path to blob, and never changes; refs are names for commits. So a test can ask what a reader
sees at ``main`` or at a tag at any moment. Bytes lie in the folder under the hash that names them: Git's for regular
files, SHA-256 for large ones (LFS).
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MAIN = "refs/heads/main"
SHORTEST_ID = 7
"""Letters of a commit's id that name it, at least."""

_SEQUENCE = itertools.count()
_LFS = "7z arrow bin bz2 gz npy npz parquet pickle pkl tar zip zst flac mp3 ogg wav png jpg"
_ATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in _LFS.split()).encode()


class Refusal(Exception):
    """An error as the Hub words it.

    Attributes:
        status: Of HTTP. code: For the header ``X-Error-Code``, if any. headers: Others to send with it.
        body: JSON sent in place of the message alone.
    """

    def __init__(self, status: int, message: str, *, code: str = "", headers: Mapping[str, str] | None = None,
                 body: Mapping[str, Any] | None = None):  # fmt: skip
        super().__init__(message)
        self.status, self.code = status, code
        self.headers = dict(headers or {})
        self.body = {"error": message} if body is None else body


@dataclass(frozen=True, slots=True)
class User:
    """Who a token stands for, and whether it may write."""

    name: str
    orgs: tuple[str, ...]
    writes: bool

    def owns(self, namespace: str) -> bool:
        """Whether repositories of this namespace are this user's, alone or in an organisation."""
        return namespace in (self.name, *self.orgs)


@dataclass(frozen=True, slots=True)
class Blob:
    """A version of a file; ``sha256`` only where it is a large one."""

    oid: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A whole tree and how it came about."""

    id: str
    parents: tuple[str, ...]
    tree: Mapping[str, Blob]
    title: str
    message: str
    author: str
    date: str


@dataclass(slots=True)
class Discussion:
    """A discussion or pull request; ``base`` is the commit that a pull request started from."""

    num: int
    title: str
    author: str
    date: str
    status: str
    base: Commit | None
    target: str = MAIN
    merged: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """Name of a pull request's ref."""
        return f"refs/pr/{self.num}"


@dataclass(slots=True)
class Repo:
    """A repository: ``kind`` is ``models``, ``datasets`` or ``spaces``; ``lfs`` the large objects it may refer to."""

    kind: str
    id: str
    private: bool
    date: str
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    lfs: set[str] = field(default_factory=set)
    discussions: list[Discussion] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """The user or organisation it belongs to."""
        return self.id.partition("/")[0]

    @property
    def address(self) -> str:
        """Its path on the web site."""
        return self.id if self.kind == "models" else f"{self.kind}/{self.id}"

    def find_ref(self, revision: str) -> str | None:
        """The whole name of a branch, tag or other ref."""
        names = (f"refs/heads/{revision}", f"refs/tags/{revision}", revision)
        return next((name for name in names if name in self.refs), None)

    def resolve(self, revision: str) -> Commit:
        """The commit that a revision names; refuses one that is none."""
        ref = self.find_ref(revision)
        if ref is not None:
            return self.commits[self.refs[ref]]
        if len(revision) >= SHORTEST_ID:
            found = [commit for id, commit in self.commits.items() if id.startswith(revision)]
            if len(found) == 1:
                return found[0]
        raise Refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound")

    def list_history(self, commit: Commit) -> list[Commit]:
        """A commit and those before it, newest first."""
        history = [commit]
        while history[-1].parents:
            history.append(self.commits[history[-1].parents[0]])
        return history

    def add_commit(self, ref: str, parent: Commit | None, tree: Mapping[str, Blob], title: str, message: str,
                   author: str) -> Commit:  # fmt: skip
        """Make a commit of a whole tree and have a ref name it."""
        parents = (parent.id,) if parent else ()
        date = now()
        described = repr((next(_SEQUENCE), self.id, parents, sorted(tree), title, message, author, date))
        id = hashlib.sha1(described.encode()).hexdigest()
        commit = Commit(id, parents, dict(sorted(tree.items())), title, message, author, date)
        self.commits[id] = commit
        self.refs[ref] = id
        return commit


class Store:
    """Everything the Hub keeps."""

    def __init__(self, folder: Path, users: Mapping[str, User]):
        self.users = users
        self.repos: dict[tuple[str, str], Repo] = {}
        self._blobs, self._large = folder / "blobs", folder / "lfs"
        self.empty()

    def empty(self) -> None:
        """Forget all repositories and files."""
        self.repos.clear()
        for path in (self._blobs, self._large):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)

    def create_repo(self, kind: str, id: str, *, private: bool, author: str) -> Repo:
        """Make a repository with the first commit that the Hub gives each."""
        repo = Repo(kind, id, private, now())
        self.repos[kind, id] = repo
        repo.add_commit(MAIN, None, {".gitattributes": self.add_blob(_ATTRIBUTES)}, "initial commit", "", author)
        return repo

    def add_blob(self, content: bytes) -> Blob:
        """Keep the bytes of a regular file."""
        oid = hash_blob(content)
        self._blobs.joinpath(oid).write_bytes(content)
        return Blob(oid, len(content))

    def find_large(self, sha256: str) -> Blob | None:
        """The large object of this hash, if its bytes are here."""
        path = self.path_of_large(sha256)
        if not path.exists():
            return None
        size = path.stat().st_size
        return Blob(hash_blob(write_pointer(sha256, size)), size, sha256)

    def path_of_large(self, sha256: str) -> Path:
        """Where the bytes of a large object lie."""
        return self._large / sha256

    def path_of(self, blob: Blob) -> Path:
        """Where the bytes of a blob lie."""
        return self.path_of_large(blob.sha256) if blob.sha256 else self._blobs / blob.oid

    def read(self, blob: Blob) -> bytes:
        """The bytes of a blob."""
        return self.path_of(blob).read_bytes()


def hash_blob(content: bytes) -> str:
    """The name that Git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def write_pointer(sha256: str, size: int) -> bytes:
    """The file that stands in Git for a large object."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def list_folders(paths: Iterable[str]) -> set[str]:
    """All folders that lie above some of these paths."""
    folders = set[str]()
    for path in paths:
        while path := path.rpartition("/")[0]:
            folders.add(path)
    return folders


def now() -> str:
    """The time as the Hub writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
