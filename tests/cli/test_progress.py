"""What people see of a stage at work: a line that fits the terminal, or plain lines where nobody watches."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.cli.console import Out
from audiomcq_cli.cli.progress import LINE_SECONDS, StageProgress, describe_standing
from audiomcq_cli.engine.progress import Standing
from tests.cli import ROOT

HALF = Standing(
    what="generate",
    unit="clips",
    done=312,
    total=495,
    outcomes={"kept": 600, "rejected": 3, "failed": 2},
    rate=4.25,
    left=43.4,
    seconds=70.0,
    calls=1_203,
    prompt_tokens=912_345,
    completion_tokens=8_000,
    cost=0.1234,
)

SHOW = """
import time
from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.progress import StageProgress
from tests.cli.test_progress import HALF
shown = StageProgress(out)
shown.begin("generate", 1, 495)
shown.show(HALF)
time.sleep(0.4)
shown.say("a line")
shown.end()
"""


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def show_in_terminal(columns: int, **environment: str) -> str:
    """What a terminal of so many columns is sent while a stage is shown."""
    master, slave = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("CI", "FORCE_COLOR", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={**known, "TERM": "xterm", "COLUMNS": str(columns), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=slave,
    )
    os.close(slave)
    sent = b""
    with contextlib.suppress(OSError):  # Linux says so when the other side is closed
        while data := os.read(master, 4096):
            sent += data
    os.close(master)
    assert process.wait(60) == 0
    return sent.decode()


def test_line_says_all_that_is_known() -> None:
    """Where there is room the line says how far, how fast, how long still, what it took and what failed."""
    assert describe_standing(HALF) == (
        "generate: 312 of 495 clips, 63 %, 43 s left, 4.2/s, 2 failed, 1,203 calls, 920.3 k tokens, 0.1234 in money,"
        " 600 kept, 3 rejected"
    )


def test_narrow_line_keeps_what_matters() -> None:
    """In 60 columns how far it is, the time left, the rate and what failed are all there."""
    assert describe_standing(HALF, 59) == "generate: 312 of 495 clips, 43 s left, 4.2/s, 2 failed"


def test_known_rows_promise_no_time() -> None:
    """While a resume runs through the journal the line says so and no time; a beginning says how long it has taken."""
    known = Standing(what="verify", unit="questions", done=90, total=100, known=90, rate=900.0, from_journal=True)
    assert describe_standing(known) == "verify: 90 of 100 questions, 90 %, from the journal, 900.0/s"
    begun = Standing(what="verify", unit="questions", total=100, seconds=30.0, calls=16)
    assert describe_standing(begun) == "verify: 0 of 100 questions, 0 %, 30 s so far, 16 calls"


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing(what="a", done=400, total=1_000, about=True), "a: 400 of about 1,000 rows"),
        (Standing(what="a", done=400, size=3_200_000), "a: 400 rows of 3.2 MB"),
        (Standing(what="a", done=400), "a: 400 rows"),
    ],
)
def test_extent_is_said_as_it_is_known(standing: Standing, words: str) -> None:
    """How much there is to read is a number, about one, a size, or not said."""
    assert describe_standing(standing) == words


counts = st.integers(0, 10**9)
standings = st.builds(
    Standing,
    what=st.sampled_from(["caption", "generate", "filter"]),
    unit=st.just("questions"),
    done=counts,
    known=counts,
    total=st.none() | counts,
    outcomes=st.dictionaries(st.sampled_from(["kept", "rejected", "failed"]), counts),
    rate=st.none() | st.floats(1e-4, 1e5),
    left=st.none() | st.floats(0, 1e7),
    from_journal=st.booleans(),
    seconds=st.floats(0, 1e7),
    calls=counts,
    prompt_tokens=counts,
    completion_tokens=counts,
    cost=st.none() | st.floats(0, 1e5),
)


@given(standings, st.integers(60, 200))
def test_line_fits_and_is_never_cut(standing: Standing, width: int) -> None:
    """From 60 columns on no line is longer than its terminal, and each says how many rows are done, of how many."""
    line = describe_standing(standing, width)
    of = "" if standing.total is None else f" of {standing.total:,}"
    assert line.startswith(f"{standing.what}: {standing.done:,}{of} questions")
    assert len(line) <= width
    assert set(line.split(", ")) <= set(describe_standing(standing).split(", "))


def test_plain_line_comes_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stderr is no terminal a whole line comes once a minute, also while nothing ends, and nothing of a bar."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    clock, said = Clock(), io.StringIO()
    with contextlib.redirect_stderr(said):
        shown = StageProgress(Out(), clock)
        shown.begin("generate", 1, 495)
        for _ in range(7):
            clock.now += LINE_SECONDS / 3
            shown.show(HALF)
        shown.end()
    assert said.getvalue().splitlines() == [describe_standing(HALF)] * 2


@pytest.mark.parametrize("columns", [60, 100])
def test_live_line_fits_its_terminal_and_goes(columns: int) -> None:
    """In a terminal the line is there while the stage is at work, in one row, and gone when it is over."""
    sent = show_in_terminal(columns)
    assert describe_standing(HALF, columns - 1) in sent
    assert "a line\r\n" in sent
    assert "\x1b[2K" in sent.rpartition("312 of 495")[2]


def test_terminal_of_a_job_gets_plain_lines() -> None:
    """A CI job may have a terminal: its log holds no live line."""
    assert show_in_terminal(80, CI="true") == "a line\r\n"


def test_quiet_shows_nothing(tmp_path: Path) -> None:
    """With ``--quiet`` no progress is shown, in a terminal or elsewhere."""
    clock, said = Clock(), io.StringIO()
    with contextlib.redirect_stderr(said):
        out = Out()
        out.quiet = True
        shown = StageProgress(out, clock)
        clock.now += 2 * LINE_SECONDS
        shown.show(HALF)
        shown.end()
    assert said.getvalue() == ""
