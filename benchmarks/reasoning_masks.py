"""Counts how alike the reasoning from templates is once names and numbers are masked.

    python benchmarks/reasoning_masks.py DIR [DIR ...]

Each DIR holds rows after generate. Of each corpus it prints how many rows get reasoning, by family, and what share of
them the commonest masked text covers: of each stage, of the short analysis, and of the three stages together.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from audiomcq_cli.grounded.measured.telling import compose_proved


def main(folders: list[str]) -> None:
    """Print the figures of each folder."""
    import pyarrow.parquet as pq

    for folder in folders:
        rows = [row for path in sorted(Path(folder).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
        masked: Counter[tuple[str, str]] = Counter()
        families: Counter[str] = Counter()
        done: Counter[str] = Counter()
        for row in rows:
            family = row["provenance"][-1]["prompt"]
            families[family] += 1
            reasoning = compose_proved(row) if row["proof"] else None
            if not reasoning:
                continue
            done[family] += 1
            texts = {name: _mask(text, row) for name, text in (*reasoning[0].items(), ("brief", reasoning[1]))}
            masked.update(texts.items())
            masked["whole", "\n".join(texts[name] for name in reasoning[0])] += 1
        total = done.total()
        print(f"{folder}: {total} of {len(rows)} rows have reasoning")
        print("  by family:", ", ".join(f"{name} {done[name]}/{count}" for name, count in families.most_common()))
        for part in ("stage1", "stage2", "stage3", "brief", "whole"):
            found = Counter({text: count for (name, text), count in masked.items() if name == part})
            text, most = found.most_common(1)[0]
            print(f"  {part}: {len(found)} masked texts, the commonest covers {most / total:.1%}: {text[:160]!r}")


def _mask(text: str, row: dict[str, Any]) -> str:
    """Return a text with options, sounds and numbers masked."""
    text = re.sub(re.escape(row["question"]), "Q", text)
    names = {*row["choices"], *(fact["text"] for fact in row["proof"])} - {""}
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "X", text, flags=re.IGNORECASE)
    text = re.sub(r"\d+(?:\.\d+)?", "N", text)
    return re.sub(r"X(?:(?:,| and|, then) X)+", "X", text)


if __name__ == "__main__":
    main(sys.argv[1:])
