"""The keychains of Linux, macOS and Windows, behind one small interface.

They reach the keychains that keyring's own back ends reach, and agree with rattler there. What a
keychain needs is imported only when it is opened.
"""

from __future__ import annotations

import os
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from authshim.errors import ProviderError, ProviderMissing, ProviderUnlisted
from authshim.providers.base import OS_KEYCHAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

NAME = OS_KEYCHAIN
LOCKED = "it is locked: unlock it and try again"
SILENT = "it did not answer in time"

_MAX_ENTRIES = 100
"""The entries of one name. A keychain that never runs out of them is broken."""


class Backend(Protocol):
    """A keychain as authshim uses it."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None."""

    def set_password(
        self,
        service: str,
        username: str,
        secret: str,
    ) -> None:
        """Keep a secret in exactly one entry, and replace those that other programs wrote."""

    def delete_password(self, service: str, username: str) -> bool:
        """Remove every entry of that name. Return False if there is none."""

    def usernames(self, service: str) -> list[str]:
        """List the entries without reading a secret.

        :raises ProviderUnlisted: the keychain cannot be listed.
        """


def open_keychain(platform: str) -> Backend:
    """Return the back end of this system. Importing it may take 70 ms.

    :raises ProviderMissing: the system has no keychain.
    """
    try:
        if platform == "darwin":
            return _open_macos()
        if platform == "win32":
            return _open_windows()
        return _open_secret_service()
    except ImportError as error:
        name = error.name or "keyring"
        module, _, _ = name.partition(".")
        raise ProviderMissing(NAME, f"the Python package {module} cannot be imported") from None


def _open_macos() -> Backend:
    from keyring.backends.macOS import Keyring

    if not Keyring.viable:
        raise ProviderMissing(NAME, "this is no macOS with a Security framework")
    make: Any = Keyring
    return MacKeychain(make())


def _open_windows() -> Backend:
    for package in ("win32ctypes.pywin32.", ""):  # in the order of keyring's own back end
        try:
            api = import_module(f"{package}win32cred")
            errors = import_module(f"{package}pywintypes")
        except ImportError:
            continue
        from authshim.providers.credential_manager import CredentialManager

        return CredentialManager(api, errors.error)
    raise ProviderMissing(NAME, "neither pywin32-ctypes nor pywin32 can be imported")


def _open_secret_service() -> Backend:
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        raise ProviderMissing(NAME, "there is no D-Bus session")
    import socket

    import secretstorage

    try:
        connection = secretstorage.dbus_init()
    except (TimeoutError, socket.timeout):  # two classes before Python 3.10
        raise ProviderError(NAME, SILENT) from None
    except (OSError, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "there is no D-Bus session") from None
    with closing(connection):
        _check_secret_service(secretstorage, connection)
    return SecretService(secretstorage)


def _check_secret_service(
    secretstorage: ModuleType,
    connection: object,
) -> None:
    """Raise an error if there is no unlocked default collection.

    keyring would ask the user to create one.
    """
    if not secretstorage.check_service_availability(connection):
        raise ProviderMissing(NAME, "no Secret Service (GNOME Keyring, KWallet) answers on D-Bus")
    try:
        collection = secretstorage.get_collection_by_alias(connection, "default")
    except (secretstorage.ItemNotFoundException, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "the Secret Service has no default collection") from None
    _unlock(collection)


def _unlock(locked: Any) -> None:
    """Ask the user to unlock a collection or an item of the Secret Service, if it is locked.

    :raises ProviderError: it stays locked.
    """
    if not locked.is_locked():
        return
    dismissed = locked.unlock()
    if dismissed or locked.is_locked():
        raise ProviderError(NAME, LOCKED)


class SecretService:
    """The Secret Service of Linux (GNOME Keyring, KWallet) with the items of rattler.

    rattler searches all collections for the attributes ``service`` and ``username``. It sends
    nothing if two items match. keyring's back end adds a third attribute, which makes a second
    item, and its import takes as long as the whole question. Each call opens a connection,
    because a connection serves one thread and does not survive a fork.
    """

    def __init__(self, secretstorage: ModuleType) -> None:
        self._storage: Any = secretstorage

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry of the default collection, or None."""
        attributes = {
            "service": service,
            "username": username,
        }
        with self._connection() as connection:
            collection = self._storage.get_collection_by_alias(connection, "default")
            for item in collection.search_items(attributes):
                _unlock(item)
                secret: bytes = item.get_secret()
                return secret.decode("utf-8")
        return None

    def set_password(
        self,
        service: str,
        username: str,
        secret: str,
    ) -> None:
        """Write the new item, then remove the others of its name. There is always one."""
        attributes = {
            "service": service,
            "username": username,
        }
        label = f"keyring:{username}@{service}"
        with self._connection() as connection:
            collection = self._storage.get_collection_by_alias(connection, "default")
            new = collection.create_item(
                label,
                attributes,
                secret.encode("utf-8"),
                replace=True,
            )
            for item in self._items(connection, attributes):
                if item.item_path != new.item_path:
                    item.delete()
            # GNOME Keyring merges the attributes into those of the item that it replaces.
            if new.get_attributes() != attributes:
                new.set_attributes(attributes)
                new.set_label(label)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove every item of that name. Return False if there is none."""
        attributes = {
            "service": service,
            "username": username,
        }
        with self._connection() as connection:
            items = list(self._items(connection, attributes))
            for item in items:
                item.delete()
        return bool(items)

    def usernames(self, service: str) -> list[str]:
        """List the items by their attributes."""
        attributes = {"service": service}
        found = set()
        with self._connection() as connection:
            for item in self._storage.search_items(connection, attributes):
                username = item.get_attributes().get("username")
                if username:
                    found.add(username)
        return sorted(found)

    def _connection(self) -> closing[Any]:
        """Return a new connection, which is closed at the end of a ``with`` statement."""
        connection = self._storage.dbus_init()
        return closing(connection)

    def _items(
        self,
        connection: object,
        attributes: dict[str, str],
    ) -> Iterator[Any]:
        items = list(self._storage.search_items(connection, attributes))
        for item in items:
            if item.is_locked():
                raise ProviderError(NAME, LOCKED)
            yield item


class MacKeychain:
    """The macOS Keychain, whose service and account are those of rattler.

    :param keyring: keyring's own back end.
    """

    def __init__(self, keyring: Any) -> None:
        self._keyring = keyring

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None."""
        found: str | None = self._keyring.get_password(service, username)
        return found

    def set_password(
        self,
        service: str,
        username: str,
        secret: str,
    ) -> None:
        """Keep a secret in one entry. More than one keychain may have had an entry."""
        self.delete_password(service, username)
        self._keyring.set_password(service, username, secret)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove the entries of that name. Return False if there is none."""
        for count in range(_MAX_ENTRIES):
            if self._keyring.get_password(service, username) is None:
                return count > 0
            self._keyring.delete_password(service, username)
        raise ProviderError(NAME, "an entry cannot be removed")

    def usernames(self, service: str) -> list[str]:  # noqa: ARG002
        """Raise an error, because keyring has no function for it.

        :raises ProviderUnlisted: always.
        """
        raise ProviderUnlisted(NAME, "keyring has no way to; name a host")
