"""A cached credential of one user at one part of an origin, and the choice between several.

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
from authshim.urls.paths import shared_path

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

MISSED, REFUSED, ASKED_AGAIN = "missed", "refused", "asked again"
"""The events that an entry remembers. A key of a challenge is remembered by its text."""

UNSETTLED, RECHECKED = "unsettled", "rechecked"
"""The events of ``CacheEntry.unsettle`` and ``CacheEntry.recheck``."""

_OPEN_HOSTS = frozenset({"pypi.org"})
"""Hosts that need no login. A keyring command runs for them only if a username is known."""


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
        self._service = declared.url if declared and declared.is_index else service
        self.forbids_logins = "" if declared is None else declared.forbids_logins
        """The reason for which nothing that is kept is sent, or an empty string."""
        self.wants_login_first = declared is not None and declared.wants_login_first
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
        keys = (*paths, *host_keys(self.url), *prefixes)
        if not (self.url.username or self.wants_login_first):
            return keys
        return (*keys, *self._service_keys())

    @property
    def challenge_keys(self) -> tuple[Key, ...]:
        """Return the keys that are looked up after a refusal."""
        default = Key("default", DEFAULT)
        if self.forbids_logins:
            return ()
        if self.url.username or self.url.host in _OPEN_HOSTS or self.wants_login_first:
            return (default, *ci_keys(self.url))
        return (default, *self._service_keys(), *ci_keys(self.url))

    @property
    def lone_token(self) -> BasicHTTP | None:
        """Return the username with an empty password, or None if it does not look like a token."""
        username = self.url.username
        if not username or self.url.password is not None or not looks_like_token(username):
            return None
        with suppress(CredentialError):
            return BasicHTTP(username, "")
        return None

    @property
    def names_user(self) -> str:
        """Return the source of the username: its declaration, or "URL"."""
        if self.declared is not None and self.declared.username == self.url.username:
            return self.declared.login_in
        return "URL"

    @property
    def is_index(self) -> bool:
        """Return True if a declared PyPI index covers it."""
        return self.declared is not None and self.declared.is_index

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

    def remember(self, event: str, generation: int, seconds: float = MISS_SECONDS) -> None:
        """Remember an event, for five minutes by default."""
        self._events[event] = generation, self.clock.monotonic() + seconds

    def remembers(self, event: str, generation: int) -> bool:
        """Return True if an event of this generation is not too old."""
        since, until = self._events.get(event, (-1, 0.0))
        return since == generation and until > self.clock.monotonic()

    def refuse(self, fingerprint: bytes, generation: int) -> None:
        """Remember the fingerprint of a credential that a server refused."""
        self.refused = fingerprint
        self.remember(REFUSED, generation)

    def has_refused(self, fingerprint: bytes, generation: int) -> bool:
        """Return True if this credential is the last one that a server refused."""
        return self.refused == fingerprint and self.remembers(REFUSED, generation)

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

    def is_unsettled(self, worked: set[bytes], generation: int) -> bool:
        """Return True after ``unsettle``, until another credential has worked.

        :param worked: the fingerprints of the credentials that a server has accepted.
        """
        return self.remembers(UNSETTLED, generation) and worked <= {self.refused}

    def _service_keys(self) -> tuple[Key, ...]:
        """Return the names that a keyring may know an index by, in uv's order.

        They are its URL in both slash forms, ``host[:port]`` and ``scheme://host[:port]``.
        """
        service = self._service
        if service is None:
            return ()
        other = service[:-1] if service.endswith("/") else service + "/"
        netloc = self.url.netloc
        own = () if self.declared is None else self.declared.declaration.services
        names = dict.fromkeys((*own, service, other, netloc, f"{self.url.scheme}://{netloc}"))
        return tuple(Key(name, SERVICE) for name in names)


class CandidateSet:
    """The entries that may open one part of an origin, and the one that was chosen.

    An entry is chosen once it has opened a URL. Its known prefix is the path below which
    everything lies that it has opened.
    """

    __slots__ = ("_until", "current", "entries", "known_prefix", "only", "path")

    def __init__(self, entries: list[CacheEntry], path: str = "") -> None:
        """Make a set in which no entry is chosen.

        :param path: the path at which the set begins, if it has several entries.
        """
        self.entries = entries
        self.only = entries[0] if len(entries) == 1 else None
        """The entry of every URL of this set, or None if there are several."""
        self.path = path
        self.current = 0
        self.known_prefix = ""
        self._until = 0.0

    def candidates(self, path: str = "") -> list[CacheEntry]:
        """Return the entries to try for a path: the chosen one, or all if that is not known."""
        if self.only or self._knows(path):
            return [self.entries[self.current]]
        return self.entries

    def likeliest(self, path: str, latest: CacheEntry | None) -> CacheEntry:
        """Return the entry to try first for a path.

        :param latest: the entry to prefer if nothing is known of the path.
        """
        if latest is not None and latest in self.entries and not self._knows(path):
            return latest
        return self.entries[self.current]

    def is_parted_by(self, entry: CacheEntry, folder: str) -> bool:
        """Return True if the entry is not the chosen one, and the folder is not a known one."""
        if not self._is_chosen or self.entries[self.current] is entry:
            return False
        return not self._is_known(folder)

    def choose(self, entry: CacheEntry, folder: str) -> None:
        """Choose an entry, since it has opened a URL in a folder."""
        if entry not in self.entries:
            return
        position = self.entries.index(entry)
        prefix = folder
        if self._is_chosen and position == self.current:
            prefix = shared_path(self.known_prefix, folder)
        self.known_prefix = prefix
        self.current, self._until = position, float("inf")

    def unpin(self) -> bool:
        """Choose no entry any more. Return True if one of several was chosen."""
        was_chosen = not self.only and self._is_chosen
        if was_chosen:
            self._until = 0.0
        return was_chosen

    def back_off(self) -> None:
        """Do not try all entries for five minutes, since each was refused.

        So wrong passwords are not all sent again at once.
        """
        self._until = max(self._until, self._now() + MISS_SECONDS)

    def _knows(self, path: str) -> bool:
        """Return True if the current entry is the one to try for a path."""
        return self._until > self._now() and self._is_known(path)

    def _now(self) -> float:
        return self.entries[0].clock.monotonic()

    @property
    def _is_chosen(self) -> bool:
        return self._until == float("inf")

    def _is_known(self, path: str) -> bool:
        if not path or not self._is_chosen:
            return True
        return f"{path}/".startswith(f"{self.known_prefix}/")
