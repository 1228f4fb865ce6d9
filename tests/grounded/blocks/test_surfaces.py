"""Tests of ``grounded/blocks/surfaces.py``: what somebody walks on."""

from __future__ import annotations

import pytest

from audiomcq_cli.grounded.blocks.surfaces import find_ground


@pytest.mark.parametrize(
    ("captions", "ground"),
    [
        (["Someone walks on gravel"], ["gravel"]),
        (["Footsteps crunching through deep snow"], ["snow"]),
        (["A man walks on gravel", "Gravel", "A man steps on loose stones"], ["gravel"]),
        (["A man walks on gravel", "A man walks"], []),
        (["A man walks on gravel and snow"], []),
        (["A man walks on gravel", "He steps on gravel", "Snow"], []),
        (["Gravel falls"], []),
        (["A man walks past a dog barking on the grass"], []),
        ([], []),
    ],
)
def test_ground(captions: list[str], ground: list[str]) -> None:
    """One ground that the captions state and that no other of them contradicts."""
    assert find_ground(captions) == ground
