"""The warnings about OAuth logins that are not renewed or not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.errors import ProviderError
from authshim.log import Once
from authshim.oauth.command import login_command

if TYPE_CHECKING:
    from authshim.credentials import OAuth
    from authshim.oauth.stored_login import StoredLogin


class RenewalWarnings:
    """A logger of warnings about logins, each of them once."""

    def __init__(self) -> None:
        self._once = Once()

    def ended(self, login: StoredLogin, credential: OAuth) -> None:
        """Warn that the user has to log in again."""
        command = login_command(login.host, credential)
        self._once.warn_once(f"the login for {login.host} has ended: log in again: {command}")

    def failed(self, login: StoredLogin, reason: str) -> None:
        """Warn that a renewal failed."""
        self._once.warn_once(
            f"the login for {login.host} ({login.provider}) could not be renewed: {reason}"
        )

    def unwritable(self, login: StoredLogin) -> None:
        """Warn that a login is not renewed, because its file cannot be written."""
        self._once.warn_once(
            f"the login for {login.host} is not renewed: {login.path} cannot be written"
        )

    def unsaved(
        self,
        login: StoredLogin,
        renewed: OAuth,
        error: Exception,
    ) -> None:
        """Warn that a renewed login is in memory only."""
        command = login_command(login.host, renewed)
        reason = type(error).__name__
        if isinstance(error, ProviderError):
            reason = error.reason
        self._once.warn_once(
            f"the login for {login.host} was renewed, but {login.provider} did not store it "
            f"({reason}); it is lost when this program ends: {command}"
        )
