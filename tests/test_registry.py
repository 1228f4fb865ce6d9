"""Names of stages, sources, importers, backends and exports, and the order of the stages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audiomcq_cli import registry
from audiomcq_cli.errors import RecipeError

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        ("sources", {"audiocaps", "clotho", "folder", "musiccaps"}),
        ("importers", {"audiomcq", "dcase", "mmar", "mmau", "mmsu", "table"}),
        ("backends", {"openai-compatible", "scripted"}),
        ("exports", {"audiomcq"}),
        ("stages", {"caption", "generate", "verify", "cot", "filter", "split", "import"}),
    ],
)
def test_names(kind: str, some: set[str]) -> None:
    """Every public file of a folder is a name, with hyphens, in order."""
    names = registry.names(kind)
    assert some <= set(names)
    assert names == sorted(names)
    assert not [name for name in names if name.startswith(("_", "-"))]


def test_entries() -> None:
    """Every name leads to an entry with a line of help."""
    for name in registry.names("sources"):
        assert registry.source(name).help
    for name in registry.names("importers"):
        assert registry.importer(name).help
    for name in registry.names("backends"):
        assert registry.backend(name).help
    for name in registry.names("exports"):
        assert registry.export(name).help
    assert all(stage.help for stage in registry.stages().values())


def test_stages_follow_each_other() -> None:
    """The pipeline begins with the stage that follows none, and every other comes after the one that it names."""
    order = list(registry.stages())
    assert order[0] == "caption"
    for name, stage in registry.stages().items():
        if stage.after is not None:
            assert order.index(stage.after) < order.index(name)
    always = [name for name, stage in registry.stages().items() if not stage.named_only]
    assert always == ["caption", "generate", "verify", "cot", "filter", "split"]


def test_second_way_in_stands_at_the_end() -> None:
    """The stage that question sets begin with is last, and names the one that reads what it writes."""
    order = list(registry.stages())
    assert order[-1] == "import"
    assert registry.stages()[registry.stages()["import"].joins].reads == registry.stages()["import"].writes


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("source", "unknown source 'none'"),
        ("importer", "unknown importer 'none'"),
        ("backend", "unknown backend 'none'"),
        ("export", "unknown export 'none'"),
    ],
)
def test_unknown_names(kind: str, message: str) -> None:
    """An unknown name is refused, and those there are named."""
    with pytest.raises(RecipeError, match=message) as caught:
        getattr(registry, kind)("none")
    assert "there are" in caught.value.hint


def test_private_modules_are_no_entries() -> None:
    """What a folder's files share is not reached by name, nor is anything outside the folder."""
    for name in ("_csv", "-csv", "../errors", "folder.x", ""):
        with pytest.raises(RecipeError, match="unknown source"):
            registry.source(name)


def stages_with(folder: Path, files: dict[str, str]) -> str:
    """What ``registry.stages()`` says in a copy of the package with some more stages."""
    import shutil

    shutil.copytree(ROOT / "audiomcq_cli", folder / "audiomcq_cli", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in files.items():
        (folder / "audiomcq_cli/stages" / name).write_text(text)
    code = "from audiomcq_cli import registry; print(*registry.stages())"
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr


STAGE = """
from audiomcq_cli.contracts import NoOptions, Stage
STAGE = Stage(help="x", after={after!r}, version=1, options=NoOptions, reads=(), writes=(), named_only={named})
"""


def test_stage_between_two(tmp_path: Path) -> None:
    """A stage that is left out by default stands between the one that it follows and the next that is always run."""
    said = stages_with(
        tmp_path,
        {"listen.py": STAGE.format(after="caption", named=True), "judge.py": STAGE.format(after="listen", named=True)},
    )
    assert said.split() == ["caption", "listen", "judge", "generate", "verify", "cot", "filter", "split", "import"]


def test_stage_that_follows_nothing_there_is(tmp_path: Path) -> None:
    """A stage that names no other stage is a fault that is told by name."""
    said = stages_with(tmp_path, {"lost.py": STAGE.format(after="nothing", named=True)})
    assert "stage 'lost' follows a stage that does not exist" in said


def test_file_without_an_entry(tmp_path: Path) -> None:
    """A file that defines no STAGE is a fault that is told by its path."""
    said = stages_with(tmp_path, {"bare.py": "X = 1\n"})
    assert "bare.py does not define STAGE" in said
