"""URLs, and the keys under which their credentials are looked up."""

from __future__ import annotations

import re

from authshim.errors import UrlError
from authshim.redact import SPACE_OR_CONTROL, redact_invalid
from authshim.secret import Secret
from authshim.urls.parser import dialled_parts
from authshim.urls.paths import has_ambiguous_path, prefixes
from authshim.urls.url import PORTS, Url

PATH = "path"
PORT = "port"
HOST = "host"
WILDCARD = "wildcard"
PREFIX = "prefix"
SERVICE = "service"
DEFAULT = "default"
JOB = "job"
IDENTITY = "identity"
S3 = "s3"

KINDS = (PATH, PORT, HOST, WILDCARD, PREFIX, SERVICE, DEFAULT, JOB, IDENTITY, S3)
"""The kinds of key, in the order of the look-up. ``urls.s3`` has the rule of the last one."""

GIVEN = "given"
"""The kind of the userinfo of a URL. No provider is asked for it."""

MAX_HOST_CHARACTERS = 253
"""The limit of a host name without the dot at its end (RFC 1035)."""

MAX_LABEL_CHARACTERS = 63
"""The limit of a part of a host name (RFC 1035)."""


class Key(str):
    """A text under which a credential is looked up. Its ``kind`` is of ``KINDS``, or GIVEN."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, text: str, kind: str) -> Key:  # noqa: PYI034 - Self needs Python 3.11
        key = super().__new__(cls, text)
        key.kind = kind
        return key

    def __reduce__(self) -> tuple[type[Key], tuple[str, str]]:
        return Key, (str(self), self.kind)


def parse(url: str) -> Url:
    """Return the parts of an absolute http(s) URL.

    The userinfo is percent-decoded once. A control character anywhere is refused.

    :raises UrlError: no http(s), no host, or a host or port that cannot be dialled. The error
        shows the URL redacted.
    """
    if "://" not in url:
        raise UrlError(redact_invalid(url), "it has no scheme, such as https://")
    parts = None
    if not SPACE_OR_CONTROL.search(url):
        parts = dialled_parts(url)
    if parts is None:
        raise UrlError(
            redact_invalid(url),
            "it has a space, a control character, or a host or port that is not clear "
            "to every reader",
        )
    scheme, userinfo, host, port, path = parts
    reason = _reason(scheme, host)
    if reason:
        raise UrlError(redact_invalid(url), reason)
    if port is None:
        port = PORTS[scheme]
    username, password = _userinfo(userinfo)
    return Url(scheme, host, port, path or "/", username, password)


def _reason(scheme: str, host: str) -> str:
    """Return the reason why a URL cannot be dialled, or an empty string."""
    if scheme not in PORTS:
        return "it is not an http(s) URL"
    if not host:
        return "it has no host"
    if not _has_valid_lengths(host):
        return "its host name is too long, or has a part that is empty or too long"
    return ""


def _has_valid_lengths(host: str) -> bool:
    name = host.removesuffix(".")
    if len(name) > MAX_HOST_CHARACTERS:
        return False
    lengths = [len(label) for label in name.split(".")]
    return min(lengths) > 0 and max(lengths) <= MAX_LABEL_CHARACTERS


def _userinfo(text: str | None) -> tuple[str | None, Secret | None]:
    """Return the username and the password of ``user:password``, each None if it is missing."""
    if not text:
        return None, None
    from urllib.parse import unquote  # 4 ms, which `authshim auth token` does not need

    name, colon, quoted = text.partition(":")
    username = unquote(name)
    if not colon:
        return username, None
    password = Secret(unquote(quoted))
    return username, password


def host_keys(
    url: Url,
    path_keys: frozenset[str] = frozenset(),
) -> list[Key]:
    """List the keys of a URL, the most specific first. This order is the matching rule.

    1. ``host:port/path`` and ``host/path`` by whole segments, the longest first, if they are in
       ``path_keys``
    2. ``host:port``, with the default port if the URL names none
    3. ``host``
    4. ``*.host``, ``*.parent`` and so on, but never a lone ``*``, and none for an IP address
    5. ``scheme://host[:port]/path`` by whole segments, the longest first, if it is in ``path_keys``

    Rules 3 and 4 are rattler's (``get_by_url`` in its ``storage.rs``).
    """
    host = url.host
    with_port = f"{host}:{url.port}"
    keys = []
    if path_keys:
        keys += _path_keys(url, path_keys)
    keys.append(Key(with_port, PORT))
    keys.append(Key(host, HOST))
    keys += _wildcards(host)
    if path_keys:
        keys += _prefix_keys(url, path_keys)
    return keys


def _path_keys(url: Url, path_keys: frozenset[str]) -> list[Key]:
    keys = []
    netlocs = (f"{url.host}:{url.port}", url.host)
    for path in prefixes(url.path):
        for netloc in netlocs:
            text = netloc + path
            if text in path_keys:
                keys.append(Key(text, PATH))
    return keys


def _prefix_keys(url: Url, path_keys: frozenset[str]) -> list[Key]:
    site = url._replace(path="").prefix
    paths = [*prefixes(url.path), ""]
    found = [site + path for path in paths]
    return [Key(prefix, PREFIX) for prefix in found if prefix in path_keys]


def _wildcards(host: str) -> list[Key]:
    if is_ip(host):
        return []
    keys = []
    labels = host.split(".")
    for start, label in enumerate(labels):
        if label:
            parent = ".".join(labels[start:])
            keys.append(Key(f"*.{parent}", WILDCARD))
    return keys


def is_ip(host: str) -> bool:
    """Return True if a host of ``parse`` is an address and not a name."""
    if host.startswith("["):
        return True
    return re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host) is not None


def is_loopback(host: str) -> bool:
    """Return True if a host of ``parse`` is this machine."""
    if host in ("localhost", "[::1]") or host.endswith(".localhost"):
        return True
    return is_ip(host) and host.startswith("127.")


def path_of(url: str) -> str:
    """Return the path of a URL that chooses its credential.

    Return ``/`` if the path cannot be read, or if servers read it in different ways.
    """
    if has_ambiguous_path(url):
        return "/"
    try:
        return parse(url).path
    except UrlError:
        return "/"


def normalise_key(text: str) -> str:
    """Return a written key in the form of ``host_keys``: the host in lower case and punycode.

    A key that cannot be read is returned unchanged, and matches no URL.
    """
    host, slash, path = text.partition("/")
    host = host.lower()
    if not host.isascii():
        try:
            host = _in_punycode(host)
        except UrlError:
            return text
    return f"{host}{slash}{path}".rstrip("/")


def _in_punycode(host: str) -> str:
    """Return a host, which may have a wildcard and a port, in punycode.

    :raises UrlError: the name cannot be dialled.
    """
    # In punycode the name would be longer, and userinfo or a query would be cut off.
    is_too_long = len(host) > MAX_HOST_CHARACTERS
    if is_too_long or re.search(r"[@?#\\%]", host):
        return host
    wildcard = ""
    if host.startswith("*."):
        wildcard = "*."
    netloc = host[len(wildcard) :]
    name, colon, port = netloc.partition(":")
    parsed = parse(f"https://{name}")
    return f"{wildcard}{parsed.host}{colon}{port}"


_SCHEME_AND_USERINFO = r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#\\]*)@)?"


def split_userinfo(url: str) -> tuple[str, str | None, str] | None:
    """Return the scheme, the userinfo and the rest of a URL, or None if it has no scheme.

    The host and the path may still be placeholders or broken. Use ``parse`` to dial a URL.

    >>> split_userinfo("https://ada@<host>/simple")
    ('https', 'ada', '<host>/simple')
    """
    match = re.match(_SCHEME_AND_USERINFO, url)
    if match is None:
        return None
    scheme, userinfo = match.groups()
    rest = url[match.end() :]
    return scheme, userinfo, rest


def without_userinfo(url: str) -> str:
    """Return a URL without ``user:password@``."""
    parts = split_userinfo(url)
    if parts is None:
        return url
    scheme, _, rest = parts
    return f"{scheme}://{rest}"


def with_username(url: str, username: str | None) -> str:
    """Return a URL that has no userinfo with ``username@``, if there is a username."""
    if username is None:
        return url
    from urllib.parse import quote

    quoted = quote(username, safe="")
    return url.replace("://", f"://{quoted}@", 1)


def normalise(url: str) -> str:
    """Return a URL that ``parse`` can read in the form in which it is dialled.

    The userinfo, the fragment and the default port are dropped.
    """
    from urllib3.util import parse_url

    parts = parse_url(url)
    port = parts.port
    scheme = parts.scheme or ""
    if port == PORTS.get(scheme):
        port = None
    host = parts.host or ""
    if host.startswith("["):
        host = host.replace("%", "%25")  # the sign of a zone (RFC 6874)
    path = parts.path or "/"
    normalised = parts._replace(
        auth=None,
        host=host,
        fragment=None,
        port=port,
        path=path,
    )
    return str(normalised.url)
