"""Parsers for the response headers that a resumed download depends on (RFC 9110)."""

from __future__ import annotations

import re
from email.utils import mktime_tz, parsedate_tz
from typing import TYPE_CHECKING

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRY_AFTER_SECONDS = 6 * 60 * 60

_NUMBER = "([0-9]{1,18})"
_STRONG_ETAG = r'"[!#-~]*"'


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return the bytes of the body, or None if they are unknown. A chunked body has no length."""
    match = re.fullmatch(_NUMBER, headers.get("Content-Length", ""))
    if match is None or "Transfer-Encoding" in headers:
        return None
    return int(match[1])


def size_of_rest(headers: Mapping[str, str], start: int) -> int | None:
    """Return the size of the complete file if the body is its rest from ``start``, else None."""
    pattern = rf"bytes {start}-{_NUMBER}/{_NUMBER}"
    match = re.fullmatch(pattern, headers.get("Content-Range", ""), re.IGNORECASE)
    if match is None:
        return None
    last, size = int(match[1]), int(match[2])
    is_rest = start <= last == size - 1
    has_its_length = content_length(headers) in (None, size - start)
    return size if is_rest and has_its_length else None


def validator(headers: Mapping[str, str]) -> str:
    """Return the value for ``If-Range``: a strong ETag, else Last-Modified, else an empty string.

    Last-Modified is strong only if it is at least one second older than Date (section 8.8.2.2).
    """
    tag = headers.get("ETag")
    if tag is not None:
        return tag if re.fullmatch(_STRONG_ETAG, tag) else ""
    modified = headers.get("Last-Modified", "")
    # A comparison with NaN is always false.
    age = _unix_time(headers.get("Date", "")) - _unix_time(modified)
    return modified if age >= 1 else ""


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of ``Retry-After``, or 0 if it is missing or malformed."""
    try:
        seconds = Retry().parse_retry_after(headers.get("Retry-After", ""))
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(seconds, MAX_RETRY_AFTER_SECONDS)


def _unix_time(date: str) -> float:
    """Return an HTTP date as Unix time, or NaN if it is malformed."""
    try:
        return float(mktime_tz(parsedate_tz(date)))  # type: ignore[arg-type]
    except (ValueError, TypeError, IndexError, OverflowError):
        return float("nan")
