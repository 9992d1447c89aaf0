"""OAuth logins that stay alive: an access token is renewed before it expires, and after a refusal.

Invariants, kept here and nowhere else:

1. A refresh token is used by one thread and one process at a time, and only after the login was
   read again: a server accepts it once, and another program may have used it.
2. A renewed login is stored where the old one was, before it is used. If it cannot be stored it
   is kept in memory, since the server has revoked the stored one.
3. The caller waits for ``deadline`` seconds at most, the wait for other threads and processes
   included. The request goes on in its thread, and a late answer is stored as well.
4. After a failure the endpoint is not asked for ten times as long as the request took. A login
   that has ended is not renewed until it is replaced.
5. The answer is always the newest credential. The caller checks if it has expired.

rattler does the same for the same logins (``oauth_refresh.rs``), but without a lock that other
processes see.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials import OAuth
from authshim.errors import AuthshimError
from authshim.oauth import endpoints
from authshim.oauth.http import EndpointError, LoginEnded
from authshim.oauth.postponed import RETRY_AFTER, Postponed
from authshim.oauth.renewal_warnings import RenewalWarnings
from authshim.oauth.stored_login import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.concurrency import Clock
    from authshim.credentials import Credential
    from authshim.oauth.stored_login import Identity, StoredLogin

EXPIRY_MARGIN = 300.0
"""Seconds before its expiry at which a token is renewed; rattler's ``EXPIRY_SKEW_SECONDS``."""

MAX_RENEWAL_SECONDS = 30.0
"""Seconds that a caller waits for a renewal."""

_PATIENCE = 10
"""A request may take so many deadlines; so long, too, a failing endpoint is not asked."""

_MAX_REFUSED = 64


class Renewer:
    """A renewal of OAuth logins that remembers which of them failed.

    :param lock_dir: the folder of the lock for providers without a file; without it, other
        processes are not waited for.
    :param environ: in place of ``os.environ``.
    :param deadline: in seconds.
    :param clock: in place of the module ``time``.
    """

    def __init__(
        self,
        *,
        lock_dir: str | None = None,
        environ: Mapping[str, str] | None = None,
        deadline: float = MAX_RENEWAL_SECONDS,
        clock: Clock = time,
    ) -> None:
        self._lock_dir = lock_dir
        self._environ = environ
        self._deadline = deadline
        self._clock = clock
        self._warnings = RenewalWarnings()
        self._postponed = Postponed(clock)
        self._unsaved: dict[Identity, tuple[OAuth, OAuth]] = {}
        self._refused: dict[OAuth, None] = {}
        self._locks: dict[Identity, threading.Lock] = {}

    def current(self, login: StoredLogin, credential: Credential) -> Credential | None:
        """Return the credential itself, or the one that has replaced it.

        :returns: None if the login was removed.
        """
        newest = self._newest(login, credential)
        if not self._can_renew(login, newest):
            self._warn_if_ended(login, newest)
            return newest
        until = self._clock.monotonic() + self._deadline
        attempt = _Attempt(login, newest, until)

        def renew() -> Credential | None:
            return self._try(attempt)

        try:
            return call_with_timeout(self._deadline, renew)
        except TimedOut:
            self._note_timeout(attempt)
        except RuntimeError:
            self._warnings.failed(login, "the system has no thread to spare")
        return newest

    def note_refused(self, credential: Credential | None) -> None:
        """Note that a server answered 401, so that the login is renewed at the next look-up."""
        if not isinstance(credential, OAuth):
            return
        self._refused[credential] = None
        in_order = list(self._refused)
        for oldest in in_order[:-_MAX_REFUSED]:
            self._refused.pop(oldest, None)

    def renew_locks(self) -> None:
        """Replace the locks: after a fork they may be held by threads that no longer exist."""
        self._locks = {}

    def _newest(self, login: StoredLogin, credential: Credential | None) -> Credential | None:
        """Return the credential, or its successor if that could not be stored."""
        stored, renewed = self._unsaved.get(login.identity, (None, None))
        if stored is None or credential != stored:
            return credential
        return renewed

    def _can_renew(self, login: StoredLogin, credential: Credential | None) -> bool:
        if not isinstance(credential, OAuth):
            return False
        if not credential.refresh_token or not login.keeps:
            return False
        soon = self._clock.time() + EXPIRY_MARGIN
        is_due = credential.expired(soon)
        if not is_due and credential not in self._refused:
            return False
        return not self._postponed.has(login.identity, credential)

    def _try(self, attempt: _Attempt) -> Credential | None:
        """Renew a login; this runs in a thread that may outlast the deadline."""
        login = attempt.login
        try:
            with self._exclusive(login, attempt.until):
                return self._renew(attempt)
        except Busy:
            pass
        except Exception as error:  # noqa: BLE001 - a provider of one's own may break in any way
            reason = type(error).__name__
            if isinstance(error, AuthshimError):
                reason = str(error)
            self._warnings.failed(login, reason)
        return attempt.newest

    def _renew(self, attempt: _Attempt) -> Credential | None:
        login = attempt.login
        current = self._reread(login)
        if not isinstance(current, OAuth):
            return current
        if not self._can_renew(login, current):
            return current
        if not login.is_writable:
            # The server accepts the refresh token once, and its successor could not be stored.
            self._postponed.add(login.identity, current, RETRY_AFTER)
            self._warnings.unwritable(login)
            return current
        attempt.sent = current
        began = self._clock.monotonic()
        try:
            renewed = self._ask_endpoint(current)
        except LoginEnded:
            return self._end(login, current)
        except EndpointError as error:
            took = self._clock.monotonic() - began
            self._postponed.add(login.identity, current, _PATIENCE * took)
            self._warnings.failed(login, str(error))
            return current
        return self._store(login, current, renewed)

    def _reread(self, login: StoredLogin) -> Credential | None:
        """Return the credential that is stored now, or its successor in memory."""
        stored = login.read()
        return self._newest(login, stored)

    def _ask_endpoint(self, credential: OAuth) -> OAuth:
        return endpoints.renew(
            credential,
            seconds=_PATIENCE * self._deadline,
            environ=self._environ,
            clock=self._clock.time,
        )

    def _store(
        self,
        login: StoredLogin,
        before: OAuth,
        renewed: OAuth,
    ) -> Credential | None:
        """Store a renewed login and return it, or keep it in memory if that fails.

        A login or logout that took place in the meantime is left as it is.
        """
        identity = login.identity
        expected, _ = self._unsaved.get(identity, (before, before))
        now = login.read()
        if now != expected:
            return now
        self._postponed.add_short_lived(identity, renewed)
        try:
            login.save(renewed)
            self._unsaved.pop(identity, None)
        except Exception as error:  # noqa: BLE001 - a provider of one's own may break in any way
            self._unsaved[identity] = (expected, renewed)
            self._warnings.unsaved(login, renewed, error)
        return renewed

    def _end(self, login: StoredLogin, current: OAuth) -> Credential | None:
        """Warn that a login has ended, unless another program renewed it at the same moment."""
        again = self._reread(login)
        if again == current:
            self._postponed.add(login.identity, current, float("inf"))
            self._warnings.ended(login, current)
        return again

    def _note_timeout(self, attempt: _Attempt) -> None:
        """Let the next callers not wait for a request that may still be answered."""
        if attempt.sent is None:
            return
        login = attempt.login
        self._postponed.add(login.identity, attempt.sent, _PATIENCE * self._deadline)
        endpoint = attempt.sent.token_endpoint
        late = EndpointError(endpoint, "did not answer in time")
        self._warnings.failed(login, str(late))

    def _warn_if_ended(self, login: StoredLogin, credential: Credential | None) -> None:
        if not isinstance(credential, OAuth) or credential.refresh_token:
            return
        if credential.expired(self._clock.time()):
            self._warnings.ended(login, credential)

    @contextmanager
    def _exclusive(self, login: StoredLogin, until: float) -> Iterator[None]:
        """Hold the lock of a login against other threads and processes.

        :raises Busy: it was not free in time.
        """
        lock = self._locks.setdefault(login.identity, threading.Lock())
        if not lock.acquire(timeout=self._left(until)):
            raise Busy
        try:
            with login.locked(self._lock_dir, self._left(until)):
                yield
        finally:
            lock.release()

    def _left(self, until: float) -> float:
        """Return the seconds until a moment of the monotonic clock."""
        seconds = until - self._clock.monotonic()
        return max(0.0, seconds)


class _Attempt:
    """A renewal that a caller waits for."""

    __slots__ = ("login", "newest", "sent", "until")

    def __init__(
        self,
        login: StoredLogin,
        newest: Credential | None,
        until: float,
    ) -> None:
        self.login = login
        self.newest = newest
        self.until = until
        """When the caller stops waiting, by the monotonic clock."""
        self.sent: OAuth | None = None
        """The credential whose refresh token was sent to the endpoint."""


def recheck_at(credential: Credential, now: float) -> float | None:
    """Return when to look up a credential again, in Unix seconds, or None for never.

    A credential that is due, but was not renewed, is looked up again after ``RETRY_AFTER``.
    """
    if not isinstance(credential, OAuth) or credential.expires_at is None:
        return None
    due_at = credential.expires_at - EXPIRY_MARGIN
    if due_at > now:
        return due_at
    return min(credential.expires_at, now + RETRY_AFTER)
