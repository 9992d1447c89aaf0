"""The printing of lines for people; a terminal obeys none of them, however a server calls things.

1. Every command prints through this module, except for argparse and the progress bars of ``rich``.
2. A line for people is printable, and on a terminal it is broken between words only.
3. A line for programs is written as it is, whatever standard output is.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from authshim.redact import printable

if TYPE_CHECKING:
    import argparse
    import logging
    from collections.abc import Iterator, Sequence
    from typing import TextIO


MAX_ANSWER_CHARACTERS = 100
DEFAULT_COLUMNS = 80
MINIMUM_COLUMNS = 20

_INDENT = 4
"""The blanks before a continued line."""


class OutputError(Exception):
    """Standard output cannot be written.

    The reason is empty if its reader has gone, as in ``authshim check | head``.
    """


def set_up() -> None:
    """Make the standard streams take any text, and replace a standard error that is closed."""
    if sys.stderr is None:
        # Its descriptor is 2, the lowest free one, so that no other file becomes standard error.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal may not know every letter of a URL.
            stream.reconfigure(errors="backslashreplace")


def say(line: str = "") -> None:
    """Print one line on standard output."""
    width = columns(sys.stdout)
    write(fit(printable(line), width))


def say_rows(rows: Sequence[str]) -> None:
    """Print the rows of a table. If one is too long, all of them lose their padding."""
    width = columns(sys.stdout)
    loses_padding = False
    if width is not None:
        loses_padding = any(_loses_padding(row, width) for row in rows)
    if loses_padding:
        rows = [_squeezed(row) for row in rows]
    for row in rows:
        say(row)


def _loses_padding(row: str, width: int) -> bool:
    return len(row) > width and row != _squeezed(row)


def note(line: str) -> None:
    """Print one line on standard error, and ignore an error."""
    with suppress(OSError):
        width = columns(sys.stderr)
        fitting = fit(printable(line), width)
        print(fitting, file=sys.stderr)


def columns(stream: TextIO | None) -> int | None:
    """Return the width of a terminal, or None if the stream is none."""
    if stream is None or not stream.isatty():
        return None
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal():
        return max(int(named), MINIMUM_COLUMNS)
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    return max(found or DEFAULT_COLUMNS, MINIMUM_COLUMNS)


def fit(line: str, width: int | None) -> str:
    """Break a line that is too long, between its words.

    A line that is too long for its padding only loses the padding. A word that is too long, such
    as a URL, stands on a line of its own.

    :param width: None for any width.
    """
    if width is None or len(line) <= width:
        return line
    squeezed = _squeezed(line)
    if len(squeezed) <= width:
        return squeezed
    import textwrap

    lines = textwrap.wrap(
        squeezed,
        width,
        subsequent_indent=_margin(line) + " " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _margin(line: str) -> str:
    """Return the blanks at the beginning of a line."""
    rest = line.lstrip(" ")
    return line[: len(line) - len(rest)]


def _squeezed(line: str) -> str:
    """Return a line with two blanks in place of the padding between its columns."""
    margin = _margin(line)
    rest = line[len(margin) :]
    return margin + re.sub(r" {2,}", "  ", rest)


def ask(question: str) -> bool:
    """Return True if the user types y or yes on the terminal."""
    prompt = fit(f"{printable(question)} [y/N]", columns(sys.stderr))
    print(
        f"{prompt} ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    try:
        typed = sys.stdin.readline(MAX_ANSWER_CHARACTERS)
    except KeyboardInterrupt:
        # The cursor is behind the question.
        note("")
        raise
    return typed.strip().lower() in ("y", "yes")


def can_ask() -> bool:
    """Return True if the user can read a question and type an answer."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    return is_watched()


def settle() -> None:
    """Flush standard error, and drop its text if that fails.

    Python would end with 120 for it.
    """
    try:
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """Let a stream write to the null device from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())


def write(text: str) -> None:
    """Print a text for a program, unchanged, and a line end."""
    with output():
        print(text)


def flush() -> None:
    """Flush standard output.

    :raises OutputError: it cannot be written.
    """
    if sys.stdout is not None:
        with output():
            sys.stdout.flush()


@contextmanager
def output() -> Iterator[None]:
    """Turn an error of standard output into an OutputError.

    :raises OutputError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        # Else the flush at the end of Python would fail too.
        _drop(sys.stdout)
        reason = ""
        if not isinstance(error, BrokenPipeError):
            reason = (error.strerror or "the system refused").lower()
        raise OutputError(reason) from None


def is_watched() -> bool:
    """Return True if standard error is a terminal."""
    return sys.stderr.isatty()


def log_handler() -> logging.Handler:
    """Return a handler that prints the library's log on standard error, each warning once."""
    import logging

    from authshim.log import Once

    once = Once()

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if record.levelno < logging.WARNING or once.is_new(message):
                note(with_tilde(f"authshim: {message}"))

    return Lines()


def with_tilde(text: str) -> str:
    """Return a text with ``~`` in place of the user's home."""
    home = os.path.expanduser("~").rstrip(os.sep)
    if home in ("", "~"):
        return text
    return text.replace(home + os.sep, f"~{os.sep}")


def set_up_logging(options: argparse.Namespace) -> None:
    """Send the library's log to standard error, with the level of ``-v`` and ``-q``."""
    import logging

    level = _level(options)
    logger = logging.getLogger("authshim")
    logger.handlers[:] = [log_handler()]
    root = logging.getLogger()
    if not root.handlers:
        # Else Python prints the warnings of other libraries.
        root.addHandler(logging.NullHandler())
    logger.setLevel(level)
    # A command prints its own verdict on a rejected login.
    rejections = logging.getLogger("authshim.rejections")
    rejections.setLevel(max(level, logging.ERROR))


def _level(options: argparse.Namespace) -> int:
    """Return the level of the log for the number of ``-v`` and ``-q``."""
    import logging

    verbose: int = getattr(options, "verbose", 0)
    quiet: int = getattr(options, "quiet", 0)
    loudness = verbose - quiet
    if loudness < 0:
        return logging.ERROR
    if loudness == 0:
        return logging.WARNING
    if loudness == 1:
        return logging.INFO
    return logging.DEBUG
