"""The logins that are not renewed for some time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authshim.concurrency import Clock
    from authshim.credentials import Credential, OAuth
    from authshim.oauth.stored_login import Identity

RETRY_AFTER = 30.0
"""Seconds after which a renewal that failed is tried again, at the soonest."""


class Postponed:
    """A memory of credentials that are not to be renewed yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Identity, tuple[OAuth, float]] = {}

    def has(self, identity: Identity, credential: Credential) -> bool:
        """Return True if a credential is not to be renewed yet."""
        postponed, until = self._until.get(identity, (None, 0.0))
        if credential != postponed:
            return False
        return self._clock.monotonic() < until

    def add(
        self,
        identity: Identity,
        credential: OAuth,
        seconds: float,
    ) -> None:
        """Do not renew a credential for some time, and at least for ``RETRY_AFTER``."""
        wait = max(RETRY_AFTER, seconds)
        until = self._clock.monotonic() + wait
        self._until[identity] = (credential, until)

    def add_short_lived(self, identity: Identity, renewed: OAuth) -> None:
        """Do not renew a token again at every look-up because its lifetime is short."""
        wait = RETRY_AFTER
        if renewed.expires_at is not None:
            lifetime = renewed.expires_at - self._clock.time()
            wait = min(wait, lifetime)
        until = self._clock.monotonic() + wait
        self._until[identity] = (renewed, until)
