"""The parser of the command line: argparse's, a little faster, and without abbreviations."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from typing import NoReturn

MINIMUM_COLUMNS = 40
DEFAULT_COLUMNS = 80


class Parser(argparse.ArgumentParser):
    """A parser whose messages show no secret.

    It takes no abbreviated options: argparse would show what was typed if one is ambiguous.
    The default ``parser`` of its options is the parser of the innermost command.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        options.setdefault("allow_abbrev", False)
        super().__init__(**options)
        self.set_defaults(parser=self)
        self._words: Sequence[str] = ()

    def parse_known_args(
        self,
        args: Any = None,
        namespace: Any = None,
    ) -> Any:
        """Parse as argparse does, and keep the words for a message."""
        self._words = args or ()
        return super().parse_known_args(args, namespace)

    def format_help(self) -> str:
        """Return the help, with the examples of the command at its end."""
        from authshim.cli.examples import EXAMPLES

        text = super().format_help()
        if self.prog in EXAMPLES:
            text += EXAMPLES[self.prog].text
        return text

    def error(self, message: str) -> NoReturn:
        """Exit with 2. The message does not show a secret that was glued to an option."""
        shown = re.sub(
            r"(ignored explicit argument) .*",
            r"\1 ****",
            message,
            flags=re.DOTALL,
        )
        super().error(shown)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise an ArgumentError if the value is not one of the choices."""
        if action.choices is None or value in action.choices:
            return
        from authshim.cli import mistyped

        message = mistyped.bad_choice(self, self._words, value, action)
        raise argparse.ArgumentError(None, message)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print, and ignore a stream that is closed, as argparse does from Python 3.10 on."""
        with suppress(OSError):
            super()._print_message(message, file)


class _Formatter(argparse.HelpFormatter):
    """A formatter that breaks no word.

    It finds the width without shutil, whose import takes 8 ms: argparse makes a formatter for
    every option that is added.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width())

    def _split_lines(
        self,
        text: str,
        width: int,
    ) -> list[str]:
        import textwrap

        words = " ".join(text.split())
        return textwrap.wrap(
            words,
            width,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _fill_text(
        self,
        text: str,
        width: int,
        indent: str,
    ) -> str:
        lines = self._split_lines(text, width - len(indent))
        indented = [indent + line for line in lines]
        return "\n".join(indented)


def _width() -> int:
    """Return the columns of a line of help. A terminal of unknown width has 0 columns."""
    columns = 0
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal():
        columns = int(named)
    if not columns:
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size().columns
    if not columns:
        columns = DEFAULT_COLUMNS
    return max(columns, MINIMUM_COLUMNS) - 2


def add_action(
    actions: Any,
    loudness: ArgumentParser,
    name: str,
    summary: str,
    description: str,
    run: Any,
) -> ArgumentParser:
    """Add one command to the group, and return its parser."""
    parser: ArgumentParser = actions.add_parser(
        name,
        parents=[loudness],
        help=summary,
        description=description,
    )
    parser.add_argument(
        "--auth-file",
        metavar="FILE",
        help="use this auth file, and nothing else",
    )
    parser.set_defaults(run=run)
    return parser
