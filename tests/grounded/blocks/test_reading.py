"""Tests of ``grounded/blocks/reading.py``: what a clip may be asked."""

from __future__ import annotations

import pytest

from tests.grounded.blocks import read


def families(*captions: str) -> set[str]:
    """The families in which a clip can be asked about."""
    return {claim.family for claim in read("Small:1", *captions).claims}


@pytest.mark.parametrize("caption", ["A person speaks", "A person is walking", "A man applauds", "A dog barks"])
def test_doing(caption: str) -> None:
    """What somebody is said to do, and nothing else of its kind, can be asked."""
    assert "doing" in families(caption)


@pytest.mark.parametrize(
    "caption", ["A speech of a person and applauding", "A person applauds", "Laughing behind loud wind", "Applause"]
)
def test_not_the_act_of_one(caption: str) -> None:
    """A bare sound is nobody's act, applause is of many, and beside another act it is open whose each is."""
    assert "doing" not in families(caption)


@pytest.mark.parametrize("caption", ["Insects are buzzing and crickets chirp", "A bird calls and an owl hoots"])
def test_no_pair_of_kind_and_kin(caption: str) -> None:
    """What makes one sound of a pair is not of the kind that makes the other."""
    assert "pair" not in families(caption)
