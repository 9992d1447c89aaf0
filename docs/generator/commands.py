"""The reference of the command line, and its manual page, from the parsers themselves."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from authshim.cli import _parser
from authshim.cli.examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "commands.rst"
MANUAL = ROOT / "docs" / "authshim.1"

EXIT_CODES = (
    ("0", "All is well."),
    ("1", "A result is bad: an index that does not let you in, no credential, a failed download."),
    ("2", "The command line, a variable or a project file is wrong."),
    ("130", "Ctrl-C."),
)

EVERYWHERE = frozenset({"help", "verbose", "quiet"})
"""The options of every command, which are listed once."""

_HEAD = """\
.. This page is made from the code: python docs/generate.py

Commands
========

``authshim COMMAND --help`` prints the same text, and ``man authshim`` too. \
Every command takes ``-h``, ``-v`` and
``-q``.

.. contents::
   :local:
   :class: this-will-duplicate-information-and-it-is-still-useful-here

Exit codes
----------

"""
_AFTER_CODES = """
``authshim run`` ends with the exit code of its command, or by the same signal. \
It ends with 126 or 127 as a shell does.

In a script:

.. code-block:: console

    $ authshim explain https://h.example/ > explained.txt || echo "no login, see explained.txt"
    ...
    no login, see explained.txt
"""


class Option(NamedTuple):
    """An option or an argument."""

    words: str
    """As it is typed."""
    help: str


class Command(NamedTuple):
    """A command, with its options."""

    name: str
    summary: str
    description: str
    options: tuple[Option, ...]
    is_group: bool
    """Whether it has commands of its own."""

    @property
    def usage(self) -> str:
        """The line that shows how it is typed."""
        places = [
            option.words for option in self.options if not option.words.startswith(("-", "{"))
        ]
        return " ".join([self.name, "[options]", *places, *["COMMAND ..."] * self.is_group])


def commands() -> list[Command]:
    """Return the commands in the order of the help, the program itself first."""
    return list(_walk(_parser(), ""))


def _walk(parser: argparse.ArgumentParser, summary: str) -> Iterator[Command]:
    actions = parser._actions
    groups = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    shown = [action for action in actions if action not in groups]
    if summary:
        shown = [action for action in shown if action.dest not in EVERYWHERE]
    options = tuple(_option(action) for action in shown)
    yield Command(parser.prog, summary, parser.description or "", options, bool(groups))
    for group in groups:
        summaries = {action.dest: action.help or "" for action in group._choices_actions}
        for name, below in group.choices.items():
            yield from _walk(below, summaries[name])


def _option(action: argparse.Action) -> Option:
    value = _value(action)
    if not action.option_strings:
        return Option(value, action.help or "")
    words = [f"{word} {value}".strip() for word in action.option_strings]
    return Option(", ".join(words), action.help or "")


def _value(action: argparse.Action) -> str:
    """Return the word for the value of an option or argument; empty if it takes none."""
    if action.nargs == 0:
        return ""
    word = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if action.choices:
        choices = ",".join(map(str, action.choices))
        word = f"{{{choices}}}"
    if action.nargs == argparse.REMAINDER:
        return f"{word} ..."
    is_optional = action.nargs in ("?", "*")
    return f"[{word}]" if is_optional else str(word)


# reStructuredText


def page() -> str:
    """Return the page of the reference."""
    codes = "".join(f"{code}\n    {text}\n" for code, text in EXIT_CODES)
    return _HEAD + codes + _AFTER_CODES + "".join(map(_section, commands()))


def _section(command: Command) -> str:
    rule = "-" * len(command.name)
    options = "".join(
        f"``{option.words}``\n    {_marked(option.help)}\n" for option in command.options
    )
    examples = "".join(f"    {line}\n" for line in EXAMPLES[command.name].lines)
    link = f"More: {_link(EXAMPLES[command.name].page)}."
    return (
        f"\n{command.name}\n{rule}\n\n{_marked(command.description)}\n\n::\n\n"
        f"    {command.usage}\n\n{options}\nExamples::\n\n{examples}\n{link}\n"
    )


def _link(page: str) -> str:
    """Return a link to a page, with the page's title."""
    path = ROOT / "docs" / f"{page}.rst"
    title = path.read_text(encoding="utf-8").splitlines()[0]
    return f"`{title} <{os.path.relpath(path, PAGE.parent)}>`_"


def _marked(text: str) -> str:
    """Return a text of the help that reStructuredText does not take for markup."""
    plain = re.sub(r"[\\*`|]|:(?=//)", r"\\\g<0>", text)
    return re.sub(r"(?<![-\w])--[\w-]+", r"``\g<0>``", plain) or "Required."


# The manual page


def manual() -> str:
    """Return the manual page, in troff."""
    whole, *others = commands()
    parts = [
        '.\\" This page is made from the code: python docs/generate.py',
        '.TH AUTHSHIM 1 "" "authshim" "User commands"',
        ".SH NAME",
        "authshim \\- log in once, and every Python program is logged in",
        ".SH SYNOPSIS",
        f".B {_troff(whole.name)}",
        "[options] COMMAND ...",
        ".SH DESCRIPTION",
        _troff(whole.description),
        *_troff_options(whole),
        ".SH COMMANDS",
    ]
    for command in others:
        parts += [f".SS {_troff(command.usage)}", _troff(command.description)]
        parts += _troff_options(command)
        parts += [".PP", "Examples:", ".nf"]
        parts += [f"    {_troff(line)}" for line in EXAMPLES[command.name].lines]
        parts += [".fi"]
    parts.append(".SH EXIT STATUS")
    for code, text in EXIT_CODES:
        parts += [".TP", f".B {code}", _troff(text)]
    parts += [".SH SEE ALSO", _troff(EXAMPLES["authshim"].url)]
    return "\n".join(parts) + "\n"


def _troff_options(command: Command) -> list[str]:
    lines = []
    for option in command.options:
        lines += [".TP", f".B {_troff(option.words)}", _troff(option.help or "Required.")]
    return lines


def _troff(text: str) -> str:
    """Return a text that troff takes for no request of its own."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def files() -> dict[Path, str]:
    """Return the text of the two pages by their path."""
    return {PAGE: page(), MANUAL: manual()}
