"""A backend of ``keyring``: pip, uv, twine, poetry, pdm and hatch get what the user keeps.

keyring loads it by its entry point in every program that imports keyring. So the module
imports nothing else of authshim until a program asks for a URL.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

from authshim.integrations import ASKING, SWITCH, backend_is_on

if TYPE_CHECKING:
    from authshim.credentials import BasicHTTP
    from authshim.lookup.chain import Chain

PRIORITY = 9.95
"""Below keyring's chainer (10), which would be displaced, and above the vendors' backends."""


class _Priority:
    """A class attribute whose value depends on the environment."""

    def __get__(self, backend: object, owner: type) -> float:
        # At a RuntimeError keyring skips the backend.
        if not backend_is_on(os.environ):
            raise RuntimeError(f"{SWITCH} is off")
        return PRIORITY


class Keyring(KeyringBackend):
    """A backend that reads, and leaves writing to the next backend."""

    name = "authshim"
    priority: Any = _Priority()
    _chain: Chain | None = None

    def get_password(
        self,
        service: str,
        username: str,
    ) -> str | None:
        """Return the password of a user, or None."""
        found = self._find(service, username)
        if found is None:
            return None
        return found.password

    def get_credential(
        self,
        service: str,
        username: str | None,
    ) -> SimpleCredential | None:
        """Return the username and the password, or None."""
        found = self._find(service, username)
        if found is None:
            return None
        return SimpleCredential(found.username, found.password)

    def set_password(
        self,
        service: str,
        username: str,
        password: str,
    ) -> None:
        """Raise NotImplementedError, at which keyring's chainer asks the next backend."""
        raise NotImplementedError(
            _advice("store passwords", "authshim auth login HOST --username USER")
        )

    def delete_password(self, service: str, username: str) -> None:
        """Raise NotImplementedError, at which keyring's chainer asks the next backend."""
        raise NotImplementedError(_advice("delete passwords", "authshim auth logout HOST"))

    def _find(
        self,
        service: str,
        username: str | None,
    ) -> BasicHTTP | None:
        if "://" not in service or os.environ.get(ASKING):
            return None
        from authshim.lookup.unnamed import ask_basic

        return ask_basic(self._made_chain, service, username)

    def _made_chain(self) -> Chain:
        if self._chain is None:
            from authshim.lookup.unnamed import make_chain

            self._chain = make_chain()
        return self._chain


def _advice(action: str, command: str) -> str:
    """Return the text that poetry shows its user."""
    return (
        f"authshim's keyring backend does not {action} for other programs, "
        "and no other backend is there to do it. "
        f"To keep a login: {command}. To let this program keep its own: set {SWITCH}=off"
    )
