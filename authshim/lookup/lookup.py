"""Asks the providers for a realm, remembers what they said, and asks anew after a refusal.

Invariants, kept here and nowhere else:

1. Key before provider: each key goes to all the providers before the next key does.
2. The first answer wins; an answer that cannot be used here is none.
3. A provider that is broken is not asked again for the same realm; the next one is.
4. A realm is looked up by one thread at a time; the others wait for what it finds.
5. What answers a refusal is not sent before one.
6. Nobody waits for itself. A provider may use the chain that it is part of (to reach its own
   server, say): such a nested question waits for no realm, is not remembered, and goes only to
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
from authshim.lookup.cache import Memory
from authshim.lookup.challenge import schemes
from authshim.lookup.entry import ASKED_AGAIN, MISSED, REFUSED, UNSETTLED
from authshim.lookup.guarded import Desk
from authshim.lookup.naming import CALLER
from authshim.lookup.trace import Found, Step
from authshim.redact import redact
from authshim.secret import clears_frames
from authshim.urls import DEFAULT, GIVEN, SERVICE, Key, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from authshim.credentials import Credential
    from authshim.lookup.coverage import Site
    from authshim.lookup.entry import Realm
    from authshim.lookup.naming import NamedBy
    from authshim.providers.base import Provider

logger = logging.getLogger("authshim")


class _Thread(threading.local):
    """What one thread is doing."""

    inside = False
    """It is in a look-up already."""
    desk: Desk | None = None
    """Whose provider it asks."""


class Inquiry:
    """The providers, and what is known of the realms."""

    def __init__(self, providers: Iterable[Provider], sites: Mapping[str, Site]) -> None:
        self.desks = [Desk(provider) for provider in providers]
        self.memory = Memory(sites, self._path_keys)
        self.note = ""
        self._thread = _Thread()
        self._next_check = 0.0
        self._salt = os.urandom(16)
        self._once = Once()

    @property
    def is_nested(self) -> bool:
        """Whether this thread is in a look-up already (invariant 6)."""
        return self._thread.inside

    @clears_frames
    def look_up(self, realm: Realm, named_by: NamedBy = CALLER) -> Found | None:
        """Return what is sent unasked, from memory or from the providers."""
        self.notice_changes()
        if named_by.is_marked:
            return self._for_server(realm, named_by)
        if self._is_known(realm):
            return realm.found
        if self.is_nested:
            return self._given(realm) or self._ask_for(realm, _without_keyring(realm))
        with realm.lock, self._inside():
            if self._is_known(realm):
                return realm.found
            if not realm.is_new:
                self.refresh(desk for desk in self.desks if not desk.is_watched)
            era = self.memory.era
            realm.found = self._given_and_noted(realm) or self._first(realm, realm.keys)
            if realm.found is None:
                realm.remember(MISSED, era)
            return realm.found

    def withheld(self, realm: Realm, named_by: NamedBy) -> str:
        """Return why nothing is sent to a plain http URL, whatever is found; empty if something may be."""
        host = named_by.forbidden_by(realm.url, self.memory.sites)
        return f"not sent: {host} named it over http" if host else ""

    @clears_frames
    def look_again(self, realm: Realm, tried: Sequence[Found], named_by: NamedBy) -> Found | None:
        """Ask again for what was refused at a URL that only a server named (invariant 7).

        :param tried: what was sent from this realm for one request, at least one.
        """
        found = tried[-1]
        if self.is_nested or len(tried) > 1 or found.key.kind in (GIVEN, SERVICE):
            return None
        again = self._for_server(realm, named_by)
        era = self.memory.era
        if (again is not None and again.credential != found.credential) or realm.remembers(ASKED_AGAIN, era):
            return again
        self.refresh()
        again = self._for_server(realm, named_by)
        if again is not None and again.credential == found.credential:
            realm.remember(ASKED_AGAIN, era)
        return again

    @clears_frames
    def renew(self, realm: Realm, tried: Sequence[Found], status: int) -> Found | None:
        """Return the credential to send in place of a refused one; None if there is no other.

        The first thread that saw the refusal looks it up, and the others get its answer. Each
        request is retried once.

        :param tried: what was sent from this realm for one request, at least one.
        """
        found = tried[-1]
        if self.is_nested or found.key.kind == GIVEN:
            return None
        with realm.lock, self._inside():
            era, current = self.memory.era, realm.found or realm.offer
            if current is None or current.credential != found.credential:
                return None if len(tried) > 1 else current
            if realm.has_refused(self._fingerprint(found.credential), era):
                return None
            again = found if len(tried) > 1 else self._ask_anew(realm, found, status)
            if again is not None and again.credential == found.credential:
                self._reject(realm, current, tried, era, forget=status == 401)
                return None
            realm.found, realm.offer = (None, again) if found.asked else (again, None)
            if again is None:
                realm.remember(MISSED, era)
            return again

    def _reject(self, realm: Realm, current: Found, tried: Sequence[Found], era: int, *, forget: bool) -> None:
        """Keep a refused credential from being looked up again, so that no account is locked.

        A login that has worked before is forgiven one retry in vain, since a server may rotate a
        token twice during one request. Then the next refusal is looked up again.

        :param forget: do not send the credential either, if the login has never worked.
        """
        refused = self._fingerprint(tried[-1].credential)
        worked = {self._fingerprint(found.credential) for found in (current, *tried) if found.accepted}
        if len(tried) > 1 and worked and not realm.is_unsettled(worked, era):
            realm.unsettle(refused, era)
            return
        realm.refuse(refused, era)
        if forget and not worked and not realm.remembers(UNSETTLED, era):
            realm.found = realm.offer = None
            realm.remember(MISSED, era)

    @clears_frames
    def answer_challenge(self, realm: Realm, challenge: str) -> Found | None:
        """Return what is sent only after a refusal: netrc's ``default`` for Basic, a keyring's answer for any.

        If neither is there, a token that stands alone before the ``@`` answers a Basic challenge.
        A key is asked for once; what a server refused of this realm is not followed by another.
        """
        if self.is_nested:
            return None
        with realm.lock, self._inside():
            era, current = self.memory.era, realm.found or realm.offer
            if current is not None or realm.remembers(REFUSED, era):
                return current
            is_basic = "basic" in schemes(challenge)
            fitting = [key for key in realm.challenge_keys if is_basic or key.kind != DEFAULT]
            keys = [key for key in fitting if not realm.remembers(key, era)]
            realm.offer = self._first(realm, keys, asked=True) if keys else None
            for key in keys:
                realm.remember(key, era)
            if realm.offer is None and is_basic:
                realm.offer = self._lone_token(realm)
            return realm.offer

    def keep(self, found: Found) -> None:
        """Let an answer to a refusal go unasked from now on, for a server took it."""
        realm: Realm = found.realm
        with realm.lock:  # of a nested question there is no offer
            if realm.offer is found:
                realm.found, realm.offer = found, None

    def reject_token(self, found: Found) -> None:
        """Keep a lone token that a server has refused, and never accepted, from being sent again."""
        realm: Realm = found.realm
        with realm.lock:
            if realm.offer is found:
                realm.offer = None
                realm.refuse(self._fingerprint(found.credential), self.memory.era)

    @clears_frames
    def explain(self, realm: Realm, named_by: NamedBy = CALLER) -> tuple[Found | None, list[Step]]:
        """Ask every provider for every key; a challenge's keys only where nothing else is found.

        A ``keyring`` command may ask a person, so it is not run where its answer would not be used.
        """
        found = self._given(realm)
        steps: list[Step] = []
        unasked = _without_keyring(realm)
        services = realm.keys[len(unasked) :]
        with self._inside():
            for keys, asked in ((unasked, False), (services, False), (realm.challenge_keys, True)):
                if found is not None:
                    others = [key for key in keys if key.kind != DEFAULT]
                    steps += self._skip(others, "not asked: there is an answer already")
                    continue
                for step in self._ask(realm, filter(named_by.lets_ask, keys)):
                    steps.append(step)
                    found = found or _found(realm, step, asked=asked)
                    if found is not None and step.key.kind == SERVICE:
                        break
                forbidden = [key for key in keys if not named_by.lets_ask(key)]
                steps += self._skip(forbidden, f"not asked: {named_by.host} named the URL")
        if found is None and not named_by.is_marked:
            found = self._lone_token(realm)
            if found is not None:
                said = f"{found.credential!r}, if the server asks for Basic"
                steps.append(Step(found.provider, found.key, said))
        return found, steps

    def notice_changes(self) -> None:
        """Begin a new era where a file that a provider reads has changed; looks once a second."""
        now = time.monotonic()
        if now < self._next_check or self.is_nested:
            return
        self._next_check = now + 1
        changed = [desk for desk in self.desks if desk.has_changed()]
        if changed:
            self.refresh(changed)
            self.memory.end_era()

    def forget(self) -> None:
        """Drop all that is remembered."""
        self.refresh()
        self.memory = Memory(self.memory.sites, self._path_keys)

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self._thread = _Thread()
        for desk in self.desks:
            desk.renew_locks()
        self.memory.renew_locks()

    def refresh(self, desks: Iterable[Desk] | None = None, *, refused: Credential | None = None) -> None:
        """Let providers read anew, all where none is named; what is known of the realms stays."""
        for desk in self.desks if desks is None else desks:
            desk.refresh(refused)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        before, self._thread.inside = self._thread.inside, True
        try:
            yield
        finally:
            self._thread.inside = before

    def _is_known(self, realm: Realm) -> bool:
        if realm.found is not None:
            return realm.found.expires_at is None or realm.found.expires_at > time.time()
        return realm.remembers(MISSED, self.memory.era)

    def _for_server(self, realm: Realm, named_by: NamedBy) -> Found | None:
        """Return what may go to a URL that only a server named, and warn if that is nothing for the way it came."""
        found = self._found_for_server(realm, named_by)
        withheld = self.withheld(realm, named_by)
        if found is None or not withheld:
            if found is not None:
                self._note_plain_http(realm, found)
            return found
        if not isinstance(found.credential, S3Credentials):
            self._once.warn_once(f"the credential for {realm.url.host} is {withheld}")
        return None

    def _found_for_server(self, realm: Realm, named_by: NamedBy) -> Found | None:
        """Ask the providers that a server cannot start, and remember nothing of it (invariant 7)."""
        known = realm.found
        if known is None and realm.remembers(MISSED, self.memory.era):
            return None
        with self._inside():
            found = self._given(realm) or self._ask_for(realm, filter(named_by.lets_ask, realm.keys))
        if found is None and known is not None and known.key.kind == SERVICE and self._is_known(realm):
            return known
        return found

    def _ask_anew(self, realm: Realm, found: Found, status: int) -> Found | None:
        self.refresh(refused=found.credential if status == 401 else None)
        keys = realm.challenge_keys if found.asked else realm.keys
        return self._first(realm, keys, asked=found.asked)

    def _skip(self, keys: Sequence[Key], why: str) -> Iterator[Step]:
        """Yield what stands in a trace for keys that nobody is asked for."""
        for desk in self.desks:
            for key in [key for key in keys if key.kind in desk.answers][:1]:
                yield Step(desk.name, key, why)

    def _first(self, realm: Realm, keys: Iterable[Key], *, asked: bool = False) -> Found | None:
        """Return the first answer, and tell the log."""
        found = self._ask_for(realm, keys, asked=asked)
        if found is not None:
            self._note_plain_http(realm, found)
        said = found or (f"no credential ({self.note})" if self.note else "no credential")
        logger.debug("%s: %s", redact(realm.origin), said)
        return found

    def _ask_for(self, realm: Realm, keys: Iterable[Key], *, asked: bool = False) -> Found | None:
        """Return the first answer that can be used (invariant 2)."""
        answers = (_found(realm, step, asked=asked) for step in self._ask(realm, keys))
        return next((answer for answer in answers if answer is not None), None)

    def _ask(self, realm: Realm, keys: Iterable[Key]) -> Iterator[Step]:
        """Ask key by key, and for each key provider by provider (invariants 1, 3 and 6)."""
        asking = self._thread.desk
        if asking is not None:
            asking.asks_the_chain = True
        broken: set[Desk] = set()
        for key in keys:
            for desk in self.desks:
                if key.kind in desk.answers and desk not in broken and not (asking and desk.asks_the_chain):
                    self._thread.desk = desk
                    try:
                        step = desk.ask(key, realm)
                    finally:
                        self._thread.desk = asking
                    if step.broken:
                        broken.add(desk)
                    yield step

    def _given(self, realm: Realm) -> Found | None:
        """Return what stands in the URL, or in the declared index that covers it."""
        url, declared = realm.url, realm.declared
        if url.password is None:
            return None
        try:
            credential = BasicHTTP(url.username or "", url.password.text)
        except CredentialError as error:
            self._once.warn_once(f"the user:password@ of {realm.origin} is not used: {error}")
            return None
        provider = "manifest" if declared and declared.password == url.password else "URL"
        return Found(credential, provider, Key(url.netloc, GIVEN), realm=realm)

    def _given_and_noted(self, realm: Realm) -> Found | None:
        found = self._given(realm)
        if found is not None:
            self._note_plain_http(realm, found)
        return found

    def _lone_token(self, realm: Realm) -> Found | None:
        credential = realm.lone_token
        if credential is None:
            return None
        found = Found(credential, realm.names_user, Key(realm.url.netloc, GIVEN), asked=True, realm=realm)
        self._note_plain_http(realm, found)
        return found

    def _path_keys(self) -> Iterator[str]:
        for desk in self.desks:
            yield from desk.path_keys(waiting=not (self.is_nested and desk.asks_the_chain))

    def _fingerprint(self, credential: Credential) -> bytes:
        from hashlib import blake2b

        secret = repr(credential.to_json()).encode("utf-8", "surrogatepass")
        return blake2b(secret, key=self._salt, digest_size=16).digest()

    def _note_plain_http(self, realm: Realm, found: Found) -> None:
        url = realm.url
        if url.scheme == "http" and not is_loopback(url.host) and not isinstance(found.credential, S3Credentials):
            self._once.warn_once(f"a credential is sent to {url.host} in the clear: use https")


def _without_keyring(realm: Realm) -> Sequence[Key]:
    return [key for key in realm.keys if key.kind != SERVICE]


def _found(realm: Realm, step: Step, *, asked: bool) -> Found | None:
    if step.credential is None:
        return None
    return Found(step.credential, step.provider, step.key, asked=asked, realm=realm)
