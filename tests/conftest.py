"""What all tests share: nothing reaches the Hub; of scripted server and stand-in Hub each test process has one."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported, which is later
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.hub import TOKEN, RunningHub, running_hub
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # a busy machine is no fault of an example

MODELS = ("scripted", "other")

FAULTS = (
    "status:400", "status:401", "status:402", "status:403", "status:404", "status:408", "status:429",
    "status:429:retry-after=0",
    "status:429:retry-after=1", "status:429:retry-date=1", "status:500", "status:502", "status:503", "reset",
    "reset_body", "close_early", "hang", "hang_body", "slow:0.3", "truncated_json", "length", "wrong_schema", "prose",
    "empty", "missing", "refusal", "content_filter", "non_utf8", "not_json",
)  # fmt: skip


def strike(fault: str, times: int | None = None) -> str:
    """Words that, in the user's turn, make the shared server do a fault, so many times or always."""
    if fault not in FAULTS or times not in (None, 1, 2, 3):
        raise ValueError(f"the shared server has no rule for {fault!r} {times} times")
    return f"[fault {fault}; {times or 'always'}]"


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A scripted server that makes the faults that a prompt's text asks for (see ``strike``)."""
    rules = [
        {"match": {"contains": strike(fault, times)}, "times": times, "fault": fault}
        for fault in FAULTS
        for times in (None, 1, 2, 3)
    ]
    with running_scripted(models=MODELS, faults=rules, folder=tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def hub_server() -> Iterator[RunningHub]:
    """A stand-in Hub; a test that uses it empties it first."""
    from huggingface_hub import close_session

    with running_hub() as server:
        yield server
    close_session()


@pytest.fixture
def hub(hub_server: RunningHub, monkeypatch: pytest.MonkeyPatch) -> RunningHub:
    """A Hub for this process, which else may not use any, with a token that may write."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_ENDPOINT", hub_server.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub_server.empty()
    return hub_server


@pytest.fixture
def http(shared_server: RunningServer) -> RunningServer:
    """The shared server with its counts at zero."""
    shared_server.reset()
    return shared_server


def pytest_collection_finish() -> None:
    """Keep tests and libraries, a million objects that stay to the end, out of every later garbage collection."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many kills were survived, what was lost at them, and how much of that was done again."""
    told = [one for report in terminalreporter.getreports("passed") for one in report.user_properties]
    for pushes, repeated, sent in (value for name, value in told if name == "push"):
        terminalreporter.write_line(f"{pushes} kills of a push survived: {repeated} of {sent} bytes were sent twice")
    kills = [value for name, value in told if name == "kill"]
    if kills:
        unsaved, repeated = zip(*kills, strict=True)
        terminalreporter.write_line(
            f"{len(kills)} kills survived: {sum(unsaved)} calls sent and not committed (at most {max(unsaved)} at a"
            f" kill), {sum(repeated)} repeated (at most {max(repeated)})"
        )
