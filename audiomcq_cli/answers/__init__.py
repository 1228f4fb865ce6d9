"""Reads the answer from a judge's reply. Nothing is guessed.

===========  ==========================================================================================================
thinking     What does a reply say once thinking and control tokens are taken off?
scope        Which part of it is the answer: what stands in the last tag, box or object, else all of it?
options      Where does a text name an option, and is all of it one?
stated       Which option does a sentence state: "the answer is B", "B is correct", "B, because …"?
prose        Which option does prose name that states none: "I hear heavy rain"?
===========  ==========================================================================================================

They are tried in this order, and the first that finds something decides. Two different answers from one of them count
as no answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from audiomcq_cli.answers.options import Options
from audiomcq_cli.answers.prose import read_prose
from audiomcq_cli.answers.scope import find_scope, is_closed
from audiomcq_cli.answers.stated import read_stated
from audiomcq_cli.answers.thinking import drop_thinking

__all__ = ["drop_thinking", "has_closed_answer", "parse_answer"]

LONGEST = 1_000_000
LONGEST_UNMARKED = 4_000
"""Most characters of a reply, and of a reply without marks around its answer, that are read.

A longer reply is an essay or a model that repeats itself. The limit also bounds the time for reading.
"""


def parse_answer(text: str, choices: Sequence[str]) -> int | None:
    """Return the index of the option that a reply names, or None if it names none or more than one.

    The words of an option in another order, or only some of them, do not match: a scorer that ignored the order
    inflated published scores (notice on MMSU's dataset card, April 2026). If options contain each other, the longest
    one counts.

    Args:
        text: The whole reply.
        choices: The options in the order in which they were shown.
    """
    scope = find_scope(drop_thinking(text)) if len(text) <= LONGEST else ""
    if len(scope) > LONGEST_UNMARKED:
        return None
    options = Options(choices)
    named = options.read_whole(scope)
    if named is None:
        masked = options.mask(scope)
        named = read_stated(masked, options)
        if named is None:
            named = read_prose(masked, options)
    return named.pop() if len(named) == 1 else None


def has_closed_answer(text: str) -> bool:
    """Return whether a truncated reply has its answer between closed marks, so that the missing
    text cannot change it.
    """
    return len(text) <= LONGEST and is_closed(drop_thinking(text))
