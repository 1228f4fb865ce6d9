"""What is installed: the wheel has its data, the dependencies are those imported, the pins fit."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from audiomcq_cli import __version__

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13")

KEPT = {"huggingface-hub", "librosa", "openai"}
"""Named by the users for what comes; part of the base install whether or not the package imports them yet."""

HEAVY = {"torch", "torchaudio", "torchcodec", "tensorflow", "jax", "transformers", "vllm", "ray", "xllamacpp"}


def _build(source: Path, kind: str, folder: Path) -> Path:
    """Build a ``wheel`` or ``sdist`` of a source tree into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return _build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def _names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def _shipped(kind: str) -> set[str]:
    """Files of the package, or of a folder of its data, in the checkout, by their path in the wheel."""
    inside = "" if kind == "audiomcq_cli" else "audiomcq_cli/"
    files = (path for path in (ROOT / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{inside}{path.relative_to(ROOT).as_posix()}" for path in files}


# ---------------------------------------------------------------------------------------------------------- wheel


def test_the_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    """The wheel has the modules, the type marker, the prompts, the schemas and the examples, and nothing else."""
    names = _names(wheel)
    assert names == {name for kind in ("audiomcq_cli", "prompts", "schemas", "examples") for name in _shipped(kind)}
    assert "audiomcq_cli/py.typed" in names
    assert wheel.name == f"audiomcq-{__version__}-py3-none-any.whl"


def test_an_installed_package_uses_its_own_data(wheel: Path, tmp_path: Path) -> None:
    """Unpacked away from the checkout, the command line works and reads the prompts, schemas and examples beside it."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "site")
    script = (
        "from audiomcq_cli.storage.prompts import Prompts\nfrom audiomcq_cli.storage.resources import schema, shipped\n"
        "from audiomcq_cli.recipe.read import default_recipe\n"
        "print(*map(shipped, ('prompts', 'schemas', 'examples')), sep='\\n')\n"
        "assert default_recipe().models\n"
        "Prompts().get('question'), schema('recipe')\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True
        ).stdout

    inside = tmp_path / "site" / "audiomcq_cli"
    assert run("-c", script).splitlines() == [str(inside / name) for name in ("prompts", "schemas", "examples")]
    assert run("-m", "audiomcq_cli", "--version") == f"audiomcq {__version__}\n"
    assert "generate" in run("-m", "audiomcq_cli", "--help")


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """A wheel built from the source distribution has the same files, and the sources can be tested."""
    sdist = _build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    assert _names(_build(source, "wheel", tmp_path / "wheel")) == _names(wheel)
    for name in ("tests/test_packaging.py", "constraints.txt", "examples", "docs", "LICENSE", "README.md"):
        assert (source / name).exists(), name


def test_the_license_is_whole() -> None:
    """The license file is the full text of Apache-2.0."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


# --------------------------------------------------------------------------------------------------- dependencies


def test_dependencies_are_those_imported() -> None:
    """Every library that the package imports is declared, and every one declared is imported or named by the users."""
    roots: set[str] = set()
    for path in (ROOT / "audiomcq_cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add((node.module or "").partition(".")[0])
    homes = packages_distributions()
    foreign = roots - set(sys.stdlib_module_names) - {"audiomcq_cli"}
    imported = {canonicalize_name(homes[root][0]) if root in homes else root for root in foreign}
    extras = _declared(*(name for name in PROJECT["optional-dependencies"] if name != "dev"))
    assert imported - extras <= _declared()
    assert _declared() - imported <= KEPT


def test_extras_have_their_names() -> None:
    """The extras that the documentation names are there; dev brings embedded and listen, which the tests use."""
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    assert {"embedded", "listen", "vllm", "ray", "dev"} <= set(extras)
    assert "audiomcq[embedded,listen]" in extras["dev"]


def test_the_base_install_is_light() -> None:
    """Nothing that the base install needs, directly or not, is torch or the like."""
    seen: set[str] = set()
    waiting = [Requirement(line) for line in PROJECT["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        try:
            waiting += [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            pytest.fail(f"{name} is not installed")
    assert not seen & HEAVY


def _declared(*extras: str) -> set[str]:
    lines: list[str] = [*PROJECT["dependencies"]]
    if extras:
        lines = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(line).name) for line in lines}


# ----------------------------------------------------------------------------------------------------------- pins


def _pins(python: str) -> dict[str, str]:
    """Versions in ``constraints.txt`` for a Python version, by name; each name once."""
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        assert re.fullmatch(r'[a-z0-9-]+==[0-9][\w.]*(; python_version [<>]=? "3\.\d+")?', line), line
        pin = Requirement(line)
        if not pin.marker or pin.marker.evaluate({"python_version": python}):
            assert pin.name not in found, line
            [specifier] = pin.specifier
            found[pin.name] = specifier.version
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_asked_for_is_pinned(python: str) -> None:
    """Each requirement of the base install and of dev has a pin that satisfies it, on every Python version."""
    pins = _pins(python)
    extras: Iterable[str] = (*PROJECT["optional-dependencies"]["embedded"], *PROJECT["optional-dependencies"]["dev"])
    for line in (*PROJECT["dependencies"], *extras):
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name != "audiomcq":
            assert requirement.specifier.contains(pins[name]), line


def test_python_versions_agree() -> None:
    """What is declared, what is classified and what is pinned are the same Python versions."""
    classified = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line]
    assert tuple(classified) == PYTHONS
    assert PROJECT["requires-python"] == ">=3.11,<3.14"


def test_nobody_is_told_to_install_from_an_index() -> None:
    """The package is on no index: every text that says how to install it means a checkout."""
    files = [
        ROOT / "README.md",
        *(path for name in ("audiomcq_cli", "docs", "examples") for path in (ROOT / name).rglob("*")),
    ]
    wrong = re.compile(r"pip install (?:-\S+ )*[\"']?audiomcq\b")
    texts = {path: path.read_text("utf-8") for path in files if path.suffix in {".py", ".md", ".toml", ".yml", ".sh"}}
    assert texts and [str(path) for path, text in texts.items() if wrong.search(text)] == []
