"""The parts of a URL.

This module has no ``from __future__ import annotations``: a NamedTuple would compile each
annotation, which is a tenth of the time of ``authshim auth token``.
"""

from typing import NamedTuple, Optional

from authshim.secret import Secret

PORTS = {"http": 80, "https": 443}
"""The default ports."""

S3_SCHEME = "s3://"
_S3_BEGINNINGS = ("s3://", "S3://")


class Url(NamedTuple):
    """A URL as it is dialled: the host in lower case and punycode, an IPv6 address in brackets."""

    scheme: str
    host: str
    port: int
    path: str
    username: Optional[str] = None
    password: Optional[Secret] = None

    def __repr__(self) -> str:
        return f"Url({self.origin + self.path!r})"

    @property
    def origin(self) -> str:
        """The scheme, host and port. Two URLs of one origin may share a credential."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def netloc(self) -> str:
        """The ``host``, with ``:port`` unless that is the default port of the scheme."""
        if self.port == PORTS[self.scheme]:
            return self.host
        return f"{self.host}:{self.port}"

    @property
    def prefix(self) -> str:
        """The key of a login for this URL and all URLs below it, without a slash at its end."""
        return f"{self.scheme}://{self.netloc}{self.path}".rstrip("/")


def is_s3(url: str) -> bool:
    """Return True for an ``s3://`` URL."""
    return url.startswith(_S3_BEGINNINGS)


def https_twin(origin: str) -> str:
    """Return the https origin of an http origin, or an empty string if the port is not 80.

    >>> https_twin("http://h.example:80")
    'https://h.example:443'
    """
    if not origin.startswith("http://"):
        return ""
    if not origin.endswith(":80"):
        return ""
    host = origin[len("http://") : -len(":80")]
    return f"https://{host}:443"
