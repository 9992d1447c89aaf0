"""What the headers of a response say of the bytes of a file (RFC 9110, sections 8.8, 10.2.3, 13.1.5 and 14)."""

from __future__ import annotations

import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NUMBER = "([0-9]{1,18})"


class Span(NamedTuple):
    """What a ``Content-Range`` says: the first and the last byte of a part, and how many the whole has."""

    first: int | None = None
    """None where the server had no such part; so is ``last``."""
    last: int | None = None
    size: int | None = None
    """None where it does not say."""


def span(headers: Mapping[str, str]) -> Span | None:
    """Read a ``Content-Range``; None where there is none that can be read."""
    said = headers.get("Content-Range", "")
    match = re.fullmatch(rf"bytes (?:{_NUMBER}-{_NUMBER}|\*)/(?:{_NUMBER}|\*)", said, re.IGNORECASE)
    if match is None:
        return None
    found = Span(*(None if number is None else int(number) for number in match.groups()))
    if found.first is None or found.last is None:
        return found
    return found if found.first <= found.last and (found.size is None or found.last < found.size) else None


def length(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes a body has, where that is said; a chunked one may have any number."""
    match = re.fullmatch(_NUMBER, headers.get("Content-Length", ""))
    return None if match is None or "Transfer-Encoding" in headers else int(match.group(1))


def validator(headers: Mapping[str, str]) -> str:
    """Return what tells this version of a file from every other, for ``If-Range``; empty where nothing does.

    A weak ``ETag`` does not, and neither does a date within a second of which the file may have changed.
    """
    tag = headers.get("ETag")
    if tag is not None:
        return tag if re.fullmatch(r'"[!#-~]*"', tag) else ""
    changed, sent = _date(headers.get("Last-Modified")), _date(headers.get("Date"))
    return headers["Last-Modified"] if changed and sent and (sent - changed).total_seconds() >= 1 else ""


def retry_after(headers: Mapping[str, str], now: float) -> int | None:
    """Return in how many seconds the server wants to be asked again; None where it does not say.

    :param now: in Unix seconds.
    """
    said = headers.get("Retry-After", "")
    if re.fullmatch(_NUMBER, said):
        return int(said)
    date = _date(said)
    return None if date is None else max(0, round(date.timestamp() - now))


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
