"""The text of a dataset card, section by section. No name in it, whoever gave it, is more than its own text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from audiomcq_cli.release.citation import METHOD, cite_release
from audiomcq_cli.release.croissant import HELD
from audiomcq_cli.release.embed import WITHHELD
from audiomcq_cli.release.info import ReleaseInfo
from audiomcq_cli.release.markdown import Link, escape, quote, write_table
from audiomcq_cli.release.rows import release_schema
from audiomcq_cli.release.statistics import Statistics

_LIMITS = """\
- **Labels hold for the judges above.** Another model may well answer a strong question without its audio: of the
  published strong subset of AudioMCQ a later model still answered 58.7 % with empty audio (arXiv 2606.22276).
- **Votes can be luck.** Three judges who guess among four choices with one option order each are right at least twice
  in 15.6 % of cases, so some weak labels say nothing about the question. Models also favour some positions and longer
  choices.
{ground}
- **No person has checked every question.** Where a model writes and one of its family grades, the mistakes that both
  cannot see stay in; where no model grades, only rules have.
- **Overlap with benchmarks** was not searched for. Before reporting a score, check that its recordings are not here."""

_CAPTIONS = """\
- **Captions are the ground.** Questions were written from captions, not by listening, so what a caption gets wrong or
  leaves out is wrong or missing here."""

_HEARD = """\
- **What was measured is the ground** of questions whose `proof` is not empty, and captions are that of the others, if
  there are any. Speech and music were found, and words written down, by small models: those can be mistaken."""

_IMPORTED = """\
- **The questions are those of the sets above.** They were taken over as they stand, with their options in the order
  of the set: what was wrong with a key or an option there is wrong here."""

_GROUNDED = """
- **Questions by rule.** Those of the method `grounded` ask in a few set forms about what captions state, known events
  or measurements; a sound that no caption mentions may still be in the clip."""

_DEMONSTRATION = """

**These labels are a demonstration of the method, not the method at full strength.** All judges are ways of scoring
small text-only models inside the program, and no model that hears was asked: what such models cannot answer from the
text, a larger one may."""


def write_sections(
    info: ReleaseInfo,
    statistics: Statistics,
    summary: Mapping[str, Any],
    manifest: Mapping[str, Any],
    configs: Mapping[str, str],
    plots: Mapping[str, str],
) -> str:
    """The whole text.

    Args:
        info: What the release is called. statistics, summary: What it counts. manifest: That of the stage folder it was
            made of. configs: Name and glob of every config. plots: Paths of its plots, with what each shows in words.
    """
    parts = (
        _introduce(info, statistics, manifest),
        _tell_loading(info, configs),
        _tell_counts(statistics, plots),
        _tell_sources(statistics, manifest, plots),
        _tell_making(manifest),
        _tell_labels(summary, manifest, plots),
        _tell_rejects(manifest),
        _tell_columns(info),
        _tell_limits(manifest),
        _tell_citing(info, statistics),
    )
    return "\n\n".join(parts)


def is_imported(manifest: Mapping[str, Any]) -> bool:
    """Whether the questions are those of sets that existed."""
    return any(stage["stage"] == "import" for stage in manifest["lineage"])


def _introduce(info: ReleaseInfo, statistics: Statistics, manifest: Mapping[str, Any]) -> str:
    reasoned = "" if is_imported(manifest) else " a chain of thought in three tagged stages and a short one,"
    return f"""\
# {escape(info.title or info.name)}

Version {escape(info.version)}: {statistics.rows:,} multiple-choice questions about {statistics.clips.total():,} audio
clips. Each has choices of which one is right,{reasoned} and a
label that says whether models could answer it without hearing the audio (`weak`) or not (`strong`). Every row also
carries the grades, the judges' answers and which model and prompt made it.

{_tell_audio(statistics)}

License of the questions: {escape(info.license)}."""


def _tell_audio(statistics: Statistics) -> str:
    """Whether the audio is part of the dataset, or of how many clips."""
    embedded, whole = statistics.embedded.total(), statistics.clips.total()
    if not embedded:
        return "The audio is not part of this dataset: get it from the [sources](#sources), under their terms."
    which = "each clip" if embedded == whole else f"{embedded:,} of the {whole:,} clips"
    others = " Get that of the others, where `audio` is empty, from the [sources](#sources), under their terms."
    return f"`audio` holds the file of {which}, unchanged, under its own license.{others if embedded < whole else ''}"


def _tell_loading(info: ReleaseInfo, configs: Mapping[str, str]) -> str:
    name, config = quote(info.repo or "path/to/this/folder"), quote(list(configs)[-1])
    example = f'from datasets import load_dataset\n\nrows = load_dataset({name}, {config})["train"]'
    return f"## Loading\n\n```python\n{example}\n```\n\n{write_table(('Config', 'Files'), configs.items())}"


def _tell_counts(statistics: Statistics, plots: Mapping[str, str]) -> str:
    kinds = sorted({kind for *_, kind in statistics.questions})
    pairs = sorted({(subset, label) for subset, label, _ in statistics.questions})
    by = statistics.questions
    rows = [(*pair, *(n := [by[*pair, kind] for kind in kinds]), sum(n)) for pair in pairs]
    totals = [sum(by[*pair, kind] for pair in pairs) for kind in kinds]
    table = write_table(
        ("Subset", "Label", *kinds, "All"), [*rows, ("all", "", *totals, sum(totals))], numbers=len(kinds) + 1
    )
    shown = _show(plots, "question_types", "labels", "answer_positions")
    return f"## Questions\n\n{table}\n\nMore is counted in [statistics.json](statistics.json).{shown}"


def _tell_sources(statistics: Statistics, manifest: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    told = {str(source["name"]): source for source in manifest["sources"]}
    questions: Counter[str] = Counter()
    for (source, _), rows in statistics.licenses.items():
        questions[source] += rows
    here: Counter[str] = Counter()
    for (source, _), clips in statistics.embedded.items():
        here[source] += clips
    sources = [
        (name, told.get(name, {}).get("license") or "not stated",
         Link(told.get(name, {}).get("origin") or "not stated"), statistics.clips[(name,)], here[name], questions[name])
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
        + "\n\nLicenses of the audio, as the sources give them clip by clip:\n\n"
        + write_table(("Source", "License of the audio", "Questions"), audio, numbers=1)
        + tell_missing_audio(statistics)
        + _show(plots, "sources", "durations")
    )


def tell_missing_audio(statistics: Statistics) -> str:
    """How to get the audio that is only referenced, and why it is; nothing where all of it is in the rows."""
    if statistics.embedded.total() == statistics.clips.total():
        return ""
    reasons = [
        (source, license or "not known", WITHHELD.get(reason, reason), clips)
        for (source, license, reason), clips in sorted(statistics.withheld.items())
    ]
    table = write_table(("Source", "License of the audio", "Why it is not here", "Clips"), reasons, numbers=1)
    return (
        "\n\n### Getting the audio\n\nGet the audio of a source from its origin, as its terms allow, into a folder of"
        " its own; `origin` of a row says more where the source does. `audio_path` is the path of a clip below that"
        " folder, and `audio_sha256`, where there is one, the SHA-256 of the file that was heard: a file with another"
        " is not the same recording, or not the same encoding of it."
    ) + (f" Audio that was to be here and is not:\n\n{table}" if reasons else "")


def _tell_making(manifest: Mapping[str, Any]) -> str:
    models, prompts, settings = [], [], []
    for stage in manifest["lineage"]:
        for role, model in sorted(stage["models"].items()):
            sampling = _compact(model.get("sampling") or "as the model has it")
            names = (model.get(key) or "not stated" for key in ("model", "revision", "backend"))
            models.append((stage["stage"], role, *names, sampling))
        for name, prompt in sorted(stage["prompts"].items()):
            prompts.append((stage["stage"], name, prompt.get("version", ""), prompt.get("sha256", "")[:12]))
        settings.append((stage["stage"], stage["version"], stage.get("seed", ""), _compact(stage["options"])))
    texts = ", the texts of the prompts in [prompts/](prompts)" if prompts else ""
    return (
        f"## How it was made\n\nBy audiomcq {escape(manifest['tool_version'])}, in these stages, in this order. The"
        f" recipe is [recipe.toml](recipe.toml){texts}.\n\n"
        + write_table(("Stage", "Version", "Seed", "Settings"), settings)
        + "\n\nModels:\n\n"
        + write_table(("Stage", "Role", "Model", "Revision", "Backend", "Sampling"), models)
        + "\n\nPrompts:\n\n"
        + write_table(("Stage", "Prompt", "Version", "SHA-256"), prompts)
    )


def _tell_labels(summary: Mapping[str, Any], manifest: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    judges = [
        (
            *(one["judge"], one["model"], one["revision"] or "not stated", one["condition"]),
            one["answers"],
            _percent(one["accuracy"]),
            _percent(one["chance"]),
            _percent(one["unparsable"] / one["answers"]),
        )
        for one in summary["judges"]
    ]
    steps = [stage for stage in manifest["lineage"] if stage["stage"] == "filter"]
    options = steps[-1]["options"] if steps else {}
    rule = "".join(f"\n- {escape(key)}: {escape(_compact(value))}" for key, value in sorted(options.items()))
    models = [model for stage in steps for model in stage["models"].values()]
    embedded = bool(models) and all(model.get("backend") == "embedded" for model in models)
    head = ("Judge", "Model", "Revision", "Condition", "Answers", "Right %", "Guessing %", "Unreadable %")
    return (
        "## How labels were decided\n\nJudges, each a model or a way of scoring one, answered every question under a"
        " condition that takes the clip away. A question that enough of them got right is `weak`: it can be answered"
        " without listening. The others are `strong`. An answer that could not be read is not a wrong one: the right"
        " ones are counted among those that could.\n\n"
        + write_table(head, judges, numbers=4)
        + (f"\n\nThe rule:\n{rule}" if rule else "")
        + "\n\nThe labels hold for these judges, in these revisions, only."
        + (_DEMONSTRATION if embedded else "")
        + _show(plots, "judges")
    )


def _find_methods(manifest: Mapping[str, Any]) -> Sequence[str]:
    """How the questions were made."""
    steps = [stage["options"] for stage in manifest["lineage"] if stage["stage"] == "generate"]
    return steps[-1].get("methods", ()) if steps else ()


def _tell_limits(manifest: Mapping[str, Any]) -> str:
    heard = any("local" in stage["options"].get("describe", ()) for stage in manifest["lineage"])
    ground = _IMPORTED if is_imported(manifest) else _HEARD if heard else _CAPTIONS
    text = _LIMITS.replace("{ground}", ground)
    return f"## Known limits\n\n{text}{_GROUNDED if 'grounded' in _find_methods(manifest) else ''}"


def _tell_rejects(manifest: Mapping[str, Any]) -> str:
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
        "## What was left out\n\nAn item is rejected where a rule or a grader said no, and failed where no usable reply"
        " came. Items are clips at first, then places for a question, then questions.\n\n"
        + write_table(("Stage", "In", "Kept", "Rejected", "Failed"), items, numbers=4)
        + "\n\n"
        + write_table(("Stage", "Outcome", "Reason", "Items"), reasons, numbers=1)
    )


def _tell_columns(info: ReleaseInfo) -> str:
    rows = [(name, HELD[name].doc) for name in release_schema(embed=info.embed).names]
    return f"## Columns\n\n{write_table(('Column', 'What it holds'), rows)}"


def _tell_citing(info: ReleaseInfo, statistics: Statistics) -> str:
    return (
        f"## Citing\n\nThis dataset:\n\n```bibtex\n{cite_release(info, statistics.rows)}\n```\n\nThe method, and the"
        f" corpus that it comes from:\n\n```bibtex\n{METHOD}\n```\n\nCite the sources of audio and captions as well."
    )


def _show(plots: Mapping[str, str], *names: str) -> str:
    """The plots of some names that there are, each a paragraph."""
    found = [(f"plots/{name}.png", plots.get(f"plots/{name}.png")) for name in names]
    return "".join(f"\n\n![{escape(alt)}]({path})" for path, alt in found if alt)


def _compact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
