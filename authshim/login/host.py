"""The place that a user logs in at.

``urls.url`` says why annotations are not postponed here.
"""

import re
from typing import NamedTuple

from authshim.urls import Key, host_keys
from authshim.urls.url import S3_SCHEME, Url

_PORT_AT_END = r"(?:\[[^]]*\]|[^:]*):?([0-9]*)"


class LoginHost(NamedTuple):
    """A host, port, path or bucket to log in at."""

    key: str
    """The key of the login in a store."""
    host: str
    """The name alone, which tells the service, as ``urls.parse`` writes it."""
    keys: tuple[str, ...]
    """The keys that a logout removes: the host and its wildcard."""
    url: str
    """A URL that the key is for."""
    warning: str = ""
    username: str = ""
    """The username in the URL, ``****`` if it looks like a token, or an empty string."""

    @property
    def origin(self) -> str:
        """The scheme, host and port of the URL."""
        segments = self.url.split("/", 3)
        return "/".join(segments[:3])

    @property
    def is_bucket(self) -> bool:
        """True if it takes S3 keys."""
        return self.url.startswith(S3_SCHEME)

    def lookup_keys(self, path_keys: frozenset[str]) -> list[Key]:
        """List the keys of the URL, the nearest first, without importing urllib3."""
        if self.is_bucket:
            from authshim.urls.s3 import parse_s3, s3_keys

            bucket = parse_s3(self.url)
            return s3_keys(bucket)
        scheme, _, rest = self.url.partition("://")
        netloc, _, path = rest.partition("/")
        port = port_of(netloc)
        host = netloc[: len(netloc) - len(port)]
        number = 443
        if scheme == "http":
            number = 80
        if port:
            number = int(port[1:])
        url = Url(scheme, host, number, f"/{path}")
        return host_keys(url, path_keys)


def port_of(netloc: str) -> str:
    """Return the port of a host with its colon, or an empty string."""
    match = re.fullmatch(_PORT_AT_END, netloc)
    if match is None or not match[1]:
        return ""
    return f":{match[1]}"
