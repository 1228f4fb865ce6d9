"""Writes the dataset card of a release: YAML that the Hub and ``datasets`` read, and a text for people.

``huggingface_hub`` writes the YAML and ``datasets`` the features. Text that people added to the former card stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from audiomcq_cli.records import LABELS
from audiomcq_cli.release.layout import ReleaseFile, ReleaseInfo
from audiomcq_cli.release.marked import Former, read_former, wrap
from audiomcq_cli.release.rows.files import release_schema
from audiomcq_cli.release.rows.licenses import HUB_LICENSES
from audiomcq_cli.release.rows.statistics import Statistics
from audiomcq_cli.release.texts import card_sections as sections
from audiomcq_cli.release.texts.samples import Samples
from audiomcq_cli.release.texts.summary import summarize

_SIZES = ("K", "M", "B", "T")
TAGS = ("audio", "audio-question-answering", "multiple-choice", "chain-of-thought", "audio-contribution")


def list_configs(statistics: Statistics) -> dict[str, str]:
    """Return the name and glob of every config: all rows, each subset, each label. A name of both a subset and a label
    means the label.
    """
    subsets = sorted({subset for subset, *_ in statistics.questions})
    labels = {label for _, label, _ in statistics.questions}
    return {
        "all": "data/*/*.parquet",
        **{subset: f"data/{subset}/*.parquet" for subset in subsets},
        **{label: f"data/*/{label}-*.parquet" for label in LABELS if label in labels},
    }


def render_card(
    info: ReleaseInfo,
    statistics: Statistics,
    manifest: Mapping[str, Any],
    files: Sequence[ReleaseFile] = (),
    *,
    plots: Mapping[str, str] | None = None,
    samples: Samples | None = None,
    former: str = "",
    guessed: Mapping[str, Any] | None = None,
) -> str:
    """Return the card of a release.

    Args:
        info: The names of the release.
        statistics: The counts of its rows.
        manifest: The manifest of the stage folder that the release was made from.
        files: The files with its rows.
        plots: Description of each plot, by its path.
        samples: The sample questions.
        former: The card that this one replaces. What people added to it stays.
        guessed: What can be guessed from the text alone, as plain data.

    Raises:
        InputError: The YAML of the former card cannot be read.
    """
    kept = read_former(former)
    summary = summarize(statistics, manifest, guessed)
    configs = list_configs(statistics)
    text = sections.write_sections(info, statistics, summary, manifest, configs, plots or {}, samples or {})
    return f"---\n{_write_yaml(info, statistics, files, kept)}\n---\n\n{wrap(text, kept)}"


def _write_yaml(info: ReleaseInfo, statistics: Statistics, files: Sequence[ReleaseFile], former: Former) -> str:
    from datasets import DatasetInfo, Features
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    configs = list_configs(statistics)
    # The Hub refuses a card whose license is not one of its identifiers. SPDX writes the same identifiers with
    # capitals.
    known = info.license.lower() if info.license.lower() in HUB_LICENSES else ""
    data = DatasetCardData(
        pretty_name=info.title or info.name,
        license=known or "other",
        language=list(info.languages),
        task_categories=["multiple-choice", "question-answering", "audio-text-to-text"],
        size_categories=[_find_size(statistics.rows)],
        tags=list(dict.fromkeys((*TAGS, *former.tags))),
        configs=[
            {"config_name": name, "data_files": [{"split": "train", "path": glob}]}
            | ({"default": True} if name == "all" else {})
            for name, glob in configs.items()
        ],
    )
    if not known:
        data["license_name"] = info.license
    features = Features.from_arrow_schema(release_schema(embed=info.embed))
    # `datasets` takes the key of its cache from this block alone. Without something that follows the rows, a release
    # that replaces another one would load as the old one.
    infos = {
        name: DatasetInfo(features=features, download_size=sum(file.size for file in files if fnmatch(file.path, glob)))
        for name, glob in configs.items()
    }
    DatasetInfosDict(infos).to_dataset_card_data(data)
    for name, value in former.keys.items():
        data[name] = value
    return data.to_yaml()


def _find_size(rows: int) -> str:
    """Return the Hub's size category, as ``10K<n<100K``."""
    if rows < 1_000:
        return "n<1K"
    power = len(str(rows)) - 1
    below, above = (f"{10 ** (step % 3)}{_SIZES[step // 3 - 1]}" for step in (power, power + 1))
    return f"{below}<n<{above}"
