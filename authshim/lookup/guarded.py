"""A guard around one provider, which may be anybody's and may break in any way.

It asks the provider in one thread at a time and logs each of its problems once.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from authshim.credentials import Credential, OAuth
from authshim.errors import AuthshimError, ProviderMissing
from authshim.log import Once
from authshim.lookup.entry import MAX_CACHED_ENTRIES, MISS_SECONDS
from authshim.lookup.fitness import shown, unfit
from authshim.lookup.foreign import ForeignProvider
from authshim.lookup.trace import Step
from authshim.oauth.stored_login import StoredLogin
from authshim.redact import redact_key
from authshim.urls import IDENTITY, PATH, PREFIX, S3, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.concurrency import Clock
    from authshim.lookup.entry import CacheEntry
    from authshim.oauth.renewal import Renewer
    from authshim.urls import Key

_NEVER = object()
"""The version of a provider that was never asked for one."""


_NO_ANSWER = (None, 0.0)
"""The answer to a question that was not asked, and its end."""


class GuardedProvider:
    """A provider, and the answers that it gave in the last five minutes.

    So the entries of one origin ask a provider for their host once.
    """

    def __init__(
        self,
        provider: Any,
        renewer: Renewer,
        clock: Clock = time,
    ) -> None:
        self._provider = ForeignProvider(provider)
        self.answers = self._provider.answers
        self.lock = threading.RLock()
        self.renewer = renewer
        self._clock = clock
        self.asks_the_chain = False
        """True if the provider has used the chain itself; see ``asker``."""
        self._once = Once()
        self._version: object = _NEVER
        self._paths: frozenset[str] = frozenset()
        self.unlisted = ""
        """The reason why the keys of the provider cannot be listed, or an empty string."""
        self._answers: dict[tuple[str, str, str | None], tuple[Credential | None, float]] = {}
        self._is_stale = False
        """True if the provider has to read its store again before the next question."""

    @property
    def name(self) -> str:
        """Return the name that people know the provider by."""
        return self._provider.name

    @property
    def is_watched(self) -> bool:
        """Return True if the provider reads a file, whose changes are seen."""
        return self._version not in (None, _NEVER)

    def ask(self, key: Key, entry: CacheEntry) -> Step:
        """Ask the provider for one key, and return its answer."""
        username = entry.url.username
        try:
            credential, said, source = self._question(key, username)
        except Exception as error:  # noqa: BLE001 - see the module
            return self._failure(key, error)
        if isinstance(credential, OAuth) and key.kind != S3:
            # Not under the lock: a token endpoint may take half a minute.
            login = self._stored_login(key, username)
            credential = self.renewer.current(login, credential)
        if credential is None:
            return self._miss(key, said)
        now = self._clock.time()
        reason = unfit(credential, key, entry, now)
        if reason:
            return Step(self.name, key, reason)
        answer = shown(credential, key, entry) + said
        return Step(self.name, key, answer, credential, source=source)

    def _failure(self, key: Key, error: Exception) -> Step:
        """Return the answer of a provider that raised an error."""
        sentence = self._complain(error)
        obstacle = sentence
        if isinstance(error, ProviderMissing):
            obstacle = ""
        return Step(
            self.name,
            key,
            sentence,
            broken=True,
            obstacle=obstacle,
        )

    def _question(
        self,
        key: Key,
        username: str | None,
    ) -> tuple[Credential | None, str, str]:
        """Return the credential, its place and its source; or None and the reason for people."""
        provider = self._provider
        source = ""
        with self.lock:
            before = set(provider.problems)
            credential = self._answer(key, username)
            problems = provider.problems
            if credential is None:
                said = provider.why_not(key)
            else:
                said = provider.place(key, username)
                source = provider.source(key, username)
        self._warn(problems)
        new = [problem for problem in problems if problem not in before]
        if credential is None and new and key.kind == SERVICE:
            said = said or new[-1]
        return credential, said, source

    def preview(self, key: Key) -> Step:
        """Return a step that tells what a question would do, and ask nothing."""
        answer = self._provider.would_ask(key)
        return Step(self.name, key, answer)

    def has_changed(self) -> bool:
        """Return True if the provider's file has changed since this was last called."""
        before = self._version
        try:
            self._version = self._provider.version()
        except Exception as error:  # noqa: BLE001 - see the module
            self._complain(error)
        return before is not _NEVER and before != self._version

    def path_keys(self, *, waiting: bool) -> Iterable[str]:
        """List the provider's keys of the kinds "path" and "prefix".

        :param waiting: False: list the keys of the last call, and do not ask the provider.
        """
        if not waiting or not self.answers & {PATH, PREFIX}:
            return self._paths
        if self._version is _NEVER:
            # The provider reads its file below, so later changes count.
            self.has_changed()
        try:
            with self.lock:
                self._freshen()
                self._paths = self._provider.path_keys()
                self.unlisted = ""
        except Exception as error:  # noqa: BLE001 - see the module
            self._paths = frozenset()
            self.unlisted = self._complain(error)
        if PREFIX in self.answers:
            # A bad entry has no key that it may be asked for.
            self._warn(self._provider.problems)
        return self._paths

    def may_have(self, key: Key) -> bool:
        """Return False if the provider has not listed a key of the kind "prefix"."""
        if key.kind != PREFIX:
            return True
        return key in self._paths

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that no longer exist."""
        self.lock = threading.RLock()
        self.renewer.renew_locks()

    def refresh(self, refused: Credential | None = None) -> None:
        """Drop the answers, and let the provider read its store again.

        If the provider is busy, which may take minutes, this happens before its next answer. A
        thread that may not even need the provider does not wait.

        :param refused: a credential that a server answered with 401. An OAuth login is renewed.
        """
        self.renewer.note_refused(refused)
        self._is_stale = True
        if self.lock.acquire(blocking=False):
            try:
                self._freshen()
            finally:
                self.lock.release()

    def _freshen(self) -> None:
        """Finish a ``refresh``. The caller holds the lock."""
        if not self._is_stale:
            return
        self._is_stale = False
        self._answers.clear()
        try:
            self._provider.refresh()
        except Exception as error:  # noqa: BLE001 - see the module
            self._complain(error)

    def _answer(
        self,
        key: Key,
        username: str | None,
    ) -> Credential | None:
        self._freshen()
        question = (key.kind, str(key), username)
        credential, until = self._answers.get(question, _NO_ANSWER)
        if until > self._clock.monotonic():
            return credential
        credential = self._provider.find(key, username)
        if key.kind == IDENTITY:
            # Its provider knows when it expires.
            return credential
        if len(self._answers) >= MAX_CACHED_ENTRIES:
            self._answers.clear()
        until = self._clock.monotonic() + MISS_SECONDS
        self._answers[question] = credential, until
        return credential

    def _miss(self, key: Key, reason: str) -> Step:
        """Return the answer of a provider without a credential.

        :param reason: a problem that a command had with the key, or the reason why an entry that is
            there is not used. It may be empty.
        """
        if not reason:
            return Step(self.name, key, "nothing")
        if key.kind == SERVICE:
            return Step(self.name, key, f"nothing: {reason}")
        shown_key = redact_key(key)
        obstacle = f"{self.name}: {shown_key}: {reason}"
        return Step(self.name, key, f"not read: {reason}", obstacle=obstacle)

    def _warn(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self._once.warn_once(problem, logging.WARNING)

    def _stored_login(
        self,
        key: Key,
        username: str | None,
    ) -> StoredLogin:
        """Return the place of an OAuth login in the provider's store."""

        def read() -> Credential | None:
            with self.lock:
                self.refresh()
                return self._answer(key, username)

        def save(credential: Credential) -> None:
            with self.lock:
                try:
                    self._provider.save(key, credential)
                finally:
                    self.refresh()

        return StoredLogin(
            self.name,
            key,
            read=read,
            save=save,
            keeps=self._provider.keeps,
            path=self._provider.path or None,
        )

    def _complain(self, error: Exception) -> str:
        """Log an error of the provider once, and return its sentence.

        The text of a foreign error may hold a secret, so only its class is named.
        """
        sentence = f"cannot read {self.name}: {type(error).__name__}"
        if isinstance(error, AuthshimError):
            sentence = str(error)
        level = logging.WARNING
        if isinstance(error, ProviderMissing):
            # pip, for one, shows all records of INFO.
            level = logging.DEBUG
        self._once.warn_once(sentence, level)
        return sentence
