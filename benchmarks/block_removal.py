"""Guessability after rows of balanced blocks were removed: at random, by their answer, or by a judge that cannot hear.

    python -m benchmarks.block_removal FOLDER [--seed 0] [--most 50000]

FOLDER holds the shards of generate or of a later stage. Rows are removed in several ways; each time three corpora are
probed:

forgotten    The rows that are left, with nothing known of blocks.
rejected     Wholeness is counted afresh, and rows of broken blocks are rejected (``block_broken``).
kept         Rows of broken blocks stay as single questions (``keep_broken``); ``alone`` are these rows by themselves.

The table on stdout is Markdown: rows left, guessed by the best guesser, and its least likely option right, in per cent.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from audiomcq_cli import parquet
from audiomcq_cli.probe.asked import Asked, read_asked
from audiomcq_cli.probe.report import probe
from audiomcq_cli.probe.sample import MOST, Sample
from audiomcq_cli.records import draw
from audiomcq_cli.storage.shards import list_shards
from audiomcq_cli.wholeness import find_broken

COMMON = 10
"""Answers that count as common."""

Removed = Callable[[Asked], bool]


def read_folder(folder: Path, most: int) -> list[Asked]:
    """Return the rows of a folder of shards, or as many whole blocks and clips of it as ``most`` allows."""
    sample = Sample(most)
    for one in list_shards(folder):
        sample.add(read_asked(parquet.read_table(one.path)))
    return sample.rows


def list_removals(rows: Sequence[Asked], seed: int) -> Iterator[tuple[str, Removed]]:
    """Yield each way to remove rows with its name."""

    def at_random(share: float) -> Removed:
        return lambda row: draw(seed, "remove", row.id) < share * 2**64

    def both(first: Removed, second: Removed) -> Removed:
        return lambda row: first(row) and second(row)

    answers = Counter(row.options[row.key] for row in rows)
    common = [text for text, _ in answers.most_common(COMMON)]
    yield "none", lambda row: False
    for share in (0.05, 0.10, 0.20):
        yield f"{share:.0%} at random", at_random(share)
    for share in (0.5, 1.0):
        yield f"answer is the commonest, {share:.0%} of them", both(_answers(common[:1]), at_random(share))
    yield f"answer is one of the {COMMON} commonest, 50% of them", both(_answers(common), at_random(0.5))
    yield "answer is the longest option, 50% of them", both(_is_longest, at_random(0.5))
    judge = _judge_by_use(answers)
    for share in (0.2, 0.5, 1.0):
        yield f"a judge who guesses the commonest sound is right, {share:.0%} of them", both(judge, at_random(share))


def _answers(texts: Sequence[str]) -> Removed:
    return lambda row: row.options[row.key] in texts


def _is_longest(row: Asked) -> bool:
    return len(row.options[row.key]) > max(len(text) for place, text in enumerate(row.options) if place != row.key)


def _judge_by_use(answers: Mapping[str, int]) -> Removed:
    """Return a judge who hears nothing and takes the option that is the answer most often in the corpus."""

    def is_right(row: Asked) -> bool:
        guess = max(range(len(row.options)), key=lambda place: (answers[row.options[place]], row.options[place]))
        return guess == row.key

    return is_right


def forget(rows: Sequence[Asked]) -> list[Asked]:
    """Return rows with nothing known of blocks."""
    return [replace(row, block="") for row in rows]


def find_whole(rows: Sequence[Asked]) -> set[str]:
    """Return the blocks that are whole, as the stages count it."""
    columns = (
        {
            "block": row.block or None,
            "clip_id": row.clip,
            "question": row.question,
            "choices": row.options,
            "answer_index": row.key,
        }
        for row in rows
    )
    return {block for block, fault in find_broken(columns).items() if not fault}


def describe(rows: Sequence[Asked]) -> str:
    """Return two cells of the table: how many rows there are, and what a probe says of them."""
    best = probe(rows).best
    told = f"{best.most.share:.1%} / {best.least.share:.1%} ({best.guesser})" if best else "too few rows"
    return f"{len(rows):,} | {told}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=MOST, help="rows that are looked at, in whole blocks and clips")
    arguments = parser.parse_args()
    rows = read_folder(arguments.folder, arguments.most)
    outcomes = ("forgotten", "rejected", "kept", "alone")
    print("| removed | " + " | ".join(f"{name}: rows | most / least likely" for name in outcomes) + " |")
    print("|---" * (2 * len(outcomes) + 1) + "|")
    for name, removed in list_removals(rows, arguments.seed):
        left = [row for row in rows if not removed(row)]
        whole = find_whole(left)
        rejected = [row for row in left if not row.block or row.block in whole]
        kept = [row if row.block in whole else replace(row, block="") for row in left]
        alone = forget([row for row in left if row.block and row.block not in whole])
        cells = " | ".join(describe(one) for one in (forget(left), rejected, kept, alone))
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
