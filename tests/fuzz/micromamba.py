"""micromamba's ``authentication.json``: whatever it holds, no message tells a value."""

from __future__ import annotations

import json

from fuzz.promises import assert_sentences, assert_untold, attempt, file

from authshim.errors import ProviderError
from authshim.providers.micromamba import Micromamba
from authshim.urls import PREFIX, Key, parse

WORDS = [
    *(b'"CondaToken"', b'"BearerToken"', b'"BasicHTTPAuthentication"', b'"type"', b'"token"'),
    *(b'"user"', b'"password"', b'"czNjcmV0"', b'"s3cret"', b'"ada"', b'"!"', b"3", b"null"),
    *(b'"h.example"', b'"h.example/a/"', b'"https://h.example"', b'"ada:s3cret@h.example"'),
    *(b'"[::1]:8443/a"', '"münchen"'.encode(), b'"h.example/%2e%2e/a"', b'""', b'"/"'),
    *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u0000", b"\\ud800", b"\n", b"\xff"),
]


def check(data: bytes) -> None:
    """Read ``data`` as the file, and then as the values of entries in order."""
    _read("authentication.json", data)
    text = data.decode("utf-8", "surrogateescape")
    half = len(text) // 2
    secret = f"{text[:half]}s3cret{text[half:]}"
    entries = {
        "a.example": {"type": "BearerToken", "token": secret},
        "b.example": {"type": "CondaToken", "token": secret},
        "c.example": {"type": "BasicHTTPAuthentication", "user": "ada", "password": secret},
        "d.example": {"type": secret},
    }
    planted = _read("planted.json", json.dumps(entries).encode())
    assert_untold(planted, planted.problems)


def _read(name: str, data: bytes) -> Micromamba:
    provider = Micromamba(file(name, data))
    entries, _ = attempt(provider.entries, ProviderError)
    assert_sentences(provider.problems)
    for entry in entries or []:
        assert parse(entry.key).prefix == entry.key
        header = entry.credential.header
        assert header is None or (header.isascii() and header.isprintable())
        assert provider.find(Key(entry.key, PREFIX)) is not None
    return provider
