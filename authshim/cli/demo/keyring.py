"""The keyring back end of ``authshim demo``: what a vendor's back end is to the keyring command.

The real ``keyring`` command loads it by ``PYTHON_KEYRING_BACKEND``; its entries are in the
JSON file that ``AUTHSHIM_DEMO_KEYRING`` names: ``{SERVICE: [USERNAME, PASSWORD]}``.
"""

from __future__ import annotations

import json
import os

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
from keyring.errors import PasswordSetError


class Keyring(KeyringBackend):
    """Reads passwords from a file that lives as long as the demo."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password of ``username`` at ``service``."""
        found = _entries().get(service)
        return found[1] if found and found[0] == username else None

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        """Return the only credential of ``service``."""
        found = _entries().get(service)
        return SimpleCredential(*found) if found and username in (None, found[0]) else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse: the demo leaves nothing behind."""
        raise PasswordSetError("the demo's keyring keeps nothing")


def _entries() -> dict[str, tuple[str, str]]:
    with open(os.environ["AUTHSHIM_DEMO_KEYRING"], encoding="utf-8") as file:
        entries: dict[str, tuple[str, str]] = json.load(file)
    return entries
