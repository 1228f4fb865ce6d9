"""Ends a run at the first stage that keeps nothing, with the reasons by count and a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiomcq_cli.cli.console import describe_reasons
from audiomcq_cli.cli.looking import see_line
from audiomcq_cli.decoding import INSTALL
from audiomcq_cli.errors import InputError, TooManyRejected

if TYPE_CHECKING:
    from audiomcq_cli.engine.job import Job
    from audiomcq_cli.engine.ledger.report import StageReport

LISTEN = (
    'have the clips listened to: describe = ["local"] under [caption], or --describe local'
    f" ({INSTALL}); or give them captions"
)
NO_BLOCK = "no_block"
MORE = (
    "more clips or captions give more: by rule, a question is asked of four clips that have different answers;"
    ' methods = ["llm"] under [generate] asks about one alone'
)
CURES = {
    "no_caption": LISTEN,
    "nothing_to_ask": f"{LISTEN}. Where they were listened to, {MORE}",
    NO_BLOCK: MORE,
    "nothing_to_go_on": "is --audio, or audio of the source, the folder of the clips? else give captions",
    "audio_missing": "is --audio, or audio of the source, the folder of the clips? or leave out require_audio",
    "no_id": "see what the adapter expects: audiomcq sources ADAPTER",
    "too_short": "lower min_duration of caption",
    "too_long": "raise max_duration of caption",
}
"""Remedies by the most frequent reason of rejection; grades and others come below."""


def raise_if_nothing(job: Job, report: StageReport) -> None:
    """End the run if a stage kept nothing: later stages would have no input, and would report that as their own fault.

    Raises:
        InputError: There was no input.
        TooManyRejected: Nothing is left.
    """
    if report.rows or report.missing:
        return
    if not report.items["in"]:
        hint = "is it the right file or folder, and not an empty one?"
        raise InputError(f"{job.name} has no input", file=_name_input(job), hint=hint)
    reasons = describe_reasons(report.reasons)
    raise TooManyRejected(
        f"{job.name} kept nothing of {report.items['in']:,}: {reasons}", hint=_find_cure(job.name, report)
    )


def _name_input(job: Job) -> str:
    return str(job.source) if job.source else ", ".join(f"{one.adapter}:{one.path}" for one in job.inputs)


def _find_cure(stage: str, report: StageReport) -> str:
    counts = {code: count for codes in report.reasons.values() for code, count in codes.items()}
    most = max(counts, key=lambda code: (counts[code], code), default="")
    if cure := CURES.get(most):
        return cure
    see = f"see what was wrong with each: {see_line(report.target, counts)}"
    return f"{see}; lower threshold under [{stage}] if the grades are too strict" if most.startswith("grade_") else see
