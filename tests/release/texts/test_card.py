"""Tests of ``release/texts/card.py``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from audiomcq_cli.contracts import Row
from audiomcq_cli.release.build import build_release
from audiomcq_cli.release.layout import ReleaseInfo
from audiomcq_cli.release.markdown import escape
from audiomcq_cli.release.rows.statistics import Statistics
from audiomcq_cli.release.texts.card import list_configs, render_card
from tests.release.conftest import INFO, count_stage, record, released_row, write_stage

HOSTILE = (
    '"]: x', "| pipe |", "<script>alert(1)</script>", "line\n---\n# other", "*a* `b` [c](d) &amp;", "- x: {y",
    "x](javascript:alert(1))", "<!-- audiomcq:end -->", "مرحبا: عالم", "🎧 $x$ $$\\frac{1}{2}$$", "```\n</pre>",
    "@me #1 ~~x~~",
)  # fmt: skip


def read_card(folder: Path) -> Any:
    """The card as the Hub's own library reads it."""
    from huggingface_hub import DatasetCard

    return DatasetCard.load(folder / "README.md")


def build_card(tmp_path: Path, info: ReleaseInfo = INFO, former: str = "", **values: Any) -> Any:
    source = write_stage(tmp_path / "split", [released_row(1, **values), released_row(2, label="strong", **values)])
    statistics, manifest = count_stage(source)
    manifest["sources"][0] |= {"name": values.get("source_dataset", "AudioCaps"), "origin": values.get("origin")}
    plots = {"plots/judges.png": info.title}
    (tmp_path / "README.md").write_text(
        render_card(info, statistics, manifest, plots=plots, former=former), "utf-8", newline="\n"
    )
    return read_card(tmp_path)


def parse(text: str) -> list[Token]:
    """The tokens of a Markdown text with tables and raw HTML, blocks and what is in them, in order."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found += [token, *(token.children or ())]
    return found


def shape(text: str) -> list[str]:
    """What a text is made of, whatever it says."""
    return [token.type for token in parse(text)]


def inlines(text: str) -> list[str]:
    """What the paragraphs and cells of a text say to a reader."""
    return [" ".join(child.content for child in token.children or ()) for token in parse(text) if token.children]


def table_under(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, as a reader sees them."""
    table: list[list[str]] = []
    tokens = iter(parse(text.split(f"\n## {heading}\n")[1]))
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            table.append([])
        elif token.type == "inline" and table:
            table[-1].append("".join(child.content for child in token.children or ()))
    return table


def test_the_front_matter_says_what_the_hub_asks_for(release: Path) -> None:
    """Configs with globs and one default, license, languages, tasks, size, tags and features."""
    data = read_card(release).data.to_dict()
    assert data["license"] == "cc-by-4.0"
    assert data["pretty_name"] == "Tiny AudioMCQ"
    assert data["language"] == ["en"]
    assert data["size_categories"] == ["n<1K"]
    assert "multiple-choice" in data["task_categories"]
    assert [config["config_name"] for config in data["configs"]] == ["all", "rl", "sft", "weak", "strong"]
    assert [config["config_name"] for config in data["configs"] if config.get("default")] == ["all"]
    assert data["configs"][3]["data_files"] == [{"split": "train", "path": "data/*/weak-*.parquet"}]
    assert {entry["config_name"] for entry in data["dataset_info"]} == {"all", "rl", "sft", "weak", "strong"}
    assert {"name": "choices", "list": "string"} in data["dataset_info"][0]["features"]


def test_the_text_counts_the_rows(release: Path) -> None:
    """Questions by subset, label and type add up."""
    table = table_under(read_card(release).text, "Questions")
    assert table[0] == ["Subset", "Label", "music", "sound", "speech", "All"]
    assert [row[-1] for row in table[1:]] == ["10", "10", "20", "40"]
    assert table[-1][0] == "all"


def test_the_text_tells_how_it_was_made(release: Path) -> None:
    """Judges with their counts, models, prompts with versions, and what was left out by reason."""
    text = read_card(release).text
    assert 'load_dataset("org/tiny", "strong")' in text
    judges = table_under(text, "How labels were decided")
    assert judges[1] == ["judge_a", "some/judge", "abc", "30 s of silence", "40", "50.0", "25.0", "0.0"]
    assert ["filter", "version of the stage", "1"] in table_under(text, "How it was made")
    assert ["", "seconds", "30"] in table_under(text, "How it was made")
    assert "| filter | judge | 1 | abababababab |" in text
    assert "| filter | judge\\_a | some/judge | abc | openai-compatible |" in text
    assert table_under(text, "What was left out")[2] == ["filter", "43", "40", "2", "1"]
    assert "| filter | rejected | too\\_few\\_votes | 2 |" in text
    assert "| filter | failed | schema | 1 |" in text
    for path in ("statistics.json", "recipe.toml", "prompts", "plots/judges.png"):
        assert f"]({path})" in text
        assert (release / path).exists()
    for heading in ("Loading", "Sources", "Columns", "Known limits", "Citing"):
        assert f"\n## {heading}\n" in text


def test_card_of_no_repository_names_no_repository(stage: Path, tmp_path: Path) -> None:
    """The name of a project is no dataset that could be loaded."""
    build_release(stage, tmp_path / "release", replace(INFO, repo=""))
    assert 'load_dataset("path/to/this/folder", "strong")' in (tmp_path / "release/README.md").read_text()


@pytest.mark.parametrize(
    ("audio", "licenses", "sentence"),
    [
        ("reference", ("CC0", "CC0"), "The audio is not part of this dataset: get it from the"),
        ("embed", ("CC0", "CC0"), "audio holds the file of each clip, unchanged, under its own license."),
        ("embed", ("CC0", None), "audio holds the file of 1 of the 2 clips, unchanged, under its own license."),
        ("embed", (None, None), "The audio is not part of this dataset: get it from the"),
    ],
)
def test_the_card_says_where_the_audio_is(
    audio: str, licenses: tuple[str | None, str | None], sentence: str, tmp_path: Path
) -> None:
    """It is in the dataset, in part, or with the sources; the features name its column where there is one."""
    rows = [
        released_row(number, license=license_, **record(tmp_path / "audio", number))
        for number, license_ in enumerate(licenses)
    ]
    source = write_stage(tmp_path / "split", rows, audio_roots={"AudioCaps": "../audio"})
    build_release(source, tmp_path / "release", replace(INFO, audio=audio))
    card = read_card(tmp_path / "release")
    assert any(sentence in " ".join(text.split()) for text in inlines(card.text))
    features = card.data.to_dict()["dataset_info"][0]["features"]
    assert ({"name": "audio", "dtype": "audio"} in features) == (audio == "embed")


def drop_sizes(data: dict[str, Any]) -> dict[str, Any]:
    """A card's YAML without the sizes of files, in which the text stands."""
    infos = [{name: value for name, value in info.items() if name != "download_size"} for info in data["dataset_info"]]
    return data | {"dataset_info": infos}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_only_itself(text: str, tmp_path: Path) -> None:
    """Names, licenses and sources are read back as they are, and the card has the same shape as without them."""
    plain = build_card(tmp_path / "plain", replace(INFO, title="T", license="Some terms"), license="L")
    info = replace(INFO, title=text, license=text, repo=text)
    card = build_card(tmp_path / "hostile", info, license=text)
    data, expected = (drop_sizes(one.data.to_dict()) for one in (card, plain))
    assert (data["pretty_name"], data["license"], data["license_name"]) == (text, "other", text)
    assert data | {"pretty_name": "", "license_name": ""} == expected | {"pretty_name": "", "license_name": ""}
    assert shape(card.text) == shape(plain.text)
    assert f"License of the questions: {' '.join(text.split())}." in inlines(card.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_sources_and_models_change_only_themselves(text: str, tmp_path: Path) -> None:
    """A source and a judge may be called anything, and a reader sees the name they have."""
    plain = build_card(tmp_path / "plain", source_dataset="S", votes=vote_as("J"))
    card = build_card(tmp_path / "hostile", source_dataset=text, origin=text, votes=vote_as(text))
    assert shape(card.text) == shape(plain.text)
    seen = " ".join(text.split())
    assert table_under(card.text, "Sources")[1] == [seen, "by clip, see below", seen, "2", "0", "2"]
    assert table_under(card.text, "How labels were decided")[1][:2] == [seen, seen]


def test_an_origin_that_is_an_address_is_a_link(tmp_path: Path) -> None:
    """The one link that a name makes goes where it says, and an address with anything else in it makes none."""
    links = []
    for number, origin in enumerate(
        ["https://example.org/a_b?c=1#d", "see https://example.org", "javascript:alert(1)"]
    ):
        card = build_card(tmp_path / str(number), source_dataset="S", origin=origin)
        found = [token.attrGet("href") for token in parse(card.text) if token.type == "link_open"]
        links.append([href for href in found if ":" in str(href)])
    assert links == [["https://example.org/a_b?c=1#d"], [], []]


def test_the_card_says_which_rows_name_their_origin(tmp_path: Path) -> None:
    """Where a recipe names no origin, the sources say how many rows do; a dataset of the Hub is linked."""
    address = "https://example.org/1"
    rows = [released_row(number, origin=address if number else None) for number in range(3)]
    statistics, manifest = count_stage(write_stage(tmp_path / "split", rows))
    assert table_under(render_card(INFO, statistics, manifest), "Sources")[1][2] == "column origin, of 2 questions"
    manifest["sources"][0] |= {"adapter": "hf", "file": "org/set@v1:en:train"}
    card = render_card(INFO, statistics, manifest)
    assert table_under(card, "Sources")[1][2] == "https://huggingface.co/datasets/org/set"


def test_the_card_tells_how_to_get_audio_that_is_only_referenced(tmp_path: Path) -> None:
    """It counts clips with audio by source, says why others have none, and where to find them."""
    statistics, manifest = count_stage(write_stage(tmp_path / "split", [released_row(number) for number in range(3)]))
    counts = Statistics(
        embedded=Counter({("AudioCaps", "CC-BY-4.0"): 2}),
        withheld=Counter({("AudioCaps", "", "no_license"): 1}),
    )
    some = render_card(INFO, statistics + counts, manifest)
    assert "`audio` holds the file of 2 of the 3 clips" in some
    assert "| AudioCaps | not known | its license is not known | 1 |" in some
    assert table_under(some, "Sources")[1][3:] == ["3", "2", "3"]
    whole = Statistics(embedded=Counter({("AudioCaps", "CC-BY-4.0"): 3}))
    assert "Getting the audio" not in render_card(INFO, statistics + whole, manifest)
    assert "Getting the audio" in render_card(INFO, statistics, manifest)


def test_the_release_is_cited_with_its_own_entry(tmp_path: Path) -> None:
    """Its title, version and address stand in BibTeX, and braces of a title end nothing."""
    text = build_card(tmp_path, replace(INFO, title="T} \\evil {x}")).text
    assert "@misc{tiny-1-2-0," in text
    assert r"title = {T\} \textbackslash{}evil \{x\}}," in text
    assert r"howpublished = {\url{https://huggingface.co/datasets/org/tiny}}," in text
    assert "@misc{he2025audiomcq," in text


def vote_as(name: str) -> list[Row]:
    return [{**vote, "judge": name, "model": name} for vote in released_row(1)["votes"]]


def test_escaped_text_is_one_plain_line() -> None:
    """Nothing that acts in Markdown, HTML or a table is left bare, and no sign that cannot be seen."""
    assert escape("a|b\n<i>\u202e*x*") == "a\\|b \\<i\\> \\*x\\*"
    assert escape("\x1b[31m") == "\\[31m"


@pytest.mark.parametrize(
    ("rows", "size"), [(999, "n<1K"), (1_000, "1K<n<10K"), (571_118, "100K<n<1M"), (2_000_000, "1M<n<10M")]
)
def test_sizes_are_those_of_the_hub(rows: int, size: str) -> None:
    """The category is the power of ten that the number of rows lies in."""
    statistics = Statistics(questions=Counter({("sft", "weak", "sound"): rows}))
    empty = {"tool_version": "0", "sources": [], "lineage": []}
    assert f"- {size}\n" in render_card(INFO, statistics, empty)


def test_ground_of_questions_that_were_measured() -> None:
    """Where clips were listened to it is not said that captions are the ground of all questions."""
    statistics = Statistics(questions=Counter({("sft", "weak", "sound"): 1}))

    def tell(*describe: str) -> str:
        step = {"stage": "caption", "version": 1, "options": {"describe": describe}, "models": {}, "prompts": {}}
        lineage = [{**step, "items": {}, "reasons": {}}]
        return render_card(INFO, statistics, {"tool_version": "0", "sources": [], "lineage": lineage})

    assert "not by listening" in tell()
    assert "not by listening" in tell("model")
    assert "come from measurements" in tell("local")
    assert "not by listening" not in tell("local")


def test_configs_without_rows_are_not_promised() -> None:
    """A label that no row has is no config: its glob would find no file."""
    statistics = Statistics(questions=Counter({("sft", "weak", "sound"): 1}))
    assert list(list_configs(statistics)) == ["all", "sft", "weak"]


@pytest.mark.parametrize(
    ("text", "license_", "name"),
    [
        ("cc-by-4.0", "cc-by-4.0", None),
        ("CC-BY-4.0", "cc-by-4.0", None),
        ("cc-by-sa-2.0", "other", "cc-by-sa-2.0"),
        ("ours", "other", "ours"),
    ],
)
def test_license_is_one_that_the_hub_knows(text: str, license_: str, name: str | None, tmp_path: Path) -> None:
    """The Hub refuses a card with another, so that goes where the Hub takes any; SPDX writes the same with capitals."""
    data = build_card(tmp_path, replace(INFO, license=text)).data
    assert (data.to_dict()["license"], data.to_dict().get("license_name")) == (license_, name)
