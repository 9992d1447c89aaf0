"""The schemes of a challenge."""

from __future__ import annotations

import time

import pytest

from authshim.lookup.challenge import schemes


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", set()),
        (",, ,", set()),
        ("Basic", {"basic"}),
        ('basic realm="private"', {"basic"}),
        ('BASIC realm = "private", charset="UTF-8"', {"basic"}),
        ('Bearer realm="basic"', {"bearer"}),
        ('Bearer realm="a, Basic realm=b"', {"bearer"}),
        ('Bearer realm="a\\", Basic "', {"bearer"}),
        ('Bearer realm="open, Basic', {"bearer"}),
        ('Bearer realm="ends in \\', {"bearer"}),
        ("Bearer realm=basic, error=basic", {"bearer"}),
        ("Bearer basic", {"bearer"}),
        ("Negotiate YWJj=", {"negotiate"}),
        ('Negotiate, Basic realm="x"', {"negotiate", "basic"}),
        ('Bearer a="1",b="2",Basic realm="x", Digest nonce=3', {"bearer", "basic", "digest"}),
        ('Basic-Plus realm="x"', {"basic-plus"}),
        ("basic=1", set()),
    ],
)
def test_schemes_are_the_words_that_begin_a_challenge(header: str, found: set[str]) -> None:
    assert schemes(header) == found


def test_schemes_are_read_in_linear_time() -> None:
    began = time.process_time()
    for piece in ('"', "\\", 'a "', "a ,", "Basic ", '="\\'):
        schemes(piece * 100_000)
    assert time.process_time() - began < 10
