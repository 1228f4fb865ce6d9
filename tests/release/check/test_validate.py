"""Tests of ``release/check/validate.py`` and the checks behind it: it finds each kind of damage, and else nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]  # no stubs among the dependencies

from audiomcq_cli.records import CLIP, REJECT, RELEASED, arrow_schema
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.check.validate import KEPT, Report, validate
from audiomcq_cli.release.tree import open_tree
from audiomcq_cli.storage.files import hash_file
from audiomcq_cli.storage.manifest import manifest_path
from audiomcq_cli.storage.shards import ShardWriter
from tests.release.conftest import INFO, embed_tones, refresh, released_row, rewrite, upload, write_stage, write_tone
from tests.servers.hub import ORG, RunningHub

WEAK, STRONG = "data/sft/weak-00000-of-00001.parquet", "data/rl/strong-00000-of-00001.parquet"
PART = "part-00000-of-00001.parquet"
RULE = {"weak_at": 1, "judges": ["judge_a"]}
Harm = Callable[[Path], None]


def check(place: Path | str, **options: Any) -> Report:
    return validate(open_tree(place), lambda _: RELEASED, **options)


def lines(report: Report) -> list[str]:
    return [str(problem) for problem in report.problems]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of split with six weak and six strong questions and a rule, and its release; tests leave it as it is."""
    place = tmp_path_factory.mktemp("whole")
    rows = [released_row(n, *(("sft", "weak") if n % 2 else ("rl", "strong"))) for n in range(12)]
    folder = write_stage(place / "split", rows)
    manifest = json.loads(manifest_path(folder).read_text())
    manifest["lineage"][1]["options"] |= RULE
    manifest_path(folder).write_text(json.dumps(manifest))
    build_release(folder, place / "release", INFO)
    return place


@pytest.fixture
def split(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole / "split", tmp_path / "split")


@pytest.fixture
def release(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole / "release", tmp_path / "release")


# ------------------------------------------------------------------------------------------------------- releases


def test_a_whole_release(release: Path) -> None:
    """Nothing is found, and all rows were looked at; texts for people may be added to."""
    for name in ("README.md", "CHANGELOG.md"):
        with (release / name).open("a") as file:
            file.write("\nMore about it.\n")
    report = check(release)
    assert lines(report) == []
    assert (report.kind, report.version, report.files, report.rows, report.heard) == ("release", "1.2.0", 2, 12, 0)


def test_a_proof_that_proves(release: Path) -> None:
    """Nothing is found in a row whose key follows from its proof."""
    alter(prove(4.2, "4.2s", "3.0s", "1.2s", "9.0s"))(release)
    assert [line for line in lines(check(release)) if "proof" in line] == []


def test_a_whole_release_with_audio(release: Path) -> None:
    """Every row is heard, or as many as are asked for, or none."""
    embed_tones(release)
    report = check(release)
    assert (lines(report), report.heard) == ([], 12)
    assert check(release, sample=5).heard == 5
    assert check(release, audio=False).heard == 0


def test_a_whole_release_on_the_hub(hub: RunningHub, release: Path) -> None:
    """It is read there as here, without downloading a data file for its hash."""
    embed_tones(release)
    upload(hub, f"{ORG}/whole", release)
    report = check(f"{ORG}/whole", sample=2)
    assert (lines(report), report.rows, report.heard) == ([], 12, 2)


def edit(column: str, change: Callable[[Any], Any], *, path: str = WEAK, row: int = 0) -> Harm:
    """Damage of one cell, which the manifest knows of."""

    def alter(table: pa.Table) -> pa.Table:
        place = table.column_names.index(column)
        values = table[column].to_pylist()
        values[row] = change(values[row])
        return table.set_column(place, table.schema.field(column), pa.array(values, table.schema.field(column).type))

    return lambda folder: rewrite(folder, path, alter)


def alter(change: Callable[[Any], Any], path: str = WEAK, **how: Any) -> Harm:
    return lambda folder: rewrite(folder, path, change, **how)


def edit_manifest(change: Callable[[dict[str, Any]], None]) -> Harm:
    def harm(folder: Path) -> None:
        manifest = json.loads(manifest_path(folder).read_text())
        change(manifest)
        manifest_path(folder).write_text(json.dumps(manifest))

    return harm


def edit_card(change: Callable[[dict[str, Any]], None]) -> Harm:
    def harm(folder: Path) -> None:
        _, front, text = (folder / "README.md").read_text().split("---\n", 2)
        data = yaml.safe_load(front)
        change(data)
        (folder / "README.md").write_text(f"---\n{yaml.safe_dump(data)}---\n{text}")

    return harm


def write(path: str, text: str | bytes) -> Harm:
    def harm(folder: Path) -> None:
        (folder / path).write_bytes(text.encode() if isinstance(text, str) else text)

    return harm


def cut(size: int, end: bytes = b"") -> Harm:
    """The weak rows' file without its last bytes, and others in their place."""
    return lambda folder: write(WEAK, (folder / WEAK).read_bytes()[:-size] + end)(folder)


def vote(**values: Any) -> Callable[[Any], Any]:
    return lambda votes: [votes[0] | values, *votes[1:]]


def prove(onset: float, *choices: str) -> Callable[[Any], Any]:
    """A row of a file asks when rain begins, at 4.2 s: its proof says when, its first choice is the answer."""

    def change(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        facts = [
            ("family", None, "begin", "", 0.0),
            ("onset", onset, "rain falling", "s", 0.2),
            ("duration", 10.0, "", "s", 0.0),
        ]
        names = ("name", "value", "text", "unit", "tolerance")
        proof = [dict(zip(names, fact, strict=True)) for fact in facts]
        heard = {"label": "rain falling", "onset": 4.2, "offset": 6.0, "origin": "source"}
        rows[0] |= {"events": [heard], "duration": 10.0, "proof": proof}
        rows[0] |= {"choices": [*choices], "answer": choices[0], "answer_index": 0}
        return pa.Table.from_pylist(rows, schema=table.schema)

    return change


ROWS: list[tuple[str, Harm, str, str]] = [
    ("no value", edit("question", lambda _: None), "row", f"{WEAK}: AudioCaps:1:llm:0: column 'question' has no value"),
    ("answer", edit("answer", lambda _: "hail"), "answer", "answer 'hail' is not choice 0 of"),
    ("index", edit("answer_index", lambda _: 9), "answer", "answer 'rain' is not choice 9 of"),
    ("negative", edit("answer_index", lambda _: -1), "answer", "answer 'rain' is not choice -1 of"),
    ("choices", edit("choices", lambda all: [*all, all[1]]), "choices", "choices are not distinct"),
    ("one choice", edit("choices", lambda all: all[:1]), "choices", "a question has to have choices"),
    ("label", edit("audio_contribution", lambda _: "strong"), "place", "is 'strong', the file's name says 'weak'"),
    ("no label", edit("audio_contribution", lambda _: "maybe"), "row", "audio_contribution is 'maybe'"),
    ("subset", edit("subset", lambda _: "rl"), "place", "subset is 'rl', the file's name says 'sft'"),
    ("clip", edit("source_id", lambda _: "7"), "id", "clip_id 'AudioCaps:1' is not of AudioCaps and 7"),
    ("id", edit("id", lambda _: "x"), "id", "the id is not one of clip AudioCaps:1"),
    ("twin", edit("id", lambda _: "AudioCaps:3:llm:0"), "id", "AudioCaps:3:llm:0: the id is there twice"),
    ("vote", edit("votes", vote(status="wrong")), "votes", "chose 0, which is right, but has the status wrong"),
    ("chosen", edit("votes", vote(chosen=2)), "votes", "chose 2, which is wrong, but has the status right"),
    ("unread", edit("votes", vote(chosen=None)), "votes", "chose None, which is unparsable, but has the status right"),
    ("rule", edit("votes", vote(chosen=1, status="wrong")), "votes", "is weak, and 0 judges right make it strong"),
    (
        "proof",
        alter(prove(4.2, "1.2s", "3.0s", "4.2s", "5.0s")),
        "proof",
        "does not prove the answer: the answer '1.2s'",
    ),
    ("near", alter(prove(4.2, "4.2s", "4.5s", "1.2s", "9.0s")), "proof", "'4.5s' is only 0.3 off '4.2s'"),
    ("number", alter(prove(4.3, "4.3s", "3.0s", "1.2s", "9.0s")), "proof", "is not taken from the events, words and"),
    ("voters", edit("votes", lambda votes: votes * 2), "votes", "2 votes of 1 judges"),
]
"""Damage of a row: how it is called, what it does, the kind of problem and its text."""

FILES: list[tuple[str, Harm, str, str]] = [
    ("gone", lambda folder: (folder / WEAK).unlink(), "files", f"{WEAK}: is not there, and the manifest names it"),
    ("stranger", write("data/sft/more.parquet", "x"), "files", "data/sft/more.parquet: is not in the manifest"),
    ("bytes", cut(1, b"2"), "files", "its hash is another"),
    ("short", cut(9), "parquet", "not a readable Parquet file"),
    ("size", cut(9), "files", "bytes, the manifest says"),
    ("column", alter(lambda table: table.drop_columns("origin")), "schema", "column 'origin' is missing"),
    ("type", alter(lambda table: table.set_column(0, "source_dataset", table["source_dataset"].cast("large_string"))),
     "schema", "column 'source_dataset' is large_string, expected string"),
    ("schemas", alter(lambda table: table.append_column("x", pa.nulls(6))), "schema", "differ from those of"),
    ("pages", alter(lambda table: table, write_page_index=False), "groups", f"{WEAK}: has no page index"),
    ("counts", alter(lambda table: table.slice(1)), "counts", "counts 6 rows of sft, weak, sound; there are 5"),
    ("total", alter(lambda table: table.slice(1)), "counts", "counts 12 rows; there are 11"),
    ("listed", edit_manifest(lambda m: next(file for file in m["files"] if file["rows"]).update(rows=7)), "counts",
     "has 6 rows, the manifest says 7"),
    ("manifest", edit_manifest(lambda m: m.pop("lineage")), "manifest", "'lineage' is a required property"),
    ("odd manifest", edit_manifest(lambda m: m.update(rows="many", counts=[{}], sources=[3])), "manifest", "'many'"),
    ("license", edit_manifest(lambda m: m.update(license="unknown")), "license", "the questions have no license"),
    ("source", edit_manifest(lambda m: m.update(sources=[])), "license", "the source AudioCaps has rows, but"),
    ("croissant", write("croissant.json", "{}"), "json", "croissant.json: $: '@context' is a required property"),
    ("json", write("croissant.json", "{"), "json", "croissant.json: is not JSON"),
    ("no card", lambda folder: (folder / "README.md").unlink(), "card", "README.md: is not there: without it loaders"),
    ("no yaml", write("README.md", "# Hello"), "card", "no YAML between two lines"),
    ("bad yaml", write("README.md", "---\na: [\n---\n"), "card", "its YAML cannot be read"),
    ("no map", write("README.md", "---\n- a\n---\n"), "card", "not one of keys and values"),
    ("card license", edit_card(lambda c: c.update(license="My own")), "card", "license: expected an identifier"),
    ("other", edit_card(lambda c: c.update(license="other")), "card", "license_name: is missing"),
    ("language", edit_card(lambda c: c.update(language=["English"])), "card", "language: 'English' is not a value"),
    ("size", edit_card(lambda c: c.update(size_categories=["10K"])), "card", "size_categories: '10K' is not a value"),
    ("tags", edit_card(lambda c: c.update(tags="audio")), "card", "tags: expected a list of texts"),
    ("no configs", edit_card(lambda c: c.pop("configs")), "card", "configs: expected a list"),
    ("no name", edit_card(lambda c: c["configs"][0].pop("config_name")), "card", "configs[0]: config_name is missing"),
    ("glob", edit_card(lambda c: c["configs"][1]["data_files"][0].update(path="data/x/*")), "card",
     "config rl: no file matches data/x/*"),
    ("split", edit_card(lambda c: c["configs"][1]["data_files"][0].pop("split")), "card", "with split and path"),
    ("two defaults", edit_card(lambda c: c["configs"][1].update(default=True)), "card", "more than one config is the"),
    ("twice", edit_card(lambda c: c["configs"].append(c["configs"][1])), "card", "config rl is there twice"),
    ("uncovered", edit_card(lambda c: c.update(configs=[c["configs"][1]])), "card", f"no config has {WEAK}"),
    ("features", edit_card(lambda c: c["dataset_info"][0]["features"].pop()), "card",
     "dataset_info of all: its features are not the columns of the rows: subset"),
    ("feature", edit_card(lambda c: c["dataset_info"][0]["features"][0].update(dtype="int64")), "card",
     "dataset_info of all: the type of source_dataset differs from the rows"),
    ("no feature", edit_card(lambda c: c["dataset_info"][0].update(features=[{"dtype": 3}])), "card",
     "dataset_info of all: features cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "kind", "what"), [pytest.param(*one[1:], id=one[0]) for one in (*ROWS, *FILES)])
def test_damage_of_a_release_is_found(harm: Harm, kind: str, what: str, release: Path) -> None:
    """Each kind gives a line that names the file, the row and what is wrong."""
    harm(release)
    report = check(release)
    assert [line for line in lines(report) if what in line], lines(report)
    assert report.counts[kind]


def test_a_clip_in_another_shard(tmp_path: Path) -> None:
    """A clip stays in the shard of its id, or a new version would move it."""
    source = write_stage(tmp_path / "split", [released_row(n) for n in range(20)], shards=2)
    build_release(source, tmp_path / "release", INFO)
    data = tmp_path / "release/data/sft"
    data.joinpath("weak-00000-of-00002.parquet").rename(data / "tmp")
    data.joinpath("weak-00001-of-00002.parquet").rename(data / "weak-00000-of-00002.parquet")
    data.joinpath("tmp").rename(data / "weak-00001-of-00002.parquet")
    report = check(tmp_path / "release")
    assert report.counts["shard"] == 20
    assert any(re.search(r"weak-00000-of-00002.parquet: AudioCaps:\d+: belongs into shard 1", x) for x in lines(report))


def test_an_id_in_two_files(release: Path) -> None:
    """Ids are unique over all files of a release."""
    row = pq.read_table(release / WEAK, partitioning=None).slice(0, 1)
    rewrite(release, STRONG, lambda table: pa.concat_tables([table, row]))
    assert f"{WEAK}: AudioCaps:1:llm:0: the id is there twice, also in {STRONG}" in lines(check(release))


def change_bytes(table: pa.Table) -> pa.Table:
    audio = table["audio"].to_pylist()
    audio[2]["bytes"] = audio[1]["bytes"]
    return table.set_column(0, table.schema.field("audio"), pa.array(audio, table.schema.field("audio").type))


def make_noise(table: pa.Table) -> pa.Table:
    """Bytes that are no audio, under their own hash."""
    import hashlib

    rows = table.to_pylist()
    rows[2] |= {"audio": {"bytes": b"no audio", "path": "a"}, "audio_sha256": hashlib.sha256(b"no audio").hexdigest()}
    return pa.Table.from_pylist(rows, schema=table.schema)


def big_groups(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table] * 20)


@pytest.mark.parametrize(
    ("harm", "kind", "what"),
    [
        (alter(change_bytes), "audio", "AudioCaps:5:llm:0: its audio does not have the hash audio_sha256"),
        (alter(make_noise), "audio", "AudioCaps:5:llm:0: its audio does not open"),
        (edit("duration", lambda _: 3.0), "audio", "its audio is 0.50 s long, the row says 3.00 s"),
        (edit("license", lambda _: None), "license", "1 rows of AudioCaps have audio in them whose license"),
        (alter(big_groups, row_group=120), "groups", "row group 0 has 120 rows with audio, more than 100"),
    ],
)
def test_damage_of_audio_is_found(harm: Harm, kind: str, what: str, release: Path) -> None:
    """Bytes, hash, length and license of what is embedded."""
    embed_tones(release)
    harm(release)
    report = check(release)
    assert [line for line in lines(report) if what in line], lines(report)
    assert report.counts[kind]


def test_problems_are_counted_where_they_are_too_many_to_keep(tmp_path: Path) -> None:
    """Memory stays flat however wrong a release is."""
    rows = [released_row(number) for number in range(KEPT + 50)]
    release = tmp_path / "release"
    build_release(write_stage(tmp_path / "split", rows), release, INFO)

    def spoil(table: pa.Table) -> pa.Table:
        place = table.column_names.index("answer")
        return table.set_column(place, "answer", pc.utf8_upper(table["answer"]))

    rewrite(release, WEAK, spoil)
    report = check(release)
    assert (report.total, report.counts["answer"], len(report.problems)) == (KEPT + 50, KEPT + 50, KEPT)


# --------------------------------------------------------------------------------------------------------- stages


def add_rejects(folder: Path, ids: list[str]) -> None:
    """Rejected items, in the rejects file and in the manifest."""
    file = folder / ".audiomcq/rejects" / PART
    file.parent.mkdir(parents=True, exist_ok=True)
    row = dict.fromkeys(REJECT, "") | {"outcome": "rejected", "reason": "dull", "tries": 1, "calls": []}
    with ShardWriter(file, REJECT) as writer:
        for id in ids:
            writer.write(row | {"id": id})
    items = {"in": 12 + len(ids), "kept": 12, "rejected": len(ids), "failed": 0}
    reasons: dict[str, Any] = {"rejected": {"dull": len(ids)}, "failed": {}}
    manifest = json.loads(manifest_path(folder).read_text())
    for entry in (*manifest["shards"], manifest["totals"]):
        entry |= {"items": items, "reasons": reasons}
    manifest_path(folder).write_text(json.dumps(manifest))


def test_a_whole_stage(split: Path) -> None:
    """Nothing is found in what the engine leaves; rejects are counted with the items."""
    add_rejects(split, ["AudioCaps:70:llm:0", "AudioCaps:71:llm:0"])
    report = check(split)
    assert lines(report) == []
    assert (report.kind, report.rows) == ("split", 12)


def edit_shard(**values: Any) -> Harm:
    return edit_manifest(lambda manifest: manifest["shards"][0].update(values))


def rename_rejects(folder: Path) -> None:
    add_rejects(folder, ["AudioCaps:70:llm:0"])
    (folder / ".audiomcq/rejects" / PART).unlink()


def miscount_reasons(folder: Path) -> None:
    add_rejects(folder, ["AudioCaps:70:llm:0"])
    edit_shard(reasons={"rejected": {"boring": 1}, "failed": {}})(folder)


STAGES: list[tuple[str, Harm, str, str]] = [
    ("hash", edit_shard(sha256="0" * 64), "files", f"{PART}: is not the file that the manifest names"),
    ("gone", lambda folder: (folder / PART).unlink(), "files", f"{PART}: is not there"),
    ("stranger", write("notes.json", "[]"), "files", "notes.json: is not in the manifest, and loaders would read it"),
    ("rows", edit_shard(rows=11), "counts", "has 12 rows, the manifest says 11"),
    ("items", edit_shard(items={"in": 13, "kept": 12, "rejected": 0, "failed": 0}), "items",
     "13 items in are not those kept, rejected and failed"),
    ("totals", edit_manifest(lambda m: m["totals"].update(rows=11)), "items", "totals of rows are 11; the shards"),
    ("no rejects", rename_rejects, "rejects", "is not there, and 1 items are counted as not kept"),
    ("reasons", miscount_reasons, "rejects", "its rows are {'rejected': {'dull': 1}"),
    ("both", lambda folder: add_rejects(folder, ["AudioCaps:1:llm:0"]), "id", "1:llm:0: the id is there twice"),
    ("schema", edit_manifest(lambda m: m.pop("audio_roots")), "manifest", "'audio_roots' is a required property"),
    ("answer", edit("answer", lambda _: "hail", path=PART), "answer", "answer 'hail' is not choice 0"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "kind", "what"), [pytest.param(*one[1:], id=one[0]) for one in STAGES])
def test_damage_of_a_stage_is_found(harm: Harm, kind: str, what: str, split: Path) -> None:
    """Shards, items and rejects are those of the manifest."""
    harm(split)
    report = check(split)
    assert [line for line in lines(report) if what in line], lines(report)
    assert report.counts[kind]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A stage folder whose rows name tones that are there."""
    rows = []
    for number in range(6):
        tone = tmp_path / f"audio/{number}.wav"
        write_tone(tone, 0.5, 300 + number)
        rows.append(released_row(number, audio_sha256=hash_file(tone), duration=0.5))
    folder = write_stage(tmp_path / "build/split", rows, audio_roots={"AudioCaps": "../../audio"})
    refresh(folder, PART)
    return folder


def test_audio_of_a_stage(clips: Path, tmp_path: Path) -> None:
    """The files that the rows name are opened, each once, where their folder is there."""
    assert (lines(check(clips)), check(clips).heard, check(clips, sample=2).heard) == ([], 6, 2)
    write_tone(tmp_path / "audio/2.wav", 0.7, 300)
    (tmp_path / "audio/3.wav").unlink()
    report = check(clips)
    assert lines(report) == [
        f"{PART}: AudioCaps:2: its audio does not have the hash audio_sha256",
        f"{PART}: AudioCaps:3: audio '3.wav' cannot be read: No such file or directory",
    ]
    (tmp_path / "audio").rename(tmp_path / "elsewhere")
    assert (lines(check(clips)), check(clips).heard) == ([], 0)


def test_a_path_that_leads_out_is_not_followed(clips: Path) -> None:
    """Rows are not trusted with the files of this machine."""
    edit("audio_path", lambda _: "../recipe.toml", path=PART)(clips)
    assert any("path leads out of its folder" in line for line in lines(check(clips)))


def test_clips_have_ids_of_their_own(tmp_path: Path) -> None:
    """caption writes clips, not questions: the same checks go by clip_id."""
    folder = write_stage(tmp_path / "caption", [released_row(n) for n in (1, 2)], stage="caption")
    clips = [{name: released_row(n).get(name, []) for name in CLIP} for n in (1, 2)]
    table = pa.Table.from_pylist(clips, arrow_schema(CLIP))
    pq.write_table(table, folder / PART, write_page_index=True)
    refresh(folder, PART)
    report = validate(open_tree(folder), lambda _: CLIP)
    assert (lines(report), report.rows) == ([], len(clips))
