"""A dataset repository of the Hub: files at a revision, commits, tags, pull requests.

Built on ``huggingface_hub``, which repeats requests that are safe to repeat: uploads and listings. It sends a commit or
a tag only once. This module sends those again after checking that they were not done: a connection may break after the
commit was made. ``access`` translates its errors.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.hub import TRANSIENT, changing, find_status

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

SILENCE = 120.0
"""Seconds without a byte after which a connection is dropped. The library has no limit."""

PAUSES = (1.0, 4.0, 15.0)
"""Seconds before a failed commit or tag is tried again, if the Hub does not say."""

LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a revision: its size, and its SHA-256 (large files) or its Git hash."""

    size: int
    sha256: str = ""
    blob: str = ""

    def holds(self, path: Path, size: int, sha256: str) -> bool:
        """Return whether this is the given file."""
        if size != self.size:
            return False
        return sha256 == self.sha256 if self.sha256 else self.blob == _hash_blob(path)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request: its number, its page and whether it is a draft."""

    number: int
    url: str
    draft: bool

    @property
    def ref(self) -> str:
        """Revision of the pull request."""
        return f"refs/pr/{self.number}"


class HubRepo:
    """One dataset repository, with the rights of the token in the environment (or of ``huggingface-cli login``)."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        from huggingface_hub import HfApi

        _limit_silence()
        self.name = name
        self._say = say
        self._api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="audiomcq")

    # ------------------------------------------------------------------------------------------------------ reading

    def find_private(self) -> bool | None:
        """Return whether the repository is private; None if it does not exist or this token may not see it."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._telling("look at the repository"):
            try:
                return bool(self._api.repo_info(self.name, repo_type="dataset").private)
            except RepositoryNotFoundError as error:
                if "Invalid credentials" in str(error):
                    raise
                return None

    def find_head(self, revision: str) -> str:
        """Return the commit that a branch or a pull request names."""
        with self._telling(f"look at {revision}"):
            return str(self._api.repo_info(self.name, repo_type="dataset", revision=revision).sha)

    def list_files(self, revision: str) -> dict[str, Stored]:
        """Return all files at a revision, by path."""
        from huggingface_hub.hf_api import RepoFile

        with self._telling(f"list the files of {revision}"):
            found = self._api.list_repo_tree(self.name, repo_type="dataset", revision=revision, recursive=True)
            return {
                file.path: Stored(file.size, file.lfs.sha256 if file.lfs else "", "" if file.lfs else file.blob_id)
                for file in found
                if isinstance(file, RepoFile)
            }

    def read(self, path: str, commit: str) -> bytes:
        """Return a file at a commit."""
        with self._telling(f"read {path}"), tempfile.TemporaryDirectory(prefix="audiomcq-") as folder:
            found = self._api.hf_hub_download(self.name, path, repo_type="dataset", revision=commit, local_dir=folder)
            return Path(found).read_bytes()

    def list_tags(self) -> dict[str, str]:
        """Return the commit of each tag."""
        with self._telling("look at the tags"):
            refs = self._api.list_repo_refs(self.name, repo_type="dataset")
            return {one.name: one.target_commit for one in refs.tags}

    def find_tag(self, tag: str) -> str:
        """Return the commit of a tag; empty if the tag does not exist."""
        return self.list_tags().get(tag, "")

    def list_ancestors(self, revision: str) -> list[str]:
        """Return the commits of a revision, newest first."""
        with self._telling(f"look at the commits of {revision}"):
            commits = self._api.list_repo_commits(self.name, repo_type="dataset", revision=revision)
            return [commit.commit_id for commit in commits]

    # ------------------------------------------------------------------------------------------------------ writing

    def create(self, *, private: bool) -> None:
        """Create the repository if it does not exist."""
        with self._telling("make the repository"):
            self._insist(lambda: self._api.create_repo(self.name, repo_type="dataset", private=private, exist_ok=True))

    def create_branch(self, branch: str) -> None:
        """Create a branch at main if it does not exist."""
        with self._telling(f"make the branch {branch}"):
            self._insist(lambda: self._api.create_branch(self.name, repo_type="dataset", branch=branch, exist_ok=True))

    def has_branch(self, branch: str) -> bool:
        """Return whether a branch exists."""
        with self._telling("look at the branches"):
            refs = self._api.list_repo_refs(self.name, repo_type="dataset")
            return any(one.name == branch for one in refs.branches)

    def upload(self, operations: Sequence[CommitOperationAdd | CommitOperationDelete], revision: str) -> None:
        """Upload the contents of large files that the Hub lacks. No reader sees them before a commit names them."""
        from huggingface_hub import CommitOperationAdd

        additions = [one for one in operations if isinstance(one, CommitOperationAdd)]
        first = {addition.upload_info.sha256: addition for addition in additions}
        others = [one for one in additions if first[one.upload_info.sha256] is not one]
        with self._telling("upload"):  # two equal files in one call would be sent twice
            for some in (list(first.values()), others):
                self._api.preupload_lfs_files(self.name, some, repo_type="dataset", revision=revision)

    def commit(
        self,
        operations: Sequence[CommitOperationAdd | CommitOperationDelete],
        title: str,
        *,
        parent: str,
        revision: str,
        text: str = "",
    ) -> str:
        """Commit on a parent; return this commit, even if others have committed on it since.

        Raises:
            HubError: The commit was not made, and nothing was changed.
        """
        with self._telling("commit"):
            return str(
                self._insist(
                    lambda: (
                        self._api.create_commit(
                            self.name,
                            operations,
                            repo_type="dataset",
                            revision=revision,
                            parent_commit=parent,
                            commit_message=title,
                            commit_description=text or None,
                        ).oid
                    ),
                    done=lambda: self._find_child(revision, parent, title),
                )
            )

    def _find_child(self, revision: str, parent: str, title: str) -> str:
        """Return the commit on a parent with this title; empty if there is none. The Hub takes one commit on each
        parent.
        """
        commits = self._api.list_repo_commits(self.name, repo_type="dataset", revision=revision)
        ids = [commit.commit_id for commit in commits]
        place = ids.index(parent) - 1 if parent in ids else -1
        return ids[place] if place >= 0 and commits[place].title == title else ""

    def tag(self, tag: str, commit: str, text: str) -> None:
        """Create a tag at a commit."""
        with self._telling(f"tag {tag}"):
            self._insist(
                lambda: self._api.create_tag(
                    self.name, repo_type="dataset", tag=tag, revision=commit, tag_message=text
                ),
                done=lambda: self.find_tag(tag),
            )

    # ------------------------------------------------------------------------------------------------ pull requests

    def find_pull_request(self, title: str) -> PullRequest | None:
        """Return an open pull request with this title, from an earlier run."""
        with self._telling("look at the pull requests"):
            for one in self._api.get_repo_discussions(self.name, repo_type="dataset", discussion_type="pull_request"):
                if one.title == title and one.status in ("draft", "open"):
                    return PullRequest(one.num, one.url, one.status == "draft")
        return None

    def open_pull_request(self, title: str, text: str) -> PullRequest:
        """Open a pull request as a draft."""
        with self._telling("begin a pull request"):
            one = self._api.create_pull_request(self.name, title, repo_type="dataset", description=text)
            return PullRequest(one.num, one.url, draft=True)

    def close_pull_request(self, request: PullRequest, why: str) -> None:
        """Close a pull request without merging."""
        with self._telling("close a pull request"):
            self._api.change_discussion_status(self.name, request.number, "closed", comment=why, repo_type="dataset")

    def undraft(self, request: PullRequest) -> None:
        """Mark a pull request as ready."""
        with self._telling("open the pull request"):
            self._insist(
                lambda: self._api.change_discussion_status(self.name, request.number, "open", repo_type="dataset"),
                done=lambda: self._find_status(request) == "open",
            )

    def merge(self, request: PullRequest) -> str:
        """Merge a pull request into main; return the commit that the Hub reports."""
        with self._telling("merge the pull request"):
            self._insist(
                lambda: self._api.merge_pull_request(self.name, request.number, repo_type="dataset"),
                done=lambda: self._find_status(request) == "merged",
            )
            details = self._api.get_discussion_details(self.name, request.number, repo_type="dataset")
            return str(getattr(details, "merge_commit_oid", None) or "")

    def _find_status(self, request: PullRequest) -> str:
        return str(self._api.get_discussion_details(self.name, request.number, repo_type="dataset").status)

    # ------------------------------------------------------------------------------------------------------- errors

    def _insist(self, send: Callable[[], Any], done: Callable[[], Any] | None = None) -> Any:
        """Send a request that the library sends only once, and repeat it while the Hub cannot answer, unless ``done``.

        Returns the result of ``send``, or else of ``done``.
        """
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

        for pause in (*PAUSES, None):
            try:
                return send()
            except HTTPError as error:
                status = find_status(error)
                if status and status not in TRANSIENT:
                    raise
                if pause is None:
                    if done is not None and (found := done()):
                        return found
                    raise
                asked = _find_retry_after(error)
                seconds = pause if asked is None else asked
                self._say(f"the Hub {f'answers {status}' if status else 'does not answer'}: again in {seconds:g} s")
            time.sleep(seconds)
            if done is not None and (found := done()):
                return found
        return None

    def _telling(self, what: str) -> AbstractContextManager[None]:
        return changing(self.name, what)


def _find_retry_after(error: BaseException) -> float | None:
    """Return the seconds that the Hub asks to wait; None if it does not say."""
    response = getattr(error, "response", None)
    said = "" if response is None else response.headers.get("Retry-After", "")
    return min(float(said), LONGEST_PAUSE) if said.isdigit() else None


def _hash_blob(path: Path) -> str:
    """Return the Git hash of a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _limit_silence() -> None:
    """Set a timeout for silent connections: the library would wait for ever."""
    from huggingface_hub import get_session, set_client_factory

    usual = get_session()
    if usual.timeout.read is None:
        set_client_factory(lambda: type(usual)(event_hooks=usual.event_hooks, follow_redirects=True, timeout=SILENCE))
