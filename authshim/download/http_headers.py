"""Parsers for the response headers that a resumed download depends on (RFC 9110)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRY_AFTER_SECONDS = 6 * 60 * 60


def size_of_rest(content_range: str, start: int, length: int | None) -> int | None:
    """Return the size of the complete file if the body is its rest from ``start``, else None.

    :param length: the bytes of the body, or None if they are unknown.
    """
    pattern = rf"bytes {start}-([0-9]{{1,18}})/([0-9]{{1,18}})"
    match = re.fullmatch(pattern, content_range, re.IGNORECASE)
    if match is None:
        return None
    last, size = int(match[1]), int(match[2])
    if start <= last == size - 1 and length in (None, size - start):
        return size
    return None


def validator(headers: Mapping[str, str]) -> str:
    """Return the value for ``If-Range``: a strong ETag, else Last-Modified, else an empty string.

    Last-Modified is strong only if it is at least one second older than Date (section 8.8.2.2).
    """
    tag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if re.fullmatch(r'"[!#-~]*"', tag):
        return tag
    if "ETag" in headers:
        return ""
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    if age.total_seconds() < 1:
        return ""
    return modified


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of ``Retry-After``, or 0 if it is missing or malformed."""
    try:
        seconds = Retry().parse_retry_after(headers.get("Retry-After", ""))
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(seconds, MAX_RETRY_AFTER_SECONDS)
