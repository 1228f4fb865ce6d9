"""A stand-in Hugging Face Hub: real HTTP, for the real ``huggingface_hub`` and ``datasets``, with faults.

``running_hub`` runs it in a process of its own, until the block ends. ``RunningHub`` then tells what a reader sees at
any revision, which requests came in, and how many bytes of which file; it also makes requests fail (``faults.py``).
Files of the package: ``store`` (what is kept), ``read``, ``write``, ``lfs`` and ``discussions`` (the answers), ``card``
(rules of a dataset card), ``access`` (rights), ``answers`` (HTTP), ``faults``, and ``__main__`` (the server).

What it leaves out: Xet (clients set ``HF_HUB_DISABLE_XET=1``), listing and searching of repositories, gating, the
dataset viewer, Git itself.
"""

from __future__ import annotations

import base64
import contextlib
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers.process import fetch_json, running

USER, ORG, OTHER_USER = "lab-bot", "audio-lab", "passer-by"
TOKEN, READ_TOKEN, OTHER_TOKEN = "hf_standInMayWrite", "hf_standInMayRead", "hf_standInIsAnother"
"""Of the user, who may write in the organisation too; of the same user, to read alone; of somebody else."""


@dataclass(frozen=True, slots=True)
class RunningHub:
    """A Hub that answers.

    Attributes:
        url: Its address, for ``HF_ENDPOINT``. home: A folder for the caches of those who use it.
    """

    url: str
    home: Path

    def env(self, token: str = TOKEN, home: Path | None = None) -> dict[str, str]:
        """Variables for a process that shall use it, to go over those of this one; ``home`` if its cache is its own."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": token,
            "HF_HOME": str(home or self.home),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # or datasets asks a bucket on the web
            "NO_PROXY": "127.0.0.1,localhost",
            "RES_OPTIONS": "timeout:1 attempts:1",  # datasets looks for a host of the viewer that there is not
        }

    def log(self) -> list[dict[str, Any]]:
        """Requests since the last ``clear``, in order: index, method, path, status, bytes_in, fault.

        ``status`` is None until an answer is out, and ``fault`` empty until a fault has done what it does.
        """
        log: list[dict[str, Any]] = self._get("log")
        return log

    def uploads(self) -> dict[str, int]:
        """Bytes that came in for each large file since the last ``clear``, by SHA-256, broken uploads as well."""
        uploads: dict[str, int] = self._get("uploads")
        return uploads

    def clear(self) -> None:
        """Forget the log, the counts and all faults; repositories stay."""
        self._post("clear", {})

    def empty(self) -> None:
        """Forget everything, repositories and the bytes of files as well."""
        self._post("empty", {})

    def fail(self, fault: str, *, method: str = "", path: str = "", nth: int = 1, times: int | None = 1,
             message: str = "", code: str = "") -> None:  # fmt: skip
        """Make requests fail, as ``faults.py`` says; ``nth`` counts from now on."""
        rule = {"fault": fault, "method": method, "path": path, "nth": nth, "times": times, "message": message,
                "code": code}  # fmt: skip
        self._post("faults", [rule])

    def wait_for_fault(self, timeout: float = 60) -> dict[str, Any]:
        """The first request of the log that a fault has struck; raises ``TimeoutError``."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            struck = [entry for entry in self.log() if entry["fault"]]
            if struck:
                return struck[0]
            time.sleep(0.02)
        raise TimeoutError(f"no fault has struck any of {self.log()}")

    def tree(self, repo: str, revision: str = "main") -> dict[str, dict[str, Any]]:
        """What a reader sees at a revision now: path to oid, size and sha256 (None for a regular file)."""
        tree: dict[str, dict[str, Any]] = self._get("tree", repo=repo, revision=revision)
        return tree

    def read(self, repo: str, path: str, revision: str = "main") -> bytes:
        """The bytes of a file at a revision."""
        query = urlencode({"repo": repo, "revision": revision, "path": path})
        with urllib.request.urlopen(f"{self.url}/_hub/file?{query}", timeout=30) as response:
            content: bytes = response.read()
            return content

    def history(self, repo: str, revision: str = "main") -> list[dict[str, Any]]:
        """Commits at a revision, newest first: id, parents, title, message, author."""
        history: list[dict[str, Any]] = self._get("history", repo=repo, revision=revision)
        return history

    def refs(self, repo: str) -> dict[str, str]:
        """Whole names of branches, tags and pull requests, and the commits they name; empty without a repository."""
        refs: dict[str, str] = self._get("refs", repo=repo)
        return refs

    def commit(self, repo: str, files: Mapping[str, bytes | None], title: str = "Change something", *,
               private: bool = False) -> str:  # fmt: skip
        """Commit as somebody else would, to a repository that is made if need be; None deletes. Returns the commit."""
        encoded = {path: None if content is None else base64.b64encode(content).decode()
                   for path, content in files.items()}  # fmt: skip
        body = {"repo": repo, "files": encoded, "title": title, "private": private}
        id: str = self._post("commit", body)["id"]
        return id

    def _get(self, what: str, **query: str) -> Any:
        return fetch_json(f"{self.url}/_hub/{what}?{urlencode(query)}")

    def _post(self, what: str, body: Any) -> Any:
        return fetch_json(f"{self.url}/_hub/{what}", body)


@contextlib.contextmanager
def running_hub(*, part_bytes: int = 0) -> Iterator[RunningHub]:
    """Run the Hub for a test.

    Args:
        part_bytes: Large files above this come in parts of it (0: none).
    """
    with tempfile.TemporaryDirectory(prefix="audiomcq-hub-") as folder:
        arguments = ["--root", str(Path(folder, "files")), "--part-bytes", str(part_bytes)]
        with running("tests.servers.hub", arguments, health="/_hub/health") as server:
            yield RunningHub(server.url, Path(folder, "home"))
