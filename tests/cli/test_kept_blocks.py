"""Versions of a corpus: blocks stay while clips come and go, and none is moved that models were asked about."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from audiomcq_cli.contracts import Row
from audiomcq_cli.storage.shards import list_shards, read_note
from audiomcq_cli.wholeness import find_broken
from tests.cli import Ended, audiomcq, hash_tree, spawn, start, write_recipe
from tests.servers.process import RunningServer

SOUNDS = (
    "a dog barks", "a cat meows", "a cow moos", "a horse neighs", "a frog croaks", "a bell rings", "a phone rings",
    "rain falls", "wind blows", "a car passes", "a helicopter flies", "a man speaks", "a woman laughs", "a baby cries",
    "a clock ticks", "a siren wails", "paper crumples", "a door closes", "an owl hoots", "a sheep bleats",
)  # fmt: skip
CAPTIONS = [f"{first.capitalize()} and then {second}" for first, second in permutations(SOUNDS, 2)]
GROUNDED = '[generate]\nmethods = ["grounded"]\n'
KEPT = Path("build/generate/.audiomcq/blocks.parquet")
EARLIER = 'earlier_blocks = "earlier.parquet"\n'


def write_clips(folder: Path, numbers: Sequence[int]) -> None:
    """Write an AudioCaps file; a clip has the same id and caption in every version."""
    rows = [f'{n},video{n:06d},{10 * n},"{CAPTIONS[n]}"' for n in numbers]
    (folder / "captions.csv").write_text("\n".join(["audiocap_id,youtube_id,start_time,caption", *rows]) + "\n")


def edit(folder: Path, old: str, new: str) -> None:
    """Replace a text in the recipe, which has to be there."""
    text = (folder / "recipe.toml").read_text()
    assert old in text
    (folder / "recipe.toml").write_text(text.replace(old, new))


def run(folder: Path, *flags: str, until: str = "generate") -> Ended:
    return audiomcq("run", "recipe.toml", "--until", until, *flags, folder=folder)


def build(folder: Path, *flags: str, until: str = "generate") -> dict[str, Row]:
    """Run to the end; returns the questions by id."""
    ended = run(folder, *flags, until=until)
    assert ended.code == 0, ended.err
    return {row["id"]: row for row in pl.read_parquet(folder / "build/generate/*.parquet").to_dicts()}


def read_blocks(path: Path) -> dict[str, Row]:
    """The blocks of a kept file, by name."""
    return {row["block"]: row for row in pl.read_parquet(path).to_dicts() if row["block"]}


def keep_copy(folder: Path) -> dict[str, Row]:
    """Name a copy of the blocks in the recipe; returns them."""
    shutil.copy(folder / KEPT, folder / "earlier.parquet")
    edit(folder, GROUNDED, GROUNDED + EARLIER)
    return read_blocks(folder / "earlier.parquet")


def write_corpus(folder: Path, clips: int) -> Path:
    """Write clips, and a recipe of two shards that asks no model before verify."""
    write_clips(folder, range(clips))
    write_recipe(folder / "recipe.toml", "", sources="audiocaps:captions.csv", stages=GROUNDED)
    edit(folder, 'version = "1.2.0"\n', 'version = "1.2.0"\nshards = 2\n')
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of few clips, with blocks in both of its shards."""
    folder = write_corpus(tmp_path_factory.mktemp("small"), 32)
    build(folder)
    return folder


@pytest.fixture
def corpus(small: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    return Path(shutil.copytree(small, tmp_path / "corpus"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first version of 300 clips."""
    folder = write_corpus(tmp_path_factory.mktemp("first"), 300)
    build(folder)
    return folder


@pytest.fixture
def large(first: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own."""
    return Path(shutil.copytree(first, tmp_path / "large"))


@pytest.fixture(scope="module")
def asked(shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder of few clips, in which a model was asked about the blocks of grounded questions."""
    folder = tmp_path_factory.mktemp("asked")
    write_clips(folder, range(40))
    write_recipe(folder / "recipe.toml", shared_server.base_url, sources="audiocaps:captions.csv", stages=GROUNDED)
    build(folder, until="verify")
    assert list((folder / "build/journal/verify").glob("part-*.sqlite"))
    return folder


@pytest.fixture
def paid(asked: Path, tmp_path: Path) -> Path:
    """The same in a folder of its own, with clips added."""
    shutil.copytree(asked, tmp_path / "paid")
    write_clips(tmp_path / "paid", range(46))
    return tmp_path / "paid"


def look(folder: Path) -> Mapping[str, str]:
    return hash_tree(folder, leave_out=())


# ------------------------------------------------------------------------------------------------- earlier blocks


def test_added_clips_move_no_row(large: Path) -> None:
    """With the earlier blocks named a tenth more clips change no row of any of them, and join blocks of their own."""
    before = build(large)
    blocks = keep_copy(large)
    assert len(blocks) > 50
    write_clips(large, range(330))
    after = build(large)
    asked = {id_: row for id_, row in before.items() if row["block"]}
    assert {id_: after.get(id_) for id_ in asked} == asked
    assert {name: read_blocks(large / KEPT).get(name) for name in blocks} == blocks
    assert len(read_blocks(large / KEPT)) > len(blocks)
    assert set(find_broken(after.values()).values()) == {""}


def test_lost_clip_breaks_its_own_block_alone(large: Path) -> None:
    """Without one clip its block is gone and its three others are asked anew; no other block changes."""
    before = build(large)
    blocks = keep_copy(large)
    lost = next(row for row in before.values() if row["block"])
    write_clips(large, [n for n in range(300) if f"video{n:06d}" not in lost["clip_id"]])
    after = build(large)
    assert lost["id"] not in after
    others = {name: row for name, row in blocks.items() if name != lost["block"]}
    found = read_blocks(large / KEPT)
    assert lost["block"] not in found
    assert {name: found.get(name) for name in others} == others
    same = {id_: row for id_, row in before.items() if row["block"] in others}
    assert {id_: after[id_] for id_ in same} == same


def test_next_version_has_as_many_shards(corpus: Path) -> None:
    """Where the recipe sets no number, that of the earlier blocks counts, in a run and for caption alone."""
    keep_copy(corpus)
    edit(corpus, "shards = 2\n", "")
    build(corpus, "--workdir", "next")
    assert audiomcq("caption", "one", "--recipe", "recipe.toml", folder=corpus).code == 0
    for folder in ("next/caption", "next/generate", "one"):
        assert [one.count for one in list_shards(corpus / folder)] == [2, 2]
    assert read_note(corpus / KEPT)["shards"] == 2


def test_other_number_of_shards_is_refused(corpus: Path) -> None:
    """A number that would scatter the blocks stops the run, its rehearsal and the commands of both stages."""
    keep_copy(corpus)
    edit(corpus, "shards = 2\n", "shards = 3\n")
    for flags in ([], ["--dry-run"], ["--replay"]):
        ended = run(corpus, *flags)
        assert ended.code == 4
        assert re.search(
            r"recipe.toml, line \d+, key project.shards: the earlier blocks lie in 2 shards.*\n.*leave shards out",
            ended.error,
        )
    edit(corpus, "shards = 3\n", "")
    ended = audiomcq("caption", "one", "--recipe", "recipe.toml", "--shard-count", "3", folder=corpus)
    assert (ended.code, "--shard-count 3: the earlier blocks lie in 2 shards" in ended.error) == (4, True)
    assert audiomcq("caption", "audiocaps:captions.csv", "one", "--shard-count", "3", folder=corpus).code == 0
    line = "generate one two --methods grounded --earlier-blocks earlier.parquet"
    ended = audiomcq(*line.split(), folder=corpus)
    assert (ended.code, "the earlier blocks lie in 2 shards, and one has 3" in ended.error) == (4, True)
    assert not (corpus / "two").exists()


@pytest.mark.parametrize(
    ("place", "built"),
    [
        (str(KEPT), True),
        (str(KEPT), False),
        ("build/../build/generate/.audiomcq/blocks.parquet", False),
        ("build/generate/.audiomcq/plans/part-00000-of-00002.parquet", True),
        ("link.parquet", True),
    ],
)
def test_own_output_is_refused(corpus: Path, place: str, built: bool) -> None:
    """What the run itself will write is nothing earlier, however it is named and whether it is there or not."""
    if not built:
        shutil.rmtree(corpus / "build")
    (corpus / "link.parquet").symlink_to(KEPT)
    edit(corpus, GROUNDED, f'{GROUNDED}earlier_blocks = "{place}"\n')
    before = look(corpus)
    ended = run(corpus)
    assert ended.code == 4
    assert re.search(r"earlier_blocks: .* is written by this very run\n.*copy it, .*cp ", ended.error)
    assert look(corpus) == before


def test_file_without_blocks_is_refused_before_anything_is_made(corpus: Path) -> None:
    """A file that is no kept one is named before caption begins."""
    shutil.rmtree(corpus / "build")
    (corpus / "earlier.parquet").write_text("clip,block")
    edit(corpus, GROUNDED, GROUNDED + EARLIER)
    ended = run(corpus)
    assert (ended.code, "earlier.parquet: holds no blocks" in ended.error) == (3, True)
    assert not (corpus / "build/caption").exists()


def test_folder_keeps_its_number_of_shards(corpus: Path) -> None:
    """Several shards stay as many when the recipe says no number any more; one shard is no choice and is cut again."""
    edit(corpus, "shards = 2\n", "")
    ended = run(corpus, "--json")
    assert [(one["shards"], one["redone"]) for one in ended.json["stages"]] == [(2, 0), (2, 0)]
    edit(corpus, 'version = "1.2.0"\n', 'version = "1.2.0"\nshards = 3\n')
    ended = run(corpus, "--json")
    assert [(one["shards"], one["redone"]) for one in ended.json["stages"]] == [(3, 3), (3, 3)]
    assert "caption: 3 shards, and not 2 as before: every stage is made again" in ended.err


# --------------------------------------------------------------------------------- blocks that models were asked about


def test_blocks_that_were_paid_for_stop_a_run(paid: Path, http: RunningServer) -> None:
    """Added clips would move blocks that a model was asked about: the run writes nothing, asks nothing, and says how to
    go on.
    """
    before, received = look(paid), http.stats()["received"]
    ended = run(paid, until="verify")
    assert ended.code == 4
    assert re.search(r"generate: its input or its options changed, .* \d+ blocks in build/generate", ended.error)
    assert re.search(r"\(replies: verify \d+\)\n.*--keep-blocks; or plan all anew: --new-blocks", ended.error)
    assert (look(paid), http.stats()["received"]) == (before, received)


@pytest.mark.parametrize(
    "change",
    [
        ("[generate]\n", "[generate]\nquestions_per_clip = 2\n"),
        ('version = "1.2.0"\n', 'version = "1.2.0"\nshards = 2\n'),
    ],
    ids=["option", "number of shards"],
)
def test_other_options_stop_a_run(asked: Path, tmp_path: Path, change: tuple[str, str]) -> None:
    """So does what else would plan blocks anew."""
    shutil.copytree(asked, tmp_path / "paid")
    edit(tmp_path / "paid", *change)
    assert "would be planned anew" in run(tmp_path / "paid", until="verify").error


def test_kept_blocks(paid: Path, http: RunningServer) -> None:
    """With --keep-blocks they are copied and kept, nothing that was paid for is asked again, and with the printed line
    in the recipe the next run has nothing to do.
    """
    blocks = read_blocks(paid / KEPT)
    ended = run(paid, "--keep-blocks", "--json", until="verify")
    assert ended.code == 0, ended.err
    copy = paid / "earlier-blocks.parquet"
    assert read_blocks(copy) == blocks
    assert {name: read_blocks(paid / KEPT).get(name) for name in blocks} == blocks
    verify = ended.json["stages"][-1]
    assert sum(verify["calls"].values()) == verify["items"]["in"] - 4 * len(blocks)
    line = ended.json["keep_blocks"]["line"]
    assert line == 'earlier_blocks = "earlier-blocks.parquet"' and f"  {line}\n" in ended.err
    again = run(paid, "--keep-blocks", "--json", until="verify")
    assert [one["redone"] for one in again.json["stages"]] == [0, 0, 0]
    assert len(list(paid.glob("earlier-blocks*"))) == 1
    edit(paid, GROUNDED, f"{GROUNDED}{line}\n")
    received = http.stats()["received"]
    quiet = run(paid, "--json", until="verify")
    assert [one["redone"] for one in quiet.json["stages"]] == [0, 0, 0]
    assert "anew" not in quiet.err and http.stats()["received"] == received


def test_copy_replaces_no_other_file(paid: Path) -> None:
    """Where a file of that name has other content, the copy gets a number."""
    (paid / "earlier-blocks.parquet").write_text("mine")
    ended = run(paid, "--keep-blocks", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["keep_blocks"]["line"] == 'earlier_blocks = "earlier-blocks-2.parquet"'
    assert (paid / "earlier-blocks.parquet").read_text() == "mine"


def test_new_blocks(paid: Path) -> None:
    """With --new-blocks they are planned as in a folder without any, and the next run needs no flag."""
    build(paid, "--new-blocks", until="verify")
    kept = (paid / KEPT).read_bytes()
    assert "nothing to do" in run(paid, until="verify").err
    build(paid, "--workdir", "fresh")
    assert kept == (paid / "fresh/generate/.audiomcq/blocks.parquet").read_bytes()


def test_generate_alone_stops_too(paid: Path) -> None:
    """The command of the stage has both flags, and stops without them."""
    line = "generate build/caption build/generate --recipe recipe.toml"
    caption = audiomcq("caption", "build/caption", "--recipe", "recipe.toml", folder=paid)
    assert caption.code == 0, caption.err
    before = look(paid)
    ended = audiomcq(*line.split(), folder=paid)
    assert (ended.code, "would be planned anew" in ended.error) == (4, True)
    assert look(paid) == before
    blocks = read_blocks(paid / KEPT)
    assert audiomcq(*line.split(), "--keep-blocks", folder=paid).code == 0
    assert blocks.items() <= read_blocks(paid / KEPT).items()
    assert audiomcq(*line.split(), "--new-blocks", folder=paid).code == 0


def test_blocks_are_seen_to_move_once_caption_is_made_again(paid: Path) -> None:
    """Where shards of caption are lost it may come out as before: if it does not, the run stops before generate."""
    for path in (paid / "build/caption").glob("part-*"):
        path.unlink()
    before = look(paid / "build/generate")
    ended = run(paid, until="verify")
    assert (ended.code, "would be planned anew" in ended.error) == (4, True)
    assert look(paid / "build/generate") == before


def test_both_flags_are_refused(paid: Path) -> None:
    """Blocks cannot be kept and planned anew."""
    assert run(paid, "--keep-blocks", "--new-blocks").code == 4


# ----------------------------------------------------------------------------------------------------- no false alarm


def test_nothing_to_do_is_no_alarm(asked: Path, tmp_path: Path) -> None:
    """The same again goes through in another place, also where shards are lost that come out as they were."""
    shutil.copytree(asked, tmp_path / "moved")
    assert run(tmp_path / "moved", until="verify").code == 0
    for path in (tmp_path / "moved/build").glob("[cg]*/part-*"):
        path.unlink()
    assert run(tmp_path / "moved", until="verify").code == 0
    assert (tmp_path / "moved" / KEPT).read_bytes() == (asked / KEPT).read_bytes()


def test_other_model_of_verify_is_no_alarm(asked: Path, tmp_path: Path) -> None:
    """What changes in a later stage alone moves no block."""
    shutil.copytree(asked, tmp_path / "paid")
    edit(tmp_path / "paid", "sampling = {seed = 1}", "sampling = {seed = 11}")
    ended = run(tmp_path / "paid", "--json", until="verify")
    assert (ended.code, [one["redone"] for one in ended.json["stages"]]) == (0, [0, 0, 1])


def test_folder_that_is_taken_over_is_no_alarm(paid: Path) -> None:
    """Blocks of another project are replaced with all else that it built; of its own corpus a project keeps them."""
    assert "would be planned anew" in run(paid, "--take-over").error
    edit(paid, 'name = "tiny"', 'name = "other"')
    assert run(paid, "--take-over").code == 0


def test_replay_is_no_alarm(paid: Path) -> None:
    """A replay pays for nothing: it plans what its input gives."""
    assert run(paid, "--replay").code == 0


def test_dry_run_says_it_as_a_remark(paid: Path) -> None:
    """A dry run goes to its end and writes nothing; it says what would stop a run, and --keep-blocks counts."""
    before = look(paid)
    ended = run(paid, "--dry-run", "--json", until="verify")
    assert ended.code == 0
    assert "would be planned anew" in ended.err and "--keep-blocks" in ended.err
    calls = [one["calls"] for one in ended.json["dry_run"]]
    kept = run(paid, "--dry-run", "--keep-blocks", "--json", until="verify")
    assert kept.code == 0 and "would be planned anew" not in kept.err
    assert sum(kept.json["dry_run"][-1]["calls"].values()) < sum(calls[-1].values())
    assert look(paid) == before


def test_blocks_that_no_model_was_asked_about_are_no_alarm(corpus: Path) -> None:
    """Without replies of later stages nothing was paid for, and in an empty folder a flag has nothing to keep."""
    write_clips(corpus, range(36))
    assert run(corpus).code == 0
    assert not list(corpus.glob("earlier-blocks*"))
    ended = run(corpus, "--keep-blocks", "--workdir", "empty")
    assert (ended.code, "holds no blocks, so --keep-blocks has nothing to keep" in ended.err) == (0, True)


def test_named_blocks_are_no_alarm(paid: Path) -> None:
    """A recipe that names blocks has decided: the run says nothing of them."""
    keep_copy(paid)
    ended = run(paid, until="verify")
    assert ended.code == 0, ended.err
    assert not re.search("anew|keep-blocks|new-blocks", ended.err)


# ---------------------------------------------------------------------------------------------------- the same bytes

BOTH = '[generate]\nmethods = ["llm", "grounded"]\n'


def write_both(folder: Path, server: RunningServer, concurrency: int) -> Path:
    """Write a corpus that is asked about by both methods, in shards that are worked on at once."""
    folder.mkdir()
    write_clips(folder, range(40))
    keys = f"concurrency = {concurrency}"
    write_recipe(folder / "recipe.toml", server.base_url, sources="audiocaps:captions.csv", stages=BOTH, model=keys)
    edit(folder, 'version = "1.2.0"\n', 'version = "1.2.0"\nshards = 3\n')
    return folder


def test_same_blocks_at_any_concurrency(http: RunningServer, tmp_path: Path) -> None:
    """Shards and kept blocks have the same bytes however many calls are in flight."""
    folders = [write_both(tmp_path / str(number), http, number) for number in (1, 9)]
    for folder in folders:
        build(folder)
        assert read_blocks(folder / KEPT)
    one, other = (hash_tree(folder / "build/generate") for folder in folders)
    assert one == other


@pytest.mark.check
@pytest.mark.parametrize("earlier", [False, True], ids=["first version", "next version"])
def test_same_blocks_after_kills(http: RunningServer, tmp_path: Path, earlier: bool) -> None:
    """A run that is killed at any moments and begun again leaves the bytes of one that was left alone."""
    folder = write_both(tmp_path / "whole", http, 4)
    if earlier:
        assert run(folder, "--workdir", "old").code == 0
        shutil.copy(folder / "old/generate/.audiomcq/blocks.parquet", folder / "earlier.parquet")
        edit(folder, BOTH, BOTH + EARLIER)
        write_clips(folder, range(52))
    killed = Path(shutil.copytree(folder, tmp_path / "killed"))
    line = ("run", "recipe.toml", "--until", "generate")
    began = time.monotonic()
    assert spawn(*line, folder=folder).code == 0
    seconds = time.monotonic() - began
    for number in range(6):
        with start(*line, folder=killed) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(random.uniform(0.3, 1) * seconds * (number + 1) / 6 + 0.2)
            process.kill()
            process.communicate()
    assert spawn(*line, folder=killed).code == 0
    for stage in ("caption", "generate"):
        assert hash_tree(killed / "build" / stage) == hash_tree(folder / "build" / stage)
