"""``trace`` as its users meet it: rows of a work folder, a release and the Hub; parts of ids; rows at random."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.cli import audiomcq, spawn, write_audiocaps, write_recipe
from tests.release.conftest import upload
from tests.servers.hub import ORG, RunningHub
from tests.servers.replies import Manner
from tests.servers.scripted import running_scripted


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus with rejected questions, and its release; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("traced")
    with running_scripted(manner=Manner(quality=0.6, know=0.5)) as server:
        write_audiocaps(folder / "a.csv", ["A dog barks", "Rain falls", "A bell rings", "Wind howls", "A cat purrs"])
        stages = (
            '[generate]\nquestions_per_clip = 2\n[split]\nplan = "mixed-to-mixed"\n[publish]\nlicense = "cc0-1.0"\n'
        )
        write_recipe(folder / "recipe.toml", server.base_url, sources="audiocaps:a.csv", stages=stages)
        ended = audiomcq("run", "recipe.toml", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def kept(built: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(built / "build/split/*.parquet").sort("id").to_dicts()


def rejected(built: Path) -> list[dict[str, Any]]:
    """What stages that ask rejected, each with its stage."""
    return pl.read_parquet(built / "build/*/.audiomcq/rejects/*.parquet").sort("id").to_dicts()


def stages_of(item: dict[str, Any]) -> list[str]:
    return [step["stage"] for step in item["steps"]]


def test_row_of_a_work_folder_is_followed_from_its_last_stage(built: Path) -> None:
    """Of a kept row all stages are shown; of a rejected one those up to the stage that dropped it, with the reason."""
    row = kept(built)[0]
    ended = audiomcq("trace", "build", row["id"], "--json", folder=built)
    assert ended.code == 0, ended.err
    assert stages_of(ended.json) == ["caption", "generate", "verify", "cot", "filter", "split"]
    assert ended.json["steps"][-1]["row"]["subset"] == row["subset"]
    reject = rejected(built)[0]
    last = audiomcq("trace", "build", reject["id"], "--json", folder=built).json["steps"][-1]
    assert (last["stage"], last["outcome"], last["reason"], last["detail"]) == (
        reject["stage"], "rejected", reject["reason"], reject["detail"]
    )  # fmt: skip


def test_clip_shows_all_its_questions(built: Path) -> None:
    """The id of a clip stands for its questions, kept and rejected."""
    clip = kept(built)[0]["clip_id"]
    ended = audiomcq("trace", "build", clip, "--json", folder=built)
    every = {row["id"] for row in kept(built) if row["clip_id"] == clip}
    every |= {row["id"] for row in rejected(built) if row["id"].startswith(f"{clip}:")}
    assert [item["id"] for item in ended.json["items"]] == sorted(every)


def test_part_of_an_id_is_understood(built: Path) -> None:
    """A part that one id alone has is enough, in any case; what many have, or none, offers ids that are near."""
    row = kept(built)[0]
    part = row["id"].removeprefix("AudioCaps:").upper()
    assert audiomcq("trace", "build", part, "--json", folder=built).json["items"][0]["id"] == row["id"]
    many = audiomcq("trace", "build", "video", folder=built)
    assert many.code == 3
    assert "ids have 'video' in them" in many.error and "is it one of these? AudioCaps:video" in many.error
    none = audiomcq("trace", "build", row["id"].replace("video", "vodeo"), folder=built)
    assert none.code == 3 and row["id"] in none.error


def test_rows_at_random(built: Path) -> None:
    """The same seed draws the same rows, more rows begin with fewer; rejected ones can be had by their reason."""

    def draw(*words: str) -> list[str]:
        ended = audiomcq("trace", "build", *words, "--seed", "5", "--json", folder=built)
        assert ended.code == 0, ended.err
        return [item["id"] for item in ended.json["items"]]

    one, three = draw("--random"), draw("--random", "3")
    assert len(one) == 1 and len(three) == 3 and three[:1] == one
    assert {*three} <= {row["id"] for row in kept(built)}
    reject = rejected(built)[0]
    assert {*draw("--random", "99", "--rejected")} == {row["id"] for row in rejected(built)}
    same = {row["id"] for row in rejected(built) if row["reason"] == reject["reason"]}
    assert {*draw("--random", "99", "--rejected", reject["reason"])} == same
    other = audiomcq("trace", "build", "--random", "--rejected", "nothing", folder=built)
    assert other.code == 3 and "reasons here: " in other.error and reject["reason"] in other.error
    assert "drawn with --seed" in audiomcq("trace", "build", "--random", "--json", folder=built).err


def test_rejected_rows_are_listed(built: Path) -> None:
    """Without ``--random`` a line for each says id, stage, outcome, reason and detail; of one reason alone if named."""
    ended = audiomcq("trace", "build", "--rejected", folder=built)
    assert ended.code == 0, ended.err
    lines = [line.split("\t") for line in ended.out.splitlines()]
    assert sorted(line[0] for line in lines) == [row["id"] for row in rejected(built)]
    reject = rejected(built)[0]
    [line] = [line for line in lines if line[0] == reject["id"]]
    assert line[1] in ("generate", "verify", "cot") and line[2:4] == ["rejected", reject["reason"]]
    assert line[4] == " ".join(reject["detail"].split())
    same = audiomcq("trace", "build", "--rejected", reject["reason"], "--json", folder=built).json["items"]
    assert {one["reason"] for one in same} == {reject["reason"]}
    assert {one["id"] for one in same} == {line[0] for line in lines if line[3] == reject["reason"]}


def test_why_a_row_was_dropped_is_said_first(built: Path) -> None:
    """The first line names stage, reason and detail; ``--short`` shows replies and no prompt."""
    reject = rejected(built)[0]
    ended = audiomcq("trace", "build", reject["id"], folder=built)
    head = " ".join(ended.out.split("══")[0].split())
    assert head.startswith(f"■ {reject['id']}: rejected in ") and f": {reject['reason']}: " in head
    assert head.endswith(" ".join(reject["detail"].split()))
    short = audiomcq("trace", "build", reject["id"], "--short", folder=built).out
    assert "[user]" in ended.out and "[user]" not in short and "[system]" not in short
    assert short.count("[reply]") == ended.out.count("[reply]") > 0


def test_release_alone_holds_no_rejected_rows(built: Path, tmp_path: Path) -> None:
    """Where the rejected rows lie is said."""
    shutil.copytree(built / "build/release", tmp_path / "release")
    ended = audiomcq("trace", "release", "--rejected", folder=tmp_path)
    assert ended.code == 3 and "kept rows only" in ended.error and "folder that it was built in" in ended.error


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no id is given"), (["a", "b"], "name one id"), (["a", "b", "--rejected"], "not understood: a b"),
        (["--random", "a"], "not understood: a"), (["--random", "1", "2"], "not understood: 1 2"),
        (["--random", "0"], "not understood: 0"), (["a", "--seed", "1"], "goes with --random"),
        (["--rejected", "nothing"], "reasons here: "),
    ],
)  # fmt: skip
def test_words_that_do_not_go_together(words: list[str], told: str, built: Path) -> None:
    """They are refused with the way to say it."""
    ended = audiomcq("trace", "build", *words, folder=built)
    assert ended.code == 3 and told in ended.error and "hint: " in ended.error


def test_release_is_traced_where_it_was_built(built: Path, tmp_path: Path) -> None:
    """Beside its work folder a release has the whole trace; alone its row, votes, grades and the recipe's prompts."""
    row = kept(built)[0]
    whole = audiomcq("trace", "build/release", row["id"], "--json", folder=built)
    assert stages_of(whole.json)[-2:] == ["filter", "split"] and "built from" in whole.err
    shutil.copytree(built / "build/release", tmp_path / "release")
    alone = audiomcq("trace", "release", row["id"], "--json", folder=tmp_path)
    assert alone.code == 0, alone.err
    shown = alone.json["items"][0]["row"]
    assert (shown["id"], shown["votes"], shown["scores"]) == (row["id"], row["votes"], row["scores"])
    assert "{{ question }}" in alone.json["prompts"]["judge"] or "question" in alone.json["prompts"]["judge"]
    told = audiomcq("trace", "release", row["id"], folder=tmp_path).out
    assert "\nvotes:\n" in told and "\ngrades:\n" in told and "── prompt judge, as the recipe has it" in told


def test_release_on_the_hub_is_traced(
    built: Path, tmp_path: Path, hub_server: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be shown without the journal is shown, of a part of an id as well."""
    upload(hub_server, f"{ORG}/traced", built / "build/release")
    for name, value in hub_server.env().items():
        monkeypatch.setenv(name, value)
    row = kept(built)[0]
    ended = spawn("trace", f"{ORG}/traced", row["id"].removeprefix("AudioCaps:"), "--json", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert json.loads(json.dumps(row["votes"])) == ended.json["items"][0]["row"]["votes"]
    assert ended.json["prompts"]
