"""Tests of ``release/texts/plots.py``."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from audiomcq_cli.release.rows.statistics import Statistics
from audiomcq_cli.release.texts.plots import GROUND, INK, LABEL_COLOURS, Plot, draw_plots, sketch_plots
from audiomcq_cli.release.texts.summary import summarize
from tests.release.conftest import count_stage, released_row, write_stage

HOSTILE = ("$x$ \\frac{1}{2}", "$ unbalanced", "<b>", "line\nbreak", "a" * 200, "مرحبا", "🎧 名前", "\ud800", "")


def luminance(colour: str) -> float:
    """Relative luminance of a colour, as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of both labels and two question types of one source."""
    rows = [
        released_row(number, label=("weak", "strong")[number % 2], question_type=("sound", "music")[number % 3 % 2])
        for number in range(40)
    ]
    return summarize(*count_stage(write_stage(tmp_path_factory.mktemp("plots") / "split", rows)))


@pytest.fixture(scope="module")
def drawn(summary: dict[str, Any]) -> list[Plot]:
    return draw_plots(summary)


@pytest.fixture
def many(summary: dict[str, Any]) -> dict[str, Any]:
    """A corpus of 40 sources and as many judges, the first of each with a name that could do harm."""
    [source] = summary["sources"].values()
    names = (*HOSTILE, *(f"Source {number:02d}" for number in range(40 - len(HOSTILE))))
    judges = [{**summary["judges"][0], "judge": name, "condition": name} for name in names]
    return summary | {"sources": dict.fromkeys(names, source), "judges": judges}


def test_a_plot_is_drawn_of_everything_counted(drawn: list[Plot]) -> None:
    """Each is a PNG with an opaque ground and says in words what it shows."""
    assert [plot.name for plot in drawn] == [
        "question_types", "sources", "labels", "durations", "answer_positions", "judges",
    ]  # fmt: skip
    for plot in drawn:
        with Image.open(io.BytesIO(plot.png)) as image:
            assert image.convert("RGBA").getpixel((2, 2)) == (*bytes.fromhex(GROUND[1:]), 255)
            assert not image.text  # type: ignore[attr-defined]  # no version, no date
    assert drawn[0].alt == "Question types by label (n = 40 questions)"


def test_texts_do_not_overlap(many: dict[str, Any], summary: dict[str, Any]) -> None:
    """Whatever the names and however many there are, no text of a plot lies on another or leaves the picture.

    No sign of a name is taken for mathtext or missed in the font either: both warn, and names are shown as they are.
    """
    shown: set[str] = set()
    for sketch in [*sketch_plots(summary), *sketch_plots(many)]:
        boxes = find_texts(sketch.figure)
        shown |= {line for text, _ in boxes for line in text.split("\n")}
        width, height = sketch.figure.get_size_inches() * sketch.figure.dpi
        for place, (text, box) in enumerate(boxes):
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, (sketch.name, text)
            for other, second in boxes[place + 1 :]:
                assert not box.overlaps(second), (sketch.name, text, other)
    assert {
        "$x$ \\frac{1}{2}",
        "$ unbalanced",
        "<b>",
        "line break",
        "مرحبا",
        "\ufffd \ufffd\ufffd",
        "(none)",
    } <= shown
    assert {"a" * 27 + "…", "11 others", "Accuracy of the judges without the clip (the first 30 of 40)"} <= shown


def find_texts(figure: Figure) -> list[tuple[str, Any]]:
    """The texts of a figure that are seen, and where they lie; of turned ones, whose boxes are larger, nothing."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            tick.label1.set_visible(bool(low <= tick.get_loc() <= high))  # else its number is not drawn
    found = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]
    return [(text.get_text(), text.get_window_extent()) for text in found if not text.get_rotation() % 90]


def test_the_same_numbers_are_the_same_bytes(summary: dict[str, Any], drawn: list[Plot], tmp_path: Path) -> None:
    """In another process as well, whatever the user's own settings of the library are."""
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nfigure.facecolor: red\nsavefig.dpi: 10\n")
    code = (
        "import json, sys, hashlib; from audiomcq_cli.release.texts.plots import draw_plots\n"
        "print([hashlib.sha256(plot.png).hexdigest() for plot in draw_plots(json.load(sys.stdin))])"
    )
    environment = {**os.environ, "MATPLOTLIBRC": str(tmp_path), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(summary),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([hashlib.sha256(plot.png).hexdigest() for plot in drawn])


def test_only_plots_of_other_numbers_are_drawn_again(summary: dict[str, Any], drawn: list[Plot]) -> None:
    """A plot whose numbers are drawn already is the same object; one that shows others is another picture."""
    [judge] = summary["judges"]
    again = draw_plots(summary | {"judges": [{**judge, "accuracy": 0.125}], "format": 2})
    assert [one is other for one, other in zip(again, drawn, strict=True)] == [True] * 5 + [False]
    assert again[-1].png != drawn[-1].png


def test_nothing_counted_is_nothing_drawn() -> None:
    """No plot is made of no numbers."""
    assert draw_plots(summarize(Statistics(), {"lineage": []})) == []


def test_the_library_is_left_as_it_was(summary: dict[str, Any]) -> None:
    """No setting of ours stays, and pyplot, which keeps figures, is not loaded."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    sketch_plots(summary)
    assert dict(matplotlib.rcParams) == before


def test_colours_can_be_read() -> None:
    """Text has 4.5 : 1 on our ground; no one colour has it on the Hub's white and dark pages both, so we bring one."""
    assert contrast(INK, GROUND) >= 4.5
    greys = [f"#{3 * f'{value:02x}'}" for value in range(256)]
    assert max(min(contrast(grey, "#ffffff"), contrast(grey, "#0b0f19")) for grey in greys) < 4.5
    assert contrast(*LABEL_COLOURS.values()) >= 2
    for share in range(101):
        near = LABEL_COLOURS["strong"] if share > 50 else LABEL_COLOURS["weak"]
        part = abs(share - 50) / 50
        mixed = [round(int(near[i : i + 2], 16) * part + int(GROUND[i : i + 2], 16) * (1 - part)) for i in (1, 3, 5)]
        cell = "#" + bytes(mixed).hex()
        assert contrast(cell, "#ffffff" if share > 96.5 else "#000000") >= 4.4
