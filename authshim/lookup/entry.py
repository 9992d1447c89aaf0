"""A Realm is one user's credential for one part of an origin; a Scope knows the realms that may open it.

What was missed or refused holds for five minutes, and within its era: a file that changes
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
from authshim.urls import DEFAULT, SERVICE, Key, host_keys, shared_path

if TYPE_CHECKING:
    from authshim.lookup.coverage import Declared
    from authshim.lookup.trace import Found
    from authshim.urls import Url

LIFETIME = 300.0
"""Seconds for which a miss or a refusal is remembered."""

ORIGINS = 4096
"""How many origins are remembered, and how many parts of one of them."""

MISSED, REFUSED, ASKED_AGAIN = "missed", "refused", "asked again"
"""What a realm remembers besides its credential; a challenge's keys are remembered as they are."""

UNSETTLED = "unsettled"
"""What a realm remembers if it has seen ``unsettle``."""

_OPEN_HOSTS = frozenset({"pypi.org"})
"""No keyring command is run for these unless a username is known: they let everybody in."""


class Realm:
    """One user's credential for one part of an origin, and what became of it.

    It changes under its lock only; ``found`` is read without.
    """

    __slots__ = (
        "_holds",
        "_path_keys",
        "_service",
        "declared",
        "found",
        "lock",
        "offer",
        "origin",
        "refused",
        "url",
    )

    def __init__(self, url: Url, declared: Declared | None, path_keys: tuple[Key, ...], service: str | None) -> None:
        """Take the URL with the user that is known, from itself or from what is declared.

        :param path_keys: those that its URLs have in common, in their order.
        :param service: what a keyring may know it by, where nothing is declared.
        """
        self.url = url
        self.origin = url.origin
        self.declared = declared
        self._path_keys = path_keys
        self._service = declared.url if declared and declared.is_index else service
        self.lock = threading.Lock()
        self.found: Found | None = None
        """What is sent unasked."""
        self.offer: Found | None = None
        """What answers a challenge, until a server has accepted it."""
        self.refused: bytes | None = None
        """The fingerprint of what was refused last, while ``REFUSED`` or ``UNSETTLED`` holds."""
        self._holds: dict[str, tuple[int, float]] = {}

    @property
    def keys(self) -> tuple[Key, ...]:
        """What it is looked up under, unasked; made when it is needed, for a realm is kept much longer."""
        return (*self._path_keys, *host_keys(self.url), *(self._service_keys() if self.url.username else ()))

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
    def is_new(self) -> bool:
        """Whether nothing was looked up for it yet."""
        return self.found is None and not self._holds

    def remember(self, what: str, era: int) -> None:
        """Let something hold from now on."""
        self._holds[what] = era, time.monotonic() + LIFETIME

    def refuse(self, fingerprint: bytes, era: int) -> None:
        """Remember what a server refused, by something that is no secret."""
        self.refused = fingerprint
        self.remember(REFUSED, era)

    def has_refused(self, fingerprint: bytes, era: int) -> bool:
        """Tell whether this is what a server refused last."""
        return self.refused == fingerprint and self.remembers(REFUSED, era)

    def unsettle(self, fingerprint: bytes, era: int) -> None:
        """Remember that a request was refused with a working login, and again with the renewed one.

        :param fingerprint: of the renewed one.
        """
        self.refused = fingerprint
        self.remember(UNSETTLED, era)

    def is_unsettled(self, worked: set[bytes], era: int) -> bool:
        """Tell if that has happened, and no other credential has worked since.

        :param worked: the fingerprints of the credentials that a server has taken.
        """
        return self.remembers(UNSETTLED, era) and worked <= {self.refused}

    def remembers(self, what: str, era: int) -> bool:
        """Tell whether something holds still."""
        since, until = self._holds.get(what, (-1, 0.0))
        return since == era and until > time.monotonic()

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


class Scope:
    """A part of an origin: the realms that may open it, and the one that does."""

    __slots__ = ("_until", "current", "ground", "only", "path", "realms")

    def __init__(self, realms: list[Realm], path: str = "") -> None:
        """Take the realms, and the path that the scope begins with where they are several."""
        self.realms = realms
        self.only = realms[0] if len(realms) == 1 else None
        """The realm of every URL of this scope, where there is but one."""
        self.path = path
        self.current = 0
        self.ground = ""
        """The path below which all lies that the current realm opened; empty where nothing is known."""
        self._until = 0.0

    def candidates(self, path: str = "") -> list[Realm]:
        """List the realms to try: the one that opens it, or all where that is not known.

        :param path: what was refused; off the ground of the one that was chosen it may be another's.
        """
        if self.only or (self._until > time.monotonic() and self._is_ground(path)):
            return [self.realms[self.current]]
        return self.realms

    def likeliest(self, path: str, latest: Realm | None) -> Realm:
        """Return the realm to try first.

        :param latest: who is tried where nothing is known of the path.
        """
        guess = latest in self.realms and not (self._until > time.monotonic() and self._is_ground(path))
        return latest if latest and guess else self.realms[self.current]

    def is_parted_by(self, realm: Realm, folder: str) -> bool:
        """Tell whether another one than the chosen one opened a folder off its ground."""
        return self._is_chosen and self.realms[self.current] is not realm and not self._is_ground(folder)

    def choose(self, realm: Realm, folder: str) -> None:
        """Note the realm that opened something in a folder."""
        if realm in self.realms:
            at = self.realms.index(realm)
            self.ground = shared_path(self.ground, folder) if self._is_chosen and at == self.current else folder
            self.current, self._until = at, float("inf")

    def reopen(self) -> bool:
        """Note that the one that was chosen opens it no more; False where none was chosen among several."""
        chosen = not self.only and self._is_chosen
        if chosen:
            self._until = 0.0
        return chosen

    def give_up(self) -> None:
        """Note that none of the realms opened it, so that wrong passwords are not all tried again at once."""
        self._until = max(self._until, time.monotonic() + LIFETIME)

    @property
    def _is_chosen(self) -> bool:
        return self._until == float("inf")

    def _is_ground(self, path: str) -> bool:
        return not path or not self._is_chosen or f"{path}/".startswith(f"{self.ground}/")
