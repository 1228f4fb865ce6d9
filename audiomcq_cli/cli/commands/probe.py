"""``probe``: how far the keys of a corpus can be guessed from its text alone, and what gives them away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomcq_cli.cli.console import out
from audiomcq_cli.cli.looking import count_of
from audiomcq_cli.cli.options import Json
from audiomcq_cli.mcq import letter

if TYPE_CHECKING:
    from audiomcq_cli.probe.report import Group, Guessed, Report
    from audiomcq_cli.probe.telling import Counted
    from audiomcq_cli.release.tree import Tree

_PLACE = (
    "Stage folder with questions, a release, the folder that a run builds in (its last stage), or a release on the Hub"
    " as org/name[@revision]."
)

_WORD = 20
"""Characters of a word that are shown."""

_WORDS = 5
"""Words of each kind that are shown; the rest is in the summary of ``--json``."""


def probe(
    place: Annotated[str, typer.Argument(metavar="DIR", help=_PLACE, show_default=False)],
    learned: Annotated[
        bool,
        typer.Option(
            "--learned/--no-learned", help="Train a model to guess, too; takes half a minute and is reported only."
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Show how many answers can be guessed from the text alone, without audio or knowledge, and what gives them away.

    Guessers count which options, words, positions and lengths are right in other rows. 25 % is chance for four options.
    """
    from audiomcq_cli.probe.learning import MOST
    from audiomcq_cli.probe.report import as_data
    from audiomcq_cli.release.rows.guesses import probe_tree

    tree = _open(place)
    report = probe_tree(tree, learned=MOST if learned else 0)
    out.summary["probe"] = {"folder": tree.name, **as_data(report)}
    if json:
        return
    out.say(f"{tree.name}: {_describe_rows(report)}")
    if report.best is None:
        out.say(f"nothing can be said yet: {report.told}")
        return
    for line in _describe_whole(report, report.best):
        out.say(line)
    _tell_guessers(report)
    _tell_groups(report)
    for line in _describe_tells(report):
        out.say(line)


def tell_guessable(report: Report, limit: float | None) -> dict[str, Any]:
    """Say for publish how much can be guessed, and whether the limit applies; the same as plain data."""
    best = report.best
    if best is None:
        told = f"; max_guessable = {limit:g} does not apply" if limit is not None else ""
        out.say(f"  guessable from the text alone: not known, {report.told}{told}")
        return {"share": None, "note": report.told}
    out.say(f"  guessable from the text alone: {_describe_share(best)}")
    return {"share": round(best.most.share, 4), "note": ""}


def _open(place: str) -> Tree:
    """The stage folder or release; of the folder that a run builds in, the last finished stage."""
    from audiomcq_cli.engine.views.finding import find_stage_folder
    from audiomcq_cli.release.tree import MANIFEST, open_tree
    from audiomcq_cli.storage.shards import list_shards

    folder = Path(place)
    if not folder.is_dir() or (folder / MANIFEST).is_file():
        return open_tree(place)
    found = find_stage_folder(folder)
    list_shards(found)  # raises where there are none, and names those that are
    return open_tree(found)


def _describe_rows(report: Report) -> str:
    rows = count_of(report.rows, "question")
    return f"{rows}, of which a sample of {report.probed:,} is probed" if report.probed < report.rows else rows


def _describe_share(one: Guessed) -> str:
    found = one.most
    return (
        f"{_percent(found.share)} ({_percent(found.low)} to {_percent(found.high)}; chance {_percent(found.chance)}),"
        f" by {one.guesser}"
    )


def _describe_whole(report: Report, best: Guessed) -> Iterator[str]:
    """The share that can be guessed, of the whole; and guessers whose least likely option is right too often."""
    yield f"guessable from the text alone: {_describe_share(best)}"
    if one := report.learned:
        sample = f" of {one.most.rows:,} questions" if one.most.rows < report.probed else ""
        yield f"a trained model guesses {_percent(one.most.share)}{sample} (reported only: no limit counts it)"
    for guesser in report.guessers:
        if guesser.least.low > guesser.least.chance:
            yield (
                f"what {guesser.guesser} holds least likely is right in {_percent(guesser.least.share)}"
                f" (chance {_percent(guesser.least.chance)}): guessing against it helps"
            )


def _tell_guessers(report: Report) -> None:
    rows = [(one.guesser, *_describe_shares(one)) for one in report.guessers]
    out.table("Guessers", ("guesser", *_SHARES), rows)


def _tell_groups(report: Report) -> None:
    """A table of the forms, and one of all other groups where there is more than one of a kind."""
    forms = report.of("form")
    out.table(
        "By form: the best guesser, and a word that tells (right, of times offered)",
        _COLUMNS,
        [_describe_group(one.value, one) for one in forms if one.best],
    )
    others = [
        _describe_group(f"{one.dimension} {one.value}", one)
        for dimension in dict.fromkeys(one.dimension for one in report.groups if one.dimension != "form")
        for one in report.of(dimension)
        if one.best and len(report.of(dimension)) > 1
    ]
    if others:
        out.table("By type, source, method, label and subset", ("group", *_COLUMNS[1:]), others)
    if few := [f"{one.dimension} {one.value} ({one.rows:,})" for one in report.groups if not one.best]:
        out.say(f"too few rows to say anything: {', '.join(few)}")


_SHARES = ("right %", "interval %", "least likely %")
_COLUMNS = ("form", "rows", *_SHARES, "guesser", "word")


def _describe_group(name: str, one: Group) -> tuple[Any, ...]:
    best, word = one.best, one.word
    shares = _describe_shares(best) if best else ("", "", "")
    told = f"{_cut(word.name)}: {word.key:,} of {word.offered:,}" if word else ""
    return name, one.rows, *shares, best.guesser if best else "", told


def _describe_tells(report: Report) -> Iterator[str]:
    """Words, positions and lengths that give keys away, in lines."""
    for head, words in (("right more often than chance", report.above), ("right more rarely", report.below)):
        if words:
            yield f"words {head}: {', '.join(map(_describe_word, words[:_WORDS]))}"
    places = ", ".join(f"{letter(int(one.name))} {_percent(one.key / report.probed)}" for one in report.positions)
    yield f"position of the answer: {places}"
    lengths = " and ".join(
        f"the {one.name} option in {_percent(one.key / report.probed)} (chance {_percent(one.chance / report.probed)})"
        for one in report.lengths
    )
    yield f"the answer is {lengths}"


def _describe_word(one: Counted) -> str:
    return f"{_cut(one.name)} {one.key:,} of {one.offered:,} (chance {one.chance:,.0f})"


def _describe_shares(one: Guessed) -> tuple[float, str, float]:
    """Return the share of rows whose most likely option is right, its interval, and the share for the least likely."""
    found = one.most
    interval = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    return round(100 * found.share, 1), interval, round(100 * one.least.share, 1)


def _cut(word: str) -> str:
    return word if len(word) <= _WORD else f"{word[: _WORD - 1]}…"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
