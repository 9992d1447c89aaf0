"""The path of a URL: its prefixes by whole segments, and forms that servers read differently."""

from __future__ import annotations

import re

MAX_SEGMENTS = 100
"""The segments of a path that are told apart. A ``Location`` may have 30,000."""

MAX_DECODINGS = 8
"""The rounds of percent-decoding. No honest server reads a path that still changes."""

_HIDDEN = r"[\x00-\x1f\x7f-\x9f\\\u2044\u2215]|%u[0-9A-Fa-f]{4}"
"""Control characters, a backslash, two slashes of mathematics, and the encoding of IIS."""

_FILLERS = "\u115f\u1160\u3164\uffa0"
"""The letters of Hangul that show nothing."""

_SIMPLE = r"(?i)/\+?simple/*\Z"
"""The end of an index URL; devpi has ``/+simple``."""

_UP_TO_SIMPLE = r"(?i)[A-Za-z]+://[^?#]*?/\+?simple(?=[/?#]|$)"


def prefixes(path: str) -> list[str]:
    """List the prefixes of a path by whole segments, the longest first, without the empty one.

    The list begins with ``MAX_SEGMENTS`` segments if the path has more.

    >>> prefixes("/acme/feed/simple/")
    ['/acme/feed/simple', '/acme/feed', '/acme']
    """
    path = path.strip("/")
    if not path:
        return []
    segments = path.split("/", MAX_SEGMENTS)
    found = []
    prefix = ""
    for segment in segments[:MAX_SEGMENTS]:
        prefix = f"{prefix}/{segment}"
        found.append(prefix)
    found.reverse()
    return found


def shared_path(path: str, other: str) -> str:
    """Return the longest common prefix of two paths by whole segments.

    >>> shared_path("/acme/a/files", "/acme/b")
    '/acme'
    """
    others = prefixes(other)
    for prefix in prefixes(path):
        if prefix in others:
            return prefix
    return ""


def index_root(url: str) -> str:
    """Return an index URL without a trailing ``/simple`` or ``/+simple``. The index covers it.

    >>> index_root("https://h.example/acme/simple/")
    'https://h.example/acme'
    """
    root = re.sub(_SIMPLE, "", url)
    return root.rstrip("/")


def cut_after_simple(url: str) -> str | None:
    """Return a URL up to and with its first ``/simple`` or ``/+simple`` segment, else None.

    >>> cut_after_simple("https://h.example/acme/simple/demo/")
    'https://h.example/acme/simple'
    """
    match = re.match(_UP_TO_SIMPLE, url)
    if match is None:
        return None
    return match.group()


def has_ambiguous_path(url: str) -> bool:
    """Return True if servers may resolve dots that are hidden in the path of a URL.

    Proxies and servers decode a path once or twice more, cut it at a ``;``, read a backslash as a
    slash, or trim blanks. Then they resolve ``..``. The path is that which urllib3 sends.

    >>> has_ambiguous_path("https://h.example/a/..%2fb/x")
    True
    >>> has_ambiguous_path("https://h.example/a%2Fb/x")
    False
    """
    # Nearly all URLs return here, so that this test is not a function of its own.
    if url.isascii() and not ("%" in url or "/." in url or ";" in url or "\\" in url):
        return False
    return _may_hide_dots(url)


def _may_hide_dots(url: str) -> bool:
    before_query, *_ = re.split("[?#]", url, maxsplit=1)
    start = before_query.find("/", len("https://"))
    if start < 0:
        return False
    written = before_query[start:]
    path = _decoded(written)
    if path is None:
        return True
    if re.search(_HIDDEN, path):
        return True
    return _has_wide_marks(path) or _has_dots(path)


def _decoded(path: str) -> str | None:
    """Return a path decoded until it no longer changes, or None if that fails."""
    from urllib.parse import unquote_to_bytes

    try:
        data = path.encode()
        for _ in range(MAX_DECODINGS):
            before = data
            data = unquote_to_bytes(data)
            if data == before:
                return data.decode()
    except UnicodeError:
        return None
    return None


def _has_wide_marks(path: str) -> bool:
    """Return True if a path has a full-width dot, slash or the like.

    Some servers read it as the ASCII character.
    """
    if path.isascii():
        return False
    from unicodedata import normalize

    narrow = normalize("NFKC", path)
    return any(narrow.count(mark) != path.count(mark) for mark in "./\\;")


def _has_dots(path: str) -> bool:
    """Return True if a segment shows only dots, apart from the rest after a ``;``."""
    for segment in path.split("/"):
        name, *_ = re.split("[;?#]", segment, maxsplit=1)
        if "." in name and _shows_nothing(name.replace(".", "")):
            return True
    return False


def _shows_nothing(text: str) -> bool:
    return all(map(_is_invisible, text))


def _is_invisible(character: str) -> bool:
    """Return True for a character that a server may drop: a blank, a mark, or an invisible one."""
    from unicodedata import category

    if character in _FILLERS:
        return True
    return category(character).startswith(("C", "M", "Z"))
