"""Tests of ``release/diff/compare.py``, ``diff_rows.py`` and ``diff_text.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt

from audiomcq_cli.contracts import Row
from audiomcq_cli.errors import InputError
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.diff.compare import Change, Diff, compare, open_side
from audiomcq_cli.release.diff.text import as_data, render_markdown, render_text
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.storage.manifest import manifest_path
from tests.release.conftest import INFO, embed_tones, released_row, rewrite, upload, write_stage
from tests.servers.hub import ORG, RunningHub

WEAK, STRONG = "data/sft/weak-00000-of-00001.parquet", "data/rl/strong-00000-of-00001.parquet"


def rows_of(count: int = 12) -> list[Row]:
    return [released_row(n, *(("sft", "weak") if n % 2 else ("rl", "strong"))) for n in range(count)]


def release(folder: Path, rows: Sequence[Row], *, shards: int = 1, version: str = "1.0.0") -> Path:
    """A release of some rows."""
    source = write_stage(folder / "split", rows, shards=shards)
    build_release(source, folder / "release", replace(INFO, version=version))
    return folder / "release"


def change(rows: list[Row]) -> list[Row]:
    """One row more, two fewer, one question changed, one label flipped with its subset."""
    by_id = {row["source_id"]: row for row in rows if row["source_id"] not in ("3", "4")}
    by_id["6"]["question"] = "What else is heard?"
    by_id["5"] |= {"subset": "rl", "audio_contribution": "strong", "votes": released_row(5, "rl", "strong")["votes"]}
    return [*by_id.values(), released_row(99, question_type="music", source_dataset="Clotho")]


def check_change(diff: Diff) -> None:
    """It is the one that ``change`` makes of 12 rows."""
    assert (diff.rows, diff.added, diff.removed, diff.changed) == ((12, 11), 1, 2, 2)
    assert dict(diff.columns) == {"question": 1, "audio_contribution": 1, "subset": 1, "votes": 1}
    assert dict(diff.moved) == {("sft", "rl"): 1}
    assert dict(diff.flipped) == {("weak", "strong"): 1}
    assert diff.counts["source_dataset"] == {"AudioCaps": (12, 10), "Clotho": (0, 1)}
    assert diff.counts["question_type"] == {"music": (0, 1), "sound": (12, 10)}
    assert diff.counts["audio_contribution"] == {"strong": (6, 6), "weak": (6, 5)}
    assert diff.counts["subset"] == {"rl": (6, 6), "sft": (6, 5)}
    assert (diff.schema, diff.configs, diff.breaks) == ({}, {}, [])
    assert diff.added_ids == ["Clotho:99:llm:0"]
    assert sorted(diff.removed_ids) == ["AudioCaps:3:llm:0", "AudioCaps:4:llm:0"]
    [flip] = diff.flips
    assert (flip.id, flip.old, flip.new) == ("AudioCaps:5:llm:0", "weak", "strong")
    assert [vote["status"] for vote in (*flip.old_votes, *flip.new_votes)] == ["right", "wrong"]
    assert Change("AudioCaps:6:llm:0", "question", "What is heard?", "What else is heard?") in diff.changes
    assert Change("AudioCaps:5:llm:0", "subset", "sft", "rl") in diff.changes


@pytest.mark.parametrize("shards", [(1, 1), (4, 4), (1, 4)])
def test_what_changed_between_two_releases(shards: tuple[int, int], tmp_path: Path) -> None:
    """Rows added, removed, changed, moved and flipped, also where the numbers of shards differ."""
    old = release(tmp_path / "old", rows_of(), shards=shards[0])
    new = release(tmp_path / "new", change(rows_of()), shards=shards[1], version="1.1.0")
    diff = compare(open_side(str(old)), open_side(str(new)))
    check_change(diff)
    assert (diff.old_version, diff.new_version) == ("1.0.0", "1.1.0")


def test_between_revisions_of_the_hub(hub: RunningHub, tmp_path: Path) -> None:
    """Two revisions, and a revision and a folder; a file that both have is read on this side."""
    repo = f"{ORG}/diff"
    old, new = release(tmp_path / "old", rows_of(), shards=4), release(tmp_path / "new", change(rows_of()), shards=4)
    first = upload(hub, repo, old)
    upload(hub, repo, new)
    check_change(compare(open_side(f"{repo}@{first}"), open_side(repo)))
    check_change(compare(open_side(f"{repo}@{first}"), open_side(str(new))))
    hub.clear()
    assert not compare(open_side(repo), open_side(str(new))).differs
    read = {entry["path"].rpartition("/data/")[2] for entry in hub.log() if "/data/" in entry["path"]}
    assert read == {open_side(repo).tree.data_files()[0].path.removeprefix("data/")}, "only the schema is read there"


def test_between_folders_of_a_stage(tmp_path: Path) -> None:
    """Stage folders are compared as releases are, by the hashes their files have now."""
    old = write_stage(tmp_path / "old", rows_of(), shards=4)
    new = write_stage(tmp_path / "new", change(rows_of()), shards=4)
    check_change(compare(open_side(str(old)), open_side(str(new))))


def test_nothing_changed(tmp_path: Path) -> None:
    """The same rows in another order and under another version are no difference, and no list is made."""
    old = release(tmp_path / "old", rows_of())
    new = release(tmp_path / "new", rows_of()[::-1], version="9.0.0")
    diff = compare(open_side(str(old)), open_side(str(new)))
    assert not diff.differs
    assert (diff.rows, diff.files) == ((12, 12), (0, 2))
    assert "No differences: 12 rows." in render_text(diff)


def test_lists_are_bounded_and_counts_are_not(tmp_path: Path) -> None:
    """With --rows 1 one row of each kind is listed, with 0 none; the counts are of all."""
    old = release(tmp_path / "old", rows_of(), shards=4)
    changed = [row | {"question": "Which?", "simple_cot": "So."} for row in rows_of()]
    new = release(tmp_path / "new", changed, shards=4)
    for rows in (0, 1):
        diff = compare(open_side(str(old)), open_side(str(new)), rows)
        assert (diff.changed, dict(diff.columns)) == (12, {"question": 12, "simple_cot": 12})
        assert len({one.id for one in diff.changes}) == rows
        assert ("(first 1 of 12 rows)" in render_text(diff)) is bool(rows)


def test_columns_and_configs(tmp_path: Path) -> None:
    """A column added, one gone, a config gone and one added: cells of such columns are not compared."""
    old, new = release(tmp_path / "old", rows_of()), release(tmp_path / "new", rows_of())

    def alter(table: pa.Table) -> pa.Table:
        return table.drop_columns("difficulty").append_column("hardness", pa.array([1] * table.num_rows))

    for path in (WEAK, STRONG):
        rewrite(new, path, alter)
    card = (new / "README.md").read_text()
    (new / "README.md").write_text(card.replace("config_name: strong\n", "config_name: hard\n", 1))
    diff = compare(open_side(str(old)), open_side(str(new)))
    assert diff.schema["difficulty"] == ("string", None)
    assert diff.schema["hardness"] == (None, "int64")
    assert diff.configs == {"strong": ("train: data/*/strong-*.parquet", None),
                            "hard": (None, "train: data/*/strong-*.parquet")}  # fmt: skip
    assert "column difficulty is gone" in diff.breaks and "config strong is gone" in diff.breaks
    assert diff.changed == 0


def test_a_column_of_another_type(tmp_path: Path) -> None:
    """Told with both types, nested ones too, and who reads it breaks."""
    old, new = release(tmp_path / "old", rows_of()), release(tmp_path / "new", rows_of())

    def alter(table: pa.Table) -> pa.Table:
        place = table.column_names.index("flags")
        return table.set_column(place, "flags", table["flags"].cast(pa.list_(pa.large_string())))

    for path in (WEAK, STRONG):
        rewrite(new, path, alter)
    diff = compare(open_side(str(old)), open_side(str(new)))
    assert diff.schema == {"flags": ("list of string", "list of large_string")}
    assert diff.breaks == ["column flags is list of large_string, was list of string"]


def test_audio_counts_as_embedded_or_not(tmp_path: Path) -> None:
    """Rows whose audio is taken out are changed, and a release without the column lacks it."""
    old, new = release(tmp_path / "old", rows_of()), release(tmp_path / "new", rows_of())
    for folder in (old, new):
        embed_tones(folder)
    assert not compare(open_side(str(old)), open_side(str(new))).differs

    def take_out(table: pa.Table) -> pa.Table:
        kind = table.schema.field("audio").type
        return table.set_column(0, "audio", pa.nulls(table.num_rows, kind))

    rewrite(new, WEAK, take_out)
    diff = compare(open_side(str(old)), open_side(str(new)))
    assert (diff.changed, dict(diff.columns)) == (6, {"audio": 6})
    rewrite(new, WEAK, lambda table: table.drop_columns("audio"))
    rewrite(new, STRONG, lambda table: table.drop_columns("audio"))
    assert compare(open_side(str(old)), open_side(str(new))).breaks == ["column audio is gone"]


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    """A release with a stage, two stages, ids that are not unique."""
    made = release(tmp_path / "a", rows_of())
    stage = tmp_path / "a/split"
    with pytest.raises(InputError, match=r"is of release, .* of split"):
        compare(open_side(str(made)), open_side(str(stage)))
    other = write_stage(tmp_path / "filter", rows_of(), stage="filter")
    with pytest.raises(InputError, match=r"is of split, .* of filter"):
        compare(open_side(str(stage)), open_side(str(other)))
    twice = write_stage(tmp_path / "twice", [*rows_of(), *rows_of(1)])
    with pytest.raises(InputError, match="the id 'AudioCaps:0:llm:0' is there twice"):
        compare(open_side(str(stage)), open_side(str(twice)))


def test_hostile_text_is_but_text_in_markdown(tmp_path: Path) -> None:
    """Questions that would be a cell, a heading, HTML or a mention on GitHub make the same page as plain ones."""
    hostile = ("a | b", "</details><h1>x", "x\n\n# y", "@lead [l](http://x)", "`|`", "```\nx")
    old = release(tmp_path / "old", [released_row(n) for n in range(len(hostile))])

    def page(questions: Sequence[str], name: str) -> list[tuple[str, str]]:
        new = release(tmp_path / name, [released_row(n, question=text) for n, text in enumerate(questions)])
        text = render_markdown(compare(open_side(str(old)), open_side(str(new))))
        assert "@lead" not in text
        return [(token.type, token.tag) for token in MarkdownIt("commonmark").enable("table").parse(text)]

    assert page(hostile, "hostile") == page(["Which one?"] * len(hostile), "plain")


def test_json_has_everything(tmp_path: Path) -> None:
    """It is plain data, with what the text says."""
    old, new = release(tmp_path / "old", rows_of()), release(tmp_path / "new", change(rows_of()), version="1.1.0")
    data: dict[str, Any] = json.loads(json.dumps(as_data(compare(open_side(str(old)), open_side(str(new))))))
    assert data["rows"] == {"added": 1, "removed": 2, "changed": 2}
    assert data["flipped"] == [{"old": "weak", "new": "strong", "rows": 1}]
    assert data["counts"]["subset"]["sft"] == {"old": 6, "new": 5}
    assert data["listed"]["flipped"][0]["old_votes"][0]["judge"] == "judge_a"
    assert data["new"] == {"name": str(new), "version": "1.1.0", "rows": 11}


# ------------------------------------------------------------------------------------- what a person is told of


def build_with(
    folder: Path, rows: Sequence[Row], info: ReleaseInfo, change: Callable[[Any], None] | None = None
) -> Path:
    """A release with a name of its own, of a stage folder whose lineage is changed."""
    source = write_stage(folder / "split", rows)
    if change:
        manifest = json.loads(manifest_path(source).read_text())
        change(manifest)
        manifest_path(source).write_text(json.dumps(manifest))
    build_release(source, folder / "release", info)
    return folder / "release"


def compare_folders(old: Path, new: Path, **options: Any) -> Diff:
    return compare(open_side(str(old)), open_side(str(new)), **options)


def test_card_is_compared(tmp_path: Path) -> None:
    """License, title, tags and keys of people, and what they wrote around our part; the rows are the same."""
    old = build_with(tmp_path / "old", rows_of(), INFO)
    new = build_with(tmp_path / "new", rows_of(), replace(INFO, title="Another", license="My own terms"))
    card = (new / "README.md").read_text()
    card = card.replace("tags:\n", "paper: x\ntags:\n- mine\n")
    card = card.replace("<!-- audiomcq:begin", "Read me.\n\n<!-- audiomcq:begin", 1)
    (new / "README.md").write_text(card)
    diff = compare_folders(old, new)
    assert diff.card["license"] == ("cc-by-4.0", "My own terms")
    assert diff.card["title"] == ("Tiny AudioMCQ", "Another")
    assert diff.card["paper"] == (None, "x")
    assert "mine" in str(diff.card["tags"][1]) and "mine" not in str(diff.card["tags"][0])
    assert diff.card["text of people"] == (None, "Read me.")
    assert diff.differs and diff.relicensed and not diff.rows_differ
    text = render_text(diff)
    assert "The rows are the same: 12." in text and "My own terms" in text and "+Read me." in text
    assert "Another" in render_markdown(diff) and as_data(diff)["card"]["title"]["new"] == "Another"


def test_recipe_and_prompts_are_compared(tmp_path: Path) -> None:
    """Options, models and sources by their names, prompts line by line; of stage folders as of releases."""

    def change(manifest: Any) -> None:
        step = manifest["lineage"][1]
        step["options"]["seconds"] = 10.0
        step["models"]["judge_a"]["sampling"]["temperature"] = 1
        step["prompts"]["judge"]["text"] = "Answer with one letter."
        step["prompts"]["judge2"] = {"text": "New."}
        manifest["sources"][0]["license"] = "CC0-1.0"

    old = build_with(tmp_path / "old", rows_of(), INFO)
    new = build_with(tmp_path / "new", rows_of(), INFO, change)
    for place in ("", "../split"):
        diff = compare_folders(old / place, new / place)
        assert diff.settings == {
            "filter.seconds": ("30.0", "10.0"),
            "models.judge_a.sampling.temperature": ("0", "1"),
            "sources.AudioCaps.license": ("none", "CC0-1.0"),
        }
        assert diff.prompts == {
            "judge": ("Answer the question.", "Answer with one letter."), "judge2": (None, "New."),
        }  # fmt: skip
        text = render_text(diff)
        assert "Prompt judge\n  -Answer the question.\n  +Answer with one letter." in text
        assert "Prompt judge2: is new" in text


def test_journal_keys_are_no_news(tmp_path: Path) -> None:
    """Rows of which only keys, provenance and fingerprints changed are counted and not listed, but with --full."""
    changed = rows_of()
    for row in changed[:8]:
        row["calls"] = [{"stage": "generate", "prompt": "question", "key": "ffee"}]
        row["votes"] = [{**row["votes"][0], "call": "e" * 64}]
        row["fingerprint"] = [1, 2]
    changed[0]["question"] = "What else?"
    old, new = write_stage(tmp_path / "old", rows_of()), write_stage(tmp_path / "new", changed)
    diff = compare_folders(old, new)
    assert (diff.changed, diff.unseen, diff.asked, dict(diff.seen)) == (8, 7, 1, {"question": 1})
    text = render_text(diff)
    assert "ffee" not in text and "eeee" not in text and "fingerprint" not in text
    assert "question - What is heard?\n             + What else?" in text
    full = render_text(compare_folders(old, new, full=True), full=True)
    assert "ffee" in full and "fingerprint" in full


def test_rows_are_told_by_source(tmp_path: Path) -> None:
    """Rows added and removed are counted by source, past what is listed."""
    rows = rows_of()
    added = [released_row(n, source_dataset="Clotho") for n in range(20, 25)]
    old, new = write_stage(tmp_path / "old", rows), write_stage(tmp_path / "new", [*rows[2:], *added])
    diff = compare_folders(old, new, rows=1)
    assert diff.sources == {"AudioCaps": (0, 2), "Clotho": (5, 0)}
    assert "Rows added and removed by source" in render_text(diff)


def test_text_fits_a_terminal(tmp_path: Path) -> None:
    """No line is wider than asked for, however long questions and settings are."""

    def change(manifest: Any) -> None:
        manifest["lineage"][1]["options"]["judges"] = [f"judge number {n}" for n in range(30)]

    rows = rows_of()
    rows[0]["question"] = "Which of these sounds " * 12
    old = build_with(tmp_path / "old", rows_of(), INFO)
    new = build_with(tmp_path / "new", rows, replace(INFO, title="A title " * 20), change)
    lines = render_text(compare_folders(old, new), width=80).splitlines()[1:]
    assert max(map(len, lines)) <= 80
