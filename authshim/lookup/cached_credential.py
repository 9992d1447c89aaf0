"""A credential in the memory of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.lookup.trace import Found
from authshim.oauth.identity import usable_until
from authshim.oauth.renewal import recheck_at
from authshim.secret import SecretHolder
from authshim.urls import GIVEN, IDENTITY

if TYPE_CHECKING:
    from authshim.credentials import Credential
    from authshim.urls import Key


class CachedCredential(SecretHolder):
    """A credential that a provider returned, and its place in the cache.

    A caller gets ``public``, which knows nothing of the cache. A client may hold what it has
    sent, to make an ``Exchange`` of it.
    """

    __slots__ = (
        "accepted",
        "challenged",
        "credential",
        "entry",
        "expires_at",
        "key",
        "provider",
        "public",
        "was_accepted",
    )

    def __init__(
        self,
        credential: Credential,
        provider: str,
        key: Key,
        *,
        challenged: bool = False,
        entry: Any = None,
        now: float = 0.0,
    ) -> None:
        self.credential = credential
        self.provider = provider
        self.key = key
        self.challenged = challenged
        """Whether it answers a challenge. It is not sent before a server has asked."""
        self.accepted = False
        """Whether a server has accepted it since its last rejection."""
        self.was_accepted = False
        """Whether a server had accepted it before that rejection."""
        self.expires_at: float | None = recheck_at(credential, now)
        """The time of the next look-up, in Unix seconds: for a token that expires, before that."""
        if key.kind == IDENTITY:
            self.expires_at = usable_until(credential)
        self.entry = entry
        """The cache entry that it belongs to."""
        self.public = Found(credential, provider, key)
        """The value that callers get."""

    @property
    def is_lone_token(self) -> bool:
        """Return True for a token alone before the ``@`` of a URL. A refusal must come first."""
        return self.challenged and self.key.kind == GIVEN

    @property
    def has_worked(self) -> bool:
        """Return True if a server has ever accepted it."""
        return self.accepted or self.was_accepted

    def begin_rejection(self) -> None:
        """Begin to watch for the next acceptance, since a server has rejected it."""
        self.was_accepted = self.has_worked
        self.accepted = False

    def __repr__(self) -> str:
        return repr(self.public)
