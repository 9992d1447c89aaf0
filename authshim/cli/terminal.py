"""What is told to people, line by line: whatever a server or a project named, no terminal obeys it.

Everything that a command prints passes here, but for what ``rich`` draws and what argparse says.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from authshim.redact import printable

if TYPE_CHECKING:
    import argparse
    import logging
    from collections.abc import Iterator


MAX_ANSWER_CHARACTERS = 100


class OutputError(Exception):
    """Standard output takes no more; the reason is empty where its reader has gone (``authshim check | head``)."""


def set_up() -> None:
    """Make the standard streams take whatever is told; a standard error that is closed swallows it."""
    if sys.stderr is None:
        # It takes the lowest number that is free, 2: no other file is taken for standard error then.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it stays until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal may not know every letter of a URL; that is no reason to end with a traceback.
            stream.reconfigure(errors="backslashreplace")


def say(line: str = "") -> None:
    """Tell one line on standard output."""
    write(printable(line))


def note(line: str) -> None:
    """Tell one line on standard error; where nobody can read it, nothing else can be done."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr)


def ask(question: str) -> bool:
    """Return True if the user types y or yes on the terminal."""
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        typed = sys.stdin.readline(MAX_ANSWER_CHARACTERS)
    except KeyboardInterrupt:
        note("")  # the cursor is behind the question
        raise
    return typed.strip().lower() in ("y", "yes")


def can_ask() -> bool:
    """Return True if the user can read a question and type an answer."""
    return sys.stdin is not None and sys.stdin.isatty() and is_watched()


def settle() -> None:
    """Bring out what was noted; what cannot be is dropped, or Python would end with 120 for it."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def write(text: str) -> None:
    """Print what a program reads, as it is, and a line end."""
    with output():
        print(text)


def flush() -> None:
    """Bring out what was printed.

    :raises OutputError: it cannot be.
    """
    if sys.stdout is not None:
        with output():
            sys.stdout.flush()


@contextmanager
def output() -> Iterator[None]:
    """Write to standard output.

    :raises OutputError: it takes no more.
    """
    try:
        yield
    except OSError as error:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the flush at exit must not complain
        gone = isinstance(error, BrokenPipeError)
        raise OutputError(
            "" if gone else (error.strerror or "the system refused").lower()
        ) from None


def is_watched() -> bool:
    """Tell whether somebody looks on at a terminal."""
    return sys.stderr.isatty()


def log_handler() -> logging.Handler:
    """Return what tells the library's log on standard error, each warning once."""
    import logging

    from authshim.log import Once

    once = Once()

    class Line(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return printable(with_tilde(super().format(record)))

    handler = logging.StreamHandler()
    handler.addFilter(
        lambda record: record.levelno < logging.WARNING or once.is_new(record.getMessage())
    )
    handler.setFormatter(Line("authshim: %(message)s"))
    return handler


def with_tilde(text: str) -> str:
    """Return a text for people, with ``~`` for their home."""
    home = os.path.expanduser("~").rstrip(os.sep)
    return text.replace(home + os.sep, f"~{os.sep}") if home not in ("", "~") else text


def set_up_logging(options: argparse.Namespace) -> None:
    """Let the library's log go to standard error, as loud as ``-v`` and ``-q`` say."""
    import logging

    loudness = getattr(options, "verbose", 0) - getattr(options, "quiet", 0)
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(
        max(loudness, -1), logging.DEBUG
    )
    logger = logging.getLogger("authshim")
    logger.handlers[:] = [log_handler()]
    if not logging.getLogger().handlers:
        # Else Python prints what others warn of, such as Beautiful Soup of a stranger's page.
        logging.getLogger().addHandler(logging.NullHandler())
    logger.setLevel(level)
