"""Asks the providers for an entry, remembers what they said, and asks anew after a refusal.

Invariants, kept here and nowhere else:

1. Key before provider: each key goes to all the providers before the next key does.
2. The first answer wins; an answer that cannot be used here is none.
3. A provider that is broken is not asked again for the same entry; the next one is.
4. An entry is looked up by one thread at a time; the others wait for what it finds.
5. What answers a refusal is not sent before one.
6. Nobody waits for itself. A provider may use the chain that it is part of (to reach its own
   server, say): such a nested question waits for no entry, is not remembered, and goes only to
   providers that were never seen to do the same.
7. What is looked up for a URL that only a server named is not remembered, and its refusal rejects nothing.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP, S3Credentials
from authshim.errors import CredentialError
from authshim.log import Once
from authshim.lookup.cache import Cache
from authshim.lookup.cached_credential import CachedCredential as Found
from authshim.lookup.challenge import schemes
from authshim.lookup.entry import ASKED_AGAIN, MISSED, REFUSED, UNSETTLED
from authshim.lookup.guarded import GuardedProvider
from authshim.lookup.naming import CALLER
from authshim.lookup.trace import Step
from authshim.redact import is_unfilled, redact
from authshim.secret import clears_frames
from authshim.urls import DEFAULT, GIVEN, SERVICE, Key, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from authshim.concurrency import Clock
    from authshim.credentials import Credential
    from authshim.lookup.coverage import DeclaredAtOrigin
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.naming import NamedBy
    from authshim.oauth.renewal import Renewer
    from authshim.providers.base import Provider

logger = logging.getLogger("authshim")


class _Thread(threading.local):
    """What one thread is doing."""

    inside = False
    """It is in a look-up already."""
    provider: GuardedProvider | None = None
    """Whose provider it asks."""


class Lookup:
    """The providers, and what is known of the entries."""

    def __init__(
        self,
        providers: Iterable[Provider],
        declared: Mapping[str, DeclaredAtOrigin],
        *,
        renewer: Renewer,
        note: str = "",
        clock: Clock = time,
    ) -> None:
        self.providers = [GuardedProvider(provider, renewer, clock) for provider in providers]
        self.cache = Cache(declared, self._path_keys, clock)
        self.note = note
        self._clock = clock
        self._thread = _Thread()
        self._next_check = 0.0
        self._salt = os.urandom(16)
        self._once = Once()

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self._clock.time()

    @property
    def is_nested(self) -> bool:
        """Whether this thread is in a look-up already (invariant 6)."""
        return self._thread.inside

    @clears_frames
    def look_up(self, entry: CacheEntry, named_by: NamedBy = CALLER) -> Found | None:
        """Return what is sent unasked, from memory or from the providers."""
        self.notice_changes()
        if named_by.is_marked:
            return self._for_server(entry, named_by)
        if self._is_known(entry):
            return entry.found
        if self.is_nested:
            return self._given(entry) or self._ask_for(entry, _without_keyring(entry))
        with entry.lock, self._inside():
            if self._is_known(entry):
                return entry.found
            if not entry.is_new:
                self.refresh(provider for provider in self.providers if not provider.is_watched)
            generation = self.cache.generation
            entry.found = self._given_and_noted(entry) or self._first(entry, entry.keys)
            if entry.found is None:
                entry.remember(MISSED, generation)
            return entry.found

    def withheld(self, entry: CacheEntry, named_by: NamedBy) -> str:
        """Return why nothing is sent to a plain http URL, whatever is found; empty if something may be."""
        host = named_by.forbidden_by(entry.url, self.cache.declared)
        return f"not sent: {host} named it over http" if host else ""

    @clears_frames
    def look_again(
        self, entry: CacheEntry, tried: Sequence[Found], named_by: NamedBy
    ) -> Found | None:
        """Ask again for what was refused at a URL that only a server named (invariant 7).

        :param tried: what was sent from this entry for one request, at least one.
        """
        found = tried[-1]
        if self.is_nested or len(tried) > 1 or found.key.kind in (GIVEN, SERVICE):
            return None
        again = self._for_server(entry, named_by)
        generation = self.cache.generation
        if (again is not None and again.credential != found.credential) or entry.remembers(
            ASKED_AGAIN, generation
        ):
            return again
        self.refresh()
        again = self._for_server(entry, named_by)
        if again is not None and again.credential == found.credential:
            entry.remember(ASKED_AGAIN, generation)
        return again

    @clears_frames
    def renew(self, entry: CacheEntry, tried: Sequence[Found], status: int) -> Found | None:
        """Return the credential to send in place of a refused one; None if there is no other.

        The first thread that saw the refusal looks it up, and the others get its answer. Each
        request is retried once.

        :param tried: what was sent from this entry for one request, at least one.
        """
        found = tried[-1]
        if self.is_nested or found.key.kind == GIVEN:
            return None
        with entry.lock, self._inside():
            generation, current = self.cache.generation, entry.found or entry.pending
            if current is None or current.credential != found.credential:
                return None if len(tried) > 1 else current
            if entry.has_refused(self._fingerprint(found.credential), generation):
                return None
            again = found if len(tried) > 1 else self._ask_anew(entry, found, status)
            if again is not None and again.credential == found.credential:
                self._reject(entry, current, tried, generation, forget=status == 401)
                return None
            entry.found, entry.pending = (None, again) if found.challenged else (again, None)
            if again is None:
                entry.remember(MISSED, generation)
            return again

    def _reject(
        self,
        entry: CacheEntry,
        current: Found,
        tried: Sequence[Found],
        generation: int,
        *,
        forget: bool,
    ) -> None:
        """Keep a refused credential from being looked up again, so that no account is locked.

        A login that has worked before is forgiven one retry in vain, since a server may rotate a
        token twice during one request. Then the next refusal is looked up again.

        :param forget: do not send the credential either, if the login has never worked.
        """
        refused = self._fingerprint(tried[-1].credential)
        worked = {
            self._fingerprint(found.credential) for found in (current, *tried) if found.accepted
        }
        if len(tried) > 1 and worked and not entry.is_unsettled(worked, generation):
            entry.unsettle(refused, generation)
            return
        entry.refuse(refused, generation)
        if forget and not worked and not entry.remembers(UNSETTLED, generation):
            entry.found = entry.pending = None
            entry.remember(MISSED, generation)

    @clears_frames
    def answer_challenge(self, entry: CacheEntry, challenge: str) -> Found | None:
        """Return what is sent only after a refusal: netrc's ``default`` for Basic, a keyring's answer for any.

        If neither is there, a token that stands alone before the ``@`` answers a Basic challenge.
        A key is asked for once; what a server refused of this entry is not followed by another.
        """
        if self.is_nested:
            return None
        with entry.lock, self._inside():
            generation, current = self.cache.generation, entry.found or entry.pending
            if current is not None or entry.remembers(REFUSED, generation):
                return current
            is_basic = "basic" in schemes(challenge)
            fitting = [key for key in entry.challenge_keys if is_basic or key.kind != DEFAULT]
            keys = [key for key in fitting if not entry.remembers(key, generation)]
            entry.pending = self._first(entry, keys, challenged=True) if keys else None
            for key in keys:
                entry.remember(key, generation)
            if entry.pending is None and is_basic:
                entry.pending = self._lone_token(entry)
            return entry.pending

    def keep(self, found: Found) -> None:
        """Let an answer to a refusal go unasked from now on, for a server took it."""
        entry: CacheEntry = found.entry
        with entry.lock:  # of a nested question there is nothing pending
            if entry.pending is found:
                entry.found, entry.pending = found, None

    def reject_token(self, found: Found) -> None:
        """Keep a lone token that a server has refused, and never accepted, from being sent again."""
        entry: CacheEntry = found.entry
        with entry.lock:
            if entry.pending is found:
                entry.pending = None
                entry.refuse(self._fingerprint(found.credential), self.cache.generation)

    @clears_frames
    def explain(
        self, entry: CacheEntry, named_by: NamedBy = CALLER
    ) -> tuple[Found | None, list[Step]]:
        """Ask every provider for every key; a challenge's keys only where nothing else is found.

        A ``keyring`` command may ask a person, so it is not run where its answer would not be used.
        """
        found = self._given(entry)
        steps: list[Step] = []
        unasked = _without_keyring(entry)
        services = entry.keys[len(unasked) :]
        with self._inside():
            for keys, challenged in (
                (unasked, False),
                (services, False),
                (entry.challenge_keys, True),
            ):
                if found is not None:
                    others = [key for key in keys if key.kind != DEFAULT]
                    steps += self._skip(others, "not asked: there is an answer already")
                    continue
                for step in self._ask(entry, filter(named_by.lets_ask, keys)):
                    steps.append(step)
                    found = found or _found(entry, step, challenged=challenged)
                    if found is not None and step.key.kind == SERVICE:
                        break
                forbidden = [key for key in keys if not named_by.lets_ask(key)]
                steps += self._skip(forbidden, f"not asked: {named_by.host} named the URL")
        if found is None and not named_by.is_marked:
            found = self._lone_token(entry)
            if found is not None:
                said = f"{found.credential!r}, if the server asks for Basic"
                steps.append(Step(found.provider, found.key, said))
        return found, steps

    def notice_changes(self) -> None:
        """Begin a new generation where a file that a provider reads has changed; looks once a second."""
        now = self._clock.monotonic()
        if now < self._next_check or self.is_nested:
            return
        self._next_check = now + 1
        changed = [provider for provider in self.providers if provider.has_changed()]
        if changed:
            self.refresh(changed)
            self.cache.next_generation()

    def forget(self) -> None:
        """Drop all that is remembered."""
        self.refresh()
        self.cache = Cache(self.cache.declared, self._path_keys, self._clock)

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self._thread = _Thread()
        for provider in self.providers:
            provider.renew_locks()
        self.cache.renew_locks()

    def refresh(
        self,
        providers: Iterable[GuardedProvider] | None = None,
        *,
        refused: Credential | None = None,
    ) -> None:
        """Let providers read anew, all where none is named; what is known of the entries stays."""
        for provider in self.providers if providers is None else providers:
            provider.refresh(refused)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        before, self._thread.inside = self._thread.inside, True
        try:
            yield
        finally:
            self._thread.inside = before

    def _is_known(self, entry: CacheEntry) -> bool:
        if entry.found is not None:
            return entry.found.expires_at is None or entry.found.expires_at > self.now()
        return entry.remembers(MISSED, self.cache.generation)

    def _for_server(self, entry: CacheEntry, named_by: NamedBy) -> Found | None:
        """Return what may go to a URL that only a server named, and warn if that is nothing for the way it came."""
        found = self._found_for_server(entry, named_by)
        withheld = self.withheld(entry, named_by)
        if found is None or not withheld:
            if found is not None:
                self._note_plain_http(entry, found)
            return found
        if not isinstance(found.credential, S3Credentials):
            self._once.warn_once(f"the credential for {entry.url.host} is {withheld}")
        return None

    def _found_for_server(self, entry: CacheEntry, named_by: NamedBy) -> Found | None:
        """Ask the providers that a server cannot start, and remember nothing of it (invariant 7)."""
        known = entry.found
        if known is None and entry.remembers(MISSED, self.cache.generation):
            return None
        with self._inside():
            found = self._given(entry) or self._ask_for(
                entry, filter(named_by.lets_ask, entry.keys)
            )
        if (
            found is None
            and known is not None
            and known.key.kind == SERVICE
            and self._is_known(entry)
        ):
            return known
        return found

    def _ask_anew(self, entry: CacheEntry, found: Found, status: int) -> Found | None:
        self.refresh(refused=found.credential if status == 401 else None)
        keys = entry.challenge_keys if found.challenged else entry.keys
        return self._first(entry, keys, challenged=found.challenged)

    def _skip(self, keys: Sequence[Key], why: str) -> Iterator[Step]:
        """Yield what stands in a trace for keys that nobody is asked for."""
        for provider in self.providers:
            for key in [key for key in keys if key.kind in provider.answers][:1]:
                yield Step(provider.name, key, why)

    def _first(
        self, entry: CacheEntry, keys: Iterable[Key], *, challenged: bool = False
    ) -> Found | None:
        """Return the first answer, and tell the log."""
        found = self._ask_for(entry, keys, challenged=challenged)
        if found is not None:
            self._note_plain_http(entry, found)
        said = found or (f"no credential ({self.note})" if self.note else "no credential")
        logger.debug("%s: %s", redact(entry.origin), said)
        return found

    def _ask_for(
        self, entry: CacheEntry, keys: Iterable[Key], *, challenged: bool = False
    ) -> Found | None:
        """Return the first answer that can be used (invariant 2)."""
        answers = (_found(entry, step, challenged=challenged) for step in self._ask(entry, keys))
        return next((answer for answer in answers if answer is not None), None)

    def _ask(self, entry: CacheEntry, keys: Iterable[Key]) -> Iterator[Step]:
        """Ask key by key, and for each key provider by provider (invariants 1, 3 and 6)."""
        asking = self._thread.provider
        if asking is not None:
            asking.asks_the_chain = True
        broken: set[GuardedProvider] = set()
        for key in keys:
            for provider in self.providers:
                if (
                    key.kind in provider.answers
                    and provider not in broken
                    and not (asking and provider.asks_the_chain)
                ):
                    self._thread.provider = provider
                    try:
                        step = provider.ask(key, entry)
                    finally:
                        self._thread.provider = asking
                    if step.broken:
                        broken.add(provider)
                    yield step

    def _given(self, entry: CacheEntry) -> Found | None:
        """Return what stands in the URL, or in the declared index that covers it."""
        url, declared = entry.url, entry.declared
        if url.password is None:
            return None
        if is_unfilled(url.password.text) or is_unfilled(url.username or ""):
            self._once.warn_once(f"the user:password@ of {entry.origin} is not filled in")
            return None
        try:
            credential = BasicHTTP(url.username or "", url.password.text)
        except CredentialError as error:
            self._once.warn_once(f"the user:password@ of {entry.origin} is not used: {error}")
            return None
        provider = "manifest" if declared and declared.password == url.password else "URL"
        return Found(credential, provider, Key(url.netloc, GIVEN), entry=entry)

    def _given_and_noted(self, entry: CacheEntry) -> Found | None:
        found = self._given(entry)
        if found is not None:
            self._note_plain_http(entry, found)
        return found

    def _lone_token(self, entry: CacheEntry) -> Found | None:
        credential = entry.lone_token
        if credential is None:
            return None
        found = Found(
            credential, entry.names_user, Key(entry.url.netloc, GIVEN), challenged=True, entry=entry
        )
        self._note_plain_http(entry, found)
        return found

    def _path_keys(self) -> Iterator[str]:
        for provider in self.providers:
            yield from provider.path_keys(waiting=not (self.is_nested and provider.asks_the_chain))

    def _fingerprint(self, credential: Credential) -> bytes:
        from hashlib import blake2b

        secret = repr(credential.to_json()).encode("utf-8", "surrogatepass")
        return blake2b(secret, key=self._salt, digest_size=16).digest()

    def _note_plain_http(self, entry: CacheEntry, found: Found) -> None:
        url = entry.url
        if (
            url.scheme == "http"
            and not is_loopback(url.host)
            and not isinstance(found.credential, S3Credentials)
        ):
            self._once.warn_once(f"a credential is sent to {url.host} in the clear: use https")


def _without_keyring(entry: CacheEntry) -> Sequence[Key]:
    return [key for key in entry.keys if key.kind != SERVICE]


def _found(entry: CacheEntry, step: Step, *, challenged: bool) -> Found | None:
    if step.credential is None:
        return None
    return Found(
        step.credential,
        step.provider,
        step.key,
        challenged=challenged,
        entry=entry,
        now=entry.clock.time(),
    )
