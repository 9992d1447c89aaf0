"""Read one page of an index, JSON (PEP 691) or HTML (PEP 503), within bounds of bytes and time.

HTML is fed to the parser in small chunks, and the parser is never closed. Its time is linear so,
also in Pythons whose ``HTMLParser.close`` takes the square of what was left open.
"""

from __future__ import annotations

import codecs
import re
import time
from email.message import Message
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from authshim.index import json_page
from authshim.index.links import Entry, PageParser, Unreadable, check_version
from authshim.redact import shorten
from authshim.transport.body import gunzip, iter_body
from authshim.urls import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from requests import Response

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")

HEADERS = {
    "Accept": f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.1",
    "Accept-Encoding": "gzip",
}
"""Headers of a request for a page."""

MAX_PAGE_BYTES = 16 * 1024 * 1024
"""Bytes of an unpacked page, and of the URLs on it; the longest of pypi.org have a few million."""

MAX_PAGE_PARTS = 1_000_000
"""Tags, objects, lists and commas of a page; a file has 3 or 15."""

MAX_PAGE_SECONDS = 120.0
"""Seconds from the first byte of a page to its end, and as many to parse it."""

MAX_TAG_CHARACTERS = 64 * 1024
"""Characters of one tag, comment or script; the parser may take 250 bytes for each."""

MAX_FILENAME_CHARACTERS = 255
"""Characters of a file's name: no file system keeps a longer one."""

_CHUNK_CHARACTERS = 64 * 1024
_TOO_MANY = "its page lists more than any index has"
_BAD_HTML = "its page is HTML that cannot be read"
_PLAIN_PATH = re.compile(r"(?:/[\w%+~-][\w%+~.-]*)+", re.ASCII)
"""A path that is joined to the origin of its page as it stands, as most are."""

_WHOLE_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
"""The beginning of a link that has a host."""

_CHARSETS = (
    "utf-8",
    "ascii",
    "iso8859-1",
    "iso8859-15",
    "cp1252",
    "utf-16",
)
"""Encodings that take linear time; punycode, for one, does not."""

_ARCHIVES = (
    ".whl",
    ".zip",
    ".gz",
    ".tgz",
    ".bz2",
    ".xz",
    ".tar",
    ".egg",
    ".exe",
)

_MARKS = (b"<", b"{", b"[", b",")
"""The beginnings of the parts of a page."""


class File(NamedTuple):
    """A file that a page lists, as far as its name and the page tell."""

    filename: str
    url: str
    """Absolute, without userinfo and fragment. It may be presigned: redact it before showing it."""
    requires_python: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()
    """Algorithm and hexadecimal digest."""
    yanked: bool = False
    names_host: bool = False
    """True if the page has the whole URL, and not a path."""


def read(response: Response) -> tuple[str, tuple[File, ...]]:
    """Return the version of the API ("JSON 1.1" and so on) and the files that a page lists.

    :raises Unreadable: the body is no page of an index, too long, or too slow.
    """
    kind = content_type(response)
    body = _body(response)
    parts = sum(body.count(mark) for mark in _MARKS)
    if parts > MAX_PAGE_PARTS:
        raise Unreadable(_TOO_MANY)
    if kind == _JSON:
        version, entries = json_page.read(body)
        files = _files(entries, response.url)
        return f"JSON {version}", files
    if kind not in _HTML:
        raise Unreadable(f"its page is neither JSON nor HTML of an index but {shorten(kind)!r}")
    return _read_html(body, response)


def content_type(response: Response) -> str:
    """Return the media type of a response without parameters, or HTML if it has none."""
    header = response.headers.get("Content-Type", "text/html")
    kind, _, _ = header.partition(";")
    kind = kind.strip().lower()
    if not kind.isprintable():
        return ""
    return kind


def _body(response: Response) -> bytes:
    """Return a whole body, unpacked.

    :raises Unreadable: the body is too long, too slow, or packed in another way than gzip.
    """
    until = time.monotonic() + MAX_PAGE_SECONDS
    body = bytearray()
    for piece in _unpacked(response):
        body += piece
        if len(body) > MAX_PAGE_BYTES:
            raise Unreadable(f"its page is longer than {MAX_PAGE_BYTES:,} bytes")
        if time.monotonic() > until:
            raise Unreadable(f"its page did not end within {MAX_PAGE_SECONDS:g} s")
    return bytes(body)


def _unpacked(response: Response) -> Iterator[bytes]:
    header = response.headers.get("Content-Encoding", "identity")
    coding = header.strip().lower()
    if coding in ("gzip", "x-gzip"):
        return gunzip(iter_body(response))
    if coding in ("identity", ""):
        return iter_body(response)
    raise Unreadable(f"its page is packed as {shorten(coding)!r}, and only gzip was asked for")


def _read_html(
    body: bytes,
    response: Response,
) -> tuple[str, tuple[File, ...]]:
    charset = _charset(response)
    text = body.decode(charset, "replace")
    try:
        parser = _parse(text)
        if parser.version:
            check_version(parser.version)
        base = urljoin(response.url, parser.base.strip())
        files = _files(parser.entries, base)
    except Unreadable:
        raise
    except Exception:  # noqa: BLE001 - html.parser raises many things, each Python others
        reason = _for_people(body) or _BAD_HTML
        raise Unreadable(reason) from None
    if not any(_is_archive(file) for file in files):
        reason = _for_people(body)
        if reason:
            raise Unreadable(reason)
    api = f"HTML {parser.version}"
    return api.rstrip(), files


def _is_archive(file: File) -> bool:
    filename = file.filename.lower()
    return filename.endswith(_ARCHIVES)


def _parse(text: str) -> PageParser:
    """Feed a page to a parser.

    :raises ValueError: a tag is too long.
    :raises Unreadable: the page takes too long.
    """
    until = time.monotonic() + MAX_PAGE_SECONDS
    parser = PageParser()
    for start in range(0, len(text), _CHUNK_CHARACTERS):
        end = start + _CHUNK_CHARACTERS
        parser.feed(text[start:end])
        if len(parser.rawdata) > MAX_TAG_CHARACTERS:
            raise ValueError
        if time.monotonic() > until:
            raise Unreadable(f"its page could not be read within {MAX_PAGE_SECONDS:g} s")
    return parser


def _charset(response: Response) -> str:
    message = Message()
    message["Content-Type"] = response.headers.get("Content-Type", "")
    written = message.get_content_charset("utf-8")
    try:
        charset = codecs.lookup(written).name
    except LookupError:
        return "utf-8"
    if charset not in _CHARSETS:
        return "utf-8"
    return charset


def _for_people(body: bytes) -> str:
    """Return a reason if a page has something to fill in or to run; an index's has neither."""
    text = body.lower()
    if b"<form" in text or b"<script" in text:
        return "it showed a page for people, not an index's"
    return ""


def _files(
    entries: Iterable[Entry],
    base: str,
) -> tuple[File, ...]:
    """Return files with absolute URLs, without those whose name or URL cannot be used.

    :raises Unreadable: together the URLs are too long.
    """
    files = []
    size = 0
    segments = without_userinfo(base).split("/", 3)
    origin = "/".join(segments[:3])
    for entry in entries:
        file = _file(entry, base, origin)
        size += len(file.url)
        if size > MAX_PAGE_BYTES:
            raise Unreadable(_TOO_MANY)
        if file.url and len(file.filename) <= MAX_FILENAME_CHARACTERS:
            files.append(file)
    return tuple(files)


def _file(
    entry: Entry,
    base: str,
    origin: str,
) -> File:
    """Return a file with its absolute URL, which is empty if it cannot be used."""
    filename, written, requires_python, hashes, is_yanked = entry
    if _PLAIN_PATH.fullmatch(written):
        url = f"{origin}{written}"
        names_host = False
    else:
        url = _absolute(base, written)
        names_host = _WHOLE_URL.match(written) is not None
    return File(
        filename,
        url,
        requires_python,
        hashes,
        is_yanked,
        names_host,
    )


def _absolute(base: str, url: str) -> str:
    """Return an absolute URL without userinfo and fragment, or an empty text if there is none."""
    try:
        joined = urljoin(base, url)
        target, _, _ = joined.partition("#")
        return without_userinfo(target)
    except ValueError:
        return ""
