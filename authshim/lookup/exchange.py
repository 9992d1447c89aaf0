"""The rules of one request, for every HTTP client. Nothing here sends or receives.

    exchange = Exchange(chain, "GET", url)
    credential = exchange.begin()
    response = send(url, credential)
    while credential := exchange.receive(response.status, response.headers):
        response = send(url, credential)

Invariants:

1. A request that carries the caller's own ``Authorization`` has no exchange. It is sent once.
2. No credential is sent twice for one request.
3. The last answer is the one to return. A 404 comes first if no other index has the file.
4. The refusal of a URL that only a server named rejects nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.credentials import S3Credentials
from authshim.lookup.naming import CALLER
from authshim.secret import SecretHolder
from authshim.urls import path_of
from authshim.urls.presigned import is_presigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Protocol

    from authshim.credentials import Credential
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.candidate_set import CandidateSet
    from authshim.lookup.chain import Chain
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Found

    class Headers(Protocol):
        """The headers of an answer, in any case."""

        def get(self, name: str, default: str, /) -> str:
            """Return a header, the values of a repeated one joined by commas."""


REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses whose ``Location`` is followed."""

_FAILURES = frozenset({401, 403, 404})
"""The statuses after which another credential may be sent."""

_NEW, _REFUSED, _SEARCHING = "new", "refused", "searching"
"""The phases of an exchange. In ``_SEARCHING``, a 404 has come and other indexes are tried."""

_NO_HEADERS: dict[str, str] = {}


def is_settled(
    chain: Chain,
    tried: Sequence[CachedCredential],
    status: int,
) -> bool:
    """Return True if an exchange would end at the first answer, and note nothing.

    A client may ask here before it makes an exchange, since nearly every answer is such a one.

    :param tried: the credential that was sent, if there was one.
    """
    if status in _FAILURES:
        return False
    return not tried or (tried[0].accepted and not chain._lookup.cache.has_ties)


def credentials_of(tried: Sequence[CachedCredential]) -> list[Credential]:
    """Return the credentials alone."""
    return [found.credential for found in tried]


def last_sent(tried: Sequence[CachedCredential]) -> Found | None:
    """Return the credential that was sent last. A refused lone token does not count."""
    if not tried:
        return None
    sent = tried[-1]
    is_refused = sent.is_lone_token and not sent.accepted
    # The keys of a bucket are sent to no other server.
    if is_refused or isinstance(sent.credential, S3Credentials):
        return None
    return sent.public


class Exchange(SecretHolder):
    """The state of one request: the credentials that were sent, and the one to send next."""

    __slots__ = (
        "_can_resend",
        "_chain",
        "_lookup",
        "_method",
        "_phase",
        "_url",
        "keeps",
        "named_by",
        "tried",
    )

    keeps: bool
    """True if the last answer is kept: it is returned, unless a later one is kept."""

    def __init__(
        self,
        chain: Chain,
        method: str | None,
        url: str,
        named_by: NamedBy = CALLER,
        *,
        can_resend: Callable[[], bool] | None = None,
        tried: list[CachedCredential] | None = None,
    ) -> None:
        """Begin the exchange of one request. A redirect is another request.

        :param can_resend: returns True if the body can be sent again, and prepares that.
        :param tried: the credential of the first request, if that was sent without ``begin``. The
            exchange adds to this list.
        """
        self._chain = chain
        self._lookup = chain._lookup
        self._method = method
        self._url = url
        self._phase = _NEW
        self._can_resend = can_resend
        self.named_by = named_by
        self.tried: list[CachedCredential] = [] if tried is None else tried
        """The credentials that were sent, in order."""

    def begin(self) -> Credential | None:
        """Return the credential of the first request; None to send the request as it is."""
        found = self._chain.look_up(self._url, self.named_by)
        if found is None:
            return None
        self.tried.append(found)
        return found.credential

    def receive(self, status: int, headers: Headers = _NO_HEADERS) -> Credential | None:
        """Take an answer, and return the credential to try next; None if there is no other."""
        self.keeps = True
        if status in _FAILURES or self._phase is _SEARCHING:
            return self._receive_failure(status, headers)
        if self.tried and (status < 300 or self._is_acceptance(status, headers)):
            self._accept()
        return None

    def _receive_failure(self, status: int, headers: Headers) -> Credential | None:
        if self._phase is _SEARCHING:
            return self._continue_search(status)
        if status == 404:
            return self._search()
        self._phase = _REFUSED
        return self._send(self._answer_refusal(status, headers))

    def credentials(self) -> list[Credential]:
        """List the credentials that were sent."""
        return credentials_of(self.tried)

    def _send(self, found: CachedCredential | None) -> Credential | None:
        """Return a credential, if the body can be sent again. The answer before is not kept."""
        if found is None or not (self._can_resend is None or self._can_resend()):
            return None
        self.tried.append(found)
        self.keeps = False
        return found.credential

    def _accept(self, *, is_found: bool = True) -> None:
        """Note that a server has accepted the credential that was sent last.

        :param is_found: False if it has no such file: the URL may belong to another index.
        """
        found = self.tried[-1]
        if found.entry.pending is found:
            self._lookup.keep(found)
        found.accepted = True
        cache = self._lookup.cache
        if is_found and cache.has_ties:
            cache.choose(self._url, found.entry)

    def _is_acceptance(self, status: int, headers: Headers) -> bool:
        """Tell if an answer that is no success shows that a server has accepted the credential.

        A redirect may lead to a login page. It does not if the server has refused the request
        before, or if the redirect leads to a presigned URL.
        """
        if status in REDIRECTS:
            return self._phase is _REFUSED or is_presigned(headers.get("Location", ""))
        return status == 304

    def _search(self) -> Credential | None:
        """Return the credential of another index, if several cover the URL of a 404.

        A server may answer 404 to a user who may not know of the file.
        """
        if self.tried:
            self._accept(is_found=False)
        if self._method not in ("GET", "HEAD"):
            return None
        self._phase = _SEARCHING
        credential = self._send(self._other_index())
        self.keeps = True
        return credential

    def _continue_search(self, status: int) -> Credential | None:
        if status < 400:
            self._accept()
            return None
        self.keeps = False
        return self._send(self._other_index())

    def _other_index(self) -> CachedCredential | None:
        candidates = self._candidates()
        if candidates is None or candidates.only:
            return None
        return self._first_new(self._others(candidates.candidates(path_of(self._url))))

    def _answer_refusal(self, status: int, headers: Headers) -> CachedCredential | None:
        self._lookup.notice_changes()
        candidates = self._candidates()
        if candidates is None:
            return None
        if self.named_by.is_marked:
            return self._first_new(self._answers_to_server(candidates))
        if self.tried and self.tried[-1].is_lone_token:
            self._lookup.reject_token(self.tried[-1])
        challenge = headers.get("WWW-Authenticate", "")
        while True:
            found = self._first_new(self._answers(candidates, status, challenge))
            if found is not None:
                return found
            if not candidates.unpin():
                break
        if not any(found.has_worked for found in self.tried):
            candidates.back_off()
        return None

    def _candidates(self) -> CandidateSet | None:
        if is_presigned(self._url):
            return None
        return self._lookup.cache.candidates(self._url)

    def _first_new(self, answers: Iterable[CachedCredential | None]) -> CachedCredential | None:
        """Return the first answer that was not sent yet."""
        sent = self.credentials()
        found = (each for each in answers if each is not None and each.credential not in sent)
        return next(found, None)

    def _answers(
        self, candidates: CandidateSet, status: int, challenge: str
    ) -> Iterator[CachedCredential | None]:
        """Yield the answers to a refusal, the best first. Some may have been sent before."""
        entries = candidates.candidates(path_of(self._url))
        yield from self._others(entries)
        for entry in entries:
            sent = self._sent_from(entry)
            # Of several indexes none is blamed for a path that may belong to another one.
            if sent and (len(entries) == 1 or sent[-1].has_worked):
                yield self._lookup.renew(entry, sent, status)
            elif not sent and (status == 401 or entry.is_index):
                yield self._lookup.answer_challenge(entry, challenge)

    def _answers_to_server(self, candidates: CandidateSet) -> Iterator[CachedCredential | None]:
        """Yield the answers to the refusal of a URL that only a server named (invariant 4)."""
        yield from self._others(candidates.entries)
        for entry in candidates.entries:
            sent = self._sent_from(entry)
            if sent and (candidates.only or sent[-1].has_worked):
                yield self._lookup.look_again(entry, sent, self.named_by)

    def _others(self, entries: Sequence[CacheEntry]) -> Iterator[CachedCredential | None]:
        """Yield the credentials of the entries from which nothing was sent."""
        for entry in entries:
            if not self._sent_from(entry):
                yield self._lookup.look_up(entry, self.named_by)

    def _sent_from(self, entry: CacheEntry) -> list[CachedCredential]:
        return [found for found in self.tried if found.entry is entry]
