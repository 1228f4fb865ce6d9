"""Names of a release and of its files."""

from __future__ import annotations

from dataclasses import dataclass

CARD = "README.md"
"""The dataset card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """The names of a release: the recipe's ``[project]`` and ``[publish]`` tables.

    Attributes:
        name: Name of the project.
        version: Version of the release.
        title: Title for people; if empty, the name is used.
        license: License of the questions: an identifier of the Hub, or any text.
        languages: ISO 639 codes.
        repo: ``org/name`` on the Hub, if known.
        audio: ``embed`` puts the bytes of the audio into the rows, ``reference`` leaves it where it is.
        redistribute: Sources whose audio is embedded although their license is not known to allow it.
        max_guessable: Share of questions with four options that may be guessed from the text alone; None: any.
    """

    name: str
    version: str
    title: str = ""
    license: str = "unknown"
    languages: tuple[str, ...] = ("en",)
    repo: str = ""
    audio: str = "reference"
    redistribute: tuple[str, ...] = ()
    max_guessable: float | None = None

    @property
    def embed(self) -> bool:
        """True if the rows carry their audio."""
        return self.audio == "embed"


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release: its path below the folder, its rows (None for the card), size in bytes and SHA-256."""

    path: str
    rows: int | None
    size: int
    sha256: str
