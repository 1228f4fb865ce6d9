"""Prompts out of somebody's manifest: rendered, or refused soon, and never with more than they are given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.templates import Renderer
from tests.fuzz import fuzzed

_PARTS = st.sampled_from(
    ["{{ a }}", "{{ b[0] }}", "{{ missing }}", "{{ ''.__class__ }}", "{{ a | upper }}", "{{ 'x' * 10 ** 10 }}",
     "{% for x in b %}", "{% endfor %}", "{% if a %}", "{% endif %}", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}",
     "{{ m() }}", "{{ range(10 ** 9) | list }}", "{{", "%}", "{{ b.append(1) }}", "{% include 'x' %}", "{{ 1 / 0 }}",
     "{{ a.format }}", "{{ self }}", "{{ cycler }}", "{{ namespace(x=1).x }}", "{% set x = a %}", "{# #}"]
)  # fmt: skip


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer() as renderer:
        yield renderer


@fuzzed
@given(st.one_of(st.lists(_PARTS, max_size=6).map("".join), st.text(max_size=60)))
def test_template_is_rendered_or_refused(renderer: Renderer, template: str) -> None:
    """Any template ends in a text or in ``InputError``."""
    try:
        assert isinstance(renderer.render(template, {"a": "é", "b": ["r", (1, 2)]}, "prompt judge"), str)
    except InputError as error:
        assert "prompt judge" in str(error)
        assert error.hint


@pytest.mark.parametrize("variables", [{"a": (1, "x")}, {"a": ["x"]}, {"a": None}, {"a": "\u2028"}], ids=str)
def test_values_are_shown_as_in_this_process(renderer: Renderer, variables: dict[str, object]) -> None:
    """What a prompt of others renders to is what its stage sent, to the letter, so that its reply is found."""
    assert renderer.render("{{ a }}", variables, "prompt") == f"{variables['a']}"


def test_loops_within_loops_end() -> None:
    """Time that the sandbox does not bound is bounded, and what it takes counts for the manifest as a whole."""
    loop = "{% for x in range(99999) %}" * 3 + "{% endfor %}" * 3
    with Renderer() as renderer:
        renderer._left = 0.2
        for _ in range(2):
            with pytest.raises(InputError, match="takes too long to render"):
                renderer.render(loop, {}, "prompt judge")
