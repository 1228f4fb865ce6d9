"""What would stop a later stage is said before the first call, and who is asked before it is asked."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from audiomcq_cli.cli.console import Out
from audiomcq_cli.storage.resources import shipped
from tests.cli import NOWHERE, audiomcq, spawn, write_audiocaps, write_recipe
from tests.servers.process import RunningServer


@pytest.fixture
def corpus(http: RunningServer, tmp_path: Path) -> Path:
    """A folder with one clip and a recipe whose models are all on the shared server."""
    write_audiocaps(
        tmp_path / "a.csv", ["A dog barks while rain falls", "A man talks over music", "A cat meows by a door"]
    )
    write_recipe(tmp_path / "recipe.toml", http.base_url, sources="audiocaps:a.csv")
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    """Replace a text in the recipe, which has to be there."""
    text = (folder / "recipe.toml").read_text()
    assert old in text
    (folder / "recipe.toml").write_text(text.replace(old, new))


WRONG = {
    "judge that is no model": ("\n[filter]\njudges = ['judge1', 'nobody']", 4, "stage filter needs a model 'nobody'"),
    "judge that is two": ("\n[filter]\njudges = ['judge1', 'twin']", 4, "'judge1' and 'twin' are one model"),
    "judge that cannot be scored": ("\n[filter]\njudges = ['judge1:pmi', 'judge2']", 4, "stage filter needs score"),
    "judge that is deaf": ("\n[filter]\njudges = ['writer', 'judge2']", 4, "stage filter needs audio"),
    "grader that is no model": ("\n[cot]\ngrader = 'nobody'", 4, "stage cot needs a model 'nobody'"),
    "weights that are not there": (
        "\n[models.e]\nbackend = 'embedded'\nmodel = 'none.gguf'\n[cot]\ngrader = 'e'", 5, "there is no such file",
    ),
    "source that is none": ("\n[publish]\nredistribute = ['X']", 4, "redistribute: no source 'X'\n.*AudioCaps"),
    "release that is none": ("\n[publish]\nsince = './nowhere'", 4, "no such folder"),
}  # fmt: skip


@pytest.mark.parametrize("dry", [False, True], ids=["run", "dry run"])
@pytest.mark.parametrize("name", WRONG)
def test_later_stage_that_cannot_work(name: str, dry: bool, corpus: Path, http: RunningServer) -> None:
    """What a later stage lacks ends a run before its first call, and a dry run likewise."""
    tables, code, said = WRONG[name]
    twin = f'\n[models.twin]\nmodel = "scripted"\nbase_url = "{http.base_url}"\nsampling = {{seed = 2}}\naudio = true\n'
    with (corpus / "recipe.toml").open("a") as recipe:
        recipe.write(twin + tables)
    ended = audiomcq("run", "recipe.toml", *(["--dry-run"] if dry else []), folder=corpus)
    assert re.search(said, ended.error), ended.error
    assert ended.code == code
    assert http.stats()["received"] == 0
    assert not (corpus / "build/caption").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{{ questoin }}", "no variable 'questoin'\n.*question"), ("{% if %}", "not a template"), (None, "not TOML")],
)
def test_prompt_that_cannot_be_used(text: str | None, said: str, corpus: Path, http: RunningServer) -> None:
    """A prompt of one's own is read, and its variables are looked for, before anything is asked."""
    (corpus / "mine").mkdir()
    shutil.copy(shipped("prompts") / "judge.toml", corpus / "mine/judge.toml")
    found = (corpus / "mine/judge.toml").read_text()
    (corpus / "mine/judge.toml").write_text("=" if text is None else found.replace("{{ question }}", text))
    for line in ("run recipe.toml --prompts mine", "run recipe.toml --prompts mine --dry-run"):
        ended = audiomcq(*line.split(), folder=corpus)
        assert ended.code == 3
        assert re.search(said, ended.error), ended.error
    assert http.stats()["received"] == 0


def test_key_that_a_later_stage_lacks(corpus: Path, http: RunningServer) -> None:
    """A key that is not in the environment is missed before another stage is paid for."""
    edit(corpus, "sampling = {seed = 4}", 'sampling = {seed = 4}\napi_key_env = "NO_SUCH_KEY_HERE"')
    ended = audiomcq("run", "recipe.toml", folder=corpus)
    assert (ended.code, http.stats()["received"]) == (4, 0)
    assert "NO_SUCH_KEY_HERE is not set" in ended.error


def test_server_of_a_later_stage_that_is_not_there(corpus: Path, http: RunningServer) -> None:
    """A server that does not answer yet is told of, and the stages before it are done."""
    text = (corpus / "recipe.toml").read_text()
    head, models = text.split("[models.judge3]")
    (corpus / "recipe.toml").write_text(head + "[models.judge3]" + models.replace(http.base_url, NOWHERE))
    ended = audiomcq("run", "recipe.toml", "--until", "verify", folder=corpus)
    assert ended.code == 0
    assert "judge3" not in ended.err
    ended = audiomcq("run", "recipe.toml", "--json", folder=corpus)
    assert ended.code == 5
    assert [stage["stage"] for stage in ended.json["stages"]][:4] == ["caption", "generate", "verify", "cot"]
    assert "it has to be there when filter begins" in ended.err.partition("caption: ")[0]


def test_who_is_asked_is_said(corpus: Path) -> None:
    """Which recipe applies and who is asked is said, a model a line; without a recipe that, and that nobody grades."""
    ended = audiomcq("run", "recipe.toml", "--until", "verify", folder=corpus)
    said = ["recipe recipe.toml", "  writer = scripted (generate)", "  grader = scripted (verify)"]
    assert ended.err.splitlines()[:3] == said
    ended = audiomcq("generate", "build/caption", "asked", "--dry-run", folder=corpus)
    assert ended.err.startswith("generate: no recipe is given: models and options of examples/laptop.toml; no model")
    ended = audiomcq("verify", "build/generate", "out", folder=corpus)
    assert ended.code == 0
    assert "verify: no recipe is given: models and options of examples/laptop.toml; no model is asked" in ended.err
    assert "verify: no graders: nobody grades the questions" in ended.err
    ended = audiomcq(
        "verify", "build/generate", "out", "--graders", "grader,writer", "--recipe", "recipe.toml", "-q", folder=corpus
    )
    assert (ended.code, ended.err) == (0, "")
    ended = audiomcq("run", "recipe.toml", "--until", "verify", "-v", folder=corpus)
    assert "verify: options graders = ['grader'], threshold = 4" in ended.err


def test_help_shows_what_applies(tmp_path: Path) -> None:
    """The help of a stage shows the values of the recipe that applies where none is given."""
    told = {
        name: " ".join(audiomcq(name, "-h", folder=tmp_path).out.split()).replace("│ │ ", "")
        for name in ("verify", "generate", "filter")
    }
    assert "Default: the recipe's value (grader if the recipe has none). Without a recipe: none." in told["verify"]
    assert "Default: the recipe's value (llm if the recipe has none). Without a recipe: grounded." in told["generate"]
    assert "<" not in told["verify"] + told["generate"]


def test_license_of_the_questions_is_one_flag(corpus: Path, http: RunningServer) -> None:
    """A run without a license says so and names the flag; with that it publishes anew, and asks nobody again."""
    ended = audiomcq("run", "recipe.toml", folder=corpus)
    assert ended.code == 0, ended.err
    assert "publish: the questions will have no license" in ended.err and "--question-license" in ended.err
    ended = audiomcq("validate", "build/release", folder=corpus)
    assert ended.code == 8 and "--question-license" in ended.error
    http.reset()
    ended = audiomcq("run", "recipe.toml", "--question-license", "cc-by-4.0", folder=corpus)
    assert ended.code == 0, ended.err
    assert "no license" not in ended.err
    assert http.stats()["received"] == 0
    assert "the questions have no licen" not in audiomcq("validate", "build/release", folder=corpus).out
    ended = audiomcq("publish", "build/split", "other", "--question-license", "cc0-1.0", folder=corpus)
    assert ended.code == 0, ended.err
    assert "license: cc0-1.0" in (corpus / "other/README.md").read_text()


def test_note_on_licenses_follows_the_checks(corpus: Path) -> None:
    """A run that cannot begin says nothing of the license that its release would lack."""
    edit(corpus, "a.csv", "typo.csv")
    for line in ("run recipe.toml", "run recipe.toml --dry-run"):
        ended = audiomcq(*line.split(), folder=corpus)
        assert ended.code == 3
        assert "license" not in ended.err


def test_recipe_takes_over_what_its_sources_built_without_one(corpus: Path, tmp_path: Path) -> None:
    """A release made without a recipe becomes that of a recipe of the same sources, and of no other."""
    ended = audiomcq("run", "--source", "audiocaps:a.csv", "--until", "caption", folder=corpus)
    assert ended.code == 0, ended.err
    (corpus / "build/release/.audiomcq").mkdir(parents=True)
    (corpus / "build/release/.audiomcq/manifest.json").write_text('{"release": "corpus", "files": []}')
    ended = audiomcq("run", "recipe.toml", "--dry-run", folder=corpus)
    assert ended.code == 0, ended.err
    write_audiocaps(corpus / "b.csv", ["A bird sings"])
    edit(corpus, "a.csv", "b.csv")
    ended = audiomcq("run", "recipe.toml", "--dry-run", folder=corpus)
    assert ended.code == 4 and "--workdir" in ended.error and "--take-over" in ended.error


def test_laptop_recipe_is_what_no_recipe_does(tmp_path: Path) -> None:
    """The example that stands for no recipe has its seed and its names of sources, so that nothing is done again."""
    from audiomcq_cli.recipe.read import default_recipe, read_recipe
    from audiomcq_cli.recipe.specs import source_spec

    example = read_recipe(shipped("examples") / "laptop.toml")
    [source] = example.sources
    assert example.seed == default_recipe().seed
    assert source.name == source_spec(f"folder:{source.path}").name


@pytest.mark.parametrize("ending", ["", "/v1/chat/completions"])
def test_address_that_can_hardly_be_right_is_told_of(ending: str, corpus: Path, http: RunningServer) -> None:
    """An address without the /v1 of most servers, or with too much behind it, is told of once for all its models."""
    wrong = http.base_url.removesuffix("/v1") + ending
    text = (corpus / "recipe.toml").read_text()
    (corpus / "recipe.toml").write_text(text.replace(http.base_url, wrong))
    ended = audiomcq("run", "recipe.toml", "--dry-run", folder=corpus)
    assert f"models writer, grader, judge1, judge2, judge3: base_url {wrong}: most servers want {http.base_url}\n" in (
        ended.err
    )
    assert ended.err.count("most servers want") == 1


def test_every_model_that_no_list_has_is_said_before_the_first_call(corpus: Path, http: RunningServer) -> None:
    """Models that their server does not list are named before anything is asked, one line for those alike, once."""
    text = (corpus / "recipe.toml").read_text()
    for name in ("grader", "judge1"):
        text = text.replace(f'[models.{name}]\nmodel = "scripted"', f'[models.{name}]\nmodel = "scriptd"')
    (corpus / "recipe.toml").write_text(text)
    ended = audiomcq("run", "recipe.toml", folder=corpus)
    assert ended.code == 5
    [said] = [line for line in ended.err.splitlines() if "does not list" in line]
    assert f"models 'grader', 'judge1' at {http.base_url}: does not list 'scriptd'" in said
    assert said in ended.err.partition("caption: ")[0]
    assert "model 'grader' at" in ended.error


def test_servers_that_are_not_there_are_one_line(corpus: Path, http: RunningServer) -> None:
    """Of several models at an address where nothing answers one line says so, in words for people."""
    edit(corpus, http.base_url, NOWHERE)
    ended = audiomcq("run", "recipe.toml", "--until", "generate", folder=corpus)
    assert ended.code == 5
    ended = audiomcq("run", "recipe.toml", folder=corpus)
    before = ended.err.partition("caption: ")[0].splitlines()
    [said] = [line for line in before if "nothing answers" in line]
    names = "'writer', 'grader', 'judge1', 'judge2', 'judge3'"
    wanted = (
        f"models {names} at {NOWHERE}: nothing answers: connection refused: it has to be there when generate begins"
    )
    assert said == wanted


@pytest.mark.parametrize("dry", [False, True], ids=["run", "dry run"])
def test_first_stage_that_keeps_nothing_ends_the_run(dry: bool, tmp_path: Path) -> None:
    """Clips of which nothing is known end at the stage that can ask nothing of them, with the count and the cure."""
    from tests.cli import write_tones

    write_tones(tmp_path / "clips", 2)
    (tmp_path / "clips/captions.csv").unlink()
    ended = audiomcq("run", "--source", "folder:clips", *(["--dry-run"] if dry else ["--json"]), folder=tmp_path)
    if dry:
        assert "generate would keep nothing of 2" in ended.err
        return
    assert ended.code == 10
    assert [stage["stage"] for stage in ended.json["stages"]] == ["caption", "generate"]
    assert re.search(r"generate kept nothing of \d: nothing_to_ask \d\n.*--describe local", ended.error)


def test_run_takes_the_flags_of_its_stages(corpus: Path) -> None:
    """What a stage's command takes for its sources and choices, run takes as well."""
    ended = audiomcq(
        "run", "--source", "audiocaps:a.csv", "--name", "Mine", "--license", "CC0-1.0", "--seed", "3", "--sample", "1",
        "--audio", ".", "--until", "caption", "--describe", "nonsense", folder=corpus,
    )  # fmt: skip
    assert ended.code == 4
    assert "nonsense" in ended.error
    ended = audiomcq("run", "--source", "audiocaps:a.csv", "--name", "Mine", "--until", "caption", folder=corpus)
    assert ended.code == 0, ended.err
    ended = audiomcq("run", "recipe.toml", "--license", "CC0-1.0", folder=corpus)
    assert ended.code == 4
    assert "--license describes a source on the command line" in ended.error


@pytest.mark.parametrize("width", [46, 80])
def test_tables_fit_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line of a table is wider than the terminal, and none of its cells is cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    columns = ("stage", "items", "model", "prompt tokens", "completion tokens", "money")
    Out().table("Title", columns, [("generate", 1_234_567, "a-model-of-some-name", 123_456_789, 98_765_432, "1.25")])
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= width
    assert all(cell in "\n".join(lines) for cell in ("1,234,567", "a-model-of-some-name", "123,456,789", "98,765,432"))


def test_h_is_help(tmp_path: Path) -> None:
    """``-h`` is help everywhere."""
    assert spawn("journal", "pack", "-h", folder=tmp_path).code == 0


def test_model_with_several_parts_is_one_line(corpus: Path) -> None:
    """A model is told of once, with every stage that asks it, and as what where its name does not say that."""
    edit(corpus, "[[sources]]", "[cot]\nwriter = 'writer'\ngrader = 'judge1'\n\n[[sources]]")
    ended = audiomcq("run", "recipe.toml", "--dry-run", folder=corpus)
    assert ended.err.splitlines()[:6] == [
        "recipe recipe.toml",
        "  writer = scripted (generate, cot)",
        "  grader = scripted (verify)",
        "  judge1 = scripted (cot grader, filter)",
        "  judge2 = scripted (filter)",
        "  judge3 = scripted (filter)",
    ]
