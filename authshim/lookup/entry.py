"""A cached credential of one user at one part of an origin, and the events of its look-up.

A miss or a refusal is remembered for five minutes, and within its generation only: if a file of a
provider changes, the next generation begins.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError
from authshim.lookup.challenge import ci_keys
from authshim.redact import looks_like_token
from authshim.urls import DEFAULT, PATH, SERVICE, Key, host_keys

if TYPE_CHECKING:
    from authshim.concurrency import Clock
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.coverage import Declared
    from authshim.urls.url import Url

MISS_SECONDS = 300.0
"""The lifetime of a miss or a refusal in the cache."""

RECHECK_SECONDS = 60.0
"""The shortest time between two look-ups of a rejected credential that a server accepts again."""

MAX_CACHED_ENTRIES = 4096
"""The origins and the entries in the cache, and the candidate sets of one origin."""

MISSED = "missed"
REFUSED = "refused"
ASKED_AGAIN = "asked again"
"""The events that an entry remembers. A key of a challenge is remembered by its text."""

UNSETTLED = "unsettled"
RECHECKED = "rechecked"
"""The events of ``CacheEntry.unsettle`` and ``CacheEntry.recheck``."""

_OPEN_HOSTS = frozenset({"pypi.org"})
"""Hosts that need no login. A keyring command runs for them only if a username is known."""


_NEVER = (-1, 0.0)
"""The generation and the end of an event that did not happen."""


class CacheEntry:
    """A credential of one user at one part of an origin, and the events of its look-up.

    It changes under its lock only. ``found`` is read without the lock.
    """

    __slots__ = (
        "_events",
        "_path_keys",
        "_service",
        "clock",
        "declared",
        "forbids_logins",
        "found",
        "lock",
        "origin",
        "pending",
        "refused",
        "url",
        "wants_login_first",
    )

    def __init__(
        self,
        url: Url,
        declared: Declared | None,
        path_keys: tuple[Key, ...],
        service: str | None,
        clock: Clock = time,
    ) -> None:
        """Make an entry that knows no credential.

        :param url: the origin, with the username of the URL or its declaration.
        :param path_keys: the keys of the kinds "path" and "prefix" that its URLs have in common,
            in their order.
        :param service: the name that a keyring may know it by, if nothing is declared.
        """
        self.url = url
        self.clock = clock
        self.origin = url.origin
        self.declared = declared
        self._path_keys = path_keys
        self._service = service
        self.forbids_logins = ""
        """The reason for which nothing that is kept is sent, or an empty string."""
        self.wants_login_first = False
        if declared is not None:
            self.forbids_logins = declared.forbids_logins
            self.wants_login_first = declared.wants_login_first
            if declared.is_index:
                self._service = declared.url
        self.lock = threading.Lock()
        self.found: CachedCredential | None = None
        """The credential that is sent without a challenge."""
        self.pending: CachedCredential | None = None
        """The answer to a challenge, until a server has accepted it."""
        self.refused: bytes | None = None
        """The fingerprint of the last refused credential, if REFUSED or UNSETTLED holds."""
        self._events: dict[str, tuple[int, float]] = {}

    @property
    def keys(self) -> tuple[Key, ...]:
        """Return the keys that are looked up without a challenge.

        They are not kept, since an entry is kept much longer than a look-up takes.
        """
        if self.forbids_logins:
            return ()
        paths = [key for key in self._path_keys if key.kind == PATH]
        prefixes = self._path_keys[len(paths) :]
        hosts = host_keys(self.url)
        services: tuple[Key, ...] = ()
        if self.url.username or self.wants_login_first:
            services = self._service_keys()
        return (*paths, *hosts, *prefixes, *services)

    @property
    def challenge_keys(self) -> tuple[Key, ...]:
        """Return the keys that are looked up after a refusal."""
        if self.forbids_logins:
            return ()
        default = Key("default", DEFAULT)
        services = self._service_keys()
        if self.url.username or self.wants_login_first:
            # They were looked up without a challenge.
            services = ()
        if self.url.host in _OPEN_HOSTS:
            services = ()
        return (default, *services, *ci_keys(self.url))

    @property
    def lone_token(self) -> BasicHTTP | None:
        """Return the username with an empty password, or None if it does not look like a token."""
        username = self.url.username
        if not username or self.url.password is not None:
            return None
        if not looks_like_token(username):
            return None
        with suppress(CredentialError):
            return BasicHTTP(username, "")
        return None

    @property
    def names_user(self) -> str:
        """Return the source of the username: its declaration, or "URL"."""
        declared = self.declared
        if declared is not None and declared.username == self.url.username:
            return declared.login_in
        return "URL"

    @property
    def is_index(self) -> bool:
        """Return True if a declared PyPI index covers it."""
        if self.declared is None:
            return False
        return self.declared.is_index

    @property
    def is_fresh(self) -> bool:
        """Return True if it has a credential that need not be looked up again yet."""
        found = self.found  # read once: another thread may look it up again
        if found is None:
            return False
        expires_at = found.expires_at
        return expires_at is None or expires_at > self.clock.time()

    @property
    def is_new(self) -> bool:
        """Return True if it was never looked up."""
        return self.found is None and not self._events

    def remember(
        self,
        event: str,
        generation: int,
        seconds: float = MISS_SECONDS,
    ) -> None:
        """Remember an event, for five minutes by default."""
        until = self.clock.monotonic() + seconds
        self._events[event] = generation, until

    def remembers(self, event: str, generation: int) -> bool:
        """Return True if an event of this generation is not too old."""
        since, until = self._events.get(event, _NEVER)
        return since == generation and until > self.clock.monotonic()

    def refuse(self, fingerprint: bytes, generation: int) -> None:
        """Remember the fingerprint of a credential that a server refused."""
        self.refused = fingerprint
        self.remember(REFUSED, generation)

    def has_refused(self, fingerprint: bytes, generation: int) -> bool:
        """Return True if this credential is the last one that a server refused."""
        if self.refused != fingerprint:
            return False
        return self.remembers(REFUSED, generation)

    def recheck(self, generation: int) -> bool:
        """Return True if the rejected credential may be looked up again now: once a minute."""
        if self.remembers(RECHECKED, generation):
            return False
        self.remember(RECHECKED, generation, RECHECK_SECONDS)
        return True

    def unsettle(self, fingerprint: bytes, generation: int) -> None:
        """Remember that a server refused a working login, and then the renewed one as well.

        :param fingerprint: of the renewed login.
        """
        self.refused = fingerprint
        self._events.pop(REFUSED, None)  # an older refusal, of the login before
        self.remember(UNSETTLED, generation)

    def is_unsettled(
        self,
        worked: set[bytes],
        generation: int,
    ) -> bool:
        """Return True after ``unsettle``, until another credential has worked.

        :param worked: the fingerprints of the credentials that a server has accepted.
        """
        if not self.remembers(UNSETTLED, generation):
            return False
        return worked <= {self.refused}

    def _service_keys(self) -> tuple[Key, ...]:
        """Return the names that a keyring may know an index by, in uv's order.

        They are its URL in both slash forms, ``host[:port]`` and ``scheme://host[:port]``.
        """
        service = self._service
        if service is None:
            return ()
        other = f"{service}/"
        if service.endswith("/"):
            other = service[:-1]
        netloc = self.url.netloc
        origin = f"{self.url.scheme}://{netloc}"
        names = [service, other, netloc, origin]
        if self.declared is not None:
            names = [*self.declared.declaration.services, *names]
        unique = dict.fromkeys(names)
        return tuple(Key(name, SERVICE) for name in unique)
