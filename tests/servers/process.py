"""Start a server module as a process, wait until it answers, and end exactly that process.

A server module is told ``--port-file FILE`` and writes the port it listens on there, once it does; it calls
``stop_with_parent`` so that it does not outlive a test run that was killed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers.

    Attributes:
        url: Its address without a path, as ``http://127.0.0.1:4711``; ``base_url`` is what a recipe wants.
        process: The process. output: File with what it wrote to stdout and stderr.
    """

    url: str
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def base_url(self) -> str:
        """The address for OpenAI clients."""
        return f"{self.url}/v1"

    def stats(self) -> dict[str, Any]:
        """Requests received, replies completed and faults done, as counted by a scripted server."""
        stats: dict[str, Any] = fetch_json(f"{self.url}/stats")
        return stats

    def requests(self) -> dict[str, int]:
        """How often each request body was received by a scripted server, by its hash."""
        requests: dict[str, int] = fetch_json(f"{self.url}/requests")
        return requests

    def reset(self) -> None:
        """Make a scripted server forget all counts, those of faults as well."""
        fetch_json(f"{self.url}/reset", {})

    def stop(self) -> None:
        """End this process; kill it where it does not end within seconds."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


@contextlib.contextmanager
def running(
    module: str, arguments: Sequence[str] = (), *, health: str = "/v1/models", timeout: float = 60
) -> Iterator[RunningServer]:
    """Run a server module until the block ends.

    Args:
        module: As for ``python -m``, below the root of the checkout. arguments: Its own.
        health: Path that answers 200 once the server is ready. timeout: Seconds it may take to be.

    Raises:
        RuntimeError: It ended or did not answer in time; the message has what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix="audiomcq-server-") as folder:
        port_file, output = Path(folder, "port"), Path(folder, "output.txt")
        command = [sys.executable, "-m", module, "--port-file", str(port_file), "--with-parent", *arguments]
        with output.open("wb") as stream:
            process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
            )
        server = RunningServer("", process, output)
        try:
            url = _wait_until_ready(server, port_file, health, time.monotonic() + timeout)
            yield RunningServer(url, process, output)
        finally:
            server.stop()


def fetch_json(url: str, body: Any = None, *, timeout: float = 30) -> Any:
    """Get JSON from an address; with a body, post that."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return json.loads(response.read())


def write_port(path: Path, port: int) -> None:
    """Say on which port a server listens; the file is either absent or whole."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(str(port), "ascii")
    partial.replace(path)


def stop_with_parent() -> None:
    """End this process when the one that started it is gone, however that ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def _wait_until_ready(server: RunningServer, port_file: Path, health: str, deadline: float) -> str:
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}: {_tail(server.output)}")
        if port_file.exists():
            url = f"http://127.0.0.1:{port_file.read_text('ascii')}"
            with contextlib.suppress(urllib.error.URLError, http.client.HTTPException, OSError):
                fetch_json(url + health, timeout=5)
                return url
        time.sleep(0.02)
    raise RuntimeError(f"the server did not answer in time: {_tail(server.output)}")


def _tail(path: Path) -> str:
    return path.read_text("utf-8", "replace")[-2000:]
