"""netrc: the file of logins that curl, git, ftp and requests read.

The standard library's parser refuses the whole file for one oddity and keeps one login per
host, so this one is our own. Its rules:

1. Words are separated by spaces, tabs and line ends; keywords come in any case.
2. A line whose first character (after blanks) is ``#`` is a comment, wherever it stands. In the
   middle of a line ``#`` begins a comment where a keyword is expected; where a value is
   expected it is part of the value.
3. A word in double quotes ends on its line, and is never a keyword. In it ``\\"``, ``\\\\``,
   ``\\n``, ``\\r`` and ``\\t`` stand for what they do in curl. Outside of quotes a backslash is
   itself.
4. A value may stand on a later line than its keyword, but a keyword that begins a line is a
   keyword: ``password`` with nothing behind it does not swallow the next machine.
5. A macro runs to the next empty line, or to the end of the file.
6. ``port``, ``protocol`` and ``method`` are keywords of other programs. Each has a value, and both
   are ignored, as in curl.
7. What breaks a rule costs its entry. Reading goes on at the next ``machine``, ``default`` or
   ``macdef`` that begins a line, after an open quote not before the line that could close it.
   A word that is no keyword ends an entry that has a login and a password already, and costs
   only what follows the word.

By 2, 3, 5 and 7 no machine in a comment, in quotes, in a macro or in a broken password comes to life.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Any

from authshim import files
from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError
from authshim.providers.base import MORE, Provider, note
from authshim.secret import SecretHolder
from authshim.urls import DEFAULT, HOST, PORT, normalise_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential

LIMIT = 4 * 1024 * 1024
"""Bytes; a netrc of 40,000 machines has about 2 MB."""

_STARTS = frozenset({"machine", "default", "macdef"})
_VALUES = {
    "login": "login",
    "user": "login",
    "password": "password",
    "account": "account",
    "port": "port",
    "protocol": "protocol",
    "method": "method",
}
_KEYWORDS = _STARTS | frozenset(_VALUES)
_EXPECTED = {
    "machine": "a host name",
    "login": "a login",
    "password": "a password",
    "account": "an account",
    "port": "a port",
    "protocol": "a protocol",
    "method": "a method",
}
_FIRST = re.compile(r"[ \t\r]*([^ \t\r]*)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)("?)([^ \t\r]*)|([^ \t\r]+)')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class NetrcFile(Provider):
    """Answers from the first of its files that exists; it is read when first asked, and anew after ``refresh``.

    :param paths: where the file may be.
    :param named: a person named this file (``NETRC``), so that its absence is worth a sentence in ``problems``.
    """

    answers = frozenset({PORT, HOST, DEFAULT})

    def __init__(self, paths: Sequence[str], *, named: bool = False) -> None:
        self.paths = tuple(paths)
        here = (path for path in self.paths if files.version(path))
        self.name = f"netrc {next(here, self.paths[0])}" if self.paths else "netrc"
        self.problems: list[str] = []
        self._named = named
        self._logins: _Logins | None = None

    def find(self, key: str, username: str | None = None) -> Credential | None:
        """Return the login of ``key``: the last of ``username``, else the last that serves it.

        An entry without a login serves any user, as in curl. If neither is there, return the last
        entry: the chain does not send it, and can tell whose login it found.

        A machine with a port answers for that port only. The ``default`` entry answers to a
        key of the kind "default" and to no other.

        :raises ProviderError: the file is there but cannot be read; again at each call, until ``refresh``.
        """
        logins = self._read()
        if logins.broken:
            raise ProviderError(self.name, logins.broken)
        found = logins.of(None if getattr(key, "kind", HOST) == DEFAULT else key)
        if not found:
            return None
        return BasicHTTP(*_login_of(username, found))

    def logins(self) -> list[tuple[str, BasicHTTP]]:
        """List the logins by machine, each machine's last one first: it is the one that is taken.

        :raises ProviderError: the file is there but cannot be read.
        """
        kept = self._read()
        if kept.broken:
            raise ProviderError(self.name, kept.broken)
        return [
            (host or DEFAULT, BasicHTTP(*pair))
            for host, pairs in kept.pairs.items()
            for pair in reversed(pairs)
        ]

    def version(self) -> object:
        """Return what changes when one of the files does, or appears."""
        return tuple(files.version(path) for path in self.paths)

    def refresh(self) -> None:
        """Drop what was read, and read it again when next asked."""
        self.problems = []
        self._logins = None

    def _read(self) -> _Logins:
        if self._logins is None:
            path, self._logins = _read(self.paths)
            if path:
                self.name = f"netrc {path}"
            elif self._named and self.paths:
                self.problems.append(f"NETRC names {self.paths[0]}, which does not exist")
            self.problems += [f"{path}: {problem}" for problem in self._logins.problems]
        return self._logins

    def __getstate__(self) -> dict[str, Any]:
        # What crosses to another process reads the file again where it lands.
        return {**vars(self), "problems": [], "_logins": None}

    def __repr__(self) -> str:
        return f"NetrcFile({list(self.paths)!r})"


def _login_of(username: str | None, logins: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the login and password for a user; the last of the file if the user is not known."""
    if username is None:
        return logins[-1]
    passwords = dict(logins)
    if username in passwords:
        return username, passwords[username]
    if "" in passwords:
        return username, passwords[""]
    return logins[-1]


def _read(paths: Sequence[str]) -> tuple[str | None, _Logins]:
    for path in paths:
        if path == os.devnull:
            return path, _Logins()  # NETRC=/dev/null is how people switch netrc off.
        try:
            text = files.read_text(path, limit=LIMIT)
        except files.Unreadable as error:
            return path, _Logins(broken=str(error))
        if text is not None:
            return path, _parse(text)
    return None, _Logins()


class _Logins(SecretHolder):
    """What one reading found."""

    __slots__ = ("broken", "pairs", "problems")

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.problems: list[str] = []
        self.pairs: dict[str | None, list[tuple[str, str]]] = {}

    def of(self, host: str | None) -> list[tuple[str, str]]:
        """Return the logins of a host in the file's order; of the ``default`` entry for None."""
        return self.pairs.get(host, [])

    def add(self, host: str | None, login: str, password: str) -> None:
        """Keep one more login of a host."""
        self.pairs.setdefault(host, []).append((login, password))


class _EntryError(Exception):
    """The entry cannot be used; the message says why, without its content."""


class _OpenQuoteError(_EntryError):
    """A quote does not end on its line."""


def _parse(text: str) -> _Logins:
    """Read a netrc; linear in its size."""
    parser = _Parser(text.split("\n"))
    parser.read()
    return parser.logins


class _Parser:
    """Reads line after line, by the rules at the top of this file."""

    def __init__(self, lines: list[str]) -> None:
        self.logins = _Logins()
        self._lines = lines
        self._inside = False
        self._entry: dict[
            str, str
        ] = {}  # what is known of the open one; without "machine" it is the default
        self._awaited, self._awaited_at = "", 0  # the keyword whose value comes next, and its line
        self._in_macro = False
        self._lost = False  # an entry was bad, and no other has begun
        self._hidden_to = 0  # the last line that an open quote may hide

    def read(self) -> None:
        """Read all lines into ``logins``."""
        for number, line in enumerate(self._lines, 1):
            if self._in_macro:
                self._in_macro = line.strip("\r") != ""
            elif number > self._hidden_to:
                self._line(number, line)
        self._miss()
        self._close()

    def _line(self, number: int, line: str) -> None:
        first = _FIRST.match(line)[1].lower() if self._awaited or self._lost else ""  # type: ignore[index]
        if first in _KEYWORDS:
            self._miss()
        if self._lost and first not in _STARTS:
            return
        self._lost = False
        try:
            self._words(number, line)
        except _EntryError as error:
            self._fail(number, str(error))
            self._hidden_to = self._closing(number) if isinstance(error, _OpenQuoteError) else 0

    def _words(self, number: int, line: str) -> None:
        for place, match in enumerate(_WORD.finditer(line)):
            bare: str | None = match[4]
            if bare and bare[0] == "#" and not (place and self._awaited):
                return
            if self._awaited:
                self._value(_unquoted(match) if bare is None else bare)
            else:
                self._keyword("" if bare is None else bare.lower(), number)
            if self._in_macro:
                return

    def _keyword(self, word: str, number: int) -> None:
        if word in _STARTS:
            self._close()
            self._in_macro = word == "macdef"
            self._inside = not self._in_macro
        elif not self._inside:
            raise _EntryError("expected machine, default or macdef")
        elif word not in _VALUES:
            self._keep_if_complete()
            raise _EntryError("expected a keyword; a value with blanks needs double quotes")
        self._awaited = _VALUES.get(word, "machine" if word == "machine" else "")
        self._awaited_at = number

    def _value(self, value: str) -> None:
        if not value.isprintable() and any(char < " " or char == "\x7f" for char in value):
            raise _EntryError(f"expected {_EXPECTED[self._awaited]} without control characters")
        self._entry[self._awaited] = _host(value) if self._awaited == "machine" else value
        self._awaited = ""

    def _miss(self) -> None:
        if self._awaited:
            self._fail(self._awaited_at, f"expected {_EXPECTED[self._awaited]}")

    def _close(self) -> None:
        entry, self._entry = self._entry, {}
        # A machine with neither has nothing to send; it is there for its macros.
        if "login" in entry or "password" in entry:
            self.logins.add(entry.get("machine"), entry.get("login", ""), entry.get("password", ""))

    def _keep_if_complete(self) -> None:
        if self._entry.get("login") and self._entry.get("password"):
            self._close()

    def _fail(self, number: int, why: str) -> None:
        note(self.logins.problems, f"line {number}: {why}", MORE)
        self._inside, self._entry, self._awaited, self._lost = False, {}, "", True

    def _closing(self, number: int) -> int:
        """Return the line that could close a quote left open on line ``number``; 0 where none could."""
        at = bisect_right(self._odd, number)
        return self._odd[at] if at < len(self._odd) else 0

    @cached_property
    def _odd(self) -> list[int]:
        """The numbers of the lines with an odd count of quotes."""
        return [
            at
            for at, line in enumerate(self._lines, 1)
            if (line.count('"') - line.count('\\"')) % 2
        ]


def _unquoted(match: re.Match[str]) -> str:
    text, closing, rest, _ = match.groups()
    if not closing:
        raise _OpenQuoteError("a quote is not closed on its line")
    if rest:
        raise _EntryError("expected a blank behind the closing quote")
    return (
        re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text)
        if "\\" in text
        else text
    )


def _host(name: str) -> str:
    if not name or "/" in name:
        raise _EntryError(
            "expected a host name, without scheme and path" if name else "expected a host name"
        )
    bare_ipv6 = name.count(":") > 1 and "[" not in name
    return normalise_key(f"[{name}]" if bare_ipv6 else name)
