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
        """Return the header that requests makes of netrc for a URL; None where it makes none."""
        stamp = _stamp()
        end = url.find("/", 8)
        start = url if end < 0 else url[:end]
        known = self._known.get(start)
        if known is None or known[0] != stamp:
            if len(self._known) >= MAX_HOSTS:
                self._known.clear()
            # Opening a named pipe would wait for somebody to write to it.
            known = self._known[start] = (stamp, _read(url) if _is_file(stamp) else None)
        return known[1]


def _stamp() -> list[object]:
    """Return a value that changes if another netrc would be read; requests reads NETRC, too."""
    named = os.environ.get("NETRC")
    paths = [f"~/{name}" for name in NETRC_FILES] if named is None else [named]
    return [version(os.path.expanduser(path)) for path in paths]


def _is_file(stamp: list[object]) -> bool:
    """Tell whether the first that is there, which requests reads, is a regular file."""
    modes = [found[-1] for found in stamp if isinstance(found, tuple)]
    return bool(modes) and stat.S_ISREG(modes[0])


def _read(url: str) -> str | None:
    try:
        pair = get_netrc_auth(url)
        if pair is None:
            return None
        request = PreparedRequest()
        request.headers = CaseInsensitiveDict()
        return str(HTTPBasicAuth(*pair)(request).headers["Authorization"])
    except ValueError:
        return None  # not Latin-1, or not UTF-8: requests could not have sent it either
