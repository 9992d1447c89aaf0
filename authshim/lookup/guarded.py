"""A provider as the chain sees it: asked by one thread at a time, and its troubles said once."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP, CondaToken, Credential, OAuth
from authshim.errors import AuthshimError, ProviderError, ProviderMissing
from authshim.log import Once
from authshim.lookup.entry import LIFETIME, ORIGINS
from authshim.lookup.trace import Step
from authshim.oauth.stored_login import StoredLogin
from authshim.providers.base import Provider
from authshim.redact import shown_user
from authshim.urls import PATH, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.concurrency import Clock
    from authshim.lookup.entry import CacheEntry
    from authshim.oauth.renewal import Renewer
    from authshim.urls import Key

_NEVER = object()


class GuardedProvider:
    """Takes questions to one provider, which may be anybody's, and break in any way.

    It keeps the answers for a while, so that the entries of one origin ask for their host once.
    """

    def __init__(self, provider: Any, renewer: Renewer, clock: Clock = time) -> None:
        self.answers = frozenset(getattr(provider, "answers", Provider.answers))
        self.lock = threading.RLock()
        self.renewer = renewer
        self._clock = clock
        self.asks_the_chain = False
        """Whether the provider was seen to use the chain itself; see ``lookup``."""
        self._provider = provider
        self._once = Once()
        self._version: object = _NEVER
        self._paths: tuple[str, ...] = ()
        self._kept: dict[tuple[str, str, str | None], tuple[Credential | None, float]] = {}
        self._is_stale = False
        """What is kept, and what the provider has read, is to be dropped before it is asked again."""

    @property
    def name(self) -> str:
        """What a person calls the provider."""
        return str(getattr(self._provider, "name", type(self._provider).__name__))

    @property
    def is_watched(self) -> bool:
        """Whether the provider reads a file whose changes are seen."""
        return self._version not in (None, _NEVER)

    def ask(self, key: Key, entry: CacheEntry) -> Step:
        """Take one key to the provider, and tell what it said."""
        try:
            with self.lock:
                before = set(self._problems())
                credential = self._answer(key, entry.url.username)
                problems = self._problems()
        except Exception as error:  # noqa: BLE001 - see the class
            return Step(self.name, key, self._complain(error), broken=True)
        for problem in problems:
            self._once.warn_once(problem, logging.WARNING)
        if isinstance(credential, OAuth):
            # Not under the lock: a token endpoint may take half a minute.
            credential = self.renewer.current(
                self._stored_login(key, entry.url.username), credential
            )
        if credential is None:
            # What was wrong with a file is not this key's matter; what a command said of it is.
            because = [
                problem for problem in problems if problem not in before and key.kind == SERVICE
            ]
            return Step(self.name, key, f"nothing: {because[-1]}" if because else "nothing")
        reason = unfit(credential, key, entry, self._clock.time())
        return Step(
            self.name, key, reason or _shown(credential, key, entry), None if reason else credential
        )

    def has_changed(self) -> bool:
        """Tell whether a file that the provider reads is another than when this was last asked."""
        before = self._version
        try:
            self._version = self._provider.version() if hasattr(self._provider, "version") else None
        except Exception as error:  # noqa: BLE001 - see the class
            self._complain(error)
        return before is not _NEVER and before != self._version

    def path_keys(self, *, waiting: bool) -> Iterable[str]:
        """List the provider's keys with a path; without ``waiting`` those that it listed last."""
        if waiting and PATH in self.answers:
            if self._version is _NEVER:
                self.has_changed()  # it is read now: what changes from now on is a change
            try:
                with self.lock:
                    self._freshen()
                    self._paths = (
                        tuple(self._provider.path_keys())
                        if hasattr(self._provider, "path_keys")
                        else ()
                    )
            except Exception as error:  # noqa: BLE001 - see the class
                self._complain(error)
        return self._paths

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self.lock = threading.RLock()
        self.renewer.renew_locks()

    def refresh(self, refused: Credential | None = None) -> None:
        """Drop what was answered, and let the provider drop what it read: now, or once it has answered another thread.

        It may take minutes until it has: nobody who may not even need it waits for that.

        :param refused: what a server has answered with 401: an OAuth login is renewed when next asked for.
        """
        self.renewer.note_refused(refused)
        self._is_stale = True
        if self.lock.acquire(blocking=False):
            try:
                self._freshen()
            finally:
                self.lock.release()

    def _freshen(self) -> None:
        """Do what ``refresh`` could not do yet; under the lock."""
        if not self._is_stale:
            return
        self._is_stale = False
        self._kept.clear()
        try:
            if hasattr(self._provider, "refresh"):
                self._provider.refresh()
        except Exception as error:  # noqa: BLE001 - see the class
            self._complain(error)

    def _answer(self, key: Key, username: str | None) -> Credential | None:
        self._freshen()
        question = (key.kind, str(key), username)
        credential, until = self._kept.get(question, (None, 0.0))
        if until > self._clock.monotonic():
            return credential
        credential = self._provider.find(key, username)
        if not isinstance(credential, (Credential, type(None))):
            raise ProviderError(self.name, "what it answered is no Credential")
        if len(self._kept) >= ORIGINS:
            self._kept.clear()
        self._kept[question] = credential, self._clock.monotonic() + LIFETIME
        return credential

    def _problems(self) -> tuple[str, ...]:
        return tuple(getattr(self._provider, "problems", ()))

    def _stored_login(self, key: Key, username: str | None) -> StoredLogin:
        """Return the place from which an answer came."""

        def read() -> Credential | None:
            with self.lock:
                self.refresh()
                return self._answer(key, username)

        def save(credential: Credential) -> None:
            with self.lock:
                try:
                    self._provider.save(str(key), credential)
                finally:
                    self.refresh()

        path = getattr(self._provider, "path", None)
        return StoredLogin(
            self.name,
            key,
            read=read,
            save=save,
            keeps=hasattr(self._provider, "save"),
            path=path if isinstance(path, str) else None,
        )

    def _complain(self, error: Exception) -> str:
        # Only of our own errors it is known that they hold no secret.
        ours = isinstance(error, AuthshimError)
        sentence = str(error) if ours else f"cannot read {self.name}: {type(error).__name__}"
        self._once.warn_once(
            sentence, logging.INFO if isinstance(error, ProviderMissing) else logging.WARNING
        )
        return sentence


def unfit(credential: Credential, key: Key, entry: CacheEntry, now: float) -> str:
    """Say why a credential cannot be used here; nothing where it can."""
    user = entry.url.username
    if (
        isinstance(credential, BasicHTTP)
        and user is not None
        and key.kind != SERVICE
        and credential.username != user
    ):
        return f"passed over: it is for another user than {shown_user(user)!r}"
    if isinstance(credential, CondaToken) and entry.is_index:
        return "passed over: a conda token goes to channels, not into the path of an index"
    if isinstance(credential, OAuth) and credential.expired(now):
        return "passed over: the OAuth token has expired; log in again"
    return ""


def _shown(credential: Credential, key: Key, entry: CacheEntry) -> str:
    user, answered = entry.url.username, credential.shown_username
    if user is None or key.kind != SERVICE:
        return repr(credential)
    other = answered not in (None, user)
    return f"{credential!r}, not of the user {shown_user(user)!r}" if other else repr(credential)
