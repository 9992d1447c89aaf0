"""What stands on a page of an index: pypi-simple reads it, JSON (PEP 691) or HTML (PEP 503).

Bounded in bytes and in time, whatever the server does.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from authshim.threads import TooLong, within
from authshim.urls import shown, without_userinfo
from authshim.witness import as_it_comes

if TYPE_CHECKING:
    from pypi_simple import ProjectPage
    from requests import Response

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")

ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.1"

LONGEST = 16 * 1024 * 1024
"""Bytes of a page; the longest of pypi.org have a few million."""

MOST = 1_000_000
"""Tags, objects, lists and commas of a page; a parser takes up to a kilobyte for each. A file has 3 or 15."""

LONGEST_NAME = 255
"""Characters of a file's name: no file system keeps a longer one."""

SLOWEST = 120.0
"""Seconds from the first byte of a page to its end, and as many to parse it."""


class File(NamedTuple):
    """A file that a page lists, as far as its name and the page tell."""

    filename: str
    url: str
    """Absolute, without userinfo and fragment; it may be presigned: redact it before it is shown."""
    requires_python: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()
    """Algorithm and hexadecimal digest."""
    yanked: bool = False


class Unreadable(Exception):
    """Why a page is none; without what stood on it."""


def read(response: Response) -> tuple[str, tuple[File, ...]]:
    """Return the version of the API, "JSON 1.1" and so on, and the files that a page lists.

    :raises Unreadable: it is no page of an index, too long, or too slow.
    """
    listed = _parsed(response, _body(response))
    html = "json" not in content_type(response)
    return _api(response, listed), tuple(_file(package, html=html) for package in listed.packages)


def _body(response: Response) -> bytes:
    """Read a page to its end.

    :raises Unreadable: it is too long, or takes too long.
    """
    until = time.monotonic() + SLOWEST
    parts, size = [], 0
    for part in as_it_comes(response, decode=True):
        size += len(part)
        if size > LONGEST:
            raise Unreadable(f"its page is longer than {LONGEST:,} bytes")
        if time.monotonic() > until:
            raise Unreadable(f"its page did not end within {SLOWEST:g} s")
        parts.append(part)
    return b"".join(parts)


def _parsed(response: Response, body: bytes) -> ProjectPage:
    """Let pypi-simple read a page.

    :raises Unreadable: it cannot.
    """
    if sum(body.count(mark) for mark in (b"<", b"{", b"[", b",")) > MOST:
        raise Unreadable("its page lists more than any index has")
    _quieten()
    try:
        page = within(SLOWEST, lambda: _page(response, body))
    except TooLong:
        raise Unreadable(f"its page could not be read within {SLOWEST:g} s") from None
    except Exception as error:  # noqa: BLE001 - anything may come of what a stranger wrote
        raise Unreadable(_why_unreadable(error, response, body)) from None
    if not any(file.version for file in page.packages) and _is_for_people(response, body):
        raise Unreadable("it showed a page for people, not an index's")
    return page


def _page(response: Response, body: bytes) -> ProjectPage:
    """Do what ``ProjectPage.from_response`` does, but for names that are longer than any: it sits over them for hours.

    While it does, no other thread of the process gets on, and none can give it up.
    """
    from dataclasses import replace

    from pypi_simple import DistributionPackage, ProjectPage, RepositoryPage, UnsupportedContentTypeError

    kind = content_type(response)
    if kind == _JSON:
        # As if it had been read without a stream.
        response._content = body
        data = response.json()
        data["files"] = [file for file in data["files"] if len(str(file["filename"])) <= LONGEST_NAME]
        return ProjectPage.from_json_data(data, response.url)
    if kind not in _HTML:
        raise UnsupportedContentTypeError(response.url, kind)
    found = RepositoryPage.from_html(body, response.url, _charset(response))
    # The name of a file is its link's, not its text.
    links = [replace(link, text=link.text[: LONGEST_NAME + 1]) for link in found.links]
    packages = [DistributionPackage.from_link(link) for link in links]
    return ProjectPage("", packages, found.repository_version, None)


def _charset(response: Response) -> str | None:
    from email.message import Message

    message = Message()
    message["Content-Type"] = response.headers.get("Content-Type", "")
    return message.get_content_charset()


_QUIETING = threading.Lock()


def _quieten() -> None:
    """Keep to themselves what Beautiful Soup and pypi-simple warn of: much that a stranger wrote looks odd to them.

    The filters of warnings are the process's, so what is set once stays.
    """
    import warnings

    import bs4
    import pypi_simple

    named = [value for module in (bs4, pypi_simple) for value in vars(module).values()]
    kinds = [value for value in named if isinstance(value, type) and issubclass(value, Warning)]
    with _QUIETING:
        for kind in kinds:
            if not any(each[0] == "ignore" and each[2] is kind for each in warnings.filters):
                warnings.simplefilter("ignore", kind)


def _why_unreadable(error: Exception, response: Response, body: bytes) -> str:
    import pypi_simple

    if isinstance(error, pypi_simple.UnsupportedContentTypeError):
        return f"its page is neither JSON nor HTML of an index but {shown(content_type(response))!r}"
    if isinstance(error, pypi_simple.UnsupportedRepoVersionError):
        return "its page has a version of the Simple API that is not known here"
    if "json" not in content_type(response):
        return "its page is HTML that cannot be read"
    html = body.lstrip()[:1] == b"<"
    return "it answered HTML and called it JSON" if html else "its page is no JSON of the Simple API"


def _is_for_people(response: Response, body: bytes) -> bool:
    """Tell a page with something to fill in or to run; an index's has neither."""
    text = body.lower()
    return "html" in content_type(response) and (b"<form" in text or b"<script" in text)


def content_type(response: Response) -> str:
    """Return what a response says that it is, without parameters; HTML where it does not say."""
    kind = response.headers.get("Content-Type", "text/html").partition(";")[0].strip().lower()
    return kind if kind.isprintable() else ""


def _api(response: Response, page: ProjectPage) -> str:
    kind = "JSON" if "json" in content_type(response) else "HTML"
    return f"{kind} {page.repository_version or ''}".rstrip()


def _file(package: Any, *, html: bool) -> File:
    """Keep of a file what a choice needs; of HTML uv takes the name from the link, and not from its text."""
    url = without_userinfo(package.url)
    return File(
        unquote(urlsplit(url).path.rpartition("/")[2]) if html else package.filename,
        url,
        package.requires_python,
        tuple(sorted(pair for pair in package.digests.items() if _HASH.fullmatch("=".join(pair)))),
        package.is_yanked,
    )


_HASH = re.compile(r"[A-Za-z0-9_]{1,20}=[0-9A-Fa-f]{1,128}")
