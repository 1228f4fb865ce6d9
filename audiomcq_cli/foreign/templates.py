"""Renders prompts: local ones in this process, those from a foreign manifest in a process that can be ended.

The sandbox of Jinja2 keeps a template away from other objects, but not from running for ever: nested loops, a macro
that calls itself twice, ``2 ** 9 ** 9`` (even while it is compiled) or a text a thousand million characters wide. A
thread cannot be ended, and a count of loops does not see a power. A foreign template is therefore rendered by a process
with a deadline and a memory limit, and without the keys in this process's environment.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import InputError

if TYPE_CHECKING:
    from jinja2 import Template

SECONDS = 6.0
"""Seconds that all templates of one foreign manifest may take together; a row's prompts take some 10 ms."""

START_SECONDS = 60.0
"""Seconds that the process may take to start: on a busy machine Python and Jinja2 are slow."""

MEMORY = 1 << 30
"""Memory limit of the process in bytes, if the system supports one."""

LARGEST = 16 * 2**20
"""Most characters of a foreign template, and of the text that it renders."""

_HINT = "ask whoever made it for the prompt as a file, and look at that"
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


def render(template: str, variables: Mapping[str, Any], name: str) -> str:
    """Render a template in this process: one from the package or of the user.

    Raises:
        InputError: The text is not a template, or does not fit these variables.
    """
    from jinja2 import TemplateError

    try:
        return _compile(template).render(variables)
    except (RecursionError, MemoryError) as error:
        hint = "look for a macro that calls itself, or a loop over a very large range"
        raise InputError(
            f"cannot be rendered: it grows without end ({type(error).__name__})", file=name, hint=hint
        ) from None
    except (TemplateError, SyntaxError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        raise InputError(f"cannot be rendered: {error}", file=name) from error


class Renderer:
    """Renders foreign templates in one process, started with the first of them; a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._left = SECONDS

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def render(self, template: str, variables: Mapping[str, Any], name: str) -> str:
        """Render a template as the function ``render`` does.

        Raises:
            InputError: As in ``render``; also if it takes too long or needs too much memory.
        """
        if self._process is None:
            self._process = _begin()
            self._answer(START_SECONDS)
        began = time.monotonic()
        reply = self._ask({"template": template, "variables": repr(dict(variables))})
        self._left -= time.monotonic() - began
        if reply is None:
            self._end()
            raise InputError("takes too long to render, or too much memory", file=name, hint=_HINT)
        if "error" in reply:
            raise InputError(str(reply["error"]).removeprefix("template: "), file=name, hint=_HINT)
        return str(reply["text"])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._process is None or self._process.stdin is None:
            return None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return None
        return self._answer(max(0.1, self._left))

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """Return the next line of the process; None if it is late, and the process is then ended."""
        process = self._process
        if process is None or process.stdout is None:
            return None
        alarm = threading.Timer(seconds, process.kill)
        alarm.start()
        try:
            line = process.stdout.readline()
        finally:
            alarm.cancel()
        return json.loads(line) if line.endswith(b"\n") else None

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _begin() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    command = [sys.executable, "-P", "-m", "audiomcq_cli.foreign.templates"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


@lru_cache(maxsize=256)
def _compile(template: str) -> Template:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template)


def _serve() -> None:
    """Answer each line of stdin (a template with its variables) with a line on stdout: its text or an error."""
    import jinja2.sandbox  # noqa: F401 - before the limits

    _limit_itself()
    _tell({"ready": True})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        variables = ast.literal_eval(request["variables"])  # JSON has no tuples, which render otherwise than lists
        try:
            text = render(request["template"], variables, "template")
        except InputError as error:
            _tell({"error": str(error)[:2_000]})
            continue
        _tell({"text": text} if len(text) <= LARGEST else {"error": f"renders to more than {LARGEST:,} characters"})


def _tell(reply: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
    sys.stdout.buffer.flush()


def _limit_itself() -> None:
    """Limit memory and time from within, if the system can: a killed parent cannot end this process."""
    try:
        import resource
    except ImportError:
        return
    seconds = round(SECONDS) + 5
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        try:
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        except (ValueError, OSError):  # macOS has no such limit
            continue


if __name__ == "__main__":
    _serve()
