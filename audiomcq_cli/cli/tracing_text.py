"""Writes a trace as text: requests and replies, and captions, events, grades and votes in readable form."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.mcq import letter

if TYPE_CHECKING:
    from audiomcq_cli.engine.views.finding import Rejected
    from audiomcq_cli.engine.views.trace import Step

Row = Mapping[str, Any]


def describe_item(name: str, steps: Sequence[Step], width: int, *, short: bool = False) -> str:
    """Return the history of an item; each part of a row is shown where it first appears or changes.

    ``short`` leaves the prompts out.
    """
    end = _describe_end(steps)
    lines = _wrap(f"■ {name}: {end}", width, "", "  ") if end else [f"■ {name}"]
    known: dict[str, Any] = {}
    for step in steps:
        reason = f" · {step.reason}" if step.reason else ""
        lines.append(f"══ {step.stage} · {step.item} · {step.outcome}{reason}")
        for one in step.tries:
            lines.append(f"── {one.prompt} → {one.model} · {one.key[:16]}{' · ' + one.error if one.error else ''}")
            lines += [] if short else [f"[{role}]\n{text}" for role, text in one.turns]
            lines.append(f"[reply]\n{one.reply}")
        if step.detail:
            lines += _wrap(step.detail, width, "why: ", "     ")
        if step.row:
            lines += _describe_row(step.row, known, width)
            known |= step.row
    return "\n".join(lines) + "\n"


def _describe_end(steps: Sequence[Step]) -> str:
    """Describe where and why an item was dropped; empty if it was kept."""
    last = steps[-1]
    if last.outcome == "kept":
        return ""
    return ": ".join(filter(None, (f"{last.outcome} in {last.stage}", last.reason, last.detail)))


def describe_rejected(items: Sequence[Rejected]) -> str:
    """Return a line for each dropped item, separated by tabs: id, stage, outcome, reason code, explanation."""
    cells = ((one.id, one.stage, one.outcome, one.reason, one.detail) for one in items)
    return "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in cells)


def describe_released(rows: Sequence[Row], prompts: Mapping[str, str], width: int) -> str:
    """Return the rows of a release without its journal, and the prompts that its recipe names."""
    lines: list[str] = []
    for row in rows:
        lines += [f"■ {row['id']}", f"══ release · {row.get('subset')}", *_describe_row(row, {}, width), ""]
    for name, text in prompts.items():
        lines += [f"── prompt {name}, as the recipe has it", text.rstrip(), ""]
    return "\n".join(lines)


def _describe_row(row: Row, known: Row, width: int) -> list[str]:
    """Return the parts of a row that are not in ``known``."""
    parts = {
        "captions": _describe_captions, "events": _describe_events, "transcript": _describe_events,
        "question": _describe_question, "scores": _describe_scores, "structured_cot": _describe_cot,
        "simple_cot": _describe_cot, "votes": _describe_votes,
    }  # fmt: skip
    lines: list[str] = []
    for name, describe in parts.items():
        if row.get(name) and row[name] != known.get(name):
            lines += describe(row, name, width)
    for name, words in (("audio_contribution", "audio contribution"), ("subset", "subset")):
        if row.get(name) and row[name] != known.get(name):
            lines.append(f"{words}: {row[name]}")
    return lines


def _describe_captions(row: Row, name: str, width: int) -> Iterator[str]:
    for caption in row[name]:
        yield from _wrap(f"{caption['text']} ({caption['origin']})", width, "caption: ", "         ")


def _describe_events(row: Row, name: str, width: int) -> Iterator[str]:
    yield f"{name}:"
    for event in row[name]:
        times = " to ".join("?" if event[key] is None else f"{event[key]:.2f}" for key in ("onset", "offset"))
        yield from _wrap(str(event.get("label") or event.get("text")), width, f"  {times:>16} s  ", " " * 22)


def _describe_question(row: Row, name: str, width: int) -> Iterator[str]:
    """Yield a question, its choices, and the numbers that prove its answer, if any."""
    yield from _wrap(row["question"], width, "question: ", "          ")
    for choice in row["choices"]:
        yield from _wrap(choice, width, f"  {'*' if choice == row['answer'] else '-'} ", "    ")
    for fact in row.get("proof") or ():
        value = "" if fact["value"] is None else f"{fact['value']:g} {fact['unit']}".rstrip()
        within = f" ± {fact['tolerance']:g}" if fact["tolerance"] else ""
        yield f"proof: {' · '.join(filter(None, (fact['name'], value + within, fact['text'])))}"


def _describe_cot(row: Row, name: str, width: int) -> Iterator[str]:
    yield f"{name}:"
    for line in row[name].splitlines():
        yield from _wrap(line, width, "  ", "  ")


def _describe_scores(row: Row, name: str, width: int) -> Iterator[str]:
    head = ("grader", "grade of", "grade", "why")
    cells = [(score["grader"], score["dimension"], str(score["score"]), score["reason"] or "") for score in row[name]]
    yield "grades:"
    yield from _tabulate(head, cells, width)


def _describe_votes(row: Row, name: str, width: int) -> Iterator[str]:
    """Yield a line for each vote: what the judge heard, the order of the options, and the chosen one."""
    choices = row.get("choices") or []
    cells = []
    for vote in row[name]:
        chosen = vote["chosen"]
        known = chosen is not None and 0 <= chosen < len(choices)
        text = choices[chosen] if known else "nothing that can be read"
        order = " ".join(letter(index) for index in vote["order"] or ())
        cells.append((vote["judge"], vote["condition"], order, vote["status"], text))
    yield "votes:"
    yield from _tabulate(("judge", "condition", "order", "verdict", "chose"), cells, width)


def _tabulate(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield lines of columns aligned with spaces; the last column is wrapped."""
    whole = [[" ".join(str(cell).split()) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[n]) for row in whole) for n in range(len(head) - 1)]
    for row in whole:
        first = "  " + "".join(f"{cell:{size}}  " for cell, size in zip(row[:-1], widths, strict=True))
        if len(first) + 20 > width:  # a name too long for a column
            yield first.rstrip()
            first = "    "
        yield from _wrap(row[-1], width, first, " " * len(first))


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    """Wrap a text to a width behind a first and a further indent; longer words stay whole."""
    wide = max(width, len(rest) + 20)
    lines = textwrap.wrap(
        text, wide, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return lines or [first.rstrip()]
