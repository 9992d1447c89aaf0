"""A secret that is given, typed at a prompt, or piped in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from authshim.cli import terminal
from authshim.errors import SettingsError
from authshim.redact import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SECRET_CHARACTERS = 1024 * 1024
"""The number of characters that a secret on standard input may have."""

_NO_TEXT = "the input is not text"


def read_secret(
    option: str,
    value: object,
    prompt: str,
) -> str:
    """Return a secret that was given, typed or piped in.

    :raises SettingsError: it is empty, or cannot be the secret that was meant.
    """
    from authshim.login import inputs

    if isinstance(value, str) and value != "-":
        secret = value
    elif can_type():
        secret = _typed(option, prompt)
    elif value == "-":
        secret = _piped(option)
    else:
        reason = "there is no terminal to ask at; - reads it from standard input"
        raise SettingsError(option, reason)
    inputs.check_secret(option, secret)
    return secret


def can_type() -> bool:
    """Return True if standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def read_lines(options: Sequence[str]) -> list[str]:
    """Return the secrets of several options, one line of standard input each, in their order.

    :raises SettingsError: there are fewer or more lines.
    """
    lines = _piped(options[0]).split("\n")
    if len(lines) != len(options):
        reason = f"standard input has {len(lines)} lines, and {' and '.join(options)} take one each"
        raise SettingsError(options[-1], reason)
    return [line.rstrip("\r") for line in lines]


def _typed(option: str, prompt: str) -> str:
    """Return the secret that is typed at the prompt."""
    from getpass import getpass

    try:
        return getpass(printable(prompt))
    except KeyboardInterrupt:
        # The cursor is behind the prompt.
        terminal.note("")
        raise
    except EOFError:
        terminal.note("")
        raise SettingsError(option, "nothing was typed") from None
    except UnicodeError:
        raise SettingsError(option, _NO_TEXT) from None


def _piped(option: str) -> str:
    """Return the secret on standard input, without the end of its line."""
    given = ""
    try:
        if sys.stdin is not None:
            given = sys.stdin.read(MAX_SECRET_CHARACTERS + 1)
    except UnicodeError:
        raise SettingsError(option, _NO_TEXT) from None
    if len(given) > MAX_SECRET_CHARACTERS:
        reason = (
            f"standard input has more than {MAX_SECRET_CHARACTERS:,} characters, which is no secret"
        )
        raise SettingsError(option, reason)
    secret = given.rstrip("\r\n")
    if not secret:
        raise SettingsError(option, "standard input is empty")
    return secret
