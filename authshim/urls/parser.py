"""The parts of a URL that is dialled.

urllib3's parser reads it, so that a message names the host that is dialled. The standard library
has to find the same host, since requests 2.32 and later may dial that one (CVE-2024-47081 came of
two parsers).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

    from urllib3.util.url import Url as ParsedUrl

    Parts = tuple[
        str,
        Optional[str],
        str,
        Optional[int],
        str,
    ]
    """scheme, userinfo, host, port and path"""

MAX_PORT = 65535

_PLAIN = (
    r"(?a)(https?)://(?:([\w.~-]+)@)?([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?"
    r"((?:/(?!\.{1,2}(?:/|$))[\w~.+-]*)*)"
)
"""A URL without an escape, a query or a segment of dots."""


def _plain(url: str) -> Parts | None:
    """Return the parts of a URL without special characters, or None.

    It saves the import of urllib3, which takes longer than the look-up.
    """
    match = re.fullmatch(_PLAIN, url)
    if match is None:
        return None
    scheme, userinfo, host, digits, path = match.groups()
    if digits is None:
        return scheme, userinfo, host, None, path
    port = int(digits)
    if port > MAX_PORT:
        return None
    return scheme, userinfo, host, port, path


def dialled_parts(url: str) -> Parts | None:
    """Return the parts of a URL, or None if urllib3 and the standard library disagree about it.

    Either of them may be the one that is dialled. urllib3's error is not raised, since it may show
    a password as the port.
    """
    plain = _plain(url)
    if plain is not None:
        return plain
    parts = _agreed_parts(url)
    if parts is None:
        return None
    return (
        parts.scheme or "",
        parts.auth,
        parts.host or "",
        parts.port,
        parts.path or "",
    )


def _agreed_parts(url: str) -> ParsedUrl | None:
    """Return urllib3's parts, or None if the standard library finds another host or port."""
    parse_url, urlsplit, LocationParseError = _parsers()  # noqa: N806 - it is a class
    try:
        parts = parse_url(url)
        other = urlsplit(url)
        host = other.hostname or ""
        if not host.isascii():
            host = parse_url(f"http://{host}").host or ""
        if _is_clear(parts, host, other.port):
            return parts
    except (LocationParseError, ValueError):
        pass
    return None


def _is_clear(
    parts: ParsedUrl,
    host: str,
    port: int | None,
) -> bool:
    """Return True if the standard library found the same host and port."""
    # urllib3 replaces the port 0 by the default one.
    if port == 0 or port != parts.port:
        return False
    # The zone of an address is decoded once more when it is dialled.
    if re.search(r":.*%(?!25)[0-9A-Fa-f]{2}", host):
        return False
    dialled = parts.host or ""
    return _bare(host) == _bare(dialled)


@cache
def _parsers() -> tuple[Callable[[str], ParsedUrl], Callable[[str], Any], type[Exception]]:
    """Return the parsers, which are imported late.

    Their import takes longer than the rest of ``authshim auth token``.
    """
    from urllib.parse import urlsplit

    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    return parse_url, urlsplit, LocationParseError


def _bare(host: str) -> str:
    """Return a host without brackets, and with a lone ``%`` before the zone of an address."""
    bare = host.strip("[]").lower()
    return bare.replace("%25", "%")
