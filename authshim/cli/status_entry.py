"""A credential as ``authshim auth status`` shows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.credentials import is_expired
from authshim.redact import redact_key

if TYPE_CHECKING:
    from authshim.credentials import Credential

_LATEST_TIME = 1e12
"""The seconds since 1970 of a time that is shown. A later one is no time."""


class Entry(NamedTuple):
    """One credential as it is shown."""

    key: str
    provider: str
    credential: Credential | None
    """None if its secret was not read."""
    shadowed_by: tuple[str | None, str | None]
    """The key and the provider of the entry that is taken instead."""
    place: str = ""
    """Its file or line, if the name of the provider does not tell it."""

    @property
    def is_renewed(self) -> bool:
        """True if an expired login is renewed when it is used."""
        return getattr(self.credential, "refresh_token", None) is not None

    @property
    def answers(self) -> bool:
        """True if this entry answers for its host. No server is asked."""
        if self.credential is None or self.is_renewed:
            return True
        return not is_expired(self.credential)

    @property
    def kind(self) -> str | None:
        """The name of the credential's class, or None if its secret was not read."""
        if self.credential is None:
            return None
        return type(self.credential).__name__

    @property
    def username(self) -> str | None:
        """The username as it may be shown, or None."""
        if self.credential is None:
            return None
        return self.credential.shown_username

    @property
    def expires_at(self) -> float | None:
        """The time at which the credential expires, or None if none is known."""
        from authshim.login.tokens import expires_at

        if self.credential is None:
            return None
        expires = expires_at(self.credential)
        if expires is None or abs(expires) >= _LATEST_TIME:
            return None
        return expires

    def has_expired(self, now: float) -> bool | None:
        """Return True if the credential has expired, or None if its time is not known."""
        expires = self.expires_at
        if expires is None:
            return None
        return expires <= now

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the entry of ``--json``."""
        shadowing_key, shadowing_provider = self.shadowed_by
        return {
            "key": redact_key(self.key),
            "kind": self.kind,
            "username": self.username,
            "provider": self.provider,
            "place": self.place or None,
            "expires_at": self.expires_at,
            "expired": self.has_expired(now),
            "shadowed_by": shadowing_provider,
            "shadowed_by_key": shadowing_key,
        }

    def as_line(self, now: float) -> list[str]:
        """Return the columns of its line."""
        remarks = [self.place, self._expiry(now), self._shadow()]
        return [
            redact_key(self.key),
            self.kind or "(in the keychain)",
            self.username or "",
            self.provider,
            ", ".join(filter(None, remarks)),
        ]

    def _expiry(self, now: float) -> str:
        """Return a remark about the time of expiry, or an empty string."""
        expires = self.expires_at
        if expires is None:
            return ""
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(expires))
        if not self.has_expired(now):
            return f"expires {when}"
        if self.is_renewed:
            return f"expired {when} and is renewed when it is used"
        return f"expired {when}"

    def _shadow(self) -> str:
        """Return a remark about the entry that is taken instead, or an empty string."""
        key, provider = self.shadowed_by
        if not provider:
            return ""
        if key == redact_key(self.key):
            return f"shadowed by {provider}"
        return f"shadowed by {key} in {provider}"
