"""The known limits of a release, as its card states them. They depend on how the release was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEMONSTRATION = """

**These labels demonstrate the method; they are not strong evidence.** All judges are ways of scoring small text-only
models inside the program, and no model that hears was asked. A larger model may answer from the text alone what these
models could not."""

_LABELS = """\
- **Labels hold for the judges above.** A stronger model may answer a `strong` question without the audio. On the
  published strong subset of AudioMCQ, a later model answered 58.7 % of the questions with empty audio (arXiv
  2606.22276).
- **A weak label can be luck.** Three judges that guess among four options are right at least twice in 15.6 % of cases.
  Models also prefer some positions and longer options."""

_CAPTIONS = """\
- **Questions come from captions.** They were written from captions, not by listening. What a caption gets wrong or
  leaves out is wrong or missing here."""

_HEARD = """\
- **Some questions come from measurements.** A question with a `proof` follows from measured values, every other one
  from captions. Small models found speech and music and wrote down words; they can be mistaken."""

_IMPORTED = """\
- **The questions were imported.** They are the same as in the sets above, with their options in the same order. A wrong
  key or option in a set is wrong here too."""

_CHECKED = """\
- **No person has checked every question.** If models of one family wrote and graded the questions, mistakes that this
  family does not notice remain. Where no model graded, only rules have checked the questions.
- **Overlap with benchmarks was not checked.** Before you report a score, make sure that the benchmark's recordings are
  not in this dataset."""

_GROUNDED = """\
- **Questions by rule have fixed forms.** Questions of the method `grounded` ask, in a few fixed forms, about what
  captions, known events or measurements state. A sound that no caption mentions may still be in the clip."""


def write_limits(manifest: Mapping[str, Any]) -> str:
    """Return the section of the card."""
    stages = {stage["stage"]: stage["options"] for stage in manifest["lineage"]}
    heard = any("local" in options.get("describe", ()) for options in stages.values())
    ground = _IMPORTED if "import" in stages else _HEARD if heard else _CAPTIONS
    limits = [_LABELS, ground, _CHECKED]
    if "grounded" in stages.get("generate", {}).get("methods", ()):
        limits.append(_GROUNDED)
    return "\n".join(["## Known limits\n", *limits])
