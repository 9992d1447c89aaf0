"""Ask an index or a channel as its own user, read the page, and name the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from authshim import advice, next_step
from authshim.errors import S3Error, UrlError
from authshim.index import bucket, simple_api
from authshim.index.answer import (
    FOUND,
    NOT_ASKED,
    NOT_THERE,
    REFUSED,
    UNREACHABLE,
    UNREADABLE,
    Answer,
    classify,
    join_reasons,
)
from authshim.index.mirrors import mirrored, userinfo_note
from authshim.index.simple_api import Unreadable
from authshim.lookup.naming import follow
from authshim.project.repositories import Index, Repository
from authshim.redact import redact
from authshim.transport import failures
from authshim.transport.carrier import named_by_of, trail_of
from authshim.transport.recording import RecordingAdapter
from authshim.transport.session import carrying
from authshim.urls import parse, with_username, without_userinfo
from authshim.urls.s3 import is_s3

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from requests import Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import Trail
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.settings.pixi_config import Mirror

MAX_REDIRECTS = 10


def page_url(index: Repository, name: str) -> str:
    """Return the URL of a project's page."""
    return f"{index.url.rstrip('/')}/{quote(name, safe='')}/"


class IndexClient:
    """A client that asks indexes with the credentials of one chain; each thread needs its own.

    :param mirrors: those of pixi's configuration. pixi asks them in place of the URLs they cover.
    """

    def __init__(self, chain: Chain, mirrors: Sequence[Mirror] = ()) -> None:
        self._chain = chain
        self._mirrors = mirrors
        self._adapter = RecordingAdapter(chain)
        self._session = self._adapter.session()
        self._session.max_redirects = MAX_REDIRECTS

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def page(self, index: Index, name: str) -> Answer:
        """Ask for a project's page; whatever goes wrong is told by the answer."""
        return self._read(index, page_url(index, name))

    def flat_page(self, index: Index) -> Answer:
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
        headers = {}
        if header is not None:
            headers["Authorization"] = header
        return self._ask(place, method, url, headers, origins=origins)

    def log_in(self, place: Repository) -> NextStep:
        """Say how to give a credential for a place."""
        by_keyring = isinstance(place, Index) and self._chain.asks_keyring
        return advice.log_in(place.url, place.username, by_keyring=by_keyring, chain=self._chain)

    def log_in_again(self, place: Repository, found: Found) -> NextStep:
        """Return the step that replaces the refused credential of a place."""
        return advice.log_in_again(place.url, found, self._chain)

    def _read(self, index: Index, url: str) -> Answer:
        """Ask for a page and read it."""
        if index.placeholder:
            detail = f"{index.placeholder} is not filled in"
            step = next_step.FILL_IN(placeholder=index.placeholder, kind="index")
            return Answer(index, NOT_ASKED, detail=detail, next_step=step)
        return self._ask(index, "GET", url, simple_api.HEADERS, read=_with_files)

    def _ask(
        self,
        place: Repository,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        origins: Trail = (),
        read: Callable[[Answer, Response], Answer] | None = None,
    ) -> Answer:
        """Send one request, or one to each of its mirrors until one works, and name the answer.

        :param read: adds to the answer what the body tells, while it can be read.
        """
        found = mirrored(url, self._mirrors)
        if found is None:
            return self._ask_at(place, method, url, headers, origins=origins, read=read)
        step = next_step.CORRECT_MIRRORS(file=found.file)
        answer = Answer(place, NOT_THERE, detail=found.empty_note, next_step=step)
        root = place.url.rstrip("/")
        failed: list[str] = []
        for at, target in enumerate(found.urls):
            mirror = found.root(at, root)
            answer = self._ask_at(_at(place, mirror), method, target, headers, read=read)
            note = join_reasons(found.note(at, root), *failed, userinfo_note(place))
            answer = answer._replace(mirror=redact(mirror), mirror_note=note)
            if answer.answer != UNREACHABLE:
                break
            failed.append(f"the mirror {redact(mirror)} failed: {answer.detail}")
        return answer

    def _ask_at(
        self,
        place: Repository,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        origins: Trail = (),
        read: Callable[[Answer, Response], Answer] | None = None,
    ) -> Answer:
        """Send one request and name its answer."""
        scheme = url.partition(":")[0].lower()
        if scheme not in ("http", "https", "s3"):
            return Answer(place, NOT_ASKED, detail=f"{scheme} is not http(s)")
        options: dict[str, Any] = {"headers": headers, "timeout": failures.TIMEOUT, "stream": True}
        if origins:
            options["auth"] = carrying(origins)
        try:
            target = _target(place, url)
            with self._session.request(method, target, allow_redirects=True, **options) as response:
                answer = self._named(place, target, response)
                if read is not None:
                    answer = read(answer, response)
        except S3Error as error:
            answer = bucket.name_unsigned(place, error)
        except UrlError as error:
            step = next_step.CORRECT_URL()
            answer = Answer(place, UNREACHABLE, detail=error.reason, next_step=step)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            detail, step = failures.describe(error, self._chain.circumstances)
            answer = Answer(place, UNREACHABLE, detail=detail, next_step=step)
        return answer._replace(seconds=self._adapter.elapsed, url=without_userinfo(url))

    def _named(self, place: Repository, target: str, response: Response) -> Answer:
        """Return the answer that a response is, with the next step unless it is a page."""
        route = self._adapter.last_route
        if is_s3(target) and route is not None:
            return bucket.name_answer(place, response, route, self._chain)
        word, reason = classify(response)
        host = parse(response.url).host
        found = self._sent(target, response)
        trail = follow(trail_of(response.request), response.url)
        named = Answer(place, word, response.status_code, found, host, origins=trail)
        if word == FOUND:
            return named
        reasons = [reason]
        if host != parse(place.url).host:
            reasons = [f"{host} said so", reason]
        if word == REFUSED:
            return self._refused(named, reasons, response)
        if response.status_code == 407:
            proxy, setting = failures.find_proxy(response, self._chain.circumstances)
            step = next_step.LOG_IN_AT_PROXY(setting=setting)
            return named._replace(detail=f"{proxy} asks for a credential", next_step=step)
        return named._replace(
            detail=join_reasons(*reasons), next_step=_STEPS.get(word, next_step.NOTHING)
        )

    def _sent(self, target: str, response: Response) -> Found | None:
        """Return the credential that was sent last, or the one that led through a redirect."""
        found = self._adapter.last_credential
        if found is None and response.history and response.status_code < 400:
            return self._chain.find(target)
        return found

    def _refused(self, refusal: Answer, reasons: list[str], response: Response) -> Answer:
        """Return a refusal with its reasons and the next step."""
        if refusal.found is None:
            withheld = self._withheld(response)
            if withheld:
                detail = join_reasons(*reasons, withheld)
                step = advice.allow_http(response.url)
                return refusal._replace(detail=detail, next_step=step)
            if not reasons[-1]:
                reasons = [*reasons, self._chain.why_nothing(response.url)]
        step = self._step(refusal, response)
        return refusal._replace(detail=join_reasons(*reasons), next_step=step)

    def _withheld(self, response: Response) -> str:
        """Return why no credential was sent to a URL that only a server named."""
        return self._chain.withheld(response.url, named_by=named_by_of(response.request))

    def _step(self, refusal: Answer, response: Response) -> NextStep:
        """Return the step after a refusal."""
        place, found, url = refusal.place, refusal.found, response.url
        is_elsewhere = False
        if refusal.status in (401, 403):
            is_elsewhere = parse(url).origin != parse(place.url).origin
        if found is None:
            named_by = named_by_of(response.request)
            if is_elsewhere and advice.is_unknown(url, named_by, self._chain):
                return advice.ask_about(url, named_by)
            if is_elsewhere:
                return advice.login_command(parse(url), self._chain)
            return self.log_in(place)
        refused = place.url
        if is_elsewhere:
            refused = redact(url)
        again = advice.log_in_again(refused, found, self._chain)
        if refusal.status == 403:
            return next_step.ASK_OWNER_OR_LOG_IN(owner=advice.ask_owner(place.url), step=again)
        return again


_STEPS = {
    UNREACHABLE: next_step.TRY_LATER(),
    UNREADABLE: next_step.CORRECT_URL_OR_ASK(),
}


def _at(place: Repository, url: str) -> Repository:
    """Return a place at a mirror, without the userinfo of its own URL."""
    if isinstance(place, Index):
        return Index(url, flat=place.flat)
    return Repository(url)


def _with_files(answer: Answer, response: Response) -> Answer:
    """Return an answer with the files that its page lists."""
    if answer.answer != FOUND:
        return answer
    try:
        api, files = simple_api.read(response)
    except Unreadable as error:
        step = _STEPS[UNREADABLE]
        return answer._replace(answer=UNREADABLE, detail=str(error), next_step=step)
    return answer._replace(api=api, files=files)


def _target(place: Repository, url: str) -> str:
    """Return a URL as the place's own user asks for it; elsewhere they are nobody.

    :raises UrlError: it cannot be dialled.
    """
    if is_s3(url) or is_s3(place.url):
        return url
    if without_userinfo(url) != url:  # of a mirror, which has a login of its own
        return url
    if parse(url).origin != parse(place.url).origin:
        return url
    return with_username(url, place.username)
