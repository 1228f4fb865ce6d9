"""Prompts: TOML files that come with the package, or lie in a folder of the user's own, which is looked into first."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign import templates
from audiomcq_cli.foreign.toml import read_toml
from audiomcq_cli.storage.resources import schema, shipped

Render = Callable[[str, Mapping[str, Any], str], str]
"""Renders a template with variables; the name of its file is for errors."""


_NAME = re.compile(r"[A-Za-z0-9_-]+")


_KEYS = {"version", "description", "system", "user", "example", "reply"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt as it stands in its file.

    Attributes:
        name: The file's name. version: As it says itself. digest: Hash of the file's bytes and of its reply schema.
        source: The file's text. reply: Name of the reply schema, empty for free text. schema: That schema.
        renderer: What renders its templates: a process of its own where they are somebody else's.
    """

    name: str
    version: str
    system: str
    user: str
    example: str
    source: str
    digest: str
    reply: str = ""
    schema: Mapping[str, Any] | None = field(default=None, compare=False)
    renderer: Render = field(default=templates.render, compare=False, repr=False)

    def render(self, variables: Mapping[str, Any]) -> tuple[str, str]:
        """System and user text for some variables, which are inserted as they are and never evaluated."""
        return self._render(self.system, variables), self._render(self.user, variables)

    def variables(self) -> set[str]:
        """The variables that its texts use; raises ``InputError`` where one of them is no template."""
        from jinja2 import Environment, TemplateError, meta

        found: set[str] = set()
        for text in (self.system, self.user, self.example):
            try:
                found |= meta.find_undeclared_variables(Environment(autoescape=False).parse(text))
            except TemplateError as error:
                raise InputError(f"not a template: {error}", file=f"prompt {self.name}") from error
        return found

    def render_example(self, variables: Mapping[str, Any]) -> str:
        """A good reply to the same request."""
        return self._render(self.example, variables)

    def _render(self, template: str, variables: Mapping[str, Any]) -> str:
        return self.renderer(template, variables, f"prompt {self.name}")


class Prompts:
    """The prompts of a run: those of the user's folder, else those shipped."""

    def __init__(
        self, folder: Path | None = None, texts: Mapping[str, str] | None = None, render: Render = templates.render
    ) -> None:
        """Look into ``folder`` before those shipped; ``texts`` (name to a file's text, from a manifest) before both.

        Texts that are not those shipped are rendered by ``render``.

        Raises:
            InputError: There is no such folder.
        """
        self._folder = folder
        if folder is not None and not folder.is_dir():
            raise InputError("no such folder of prompts", file=str(folder))
        self._loaded = {name: _read_foreign(name, text, render) for name, text in (texts or {}).items()}

    def get(self, name: str) -> Prompt:
        """Return a prompt by name.

        Raises:
            InputError: There is none, or its file is not as described above.
        """
        if name not in self._loaded:
            path = self._find(name)
            self._loaded[name] = _read_prompt(name, path.read_text("utf-8"), str(path))
        return self._loaded[name]

    def _find(self, name: str) -> Path:
        folders = [folder for folder in (self._folder, shipped("prompts")) if folder]
        for folder in folders:
            if (folder / f"{name}.toml").is_file():
                return folder / f"{name}.toml"
        raise InputError(f"no prompt {name!r}", file=str(folders[0]), hint=f"expected a file {name}.toml there")


def _read_foreign(name: str, source: str, render: Render) -> Prompt:
    """A prompt out of a manifest: its own templates only where they are not those shipped."""
    path = shipped("prompts") / f"{name}.toml"
    known = _NAME.fullmatch(name) and path.is_file() and path.read_text("utf-8") == source
    return replace(_read_prompt(name, source, f"prompt {name}"), renderer=templates.render if known else render)


def _read_prompt(name: str, source: str, file: str) -> Prompt:
    keys = read_toml(source, file)
    if unknown := set(keys) - _KEYS:
        raise InputError(f"unknown key {min(unknown)!r}", file=file, hint=f"keys are {', '.join(sorted(_KEYS))}")
    for key in ("version", "system", "user", "example"):
        if not isinstance(keys.get(key), str):
            raise InputError(f"expected a text under {key!r}", file=file)
    reply = keys.get("reply", "")
    if not isinstance(reply, str) or (reply and not _NAME.fullmatch(reply)):
        raise InputError("expected the name of a reply schema under 'reply'", file=file)
    reply_schema = schema(f"reply/{reply}") if reply else None
    digest = hashlib.sha256(source.encode() + json.dumps(reply_schema, sort_keys=True).encode()).hexdigest()
    return Prompt(
        name=name,
        version=keys["version"],
        system=keys["system"].strip(),
        user=keys["user"].strip(),
        example=keys["example"].strip(),
        source=source,
        digest=digest,
        reply=reply,
        schema=reply_schema,
    )
