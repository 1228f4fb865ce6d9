"""Finds characters that no text of a corpus may hold: control characters other than tabs and line ends.

U+0000 ends a text in C, so that readers see half of a question; others control terminals. They come from models and
from captions. Parquet cannot hold lone surrogates, because its texts are UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_SIGNS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_CONTROL = re.compile(_SIGNS)


def find_control(value: Any) -> str:
    """Return the first control character in a value of a row, at any depth, as ``U+0000``; empty if there is none."""
    if isinstance(value, str):
        found = _CONTROL.search(value)
        return f"U+{ord(found[0]):04X}" if found else ""
    parts = (
        (*value, *value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    )
    return next(filter(None, map(find_control, parts)), "")


def escape_control(text: str) -> str:
    """Return a text with control characters written as escapes: for the id of a row that is rejected for them."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def has_control(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return one mask a column of the rows with a control character in it: a text, or lists and structs of texts."""
    import polars as pl

    return [_mask(pl.col(name), kind).fill_null(False) for name, kind in frame.schema.items()]


def _mask(column: pl.Expr, kind: Any) -> pl.Expr:
    import polars as pl

    if kind == pl.String:
        return column.str.contains(_SIGNS)
    if isinstance(kind, pl.List):
        return column.list.eval(_mask(pl.element(), kind.inner).fill_null(False)).list.any()
    if isinstance(kind, pl.Struct):
        masks = [_mask(column.struct.field(part.name), part.dtype).fill_null(False) for part in kind.fields]
        return pl.any_horizontal(masks) if masks else pl.lit(False)
    return pl.lit(False)
