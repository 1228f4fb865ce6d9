"""Reports what servers say before the first call: each remark once, in one line for all models that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

LONGEST_LINE = 300
"""Most characters of a line for people about a server."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning about a model at an address. Calls to the model may succeed all the same."""

    model: str
    address: str
    words: str

    def __str__(self) -> str:
        return f"{name_place([self.model], self.address)}: {self.words}"


class Remarks:
    """Reports each remark once in a run."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[Remark] = set()

    def tell(self, remarks: Iterable[Remark]) -> None:
        """Report new remarks; the same remark for several models of an address is one line."""
        models: dict[tuple[str, str], list[str]] = {}
        for remark in remarks:
            if remark not in self._said:
                models.setdefault((remark.address, remark.words), []).append(remark.model)
                self._said.add(remark)
        for (address, words), names in models.items():
            self._say(shorten(f"{name_place(names, address)}: {words}"))


def name_place(models: list[str], address: str) -> str:
    """Return models and the address at which they are, for people."""
    return f"model{'s' if len(models) > 1 else ''} {', '.join(map(repr, models))} at {address}"


def shorten(text: str) -> str:
    """Return a text as one line for people."""
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"
