"""Fake providers, a clock that a test moves, and the steps of a request."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import authshim
from authshim import BasicHTTP, BearerToken, OAuth
from authshim.lookup.exchange import Exchange
from authshim.lookup.naming import CALLER, follow, named_by
from authshim.urls import DEFAULT, HOST, KINDS, PATH, PORT, SERVICE, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from authshim import Chain, Credential, Found
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.naming import NamedBy

STORE = (PATH, PORT, HOST, WILDCARD)
"""The kinds of key that an auth file answers."""


class Keeper(authshim.Provider):
    """A provider that answers from ``held``, which a test may change, and records its questions."""

    def __init__(
        self,
        held: Mapping[str, Credential] = {},
        *,
        name: str = "keeper",
        answers: Collection[str] = STORE,
    ):
        self.held = dict(held)
        self.name = name
        self.answers = frozenset(answers)
        self.asked: list[str] = []
        self.users: list[str | None] = []
        self.refreshed = 0
        self.stamp: object = None

    def find(self, key: str, username: str | None = None) -> Credential | None:
        self.asked.append(str(key))
        self.users.append(username)
        return self.held.get(key)

    def path_keys(self) -> list[str]:
        return [key for key in self.held if "/" in key and "://" not in key]

    def version(self) -> object:
        return self.stamp

    def refresh(self) -> None:
        self.refreshed += 1


def keyring(held: Mapping[str, Credential] = {}) -> Keeper:
    """Return a provider that answers as the keyring command does."""
    return Keeper(held, name="keyring command", answers=[SERVICE])


def default(credential: Credential) -> Keeper:
    """Return a provider that answers as the ``default`` entry of a netrc does."""
    return Keeper({"default": credential}, name="netrc", answers=[DEFAULT])


def through(*urls: str, to: str) -> NamedBy:
    """Return who named ``to`` after answers from the other URLs have led there."""
    way: tuple[str, ...] = ()
    for url in urls:
        way = follow(way, url)
    return named_by(way, to)


class Rotating(Keeper):
    """A provider with another token each time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(answers=[HOST], **options)
        self._numbers = itertools.count(1)

    def find(self, key: str, username: str | None = None) -> Credential | None:
        super().find(key, username)
        return BearerToken(f"s3cret-{next(self._numbers)}")


class Broken(Keeper):
    """A provider that raises a given error."""

    def __init__(self, error: BaseException, **options: Any) -> None:
        super().__init__(answers=KINDS, **options)
        self._error = error

    def find(self, key: str, username: str | None = None) -> Credential | None:
        super().find(key, username)
        raise self._error


class Waiting(Keeper):
    """A provider that answers when the test lets it."""

    def __init__(self, held: Mapping[str, Credential] = {}, **options: Any) -> None:
        super().__init__(held, **options)
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def find(self, key: str, username: str | None = None) -> Credential | None:
        self.is_asked.set()
        assert self.may_answer.wait(120)
        return super().find(key, username)


class Clock:
    """A clock that a test moves, for ``Chain(clock=...)``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


def chain_with(clock: Clock) -> authshim.Chain:
    """Return the chain of the environment, but with a clock that a test moves."""
    return authshim.Chain(authshim.Chain.from_environment().providers, clock=clock)


def oauth(token: str = "s3cret", expires_at: float | None = None) -> OAuth:
    return OAuth(token, None, expires_at, "https://h.example/token", None, "pixi")


def basic(username: str = "ada", password: str = "s3cret") -> BasicHTTP:
    return BasicHTTP(username, password)


def bearer(token: str = "s3cret") -> BearerToken:
    return BearerToken(token)


def sent(found: Found | CachedCredential | None) -> object:
    """Return the credential of an answer, or None."""
    return found and found.credential


def begin(chain: Chain, url: str, *, named_by: NamedBy = CALLER) -> CachedCredential | None:
    """Return the credential that a request to a URL begins with."""
    exchange = Exchange(chain, "GET", url, named_by=named_by)
    exchange.begin()
    return exchange.tried[0] if exchange.tried else None


def accept(chain: Chain, url: str, found: CachedCredential) -> None:
    """Let the server accept a credential."""
    exchange = Exchange(chain, "GET", url)
    exchange.tried = [found]
    assert exchange.receive(200) is None


def refused(
    chain: Chain,
    url: str,
    *,
    status: int,
    tried: Sequence[CachedCredential] = (),
    challenge: str = "",
    named_by: NamedBy = CALLER,
) -> CachedCredential | None:
    """Return the credential that is sent after a 401, 403 or 404; None if there is no other."""
    exchange = Exchange(chain, "GET", url, named_by=named_by)
    exchange.tried = list(tried)
    exchange.receive(status, {"WWW-Authenticate": challenge})
    return exchange.tried[-1] if len(exchange.tried) > len(tried) else None


def in_threads(count: int, work: Any) -> list[Any]:
    """Run ``work`` in many threads that start together, and return their results."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        barrier.wait()
        results[number] = work()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results
