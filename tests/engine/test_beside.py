"""Second inputs: what they hold decides whether shards are made again, and where they are decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from audiomcq_cli.contracts import Context, Flow, Materials, Prepare, Row, option
from audiomcq_cli.engine.beside import hash_content
from audiomcq_cli.engine.due.foresee import foresee
from audiomcq_cli.engine.views.status import read_status
from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.manifest import read_manifest
from audiomcq_cli.storage.shards import list_shards
from tests.engine import Bench, Watching, make_stage, snapshot, texts_of

SHARDS = 3


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """What can be set for the stage that reads reviews."""

    reviews: str = option("", "file with the clips that a reviewer turned down", path=True)


def find_reviews(options: ReviewOptions) -> Mapping[str, Path]:
    return {"reviews": Path(options.reviews)} if options.reviews else {}


def build(materials: Materials, ctx: Context[ReviewOptions]) -> pa.Table:
    path = materials.beside.get("reviews")
    return pa.table({"bad": path.read_text("utf-8").split() if path else []}, schema=pa.schema({"bad": pa.string()}))


def judge(row: Row, ctx: Context[ReviewOptions]) -> Flow:
    """Say of a clip whether a reviewer turned it down; asks nothing."""
    return [row | {"question": "bad" if row["source_id"].split()[1] in ctx.prepared else "good", "calls": []}]
    yield []


STAGE = make_stage(
    judge,
    options=ReviewOptions,
    needs=None,
    prompts=None,
    beside=find_reviews,
    prepare=Prepare(build=build, load=lambda table: frozenset(table["bad"].to_pylist())),
)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.txt"
    path.write_text("3 5 8")
    return path


@pytest.fixture
def bench(tmp_path: Path, reviews: Path) -> Bench:
    """A bench with a stage that has read the reviews."""
    bench = Bench(tmp_path)
    bench.write_input(texts_of(24), SHARDS)
    bench.run(STAGE, options=ReviewOptions(str(reviews)))
    return bench


def count_bad(bench: Bench) -> int:
    return sum(row["question"] == "bad" for row in bench.kept())


def say(bench: Bench, path: Path) -> list[str]:
    """What a run with the reviews at a path says before it begins."""
    watching = Watching()
    asyncio.run(bench.run_in_loop(STAGE, progress=watching, options=ReviewOptions(str(path) if path.name else "")))
    return watching.said


def test_prepare_is_given_the_second_input(bench: Bench) -> None:
    """What the file says reaches the rows through the prepared table."""
    assert count_bad(bench) == 3


def test_content_that_changed_redoes_the_shards_and_says_so(bench: Bench, reviews: Path) -> None:
    """Other reviews redo every shard with them; the reason names the option."""
    reviews.write_text("3 5 8 9")
    assert say(bench, reviews) == ["small: 3 of 3 shards to do again: input beside: reviews changed"]
    assert count_bad(bench) == 4


@pytest.mark.parametrize(
    ("change", "told"), [(lambda path: Path(), "removed"), (lambda path: path, "added")], ids=["removed", "added"]
)
def test_second_input_that_comes_or_goes_is_named(
    bench: Bench, reviews: Path, change: Callable[[Path], Path], told: str
) -> None:
    """A recipe that names the file no more, or for the first time, redoes the shards and says which."""
    if told == "added":
        bench.run(STAGE)
    assert say(bench, change(reviews)) == [f"small: 3 of 3 shards to do again: input beside: reviews {told}"]


def test_place_of_a_second_input_decides_nothing(bench: Bench, reviews: Path, tmp_path: Path) -> None:
    """The same content elsewhere and under another name redoes no shard."""
    moved = tmp_path / "elsewhere" / "decisions.txt"
    moved.parent.mkdir()
    reviews.rename(moved)
    assert bench.run(STAGE, options=ReviewOptions(str(moved))).redone == 0


def test_no_path_of_this_machine_is_kept(bench: Bench, tmp_path: Path) -> None:
    """Manifest and shards hold the hash and the name of the file, and not its place."""
    manifest = read_manifest(bench.target)
    assert manifest is not None
    step = manifest["lineage"][-1]
    assert step["options"] == {"reviews": "reviews.txt"}
    assert step["beside"] == {"reviews": hash_content(tmp_path / "reviews.txt")}
    for name, content in snapshot(bench.target).items():
        assert str(tmp_path).encode() not in content, name


def test_two_folders_hold_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    """Where the second input lies leaves no trace in what the stage writes."""
    other = Bench(tmp_path / "other")
    other.write_input(texts_of(24), SHARDS)
    reviews = other.folder / "reviews.txt"
    reviews.write_text("3 5 8")
    other.run(STAGE, options=ReviewOptions(str(reviews)))
    assert snapshot(other.target) == snapshot(bench.target)


def test_missing_second_input_is_named_before_anything_is_made(bench: Bench, tmp_path: Path) -> None:
    """A path that leads nowhere names stage, option and path, and leaves the folder as it was."""
    before = snapshot(bench.target)
    with pytest.raises(InputError, match=r"gone\.txt: stage small, reviews: no such file or folder"):
        bench.run(STAGE, options=ReviewOptions(str(tmp_path / "gone.txt")))
    assert snapshot(bench.target) == before


def test_status_names_a_second_input_that_changed(bench: Bench, reviews: Path) -> None:
    """A finished stage is stale once what it was made with is another file, or is gone."""
    [status] = read_status(bench.target, ["small"])
    assert status.state == "done"
    reviews.write_text("9")
    [status] = read_status(bench.target, ["small"])
    assert (status.state, status.stale, status.shards_done) == ("stale", "input beside: reviews changed", 0)
    reviews.unlink()
    [status] = read_status(bench.target, ["small"])
    assert status.stale == "input beside: reviews is not there"


def test_dry_run_says_that_a_second_input_changed(bench: Bench, reviews: Path) -> None:
    """What a run would make again is known before it, with the reason."""
    reviews.write_text("9")
    paths = [one.path for one in list_shards(bench.source)]

    async def look() -> str:
        async with bench.runtime() as runtime:
            [found] = foresee([bench.job(STAGE, options=ReviewOptions(str(reviews)))], runtime, paths, {})
            return found.told

    assert asyncio.run(look()) == "small: 3 of 3 shards to do again: input beside: reviews changed"


# ---------------------------------------------------------------------------------------------------- what is hashed


def test_folder_is_its_files_and_their_places(tmp_path: Path) -> None:
    """The content of a folder changes with the bytes, the names and the number of its files."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "deep" / "b.json").write_text("2")
    seen = {hash_content(tmp_path)}
    (tmp_path / "a.json").write_text("2")
    seen.add(hash_content(tmp_path))
    (tmp_path / "deep" / "b.json").rename(tmp_path / "b.json")
    seen.add(hash_content(tmp_path))
    (tmp_path / "b.json").unlink()
    seen.add(hash_content(tmp_path))
    assert len(seen) == 4


def test_what_is_hidden_in_a_folder_is_no_content(tmp_path: Path) -> None:
    """A stage folder is its rows: logs and locks beside them differ from run to run."""
    (tmp_path / "part-00000-of-00001.parquet").write_bytes(b"rows")
    before = hash_content(tmp_path)
    (tmp_path / HIDDEN).mkdir()
    (tmp_path / HIDDEN / "run.jsonl").write_text("{}")
    (tmp_path / ".part-00000-of-00001.parquet.tmp").write_text("half")
    assert hash_content(tmp_path) == before
