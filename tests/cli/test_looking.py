"""What a run and ``status`` say of items that were dropped or not understood: each line's command shows them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import Ended, audiomcq, write_audiocaps, write_recipe
from tests.servers.replies import Manner
from tests.servers.scripted import running_scripted

CAPTIONS = ("A dog barks", "Rain falls", "A bell rings", "Thunder rolls", "Wind howls", "A cat purrs")
FAULTS = (
    {"match": {"model": "mute"}, "times": None, "fault": "empty"},
    {"match": {"schema": "question", "contains": "Thunder"}, "times": None, "fault": "prose"},
)


@dataclass(frozen=True, slots=True)
class Built:
    """A corpus of five clips of six, one of which has failed, and a judge that never answers: its folder and runs."""

    folder: Path
    stopped: Ended
    waiting: Ended
    finished: Ended


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("looked")
    manner = Manner(quality=0.6, know=0.5)
    with running_scripted(models=("scripted", "mute"), faults=FAULTS, manner=manner, folder=folder) as server:
        write_audiocaps(folder / "a.csv", CAPTIONS)
        recipe = write_recipe(folder / "recipe.toml", server.base_url, sources="audiocaps:a.csv")
        head, name, rest = recipe.read_text().partition("[models.judge3]")
        recipe.write_text(head + name + rest.replace('model = "scripted"', 'model = "mute"', 1))
        run = ("run", "recipe.toml", "--until", "split", "--limit", "5")
        stopped = audiomcq(*run, folder=folder)
        waiting = audiomcq("status", "build", folder=folder)
        finished = audiomcq(*run, "--keep-failed", "--json", folder=folder)
    assert finished.code == 0, finished.err
    return Built(folder, stopped, waiting, finished)


def follow(line: str, folder: Path) -> Ended:
    """Run the command that a line ends in."""
    return audiomcq(*shlex.split(line[line.index("audiomcq ") :])[1:], folder=folder)


def test_failed_items_name_the_command_that_shows_one(built: Built) -> None:
    """The hint of a run with failed items is a command that shows the prompt and the replies of one of them."""
    assert built.stopped.code == 6
    hint = built.stopped.error.split("look at one: ")[1].split(";")[0]
    shown = follow(hint, built.folder)
    assert shown.code == 0, shown.err
    assert ": failed in generate: not_json: " in " ".join(shown.out.split("══")[0].split())


def test_rejected_items_name_the_command_that_lists_them(built: Built) -> None:
    """Below the counts of a stage stands the command that lists the items of its most frequent reason."""
    reasons = [one["reasons"]["rejected"] for one in built.finished.json["stages"]]
    assert any(reasons)
    for line in [line for line in built.finished.err.splitlines() if "see them: " in line]:
        listed = follow(line, built.folder)
        assert listed.code == 0, listed.err
        assert {row.split("\t")[3] for row in listed.out.splitlines()} == {line.split()[-1]}


def test_judge_that_cannot_be_read_is_named(built: Built) -> None:
    """After filter and in status stands how many answers could not be read, what that means and how to see one."""
    [filtered] = [one for one in built.finished.json["stages"] if one["stage"] == "filter"]
    [judge] = filtered["unread"]
    assert (judge["judge"], judge["asked"], judge["unread"]) == ("judge3", filtered["rows"], filtered["rows"])
    assert 0 < judge["undecided"] <= judge["unread"]
    told = audiomcq("status", "build", folder=built.folder).err
    for said in (built.finished.err, told):
        [line] = [line for line in said.splitlines() if "could not be read" in line]
        assert f"judge judge3: {judge['unread']} of {judge['asked']} answers could not be read" in line
        assert f"; {judge['undecided']} label" in line
        assert "nothing that can be read" in follow(line, built.folder).out


def test_status_says_how_to_try_failed_items_again(built: Built) -> None:
    """Before a later stage has gone on without them, that is offered; afterwards nothing is left but to try again."""
    again = "to try the failed item again: audiomcq run recipe.toml --until split --limit 5"
    assert f"{again} (or go on without them: add --keep-failed)" in built.waiting.err
    told = audiomcq("status", "build", folder=built.folder).err.splitlines()
    assert again in told and not any(line.startswith("to go on") for line in told)


def test_status_tells_of_a_limit(built: Built) -> None:
    """That only the first clips were read stands under the first stage."""
    told = audiomcq("status", "build", folder=built.folder).err
    assert "caption: read the first 5 clips of AudioCaps only (--limit)" in told
