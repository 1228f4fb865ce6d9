"""What the commands do with their arguments, flags and recipe, beyond what a whole run shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audiomcq_cli.cli.commands.stages import parse_numbers
from audiomcq_cli.cli.console import printable
from audiomcq_cli.errors import RecipeError
from tests.cli import NOWHERE, audiomcq, write_audiocaps, write_recipe, write_tones
from tests.servers.process import RunningServer


def ids(folder: Path) -> list[str]:
    """Ids of the clips in a folder."""
    import polars as pl

    return pl.read_parquet(folder / "*.parquet")["clip_id"].to_list()


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", {3}), ("3,7", {3, 7}), ("0-2", {0, 1, 2}), ("0-1,5,7-8", {0, 1, 5, 7, 8}), ("2-2", {2})]
)
def test_shard_numbers(text: str, numbers: set[int]) -> None:
    """Single numbers and ranges, with commas between."""
    assert parse_numbers(text) == frozenset(numbers)


@pytest.mark.parametrize("text", ["", "a", "1,", "3-1", "-1", "1-", "1--2", "0-100000000000", "1.5", " ", "²"])
def test_bad_shard_numbers(text: str) -> None:
    """Everything else is refused, before a great many numbers are made."""
    with pytest.raises(RecipeError, match="expected numbers such as 0-15 or 3,7"):
        parse_numbers(text)


def test_printable() -> None:
    """What steers a terminal or turns the order of characters round is shown, words in any script are left alone."""
    assert printable("a\x1b[1m\tb\nc\r\x9b ünd 音 \u202e\u05d0") == "a\\x1b[1m\tb\nc\\r\\x9b ünd 音 \\u202e\u05d0"


def write_captions(folder: Path, count: int) -> None:
    """Write a ``folder`` source without its audio: nothing is listened to."""
    folder.mkdir()
    rows = [f"tone{n}.wav,A tone of pitch {n} hums" for n in range(count)]
    (folder / "captions.csv").write_text("\n".join(["file_name,caption_1", *rows]) + "\n")


def test_sources_of_the_command_line(tmp_path: Path) -> None:
    """caption takes several sources, one of which may be limited and named."""
    write_captions(tmp_path / "tones", 2)
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", "Rain falls"])
    ended = audiomcq("caption", "folder:tones", "audiocaps:a.csv", "clips", "--limit", "1", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert ids(tmp_path / "clips") == ["tones:tone0.wav", "AudioCaps:video000000_0"]


def test_source_options_on_the_command_line(tmp_path: Path) -> None:
    """Name, audio and license of a source can be given as flags."""
    import polars as pl

    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    write_tones(tmp_path / "audio", 1)
    (tmp_path / "audio/tone0.wav").rename(tmp_path / "audio/video000000_0.wav")
    flags = ("--name", "Mine", "--audio", "audio", "--license", "CC0-1.0")
    ended = audiomcq("caption", "audiocaps:a.csv", "clips", *flags, folder=tmp_path)
    assert ended.code == 0, ended.err
    [row] = pl.read_parquet(tmp_path / "clips/*.parquet").to_dicts()
    assert (row["clip_id"], row["audio_path"], row["license"]) == ("Mine:video000000_0", "video000000_0.wav", "CC0-1.0")
    assert row["duration"] == 0.25


def test_sources_of_the_recipe(http: RunningServer, tmp_path: Path) -> None:
    """Without a source on the command line caption reads those of the recipe, and --limit limits each."""
    write_captions(tmp_path / "tones", 2)
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", "Rain falls"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="folder:tones,audiocaps:a.csv")
    ended = audiomcq("caption", "clips", "--recipe", "recipe.toml", "--limit", "1", folder=tmp_path)
    assert ended.code == 0, ended.err
    assert len(ids(tmp_path / "clips")) == 2


def test_shards_in_turn(tmp_path: Path) -> None:
    """--shards works a part; the manifest is written by the run that finds all of them."""
    write_audiocaps(tmp_path / "a.csv", [f"Dog {n} barks" for n in range(9)])
    line = ("caption", "audiocaps:a.csv", "clips", "--shard-count", "3", "--json")
    first = audiomcq(*line, "--shards", "0,2", folder=tmp_path)
    assert first.code == 6
    assert "1 of 3 shards are not there yet" in first.error
    assert first.json["stages"][0]["missing"] == 1
    assert not (tmp_path / "clips/.audiomcq/manifest.json").exists()
    second = audiomcq(*line, "--shards", "1", folder=tmp_path)
    assert second.code == 0, second.err
    assert second.json["stages"][0]["items"]["in"] == 9
    assert (tmp_path / "clips/.audiomcq/manifest.json").exists()


def test_run_stops_where_it_is_told(http: RunningServer, tmp_path: Path) -> None:
    """--until ends after a stage, --limit takes the first clips, --workdir builds elsewhere."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", "Rain falls", "A bell rings"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    line = ("run", "recipe.toml", "--until", "generate", "--limit", "2", "--workdir", "there/it/is", "--json")
    ended = audiomcq(*line, folder=tmp_path)
    assert ended.code == 0, ended.err
    assert [(one["stage"], one["items"]["in"]) for one in ended.json["stages"]] == [("caption", 2), ("generate", 2)]
    assert sorted(path.name for path in (tmp_path / "there/it/is").iterdir()) == ["caption", "generate", "journal"]
    assert not (tmp_path / "build").exists()


def test_run_without_a_recipe(tmp_path: Path) -> None:
    """Sources named on the command line are enough: the default recipe makes of them what it can, in ./build."""
    write_captions(tmp_path / "tones", 2)
    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    ended = audiomcq(
        "run",
        "--source",
        "folder:tones",
        "--source",
        "audiocaps:a.csv",
        "--until",
        "caption",
        "--json",
        folder=tmp_path,
    )
    assert ended.code == 0, ended.err
    assert [(one["stage"], one["items"]["kept"]) for one in ended.json["stages"]] == [("caption", 3)]
    assert {name.partition(":")[0] for name in ids(tmp_path / "build/caption")} == {"tones", "AudioCaps"}


def test_sources_on_the_command_line_replace_those_of_the_recipe(tmp_path: Path) -> None:
    """With --source a recipe's own sources are not read; everything else of it counts."""
    write_captions(tmp_path / "tones", 2)
    write_recipe(
        tmp_path / "recipe.toml", NOWHERE, sources="audiocaps:none.csv", stages="[caption]\nrequire_audio = true\n"
    )
    line = ("run", "recipe.toml", "--source", "folder:tones", "--until", "caption", "--json")
    ended = audiomcq(*line, folder=tmp_path)
    assert ended.json["stages"][0]["reasons"]["rejected"] == {"audio_missing": 2}


def test_flag_counts_more_than_the_recipe(http: RunningServer, tmp_path: Path) -> None:
    """A stage's flag overrides the recipe's table; the recipe's other keys stay."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    stages = '[generate]\nquestions_per_clip = 1\ndifficulty = "hard"\n'
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv", stages=stages)
    assert audiomcq("caption", "clips", "--recipe", "recipe.toml", folder=tmp_path).code == 0
    line = ("generate", "clips", "out", "--recipe", "recipe.toml", "--questions-per-clip", "2", "--seed", "5")
    ended = audiomcq(*line, folder=tmp_path)
    assert ended.code == 0, ended.err
    [step] = json.loads((tmp_path / "out/.audiomcq/manifest.json").read_text())["lineage"][1:]
    assert (step["options"]["questions_per_clip"], step["options"]["difficulty"], step["seed"]) == (2, "hard", 5)


def test_export(http: RunningServer, tmp_path: Path) -> None:
    """An export is written whole or not at all, and says how much it wrote."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", "Rain falls"])
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    assert audiomcq("run", "recipe.toml", "--until", "generate", folder=tmp_path).code == 0
    refused = audiomcq("export", "audiomcq", "build/generate", "out", "--cot", "both", folder=tmp_path)
    assert refused.code == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "build", "recipe.toml"]
    ended = audiomcq("export", "audiomcq", "build/generate", "out", "--json", folder=tmp_path)
    counts = {"rows": 2, "written": 2, "left_out": {}, "records": 2}
    report = {"format": "audiomcq", "folder": "out", **counts, "current": False, "cause": ""}
    assert ended.json == {"export": report}
    assert "2 records in out" in ended.err
    again = audiomcq("export", "audiomcq", "build/generate", "out", "--json", folder=tmp_path)
    assert again.json == {"export": report | {"current": True}}
    assert "out holds this export already: 2 records; nothing to do" in again.err
    records = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]
    assert [record["source_dataset"] for record in records] == ["AudioCaps", "AudioCaps"]


def test_what_changed_of_the_sources_is_said(tmp_path: Path) -> None:
    """Sources that came, went, hold something else or are cut elsewhere are each named where caption is done again."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks", "Rain falls"])
    write_captions(tmp_path / "tones", 2)

    def told(*arguments: str) -> str:
        ended = audiomcq("caption", *arguments, "clips", "--take-over", folder=tmp_path)
        assert ended.code == 0, ended.err
        return next((line for line in ended.err.splitlines() if "again: " in line), "").partition("again: ")[2]

    assert told("audiocaps:a.csv") == ""
    assert told("audiocaps:a.csv", "folder:tones") == "source tones added"
    assert told("audiocaps:a.csv", "folder:tones", "--limit", "1").count("limit none → 1") == 2
    assert told("audiocaps:a.csv", "folder:tones").count("limit 1 → none") == 2
    write_audiocaps(tmp_path / "a.csv", ["A cat meows", "Rain falls"])
    assert told("audiocaps:a.csv", "folder:tones") == "file of source AudioCaps changed"
    assert told("audiocaps:a.csv") == "source tones removed"


def test_status_names_two_folders_of_a_stage(tmp_path: Path) -> None:
    """Folders that are not called as their stage are told apart by their names."""
    write_audiocaps(tmp_path / "a.csv", ["A dog barks"])
    for name in ("caption", "clips2"):
        assert audiomcq("caption", "audiocaps:a.csv", f"build/{name}", folder=tmp_path).code == 0
    told = audiomcq("status", "build", folder=tmp_path).err
    assert "caption (clips2) " in told and "│ caption  " in told
