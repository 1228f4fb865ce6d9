"""Imports point one way, and the command line starts without the heavy libraries."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "audiomcq_cli"

PURE = {
    "answers", "audio", "audio_files", "characters", "containers", "contracts", "decoding", "errors", "foreign", "hub",
    "mcq", "measurements", "parquet", "records", "wholeness",
}  # fmt: skip
"""What parts of the pipeline may import: single modules, and the boundaries to what strangers write."""

ALLOWED = {
    "contracts": {"errors"},
    "errors": set[str](),
    "records": {"contracts", "errors"},
    "mcq": {"contracts", "errors", "records"},
    "answers": {"mcq"},
    "wholeness": set[str](),
    "characters": set[str](),
    "audio": {"contracts", "errors", "audio_files", "decoding"},
    "audio_files": {"contracts", "errors", "decoding"},
    "containers": set[str](),
    "decoding": {"errors", "containers"},
    "parquet": {"errors"},
    "hub": {"errors"},
    "registry": {"contracts", "errors"},
    "foreign": {"errors"},
    "storage": {"contracts", "errors", "records", "foreign", "parquet"},
    "release": {
        "contracts",
        "errors",
        "records",
        "mcq",
        "audio_files",
        "storage",
        "hub",
        "grounded",
        "foreign",
        "parquet",
        "characters",
        "probe",
        "wholeness",
    },
    "probe": {"contracts", "errors", "records", "mcq"},
    "engine": {*PURE, "storage", "listening", "__version__"},
    "measurements": set[str](),
    "listening": {"contracts", "errors", "records", "audio", "audio_files", "decoding", "measurements"},
    "grounded": {"errors", "records", "mcq", "measurements", "parquet"},
    "demo": {"contracts", "errors", "records", "audio"},
    "recipe": {*PURE, "registry", "storage", "release", "engine"},
    "cli": {*PURE, "registry", "recipe", "storage", "release", "engine", "demo", "probe", "__version__"},
    "stages": {*PURE, "grounded", "probe"},
    **dict.fromkeys(("sources", "backends", "exports"), PURE),
    "importers": {*PURE, "sources"},
    "__main__": {"cli"},
    "__init__": set[str](),
}
"""What each module or folder of the package may import of it, beside what is in the same folder."""

FACES = {"contracts"}
"""Folders whose modules are imported by each other alone: all others take the names from the folder."""

PRIVATE_ONLY = {"stages", "sources", "importers", "backends", "exports"}
"""Folders of entries: of their own folder they import private modules alone."""

HEAVY = (
    "pyarrow", "polars", "datasets", "openai", "librosa", "numpy", "aiohttp", "jsonschema", "rich.progress",
    "soundfile", "soxr", "scipy", "sklearn", "onnxruntime", "uvloop", "jinja2", "huggingface_hub", "matplotlib",
    "sqlite3", "asyncio",
)  # fmt: skip

TABLES = {"contracts", "engine", "grounded", "probe", "release", "recipe", "cli", "storage"}
"""Folders that open with a table of what is in them, as do the folders inside."""

MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def find_imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import in a module, those inside functions and type checks as well."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}") for alias in node.names)


def list_rooms(part: str) -> dict[str, set[str]]:
    """Modules and folders right inside a folder of the package, each with those that it imports of them."""
    rooms: dict[str, set[str]] = {}
    for module in MODULES:
        if module.parts[0] == part and module.name != "__init__.py":
            room = rooms.setdefault(module.parts[1].removesuffix(".py"), set())
            names = (name.split(".") for _, name in find_imports((PACKAGE / module).read_text("utf-8")))
            room |= {words[2] for words in names if words[:2] == ["audiomcq_cli", part] and len(words) > 2}
    return {name: {other for other in seen if other in rooms and other != name} for name, seen in rooms.items()}


def find_wrong(module: Path, source: str) -> list[str]:
    """Imports of a module, named by its path in the package, that the rules do not allow."""
    part = module.parts[0].removesuffix(".py")
    wrong = []
    for line, name in find_imports(source):
        words = name.split(".")
        if words[0] not in ("audiomcq_cli", ""):
            continue
        target = words[1] if len(words) > 1 and words[0] else ""
        inside = target == part and len(module.parts) > 1
        private = len(words) > 2 and words[2].startswith("_")
        behind = target in FACES and len(words) > 3 and not inside
        if behind or not (target in ALLOWED[part] or (inside and (part not in PRIVATE_ONLY or private))):
            wrong.append(f"{module}:{line} imports {name}")
    return wrong


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module: Path) -> None:
    """cli imports engine, engine storage, storage contracts; the parts of the pipeline import what is pure."""
    assert find_wrong(module, (PACKAGE / module).read_text("utf-8")) == []


@pytest.mark.parametrize("part", ["engine", "release", "recipe", "storage", "grounded"])
def test_rooms_stand_on_each_other(part: str) -> None:
    """No modules or folders inside of these import each other in a circle."""
    order = TopologicalSorter(list_rooms(part))
    order.prepare()
    assert order.is_active()


@pytest.mark.parametrize(
    "package",
    sorted({module.parent for module in MODULES if len(module.parts) > 1 and module.parts[0] in TABLES}),
    ids=str,
)
def test_every_package_says_what_is_in_it(package: Path) -> None:
    """A package opens with a table of its modules and folders, each with the question that it answers."""
    told = ast.get_docstring(ast.parse((PACKAGE / package / "__init__.py").read_text("utf-8"))) or ""
    here = {module.parts[len(package.parts)].removesuffix(".py") for module in MODULES if package in module.parents}
    rule = re.search(r"^=+  =+$", told, re.MULTILINE)
    assert rule
    rows = {line.split()[0] for line in told[rule.end() :].partition("==")[0].splitlines() if line[:1].strip()}
    assert rows == here - {"__init__"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine/stage.py", "from audiomcq_cli.cli.console import out"),
        ("engine/stage.py", "from audiomcq_cli import registry"),
        ("storage/shards.py", "from audiomcq_cli.engine import journal"),
        ("stages/cot.py", "from audiomcq_cli.stages.verify import STAGE"),
        ("grounded/pool.py", "from audiomcq_cli.contracts import Row"),
        ("engine/stage.py", "from audiomcq_cli.grounded import knowledge"),
        ("sources/folder.py", "from audiomcq_cli.grounded.hearing import listen"),
        ("stages/cot.py", "def f():\n    from audiomcq_cli.storage.shards import hash_file"),
        ("sources/folder.py", "import audiomcq_cli.engine"),
        ("sources/folder.py", "from ..engine import journal"),
        ("release/texts/card.py", "from audiomcq_cli.engine.intake.partition import SourceSpec"),
        ("registry.py", "from audiomcq_cli.stages import cot"),
        ("errors.py", "from audiomcq_cli import records"),
        ("contracts/rows.py", "import audiomcq_cli"),
        ("contracts/stages.py", "from audiomcq_cli import records"),
        ("engine/stage.py", "from audiomcq_cli.contracts.stages import Stage"),
    ],
)
def test_wrong_arrows_are_found(module: str, source: str) -> None:
    """The test above would see an import that breaks the rules, however it is written."""
    assert len(find_wrong(Path(module), source)) == 1


def test_private_modules_are_shared_in_their_folder() -> None:
    """Sources may share a private module of their folder."""
    assert not find_wrong(Path("sources/folder.py"), "from audiomcq_cli.sources._csv import read_csv")
    assert not find_wrong(Path("sources/folder.py"), "import json\nfrom audiomcq_cli import records")


@pytest.mark.parametrize(
    "module", ["audiomcq_cli.cli.main", "audiomcq_cli.contracts", "audiomcq_cli.records", "audiomcq_cli.recipe.read"]
)
def test_nothing_heavy_at_the_start(module: str) -> None:
    """Importing the command line or the contracts imports none of the libraries that take their time."""
    heavy = [name for name in HEAVY if not (module.endswith("recipe.read") and name == "asyncio")]
    code = f"import sys, {module}; print(*(name for name in {heavy!r} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert found.split() == []


def test_help_needs_nothing_heavy() -> None:
    """Making the whole command line, with every stage, source and export loaded, stays light as well."""
    code = (
        "import sys; from audiomcq_cli.cli.main import make_app; import typer.main; typer.main.get_command(make_app());"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert found.split() == []
