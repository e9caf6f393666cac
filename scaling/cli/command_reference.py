"""Reference of all commands as Markdown, from the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_INTRODUCTION = """\
# Commands

All commands with their options. `scaling schema --commands` prints this page, and `scaling COMMAND --help`
the part of one command. `--debug` is permitted after every command and prints the traceback of an error.

Exit codes: 0 done; 1 some runs failed, the data do not determine a result, or the output cannot be written;
2 invalid input; 130 interrupted by Ctrl-C, 143 by SIGTERM, 129 by the end of the terminal.
"""


def commands_page() -> str:
    """Return the page, which ends in a newline."""
    from scaling.cli.app import app, get_command

    group: Any = get_command(app)
    context = group.make_context("scaling", [], resilient_parsing=True)
    sections = (_sections(command, name, context) for name, command in group.commands.items())
    return "\n".join([_INTRODUCTION, *(line for section in sections for line in section)]).rstrip() + "\n"


def _sections(command: Any, name: str, parent: Any) -> Iterator[str]:
    """Yield the section of a command, or those of the commands of a group."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    if inner := getattr(command, "commands", {}):
        for inner_name, inner_command in inner.items():
            yield from _sections(inner_command, inner_name, context)
        return
    yield f"## `{context.command_path}`\n"
    yield f"    {context.command_path} {' '.join(command.collect_usage_pieces(context))}\n"
    yield f"{_markdown(command.help)}\n"
    rows = [parameter.get_help_record(context) for parameter in command.params]
    rows = [row for row in rows if row]
    if rows:
        yield "| argument or option | meaning |"
        yield "|---|---|"
        for option, meaning in rows:
            yield f"| `{option}` | {_markdown(' '.join(meaning.split()))} |"
        yield ""


def _markdown(text: str) -> str:
    """Return a help text with the characters escaped that Markdown would take for its own."""
    for character in "|<>[]*_":
        text = text.replace(character, "\\" + character)
    return text
