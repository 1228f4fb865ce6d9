"""Prompts: TOML files from the user's folder, else from the package."""

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
"""Renders a template with variables; the third argument is its file name, for errors."""


_NAME = re.compile(r"[A-Za-z0-9_-]+")


_KEYS = {"version", "description", "system", "user", "example", "reply"}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: Name of its file.
        version: Version that the file declares.
        digest: Hash of the file's bytes and of its reply schema.
        source: Text of the file.
        reply: Name of the reply schema; empty for free text.
        schema: The reply schema.
        renderer: Renders its templates: a separate process for templates from elsewhere.
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
        """Return system and user text with the variables inserted; values are never evaluated."""
        return self._render(self.system, variables), self._render(self.user, variables)

    def variables(self) -> set[str]:
        """Return the variables that its templates use; raises ``InputError`` if one is not a template."""
        from jinja2 import Environment, TemplateError, meta

        found: set[str] = set()
        for text in (self.system, self.user, self.example):
            try:
                found |= meta.find_undeclared_variables(Environment(autoescape=False).parse(text))
            except TemplateError as error:
                raise InputError(f"not a template: {error}", file=f"prompt {self.name}") from error
        return found

    def render_example(self, variables: Mapping[str, Any]) -> str:
        """Return a good reply to the same request."""
        return self._render(self.example, variables)

    def _render(self, template: str, variables: Mapping[str, Any]) -> str:
        return self.renderer(template, variables, f"prompt {self.name}")


class Prompts:
    """The prompts of a run: from the user's folder, else from the package."""

    def __init__(
        self, folder: Path | None = None, texts: Mapping[str, str] | None = None, render: Render = templates.render
    ) -> None:
        """Search ``texts`` (from a manifest: file text by name), then ``folder``, then the package.

        Texts that differ from the package's are rendered by ``render``.

        Raises:
            InputError: The folder does not exist.
        """
        self._folder = folder
        if folder is not None and not folder.is_dir():
            raise InputError("no such folder of prompts", file=str(folder))
        self._loaded = {name: _read_foreign(name, text, render) for name, text in (texts or {}).items()}

    def get(self, name: str) -> Prompt:
        """Return a prompt by name.

        Raises:
            InputError: It does not exist, or its file does not have the form described above.
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
    """Return a prompt from a manifest; its own templates are used only if they differ from the package's."""
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
