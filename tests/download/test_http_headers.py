"""Tests of the parsers for the headers of a resumed download."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from requests.structures import CaseInsensitiveDict

from authshim.download import http_headers

NOON = "Mon, 06 Jan 2025 12:00:00 GMT"
LATER = "Mon, 06 Jan 2025 12:00:01 GMT"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("bytes 5-9/10", 10),
        ("Bytes 5-9/10", 10),
        ("bytes 5-9/*", None),
        ("bytes 4-9/10", None),
        ("bytes 5-8/10", None),
        ("bytes 5-10/10", None),
        ("bytes 5-3/4", None),
        ("bytes */10", None),
        ("bytes 5-9", None),
        ("items 5-9/10", None),
        ("bytes=5-9/10", None),
        ("bytes 5-٩/10", None),
        (f"bytes 5-{'1' * 5000}/{'1' * 5000}", None),
        ("", None),
    ],
)
def test_size_of_rest_is_none_if_content_range_is_not_the_rest(
    value: str, size: int | None
) -> None:
    assert http_headers.size_of_rest(value, 5, None) == size


@pytest.mark.parametrize(("length", "size"), [(5, 10), (4, None), (6, None), (None, 10)])
def test_size_of_rest_is_none_if_content_length_differs(
    length: int | None, size: int | None
) -> None:
    assert http_headers.size_of_rest("bytes 5-9/10", 5, length) == size


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
        ({"Last-Modified": "Mon, 06 Jan 2025 12:00:00 -0000", "Date": LATER}, ""),
        ({}, ""),
    ],
)
def test_validator_is_a_strong_one_or_empty(headers: dict[str, str], validator: str) -> None:
    assert http_headers.validator(CaseInsensitiveDict(headers)) == validator


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        ("0", 0),
        (NOON, 0),
        ("soon", 0),
        (" ", 0),
        ("-5", 0),
        ("9" * 4000, http_headers.MAX_RETRY_AFTER_SECONDS),
    ],
)
def test_retry_after_is_seconds_or_zero(value: str, seconds: int) -> None:
    assert http_headers.retry_after({"Retry-After": value}) == seconds


def test_retry_after_may_be_a_date() -> None:
    date = formatdate(time.time() + 100, usegmt=True)
    assert 90 < http_headers.retry_after({"Retry-After": date}) <= 100


def test_retry_after_is_zero_if_it_is_missing() -> None:
    assert http_headers.retry_after({}) == 0
