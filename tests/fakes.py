"""Fakes on both sides of the adapter: providers with set answers, adapters without a network."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import requests
from requests.adapters import BaseAdapter
from requests.models import Response
from requests.structures import CaseInsensitiveDict

import authshim
from authshim.urls import HOST, PORT, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from authshim import Credential

LOOPBACK = "127.0.0.1"


class Fixed(authshim.Provider):
    """Answers from ``held``, which a test may change; notes what it was asked."""

    name = "fixed"

    def __init__(
        self, held: Mapping[str, Credential], kinds: Collection[str] = (PORT, HOST, WILDCARD)
    ) -> None:
        self.held = dict(held)
        self.answers = frozenset(kinds)
        self.asked: list[str] = []

    def find(self, key: str, username: str | None = None) -> Credential | None:
        self.asked.append(str(key))
        return self.held.get(key)


class Renewing(Fixed):
    """A provider that answers for loopback, with the next credential after each ``refresh``."""

    def __init__(self, *credentials: Credential) -> None:
        super().__init__({LOOPBACK: credentials[0]})
        self._next = list(credentials[1:])

    def refresh(self) -> None:
        if self._next:
            self.held[LOOPBACK] = self._next.pop(0)


def chain_of(what: Credential | authshim.Provider | None) -> authshim.Chain:
    """Make a chain of one provider, or of one credential for loopback."""
    if what is None or isinstance(what, authshim.Credential):
        what = Fixed({} if what is None else {LOOPBACK: what})
    return authshim.Chain([what])


def mounted(what: Credential | authshim.Provider | None, **options: object) -> requests.Session:
    """Return a session on which an adapter is mounted by hand, without ``install``."""
    session = requests.Session()
    adapter = authshim.AuthAdapter(chain_of(what), **options)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def installed(
    what: Credential | authshim.Provider | None, session: requests.Session | None = None
) -> requests.Session:
    """Return a session that ``install`` has prepared."""
    return authshim.install(session or requests.Session(), chain_of(what))


class Canned(BaseAdapter):
    """An adapter without a network: it notes each request, and answers 200 or as it is told."""

    def __init__(
        self, *answers: int | BaseException, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.answers = list(answers) or [200]
        self.headers = dict(headers or {})
        self.sent: list[requests.PreparedRequest] = []
        self.options: list[dict[str, object]] = []
        self.closed = 0

    def send(self, request: requests.PreparedRequest, **options: object) -> Response:
        self.sent.append(request)
        self.options.append(options)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        response = Response()
        response.status_code = answer
        response.url = request.url
        response.request = request
        response.headers = CaseInsensitiveDict(self.headers)
        response.raw = io.BytesIO(b"canned")
        return response

    def close(self) -> None:
        self.closed += 1
