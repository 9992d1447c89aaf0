"""The token files of conda: a name and a content, whatever they are, give a token or a problem."""

from __future__ import annotations

import os
import shutil
from urllib.parse import quote_plus

from fuzz.promises import assert_sentences, assert_untold, file

from authshim.providers.conda_tokens import CondaTokens
from authshim.urls import PREFIX, Key, parse

WORDS = [
    *(b"https%3A%2F%2F", b"http%3A%2F%2F", b"https%3a%2f%2f", b"%3A", b"%2F", b"%40", b"%3F"),
    *(b"h.example", b"api.", b"%2Fapi", b"anaconda.org", b"ada%3As3cret%40", b"%2Ft%2Fs3cret%2F"),
    *(
        b"\n",
        b"s3cret",
        b"+",
        b"%",
        b"%00",
        b"%0A",
        b"%C3%BC",
        b"\xff",
        b"\xc3\xbc",
        b" ",
        b"..%2F",
    ),
    *(b"%5B%3A%3A1%5D", b"%3A8443", b"\xef\xbb\xbf", b"Bearer "),
]


def check(data: bytes) -> None:
    """Take the first line of ``data`` for a name, and the others for the content of the file."""
    name, _, content = data.partition(b"\n")
    _read(name, content)
    text = name.decode("latin-1")
    _read(quote_plus(f"https://ada:s3cret@h.example/{text}").encode(), content)
    _read(quote_plus("https://h.example").encode(), b"s3cret" + content)


def _read(name: bytes, content: bytes) -> None:
    folder = f"{os.path.dirname(file('x', b''))}/tokens"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    bare = name.replace(b"/", b"").replace(b"\0", b"")[:200] or b"x"
    with open(os.path.join(os.fsencode(folder), bare + b".token"), "wb") as written:
        written.write(content)
    provider = CondaTokens([folder])
    entries = provider.entries()
    assert_sentences(provider.problems)
    assert len(entries) + len(provider.problems) == 1
    for entry in entries:
        parsed = parse(entry.key)
        assert (parsed.prefix, parsed.scheme) == (entry.key, "https")
        assert provider.find(Key(entry.key, PREFIX)) == entry.credential
        assert entry.credential.segment.isprintable()
    host = name.partition(b"%40")[2] or name
    if b"s3cret" not in host:
        assert_untold(*provider.problems, provider)
