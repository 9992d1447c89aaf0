"""The lines of a file on which values stand. The parsers of TOML and INI do not keep them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim.files import MAX_TOML_BYTES, Unreadable, read_text
from authshim.secret import SecretHolder
from authshim.urls import split_userinfo

if TYPE_CHECKING:
    from collections.abc import Sequence


class Lines(SecretHolder):
    """The lines of one file, which need not exist and may hold secrets."""

    __slots__ = ("_lines", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._lines: Sequence[str] = ()
        try:
            self._lines = (read_text(path, limit=MAX_TOML_BYTES) or "").splitlines()
        except Unreadable:
            return

    def place(self, value: str, key: str = "") -> str:
        """Return ``FILE:LINE`` of a value, or the file alone if no line has the value.

        :param value: a URL or a name, as it is written.
        :param key: the key of the value. Lines before the first one with the key do not count.
        """
        start = self._first(re.compile(rf"(?<![\w-]){re.escape(key)}(?![\w-])"), 0)
        number = self._first(_pattern(value), max(start - 1, 0))
        if not number:
            return self.path
        return f"{self.path}:{number}"

    def _first(self, pattern: re.Pattern[str], start: int) -> int:
        """Return the number of the first line after ``start`` that matches, or 0."""
        for number, line in enumerate(self._lines[start:], start + 1):
            if pattern.search(line):
                return number
        return 0


def _pattern(value: str) -> re.Pattern[str]:
    """Return a pattern of a value between quotes or blanks, with or without userinfo."""
    parts = split_userinfo(value)
    if parts is None:
        return re.compile(rf"(?<![^\s\"'=,.\[]){re.escape(value)}(?![^\s\"',#\]}}])")
    scheme, _, rest = parts
    return re.compile(
        rf"(?<![A-Za-z0-9+.-]){re.escape(scheme)}://(?:[^\s/]*@)?{re.escape(rest)}(?![^\s\"',\]}}])"
    )
