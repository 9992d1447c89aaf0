"""The keyring backend of ``authshim demo``, in place of a vendor's.

The real ``keyring`` command loads it by ``PYTHON_KEYRING_BACKEND``. Its entries are in the
JSON file that ``AUTHSHIM_DEMO_KEYRING`` names: ``{SERVICE: [USERNAME, PASSWORD]}``.
"""

from __future__ import annotations

import json
import os

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
from keyring.errors import PasswordSetError


class Keyring(KeyringBackend):
    """A keyring that reads passwords from the demo's file."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password of ``username`` at ``service``."""
        found = _entries().get(service)
        if found is None or found[0] != username:
            return None
        return found[1]

    def get_credential(
        self,
        service: str,
        username: str | None,
    ) -> SimpleCredential | None:
        """Return the only credential of ``service``."""
        found = _entries().get(service)
        if found is None or username not in (None, found[0]):
            return None
        return SimpleCredential(*found)

    def set_password(
        self,
        service: str,
        username: str,
        password: str,
    ) -> None:
        """Raise an error: the demo leaves nothing behind."""
        raise PasswordSetError("the demo's keyring keeps nothing")


def _entries() -> dict[str, tuple[str, str]]:
    with open(os.environ["AUTHSHIM_DEMO_KEYRING"], encoding="utf-8") as file:
        entries: dict[str, tuple[str, str]] = json.load(file)
    return entries
