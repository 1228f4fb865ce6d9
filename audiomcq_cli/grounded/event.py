"""An event: something that is heard, and how it reads in a question or an option."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from audiomcq_cli.grounded.lexicon import SOMETHING, load, pluralize


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is heard.

    Attributes:
        source, action: What of ``sounds.toml`` it is. plural: Whether several do it.
        verb, gerund: What it does, as ``bark`` and ``barking``.
        background: Whether it is said to be far or behind the rest. times: How often, where a caption says so.
        stated: Whether a caption names who or what does it, rather than the bare sound ("laughter").
    """

    source: str
    action: str
    plural: bool
    verb: str
    gerund: str
    background: bool = field(default=False, compare=False)
    times: str = field(default="", compare=False)
    stated: bool = field(default=True, compare=False)

    @property
    def subject(self) -> str:
        """Return who or what: ``a dog``, ``dogs``, ``water``, ``something``."""
        return name_source(self.source, plural=self.plural)

    @property
    def text(self) -> str:
        """Return the event as an option: ``a dog barking``."""
        return f"{self.subject} {self.gerund}"

    @property
    def progress(self) -> str:
        """Return the event as a clause: ``a dog is barking``."""
        return f"{self.subject} {'are' if self.plural else 'is'} {self.gerund}"

    @property
    def concept(self) -> tuple[str, str]:
        """Return what makes two events the same: source and action, whatever the words."""
        return self.source, self.action


@cache
def name_source(name: str, *, plural: bool) -> str:
    """Return a source with its article."""
    if name == SOMETHING:
        return SOMETHING
    source = load().sources[name]
    word = source.words[0]
    if name == "person":
        return "people" if plural else "someone"
    if source.mass:
        return word
    if plural:
        return pluralize(word)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
