from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiomcq_cli import parquet

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("audiomcq_cli", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if path != ROOT / "audiomcq_cli/parquet.py"
)

READERS = {"read_parquet", "scan_parquet", "read_parquet_schema", "read_parquet_metadata"}
"""What Polars opens Parquet files with."""

NAMES = ("v[1]", "a*b", "q?x", "a=b", "with spaces", "%41", "ünïcode", "-dash", "s3:x", "file:y", "~home")


def find_readers(tree: ast.AST) -> Iterator[str]:
    """Whatever opens Parquet files by itself in a module; types may be named."""
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typed:
            continue
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in ("pyarrow.parquet", "pyarrow.dataset"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pyarrow"):
            yield from (
                one.name for one in node.names if one.name in ("parquet", "dataset") or "parquet" in node.module
            )
        elif isinstance(node, ast.Attribute) and node.attr in READERS:
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_parquet_is_opened_in_one_place(module: Path) -> None:
    """No other module opens Parquet files: each library has an idea of its own of what a name means."""
    found = list(find_readers(ast.parse((ROOT / module).read_text("utf-8"))))
    if module.parts[0] == "benchmarks":  # they may write what they measure
        found = [name for name in found if name != "pyarrow.parquet"]
    assert not found


@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_literally(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a folder of any name are written and read, by a relative path too, with their own columns and rows."""
    monkeypatch.chdir(tmp_path)
    for other in ("v1", "aXb", "qqx", "A"):
        Path(other).mkdir()
        pq.write_table(pa.table({"x": [7]}), f"{other}/p.parquet")
    Path(name).mkdir()
    path = Path(name, "p.parquet")
    parquet.write_table(pa.table({"x": [1, 2]}), path)
    assert parquet.read_table(path).to_pydict() == {"x": [1, 2]}
    assert parquet.read_schema(path).names == ["x"]
    assert parquet.read_metadata(path).num_rows == 2
    assert parquet.read_frame(path, ["x"]).to_dict(as_series=False) == {"x": [1, 2]}
    assert parquet.scan_frames([path, path]).collect().to_dict(as_series=False) == {"x": [1, 2, 1, 2]}
