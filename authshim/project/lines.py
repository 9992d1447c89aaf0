"""The lines of a file on which values stand. The parsers of TOML and INI do not keep them."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from authshim.files import MAX_TOML_BYTES, Unreadable, read_text
from authshim.secret import SecretHolder
from authshim.urls import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<quote>["'])(?P<quoted>.*?)(?P=quote)|(?P<bare>[\w+.-]+://[^\s"',]+|[\w./~-]+)"""
)
"""A text in quotes, a URL without quotes, or a word, which may be a path."""


class Lines(SecretHolder):
    """The lines of one file, which need not exist and may hold secrets.

    Each line is read once, however many values are looked for.
    """

    __slots__ = ("_numbers", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._numbers: dict[str, list[int]] | None = None

    def place(self, value: str, key: str = "") -> str:
        """Return ``FILE:LINE`` of a value, or the file alone if no line has the value.

        :param value: a URL or a name, as it is written. The userinfo of a URL does not count.
        :param key: the key of the value. Lines before the first one with the key do not count.
        """
        if self._numbers is None:
            self._numbers = _numbers(self.path)
        start = 0
        if key in self._numbers:
            start = self._numbers[key][0]
        bare = without_userinfo(value)
        found = self._numbers.get(bare, [])
        position = bisect_left(found, start)
        if position == len(found):
            return self.path
        return f"{self.path}:{found[position]}"


def _numbers(path: str) -> dict[str, list[int]]:
    """Return the numbers of the lines on which each text stands."""
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable:
        return {}
    lines = (text or "").splitlines()
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        for token in _tokens(line):
            numbers = found.setdefault(token, [])
            is_repeated = numbers and numbers[-1] == number
            if not is_repeated:
                numbers.append(number)
    return found


def _tokens(line: str) -> Iterator[str]:
    """Yield the texts of a line, and the parts of dotted names."""
    for match in _TOKEN.finditer(line):
        quoted = match["quoted"]
        bare = match["bare"]
        if bare is None:
            yield without_userinfo(quoted)
        elif "://" in bare:
            yield without_userinfo(bare)
        else:
            yield bare
            yield from re.split(r"[./]", bare)
