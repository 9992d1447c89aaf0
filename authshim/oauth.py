"""OAuth logins that stay alive: an access token is renewed before it expires, and after a refusal.

Invariants, kept here and nowhere else:

1. A refresh token is used by one thread and one process at a time, and only after the entry was
   read again: servers take each of them once, and another program may have used it by then.
2. What was renewed is stored where it came from before it is used. What cannot be stored is used
   all the same and kept in memory, since the server has already taken back what is stored.
3. It costs ``deadline`` seconds at most, waiting for others included; an endpoint that failed is
   left alone for ten times as long as it took, and a login that has ended until it is replaced.
4. An answer is always the newest credential that there is; whether it is good still, the caller sees.

rattler does the same for the same entries (``oauth_refresh.rs``), but takes no lock that other
processes see.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim import token_endpoint
from authshim.credentials import OAuth
from authshim.errors import AuthshimError, ProviderError
from authshim.files import give_to_owner, lock_is_symlink
from authshim.once import Once
from authshim.token_endpoint import EndpointError, LoginEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from authshim.credentials import Credential

EARLY = 300.0
"""Seconds before its end at which a token is renewed; rattler's ``EXPIRY_SKEW_SECONDS``."""

DEADLINE = 30.0
"""Seconds that a renewal may take."""

AGAIN = 30.0
"""Seconds after which a renewal that failed is tried again, at the soonest."""

_REFUSED_KEPT = 64

logger = logging.getLogger("authshim")


class Entry:
    """Where a credential came from: one key of one provider.

    :param provider: what a person calls it.
    :param read: reads the entry anew.
    :param save: replaces the entry.
    :param keeps: whether the provider can keep anything.
    :param path: the provider's file, if it has one; the lock lies beside it.
    """

    __slots__ = ("identity", "keeps", "path", "provider", "read", "save")

    def __init__(
        self,
        provider: str,
        key: str,
        *,
        read: Callable[[], Credential | None],
        save: Callable[[Credential], None],
        keeps: bool,
        path: str | None = None,
    ) -> None:
        self.provider = provider
        self.identity = (provider, str(key))
        self.read = read
        self.save = save
        self.keeps = keeps
        self.path = path

    @property
    def host(self) -> str:
        """What a person logs in to."""
        key = self.identity[1]
        return key[2:] if key.startswith("*.") else key


class Renewer:
    """Renews OAuth credentials, and remembers which of them it left alone.

    :param beside: where the lock lies for providers without a file of their own; without it,
        other processes are not waited for.
    :param environ: in place of ``os.environ``.
    :param deadline: in seconds.
    :param clock: tells the time in Unix seconds.
    """

    def __init__(
        self,
        *,
        beside: str | None = None,
        environ: Mapping[str, str] | None = None,
        deadline: float = DEADLINE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._beside = beside
        self._environ = environ
        self._deadline = deadline
        self._clock = clock
        self._once = Once()
        self._left_alone: dict[tuple[str, str], tuple[OAuth, float]] = {}
        self._unsaved: dict[tuple[str, str], tuple[OAuth, OAuth]] = {}
        self._refused: dict[OAuth, None] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    def current(self, entry: Entry, credential: Credential) -> Credential | None:
        """Return what stands for a credential now: itself, what it was renewed to, or what is there in its place.

        :returns: None where the entry is no more.
        """
        newest = self._newest(entry, credential)
        if not self._can_renew(entry, newest):
            self._notice_end(entry, newest)
            return newest
        until = time.monotonic() + self._deadline
        try:
            with self._alone(entry, until):
                return self._renew(entry, until)
        except _Busy:
            return newest
        except Exception as error:  # noqa: BLE001 - a provider may be anybody's, and break in any way
            reason = str(error) if isinstance(error, AuthshimError) else type(error).__name__
            self._say(f"the login for {entry.host} ({entry.provider}) could not be renewed: {reason}")
            return newest

    def note_refused(self, credential: Credential | None) -> None:
        """Note that a server answered 401 to a login; it is renewed when it is next asked for, whatever its time."""
        if isinstance(credential, OAuth):
            self._refused[credential] = None
            for oldest in list(self._refused)[:-_REFUSED_KEPT]:
                self._refused.pop(oldest, None)

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that are no more."""
        self._locks = {}

    def _newest(self, entry: Entry, credential: Credential | None) -> Credential | None:
        """Return what a stored credential was renewed to, where that could not be stored."""
        stored, renewed = self._unsaved.get(entry.identity, (None, None))
        return renewed if stored is not None and credential == stored else credential

    def _can_renew(self, entry: Entry, credential: Credential | None) -> bool:
        if not isinstance(credential, OAuth) or not credential.refresh_token or not entry.keeps:
            return False
        if not (credential in self._refused or credential.expired(self._clock() + EARLY)):
            return False
        left_alone, until = self._left_alone.get(entry.identity, (None, 0.0))
        return credential != left_alone or until <= time.monotonic()

    def _renew(self, entry: Entry, until: float) -> Credential | None:
        current = self._newest(entry, entry.read())
        if not isinstance(current, OAuth) or not self._can_renew(entry, current):
            return current
        if entry.path and not os.access(os.path.dirname(os.path.realpath(entry.path)), os.W_OK):
            # A refresh token is used once; one that cannot be replaced where it lies stays unused.
            self._leave_alone(entry, current, AGAIN)
            self._say(f"the login for {entry.host} is not renewed: {entry.path} cannot be written")
            return current
        began = time.monotonic()
        environ = os.environ if self._environ is None else self._environ
        try:
            renewed = token_endpoint.renew(current, seconds=until - began, environ=environ, clock=self._clock)
        except LoginEnded:
            return self._end(entry, current)
        except EndpointError as error:
            self._leave_alone(entry, current, max(AGAIN, 10 * (time.monotonic() - began)))
            self._say(f"the login for {entry.host} ({entry.provider}) could not be renewed: {error}")
            return current
        return self._store(entry, current, renewed)

    def _store(self, entry: Entry, before: OAuth, renewed: OAuth) -> Credential | None:
        """Store what is new, and return it; where that fails, remember what it stands for.

        Somebody may have logged in or out in the meantime: what is there now is left as it is.
        """
        expected, _ = self._unsaved.get(entry.identity, (before, before))
        now = entry.read()
        if now != expected:
            return now
        # A token that lives for less than EARLY is not renewed at every look-up.
        lifetime = AGAIN if renewed.expires_at is None else renewed.expires_at - self._clock()
        self._leave_alone(entry, renewed, min(AGAIN, lifetime))
        try:
            entry.save(renewed)
            self._unsaved.pop(entry.identity, None)
        except Exception as error:  # noqa: BLE001 - a provider may be anybody's
            stored, _ = self._unsaved.get(entry.identity, (before, before))
            self._unsaved[entry.identity] = stored, renewed
            reason = error.reason if isinstance(error, ProviderError) else type(error).__name__
            self._say(
                f"the login for {entry.host} was renewed, but {entry.provider} did not store it ({reason}); "
                f"it is lost when this program ends: authshim auth login {entry.host}"
            )
        return renewed

    def _end(self, entry: Entry, current: OAuth) -> Credential | None:
        """Say that a login has ended, unless another program has renewed it at the same moment."""
        again = self._newest(entry, entry.read())
        if again == current:
            self._leave_alone(entry, current, float("inf"))
            self._say_ended(entry)
        return again

    def _notice_end(self, entry: Entry, credential: Credential | None) -> None:
        if isinstance(credential, OAuth) and not credential.refresh_token and credential.expired(self._clock()):
            self._say_ended(entry)

    def _leave_alone(self, entry: Entry, credential: OAuth, seconds: float) -> None:
        self._left_alone[entry.identity] = credential, time.monotonic() + seconds

    def _say_ended(self, entry: Entry) -> None:
        self._say(f"the login for {entry.host} has ended: log in again: authshim auth login {entry.host}")

    def _say(self, sentence: str) -> None:
        if self._once.is_new(sentence):
            logger.warning("%s", sentence)

    @contextmanager
    def _alone(self, entry: Entry, until: float) -> Iterator[None]:
        """Keep other threads out, and other processes.

        :raises _Busy: they took too long.
        """
        lock = self._locks.setdefault(entry.identity, threading.Lock())
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise _Busy
        try:
            held = _lock_file(entry.path or self._beside, until - time.monotonic())
            try:
                yield
            finally:
                if held is not None:
                    held.release()
        finally:
            lock.release()


def look_again_at(credential: Credential) -> float | None:
    """Return when a credential that was just looked up is to be looked up again, in Unix seconds; None: never.

    One that should have been renewed by now was not: it is looked up again after a while.
    """
    expires_at = credential.expires_at if isinstance(credential, OAuth) else None
    if expires_at is None:
        return None
    now = time.time()
    return expires_at - EARLY if expires_at - EARLY > now else min(expires_at, now + AGAIN)


class _Busy(Exception):
    """Somebody else is at it, and did not end in time."""


def _lock_file(beside: str | None, seconds: float) -> Any:
    """Return a lock that other processes respect, held; None where there can be none, as in a read-only folder.

    :raises _Busy: it was not free in time.
    """
    if not beside:
        return None
    from filelock import FileLock, Timeout

    target = os.path.realpath(beside) + ".oauth"
    path = f"{target}.lock"
    if lock_is_symlink(target):
        return None
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        lock = FileLock(path, mode=0o600)
        lock.acquire(timeout=max(0.0, seconds))
        give_to_owner(path)
    except Timeout:
        raise _Busy from None
    except (OSError, NotImplementedError):
        return None
    return lock
