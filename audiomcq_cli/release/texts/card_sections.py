"""The text of a dataset card, section by section. Names are escaped, whoever gave them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import Link, escape, quote, write_table
from audiomcq_cli.release.rows.embed import WITHHELD
from audiomcq_cli.release.rows.files import release_schema
from audiomcq_cli.release.rows.guesses import describe_guesses
from audiomcq_cli.release.rows.statistics import Histogram, Statistics
from audiomcq_cli.release.texts.citation import METHOD, cite_release
from audiomcq_cli.release.texts.croissant import HELD, HUB
from audiomcq_cli.release.texts.known_limits import DEMONSTRATION, write_limits
from audiomcq_cli.release.texts.samples import Samples, describe_condition, write_samples
from audiomcq_cli.release.texts.settings import list_settings, write_value

_HUB_DATASET = re.compile(r"([\w.-]+/[\w.-]+)(?:[@:].*)?", re.ASCII)


def write_sections(
    info: ReleaseInfo,
    statistics: Statistics,
    summary: Mapping[str, Any],
    manifest: Mapping[str, Any],
    configs: Mapping[str, str],
    plots: Mapping[str, str],
    samples: Samples,
) -> str:
    """Return all sections of the card.

    Args:
        info: The names of the release.
        statistics: The counts of its rows.
        summary: The same counts as plain data.
        manifest: The manifest of the stage folder that the release was made from.
        configs: The glob of every config, by name.
        plots: Description of each plot, by its path.
        samples: The sample questions.
    """
    parts = (
        _introduce(info, statistics, manifest),
        write_samples(samples),
        _describe_loading(info, configs),
        _describe_counts(statistics, plots),
        _describe_sources(statistics, manifest, plots),
        _describe_making(manifest),
        _describe_labels(summary, manifest, plots),
        describe_guesses(summary.get("probe")),
        _describe_rejects(manifest),
        _describe_columns(info),
        write_limits(manifest),
        _describe_citing(info, statistics),
    )
    return "\n\n".join(part for part in parts if part)


def is_imported(manifest: Mapping[str, Any]) -> bool:
    """Return whether the questions come from existing question sets."""
    return any(stage["stage"] == "import" for stage in manifest["lineage"])


def _introduce(info: ReleaseInfo, statistics: Statistics, manifest: Mapping[str, Any]) -> str:
    reasoned = "" if is_imported(manifest) else _describe_reasoning(statistics)
    clips = statistics.clips.total()
    return f"""\
# {escape(info.title or info.name)}

Version {escape(info.version)}: {statistics.rows:,} multiple-choice questions about {clips:,} audio clips.

- Each question has several options, one of which is right{reasoned}.
- Each question has a label: `weak` if models could answer it without hearing the clip, `strong` if they could not.
- Each row also holds its grades, the answer of every judge, and the model and prompt that wrote each text.

{_describe_audio(statistics)}

License of the questions: {escape(info.license)}."""


def _describe_reasoning(statistics: Statistics) -> str:
    """Return how many questions have a chain of thought, as the end of a sentence."""
    there = statistics.sizes.get("structured_cot", Histogram()).count
    if not there:
        return ". No question has a chain of thought"
    if there == statistics.rows:
        return ". Its chain of thought is written in three tagged stages and in short"
    return f". {there:,} questions have a chain of thought, in three tagged stages and in short; the others have none"


def describe_blocks(statistics: Statistics) -> str:
    """Return how many questions belong to whole balanced blocks, with what a block is; empty without blocks."""
    whole, broken = (statistics.blocks[(state,)] for state in ("whole", "broken"))
    if not whole + broken:
        return ""
    belong = "question belongs" if broken == 1 else "questions belong"
    lost = f" {broken:,} {belong} to blocks that lost another question." if broken else ""
    return (
        f"\n\n{whole:,} of {statistics.rows:,} questions ({_percent(whole / statistics.rows)} %) belong to whole"
        " balanced blocks: four clips with one question and the same four options in the same order, each the answer of"
        " one clip and wrong for the others. A reader who does not hear is right once in four."
        f"{lost} The column `block` names the block."
    )


def _describe_audio(statistics: Statistics) -> str:
    """Describe whether the audio is part of the dataset, or of how many clips it is."""
    embedded, whole = statistics.embedded.total(), statistics.clips.total()
    if not embedded:
        return "The audio is not part of this dataset: get it from the [sources](#sources), under their terms."
    which = "each clip" if embedded == whole else f"{embedded:,} of the {whole:,} clips"
    others = " Where `audio` is empty, get the file from the [sources](#sources), under their terms."
    return f"`audio` holds the file of {which}, unchanged, under its own license.{others if embedded < whole else ''}"


def _describe_loading(info: ReleaseInfo, configs: Mapping[str, str]) -> str:
    name, config = quote(info.repo or "path/to/this/folder"), quote(list(configs)[-1])
    example = f'from datasets import load_dataset\n\nrows = load_dataset({name}, {config})["train"]'
    return f"## Loading\n\n```python\n{example}\n```\n\n{write_table(('Config', 'Files'), configs.items())}"


def _describe_counts(statistics: Statistics, plots: Mapping[str, str]) -> str:
    kinds = sorted({kind for *_, kind in statistics.questions})
    pairs = sorted({(subset, label) for subset, label, _ in statistics.questions})
    by = statistics.questions
    rows = [(*pair, *(n := [by[*pair, kind] for kind in kinds]), sum(n)) for pair in pairs]
    totals = [sum(by[*pair, kind] for pair in pairs) for kind in kinds]
    table = write_table(
        ("Subset", "Label", *kinds, "All"), [*rows, ("all", "", *totals, sum(totals))], numbers=len(kinds) + 1
    )
    shown = _show(plots, "question_types", "labels", "answer_positions")
    further = "[statistics.json](statistics.json) has further counts."
    return f"## Questions\n\n{table}{describe_blocks(statistics)}\n\n{further}{shown}"


def _describe_sources(statistics: Statistics, manifest: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    named = {str(source["name"]): source for source in manifest["sources"]}
    questions = Counter[str]()
    for (source, _), rows in statistics.licenses.items():
        questions[source] += rows
    here = Counter[str]()
    for (source, _), clips in statistics.embedded.items():
        here[source] += clips
    sources = [
        (name, named.get(name, {}).get("license") or "by clip, see below",
         _find_origin(named.get(name, {}), statistics.located[(name,)], questions[name]),
         statistics.clips[(name,)], here[name], questions[name])
        for name in sorted(questions)
    ]  # fmt: skip
    audio = [
        (source, license or "not known", rows)
        for (source, license), rows in sorted(
            statistics.licenses.items(), key=lambda item: (item[0][0], -item[1], item[0])
        )
    ]
    return (
        "## Sources\n\n"
        + write_table(("Source", "License", "Origin", "Clips", "With audio here", "Questions"), sources, numbers=3)
        + "\n\nLicenses of the audio, by clip:\n\n"
        + write_table(("Source", "License of the audio", "Questions"), audio, numbers=1)
        + describe_missing_audio(statistics)
        + _show(plots, "sources", "durations")
    )


def _find_origin(source: Mapping[str, Any], located: int, questions: int) -> Link | str:
    """Return where a source comes from: as its recipe says, else its dataset on the Hub, else as its rows say."""
    if origin := source.get("origin"):
        return Link(origin)
    found = _HUB_DATASET.fullmatch(str(source.get("file"))) if source.get("adapter") == "hf" else None
    if found:
        return Link(f"{HUB}{found[1]}")
    if located:
        return "column origin" if located == questions else f"column origin, of {located:,} questions"
    return "not stated"


def describe_missing_audio(statistics: Statistics) -> str:
    """Describe why audio is missing from the rows and how to get it; empty if all audio is in the rows."""
    if statistics.embedded.total() == statistics.clips.total():
        return ""
    reasons = [
        (source, license or "not known", WITHHELD.get(reason, reason), clips)
        for (source, license, reason), clips in sorted(statistics.withheld.items())
    ]
    table = write_table(("Source", "License of the audio", "Why it is not here", "Clips"), reasons, numbers=1)
    return (
        "\n\n### Getting the audio\n\nDownload the audio of each source from its origin, as its terms allow, into one"
        " folder for each source. The column `origin` often names the address of the clip. `audio_path` is the path of"
        " the clip below that folder. `audio_sha256` is the SHA-256 of the file that was used: a file with another hash"
        " is another recording, or another encoding of it."
    ) + (f" Audio that was meant to be embedded and is not:\n\n{table}" if reasons else "")


def _describe_making(manifest: Mapping[str, Any]) -> str:
    models, prompts = [], []
    for stage in manifest["lineage"]:
        for role, model in sorted(stage["models"].items()):
            sampling = write_value(model["sampling"]) if model.get("sampling") else "the model's own"
            names = (model.get(key) or "not stated" for key in ("model", "revision", "backend"))
            models.append((stage["stage"], role, *names, sampling))
        for name, prompt in sorted(stage["prompts"].items()):
            prompts.append((stage["stage"], name, prompt.get("version", ""), prompt.get("sha256", "")[:12]))
    texts = " [prompts/](prompts) has the texts of the prompts." if prompts else ""
    return (
        f"## How it was made\n\naudiomcq {escape(manifest['tool_version'])} ran the stages below, in this order. The"
        f" recipe is in [recipe.toml](recipe.toml): `audiomcq run recipe.toml` makes the dataset again.{texts}\n\n"
        + write_table(("Stage", "Setting", "Value"), list_settings(manifest["lineage"]))
        + "\n\nModels:\n\n"
        + write_table(("Stage", "Name", "Model", "Revision", "Backend", "Sampling"), models)
        + "\n\nPrompts:\n\n"
        + write_table(("Stage", "Prompt", "Version", "SHA-256"), prompts)
    )


def _describe_labels(summary: Mapping[str, Any], manifest: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    judges = [
        (
            *(one["judge"], one["model"], one["revision"] or "not stated", describe_condition(one["condition"])),
            one["answers"],
            _percent(one["accuracy"]),
            _percent(one["chance"]),
            _percent(one["unparsable"] / one["answers"]),
        )
        for one in summary["judges"]
    ]
    steps = [stage for stage in manifest["lineage"] if stage["stage"] == "filter"]
    least = steps[-1]["options"].get("weak_at") if steps else None
    enough = f"at least {least:,} judges" if isinstance(least, int) else "enough judges"
    models = [model for stage in steps for model in stage["models"].values()]
    embedded = bool(models) and all(model.get("backend") == "embedded" for model in models)
    head = ("Judge", "Model", "Revision", "What it heard", "Answers", "Right %", "Guessing %", "Unreadable %")
    return (
        "## How labels were decided\n\nThe judges answered every question without the clip. A judge is a model, or one"
        f" way of scoring a model. A question is `weak` if {enough} answered right; otherwise it is `strong`. An answer"
        " that could not be read is neither right nor wrong: *Right %* is the share of right answers among the readable"
        " ones.\n\n"
        + write_table(head, judges, numbers=4)
        + "\n\nThe labels hold for these judges only, in these revisions."
        + (DEMONSTRATION if embedded else "")
        + _show(plots, "judges")
    )


def _describe_rejects(manifest: Mapping[str, Any]) -> str:
    items = [
        (stage["stage"], *(stage["items"].get(key, 0) for key in ("in", "kept", "rejected", "failed")))
        for stage in manifest["lineage"]
    ]
    reasons = [
        (stage["stage"], outcome, reason, count)
        for stage in manifest["lineage"]
        for outcome, counts in sorted(stage["reasons"].items(), reverse=True)
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return (
        "## What was left out\n\nAn item is *rejected* if a rule or a grader said no. It *failed* if no model gave a"
        " usable reply. Items are clips in the first stage, one item for each question to be written in `generate`, and"
        " questions in the stages after it.\n\n"
        + write_table(("Stage", "In", "Kept", "Rejected", "Failed"), items, numbers=4)
        + "\n\n"
        + write_table(("Stage", "Outcome", "Reason", "Items"), reasons, numbers=1)
    )


def _describe_columns(info: ReleaseInfo) -> str:
    rows = [(name, HELD[name].doc) for name in release_schema(embed=info.embed).names]
    return f"## Columns\n\n{write_table(('Column', 'What it holds'), rows)}"


def _describe_citing(info: ReleaseInfo, statistics: Statistics) -> str:
    return (
        f"## Citing\n\nThis dataset:\n\n```bibtex\n{cite_release(info, statistics.rows)}\n```\n\nThe method, and the"
        f" corpus that introduced it:\n\n```bibtex\n{METHOD}\n```\n\nPlease also cite the sources of the audio and the"
        " captions."
    )


def _show(plots: Mapping[str, str], *names: str) -> str:
    """Return those of the named plots that exist, each as a paragraph."""
    found = [(f"plots/{name}.png", plots.get(f"plots/{name}.png")) for name in names]
    return "".join(f"\n\n![{escape(alt)}]({path})" for path, alt in found if alt)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
