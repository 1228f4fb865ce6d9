"""What ADAPTER:PATH comes to, for a source and for a set of questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiomcq_cli.errors import RecipeError
from audiomcq_cli.recipe.specs import import_spec, source_spec, source_specs


def test_source_spec() -> None:
    """The name of a source is the adapter's data set, else that of the folder; audio lies where the adapter has it."""
    assert source_spec("audiocaps:x/train.csv").name == "AudioCaps"
    assert source_spec("folder:some/My clips").name == "My-clips"
    assert source_spec("folder:some/clips").audio_root == Path("some/clips")
    assert source_spec("audiocaps:C:/x.csv").path == Path("C:/x.csv")


def test_name_of_an_address_has_no_revision() -> None:
    """What lies on the Hub is called the same at every revision, so that ids stay."""
    assert source_spec("hf:org/name@main").name == source_spec("hf:org/name").name == "name"


def test_import_spec(tmp_path: Path) -> None:
    """A set of questions is called after its file; the audio of a folder is looked for in it, of a file nowhere."""
    spec = import_spec(f"table:{tmp_path}/My set.jsonl")
    assert (spec.adapter, spec.name, spec.audio_root) == ("table", "My-set", None)
    assert import_spec(f"table:{tmp_path}").audio_root == tmp_path


@pytest.mark.parametrize("text", ["x.csv", "folder:", ":x.csv"])
def test_adapter_and_path_are_both_needed(text: str) -> None:
    """A text that lacks one of them is refused, with the adapters there are."""
    with pytest.raises(RecipeError) as caught:
        source_spec(text)
    assert "clotho" in caught.value.hint + str(caught.value)


def test_adapter_that_is_close_is_named() -> None:
    """A typo in the adapter is told with what was meant, among sources and among importers."""
    with pytest.raises(RecipeError, match="unknown adapter 'cloto'; did you mean 'clotho'"):
        source_spec("cloto:x.csv")
    with pytest.raises(RecipeError, match="unknown adapter 'dcasse'; did you mean 'dcase'"):
        import_spec("dcasse:x.json")


def test_two_sources_have_two_names() -> None:
    """Ids hold the name of the source: the same one twice is refused."""
    with pytest.raises(RecipeError, match="two sources are called 'clips'"):
        source_specs(["folder:one/clips", "folder:two/clips"])
