"""The header that ``requests`` itself makes of netrc, before an adapter runs and at each redirect.

It goes over an explicit header even, and knows neither ports nor usernames; so the adapter takes
a header that equals it as not set by the caller.
"""

from __future__ import annotations

import os
import stat

from requests.auth import HTTPBasicAuth
from requests.models import PreparedRequest
from requests.structures import CaseInsensitiveDict
from requests.utils import NETRC_FILES, get_netrc_auth

from authshim.files import version
from authshim.secret import SecretHolder

MAX_HOSTS = 1000
"""The hosts of which the header is remembered."""


class RequestsNetrc(SecretHolder):
    """A memory of those headers until the file changes: requests reads it each time."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, str | None]] = {}

    def header(self, url: str) -> str | None:
        """Return the header that requests makes of netrc for a URL, or None if it makes none."""
        stamp = _stamp()
        start = url
        end = url.find("/", len("https://"))
        if end >= 0:
            start = url[:end]
        known = self._known.get(start)
        if known is not None and known[0] == stamp:
            return known[1]
        if len(self._known) >= MAX_HOSTS:
            self._known.clear()
        header = None
        # Opening a named pipe would wait for somebody to write to it.
        if _is_file(stamp):
            header = _read(url)
        self._known[start] = (stamp, header)
        return header


def _stamp() -> list[object]:
    """Return a value that changes if another netrc would be read; requests reads NETRC, too."""
    paths = [f"~/{name}" for name in NETRC_FILES]
    named = os.environ.get("NETRC")
    if named is not None:
        paths = [named]
    return [version(os.path.expanduser(path)) for path in paths]


def _is_file(stamp: list[object]) -> bool:
    """Tell if the first that is there, which requests reads, is a regular file."""
    for found in stamp:
        if isinstance(found, tuple):
            return stat.S_ISREG(found[-1])
    return False


def _read(url: str) -> str | None:
    request = PreparedRequest()
    request.headers = CaseInsensitiveDict()
    try:
        pair = get_netrc_auth(url)
        if pair is None:
            return None
        HTTPBasicAuth(*pair)(request)
    except ValueError:
        # It is not in Latin-1 or UTF-8. requests could not have sent it either.
        return None
    return str(request.headers["Authorization"])
