"""The dataset card of a release: YAML that the Hub and ``datasets`` read, and a text for people.

The YAML is written by ``huggingface_hub`` and the features by ``datasets``. Everything in the text that comes from
rows, manifests or recipes goes through ``escape``, so a name changes nothing but its own text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from audiomcq_cli.records import LABELS
from audiomcq_cli.release.rows import release_schema
from audiomcq_cli.release.statistics import Statistics

if TYPE_CHECKING:
    from audiomcq_cli.release.build import ReleaseFile, ReleaseInfo

_SIZES = ("K", "M", "B", "T")
_TAGS = ("audio", "audio-question-answering", "multiple-choice", "chain-of-thought", "audio-contribution")

_CITATION = """\
@misc{he2025audiomcq,
  title = {Measuring Audio's Impact on Correctness: Audio-Contribution-Aware Post-Training of
           Large Audio Language Models},
  author = {Haolin He and Xingjian Du and Renhe Sun and Zheqi Dai and Yujia Xiao and Mingru Yang and Jiayi Zhou and
            Xiquan Li and Zhengxi Liu and Zining Liang and Chunyat Wu and Qianhua He and Tan Lee and Xie Chen and
            Wei-Long Zheng and Weiqiang Wang and Mark Plumbley and Jian Liu and Qiuqiang Kong},
  year = {2025},
  eprint = {2509.21060},
  archivePrefix = {arXiv},
}"""

_LIMITS = """\
- **Labels hold for the judges above.** Another model may well answer a strong question without its audio: of the
  published strong subset of AudioMCQ a later model still answered 58.7 % with empty audio (arXiv 2606.22276).
- **Votes can be luck.** Three judges who guess among four choices with one option order each are right at least twice
  in 15.6 % of cases, so some weak labels say nothing about the question. Models also favour some positions and longer
  choices.
- **Captions are the ground.** Questions were written from captions, not by listening, so what a caption gets wrong or
  leaves out is wrong or missing here.
- **No person has checked every question.** Where a model writes and one of its family grades, the mistakes that both
  cannot see stay in; where no model grades, only rules have.
- **Overlap with benchmarks** was not searched for. Before reporting a score, check that its recordings are not here."""


_GROUNDED = """
- **Questions by rule.** Those of the method `grounded` ask in a few set forms about what captions state; a sound that
  no caption mentions may still be in the clip."""

_DEMONSTRATION = """

**These labels are a demonstration of the method, not the method at full strength.** All judges are ways of scoring
small text-only models inside the program, and no model that hears was asked: what such models cannot answer from the
text, a larger one may."""


def list_configs(statistics: Statistics) -> dict[str, str]:
    """Name and glob of every config: all rows, each subset, each label; a name is given once, to the label."""
    subsets = sorted({subset for subset, *_ in statistics.questions})
    labels = {label for _, label, _ in statistics.questions}
    return {
        "all": "data/*/*.parquet",
        **{subset: f"data/{subset}/*.parquet" for subset in subsets},
        **{label: f"data/*/{label}-*.parquet" for label in LABELS if label in labels},
    }


def escape(text: object) -> str:
    """Text that means itself in Markdown, HTML in it and a table cell: one line, with all that could act escaped."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())
    return re.sub(r"([\\`*_\[\]<>&|~#$])", r"\\\1", line)


def render_card(
    info: ReleaseInfo, statistics: Statistics, manifest: Mapping[str, Any], files: Sequence[ReleaseFile] = ()
) -> str:
    """The card of a release.

    Args:
        info: What it is called. statistics: What it counts. manifest: That of the stage folder it was made of.
    """
    sections = (
        _introduce(info, statistics),
        _tell_loading(info, statistics),
        _tell_counts(statistics),
        _tell_sources(statistics, manifest),
        _tell_making(manifest),
        _tell_labels(statistics, manifest),
        _tell_rejects(manifest),
        f"## Known limits\n\n{_LIMITS}{_GROUNDED if 'grounded' in _find_methods(manifest) else ''}",
        f"## Citing\n\nThe method is that of arXiv 2509.21060:\n\n```bibtex\n{_CITATION}\n```",
    )
    return f"---\n{_write_yaml(info, statistics, files)}\n---\n\n" + "\n\n".join(sections) + "\n"


def _write_yaml(info: ReleaseInfo, statistics: Statistics, files: Sequence[ReleaseFile]) -> str:
    from datasets import DatasetInfo, Features
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    configs = list_configs(statistics)
    # The Hub refuses a card whose license is not one of its identifiers; these have no spaces or capitals.
    known = re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", info.license)
    data = DatasetCardData(
        pretty_name=info.title or info.name,
        license=info.license if known else "other",
        language=list(info.languages),
        task_categories=["multiple-choice", "question-answering", "audio-text-to-text"],
        size_categories=[_find_size(statistics.rows)],
        tags=list(_TAGS),
        configs=[
            {"config_name": name, "data_files": [{"split": "train", "path": glob}]}
            | ({"default": True} if name == "all" else {})
            for name, glob in configs.items()
        ],
    )
    if not known:
        data["license_name"] = info.license
    features = Features.from_arrow_schema(release_schema(embed=info.embed))
    # The size is not decoration: `datasets` takes the key of its cache from this block alone, so without something in
    # it that follows the rows a release that replaces another one loads as the old one.
    infos = {
        name: DatasetInfo(features=features, download_size=sum(file.size for file in files if fnmatch(file.path, glob)))
        for name, glob in configs.items()
    }
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return data.to_yaml()


def _find_size(rows: int) -> str:
    """The Hub's size category, as ``10K<n<100K``."""
    if rows < 1_000:
        return "n<1K"
    power = len(str(rows)) - 1
    below, above = (f"{10 ** (step % 3)}{_SIZES[step // 3 - 1]}" for step in (power, power + 1))
    return f"{below}<n<{above}"


def _introduce(info: ReleaseInfo, statistics: Statistics) -> str:
    return f"""\
# {escape(info.title or info.name)}

Version {escape(info.version)}: {statistics.rows:,} multiple-choice questions about {statistics.clips.total():,} audio
clips. Each has choices of which one is right, a chain of thought in three tagged stages and a short one, and a
label that says whether models could answer it without hearing the audio (`weak`) or not (`strong`). Every row also
carries the grades, the judges' answers and which model and prompt made it.

{_tell_audio(statistics)} `audio_path` names a clip below the folder of its source, and `audio_sha256` is
its content hash where the audio was there.

License of the questions: {escape(info.license)}."""


def _tell_audio(statistics: Statistics) -> str:
    """Whether the audio is part of the dataset, or of how many clips."""
    embedded, withheld = statistics.embedded.total(), statistics.withheld.total()
    if not embedded:
        return "The audio is not part of this dataset: get it from the sources below, under their terms."
    which = "each clip" if not withheld else f"{embedded:,} of the {embedded + withheld:,} clips"
    others = " Get that of the others, where `audio` is empty, from the sources below, under their terms."
    return f"`audio` holds the file of {which}, unchanged, under the license of its own.{others if withheld else ''}"


def _tell_loading(info: ReleaseInfo, statistics: Statistics) -> str:
    configs = list_configs(statistics)
    name = json.dumps(info.repo or info.name)
    example = f"from datasets import load_dataset\n\nrows = load_dataset({name}, {json.dumps(list(configs)[-1])})"
    files = _table(("Config", "Files"), configs.items())
    return f'## Loading\n\n```python\n{example}["train"]\n```\n\n{files}'


def _tell_counts(statistics: Statistics) -> str:
    kinds = sorted({kind for *_, kind in statistics.questions})
    pairs = sorted({(subset, label) for subset, label, _ in statistics.questions})
    by = statistics.questions
    rows = [(*pair, *(n := [by[*pair, kind] for kind in kinds]), sum(n)) for pair in pairs]
    totals = [sum(by[*pair, kind] for pair in pairs) for kind in kinds]
    table = _table(
        ("Subset", "Label", *kinds, "All"), [*rows, ("all", "", *totals, sum(totals))], numbers=len(kinds) + 1
    )
    return f"## Questions\n\n{table}"


def _tell_sources(statistics: Statistics, manifest: Mapping[str, Any]) -> str:
    told = {str(source["name"]): source for source in manifest["sources"]}
    questions: Counter[str] = Counter()
    for (source, _), rows in statistics.licenses.items():
        questions[source] += rows
    sources = [
        (name, told.get(name, {}).get("license") or "not stated", told.get(name, {}).get("origin") or "",
         statistics.clips[(name,)], questions[name])
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
        + _table(("Source", "License", "Origin", "Clips", "Questions"), sources, numbers=2)
        + "\n\nLicenses of the audio, as the sources give them clip by clip:\n\n"
        + _table(("Source", "License of the audio", "Questions"), audio, numbers=1)
    )


def _tell_making(manifest: Mapping[str, Any]) -> str:
    models, prompts, settings = [], [], []
    for stage in manifest["lineage"]:
        for role, model in sorted(stage["models"].items()):
            sampling = _compact(model.get("sampling") or {})
            names = (model.get(key) or "" for key in ("model", "revision", "backend"))
            models.append((stage["stage"], role, *names, sampling))
        for name, prompt in sorted(stage["prompts"].items()):
            prompts.append((stage["stage"], name, prompt.get("version", ""), prompt.get("sha256", "")[:12]))
        settings.append((stage["stage"], stage["version"], stage.get("seed", ""), _compact(stage["options"])))
    return (
        f"## How it was made\n\nBy audiomcq {escape(manifest['tool_version'])}, in these stages, in this order. The"
        " full texts of the prompts are in `.audiomcq/manifest.json`.\n\n"
        + _table(("Stage", "Version", "Seed", "Settings"), settings)
        + "\n\nModels:\n\n"
        + _table(("Stage", "Role", "Model", "Revision", "Backend", "Sampling"), models)
        + "\n\nPrompts:\n\n"
        + _table(("Stage", "Prompt", "Version", "SHA-256"), prompts)
    )


def _tell_labels(statistics: Statistics, manifest: Mapping[str, Any]) -> str:
    answers: dict[tuple[str, ...], Counter[str]] = {}
    for (*judge, status), count in statistics.votes.items():
        answers.setdefault(tuple(judge), Counter())[status] += count
    judges = [
        (
            *judge,
            counts.total(),
            _percent(counts["right"], counts.total()),
            _percent(counts["unparsable"], counts.total()),
        )
        for judge, counts in sorted(answers.items())
    ]
    rules = [stage["options"] for stage in manifest["lineage"] if stage["stage"] == "filter"]
    rule = "".join(
        f"\n- {escape(key)}: {escape(_compact(value))}" for key, value in sorted((rules or [{}])[-1].items())
    )
    models = [
        model for stage in manifest["lineage"] if stage["stage"] == "filter" for model in stage["models"].values()
    ]
    embedded = bool(models) and all(model.get("backend") == "embedded" for model in models)
    return (
        "## How labels were decided\n\nJudges, each a model or a way of scoring one, answered every question under a"
        " condition that takes the clip away. A question that enough of them got right is `weak`: it can be answered"
        " without listening. The others are `strong`. An answer that could not be read is counted apart from wrong"
        " ones.\n\n"
        + _table(("Judge", "Model", "Revision", "Condition", "Answers", "Right", "Unreadable"), judges, numbers=3)
        + (f"\n\nThe rule:\n{rule}" if rule else "")
        + "\n\nThe labels hold for these judges only."
        + (_DEMONSTRATION if embedded else "")
    )


def _find_methods(manifest: Mapping[str, Any]) -> Sequence[str]:
    """How the questions were made."""
    steps = [stage["options"] for stage in manifest["lineage"] if stage["stage"] == "generate"]
    return steps[-1].get("methods", ()) if steps else ()


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
        + _table(("Stage", "In", "Kept", "Rejected", "Failed"), items, numbers=4)
        + "\n\n"
        + _table(("Stage", "Outcome", "Reason", "Items"), reasons, numbers=1)
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: int = 0) -> str:
    """A Markdown table of escaped cells; the last columns, ``numbers`` of them, are set to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    cells = [[f"{cell:,}" if isinstance(cell, int) else escape(cell) for cell in row] for row in rows]
    if not cells:
        return "None."
    return "\n".join("| " + " | ".join(line) + " |" for line in ([escape(name) for name in head], rule, *cells))


def _compact(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
