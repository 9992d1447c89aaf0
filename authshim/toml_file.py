"""TOML files, read without their content in an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim.files import MAX_TOML_BYTES, Unreadable, read_text

if TYPE_CHECKING:
    from typing import Any

_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = rf"(?<![\w-]){_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{100}}"
"""A TOML key of more than 100 parts: the parser's memory grows with the square of their number."""


def read_toml(path: str) -> dict[str, Any] | str | None:
    """Return the tables of a TOML file, None if there is no file, or the reason of a failure.

    The reason names the line. It is returned and not raised, because the frames and the message
    of a parser's exception may contain the content of the file.
    """
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable as error:
        return str(error)
    if text is None:
        return None
    return parse_toml(text)


def parse_toml(text: str) -> dict[str, Any] | str:
    """Return the tables of TOML, or the reason of a failure; see ``read_toml``."""
    if re.search(_LONG_KEY, text):
        return "it has a key of more than 100 parts"
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: it is not valid TOML"
    except (ValueError, RecursionError):
        # A number has too many digits, or brackets are nested too deeply.
        return "it is not valid TOML"
