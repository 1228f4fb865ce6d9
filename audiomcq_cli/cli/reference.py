"""The commands page of the documentation: ``python -m audiomcq_cli.cli.reference > docs/commands.md``.

Everything in it is taken from the program: commands, arguments, options and their help, and the error tree.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from audiomcq_cli import errors
from audiomcq_cli.cli.ending import DIFFERENT
from audiomcq_cli.cli.main import make_command

HEAD = """\
# Commands

Every command reads a folder and writes a folder; `audiomcq run` does them all in order, as a recipe says. What is for
people goes to stderr. With `--json` stdout is one JSON document, which has the key `error` where the command failed.
Anywhere on the line may stand `--debug`, which shows the traceback of an error, `--quiet` (`-q`: errors only) and
`--verbose` (`-v`: options and servers as well). A list is given once for each entry, or with commas:
`--judges a,b,c`. A folder belongs to the project that built in it: another is refused without `--take-over`.
`audiomcq --install-completion` sets up your shell.

*This page is made by `python -m audiomcq_cli.cli.reference > docs/commands.md`.*
"""


def make_reference() -> str:
    """The whole page, as Markdown."""
    root = make_command()
    parts = [HEAD]
    for path, command in walk(root, "audiomcq"):
        parts.append(_describe(path, command))
    codes = sorted(_exit_codes(), key=lambda row: int(row[0]))
    parts.append("## Exit codes\n\n" + _table(("code", "meaning", "errors"), codes))
    return "\n".join(parts)


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command and all below it, with the words that call each."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {name}")


def parameters(command: Any) -> list[Any]:
    """Arguments and options of a command, without those that Typer adds to every program."""
    return [one for one in command.params if not one.hidden and not one.name.endswith("_completion")]


def _describe(path: str, command: Any) -> str:
    given = parameters(command)
    arguments = [one for one in given if one.param_type_name == "argument"]
    options = [one for one in given if one.param_type_name == "option"]
    words = [_usage(one) for one in arguments]
    words += ["COMMAND"] if getattr(command, "commands", None) else []
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *words])
    parts = [f"## {path}\n", f"{_plain(command.help)}\n", f"    {usage}\n"]
    if arguments:
        parts.append(_table(("argument", "what it is"), [(f"`{one.metavar}`", _plain(one.help)) for one in arguments]))
    if options:
        parts.append(_table(("option", "what it does"), [(_name(one), _plain(one.help)) for one in options]))
    return "\n".join(parts)


def _usage(argument: Any) -> str:
    name = f"{argument.metavar}..." if argument.nargs == -1 else str(argument.metavar)
    return name if argument.required else f"[{name}]"


def _name(option: Any) -> str:
    names = [f"`{name} {option.metavar}`" if option.metavar else f"`{name}`" for name in option.opts]
    return ", ".join([*names, *(f"`{name}`" for name in option.secondary_opts)])


def _exit_codes() -> Iterator[tuple[str, str, str]]:
    yield "0", "Done.", ""
    yield "2", "The command line is wrong: an unknown option, a missing argument.", ""
    yield str(DIFFERENT), "There are differences: the answer of `diff --exit-code`, and no failure.", ""
    yield "1", "Anything else that went wrong.", f"`{errors.AudiomcqError.__name__}`"
    for kind in _walk_errors(errors.AudiomcqError):
        if "exit_code" in vars(kind):
            same = (kind, *(one for one in _walk_errors(kind) if one.exit_code == kind.exit_code))
            yield (
                str(kind.exit_code),
                str(kind.__doc__).partition("\n")[0],
                ", ".join(f"`{one.__name__}`" for one in same),
            )


def _walk_errors(kind: type[errors.AudiomcqError]) -> Iterator[type[errors.AudiomcqError]]:
    """All errors below one."""
    for child in kind.__subclasses__():
        yield child
        yield from _walk_errors(child)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _plain(text: str) -> str:
    """Help as people read it: without the marks that keep Typer from taking brackets for colours."""
    return " ".join(text.replace("\\[", "[").split())


if __name__ == "__main__":
    sys.stdout.write(make_reference())
