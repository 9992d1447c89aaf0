"""A CacheEntry is one user's credential for one part of an origin; a CandidateSet knows the entries that may open it.

What was missed or refused holds for five minutes, and within its generation: a file that changes
begins the next one.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError
from authshim.redact import looks_like_token
from authshim.url_paths import shared_path
from authshim.urls import DEFAULT, SERVICE, Key, host_keys

if TYPE_CHECKING:
    from authshim.concurrency import Clock
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.coverage import Declared
    from authshim.urls import Url

LIFETIME = 300.0
"""Seconds for which a miss or a refusal is remembered."""

ORIGINS = 4096
"""How many origins are remembered, and how many parts of one of them."""

MISSED, REFUSED, ASKED_AGAIN = "missed", "refused", "asked again"
"""What an entry remembers besides its credential; a challenge's keys are remembered as they are."""

UNSETTLED = "unsettled"
"""What an entry remembers if it has seen ``unsettle``."""

_OPEN_HOSTS = frozenset({"pypi.org"})
"""No keyring command is run for these unless a username is known: they let everybody in."""


class CacheEntry:
    """One user's credential for one part of an origin, and what became of it.

    It changes under its lock only; ``found`` is read without.
    """

    __slots__ = (
        "_holds",
        "_path_keys",
        "_service",
        "clock",
        "declared",
        "found",
        "lock",
        "origin",
        "pending",
        "refused",
        "url",
    )

    def __init__(
        self,
        url: Url,
        declared: Declared | None,
        path_keys: tuple[Key, ...],
        service: str | None,
        clock: Clock = time,
    ) -> None:
        """Take the URL with the user that is known, from itself or from what is declared.

        :param path_keys: those that its URLs have in common, in their order.
        :param service: what a keyring may know it by, where nothing is declared.
        """
        self.url = url
        self.clock = clock
        self.origin = url.origin
        self.declared = declared
        self._path_keys = path_keys
        self._service = declared.url if declared and declared.is_index else service
        self.lock = threading.Lock()
        self.found: CachedCredential | None = None
        """What is sent unasked."""
        self.pending: CachedCredential | None = None
        """What answers a challenge, until a server has accepted it."""
        self.refused: bytes | None = None
        """The fingerprint of what was refused last, while ``REFUSED`` or ``UNSETTLED`` holds."""
        self._holds: dict[str, tuple[int, float]] = {}

    @property
    def keys(self) -> tuple[Key, ...]:
        """What it is looked up under, unasked; made when it is needed, for an entry is kept much longer."""
        return (
            *self._path_keys,
            *host_keys(self.url),
            *(self._service_keys() if self.url.username else ()),
        )

    @property
    def challenge_keys(self) -> tuple[Key, ...]:
        """What an answer to a refusal is looked up under."""
        asked_before = self.url.username or self.url.host in _OPEN_HOSTS
        return (Key("default", DEFAULT), *(() if asked_before else self._service_keys()))

    @property
    def lone_token(self) -> BasicHTTP | None:
        """The token that is its username, with an empty password; None if there is a password, or no token."""
        username = self.url.username
        if not username or self.url.password is not None or not looks_like_token(username):
            return None
        with suppress(CredentialError):
            return BasicHTTP(username, "")
        return None

    @property
    def names_user(self) -> str:
        """The source of its username: "manifest" or "URL"."""
        is_declared = self.declared is not None and self.declared.username == self.url.username
        return "manifest" if is_declared else "URL"

    @property
    def is_index(self) -> bool:
        """Whether a declared PyPI index covers it."""
        return self.declared is not None and self.declared.is_index

    @property
    def is_fresh(self) -> bool:
        """Return True if it has a credential that need not be looked up again yet."""
        if self.found is None:
            return False
        expires_at = self.found.expires_at
        return expires_at is None or expires_at > self.clock.time()

    @property
    def is_new(self) -> bool:
        """Whether nothing was looked up for it yet."""
        return self.found is None and not self._holds

    def remember(self, what: str, generation: int) -> None:
        """Let something hold from now on."""
        self._holds[what] = generation, self.clock.monotonic() + LIFETIME

    def refuse(self, fingerprint: bytes, generation: int) -> None:
        """Remember what a server refused, by something that is no secret."""
        self.refused = fingerprint
        self.remember(REFUSED, generation)

    def has_refused(self, fingerprint: bytes, generation: int) -> bool:
        """Tell whether this is what a server refused last."""
        return self.refused == fingerprint and self.remembers(REFUSED, generation)

    def unsettle(self, fingerprint: bytes, generation: int) -> None:
        """Remember that a request was refused with a working login, and again with the renewed one.

        :param fingerprint: of the renewed one.
        """
        self.refused = fingerprint
        self.remember(UNSETTLED, generation)

    def is_unsettled(self, worked: set[bytes], generation: int) -> bool:
        """Tell if that has happened, and no other credential has worked since.

        :param worked: the fingerprints of the credentials that a server has taken.
        """
        return self.remembers(UNSETTLED, generation) and worked <= {self.refused}

    def remembers(self, what: str, generation: int) -> bool:
        """Tell whether something holds still."""
        since, until = self._holds.get(what, (-1, 0.0))
        return since == generation and until > self.clock.monotonic()

    def _service_keys(self) -> tuple[Key, ...]:
        """List the names that a keyring may know an index by.

        They are its URL in both slash forms, then ``host[:port]``, and last ``scheme://host[:port]``, as in uv.
        """
        service = self._service
        if service is None:
            return ()
        other = service[:-1] if service.endswith("/") else service + "/"
        netloc = self.url.netloc
        names = dict.fromkeys((service, other, netloc, f"{self.url.scheme}://{netloc}"))
        return tuple(Key(name, SERVICE) for name in names)


class CandidateSet:
    """A part of an origin: the entries that may open it, and the one that does."""

    __slots__ = ("_until", "current", "entries", "known_prefix", "only", "path")

    def __init__(self, entries: list[CacheEntry], path: str = "") -> None:
        """Take the entries, and the path that the candidate set begins with where they are several."""
        self.entries = entries
        self.only = entries[0] if len(entries) == 1 else None
        """The entry of every URL of this candidate set, where there is but one."""
        self.path = path
        self.current = 0
        self.known_prefix = ""
        """The path below which all lies that the current entry opened; empty where nothing is known."""
        self._until = 0.0

    def candidates(self, path: str = "") -> list[CacheEntry]:
        """List the entries to try: the one that opens it, or all where that is not known.

        :param path: what was refused; outside the known prefix of the one that was chosen it may be another's.
        """
        if self.only or (self._until > self._now() and self._is_known(path)):
            return [self.entries[self.current]]
        return self.entries

    def likeliest(self, path: str, latest: CacheEntry | None) -> CacheEntry:
        """Return the entry to try first.

        :param latest: who is tried where nothing is known of the path.
        """
        guess = latest in self.entries and not (self._until > self._now() and self._is_known(path))
        return latest if latest and guess else self.entries[self.current]

    def is_parted_by(self, entry: CacheEntry, folder: str) -> bool:
        """Tell whether another one than the chosen one opened a folder outside its known prefix."""
        return (
            self._is_chosen
            and self.entries[self.current] is not entry
            and not self._is_known(folder)
        )

    def choose(self, entry: CacheEntry, folder: str) -> None:
        """Note the entry that opened something in a folder."""
        if entry in self.entries:
            at = self.entries.index(entry)
            self.known_prefix = (
                shared_path(self.known_prefix, folder)
                if self._is_chosen and at == self.current
                else folder
            )
            self.current, self._until = at, float("inf")

    def unpin(self) -> bool:
        """Note that the one that was chosen opens it no more; False where none was chosen among several."""
        chosen = not self.only and self._is_chosen
        if chosen:
            self._until = 0.0
        return chosen

    def back_off(self) -> None:
        """Note that none of the entries opened it, so that wrong passwords are not all tried again at once."""
        self._until = max(self._until, self._now() + LIFETIME)

    def _now(self) -> float:
        return self.entries[0].clock.monotonic()

    @property
    def _is_chosen(self) -> bool:
        return self._until == float("inf")

    def _is_known(self, path: str) -> bool:
        return not path or not self._is_chosen or f"{path}/".startswith(f"{self.known_prefix}/")
