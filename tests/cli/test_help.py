"""The help, the commands page, and that the one has what the other has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from audiomcq_cli import errors, registry
from audiomcq_cli.cli.main import make_app, make_command, name_argument
from audiomcq_cli.cli.reference import make_reference, parameters, walk
from tests.cli import ROOT, audiomcq, spawn

PAGE = ROOT / "docs" / "commands.md"
COMMANDS = dict(walk(typer.main.get_command(make_app()), "audiomcq"))


def test_stages_in_order(tmp_path: Path) -> None:
    """``audiomcq --help`` shows the stages in the order of the pipeline, with one line each."""
    ended = audiomcq("--help", folder=tmp_path)
    assert ended.code == 0
    panel = ended.out[ended.out.index("Stages, in order") :].partition("╰")[0]
    lines = [line.strip("│ ").split(maxsplit=1) for line in panel.splitlines()[1:]]
    names = [name for name, stage in registry.stages().items() if not stage.named_only]
    assert [words[0] for words in lines if words] == [*names, "publish"]
    assert all(re.fullmatch(r"[A-Z].*\.", words[1]) for words in lines if words), lines
    assert names == ["caption", "generate", "verify", "cot", "filter", "split"]


@pytest.mark.parametrize("path", COMMANDS)
def test_everything_has_help(path: str) -> None:
    """Every command, argument and option says what it is for, in a sentence."""
    command = COMMANDS[path]
    assert re.match(r"\S.*\.$", command.help, re.DOTALL), path
    for one in parameters(command):
        assert one.help, f"{path} {one.name}"
        assert re.match(r"[^a-z].*\.$", one.help, re.DOTALL), f"{path} {one.name}: {one.help}"


@pytest.mark.parametrize("path", COMMANDS)
def test_usage_is_that_of_the_page(path: str) -> None:
    """The usage line of the help names arguments as the commands page does."""
    whole = dict(walk(make_command(), "audiomcq"))
    pieces = [piece for one in parameters(whole[path]) for piece in one.get_usage_pieces(None)]
    section = PAGE.read_text("utf-8").partition(f"## {path}\n")[2].partition("\n## ")[0]
    assert all(piece in re.findall(r"^    (.*)", section, re.MULTILINE)[0] for piece in pieces)
    assert not re.search(r"[{}]|\[\[", " ".join(pieces))


@pytest.mark.parametrize("name", registry.stages())
def test_own_options_come_before_shared_ones(name: str) -> None:
    """The help of a stage shows first what only this stage can be told."""
    panels = [
        one.rich_help_panel for one in parameters(COMMANDS[f"audiomcq {name}"]) if one.param_type_name == "option"
    ]
    assert panels.index("Options of every stage") == len(panels) - panels.count("Options of every stage")


@pytest.mark.parametrize("path", COMMANDS)
def test_everything_is_documented(path: str) -> None:
    """The commands page has a section for every command, which names its arguments and options or links to them."""
    page = PAGE.read_text("utf-8")
    section = page.partition(f"## {path}\n")[2].partition("\n## ")[0]
    assert section
    if "](#options-of-every-stage)" in section:
        section += page.partition("\n## Options of every stage\n")[2].partition("\n## ")[0]
    for one in parameters(COMMANDS[path]):
        names = [name_argument(one)] if one.param_type_name == "argument" else [*one.opts, *one.secondary_opts]
        for name in names:
            assert re.search(rf"`{re.escape(name)}[` ]", section), f"{path}: {name}"


@pytest.mark.parametrize("path", COMMANDS)
def test_shared_options_are_documented_once(path: str) -> None:
    """No row of a table of options is repeated in the sections of the stages."""
    page = PAGE.read_text("utf-8")
    shared = page.partition("\n## Options of every stage\n")[2].partition("\n## ")[0]
    rows = {line for line in shared.splitlines() if line.startswith("| `--")}
    assert {"--recipe", "--workdir", "--dry-run", "--take-over"} <= {re.findall(r"--[a-z-]+", row)[0] for row in rows}
    section = page.partition(f"## {path}\n")[2].partition("\n## ")[0]
    if "](#options-of-every-stage)" in section:
        assert not rows & set(section.splitlines())
    else:
        assert path.removeprefix("audiomcq ") not in registry.stages()


def test_page_is_up_to_date() -> None:
    """The commands page is what the program says today."""
    assert PAGE.read_text("utf-8") == make_reference(), "run python -m audiomcq_cli.cli.reference > docs/commands.md"


def test_reference_is_a_program() -> None:
    """``python -m audiomcq_cli.cli.reference`` prints the page."""
    command = [sys.executable, "-m", "audiomcq_cli.cli.reference"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == make_reference()


def test_exit_codes_are_documented() -> None:
    """The page and the help's last lines name every exit code of the error tree, and none twice."""
    codes = [kind.exit_code for kind in errors.AudiomcqError.__subclasses__() if "exit_code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    epilog = make_app().info.epilog or ""
    page = PAGE.read_text("utf-8").partition("## Exit codes")[2]
    for code in {0, 1, 2, *codes}:
        assert re.search(rf"\b{code} [a-z]", epilog), code
        assert page.count(f"\n| {code} |") == 1, code


@pytest.mark.parametrize("columns", ["60", "80", "140"])
def test_help_keeps_square_brackets(columns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words in square brackets are not taken for colours."""
    import inspect

    from typer.testing import CliRunner

    from audiomcq_cli.cli.options import argument

    def command(**values: object) -> None:
        """Nothing."""

    command.__signature__ = inspect.Signature([argument("x", str, "one of [red] things.", metavar="X")])  # type: ignore[attr-defined]  # what Typer reads
    app = typer.Typer(rich_markup_mode="rich")
    app.command()(command)
    assert "[red]" in CliRunner().invoke(app, ["--help"], env={"COLUMNS": columns}).output


def test_version(tmp_path: Path) -> None:
    """The version goes to stdout."""
    from audiomcq_cli import __version__

    assert spawn("--version", folder=tmp_path).out == f"audiomcq {__version__}\n"
