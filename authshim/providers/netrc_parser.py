"""A parser of netrc files.

The parser of the standard library refuses a whole file because of one error, and keeps one login
per host. The rules of this one:

1. Words are separated by spaces, tabs and line ends; keywords come in any case.
2. A line whose first character (after blanks) is ``#`` is a comment, wherever it stands. In the
   middle of a line ``#`` begins a comment where a keyword is expected; where a value is
   expected it is part of the value.
3. A word in double quotes ends on its line, and is never a keyword. In it ``\\"``, ``\\\\``,
   ``\\n``, ``\\r`` and ``\\t`` are the escapes of curl. Outside of quotes a backslash is an
   ordinary character.
4. A value may stand on a later line than its keyword, but a keyword that begins a line is a
   keyword: ``password`` with nothing behind it does not swallow the next machine.
5. A macro runs to the next empty line, or to the end of the file.
6. ``port``, ``protocol`` and ``method`` are keywords of other programs. Each has a value, and both
   are ignored, as in curl.
7. An entry that breaks a rule is dropped. Reading continues at the next ``machine``, ``default`` or
   ``macdef`` that begins a line, but after an open quote not before the line that could close it.
   If the entry already has a login and a password, an unknown word ends the entry and keeps it.

Because of rules 2, 3, 5 and 7 a comment, a quote, a macro or a broken password defines no machine.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from authshim.providers.base import MORE, note
from authshim.providers.netrc_logins import Logins
from authshim.redact import CONTROL
from authshim.urls import normalise_key

_STARTS = ("machine", "default", "macdef")
_VALUES = {
    "login": "login",
    "user": "login",
    "password": "password",
    "account": "account",
    "port": "port",
    "protocol": "protocol",
    "method": "method",
}
_KEYWORDS = frozenset({*_STARTS, *_VALUES})
_NAMED = "machine, default, login, password, account, macdef"
_EXPECTED = {
    "machine": "a host name",
    "login": "a login",
    "password": "a password",
    "account": "an account",
    "port": "a port",
    "protocol": "a protocol",
    "method": "a method",
}
_FIRST_WORD = re.compile(r"[ \t\r]*([^ \t\r]*)")
_LATER_START = re.compile(r"[^ \t\r][ \t\r]+(?:machine|default)(?:[ \t\r]|$)", re.IGNORECASE)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)("?)([^ \t\r]*)|([^ \t\r]+)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
}


def parse(text: str) -> Logins:
    """Return the logins of a netrc file, in linear time."""
    parser = _Parser(text.split("\n"))
    parser.read()
    return parser.logins


class _EntryError(Exception):
    """An entry that cannot be used. The message never contains its content."""


class _OpenQuoteError(_EntryError):
    """A quote that does not end on its line."""


class _Parser:
    """A reader of lines that keeps the rules at the top of this file."""

    def __init__(self, lines: list[str]) -> None:
        self.logins = Logins()
        self._lines = lines
        self._in_entry = False
        # The values of the open entry. Without "machine" it is the default entry.
        self._entry: dict[str, str] = {}
        # The keyword whose value is expected, and its line.
        self._expected = ""
        self._expected_on = 0
        self._in_macro = False
        # True after a bad entry until another one begins.
        self._is_skipping = False
        # The last line that an open quote may hide.
        self._hidden_to = 0
        # The line that broke the entry which is skipped.
        self._broken_on = 0

    def read(self) -> None:
        """Read all lines into ``logins``."""
        for number, line in enumerate(self._lines, 1):
            if self._in_macro:
                self._in_macro = line.strip("\r") != ""
            elif number > self._hidden_to:
                self._read_line(number, line)
        self._check_value()
        self._close()

    def _read_line(self, number: int, line: str) -> None:
        first = ""
        if self._expected or self._is_skipping:
            first = _first_word(line)
        if first in _KEYWORDS:
            self._check_value()
        if self._is_skipping and first not in _STARTS:
            self._note_skipped(line)
            return
        self._is_skipping = False
        try:
            self._read_words(number, line)
        except _OpenQuoteError as error:
            self._drop_entry(number, str(error))
            self.logins.note_unclear_line(number)
            self._hidden_to = self._closing_line(number)
        except _EntryError as error:
            self._drop_entry(number, str(error))
            self._note_skipped(line)
            self._hidden_to = 0

    def _read_words(self, number: int, line: str) -> None:
        words = _WORD.finditer(line)
        for position, match in enumerate(words):
            # A word in quotes is not bare.
            bare = match[4] or ""
            if bare.startswith("#") and self._is_comment(position):
                return
            if self._expected:
                value = bare or _unquoted(match)
                self._read_value(value)
                continue
            self._read_keyword(bare.lower(), number)
            if self._in_macro:
                return

    def _is_comment(self, position: int) -> bool:
        """Return True if a ``#`` begins a comment at the position of a word."""
        if position == 0:
            return True
        return not self._expected

    def _read_keyword(self, word: str, number: int) -> None:
        if word in _STARTS:
            self._close()
            self._in_macro = word == "macdef"
            self._in_entry = not self._in_macro
        elif not self._in_entry:
            raise _EntryError("expected machine, default or macdef")
        elif word not in _VALUES:
            self._keep_if_complete()
            raise _EntryError(f"this word is none of {_NAMED}; a value with blanks needs quotes")
        if word == "machine":
            self._expected = word
        else:
            self._expected = _VALUES.get(word, "")
        self._expected_on = number

    def _read_value(self, value: str) -> None:
        if not value.isprintable() and CONTROL.search(value):
            expected = _EXPECTED[self._expected]
            raise _EntryError(f"expected {expected} without control characters")
        if self._expected == "machine":
            value = _normalised_host(value)
        self._entry[self._expected] = value
        self._expected = ""

    def _check_value(self) -> None:
        """Drop the entry if a value is missing."""
        if self._expected:
            expected = _EXPECTED[self._expected]
            self._drop_entry(self._expected_on, f"expected {expected}")

    def _close(self) -> None:
        """Keep the login of the open entry. An entry with macros only has none."""
        entry = self._entry
        self._entry = {}
        if "login" in entry or "password" in entry:
            self.logins.add(
                entry.get("machine"),
                entry.get("login", ""),
                entry.get("password", ""),
            )

    def _keep_if_complete(self) -> None:
        login = self._entry.get("login")
        password = self._entry.get("password")
        if login and password:
            self._close()

    def _drop_entry(self, number: int, reason: str) -> None:
        note(self.logins.problems, f"line {number}: {reason}", MORE)
        self._broken_on = number
        if self._in_entry and self._expected != "machine":
            host = self._entry.get("machine")
            self.logins.note_line(number, host)
        else:
            self.logins.note_unclear_line(number)
        self._in_entry = False
        self._entry = {}
        self._expected = ""
        self._is_skipping = True

    def _note_skipped(self, line: str) -> None:
        """Remember the broken line if a skipped line may begin another entry."""
        if _LATER_START.search(line):
            self.logins.note_unclear_line(self._broken_on)

    def _closing_line(self, number: int) -> int:
        """Return the line that could close a quote left open on line ``number``, or 0."""
        index = bisect_right(self._odd_lines, number)
        if index == len(self._odd_lines):
            return 0
        return self._odd_lines[index]

    @cached_property
    def _odd_lines(self) -> list[int]:
        """The numbers of the lines with an odd count of quotes."""
        numbers = []
        for number, line in enumerate(self._lines, 1):
            quotes = line.count('"') - line.count('\\"')
            if quotes % 2:
                numbers.append(number)
        return numbers


def _first_word(line: str) -> str:
    match = _FIRST_WORD.match(line)
    if match is None:
        return ""
    return match[1].lower()


def _unquoted(match: re.Match[str]) -> str:
    text, closing, rest, _ = match.groups()
    if not closing:
        raise _OpenQuoteError("a quote is not closed on its line")
    if rest:
        raise _EntryError("expected a blank behind the closing quote")
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(escape: re.Match[str]) -> str:
    character = escape[1]
    return _ESCAPED.get(character, character)


def _normalised_host(name: str) -> str:
    if not name:
        raise _EntryError("expected a host name")
    if "/" in name:
        raise _EntryError("expected a host name, without scheme and path")
    is_ipv6 = name.count(":") > 1
    if is_ipv6 and "[" not in name:
        name = f"[{name}]"
    return normalise_key(name)
