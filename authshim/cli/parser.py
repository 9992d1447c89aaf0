"""The parser of the command line: argparse's, a little quicker, and without guesses."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Takes no shortened options: argparse would show what was typed, a secret perhaps, where one is ambiguous."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _Formatter, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Exit with 2, and a message that shows nothing of a secret glued to an option, or typed in a wrong place."""
        message = re.sub(r"(ignored explicit argument) .*", r"\1 ****", message, flags=re.DOTALL)
        message = re.sub(
            r"^(argument [^-].*: invalid choice:) .* (\(choose from)",
            r"\1 **** \2",
            message,
            flags=re.DOTALL,
        )
        super().error(message)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print what can be printed, as argparse does itself from Python 3.10 on."""
        with suppress(OSError):
            super()._print_message(message, file)


class _Formatter(argparse.HelpFormatter):
    """Finds the width without shutil, whose import is a fifth of ``authshim auth token``'s time.

    argparse makes a formatter for every option that is added.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())


def _width() -> int:
    try:
        return max(os.get_terminal_size().columns, 40) - 2
    except (OSError, ValueError):
        return 78


def add_action(
    actions: Any, loudness: ArgumentParser, name: str, summary: str, description: str, run: Any
) -> ArgumentParser:
    """Add one command to the group."""
    parser: ArgumentParser = actions.add_parser(
        name, parents=[loudness], help=summary, description=description
    )
    parser.add_argument("--auth-file", metavar="FILE", help="use this auth file, and nothing else")
    parser.set_defaults(run=run)
    return parser
