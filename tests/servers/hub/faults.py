"""Faults of the stand-in Hub: which requests they strike, and what then happens in place of a good answer.

A rule is JSON: ``{"fault": "status:503", "method": "POST", "path": "/commit/", "nth": 1, "times": 1}``. ``method`` and
``path`` (a regular expression, searched in the path) say which requests are counted, all where both are absent; the
rule strikes the ``nth`` of these and those after it, ``times`` in all (null: for ever). Of several the first strikes.

==========================  ========================================================================================
``status:CODE``             an error as the Hub words it, nothing done; ``:retry-after=N`` or ``:ratelimit=N`` add that
                            header; ``message`` and ``code`` of the rule replace what it says
``reset``, ``hang``         nothing is done, and the connection is reset or stays open without an answer
``close_early``             half of the request's body is read, or ``:N`` bytes, nothing is done and it is reset
``reset_after``,            all is done, and the answer never comes: reset, or no answer on an open connection
``hang_after``
``cut``                     all is done, and the connection is closed in the middle of the answer's body
``slow:SECONDS``            done that much later
``other_commit``            somebody else commits to ``main`` of the repository first
``other_commit_after``      all is done, and somebody else commits to ``main`` before anybody asks again
==========================  ========================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tests.servers.hub.store import Refusal

_PLAIN = {"reset", "hang", "reset_after", "hang_after", "cut", "other_commit", "other_commit_after"}
_WITH_ARGUMENT = {"status", "close_early", "slow"}
_KEYS = {"fault", "method", "path", "nth", "times", "message", "code"}


@dataclass(slots=True)
class Rule:
    """One rule, and how many requests it was asked about."""

    fault: str
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int | None = 1
    message: str = ""
    code: str = ""
    seen: int = 0

    @property
    def name(self) -> str:
        """What happens, without its argument."""
        return self.fault.partition(":")[0]

    @property
    def argument(self) -> str:
        """What stands behind the name."""
        return self.fault.partition(":")[2]

    def strikes(self, method: str, path: str) -> bool:
        """Whether it applies to this request; counts it."""
        if self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)

    def refuse(self) -> Refusal:
        """The error of a ``status`` fault."""
        number, _, extra = self.argument.partition(":")
        status, (key, _, seconds) = int(number), extra.partition("=")
        headers = {}
        if key == "retry-after":
            headers["Retry-After"] = seconds
        elif key == "ratelimit":
            headers["RateLimit"] = f'"api";r=0;t={seconds}'
            headers["RateLimit-Policy"] = '"fixed window";"api";q=1000;w=300'
        return Refusal(status, self.message or HTTPStatus(status).phrase, code=self.code, headers=headers)


def read_rule(described: Mapping[str, Any]) -> Rule:
    """Read a rule; refuses what it cannot mean."""
    if unknown := set(described) - _KEYS:
        raise Refusal(400, f"unknown keys {sorted(unknown)}")
    rule = Rule(**described)
    if rule.name not in _PLAIN | _WITH_ARGUMENT or (rule.argument and rule.name in _PLAIN):
        raise Refusal(400, f"unknown fault {rule.fault!r}")
    return rule
