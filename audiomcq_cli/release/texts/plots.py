"""Draws the plots of a release from its statistics alone: the same numbers give the same bytes.

A plot is a PNG with a light background of its own: no text colour reaches 4.5 : 1 on both the white and the dark page
(#0b0f19) of the Hub. Orange and blue come from the Okabe-Ito set, which colour-blind people can distinguish, and differ
in lightness. Names come from rows: they are cut to size, never read as mathtext, and characters that the font lacks are
shown as a replacement character.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GROUND, INK, FAINT = "#f8f9fb", "#1b1f24", "#d5dae1"
LABEL_COLOURS = {"weak": "#e69f00", "strong": "#0072b2"}
PLAIN = "#4f7f9f"

_DASH = "\N{EN DASH}"
_MOST = 30
_NAME_LENGTH = 28
_WIDTH, _EDGE = 8.0, 0.12

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": GROUND,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 150.0,
    "figure.facecolor": GROUND,
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "grid.color": FAINT,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "ytick.left": False,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: file name, alt text, and PNG."""

    name: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Sketch:
    """A plot before it is drawn to a file."""

    name: str
    alt: str
    figure: Figure


def draw_plots(summary: Mapping[str, Any]) -> list[Plot]:
    """Draw every plot for which a summary (``statistics.json``) has numbers."""
    drawn = (_draw(draw, json.dumps({name: summary[name] for name in shown})) for draw, shown in _PLOTS.items())
    with _style():
        return [plot for plot in drawn if plot]


def sketch_plots(summary: Mapping[str, Any]) -> list[Sketch]:
    """Return the same plots as figures, laid out and not drawn."""
    with _style():
        return [sketch for draw in _PLOTS if (sketch := _sketch(draw, summary))]


@lru_cache(maxsize=64)
def _draw(draw: Callable[[Mapping[str, Any]], Sketch | None], numbers: str) -> Plot | None:
    """One plot of the JSON of what it shows; one that was drawn in this process is not drawn again.

    Drawing takes most of the time of a small release, and releases that differ in their texts have the same plots.
    """
    sketch = _sketch(draw, json.loads(numbers))
    return _save(sketch) if sketch else None


def _sketch(draw: Callable[[Mapping[str, Any]], Sketch | None], summary: Mapping[str, Any]) -> Sketch | None:
    sketch = draw(summary)
    if sketch:
        _fit(sketch.figure)
    return sketch


@contextmanager
def _style() -> Iterator[None]:
    """Apply our settings over the library's own, whatever the user's are; restore the user's afterwards."""
    import matplotlib.style

    with matplotlib.style.context(["default", _STYLE]):
        yield


def _draw_types(summary: Mapping[str, Any]) -> Sketch | None:
    bars = summary["question_types"]
    title = f"Question types by label (n = {summary['questions']:,} questions)"
    return Sketch("question_types", title, _draw_labels(title, bars)) if bars else None


def _draw_sources(summary: Mapping[str, Any]) -> Sketch | None:
    bars = _fold({name: source["labels"] for name, source in summary["sources"].items()})
    title = f"Sources by label (n = {summary['questions']:,} questions)"
    return Sketch("sources", title, _draw_labels(title, bars)) if bars else None


def _draw_labels(title: str, bars: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw horizontal bars of questions: the labels one after another, with the sum and the share of strong."""
    figure, axes = _begin(title, 0.34 * len(bars) + 1.5)
    names = list(bars)
    start = [0] * len(names)
    for label, colour in LABEL_COLOURS.items():
        widths = [bars[name].get(label, 0) for name in names]
        axes.barh(range(len(names)), widths, left=start, color=colour, label=label, height=0.72)
        start = [before + width for before, width in zip(start, widths, strict=True)]
    for place, (name, whole) in enumerate(zip(names, start, strict=True)):
        share = f", {100 * bars[name].get('strong', 0) / whole:.0f} % strong" if whole else ""
        _note(axes, whole, place, f"{whole:,}{share}")
    axes.set_xlim(0, max(start) * 1.55)
    _name_rows(axes, names)
    axes.set_xlabel("questions")
    _count_along(axes, "x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2, handlelength=1)
    return figure


def _draw_grid(summary: Mapping[str, Any]) -> Sketch | None:
    """Draw the share of strong questions by source and question type, with the number of questions in each cell."""
    from matplotlib.colors import LinearSegmentedColormap

    if not summary["questions"]:
        return None
    kinds = list(summary["question_types"])
    names = list(_fold({name: source["labels"] for name, source in summary["sources"].items()}))
    cells = [[_cell(summary["sources"], names, name, kind) for kind in kinds] for name in names]
    title = "Share of strong questions by source and question type"
    figure, axes = _begin(title, 0.46 * len(names) + 0.95)
    colours = LinearSegmentedColormap.from_list("labels", [LABEL_COLOURS["weak"], GROUND, LABEL_COLOURS["strong"]])
    shares = [[strong / count if count else float("nan") for strong, count in row] for row in cells]
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for row, counts in enumerate(cells):
        for column, (strong, count) in enumerate(counts):
            text = f"{100 * strong / count:.0f} %\nn = {count:,}" if count else _DASH
            # Black reads best on all of these colours except the bluest; the lowest contrast is 4.6 : 1.
            colour = "white" if count and strong / count > 0.965 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5, linespacing=1.1)
    _name_rows(axes, names)
    axes.set_xticks(range(len(kinds)), [_show(kind) for kind in kinds], parse_math=False)
    axes.tick_params(bottom=False)
    axes.spines[:].set_visible(False)
    return Sketch("labels", title, figure)


def _cell(sources: Mapping[str, Any], names: Sequence[str], name: str, kind: str) -> tuple[int, int]:
    """Return the strong questions of a kind, and all of that kind; a name that is no source sums
    all unnamed sources.
    """
    chosen = [name] if name in sources else [one for one in sources if one not in names]
    counts = [sources[one]["question_types"].get(kind, {}) for one in chosen]
    return sum(one.get("strong", 0) for one in counts), sum(sum(one.values()) for one in counts)


def _draw_durations(summary: Mapping[str, Any]) -> Sketch | None:
    sizes = summary["duration"]
    filled = [place for place, one in enumerate(sizes["bins"]) if one["count"]]
    if not filled:
        return None
    bins = sizes["bins"][filled[0] : filled[-1] + 1]
    title = f"Durations of the clips (n = {sizes['count']:,}, mean {sizes['mean']:.1f} s)"
    figure, axes = _begin(title, 3.6)
    counts = [one["count"] for one in bins]
    names = [
        f"≥ {one['from']:g}" if one["below"] is None else f"{one['from']:g}{_DASH}{one['below']:g}" for one in bins
    ]
    _draw_columns(axes, names, counts)
    axes.set_xlabel("duration in seconds (each bar from its first number to below its second)")
    axes.set_ylabel("clips")
    return Sketch("durations", title, figure)


def _draw_positions(summary: Mapping[str, Any]) -> Sketch | None:
    positions = summary["answer_positions"]
    if not positions:
        return None
    title = f"Position of the right choice (n = {summary['questions']:,} questions)"
    figure, axes = _begin(title, 3.6)
    names = [str(one["position"] + 1) for one in positions]
    counts = [one["questions"] for one in positions]
    _draw_columns(axes, names, counts, [one["expected"] for one in positions], room=1.3)
    for place, one in enumerate(positions):
        label = "if every position were as likely" if not place else None
        axes.plot([place - 0.46, place + 0.46], [one["expected"]] * 2, color=INK, ls="--", lw=1.4, label=label)
    axes.legend(loc="upper right", borderaxespad=0)
    axes.set_xlabel("position among the choices")
    axes.set_ylabel("questions")
    return Sketch("answer_positions", title, figure)


def _draw_judges(summary: Mapping[str, Any]) -> Sketch | None:
    judges = summary["judges"][:_MOST]
    if not judges:
        return None
    more = f" (the first {_MOST} of {len(summary['judges'])})" if len(summary["judges"]) > _MOST else ""
    title = f"Accuracy of the judges without the clip{more}"
    figure, axes = _begin(title, 0.44 * len(judges) + 1.6)
    places = range(len(judges))
    axes.barh(places, [100 * (one["accuracy"] or 0) for one in judges], color=PLAIN, height=0.66)
    for place, one in enumerate(judges):
        label = "guessing" if not place else None
        axes.plot([100 * one["chance"]] * 2, [place - 0.42, place + 0.42], color=INK, ls="--", lw=1.4, label=label)
        text = f"{100 * (one['accuracy'] or 0):.1f} % of n = {one['answers'] - one['unparsable']:,}"
        end = 100 * max(one["accuracy"] or 0, one["chance"])
        _note(axes, end, place, "no readable answer" if one["accuracy"] is None else text)
    axes.set_xlim(0, 135)
    axes.set_xticks(range(0, 101, 20))
    heard = [f"hears {_show(one['condition'])}" if one["condition"] != "none" else "no audio" for one in judges]
    _name_rows(axes, [f"{_show(one['judge'])}\n{how}" for one, how in zip(judges, heard, strict=True)], shown=True)
    axes.set_xlabel("right answers in % of those that could be read")
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    return Sketch("judges", title, figure)


_PLOTS: Mapping[Callable[[Mapping[str, Any]], Sketch | None], Sequence[str]] = {
    _draw_types: ("questions", "question_types"),
    _draw_sources: ("questions", "sources"),
    _draw_grid: ("questions", "question_types", "sources"),
    _draw_durations: ("duration",),
    _draw_positions: ("questions", "answer_positions"),
    _draw_judges: ("judges",),
}
"""The plots in order, each with the keys of the summary that it shows."""


def _begin(title: str, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    figure.text(_EDGE / _WIDTH, 1 - _EDGE / height, title, va="top", fontsize=13, fontweight="bold")
    return figure, figure.add_subplot()


def _save(sketch: Sketch) -> Plot:
    """Return the plot as a file, without date or version."""
    stream = io.BytesIO()
    sketch.figure.savefig(stream, format="png", metadata={"Software": None})
    return Plot(sketch.name, sketch.alt, stream.getvalue())


def _fit(figure: Figure) -> None:
    """Give the names and numbers at the axes the room that they need.

    They are measured once. The library's own layouts solve for it, which takes as long again as the drawing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    [axes] = figure.axes
    FigureCanvasAgg(figure)  # the texts are measured with it
    wide = max(label.get_window_extent().width for label in axes.get_yticklabels()) / figure.dpi
    high = max(label.get_window_extent().height for label in axes.get_xticklabels()) / figure.dpi
    width, height = figure.get_size_inches()
    left = _EDGE + wide + 0.07 + (0.28 if axes.get_ylabel() else 0)
    bottom = _EDGE + high + 0.07 + (0.25 if axes.get_xlabel() else 0)
    top = _EDGE + 0.33 + (0.3 if axes.get_legend() and axes.yaxis_inverted() else 0)  # above the bars
    figure.subplots_adjust(left / width, bottom / height, 1 - _EDGE / width, 1 - top / height)


def _fold(bars: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """Return the largest bars in order, as many as can be read; the others are summed into one more."""
    ranked = sorted(bars.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    if len(ranked) <= _MOST:
        return dict(ranked)
    rest: dict[str, int] = {}
    for _, counts in ranked[_MOST - 1 :]:
        for label, count in counts.items():
            rest[label] = rest.get(label, 0) + count
    return {**dict(ranked[: _MOST - 1]), f"{len(ranked) - _MOST + 1:,} others": rest}


def _name_rows(axes: Axes, names: Sequence[str], *, shown: bool = False) -> None:
    """Write names down the left side, the first one at the top."""
    labels = names if shown else [_show(name) for name in names]
    axes.set_yticks(range(len(names)), labels, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _draw_columns(
    axes: Axes, names: Sequence[str], counts: Sequence[int], above: Sequence[float] = (), *, room: float = 1.12
) -> None:
    """Draw columns with their counts on top; ``above`` gives the height of what must not be written over."""
    axes.bar(range(len(names)), counts, color=PLAIN, width=0.8)
    tops = [max(pair) for pair in zip(counts, above or counts, strict=True)]
    for place, (count, top) in enumerate(zip(counts, tops, strict=True)):
        axes.annotate(f"{count:,}", (place, top), (0, 2), textcoords="offset points", ha="center", fontsize=8.5)
    axes.set_xticks(range(len(names)), names, parse_math=False)
    if len(names) > 8:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(0, max(tops) * room)
    _count_along(axes, "y")


def _note(axes: Axes, end: float, place: float, text: str) -> None:
    """Write a text behind the end of a horizontal bar, on a background so that no line runs through it."""
    ground = {"facecolor": GROUND, "edgecolor": "none", "pad": 1}
    axes.annotate(text, (end, place), (6, 0), textcoords="offset points", va="center", bbox=ground)


def _count_along(axes: Axes, which: str) -> None:
    """Put whole numbers with separators along an axis, and grid lines."""
    from matplotlib.ticker import MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(6, integer=True))
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.grid(True)


def _show(name: str) -> str:
    """Return a name on one line, cut to size, with a replacement for each character that the font lacks."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split()) or "(none)"
    if len(line) > _NAME_LENGTH:
        line = f"{line[: _NAME_LENGTH - 1].rstrip()}…"
    return "".join(sign if ord(sign) in _signs() else "\N{REPLACEMENT CHARACTER}" for sign in line)


@cache
def _signs() -> frozenset[int]:
    """Return the characters that the font has."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
