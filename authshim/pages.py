"""One page of an index, the Simple API's answer to one name: fetched as the index's own user, and named.

Bounded in bytes and in time, whatever the server does. pypi-simple reads it, JSON (PEP 691) or HTML (PEP 503).
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from authshim import advice, trouble
from authshim.errors import UrlError
from authshim.places import Index
from authshim.urls import is_presigned, parse, redact, with_username, without_userinfo
from authshim.witness import Witness, as_it_comes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pypi_simple import ProjectPage
    from requests import Response

    from authshim.chain import Chain
    from authshim.places import Place
    from authshim.trace import Found

FOUND, NOT_THERE, REFUSED = "found", "not there", "refused"
UNREADABLE, UNREACHABLE, NOT_ASKED = "unreadable", "unreachable", "not asked"

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

LONGEST = 32 * 1024 * 1024
"""Bytes of a page; the longest of pypi.org have a few million."""

SLOWEST = 120.0
"""Seconds from the first byte of a page to its end."""

_REDIRECTS = 10


class File(NamedTuple):
    """A file that a page lists, as far as its name and the page tell."""

    filename: str
    url: str
    """Absolute, without userinfo and fragment; it may be presigned: redact it before it is shown."""
    requires_python: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()
    """Algorithm and hexadecimal digest."""
    yanked: bool = False


class Answer(NamedTuple):
    """What became of asking a place for anything."""

    answer: str
    """One of the words above."""
    status: int | None = None
    """Of HTTP; None where nothing was answered."""
    found: Found | None = None
    """The credential that was sent last."""
    host: str = ""
    """Who answered, after redirects."""
    detail: str = ""
    """Why, where the word does not say it all."""
    next_step: str = ""
    """What to do about it, where that is known."""
    seconds: float = 0.0
    """On the wire, from the question to the head of the last answer."""


class Page(NamedTuple):
    """What became of asking an index for a name: an ``Answer``, and what stood in it."""

    place: Index
    answer: str
    status: int | None = None
    found: Found | None = None
    host: str = ""
    detail: str = ""
    next_step: str = ""
    seconds: float = 0.0
    api: str = ""
    """"JSON 1.1", "HTML 1.0" and so on, where it was found; "HTML" where the page does not say its version."""
    files: tuple[File, ...] = ()


def page_url(index: Index, name: str) -> str:
    """Return where an index has a project's page."""
    return f"{index.url.rstrip('/')}/{quote(name, safe='')}/"


Said = TypeVar("Said", Answer, Page)


class Reader:
    """Asks indexes for pages with the credentials of one chain; each thread needs one of its own."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._witness = Witness(chain)
        self._session = self._witness.session()
        self._session.max_redirects = _REDIRECTS

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def page(self, index: Index, name: str) -> Page:
        """Ask for a project's page; whatever goes wrong is told by the answer."""
        return self._read(index, page_url(index, name))

    def links(self, index: Index) -> Page:
        """Ask a flat index for its one page, whose files are those of any name."""
        return self._read(index, index.url)

    def look(self, place: Place, url: str, *, method: str = "GET", header: str | None = None) -> Answer:
        """Ask for anything at a place as its own user, and read none of it.

        :param header: an ``Authorization`` in place of the user's own.
        """
        headers = {} if header is None else {"Authorization": header}
        return self._ask(place, method, url, headers, lambda _, answer: answer)

    def log_in(self, place: Place) -> str:
        """Say how to give a credential for a place."""
        by_keyring = isinstance(place, Index) and self._chain.asks_keyring
        return advice.log_in(place.url, place.username, by_keyring=by_keyring)

    def _read(self, index: Index, url: str) -> Page:
        if index.hole:
            step = f"fill in {index.hole} in the index's URL"
            return Page(index, NOT_ASKED, detail=f"{index.hole} is not filled in", next_step=step)

        def read(response: Response, answer: Answer) -> Page:
            if answer.answer != FOUND:
                return Page(index, *answer)
            try:
                listed = _parsed(response, _body(response))
            except _Unreadable as error:
                step = _STEPS[UNREADABLE]
                return Page(index, *answer._replace(answer=UNREADABLE, detail=str(error), next_step=step))
            html = "json" not in _content_type(response)
            files = tuple(_file(package, html=html) for package in listed.packages)
            return Page(index, *answer, _api(response, listed), files)

        said = self._ask(index, "GET", url, {"Accept": ACCEPT}, read)
        return said if isinstance(said, Page) else Page(index, *said)

    def _ask(
        self,
        place: Place,
        method: str,
        url: str,
        headers: Mapping[str, str],
        read: Callable[[Response, Answer], Said],
    ) -> Said | Answer:
        """Send one request, and let ``read`` make of the answer what is wanted, while it can be read."""
        options: dict[str, Any] = {"headers": headers, "timeout": trouble.TIMEOUT, "stream": True}
        said: Said | Answer
        try:
            target = _target(place, url)
            with self._session.request(method, target, allow_redirects=True, **options) as response:
                said = read(response, self._named(place, target, response))
        except UrlError as error:
            said = Answer(UNREACHABLE, detail=error.reason, next_step="correct the URL")
        except (requests.RequestException, HTTPError, UnicodeError, OSError) as error:
            detail, step = trouble.why(error)
            said = Answer(UNREACHABLE, detail=detail, next_step=step)
        return said._replace(seconds=self._witness.took)

    def _named(self, place: Place, target: str, response: Response) -> Answer:
        """Name an answer, and say what to do about it where that is no page."""
        answer, detail = _judged(response)
        found, host = self._witness.found, parse(response.url).host
        if response.history and found is None and response.status_code < 400:
            found = self._chain.find(target)  # whoever was sent on got there with it
        if answer == FOUND:
            return Answer(answer, response.status_code, found, host)
        elsewhere = f"{host} said so" if host != parse(place.url).host else ""
        nobody = (self._chain.note or "no provider has one") if answer == REFUSED and not (found or detail) else ""
        told = "; ".join(part for part in (elsewhere, detail, nobody) if part)
        said = Answer(answer, response.status_code, found, host, told, _STEPS.get(answer, ""))
        return said if answer != REFUSED else said._replace(next_step=self._step(place, said, response.url))

    def _step(self, place: Place, said: Answer, url: str) -> str:
        """Say what to do about a refusal by ``url``."""
        is_elsewhere = said.status in (401, 403) and parse(url).origin != parse(place.url).origin
        if said.found is None:
            return advice.login_command(parse(url)) if is_elsewhere else self.log_in(place)
        again = advice.log_in_again(redact(url) if is_elsewhere else place.url, said.found)
        return f"{advice.ask_owner(place.url)}, or {again}" if said.status == 403 else again


_STEPS = {UNREACHABLE: "try again later", UNREADABLE: "correct the URL, or ask whoever runs the index"}


def _target(place: Place, url: str) -> str:
    """Return a URL as the place's own user asks for it; elsewhere they are nobody.

    :raises UrlError: it cannot be dialled.
    """
    return with_username(url, place.username) if parse(url).origin == parse(place.url).origin else url


class _Unreadable(Exception):
    """Why a page is none; without what stood on it."""


def _is_sign_in_page(response: Response) -> bool:
    """Tell a page for people from an index: Azure answers 203, others lead to a login page, by another name."""
    if response.status_code != 200 or not response.history:
        return response.status_code == 203
    asked, shown = (_segments(each.url) for each in (response.history[0], response))
    is_elsewhere = asked[-1] != shown[-1] and not {"simple", "+simple"} & {*shown}
    return is_elsewhere and "text/html" in _content_type(response)


def _segments(url: str) -> list[str]:
    return urlsplit(url).path.removesuffix("index.html").rstrip("/").split("/")


def _judged(response: Response) -> tuple[str, str]:
    """Name an answer by its status; only 404 says that the name is not there, and PyTorch's 403: so it is for uv."""
    status = response.status_code
    # uv's status_code_strategy.rs
    is_pytorch = f".{parse(response.url).host}".endswith(".pytorch.org")
    if _is_sign_in_page(response):
        return REFUSED, "it showed a page to sign in"
    if status == 404 or (status == 403 and is_pytorch):
        return NOT_THERE, ""
    # A signature that is not taken is no matter of logins.
    if status in (401, 403) and not is_presigned(response.url):
        return REFUSED, ""
    return (FOUND, "") if status == 200 else (UNREACHABLE, f"the server answered {status}")


def _body(response: Response) -> bytes:
    """Read a page to its end.

    :raises _Unreadable: it is too long, or takes too long.
    """
    until = time.monotonic() + SLOWEST
    parts, size = [], 0
    for part in as_it_comes(response, decode=True):
        size += len(part)
        if size > LONGEST:
            raise _Unreadable(f"its page is longer than {LONGEST:,} bytes")
        if time.monotonic() > until:
            raise _Unreadable(f"its page did not end within {SLOWEST:g} s")
        parts.append(part)
    return b"".join(parts)


_PARSING = threading.Lock()


def _parsed(response: Response, body: bytes) -> ProjectPage:
    """Let pypi-simple read a page.

    :raises _Unreadable: it cannot.
    """
    import warnings

    import pypi_simple

    # As if it had been read without a stream: pypi-simple takes a whole response.
    response._content = body
    try:
        # The filters of warnings are the process's; Beautiful Soup and pypi-simple warn of what looks odd to them.
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            page = pypi_simple.ProjectPage.from_response(response, "")
    except Exception as error:  # noqa: BLE001 - anything may come of what a stranger wrote
        raise _Unreadable(_why_unreadable(error, response, body)) from None
    if not any(file.version for file in page.packages) and _is_for_people(response, body):
        raise _Unreadable("it showed a page for people, not an index's")
    return page


def _why_unreadable(error: Exception, response: Response, body: bytes) -> str:
    import pypi_simple

    if isinstance(error, pypi_simple.UnsupportedContentTypeError):
        return f"its page is neither JSON nor HTML of an index but {_content_type(response)!r}"
    if isinstance(error, pypi_simple.UnsupportedRepoVersionError):
        return "its page has a version of the Simple API that is not known here"
    if "json" not in _content_type(response):
        return "its page is HTML that cannot be read"
    html = body.lstrip()[:1] == b"<"
    return "it answered HTML and called it JSON" if html else "its page is no JSON of the Simple API"


def _is_for_people(response: Response, body: bytes) -> bool:
    """Tell a page with something to fill in or to run; an index's has neither."""
    text = body.lower()
    return "html" in _content_type(response) and (b"<form" in text or b"<script" in text)


def _content_type(response: Response) -> str:
    kind = response.headers.get("Content-Type", "text/html").partition(";")[0].strip().lower()
    return kind if kind.isprintable() else ""


def _api(response: Response, page: ProjectPage) -> str:
    kind = "JSON" if "json" in _content_type(response) else "HTML"
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


_HASH = re.compile(r"[A-Za-z0-9_]+=[0-9A-Fa-f]+")
