"""uv's ``credentials.toml``: any content is read or refused, and no message tells a value."""

from __future__ import annotations

import json
import re

from fuzz.promises import assert_reason, assert_sentences, assert_untold, attempt, file

from authshim.errors import ProviderAmbiguous, ProviderError
from authshim.providers.uv_store import UvStore
from authshim.urls import PREFIX, Key, parse

WORDS = [
    *(b"[[credential]]\n", b"[credential]\n", b"credential = [", b"{", b"}", b"]", b",", b"="),
    *(b"service = ", b"username = ", b"password = ", b"token = ", b"scheme = "),
    *(b'"basic"\n', b'"bearer"\n', b'"s3cret"\n', b'"ada"\n', b'""\n', b"3\n", b"true\n", b"\n"),
    *(
        b'"https://h.example/"\n',
        b'"https://h.example/acme/"\n',
        b'"http://h.example:8080/a/../b"\n',
        b'"https://ada:s3cret@h.example/?q#f"\n',
        '"https://münchen.example/"\n'.encode(),
        b'"h.example"\n',
        b'"ftp://h.example/"\n',
        b'"https://h.example/%2e%2e/x"\n',
    ),
    *(b"'''", b'"""', b"#", b"\\u0000", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b" "),
]

_REASON = re.compile(
    r"(line [0-9]+: )?(credential is not an array of tables|a credential is not a table"
    r"|a credential has no service|a service is not an absolute URL|a (\w+) is not text"
    r"|a scheme is neither basic nor bearer"
    r"|a credential of the scheme (basic|bearer) has (a|no) (username|password|token)"
    r"|the \w+ (has a control character \(a line break, perhaps\)"
    r"|is empty, or has characters that no token has)"
    r"|the username or password is not Unicode text)"
    r"|(line [0-9]+, column [0-9]+: )?it is not valid TOML|it has a key of more than 100 parts"
)


def check(data: bytes) -> None:
    """Read ``data`` as uv's file, and then an entry in order with a part of it as its secret."""
    provider = UvStore(file("credentials.toml", data))
    entries, said = attempt(provider.entries, ProviderError)
    assert_sentences(provider.problems)
    if said:
        assert_reason(said, provider, _REASON)
    for entry in entries or []:
        assert parse(entry.key).prefix == entry.key
        assert entry.credential.header.isprintable()
        found, ambiguous = attempt(
            lambda entry=entry: provider.find(Key(entry.key, PREFIX), entry.username),
            ProviderAmbiguous,
        )
        assert ambiguous or found == entry.credential
    _planted(data.decode("utf-8", "replace"))


def _planted(text: str) -> None:
    half = len(text) // 2
    secret = json.dumps(f"{text[:half]}s3cret{text[half:]}")
    for field in ("password", "token", "scheme", "username", "service", "x"):
        written = f'[[credential]]\nservice = "https://h.example/"\n{field} = {secret}\n'
        provider = UvStore(file("planted.toml", written.encode("utf-8", "surrogatepass")))
        _, said = attempt(provider.entries, ProviderError)
        assert_untold(said, provider, provider.problems)
