"""Prompts and schemas: the user's own first, strict about what is wrong, and values are never evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.storage.resources import schema, shipped

PROMPT = """
version = "3"
description = "Asks."
reply = "question"
system = ''' You are {{ role }}. '''
user = '''
{% for caption in captions %}
- {{ caption }}
{% endfor %}
'''
example = '{"question": {{ captions[0] | tojson }}, "question_type": "sound"}'
"""


def load(folder: Path, text: str = PROMPT, name: str = "own") -> Any:
    (folder / f"{name}.toml").write_text(text, "utf-8")
    return Prompts(folder).get(name)


def test_prompt_is_rendered(tmp_path: Path) -> None:
    """Variables are put into system and user text; lines of the template alone leave no empty lines."""
    system, user = load(tmp_path).render({"role": "a judge", "captions": ["rain", "wind"]})
    assert system == "You are a judge."
    assert user == "- rain\n- wind\n"


def test_prompt_knows_its_schema_and_version(tmp_path: Path) -> None:
    """The name of a reply schema in the file gives the schema itself."""
    prompt = load(tmp_path)
    assert (prompt.version, prompt.reply, prompt.source) == ("3", "question", PROMPT)
    assert prompt.schema == schema("reply/question")


def test_own_prompt_counts_before_the_shipped_one(tmp_path: Path) -> None:
    """A file of the user's with the name of a shipped prompt takes its place; others are the shipped ones."""
    assert load(tmp_path, name="judge").version == "3"
    assert Prompts(tmp_path).get("question") == Prompts().get("question")


def test_missing_prompt_is_named(tmp_path: Path) -> None:
    """A prompt that is nowhere is told with where it was expected."""
    with pytest.raises(InputError, match="no prompt 'mine'") as caught:
        Prompts(tmp_path).get("mine")
    assert str(tmp_path) in str(caught.value) and "mine.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = ", "not TOML"),
        (PROMPT + "\ntemperature = 1", "unknown key 'temperature'"),
        (PROMPT.replace('"3"', "3"), "expected a text under 'version'"),
        (PROMPT.replace("example =", "instance ="), "unknown key 'instance'"),
        (PROMPT.replace("system =", "# system ="), "expected a text under 'system'"),
        (PROMPT.replace('reply = "question"', 'reply = "unheard_of"'), "no such schema"),
    ],
)
def test_prompt_that_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong with a prompt's file is told with the file."""
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, text)
    assert ".toml" in str(caught.value) or ".json" in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ unknown }}",
        "{{ captions[5].x }}",
        "{{ captions.append('x') }}",
        "{{ ''.__class__.__mro__ }}",
        "{% if %}",
        "{% include 'judge.toml' %}",
        "{{ role + 1 }}",
        "{{ 1 / 0 }}",
    ],
)
def test_template_that_cannot_be_rendered_is_named(tmp_path: Path, template: str) -> None:
    """Unknown variables, changes to what is passed in, the way to Python's insides and bad syntax are errors."""
    prompt = load(tmp_path, PROMPT.replace("You are {{ role }}.", template))
    with pytest.raises(InputError, match="prompt own: cannot be rendered"):
        prompt.render({"role": "x", "captions": ["rain"]})


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_values_are_never_evaluated(text: str) -> None:
    """A caption goes into the prompt as it is, whatever template code it holds."""
    prompt = Prompts().get("judge")
    rendered = prompt.render({"question": "Q", "options": text})[1]
    assert text in rendered


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% raw %}", "{# gone #}", "{{ self }}"])
def test_template_code_in_a_caption_stays(tmp_path: Path, text: str) -> None:
    """Template code in a value comes out as text."""
    assert load(tmp_path).render({"role": "x", "captions": [text]})[1] == f"- {text}\n"


def test_digest_changes_with_the_file(tmp_path: Path) -> None:
    """Every edit counts, whatever the version says; the same file has the same digest."""
    first = load(tmp_path)
    assert load(tmp_path).digest == first.digest
    assert load(tmp_path, PROMPT.replace("Asks.", "Asks!")).digest != first.digest


@pytest.mark.parametrize("path", sorted(shipped("schemas").rglob("*.json")), ids=lambda path: path.stem)
def test_shipped_schemas_are_schemas(path: Path) -> None:
    """Every schema that is shipped follows the meta schema."""
    name = path.relative_to(shipped("schemas")).with_suffix("").as_posix()
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_missing_schema_is_named() -> None:
    """A schema that is not shipped is told with its path."""
    with pytest.raises(InputError, match=r"unheard_of\.json"):
        schema("reply/unheard_of")
