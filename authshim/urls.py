"""URLs, the keys that they are looked up under, and what may be shown of them.

One parser reads them all, urllib3's, so that nobody is shown one host and sent to another. A URL in which
the standard library finds another host is refused, for requests 2.32 and later dial that one
(CVE-2024-47081 came of two parsers).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import UrlError
from authshim.redact import SPACE_OR_CONTROL, redact_invalid
from authshim.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from urllib3.util.url import Url as ParsedUrl

PATH, PORT, HOST, WILDCARD, SERVICE, DEFAULT = KINDS = (
    "path",
    "port",
    "host",
    "wildcard",
    "service",
    "default",
)
"""The kinds of key, in the order in which they are asked for."""

GIVEN = "given"
"""The kind of what stands in a URL itself; no provider is asked for it."""

_PORTS = {"http": 80, "https": 443}

_PLAIN = re.compile(
    r"(https?)://(?:([\w.~-]+)@)?([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?"
    r"((?:/(?!\.{1,2}(?:/|$))[\w~.+-]*)*)",
    re.ASCII,
)
"""A URL without an escape, a query or a segment of dots."""

LONGEST = 253
"""Characters of a host name at most, without the dot at its end (RFC 1035)."""

DEEPEST = 100
"""Segments of a path that are told apart: a server may name one of 30,000 in its ``Location``."""

MAX_DECODINGS = 8
"""Rounds in which a path is percent-decoded; a path that still changes then is read by no honest server."""


class Key(str):
    """What a credential is looked up under: text, and the ``kind`` of it (one of ``KINDS``, or GIVEN)."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, text: str, kind: str) -> Key:  # noqa: PYI034 - Self is of 3.11
        key = super().__new__(cls, text)
        key.kind = kind
        return key

    def __reduce__(self) -> tuple[type[Key], tuple[str, str]]:
        return Key, (str(self), self.kind)


class Url(NamedTuple):
    """An http(s) URL as it is dialled: ``host`` in lower case and punycode, IPv6 in brackets."""

    scheme: str
    host: str
    port: int
    path: str
    username: str | None = None
    password: Secret | None = None

    def __repr__(self) -> str:
        return f"Url({self.origin + self.path!r})"

    @property
    def origin(self) -> str:
        """Scheme, host and port; two URLs with the same origin may share a credential."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def netloc(self) -> str:
        """``host``, and ``:port`` where it is not the scheme's own."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def https_twin(origin: str) -> str:
    """Return the https origin to which a host redirects its plain http; empty if a port is not the default one.

    >>> https_twin("http://h.example:80")
    'https://h.example:443'
    """
    is_default = origin.startswith("http://") and origin.endswith(":80")
    return f"https{origin[len('http') : -len('80')]}443" if is_default else ""


def parse(url: str) -> Url:
    """Read an absolute http(s) URL.

    The userinfo is percent-decoded once. A control character anywhere is refused.

    :raises UrlError: no http(s), no host, or a host or port that cannot be dialled; the
        error shows the URL redacted.
    """
    if "://" not in url:
        raise UrlError(redact_invalid(url), "it has no scheme, such as https://")
    parts = None if SPACE_OR_CONTROL.search(url) else _dialled(url)
    if parts is None:
        raise UrlError(
            redact_invalid(url),
            "it has a space, a control character, or a host or port that is not clear to every reader",
        )
    if parts.scheme not in _PORTS:
        raise UrlError(redact_invalid(url), "it is not an http(s) URL")
    if not parts.host:
        raise UrlError(redact_invalid(url), "it has no host")
    name = parts.host.removesuffix(".")
    if len(name) > LONGEST or not all(0 < len(label) < 64 for label in name.split(".")):
        raise UrlError(
            redact_invalid(url),
            "its host name is too long, or has a part that is empty or too long",
        )
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    return Url(parts.scheme, parts.host, port, parts.path or "/", *_userinfo(parts.auth or ""))


def _userinfo(text: str) -> tuple[str | None, Secret | None]:
    """Return the username and the password of ``user:password``; None for what is not there."""
    if not text:
        return None, None
    from urllib.parse import unquote  # 4 ms, of which `authshim auth token` needs none

    username, colon, password = text.partition(":")
    return unquote(username), Secret(unquote(password)) if colon else None


class _Plain(NamedTuple):
    """The parts of a URL that every parser reads alike."""

    scheme: str
    auth: str | None
    host: str
    port: int | None
    path: str


def _plain(url: str) -> _Plain | None:
    """Return the parts of a URL of plain letters, or None: the import of urllib3 takes longer than the look-up."""
    match = _PLAIN.fullmatch(url)
    if match is None:
        return None
    scheme, auth, host, digits, path = match.groups()
    if digits is None:
        return _Plain(scheme, auth, host, None, path)
    port = int(digits)
    return _Plain(scheme, auth, host, port, path) if port < 65536 else None


def _dialled(url: str) -> ParsedUrl | _Plain | None:
    """Return what urllib3 makes of a URL; None, not its error, which may show a password as the port.

    None also where the standard library makes another host or port of it: one of the two is dialled.
    """
    plain = _plain(url)
    if plain is not None:
        return plain
    parse_url, urlsplit, LocationParseError = _parsers()  # noqa: N806 - it is a class
    try:
        parts, other = parse_url(url), urlsplit(url)
        host = other.hostname or ""
        host = host if host.isascii() else parse_url(f"http://{host}").host or ""
        # For the port 0 urllib3 takes the scheme's own.
        agreed = _bare(parts.host or "") == _bare(host) and parts.port == other.port != 0
        # What dials an address decodes its zone once more.
        agreed = agreed and not re.search(r":.*%(?!25)[0-9A-Fa-f]{2}", host)
    except (LocationParseError, ValueError):
        return None
    return parts if agreed else None


@cache
def _parsers() -> tuple[Callable[[str], ParsedUrl], Callable[[str], Any], type[Exception]]:
    """Import them when the first URL is read: they take more than all else that ``authshim auth token`` needs."""
    from urllib.parse import urlsplit

    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    return parse_url, urlsplit, LocationParseError


def _bare(host: str) -> str:
    """Return a host as both parsers write it: without brackets, the zone of an address after a lone ``%``."""
    return host.strip("[]").lower().replace("%25", "%")


def host_keys(url: Url, path_keys: frozenset[str] = frozenset()) -> list[Key]:
    """List the keys of a URL, the nearest first; this order is the matching rule.

    1. ``host:port/path`` and ``host/path``, by whole segments, the longest first, of those
       that are in ``path_keys``
    2. ``host:port``, the port being the scheme's own where the URL names none
    3. ``host``
    4. ``*.host``, ``*.parent`` and so on; none for an IP address, and never a lone ``*``

    Steps 3 and 4 are rattler's (``get_by_url`` in its ``storage.rs``); the rest is ours.
    """
    netlocs = (f"{url.host}:{url.port}", url.host)
    by_path = (netloc + path for path in prefixes(url.path) for netloc in netlocs)
    paths = [Key(text, PATH) for text in by_path if text in path_keys]
    return [*paths, Key(netlocs[0], PORT), Key(url.host, HOST), *_wildcards(url.host)]


def _wildcards(host: str) -> list[Key]:
    if is_ip(host):
        return []
    labels = host.split(".")
    return [Key("*." + ".".join(labels[at:]), WILDCARD) for at in range(len(labels)) if labels[at]]


def is_ip(host: str) -> bool:
    """Tell whether a host, as ``parse`` returns it, is an address and not a name."""
    return host.startswith("[") or re.fullmatch(r"[0-9]+(\.[0-9]+){3}", host) is not None


def is_loopback(host: str) -> bool:
    """Tell whether a host, as ``parse`` returns it, is this machine."""
    return (
        host in ("localhost", "[::1]")
        or host.endswith(".localhost")
        or (is_ip(host) and host.startswith("127."))
    )


def prefixes(path: str) -> list[str]:
    """List the prefixes of a path by whole segments, the longest first, without the empty one.

    Of a path of more than ``DEEPEST`` segments the longer ones are left out.

    >>> prefixes("/acme/feed/simple/")
    ['/acme/feed/simple', '/acme/feed', '/acme']
    """
    segments = path.strip("/").split("/", DEEPEST)[:DEEPEST] if path.strip("/") else []
    return ["/" + "/".join(segments[:count]) for count in range(len(segments), 0, -1)]


def path_of(url: str) -> str:
    """Return the path by which a credential is chosen for a URL whose origin can be dialled.

    Return ``/`` if the path cannot be read, or servers read it in different ways.
    """
    if has_ambiguous_path(url):
        return "/"
    try:
        return parse(url).path
    except UrlError:
        return "/"


def has_ambiguous_path(url: str) -> bool:
    """Tell if servers may take the path of a URL for another one, because of dots that are hidden in it.

    The path is taken as urllib3 puts it on the wire. Proxies and servers decode it once more or
    twice, cut it at a ``;``, read a backslash as a slash, or trim blanks, and then resolve ``..``.

    >>> has_ambiguous_path("https://h.example/a/..%2fb/x"), has_ambiguous_path("https://h.example/a%2Fb/x")
    (True, False)
    """
    if url.isascii() and not ("%" in url or "/." in url or ";" in url or "\\" in url):
        return False  # as of nearly all URLs
    head = re.split("[?#]", url, maxsplit=1)[0]
    start = head.find("/", len("https://"))
    path = _decoded(head[start:]) if start > 0 else ""
    return (
        path is None or _HIDDEN.search(path) is not None or _has_wide_marks(path) or _has_dots(path)
    )


_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2044\u2215]|%u[0-9A-Fa-f]{4}")
"""Control characters, a backslash, two slashes of mathematics, and the encoding of IIS."""


def _decoded(path: str) -> str | None:
    """Return a path percent-decoded until it no longer changes; None if that is not UTF-8, or takes too long."""
    from urllib.parse import unquote_to_bytes

    try:
        data = path.encode()
        for _ in range(MAX_DECODINGS):
            before, data = data, unquote_to_bytes(data)
            if data == before:
                return data.decode()
    except UnicodeError:
        return None
    return None


def _has_wide_marks(path: str) -> bool:
    """Tell if a path has a full-width dot, slash or the like, which some servers read as the ASCII one."""
    if path.isascii():
        return False
    from unicodedata import normalize

    narrow = normalize("NFKC", path)
    return any(narrow.count(mark) != path.count(mark) for mark in "./\\;")


def _has_dots(path: str) -> bool:
    """Tell if a segment of a path has only dots, apart from blanks and what follows a ``;``."""
    if not re.search(r"/\s*\.", path):
        return False
    names = (re.split("[;?#]", segment, maxsplit=1)[0] for segment in path.split("/"))
    bare = ("".join(name.split()) for name in names)
    return any(name and not name.strip(".") for name in bare)


def shared_path(path: str, other: str) -> str:
    """Return the longest prefix by whole segments that two paths have in common.

    >>> shared_path("/acme/a/files", "/acme/b")
    '/acme'
    """
    others = prefixes(other)
    return next((prefix for prefix in prefixes(path) if prefix in others), "")


def normalise_key(text: str) -> str:
    """Return a key that somebody wrote as ``host_keys`` writes it: the host lower-case and in punycode.

    What cannot be read is returned as it is; no URL will match it.
    """
    host, slash, path = text.partition("/")
    host = host.lower()
    # In punycode a name is longer; and what is no name would be cut to the host of a URL.
    if not host.isascii() and len(host) <= LONGEST and not re.search(r"[@?#\\%]", host):
        wildcard = "*." if host.startswith("*.") else ""
        name, colon, port = host[len(wildcard) :].partition(":")
        try:
            host = f"{wildcard}{parse(f'https://{name}').host}{colon}{port}"
        except UrlError:
            return text
    return f"{host}{slash}{path}".rstrip("/")


_SIMPLE = re.compile(r"/\+?simple/*\Z", re.IGNORECASE)
"""The end of an index URL; devpi has ``/+simple``."""

_UP_TO_SIMPLE = re.compile(r"[A-Za-z]+://[^?#]*?/\+?simple(?=[/?#]|$)", re.IGNORECASE)


def index_root(url: str) -> str:
    """Return an index URL without a trailing ``/simple`` or ``/+simple``: what the index covers.

    >>> index_root("https://h.example/acme/simple/")
    'https://h.example/acme'
    """
    return _SIMPLE.sub("", url).rstrip("/")


def cut_after_simple(url: str) -> str | None:
    """Return a URL up to and with its first ``/simple`` or ``/+simple`` segment, else None.

    >>> cut_after_simple("https://h.example/acme/simple/demo/")
    'https://h.example/acme/simple'
    """
    match = _UP_TO_SIMPLE.match(url)
    return match.group() if match else None


_SCHEME_AND_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#\\]*)@)?")


def split_userinfo(url: str) -> tuple[str, str | None, str] | None:
    """Return the scheme, the userinfo and the rest of a URL, or None if it has no scheme.

    The host and the path may still be placeholders or broken. Use ``parse`` to dial a URL.

    >>> split_userinfo("https://ada@<host>/simple")
    ('https', 'ada', '<host>/simple')
    """
    match = _SCHEME_AND_USERINFO.match(url)
    if match is None:
        return None
    scheme, userinfo = match.groups()
    return scheme, userinfo, url[match.end() :]


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

    return url.replace("://", f"://{quote(username, safe='')}@", 1)


def normalise(url: str) -> str:
    """Return a URL that ``parse`` can read as it is dialled: without userinfo, fragment and the scheme's own port."""
    from urllib3.util import parse_url

    parts = parse_url(url)
    port = None if parts.port == _PORTS.get(parts.scheme or "") else parts.port
    host = parts.host or ""
    host = (
        host.replace("%", "%25") if host.startswith("[") else host
    )  # the sign of a zone (RFC 6874)
    return str(
        parts._replace(auth=None, host=host, fragment=None, port=port, path=parts.path or "/").url
    )


_PRESIGNED = (
    {"x-amz-signature"},
    {"x-goog-signature"},
    {"sig", "sv"},
    {"signature", "key-pair-id"},
    {"signature", "awsaccesskeyid"},
    {"signature", "googleaccessid"},
)
"""Query parameters of S3, Google Cloud Storage, Azure SAS, CloudFront, and the older S3 and Google forms."""


def is_presigned(url: str) -> bool:
    """Tell whether a URL carries its own signature; such a server refuses an Authorization header."""
    query = url.partition("#")[0].partition("?")[2]
    names = {pair.partition("=")[0].lower() for pair in query.split("&")}
    return any(marks <= names for marks in _PRESIGNED)
