"""URLs: one host is shown, looked up and dialled, and nothing that is shown tells a secret.

A byte 0xFF parts it into the pieces of which URLs with a secret in them are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests
from fuzz.promises import assert_sentences, assert_untold, attempt, innocent
from requests.adapters import HTTPAdapter
from urllib3.util import parse_url

from authshim.errors import UrlError
from authshim.lookup.cache import Cache
from authshim.lookup.coverage import declared_by_origin
from authshim.project.repositories import Channel, Index
from authshim.redact import redact, redact_key
from authshim.transport.carrier import _target
from authshim.urls import (
    HOST,
    PORT,
    WILDCARD,
    host_keys,
    normalise,
    normalise_key,
    parse,
    without_userinfo,
)
from authshim.urls.paths import cut_after_simple, index_root, prefixes
from authshim.urls.presigned import is_presigned
from authshim.urls.url import https_twin

if TYPE_CHECKING:
    from authshim.urls.url import Url

WORDS = [
    *(
        b"https://",
        b"http://",
        b"HTTPS://",
        b"//",
        b"://",
        b"file://",
        b"s3://",
        b"/",
        b"\\",
        b"@",
        b":",
        b"?",
        b"#",
        b".",
    ),
    *(
        b"h.example",
        b"evil.example",
        b"localhost",
        b"127.0.0.1",
        b"0x7f.1",
        b"[::1]",
        b"[fe80::1%25eth0]",
        b"[",
        b"]",
        b"*.",
    ),
    *(
        b"ada",
        b"s3cret",
        b":443",
        b":80",
        b":8443",
        b":99999",
        b":0",
        b":-1",
        b"/simple/",
        b"/t/",
        b"/t/s3cret/",
        b"..",
        b"//",
    ),
    *(
        b"%2f",
        b"%40",
        b"%5c",
        b"%00",
        b"%",
        b"%c3%bc",
        "ü".encode(),
        "ß".encode(),
        "\u2100".encode(),
        "\uff0f".encode(),
    ),
    *(
        "\uff20".encode(),
        "\u3002".encode(),
        "\u200d".encode(),
        "\u202e".encode(),
        b"xn--bcher-kva",
        b"xn--",
        b"\xff",
        b"-",
    ),
    *(
        b"X-Amz-Signature=1",
        b"sig=1&sv=2",
        b"&",
        b"=",
        b";",
        b"+",
        b" ",
        b"\t",
        b"\r\n",
        b"\x00",
        b"\x7f",
        b"\x85",
        b"_",
    ),
]

_ADAPTER = HTTPAdapter()
_BASE = "https://ada@h.example:8443/a/b?c"


def check(data: bytes) -> None:
    """Take ``data`` for a URL, a ``Location``, a project's declaration, and the parts of a URL."""
    text = data.decode("utf-8", "surrogateescape")
    _shown(text)
    url, said = attempt(lambda: parse(text), UrlError)
    assert len(said) < 600
    if url is not None:
        _read(text, url)
        _looked_up(text, url)
    _prepared(text)
    _redirected(data.decode("latin-1"))
    _declared(text)
    _planted([piece.decode("utf-8", "surrogateescape") for piece in data.split(b"\xff")])


def _shown(text: str) -> None:
    assert redact(text).isprintable()
    key = normalise_key(text)
    assert normalise_key(key) == key
    redact_key(text).encode()
    is_presigned(text)
    root = index_root(text)
    assert text.startswith(root)
    cut = cut_after_simple(text)
    assert cut is None or (text.startswith(cut) and cut.endswith("/simple"))


def _read(text: str, url: Url) -> None:
    theirs = parse_url(text)
    assert (url.scheme, url.host) == (theirs.scheme, theirs.host)
    assert url.port == (
        theirs.port if theirs.port is not None else {"http": 80, "https": 443}[url.scheme]
    )
    _is_dialled(text, url)
    bare = parse(without_userinfo(text))
    assert (bare.origin, bare.username, bare.password) == (url.origin, None, None)
    assert parse(normalise(text)).origin == url.origin
    assert normalise(normalise(text)) == normalise(text)
    if "#" not in text:
        assert is_presigned(f"{text}{'&' if '?' in text else '?'}X-Amz-Signature=1")


def _is_dialled(text: str, url: Url) -> None:
    """Compare with what `requests` makes urllib3 dial, where it does."""
    request = requests.PreparedRequest()
    request.url = text
    try:
        pool = _pool_for(request)
    except (requests.RequestException, ValueError):
        return  # whoever dials nothing sends nothing
    dialled = pool.host.strip("[]").lower().replace("%25", "%")
    assert dialled == url.host.strip("[]").lower().replace("%25", "%")
    assert (pool.scheme, pool.port or {"http": 80, "https": 443}[pool.scheme]) == (
        url.scheme,
        url.port,
    )


def _pool_for(request: requests.PreparedRequest) -> Any:
    """Return the connections that requests would use."""
    if hasattr(_ADAPTER, "get_connection_with_tls_context"):
        return _ADAPTER.get_connection_with_tls_context(request, verify=True)
    return _ADAPTER.get_connection(request.url)  # requests before 2.32


def _looked_up(text: str, url: Url) -> None:
    keys = host_keys(url, frozenset({f"{url.host}/a"}))
    assert len(keys) < 400
    for key in keys:
        if key.kind == WILDCARD:
            assert key.startswith("*.")
            assert len(key) > 2
            assert f".{url.host}".endswith(key[1:])
        elif key.kind in (HOST, PORT):
            assert key == (url.host if key.kind == HOST else f"{url.host}:{url.port}")
        else:
            assert key == f"{url.host}/a"
    candidates = Cache({}, tuple).candidates(text)
    assert candidates is not None
    assert {entry.url.origin for entry in candidates.entries} == {url.origin}


def _prepared(text: str) -> None:
    try:
        prepared = requests.Request("GET", text).prepare().url or ""
    except (requests.RequestException, ValueError):
        return
    url, _ = attempt(lambda: parse(prepared), UrlError)
    if url is not None:
        _is_dialled(prepared, url)


def _redirected(location: str) -> None:
    try:
        ours = _target(_BASE, location)
    except ValueError:
        ours = None
    theirs = _followed_by_hand(location)
    # If requests cannot ask for it, the expectation does not matter.
    assert theirs in (None, ours), f"{theirs!r} is asked for, not {ours!r}"


def _followed_by_hand(location: str) -> str | None:
    """Return the URL of a caller's own request for a ``Location``, or None if there is none."""
    try:
        url = urljoin(_BASE, location.encode("latin-1").decode("utf-8"))
        return requests.Request("GET", url).prepare().url
    except (requests.RequestException, ValueError):
        return None


def _declared(text: str) -> None:
    index, _ = attempt(lambda: Index(text), UrlError)
    channel, _ = attempt(lambda: Channel(text), UrlError)
    assert_sentences(repr(place) for place in (index, channel) if place is not None)
    by_origin = declared_by_origin([index] if index else [], [channel] if channel else [])
    for origin, site in by_origin.items():
        url = parse((index or channel).url)
        assert origin in (url.origin, https_twin(url.origin))
        prefix, covering = site.covering(url.path)
        assert prefix == "" or prefix in prefixes(url.path)
        assert covering or len(prefixes(url.path)) > 90


def _planted(pieces: list[str]) -> None:
    """Put a secret into a URL: as password, as token, into the query and behind a ``#``."""
    first, second, third = (*pieces, "", "", "")[:3]
    flat = str.maketrans(dict.fromkeys("/?#\\"))
    path = innocent(first.translate(str.maketrans(dict.fromkeys("?#"))))
    user, password = innocent(first.translate(flat)), innocent(second.translate(flat))
    second, third = innocent(second), innocent(third)
    for url in (
        f"https://{user}:s3cret{password}@{third}",
        f"https://{user}:{password}s3cret@h.example{third}",
    ):
        index, said = attempt(lambda url=url: Index(url), UrlError)
        assert_untold(said, *([repr(index), index.url] if index is not None else []))
        _is_untold(url)
        assert_untold(without_userinfo(url))
    for url in (
        f"https://h.example/{path}/t/s3cret",
        f"https://h.example/{path}?{second}s3cret{third}",
    ):
        _is_untold(url)
        _is_untold(f"{url}#{third}")


def _is_untold(url: str) -> None:
    read, said = attempt(lambda: parse(url), UrlError)
    assert_untold(redact(url), redact_key(url), said)
    if read is not None and "/t/" not in url:
        assert_untold(repr(read))
