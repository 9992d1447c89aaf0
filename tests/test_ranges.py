"""What the headers of a response say of a file's bytes."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from authshim import ranges
from authshim.ranges import Span

NOON = "Mon, 06 Jan 2025 12:00:00 GMT"
LATER = "Mon, 06 Jan 2025 12:00:01 GMT"


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("bytes 5-9/10", Span(5, 9, 10)),
        ("Bytes 5-9/10", Span(5, 9, 10)),
        ("bytes 5-9/*", Span(5, 9, None)),
        ("bytes */10", Span(None, None, 10)),
        ("bytes 5-10/10", None),
        ("bytes 9-5/10", None),
        ("bytes 5-9", None),
        ("items 5-9/10", None),
        ("bytes=5-9/10", None),
        ("bytes ٥-9/10", None),
        (f"bytes 5-9/{'1' * 5000}", None),
        ("", None),
    ],
)
def test_a_content_range_is_read_where_it_makes_sense(said: str, span: Span | None) -> None:
    assert ranges.span({"Content-Range": said}) == span


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"Content-Length": "10"}, 10),
        ({"Content-Length": "-1"}, None),
        ({"Content-Length": "10, 10"}, None),
        ({"Content-Length": "1" * 5000}, None),
        ({"Content-Length": "10", "Transfer-Encoding": "chunked"}, None),
        ({}, None),
    ],
)
def test_a_length_is_a_number_that_is_meant(headers: dict[str, str], length: int | None) -> None:
    assert ranges.length(headers) == length


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"v1"'}, '"v1"'),
        ({"ETag": '"v1"', "Last-Modified": NOON, "Date": LATER}, '"v1"'),
        ({"ETag": 'W/"v1"'}, ""),
        ({"ETag": 'W/"v1"', "Last-Modified": NOON, "Date": LATER}, ""),
        ({"ETag": "v1"}, ""),
        ({"ETag": '"v1" "v2"'}, ""),
        ({"ETag": '"é"'}, ""),
        ({"Last-Modified": NOON, "Date": LATER}, NOON),
        ({"Last-Modified": NOON, "Date": NOON}, ""),
        ({"Last-Modified": NOON}, ""),
        ({"Last-Modified": "yesterday", "Date": LATER}, ""),
        ({"Last-Modified": "Mon, 06 Jan 2025 12:00:00 -0000", "Date": LATER}, "Mon, 06 Jan 2025 12:00:00 -0000"),
        ({}, ""),
    ],
)
def test_only_what_tells_two_versions_apart_for_certain_is_a_validator(headers: dict[str, str], validator: str) -> None:
    assert ranges.validator(CaseInsensitiveDict(headers)) == validator


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("5", 5), ("0", 0), (LATER, 1), (NOON, 0), ("Mon, 06 Jan 2025 11:00:00 GMT", 0), ("soon", None), ("-5", None)],
)
def test_a_wait_is_seconds_or_a_date(said: str, seconds: int | None) -> None:
    noon = 1736164800.0
    assert ranges.retry_after({"Retry-After": said}, noon) == seconds


def test_nobody_asked_to_wait() -> None:
    assert ranges.retry_after({}, 0.0) is None
