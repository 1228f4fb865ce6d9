"""Writes everything in a release folder except the rows.

README.md          dataset card
statistics.json    counts of the rows; plots/*.png are drawn from them
croissant.json     metadata for machines
recipe.toml        the recipe that made the release, with prompts/NAME.toml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiomcq_cli.release.layout import ReleaseFile, ReleaseInfo
from audiomcq_cli.release.rows.statistics import Statistics
from audiomcq_cli.release.texts.card import list_configs, render_card
from audiomcq_cli.release.texts.citation import cite_release
from audiomcq_cli.release.texts.croissant import describe_release
from audiomcq_cli.release.texts.plots import draw_plots
from audiomcq_cli.release.texts.recipe import list_prompts, write_recipe
from audiomcq_cli.release.texts.samples import Samples
from audiomcq_cli.release.texts.summary import summarize, write_json


def write_companions(
    folder: Path,
    info: ReleaseInfo,
    statistics: Statistics,
    manifest: Mapping[str, Any],
    files: Sequence[ReleaseFile],
    *,
    samples: Samples | None = None,
    former: str = "",
    guessed: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write the files beside the rows; return their paths.

    Args:
        folder: The folder of the release.
        info: The names of the release.
        statistics: The counts of its rows.
        manifest: The manifest of the stage folder that the release was made from.
        files: The files with its rows.
        samples: The sample questions of the card.
        former: The card that is replaced; what people wrote into that card stays.
        guessed: What can be guessed from the text alone, as plain data.

    Raises:
        InputError: The YAML of the former card cannot be read.
        StorageError: A prompt has a name that no file has.
    """
    summary = summarize(statistics, manifest, guessed)
    plots = {f"plots/{plot.name}.png": plot for plot in draw_plots(summary)}
    configs = list_configs(statistics)
    croissant = describe_release(info, configs, statistics.rows, cite_release(info, statistics.rows))
    shown = {path: plot.alt for path, plot in plots.items()}
    texts = {
        **list_prompts(manifest),
        "README.md": render_card(
            info, statistics, manifest, files, plots=shown, samples=samples, former=former, guessed=guessed
        ),
        "croissant.json": write_json(croissant),
        "recipe.toml": write_recipe(info, manifest),
        "statistics.json": write_json(summary),
    }
    written = {path: text.encode("utf-8", "replace") for path, text in texts.items()}
    written |= {path: plot.png for path, plot in plots.items()}
    for path, content in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return [folder / path for path in written]
