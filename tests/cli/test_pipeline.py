"""A whole corpus from the command line, over real HTTP: what it leaves behind, and that nothing is done twice."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from audiomcq_cli.answers import parse_answer
from tests.cli import JUDGES, audiomcq, hash_tree, spawn, write_audiocaps, write_recipe, write_tones
from tests.servers.process import RunningServer
from tests.servers.replies import Manner
from tests.servers.scripted import running_scripted

STAGES = ("caption", "generate", "verify", "cot", "filter", "split")
SOUNDS = ("A dog barks", "Rain falls", "A bell rings")
CAPTIONS = [f"{what} {how}" for what in SOUNDS for how in ("far off", "close by")]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose graders are hard to please, so that some questions are rejected."""
    with running_scripted(manner=Manner(quality=0.6, know=0.5)) as server:
        yield server


def write_corpus(folder: Path, server: RunningServer) -> Path:
    """Write two sources and their recipe."""
    write_tones(folder / "tones", 4)
    write_audiocaps(folder / "captions.csv", CAPTIONS)
    stages = '[generate]\nquestions_per_clip = 2\n\n[split]\nplan = "mixed-to-mixed"\n'
    return write_recipe(
        folder / "recipe.toml", server.base_url, sources="folder:tones,audiocaps:captions.csv", stages=stages
    )


@pytest.fixture(scope="module")
def built(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``run`` has built everything; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, server)
    ended = spawn("run", "recipe.toml", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The kept rows of a stage folder."""
    return pl.read_parquet(folder / "*.parquet").to_dicts()


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a stage folder."""
    manifest: dict[str, Any] = json.loads((folder / ".audiomcq/manifest.json").read_text())
    return manifest


@pytest.mark.parametrize("stage", STAGES)
def test_stage_folders_open_anywhere(stage: str, built: Path, tmp_path: Path) -> None:
    """``datasets`` and ``polars`` open a stage folder and see its kept rows, and only those."""
    import datasets

    folder = built / "build" / stage
    assert all(path.name.startswith("part-") for path in folder.iterdir() if path.name != ".audiomcq")
    key = "clip_id" if stage == "caption" else "id"
    kept = pl.scan_parquet(folder / "*.parquet").collect()[key].to_list()
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path))
    assert list(loaded[key]) == kept
    manifest = manifest_of(folder)
    assert len(kept) == len(set(kept)) == manifest["totals"]["rows"] == manifest["totals"]["items"]["kept"]
    rejects = pl.read_parquet(folder / ".audiomcq/rejects/*.parquet")
    assert not set(kept) & set(rejects["id"])
    assert manifest["totals"]["items"]["in"] == len(kept) + len(rejects)


def test_some_rows_are_rejected(built: Path) -> None:
    """The corpus of these tests has rejects, so that the test above tells kept rows from others."""
    assert manifest_of(built / "build/verify")["totals"]["items"]["rejected"] > 0


def test_release_opens_anywhere(built: Path, tmp_path: Path) -> None:
    """``datasets`` opens every config of the release by its name, and each holds the rows of its name."""
    import datasets

    release = built / "build/release"
    split = {row["id"]: row for row in rows_of(built / "build/split")}
    names = datasets.get_dataset_config_names(str(release))
    wanted = {"all": set(split)}
    for column, values in (("subset", ("sft", "rl")), ("audio_contribution", ("weak", "strong"))):
        wanted |= {value: {id_ for id_, row in split.items() if row[column] == value} for value in values}
    assert set(names) == {name for name, ids in wanted.items() if ids}
    for name in names:
        loaded = datasets.load_dataset(str(release), name, split="train", cache_dir=str(tmp_path))
        assert len(loaded) == len(wanted[name])
        assert set(loaded["id"]) == wanted[name], name
    assert set(pl.scan_parquet(release / "data/**/*.parquet").collect()["id"]) == set(split)


def test_status_of_a_whole_corpus(built: Path) -> None:
    """Status tells labels by type, what all stages spent together, and that the release is that of the split."""
    rows = rows_of(built / "build/split")
    ended = audiomcq("status", "build", "--json", folder=built)
    stages = {one["stage"]: one for one in ended.json["stages"]}
    assert [one["state"] for one in stages.values()] == ["done"] * len(STAGES)
    for label in ("weak", "strong"):
        counted = sum(counts[label] for counts in stages["split"]["labels"].values())
        assert counted == sum(row["audio_contribution"] == label for row in rows)
    assert ended.json["totals"]["calls"]["writer"] == sum(one["calls"].get("writer", 0) for one in stages.values())
    [release] = ended.json["releases"]
    assert (release["version"], release["rows"], release["state"]) == ("1.2.0", len(rows), "current")
    told = audiomcq("status", "build", folder=built).err
    assert "all stages: " in told and "Labels in split" in told
    assert f"release: tiny 1.2.0, {len(rows)} rows; built of split as it is now" in told


@pytest.mark.parametrize("stage", STAGES[1:])
def test_answer_is_the_choice_of_its_index(stage: str, built: Path) -> None:
    """The answer is the text of the choice that answer_index names, in every stage and in the release."""
    rows = rows_of(built / "build" / stage)
    assert rows
    for row in rows:
        assert row["choices"][row["answer_index"]] == row["answer"]
        assert len(set(row["choices"])) == 4


def test_label_is_traced_to_raw_replies(built: Path) -> None:
    """A trace shows for every vote the judge's raw reply, whose option is the vote, and the label is what they say."""
    labels = set()
    for row in rows_of(built / "build/filter")[:4]:
        ended = audiomcq("trace", "build/filter", row["id"], "--json", folder=built)
        assert ended.code == 0, ended.err
        assert [step["stage"] for step in ended.json["steps"]] == ["caption", "generate", "verify", "cot", "filter"]
        step = ended.json["steps"][-1]
        replies = {one["key"]: one for one in step["tries"]}
        assert [vote["judge"] for vote in row["votes"]] == list(JUDGES)
        for vote in row["votes"]:
            one = replies[vote["call"]]
            assert (one["model"], one["prompt"]) == (vote["judge"], "judge")
            assert parse_answer(one["reply"], row["choices"]) == vote["chosen"]
            assert vote["status"] == ("right" if vote["chosen"] == row["answer_index"] else "wrong")
            assert row["question"] in one["turns"][-1][1]
        right = sum(vote["status"] == "right" for vote in row["votes"])
        assert row["audio_contribution"] == ("weak" if right >= 2 else "strong")
        assert {call["key"] for call in row["calls"]} <= {
            one["key"] for step in ended.json["steps"] for one in step["tries"]
        } | {call["key"] for call in row["calls"] if call["stage"] == "caption"}
        labels.add(row["audio_contribution"])
    assert labels


def test_trace_for_people(built: Path) -> None:
    """Without --json a trace is text: stages, the question, prompts, raw replies, votes and the label."""
    row = rows_of(built / "build/split")[0]
    ended = audiomcq("trace", "build/split", row["id"], folder=built)
    assert ended.code == 0, ended.err
    assert ended.out.count(f"question: {row['question']}\n") == 1
    assert ended.out.count(f"\n  * {row['answer']}\n") == 1
    assert f"══ filter · {row['id']} · kept" in ended.out
    assert "── judge → judge2 · " in ended.out
    vote = row["votes"][2]
    shown = re.findall(r"^  judge3 +silence\S* +[A-D] [A-D] [A-D] [A-D] +(\w+) +(.+)$", ended.out, re.MULTILINE)
    assert shown == [(vote["status"], row["choices"][vote["chosen"]])]
    assert ended.out.count("\nvotes:\n") == 1
    for score in row["scores"]:
        assert re.search(rf"^  {score['grader']} +{score['dimension']} +{score['score']}  ", ended.out, re.MULTILINE)
    assert f"caption: {row['captions'][0]['text']} ({row['captions'][0]['origin']})\n" in ended.out
    assert f"\nsubset: {row['subset']}\n" in ended.out
    assert f"audio contribution: {row['audio_contribution']}" in ended.out


def test_rejected_row_is_traced(built: Path) -> None:
    """A row that a grader dropped is traced as well, to the reply that says why."""
    rejects = pl.read_parquet(built / "build/verify/.audiomcq/rejects/*.parquet").to_dicts()
    reject = next(row for row in rejects if row["calls"])
    ended = audiomcq("trace", "build/verify", reject["id"], "--json", folder=built)
    assert ended.code == 0, ended.err
    step = ended.json["steps"][-1]
    assert (step["outcome"], step["reason"]) == ("rejected", reject["reason"])
    assert reject["raw_reply"] in [one["reply"] for one in step["tries"]]


def test_row_that_was_dropped_before_is_traced_from_a_later_folder(built: Path) -> None:
    """Asked of the folder that lacks it, an item is followed from the stage that dropped it."""
    rejects = pl.read_parquet(built / "build/verify/.audiomcq/rejects/*.parquet").to_dicts()
    name = next(row["id"] for row in rejects if row["calls"])
    for folder in ("build/filter", "build/split"):
        ended = audiomcq("trace", folder, name, "--json", folder=built)
        assert ended.code == 0, ended.err
        assert [step["stage"] for step in ended.json["steps"]] == ["caption", "generate", "verify"]


def test_row_that_split_left_out_is_traced(built: Path, tmp_path: Path) -> None:
    """Split asks nobody, but what it rejects is told with its reason."""
    divided = str(tmp_path / "divided")
    command = ("split", "build/filter", divided, "--plan", "mixed-to-strong", "--sft-share", "0.01")
    assert audiomcq(*command, folder=built).code == 0
    rejects = pl.read_parquet(tmp_path / "divided/.audiomcq/rejects/*.parquet").to_dicts()
    ended = audiomcq("trace", divided, rejects[0]["id"], "--json", folder=built)
    last = ended.json["steps"][-1]
    assert (last["stage"], last["outcome"], last["reason"]) == ("split", "rejected", rejects[0]["reason"])


def test_prompts_that_would_go_unused_are_refused(built: Path, tmp_path: Path) -> None:
    """A folder of prompts that is not there, or a prompt whose name no stage has, ends before anything is asked."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "questin.toml").write_text("")
    for folder, told in (
        (tmp_path / "none", "no such folder of prompts"),
        (tmp_path / "mine", "no stage has a prompt"),
    ):
        command = (
            "generate",
            "build/caption",
            str(tmp_path / "out"),
            "--recipe",
            "recipe.toml",
            "--prompts",
            str(folder),
        )
        ended = audiomcq(*command, folder=built)
        assert ended.code == 3 and told in ended.err
        assert not (tmp_path / "out").exists()


def test_second_run_does_nothing(built: Path, server: RunningServer) -> None:
    """Run again, every stage says that there is nothing to do, the server hears nothing and no byte changes."""
    before = hash_tree(built)
    server.reset()
    ended = audiomcq("run", "recipe.toml", "--json", folder=built)
    assert ended.code == 0, ended.err
    assert ended.err.count("(nothing to do, ") == len(STAGES)
    assert [one["redone"] for one in ended.json["stages"]] == [0] * len(STAGES)
    assert server.stats()["received"] == 0
    assert hash_tree(built) == before


def test_replay_rebuilds_the_same_bytes(built: Path, server: RunningServer, tmp_path: Path) -> None:
    """With nothing but sources and journals, --replay makes every stage folder anew, byte for byte, calling nobody."""
    folder = tmp_path / "corpus"
    shutil.copytree(built, folder)
    for name in (*STAGES, "release"):
        shutil.rmtree(folder / "build" / name)
    server.reset()
    ended = audiomcq("run", "recipe.toml", "--replay", folder=folder)
    assert ended.code == 0, ended.err
    assert server.stats()["received"] == 0
    assert hash_tree(folder) == hash_tree(built)


def test_the_recipe_of_a_release_makes_it_again(built: Path, server: RunningServer, tmp_path: Path) -> None:
    """In a copy of a release the recipe runs once the places of its sources are filled in; what is made is the same.

    Until then the run stops at the line of the first place, and nothing is written, neither then nor into the copy.
    """
    copy = shutil.copytree(built / "build/release", tmp_path / "copy")
    before = hash_tree(copy)
    recipe = copy / "recipe.toml"
    text = recipe.read_text("utf-8")
    assert str(built) not in text and str(tmp_path) not in text
    for name in ("tones", "captions.csv"):
        ended = audiomcq("run", recipe, folder=tmp_path)
        line = next(number for number, line in enumerate(text.split("\n"), 1) if '"FILL-IN/' in line)
        assert ended.code == 4 and f"copy/recipe.toml, line {line}, key sources." in ended.error
        assert f"in place of FILL-IN/{name}" in ended.error.partition("hint:")[2]
        text = text.replace(f"FILL-IN/{name}", str(built / name))
        recipe.write_text(text, "utf-8")
    server.reset()
    ended = audiomcq("run", recipe, "--replay", "--reuse", built / "build", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert server.stats()["received"] == 0
    rebuilt = hash_tree(tmp_path / "rebuilt/release")
    data = {path: digest for path, digest in before.items() if str(path).startswith("data/")}
    assert data and data == {path: digest for path, digest in rebuilt.items() if str(path).startswith("data/")}
    assert {path: digest for path, digest in hash_tree(copy).items() if str(path) != "recipe.toml"} == {
        path: digest for path, digest in before.items() if str(path) != "recipe.toml"
    }


def test_names_of_folders_are_taken_literally(built: Path, tmp_path: Path) -> None:
    """A work folder whose name looks like a pattern, a column or an address is read and written, and none beside it."""
    name, beside = "a=b/v[1]/q?x *y/%41 ünï/s3:z", "a=b/v1/qzx zy/%41 ünï/s3:z"
    folder = tmp_path / "corpus"
    shutil.copytree(built, folder, ignore=shutil.ignore_patterns("build"))
    shutil.copytree(built / "build/journal", folder / name / "journal")
    shutil.copytree(built / "build", folder / beside)
    for path in (folder / beside).rglob("*.parquet"):
        path.write_bytes(b"of somebody else")
    ended = audiomcq("run", "recipe.toml", "--replay", "--workdir", name, folder=folder)
    assert ended.code == 0, ended.err
    for stage in (*STAGES, "release/data"):
        before, now = built / "build" / stage, folder / name / stage
        files = [path.relative_to(before) for path in before.rglob("*.parquet") if "prepared" not in path.name]
        assert files
        for file in files:
            if stage != "release/data":
                assert (now / file).read_bytes() == (before / file).read_bytes(), file
            assert (now / file).is_file(), file


@pytest.mark.check
def test_single_commands_give_the_same_bytes(built: Path, server: RunningServer, tmp_path: Path) -> None:
    """The commands one by one make what ``run`` makes."""
    write_corpus(tmp_path, server)
    source: tuple[str, ...] = ()
    for name in STAGES:
        ended = audiomcq(name, *source, f"build/{name}", "--recipe", "recipe.toml", folder=tmp_path)
        assert ended.code == 0, ended.err
        source = (f"build/{name}",)
    ended = audiomcq("publish", *source, "build/release", "--recipe", "recipe.toml", folder=tmp_path)
    assert ended.code == 0, ended.err
    for name in (*STAGES, "release"):
        assert hash_tree(tmp_path / "build" / name) == hash_tree(built / "build" / name), name


def test_publish_embeds_the_audio_of_a_source(built: Path, tmp_path: Path) -> None:
    """Flags count more than the recipe: clips of a source that is named have audio, and the others are counted."""
    command = ("publish", str(built / "build/split"), "release", "--recipe", str(built / "recipe.toml"), "--json")
    ended = audiomcq(*command, "--audio", "embed", "--redistribute", "tones", folder=tmp_path)
    assert ended.code == 0, ended.err
    rows = pl.read_parquet(tmp_path / "release/data/*/*.parquet").to_dicts()
    for row in rows:
        if row["source_dataset"] == "tones":
            assert row["audio"]["bytes"] == (built / "tones" / row["audio_path"]).read_bytes()
        else:
            assert row["audio"] is None
    clips = {
        name: len({row["clip_id"] for row in rows if row["source_dataset"] == name}) for name in ("tones", "AudioCaps")
    }
    assert json.loads(ended.out)["release"]["audio"] == {
        "embedded": [{"source": "tones", "license": "", "clips": clips["tones"]}],
        "withheld": [{"source": "AudioCaps", "license": "", "reason": "no_audio", "clips": clips["AudioCaps"]}],
    }
    assert f"audio: {clips['tones']} of {sum(clips.values())} clips embedded" in ended.err
    assert f"not embedded: {clips['AudioCaps']} of AudioCaps: there was no audio when it was captioned" in ended.err
    again = audiomcq(*command, "--audio", "embed", "--redistribute", "tones", folder=tmp_path)
    assert json.loads(again.out)["release"]["changed"] is False
    assert audiomcq(*command, "--audio", "copy", folder=tmp_path).code == 4


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls by stage and model: as a dry run said, and as the run then sent them."""

    said: dict[str, dict[str, int]]
    sent: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    """A dry run and then the run, with graders that reject nothing."""
    folder = tmp_path_factory.mktemp("rehearsed")
    with running_scripted(manner=Manner(quality=1.0)) as server:
        write_audiocaps(folder / "captions.csv", CAPTIONS)
        write_tones(folder / "tones", 1)
        write_recipe(folder / "recipe.toml", server.base_url, sources="folder:tones,audiocaps:captions.csv")
        before = hash_tree(folder)
        dry = audiomcq("run", "recipe.toml", "--dry-run", "--json", folder=folder)
        assert dry.code == 0, dry.err
        assert (hash_tree(folder), server.stats()["received"]) == (before, 0), "a dry run calls and writes nothing"
        ran = audiomcq("run", "recipe.toml", "--json", folder=folder)
        assert ran.code == 0, ran.err
        assert sum(one["items"]["rejected"] for one in ran.json["stages"][:5]) == 0
        again = audiomcq("run", "recipe.toml", "--dry-run", "--json", folder=folder)
        assert [one["calls"] for one in again.json["dry_run"]] == [{}] * len(STAGES), "the journal has it all"
    return Counts(
        {one["stage"]: one["calls"] for one in dry.json["dry_run"]},
        {one["stage"]: one["calls"] for one in ran.json["stages"]},
    )


@pytest.mark.parametrize("stage", ["generate", "verify", "cot", "filter"])
def test_dry_run_counts_what_is_sent(stage: str, counts: Counts) -> None:
    """A dry run calls and writes nothing; where nothing is rejected, a run then sends just what it said."""
    assert counts.said[stage] == counts.sent[stage]


def test_dry_run_counts_what_is_listened_to(counts: Counts) -> None:
    """Clips that would be probed are counted, by the name of the analysis."""
    assert counts.said["caption"] == {"probe": 1}


def test_changed_prompt_redoes_what_follows(built: Path, server: RunningServer, tmp_path: Path) -> None:
    """A prompt of one's own redoes its stage and those after it, and pays for nothing else."""
    folder = tmp_path / "corpus"
    shutil.copytree(built, folder)
    (folder / "mine").mkdir()
    text = (Path(__file__).parent.parent.parent / "prompts/judge.toml").read_text().replace("Please choose", "Choose")
    (folder / "mine/judge.toml").write_text(text)
    recipe = (folder / "recipe.toml").read_text().replace('version = "1.2.0"', 'version = "1.2.0"\nprompts = "mine"')
    (folder / "recipe.toml").write_text(recipe)
    server.reset()
    ended = audiomcq("run", "recipe.toml", "--json", folder=folder)
    assert ended.code == 0, ended.err
    assert [one["redone"] for one in ended.json["stages"]][:5] == [0, 0, 0, 0, 1]
    assert set(server.stats()["received_by_name"]) == {"judge"}
