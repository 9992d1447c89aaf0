"""One page of an index, the Simple API's answer to one name: fetched as the index's own user, and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from authshim import advice
from authshim.errors import UrlError
from authshim.index import simple_api
from authshim.index.simple_api import Unreadable, content_type
from authshim.lookup.naming import follow
from authshim.project.repositories import Index
from authshim.redact import redact
from authshim.transport import failures
from authshim.transport.carrier import named_by_of, trail_of
from authshim.transport.recording import RecordingAdapter
from authshim.transport.session import carrying
from authshim.urls import is_presigned, parse, with_username

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from requests import Response

    from authshim.index.simple_api import File
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import Trail
    from authshim.lookup.trace import Found
    from authshim.project.repositories import Repository

FOUND, NOT_THERE, REFUSED = "found", "not there", "refused"
UNREADABLE, UNREACHABLE, NOT_ASKED = "unreadable", "unreachable", "not asked"

_REDIRECTS = 10


class Answer(NamedTuple):
    """The outcome of one request to an index or channel."""

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
    origins: Trail = ()
    """The servers through which the answer came; the last one is who answered."""


class Page(NamedTuple):
    """The outcome of a request for a name: an ``Answer``, and the files of the page."""

    place: Index
    answer: str
    status: int | None = None
    found: Found | None = None
    host: str = ""
    detail: str = ""
    next_step: str = ""
    seconds: float = 0.0
    origins: Trail = ()
    api: str = ""
    """"JSON 1.1", "HTML 1.0" and so on, where it was found; "HTML" where the page does not say its version."""
    files: tuple[File, ...] = ()
    mirror: str = ""
    """The sentence that names the mirror which was asked; empty without one."""

    @property
    def forwarded_to(self) -> str:
        """The host to which the index redirected the request, or an empty string."""
        first = parse(self.origins[0]).host if self.origins else self.host
        return "" if first == self.host else self.host


def page_url(index: Index, name: str) -> str:
    """Return where an index has a project's page."""
    return f"{index.url.rstrip('/')}/{quote(name, safe='')}/"


Said = TypeVar("Said", Answer, Page)


class IndexClient:
    """Asks indexes for pages with the credentials of one chain; each thread needs one of its own."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._adapter = RecordingAdapter(chain)
        self._session = self._adapter.session()
        self._session.max_redirects = _REDIRECTS

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def page(self, index: Index, name: str) -> Page:
        """Ask for a project's page; whatever goes wrong is told by the answer."""
        return self._read(index, page_url(index, name))

    def flat_page(self, index: Index) -> Page:
        """Ask a flat index for its one page, whose files are those of any name."""
        return self._read(index, index.url)

    def probe(
        self,
        place: Repository,
        url: str,
        *,
        method: str = "GET",
        header: str | None = None,
        origins: Trail = (),
    ) -> Answer:
        """Ask for anything at a place as its own user, and read none of it.

        :param header: an ``Authorization`` in place of the user's own.
        :param origins: the servers through which the URL came, if it stood on a page.
        """
        headers = {} if header is None else {"Authorization": header}
        return self._ask(place, method, url, headers, lambda _, answer: answer, origins)

    def log_in(self, place: Repository) -> str:
        """Say how to give a credential for a place."""
        by_keyring = isinstance(place, Index) and self._chain.asks_keyring
        return advice.log_in(place.url, place.username, by_keyring=by_keyring, chain=self._chain)

    def log_in_again(self, place: Repository, found: Found) -> str:
        """Return the step that replaces the refused credential of a place."""
        return advice.log_in_again(place.url, found, self._chain)

    def _read(self, index: Index, url: str) -> Page:
        if index.placeholder:
            step = f"fill in {index.placeholder} in the index's URL"
            return Page(
                index, NOT_ASKED, detail=f"{index.placeholder} is not filled in", next_step=step
            )

        def read(response: Response, answer: Answer) -> Page:
            if answer.answer != FOUND:
                return Page(index, *answer)
            try:
                return Page(index, *answer, *simple_api.read(response))
            except Unreadable as error:
                step = _STEPS[UNREADABLE]
                return Page(
                    index, *answer._replace(answer=UNREADABLE, detail=str(error), next_step=step)
                )

        said = self._ask(index, "GET", url, simple_api.HEADERS, read)
        return said if isinstance(said, Page) else Page(index, *said)

    def _ask(
        self,
        place: Repository,
        method: str,
        url: str,
        headers: Mapping[str, str],
        read: Callable[[Response, Answer], Said],
        origins: Trail = (),
    ) -> Said | Answer:
        """Send one request, and let ``read`` make of the answer what is wanted, while it can be read."""
        options: dict[str, Any] = {"headers": headers, "timeout": failures.TIMEOUT, "stream": True}
        options["auth"] = carrying(origins) if origins else None
        said: Said | Answer
        try:
            target = _target(place, url)
            with self._session.request(method, target, allow_redirects=True, **options) as response:
                said = read(response, self._named(place, target, response))
        except UrlError as error:
            said = Answer(UNREACHABLE, detail=error.reason, next_step="correct the URL")
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            detail, step = self._failure(error)
            said = Answer(UNREACHABLE, detail=detail, next_step=step)
        return said._replace(seconds=self._adapter.elapsed)

    def _failure(self, error: Exception) -> tuple[str, str]:
        """Return the reason and the next step of a request without an answer."""
        detail, step = failures.describe(error)
        if "TLS certificate" not in detail:
            return detail, step
        known = self._chain.circumstances
        if known.tls_no_verify:
            detail += f"; pixi does not verify it (tls-no-verify in {known.tls_no_verify})"
        if known.certificates:
            return (
                detail,
                f"add your company's CA to {known.certificates}, which SSL_CERT_FILE names",
            )
        if known.pip_cert:
            return detail, "only pip reads PIP_CERT: set SSL_CERT_FILE to the same file"
        return detail, step

    def _named(self, place: Repository, target: str, response: Response) -> Answer:
        """Return the answer that a response is, with the next step unless it is a page."""
        answer, reason = _judged(response)
        host = parse(response.url).host
        named = Answer(
            answer,
            response.status_code,
            self._sent(target, response),
            host,
            origins=follow(trail_of(response.request), response.url),
        )
        if answer == FOUND:
            return named
        reasons = [reason]
        if host != parse(place.url).host:
            reasons = [f"{host} said so", reason]
        if answer == REFUSED:
            return self._refused(place, named, reasons, response)
        return named._replace(detail=_joined(reasons), next_step=_STEPS.get(answer, ""))

    def _sent(self, target: str, response: Response) -> Found | None:
        """Return the credential that was sent last, or the one that led through a redirect."""
        found = self._adapter.last_credential
        if found is None and response.history and response.status_code < 400:
            return self._chain.find(target)
        return found

    def _refused(
        self, place: Repository, named: Answer, reasons: list[str], response: Response
    ) -> Answer:
        """Return a refusal with its reasons and the next step."""
        withheld = ""
        if named.found is None:
            withheld = self._withheld(response)
        if withheld:
            detail = _joined([*reasons, withheld])
            return named._replace(detail=detail, next_step=advice.name_by_https(response.url))
        if named.found is None and not reasons[-1]:
            reasons = [*reasons, self._chain.note or "no provider has one"]
        step = self._step(place, named, response.url)
        return named._replace(detail=_joined(reasons), next_step=step)

    def _withheld(self, response: Response) -> str:
        """Return why no credential was sent to a URL that only a server named."""
        return self._chain.withheld(response.url, named_by=named_by_of(response.request))

    def _step(self, place: Repository, said: Answer, url: str) -> str:
        """Say what to do about a refusal by ``url``."""
        is_elsewhere = said.status in (401, 403) and parse(url).origin != parse(place.url).origin
        if said.found is None and is_elsewhere:
            return advice.login_command(parse(url), self._chain)
        if said.found is None:
            return self.log_in(place)
        refused = redact(url) if is_elsewhere else place.url
        again = advice.log_in_again(refused, said.found, self._chain)
        return f"{advice.ask_owner(place.url)}, or {again}" if said.status == 403 else again


_STEPS = {
    UNREACHABLE: "try again later",
    UNREADABLE: "correct the URL, or ask whoever runs the index",
}


def _joined(reasons: Iterable[str]) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _target(place: Repository, url: str) -> str:
    """Return a URL as the place's own user asks for it; elsewhere they are nobody.

    :raises UrlError: it cannot be dialled.
    """
    return (
        with_username(url, place.username) if parse(url).origin == parse(place.url).origin else url
    )


def _is_sign_in_page(response: Response) -> bool:
    """Tell a page for people from an index: Azure answers 203, others lead to a login page, by another name."""
    if response.status_code != 200 or not response.history:
        return response.status_code == 203
    asked, shown = (_segments(each.url) for each in (response.history[0], response))
    is_elsewhere = asked[-1] != shown[-1] and not {"simple", "+simple"} & {*shown}
    return is_elsewhere and "text/html" in content_type(response)


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
