"""Probes a release or stage folder, checks the limit ``max_guessable``, and writes the section of the card."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError, TooGuessable
from audiomcq_cli.probe.asked import COLUMNS, NEEDED, read_asked
from audiomcq_cli.probe.report import Report, exceeds, find_above, probe
from audiomcq_cli.probe.sample import Sample
from audiomcq_cli.records import RELEASED
from audiomcq_cli.release.markdown import escape, write_table
from audiomcq_cli.release.rows.files import read_clips
from audiomcq_cli.release.tree import Tree
from audiomcq_cli.storage.shards import list_shards

_TOLD = 5
"""Forms that an error names, and words that a card does."""

_BATCH = 5_000


def probe_stage(folder: Path) -> Report:
    """Probe the rows that split wrote, before they are released.

    Raises:
        InputError: They are not what split writes.
    """
    sample = Sample()
    columns = [name for name in COLUMNS if name in RELEASED]
    for shard in list_shards(folder):
        for table in read_clips(shard, columns):
            sample.add(read_asked(table))
    return probe(sample.rows, of=sample.seen)


def probe_tree(tree: Tree, *, learned: int = 0) -> Report:
    """Probe the questions of a stage folder or a release, here or on the Hub; for ``learned`` see ``report.probe``.

    Raises:
        InputError: There are no questions in it.
    """
    import pyarrow as pa

    files = tree.data_files()
    if not files:
        raise InputError("no Parquet files of rows", file=tree.name, hint="name the folder of a stage or of a release")
    sample = Sample()
    for file in files:
        place = f"{tree.name}/{file.path}"
        with tree.parquet(file.path) as opened:
            names = opened.schema_arrow.names
        if missing := [name for name in NEEDED if name not in names]:
            hint = "questions are in the folder of generate or import, in those of the stages after it, and in releases"
            raise InputError("column is missing: no questions", file=place, column=missing[0], hint=hint)
        for batch in tree.batches(file.path, [name for name in COLUMNS if name in names], rows=_BATCH):
            try:
                sample.add(read_asked(pa.Table.from_batches([batch])))
            except pa.ArrowException as error:
                raise InputError(f"not rows of questions: {error}", file=place) from error
            except InputError as error:
                raise InputError(str(error), file=place, hint=error.hint) from error
    return probe(sample.rows, of=sample.seen, learned=learned)


def check_guessable(report: Report, limit: float | None, source: Path) -> None:
    """Hold a report against the limit, if there is one and there are enough rows.

    The whole is above where its share is; a form where the whole interval of its share is: of many forms some small one
    is above by luck.

    Raises:
        TooGuessable: The whole, or a form, is above.
    """
    best = report.best
    if limit is None or best is None:
        return
    forms, whole = find_above(report, limit), exceeds(best.most, best.most.share, limit)
    if not forms and not whole:
        return
    named = [
        f"{one.value} {_percent(one.best.most.share)} of {one.rows:,} (by {one.best.guesser})"
        for one in forms[:_TOLD]
        if one.best
    ]
    more = f" and {len(forms) - _TOLD:,} more" if len(forms) > _TOLD else ""
    listed = f"; forms above it: {', '.join(named)}{more}" if named else "; no form is above it for certain"
    command = shlex.join(["audiomcq", "probe", str(source)])
    raise TooGuessable(
        f"{_percent(best.most.share)} of {best.most.rows:,} questions can be guessed from the text alone, and"
        f" max_guessable is {_percent(limit)}{listed}",
        hint=f"{command} shows what gives the keys away; make other wrong options for these forms or leave them out, or"
        " raise max_guessable under [publish]",
    )


def describe_guesses(guessed: Mapping[str, Any] | None) -> str:
    """The section of the card; ``guessed`` is ``probe`` of ``statistics.json``. Empty where nothing was probed."""
    if guessed is None:
        return ""
    head = "## What can be guessed from the text\n\n"
    best = guessed["best"]
    if best is None:
        return f"{head}Nothing is known of that yet: {escape(guessed['note'])}."
    rows = [
        (value, one["rows"], *(_describe_group(one) if one["best"] else ("too few rows", "", "")))
        for value, one in guessed["groups"].get("form", {}).items()
    ]
    words = ", ".join(
        f"{escape(one['name'])} ({one['key']:,} of {one['offered']:,}, by chance {one['chance']:,.0f})"
        for one in guessed["words"]["above"][:_TOLD]
    )
    sample = f" in a sample of {guessed['probed']:,} questions" if guessed["probed"] < guessed["rows"] else ""
    return (
        f"{head}A guesser that hears nothing, and has learned from other rows of this dataset which options tend to be"
        f" right, is right in **{_percent(best['share'])}** of the questions{sample} (interval"
        f" {_percent(best['interval'][0])} to {_percent(best['interval'][1])}; by chance {_percent(best['chance'])})."
        f" The option that this guesser holds least likely is right in {_percent(best['least_likely'])}. The guessers"
        " count words, options, positions and lengths; a trained model may guess more.\n\n"
        + write_table(("Form", "Questions", "Guessed right %", "By chance %", "Interval %"), rows, numbers=4)
        + (f"\n\nWords of options that are right more often than chance: {words}." if words else "")
    )


def _describe_group(one: Mapping[str, Any]) -> tuple[str, str, str]:
    best = one["best"]
    low, high = (f"{100 * end:.1f}" for end in best["interval"])
    return f"{100 * best['share']:.1f}", f"{100 * best['chance']:.1f}", f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
