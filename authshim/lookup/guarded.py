"""A guard around one provider, which may be anybody's and may break in any way.

It asks the provider in one thread at a time and logs each of its problems once.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from authshim.credentials import Credential, OAuth
from authshim.errors import AuthshimError, ProviderError, ProviderMissing
from authshim.log import Once
from authshim.lookup.entry import MAX_CACHED_ENTRIES, MISS_SECONDS
from authshim.lookup.fitness import shown, unfit
from authshim.lookup.trace import ProviderName, Step
from authshim.oauth.stored_login import StoredLogin
from authshim.providers.base import Provider
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


class GuardedProvider:
    """A provider, and the answers that it gave in the last five minutes.

    So the entries of one origin ask a provider for their host once.
    """

    def __init__(self, provider: Any, renewer: Renewer, clock: Clock = time) -> None:
        self.answers = frozenset(getattr(provider, "answers", Provider.answers))
        self.lock = threading.RLock()
        self.renewer = renewer
        self._clock = clock
        self.asks_the_chain = False
        """True if the provider has used the chain itself; see ``asker``."""
        self._provider = provider
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
        return str(getattr(self._provider, "name", type(self._provider).__name__))

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
            sentence = self._complain(error)
            obstacle = sentence
            if isinstance(error, ProviderMissing):
                obstacle = ""
            return Step(self.name, key, sentence, broken=True, obstacle=obstacle)
        if isinstance(credential, OAuth) and key.kind != S3:
            # Not under the lock: a token endpoint may take half a minute.
            login = self._stored_login(key, username)
            credential = self.renewer.current(login, credential)
        if credential is None:
            return self._miss(key, said)
        reason = unfit(credential, key, entry, self._clock.time())
        if reason:
            return Step(self.name, key, reason)
        answer = shown(credential, key, entry) + said
        kind = str(getattr(self._provider, "kind", ""))
        name = ProviderName(self.name, kind, self._path())
        return Step(
            name,
            key,
            answer,
            credential,
            source=source,
        )

    def _question(
        self,
        key: Key,
        username: str | None,
    ) -> tuple[Credential | None, str, str]:
        """Return the credential, its place and its source; or None and the reason for people."""
        with self.lock:
            before = set(self._problems())
            credential = self._answer(key, username)
            problems = self._problems()
            if credential is None:
                said = self._why_not(key)
                source = ""
            else:
                said = self._place(key, username)
                source = self._source(key, username)
        self._warn(problems)
        new = [problem for problem in problems if problem not in before]
        if credential is None and new and key.kind == SERVICE:
            said = said or new[-1]
        return credential, said, source

    def preview(self, key: Key) -> Step:
        """Return a step that tells what a question would do, and ask nothing."""
        would_ask = getattr(self._provider, "would_ask", lambda _: "not asked")
        return Step(self.name, key, str(would_ask(key)))

    def has_changed(self) -> bool:
        """Return True if the provider's file has changed since this was last called."""
        before = self._version
        try:
            self._version = self._read_version()
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
                self._paths = self._read_path_keys()
                self.unlisted = ""
        except Exception as error:  # noqa: BLE001 - see the module
            self._paths = frozenset()
            self.unlisted = self._complain(error)
        if PREFIX in self.answers:
            # A bad entry has no key that it may be asked for.
            self._warn(self._problems())
        return self._paths

    def may_have(self, key: Key) -> bool:
        """Return False if the provider has not listed a key of the kind "prefix"."""
        return key.kind != PREFIX or key in self._paths

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
            if hasattr(self._provider, "refresh"):
                self._provider.refresh()
        except Exception as error:  # noqa: BLE001 - see the module
            self._complain(error)

    def _answer(self, key: Key, username: str | None) -> Credential | None:
        self._freshen()
        question = (key.kind, str(key), username)
        credential, until = self._answers.get(question, (None, 0.0))
        if until > self._clock.monotonic():
            return credential
        credential = self._provider.find(key, username)
        if not isinstance(credential, (Credential, type(None))):
            raise ProviderError(self.name, "its answer is no Credential")
        if key.kind == IDENTITY:
            # Its provider knows when it expires.
            return credential
        if len(self._answers) >= MAX_CACHED_ENTRIES:
            self._answers.clear()
        self._answers[question] = credential, self._clock.monotonic() + MISS_SECONDS
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
        obstacle = f"{self.name}: {redact_key(key)}: {reason}"
        return Step(self.name, key, f"not read: {reason}", obstacle=obstacle)

    def _why_not(self, key: Key) -> str:
        """Return the reason why an entry that is there is not used, or an empty string."""
        ask = getattr(self._provider, "why_not", None)
        if ask is None:
            return ""
        return str(ask(key))

    def _place(self, key: Key, username: str | None) -> str:
        """Return the place of a login in the provider's files, in parentheses, if it is known."""
        ask = getattr(self._provider, "place", None)
        if ask is None:
            return ""
        place = ask(key, username)
        if not place:
            return ""
        return f" ({place})"

    def _source(self, key: Key, username: str | None) -> str:
        """Return the source of a login that the name of the provider does not tell."""
        ask = getattr(self._provider, "source", None)
        if ask is None:
            return ""
        return str(ask(key, username))

    def _path(self) -> str:
        """Return the file of the provider, or an empty string."""
        path = getattr(self._provider, "path", "")
        if not isinstance(path, str):
            return ""
        return path

    def _warn(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self._once.warn_once(problem, logging.WARNING)

    def _problems(self) -> tuple[str, ...]:
        return tuple(getattr(self._provider, "problems", ()))

    def _read_version(self) -> object:
        if not hasattr(self._provider, "version"):
            return None
        return self._provider.version()

    def _read_path_keys(self) -> frozenset[str]:
        if not hasattr(self._provider, "path_keys"):
            return frozenset()
        return frozenset(self._provider.path_keys())

    def _stored_login(self, key: Key, username: str | None) -> StoredLogin:
        """Return the place of an OAuth login in the provider's store."""

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

        return StoredLogin(
            self.name,
            key,
            read=read,
            save=save,
            keeps=hasattr(self._provider, "save"),
            path=self._path() or None,
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
