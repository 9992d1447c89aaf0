"""The look-up of an entry: its cached credential, or else the answer of a provider.

Invariants, kept here and nowhere else:

1. An entry is looked up by one thread at a time. The others wait for its answer.
2. The answer to a challenge is not sent before a server asked for it.
3. A nested question (see ``asker``) waits for no entry, and its answer is not cached.
4. The answer for a URL that only a server named is not cached (see ``server_named``).
"""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING

from authshim.log import Once
from authshim.lookup.answers import Answers
from authshim.lookup.asker import Asker, without_keyring
from authshim.lookup.cache import Cache
from authshim.lookup.challenge import answering, schemes
from authshim.lookup.entry import MISSED, REFUSED
from authshim.lookup.explanation import Explanation
from authshim.lookup.given import find_given, find_lone_token, warn_plain_http, warn_rejected
from authshim.lookup.naming import CALLER
from authshim.lookup.replacement import Replacements
from authshim.lookup.server_named import ServerNamedLookup, withheld
from authshim.secret import clears_frames
from authshim.urls import GIVEN, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from authshim.concurrency import Clock
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.coverage import DeclaredAtOrigin
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.guarded import GuardedProvider
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Step
    from authshim.oauth.renewal import Renewer
    from authshim.providers.base import Provider


class Lookup:
    """The providers of a chain, and the cache of their answers."""

    def __init__(
        self,
        providers: Iterable[Provider],
        declared: Mapping[str, DeclaredAtOrigin],
        *,
        renewer: Renewer,
        note: str = "",
        clock: Clock = time,
    ) -> None:
        self._asker = Asker(providers, renewer, clock)
        self.providers = self._asker.providers
        self.cache = Cache(declared, self._asker.path_keys, clock)
        self.note = note
        self._clock = clock
        self._next_check = 0.0
        self.once = Once()
        self._answers = Answers(self._asker, self.once, note)
        self._replacements = Replacements(self._asker, self._answers, self.once)
        self._server_named = ServerNamedLookup(self._asker, self.once)
        _lookups.add(self)

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self._clock.time()

    @clears_frames
    def look_up(
        self,
        entry: CacheEntry,
        named_by: NamedBy = CALLER,
    ) -> CachedCredential | None:
        """Return the credential that is sent without a challenge, from the cache or a provider."""
        self.notice_changes()
        if named_by.is_marked:
            return self._server_named.look_up(entry, named_by, self.cache)
        if self.is_known(entry):
            return entry.found
        if self._asker.is_nested:
            return self._answers.nested(entry)
        with entry.lock, self._asker.inside():
            if not self.is_known(entry):
                self._find(entry)
            return entry.found

    def withheld(self, entry: CacheEntry, named_by: NamedBy) -> str:
        """Return why no credential goes to a plain http URL, or an empty string if one may."""
        return withheld(entry, named_by, self.cache)

    @clears_frames
    def look_again(
        self,
        entry: CacheEntry,
        tried: Sequence[CachedCredential],
        named_by: NamedBy,
    ) -> CachedCredential | None:
        """Return the credential to send after the refusal of a URL that only a server named.

        :param tried: the credentials of this entry that were sent for one request, at least one.
        """
        return self._server_named.look_again(
            entry,
            tried,
            named_by,
            self.cache,
        )

    @clears_frames
    def renew(
        self,
        entry: CacheEntry,
        tried: Sequence[CachedCredential],
        status: int,
    ) -> CachedCredential | None:
        """Return the credential to send in place of a refused one, or None if there is no other.

        The first thread that saw the refusal looks it up, and the others get its answer. Each
        request is retried once.

        :param tried: the credentials of this entry that were sent for one request, at least one.
        """
        found = tried[-1]
        if found.key.kind == GIVEN and status == 401:
            warn_rejected(found, self.once)
        if self._asker.is_nested or found.key.kind == GIVEN:
            return None
        with entry.lock, self._asker.inside():
            current = entry.found or entry.pending
            if current is not None and current.credential == found.credential:
                return self._replacements.replace(
                    entry,
                    current,
                    tried,
                    status,
                    self.cache.generation,
                )
            if len(tried) > 1:
                return None
            return current

    @clears_frames
    def answer_challenge(
        self,
        entry: CacheEntry,
        challenge: str,
    ) -> CachedCredential | None:
        """Return the answer to a challenge, or None.

        netrc's ``default`` and a lone token answer Basic, and a CI's identity answers Bearer. A
        keyring and the token of a CI job answer any challenge. Each key is asked for once. If a
        server has refused a credential of this entry, none follows.
        """
        if self._asker.is_nested:
            return None
        with entry.lock, self._asker.inside():
            current = entry.found or entry.pending
            was_refused = entry.remembers(REFUSED, self.cache.generation)
            if current is not None or was_refused:
                return current
            entry.pending = self._ask_for_challenge(entry, challenge)
            if entry.pending is None and "basic" in schemes(challenge):
                entry.pending = find_lone_token(entry, self.once)
            return entry.pending

    def keep(self, found: CachedCredential) -> None:
        """Send the answer to a challenge without one from now on, since a server accepted it."""
        entry: CacheEntry = found.entry
        with entry.lock:  # nothing is pending for a nested question
            if entry.pending is found:
                entry.found = found
                entry.pending = None

    def reject_token(self, found: CachedCredential) -> None:
        """Do not send a lone token again that a server refused and none has accepted."""
        self._replacements.reject_token(found, self.cache.generation)

    @clears_frames
    def explain(
        self,
        entries: Iterable[CacheEntry],
        named_by: NamedBy = CALLER,
    ) -> tuple[CachedCredential | None, list[Step]]:
        """Return the first credential of some entries, and the answers of all providers, once."""
        found: CachedCredential | None = None
        steps: dict[Step, None] = {}
        for entry in entries:
            explanation = Explanation(self._asker, entry, named_by, self.once)
            found = found or explanation.found
            steps.update(dict.fromkeys(explanation.steps))
        return found, list(steps)

    def obstacles(self, entry: CacheEntry) -> list[str]:
        """Return the failures of the providers that are asked without a challenge."""
        keys = without_keyring(entry)
        with self._asker.inside():
            steps = list(self._asker.ask(entry, keys))
            steps += self._asker.unlisted(entry)
        return [step.obstacle for step in steps if step.obstacle]

    def notice_changes(self) -> None:
        """Begin a new generation if a file of a provider has changed. Look once a second."""
        now = self._clock.monotonic()
        if now < self._next_check or self._asker.is_nested:
            return
        self._next_check = now + 1
        changed = [provider for provider in self.providers if provider.has_changed()]
        if changed:
            self.refresh(changed)
            self.cache.next_generation()

    def forget(self) -> None:
        """Empty the cache, and let the providers read their stores again."""
        self.refresh()
        self.cache = Cache(
            self.cache.declared,
            self._asker.path_keys,
            self._clock,
        )

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that no longer exist."""
        self._asker.renew_locks()
        self.cache.renew_locks()

    def refresh(self, providers: Iterable[GuardedProvider] | None = None) -> None:
        """Let providers read their stores again, all if none is named. The cache stays."""
        self._asker.refresh(providers)

    def is_known(self, entry: CacheEntry) -> bool:
        """Return True if the cache has the answer for an entry, be it a miss."""
        if entry.found is not None:
            return entry.is_fresh
        return entry.remembers(MISSED, self.cache.generation)

    def _find(self, entry: CacheEntry) -> None:
        """Look an entry up, and cache the credential or the miss."""
        if not entry.is_new:
            unwatched = [provider for provider in self.providers if not provider.is_watched]
            self.refresh(unwatched)
        generation = self.cache.generation
        entry.found = find_given(entry, self.once)
        if entry.found is not None:
            warn_plain_http(entry.found, self.once)
            return
        entry.found = self._answers.first(entry, entry.keys)
        if entry.found is None:
            entry.remember(MISSED, generation)

    def _ask_for_challenge(
        self,
        entry: CacheEntry,
        challenge: str,
    ) -> CachedCredential | None:
        """Ask for the keys of a challenge that were not asked for before."""
        generation = self.cache.generation
        fitting = answering(entry.challenge_keys, challenge)
        keys = [key for key in fitting if not entry.remembers(key, generation)]
        if not keys:
            return None
        found = self._answers.first(entry, keys, challenged=True)
        for key in keys:
            # The token of an identity expires, and is then asked for again.
            if found is None or key.kind != IDENTITY:
                entry.remember(key, generation)
        return found


_lookups: weakref.WeakSet[Lookup] = weakref.WeakSet()


def _after_fork() -> None:
    for lookup in list(_lookups):
        lookup.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
