"""netrc: whatever the file holds, entries that are good are found, and no others."""

from __future__ import annotations

import re

from fuzz.promises import assert_sentences, attempt, file

from authshim.errors import ProviderError
from authshim.providers.base import MORE
from authshim.providers.netrc_file import NetrcFile
from authshim.urls import DEFAULT, HOST, Key

WORDS = [
    *(
        b"machine ",
        b"default ",
        b"macdef ",
        b"login ",
        b"user ",
        b"password ",
        b"account ",
        b"MACHINE ",
        b"Login ",
    ),
    *(b"port ", b"protocol ", b"method "),
    *(
        b"h.example",
        b"evil.example",
        b"ada",
        b"s3cret",
        b"[::1]",
        b"::1",
        b"h.example:8443",
        "münchen.example".encode(),
    ),
    *(
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\t",
        b" ",
        b'"',
        b"\\",
        b'\\"',
        b"#",
        b"\n# ",
        b"\x00",
        b"\x0c",
        b"\x85",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\x1b[2J", "\u2028".encode(), b"/", b"https://"),
]

_VALUES = ("a login", "a password", "an account", "a port", "a protocol", "a method")
_UNKNOWN_WORD = (
    "this word is none of machine, default, login, password, account, macdef; "
    "a value with blanks needs quotes"
)
_REASONS = (
    "expected machine, default or macdef",
    _UNKNOWN_WORD,
    "a quote is not closed on its line",
    "expected a blank behind the closing quote",
    "expected a host name",
    "expected a host name, without scheme and path",
    *(f"expected {what}" for what in _VALUES),
    *(f"expected {what} without control characters" for what in ("a host name", *_VALUES)),
)
_PROBLEM = re.compile(rf"line [0-9]+: (?:{'|'.join(map(re.escape, _REASONS))})|{re.escape(MORE)}")

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_COMMENT = b"# machine evil.example login eve password evil\n"
_LAST = b"\n\nmachine last.example login zoe password last\n"


def check(data: bytes) -> None:
    """Read ``data`` as a netrc."""
    provider, logins = _read(data)
    for host, credential in logins:
        _is_of_the_file(data, host, credential.username)
        _is_of_the_file(data, host, credential.password)
    _finds(provider, logins)
    if not data.startswith(_MARKS):
        _others_stay(data, logins)


def _read(data: bytes) -> tuple[NetrcFile, list]:
    provider = NetrcFile([file("netrc", data)])
    logins, _ = attempt(provider.logins, ProviderError)
    start = f"{provider.paths[0]}: "
    assert_sentences(provider.problems)
    for problem in provider.problems:
        # None of them has room for a word of the file.
        assert _PROBLEM.fullmatch(problem[len(start) :]), problem
    return provider, logins or []


def _is_of_the_file(data: bytes, host: str, value: str) -> None:
    assert not any(char < " " or char == "\x7f" for char in value + host), "a control character"
    quoted = b'"' in data and b"\\" in data
    texts = [data.decode(code, "replace") for code in ("utf-8", "latin-1", "utf-16")]
    assert quoted or any(value in text for text in texts), f"{value!r} stands nowhere in the file"


def _finds(provider: NetrcFile, logins: list) -> None:
    first = {}
    for host, credential in logins:
        first.setdefault(host, credential)
    for host, credential in first.items():
        found = provider.find(Key(host, DEFAULT if host == DEFAULT else HOST))
        # A host may be of the name "default".
        assert found == credential or host == DEFAULT
        assert provider.find(Key(host, HOST), credential.username) is not None or host == DEFAULT


def _others_stay(data: bytes, logins: list) -> None:
    """A comment before it changes nothing, and what is wrong with it costs no entry behind it."""
    _, behind_a_comment = _read(_COMMENT + data)
    assert behind_a_comment == logins
    provider, _ = _read(data + _LAST)
    last = provider.find(Key("last.example", HOST))
    assert last is not None, "an entry behind it is lost"
    assert (last.username, last.password) == ("zoe", "last")
