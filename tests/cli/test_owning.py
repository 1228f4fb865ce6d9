"""One corpus does not replace another in silence, and nothing that later stages added is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import Ended, audiomcq, write_audiocaps, write_recipe
from tests.servers.process import RunningServer


@pytest.fixture(scope="module")
def built(shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a corpus has been built by ``run``; refused runs leave it as it is."""
    folder = tmp_path_factory.mktemp("built")
    for name, captions in (("ours", ["A dog barks", "Rain falls"]), ("theirs", ["A cat purrs"])):
        write_audiocaps(folder / f"{name}.csv", captions)
        recipe = write_recipe(folder / f"{name}.toml", shared_server.base_url, sources=f"audiocaps:{name}.csv")
        recipe.write_text(recipe.read_text().replace('name = "tiny"', f'name = "{name}"'))
    ended = audiomcq("run", "ours.toml", folder=folder)
    assert ended.code == 0, ended.err
    return folder


def refused(ended: Ended, *words: str) -> None:
    """Check that a command was refused with these words."""
    assert ended.code == 4, ended.err
    assert all(word in ended.error for word in words), ended.error


@pytest.mark.parametrize(
    "line",
    [
        "run theirs.toml",
        "run theirs.toml --dry-run",
        "run --source audiocaps:theirs.csv --workdir build",
        "caption audiocaps:theirs.csv build/caption",
        "caption build/caption --recipe theirs.toml",
        "publish build/split build/release --recipe theirs.toml",
    ],
)
def test_other_corpus_is_refused(line: str, built: Path) -> None:
    """A run of another project, or of other sources and no project, does not touch a folder, and says how to."""
    refused(audiomcq(*line.split(), folder=built), "ours", "--take-over")


def test_same_project_goes_on(built: Path) -> None:
    """The project that built a folder builds there again, also by commands of single stages."""
    for line in (
        "run ours.toml",
        "caption build/caption --recipe ours.toml",
        "verify build/generate build/verify --recipe ours.toml",
    ):
        ended = audiomcq(*line.split(), folder=built)
        assert ended.code == 0, ended.err


def test_folder_is_taken_over_on_purpose(tmp_path: Path) -> None:
    """With --take-over another corpus is built in the folder, which is its own from then on."""
    for name in ("one", "two"):
        write_audiocaps(tmp_path / f"{name}.csv", ["A dog barks"])
    lines = [f"caption audiocaps:{name}.csv out".split() for name in ("one", "two")]
    assert audiomcq(*lines[0], folder=tmp_path).code == 0
    refused(audiomcq(*lines[1], folder=tmp_path), "audiocaps:one.csv", "audiocaps:two.csv")
    assert audiomcq(*lines[1], "--take-over", folder=tmp_path).code == 0
    assert audiomcq(*lines[1], folder=tmp_path).code == 0
    refused(audiomcq(*lines[0], folder=tmp_path), "audiocaps:two.csv")


def test_folder_without_an_owner_is_adopted(tmp_path: Path) -> None:
    """A folder that does not say whose it is belongs to the next who builds there."""
    write_audiocaps(tmp_path / "one.csv", ["A dog barks"])
    write_audiocaps(tmp_path / "two.csv", ["A cat purrs"])
    assert audiomcq("caption", "audiocaps:one.csv", "out", folder=tmp_path).code == 0
    (tmp_path / "out/.audiomcq/owner.json").unlink()
    assert audiomcq("caption", "audiocaps:two.csv", "out", folder=tmp_path).code == 0
    refused(audiomcq("caption", "audiocaps:one.csv", "out", folder=tmp_path), "audiocaps:two.csv")


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("cot build/filter OUT --writer=", "votes, audio_contribution"),
        ("verify build/cot OUT", "structured_cot, simple_cot"),
        ("filter build/split OUT --recipe ours.toml", "subset"),
        ("filter build/split OUT --recipe ours.toml --dry-run", "subset"),
    ],
)
def test_columns_of_later_stages_are_not_lost(line: str, lost: str, built: Path, tmp_path: Path) -> None:
    """A stage does not read the folder of a later stage, whose columns it would leave out, unless that is meant."""
    words = line.replace("OUT", str(tmp_path / "out")).split()
    refused(audiomcq(*words, folder=built), lost, "--drop-later")
    assert audiomcq(*words, "--drop-later", folder=built).code == 0


@pytest.mark.parametrize("stage", ["verify", "cot", "filter", "split"])
def test_stage_reads_its_own_output(stage: str, built: Path, tmp_path: Path) -> None:
    """A stage may be run on what it has written itself."""
    ended = audiomcq(stage, f"build/{stage}", tmp_path / "out", "--recipe", "ours.toml", folder=built)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("line", ["run --source SOURCE --until caption", "caption SOURCE build/caption"])
@pytest.mark.parametrize("wrong", ["folder:typo", "folder:empty", "folder:odd", "audiocaps:typo.csv"])
def test_source_that_cannot_be_read_owns_nothing(wrong: str, line: str, tmp_path: Path) -> None:
    """A mistyped source stops a command before it writes anything, and the corrected command builds there."""
    write_audiocaps(tmp_path / "right.csv", ["A dog barks"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/captions.csv").write_text("file_name,text\na.wav,A dog barks\n")
    assert audiomcq(*line.replace("SOURCE", wrong).split(), folder=tmp_path).code == 3
    assert not (tmp_path / "build").exists()
    ended = audiomcq(*line.replace("SOURCE", "audiocaps:right.csv").split(), folder=tmp_path)
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("line", ["run --source SOURCE --until caption", "caption SOURCE build/caption"])
def test_source_that_breaks_off_owns_nothing(line: str, tmp_path: Path) -> None:
    """A source that turns out to be wrong after its first row leaves the folder to the corrected command."""
    write_audiocaps(tmp_path / "right.csv", ["A dog barks"])
    (tmp_path / "wrong.csv").write_bytes((tmp_path / "right.csv").read_bytes() + b"1,video000001,10,\xff\xfe\n")
    assert audiomcq(*line.replace("SOURCE", "audiocaps:wrong.csv").split(), folder=tmp_path).code == 3
    ended = audiomcq(*line.replace("SOURCE", "audiocaps:right.csv").split(), folder=tmp_path)
    assert ended.code == 0, ended.err


def test_failed_command_leaves_a_built_folder_to_its_owner(built: Path) -> None:
    """A run that fails in a folder in which something is built takes nobody's record away."""
    (built / "gone.toml").write_text((built / "ours.toml").read_text().replace("ours.csv", "gone.csv"))
    assert audiomcq("run", "gone.toml", folder=built).code == 3
    refused(audiomcq("run", "theirs.toml", folder=built), "'ours'")
