"""Writes the commands page of the documentation: ``python -m audiomcq_cli.cli.reference > docs/commands.md``.

Everything comes from the program: commands, arguments, options and their help, and the error tree. Options that all
stage commands share, with the same help, have a section of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiomcq_cli import errors, registry
from audiomcq_cli.cli.ending import DIFFERENT
from audiomcq_cli.cli.main import make_command, name_argument, write_usage

HEAD = """\
# Commands

A stage command reads one folder and writes another. `audiomcq run` runs all stages of a recipe in order. Messages for
people go to stderr, and data goes to stdout.

- `--json` prints one JSON document on stdout; it has the key `error` if the command failed.
- `--debug`, `--quiet` (`-q`) and `--verbose` (`-v`) may be placed anywhere on the command line.
- An option that takes a list is repeated for each entry, or takes them with commas: `--judges a,b,c`.
- `audiomcq --install-completion` sets up your shell.

*`python -m audiomcq_cli.cli.reference > docs/commands.md` writes this page.*
"""

SHARED = "Options of every stage"
"""Heading of the section with the options that all stage commands share."""

_SHARED_LINK = f"[{SHARED[0].lower()}{SHARED[1:]}](#{SHARED.lower().replace(' ', '-')})"


_OPTION_HEAD = ("option", "what it does")


def make_reference() -> str:
    """Return the whole page, as Markdown."""
    root = make_command()
    commands = dict(walk(root, "audiomcq"))
    shared = find_shared(commands)
    parts = [HEAD, *(_describe(path, command, shared) for path, command in commands.items())]
    stage = commands[_stage_paths()[0]]
    rows = [row for row in map(_write_option, _options(stage)) if row in shared]
    names = ", ".join(f"`{path.split()[1]}`" for path in _stage_paths())
    parts.append(f"## {SHARED}\n\nThe commands {names} have these options.\n\n" + _table(_OPTION_HEAD, rows))
    codes = sorted(_exit_codes(), key=lambda row: int(row[0]))
    parts.append("## Exit codes\n\n" + _table(("code", "meaning", "errors"), codes))
    return "\n".join(parts)


def find_shared(commands: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the name and help of the options that every stage command has."""
    rows = [frozenset(map(_write_option, _options(commands[path]))) for path in _stage_paths()]
    return frozenset.intersection(*rows)


def _stage_paths() -> list[str]:
    """Return the commands of the stages, as they are called."""
    return [f"audiomcq {name}" for name in registry.stages()]


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield a command and all its subcommands, each with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {name}")


def parameters(command: Any) -> list[Any]:
    """Return the arguments and options of a command, without those that Typer adds to every program."""
    return [one for one in command.params if not one.hidden and not one.name.endswith("_completion")]


def _describe(path: str, command: Any, shared: frozenset[tuple[str, str]]) -> str:
    arguments = [one for one in parameters(command) if one.param_type_name == "argument"]
    options = [_write_option(one) for one in _options(command)]
    words = [write_usage(one) for one in arguments]
    words += ["COMMAND"] if getattr(command, "commands", None) else []
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *words])
    parts = [f"## {path}\n", f"{_plain(command.help)}\n", f"    {usage}\n"]
    if arguments:
        names = [(f"`{name_argument(one)}`", _plain(one.help)) for one in arguments]
        parts.append(_table(("argument", "what it is"), names))
    has_shared = shared <= {*options}
    if own := [row for row in options if not (has_shared and row in shared)]:
        parts.append(_table(_OPTION_HEAD, own))
    if has_shared:
        parts.append(f"It also has the {_SHARED_LINK}.\n")
    return "\n".join(parts)


def _options(command: Any) -> list[Any]:
    return [one for one in parameters(command) if one.param_type_name == "option"]


def _write_option(option: Any) -> tuple[str, str]:
    return _name(option), _plain(option.help)


def _name(option: Any) -> str:
    names = [f"`{name} {option.metavar}`" if option.metavar else f"`{name}`" for name in option.opts]
    return ", ".join([*names, *(f"`{name}`" for name in option.secondary_opts)])


def _exit_codes() -> Iterator[tuple[str, str, str]]:
    yield "0", "Done.", ""
    yield "2", "The command line is wrong: an unknown option, a missing argument.", ""
    yield str(DIFFERENT), "`diff --exit-code` found differences; nothing failed.", ""
    yield "1", "Any other error.", f"`{errors.AudiomcqError.__name__}`"
    for kind in _walk_errors(errors.AudiomcqError):
        if "exit_code" in vars(kind):
            same = (kind, *(one for one in _walk_errors(kind) if one.exit_code == kind.exit_code))
            yield (
                str(kind.exit_code),
                str(kind.__doc__).partition("\n")[0],
                ", ".join(f"`{one.__name__}`" for one in same),
            )


def _walk_errors(kind: type[errors.AudiomcqError]) -> Iterator[type[errors.AudiomcqError]]:
    """Yield all subclasses of an error class."""
    for child in kind.__subclasses__():
        yield child
        yield from _walk_errors(child)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _plain(text: str) -> str:
    """Return help without the escapes that keep Typer from taking brackets for colours."""
    return " ".join(text.replace("\\[", "[").split())


if __name__ == "__main__":
    sys.stdout.write(make_reference())
