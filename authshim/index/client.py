"""Ask an index or a channel as its own user, read the page, and name the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import HTTPError

from authshim import advice, next_step
from authshim.errors import S3Error, UrlError
from authshim.index import bucket, refusal, simple_api
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
    step_after,
)
from authshim.index.links import Unreadable
from authshim.index.mirrors import mirrored, userinfo_note
from authshim.index.question import Question, page_url
from authshim.lookup.chain import Chain
from authshim.lookup.naming import follow
from authshim.redact import redact
from authshim.transport import failures
from authshim.transport.carrier import trail_of
from authshim.transport.recording import RecordingAdapter
from authshim.transport.session import carrying
from authshim.urls import parse, without_userinfo
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import Response

    from authshim.lookup.naming import Trail
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.project.repositories import Index, Repository
    from authshim.settings.pixi_config import Mirror

MAX_REDIRECTS = 10

_FAILURES = (requests.RequestException, HTTPError, ValueError, AssertionError, OSError)
"""The errors of a request that got no response, with those of http.client."""


class IndexClient:
    """A client that asks indexes with the credentials of one chain; each thread needs its own.

    :param mirrors: those of pixi's configuration. pixi asks them in place of the URLs they cover.
    """

    def __init__(
        self,
        chain: Chain,
        mirrors: Sequence[Mirror] = (),
    ) -> None:
        self._chain = chain
        self._mirrors = mirrors
        self._adapter = RecordingAdapter(chain)
        self._session = self._adapter.session()
        self._session.max_redirects = MAX_REDIRECTS

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def anonymous(self) -> IndexClient:
        """Return a client without a login that uses the same proxies and certificates."""
        nothing = Chain([])
        nothing.circumstances = self._chain.circumstances
        return IndexClient(nothing)

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
        question = Question(
            place,
            url,
            method,
            headers=headers,
            origins=origins,
        )
        return self.ask(question)

    def log_in(self, place: Repository) -> NextStep:
        """Return the step that gives a credential for a place."""
        return refusal.log_in(place, self._chain)

    def log_in_again(self, place: Repository, found: Found) -> NextStep:
        """Return the step that replaces the refused credential of a place."""
        return advice.log_in_again(place.url, found, self._chain)

    def _read(self, index: Index, url: str) -> Answer:
        """Ask for a page and read it."""
        if index.placeholder:
            detail = f"{index.placeholder} is not filled in"
            step = next_step.FILL_IN(placeholder=index.placeholder, kind="index")
            return Answer(index, NOT_ASKED, detail=detail, next_step=step)
        question = Question(
            index,
            url,
            headers=simple_api.HEADERS,
            read=_with_files,
        )
        return self.ask(question)

    def ask(self, question: Question) -> Answer:
        """Send one request, or one to each of its mirrors until one works, and name the answer."""
        found = mirrored(question.url, self._mirrors)
        if found is None:
            return self._ask_at(question)
        place = question.place
        root = place.url.rstrip("/")
        step = next_step.CORRECT_MIRRORS(file=found.file)
        answer = Answer(
            place,
            NOT_THERE,
            detail=found.empty_note,
            next_step=step,
        )
        failed: list[str] = []
        for at, url in enumerate(found.urls):
            mirror = found.root(at, root)
            shown = redact(mirror)
            named = found.note(at, root)
            note = join_reasons(named, *failed, userinfo_note(place))
            at_mirror = question.at_mirror(mirror, url)
            answer = self._ask_at(at_mirror)
            answer = answer._replace(mirror=shown, mirror_note=note)
            if answer.answer != UNREACHABLE:
                break
            failed.append(f"the mirror {shown} failed: {answer.detail}")
        return answer

    def _ask_at(self, question: Question) -> Answer:
        """Send one request and name its answer."""
        place = question.place
        scheme = question.scheme
        if scheme not in ("http", "https", "s3"):
            return Answer(place, NOT_ASKED, detail=f"{scheme} is not http(s)")
        try:
            answer = self._send(question)
        except S3Error as error:
            answer = bucket.name_unsigned(place, error)
        except UrlError as error:
            step = next_step.CORRECT_URL()
            answer = Answer(
                place,
                UNREACHABLE,
                detail=error.reason,
                next_step=step,
            )
        except _FAILURES as error:
            detail, step = failures.describe(error, self._chain.circumstances)
            answer = Answer(place, UNREACHABLE, detail=detail, next_step=step)
        return answer._replace(
            seconds=self._adapter.elapsed,
            url=without_userinfo(question.url),
        )

    def _send(self, question: Question) -> Answer:
        """Send one request, and name and read its response."""
        options: dict[str, Any] = {
            "headers": question.headers,
            "timeout": failures.TIMEOUT,
            "stream": True,
            "allow_redirects": True,
        }
        if question.origins:
            options["auth"] = carrying(question.origins)
        target = question.target
        self._adapter.elapsed = 0.0
        with self._session.request(
            question.method,
            target,
            **options,
        ) as response:
            answer = self._named(question.place, target, response)
            if question.read is not None:
                answer = question.read(answer, response)
        return answer

    def _named(
        self,
        place: Repository,
        target: str,
        response: Response,
    ) -> Answer:
        """Return the answer that a response is, with the next step unless it is a page."""
        route = self._adapter.last_route
        if is_s3(target) and route is not None:
            return bucket.name_answer(place, response, route, self._chain)
        word, reason = classify(response)
        trail = trail_of(response.request)
        named = Answer(
            place,
            word,
            status=response.status_code,
            found=self._sent(target, response),
            host=parse(response.url).host,
            origins=follow(trail, response.url),
        )
        if word == FOUND:
            return named
        return self._explained(named, reason, response)

    def _explained(
        self,
        named: Answer,
        reason: str,
        response: Response,
    ) -> Answer:
        """Return the answer that a response is, with its reasons and the next step.

        :param reason: the reason that the response tells.
        """
        if response.status_code == 407:
            proxy, setting = failures.find_proxy(response, self._chain.circumstances)
            detail = f"{proxy} asks for a credential"
            step = next_step.LOG_IN_AT_PROXY(setting=setting)
            return named._replace(detail=detail, next_step=step)
        reasons = [reason]
        if named.host != parse(named.place.url).host:
            reasons = [f"{named.host} said so", reason]
        if named.answer == REFUSED:
            return refusal.explain(named, reasons, response, self._chain)
        step = next_step.NOTHING
        if named.answer == UNREACHABLE:
            step = step_after(response)
        detail = join_reasons(*reasons)
        return named._replace(detail=detail, next_step=step)

    def _sent(
        self,
        target: str,
        response: Response,
    ) -> Found | None:
        """Return the credential that was sent last, or the one that led through a redirect."""
        found = self._adapter.last_credential
        if found is not None:
            return found
        was_redirected = bool(response.history)
        if was_redirected and response.status_code < 400:
            return self._chain.find(target)
        if parse(response.url).password:
            return self._chain.find(response.url)
        return None


def _with_files(answer: Answer, response: Response) -> Answer:
    """Return an answer with the files that its page lists."""
    if answer.answer != FOUND:
        return answer
    try:
        api, files = simple_api.read(response)
    except Unreadable as error:
        step = next_step.CORRECT_URL_OR_ASK()
        return answer._replace(
            answer=UNREADABLE,
            detail=str(error),
            next_step=step,
        )
    return answer._replace(api=api, files=files)
