"""A questioner of the providers, key by key.

Invariants, kept here and nowhere else:

1. Each key goes to all the providers before the next key does (``order.questions``).
2. The first answer wins. An answer that does not fit the URL is none.
3. A provider that is broken is not asked again for the same entry. The next one is asked.
4. Nobody waits for itself. A provider may use the chain that it is part of, for example to reach
   its own server. Such a nested question goes only to providers that never did the same.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authshim.lookup.cached_credential import CachedCredential
from authshim.lookup.guarded import GuardedProvider
from authshim.lookup.order import questions
from authshim.lookup.trace import Step
from authshim.urls import PREFIX, SERVICE, Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from authshim.concurrency import Clock
    from authshim.credentials import Credential
    from authshim.lookup.entry import CacheEntry
    from authshim.oauth.renewal import Renewer
    from authshim.providers.base import Provider


class _Thread(threading.local):
    """The state of one thread."""

    is_inside = False
    """True during a look-up."""
    provider: GuardedProvider | None = None
    """The provider that the thread asks."""


class Asker:
    """The providers of a chain, in the order in which they are asked."""

    def __init__(
        self,
        providers: Iterable[Provider],
        renewer: Renewer,
        clock: Clock = time,
    ) -> None:
        self.providers = [GuardedProvider(provider, renewer, clock) for provider in providers]
        self._thread = _Thread()

    @property
    def is_nested(self) -> bool:
        """Return True if this thread is in a look-up already (invariant 4)."""
        return self._thread.is_inside

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Mark this thread as one that is in a look-up."""
        before, self._thread.is_inside = self._thread.is_inside, True
        try:
            yield
        finally:
            self._thread.is_inside = before

    def first(
        self,
        entry: CacheEntry,
        keys: Iterable[Key],
        *,
        challenged: bool = False,
    ) -> CachedCredential | None:
        """Return the first answer that fits (invariant 2), or None."""
        for step in self.ask(entry, keys):
            found = found_in(step, entry, challenged=challenged)
            if found is not None:
                return found
        return None

    def ask(self, entry: CacheEntry, keys: Iterable[Key]) -> Iterator[Step]:
        """Ask key by key, and yield each answer."""
        asking = self._thread.provider
        if asking is not None:
            asking.asks_the_chain = True
        broken: set[GuardedProvider] = set()
        for key, provider in questions(keys, self.providers):
            is_asking_too = asking is not None and provider.asks_the_chain
            if provider in broken or is_asking_too or not provider.may_have(key):
                continue
            step = self._ask_one(provider, key, entry)
            if step.broken:
                broken.add(provider)
            yield step

    def unlisted(self, entry: CacheEntry) -> Iterator[Step]:
        """Yield a step for each provider whose keys cannot be listed, so that it was not asked."""
        key = Key(entry.url.prefix, PREFIX)
        for provider in self.providers:
            reason = provider.unlisted
            if reason and PREFIX in provider.answers:
                yield Step(provider.name, key, reason, broken=True, obstacle=reason)

    def path_keys(self) -> Iterator[str]:
        """Yield the keys of the kinds "path" and "prefix" that the providers have."""
        for provider in self.providers:
            is_asking = self.is_nested and provider.asks_the_chain
            yield from provider.path_keys(waiting=not is_asking)

    def refresh(
        self,
        providers: Iterable[GuardedProvider] | None = None,
        *,
        refused: Credential | None = None,
    ) -> None:
        """Let providers read their stores again. The cache of entries stays.

        :param providers: None: all of them.
        :param refused: a credential that a server answered with 401.
        """
        for provider in self.providers if providers is None else providers:
            provider.refresh(refused)

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that no longer exist."""
        self._thread = _Thread()
        for provider in self.providers:
            provider.renew_locks()

    def _ask_one(
        self,
        provider: GuardedProvider,
        key: Key,
        entry: CacheEntry,
    ) -> Step:
        before, self._thread.provider = self._thread.provider, provider
        try:
            return provider.ask(key, entry)
        finally:
            self._thread.provider = before


def found_in(
    step: Step,
    entry: CacheEntry,
    *,
    challenged: bool = False,
) -> CachedCredential | None:
    """Return the credential of an answer, or None if there is none."""
    if step.credential is None:
        return None
    return CachedCredential(
        step.credential,
        step.source or step.provider,
        step.key,
        challenged=challenged,
        entry=entry,
        now=entry.clock.time(),
    )


def without_keyring(entry: CacheEntry) -> list[Key]:
    """Return the keys of an entry that no keyring command is asked for."""
    return [key for key in entry.keys if key.kind != SERVICE]
