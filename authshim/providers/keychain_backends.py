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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

NAME = "OS keychain"
LOCKED = "it is locked: unlock it and try again"
SILENT = "it did not answer in time"

_NOT_FOUND = 1168
"""ERROR_NOT_FOUND of Windows."""
_BAD_STUB_DATA = 1783
"""RPC_X_BAD_STUB_DATA of Windows: a secret has more than 2,560 bytes."""
_MAX_ENTRIES = 100
"""The entries of one name. A keychain that never runs out of them is broken."""


class Backend(Protocol):
    """A keychain as authshim uses it."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None."""

    def set_password(self, service: str, username: str, secret: str) -> None:
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
        module = (error.name or "keyring").partition(".")[0]
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


def _check_secret_service(secretstorage: ModuleType, connection: object) -> None:
    """Raise an error if there is no unlocked default collection.

    keyring would ask the user to create one.
    """
    if not secretstorage.check_service_availability(connection):
        raise ProviderMissing(NAME, "no Secret Service (GNOME Keyring, KWallet) answers on D-Bus")
    try:
        collection = secretstorage.get_collection_by_alias(connection, "default")
    except (secretstorage.ItemNotFoundException, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "the Secret Service has no default collection") from None
    if collection.is_locked() and (collection.unlock() or collection.is_locked()):
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
        attributes = {"service": service, "username": username}
        with closing(self._storage.dbus_init()) as connection:
            collection = self._storage.get_collection_by_alias(connection, "default")
            for item in collection.search_items(attributes):
                if item.is_locked() and (item.unlock() or item.is_locked()):
                    raise ProviderError(NAME, LOCKED)
                secret: bytes = item.get_secret()
                return secret.decode("utf-8")
        return None

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Write the new item, then remove the others of its name. There is always one."""
        attributes = {"service": service, "username": username}
        with closing(self._storage.dbus_init()) as connection:
            collection = self._storage.get_collection_by_alias(connection, "default")
            label = f"keyring:{username}@{service}"
            new = collection.create_item(label, attributes, secret.encode("utf-8"), replace=True)
            for item in self._items(connection, attributes):
                if item.item_path != new.item_path:
                    item.delete()
            # GNOME Keyring merges the attributes into those of the item that it replaces.
            if new.get_attributes() != attributes:
                new.set_attributes(attributes)
                new.set_label(label)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove every item of that name. Return False if there is none."""
        with closing(self._storage.dbus_init()) as connection:
            items = list(self._items(connection, {"service": service, "username": username}))
            for item in items:
                item.delete()
        return bool(items)

    def usernames(self, service: str) -> list[str]:
        """List the items by their attributes."""
        with closing(self._storage.dbus_init()) as connection:
            items = self._storage.search_items(connection, {"service": service})
            attributes = [item.get_attributes() for item in items]
        found = {each.get("username") for each in attributes}
        return sorted(username for username in found if username)

    def _items(self, connection: object, attributes: dict[str, str]) -> Iterator[Any]:
        for item in list(self._storage.search_items(connection, attributes)):
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

    def set_password(self, service: str, username: str, secret: str) -> None:
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


class CredentialManager:
    """The Credential Manager of Windows with rattler's targets, ``ACCOUNT.SERVICE``.

    keyring's own back end has other targets.

    :param api: the ``win32cred`` of pywin32 or of pywin32-ctypes.
    :param error: the class of its errors, which have a ``winerror``.
    """

    def __init__(self, api: Any, error: type[Exception]) -> None:
        self._api = api
        self._error = error

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None."""
        target = f"{username}.{service}"
        try:
            found = self._api.CredRead(Type=self._api.CRED_TYPE_GENERIC, TargetName=target)
        except self._error as error:
            if _is_not_found(error):
                return None
            raise
        blob = bytes(found["CredentialBlob"])
        # JSON has no NUL in UTF-8. It always has one in UTF-16, in its braces.
        if b"\0" in blob:
            return blob.decode("utf-16")
        return blob.decode("utf-8")

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Keep a secret in the entry of the target.

        :raises ProviderError: the secret is too long, or the entry cannot be written.
        """
        credential = {
            "Type": self._api.CRED_TYPE_GENERIC,
            "TargetName": f"{username}.{service}",
            "UserName": username,
            "CredentialBlob": secret,  # pywin32 writes text as UTF-16, as rattler does
            "Persist": self._api.CRED_PERSIST_ENTERPRISE,
        }
        try:
            self._api.CredWrite(credential, 0)
        except self._error as error:
            too_long = getattr(error, "winerror", None) == _BAD_STUB_DATA
        else:
            return
        if too_long:
            raise ProviderError(
                NAME, "this is more than the Credential Manager takes (2,560 bytes)"
            )
        raise ProviderError(NAME, "it cannot be written")

    def delete_password(self, service: str, username: str) -> bool:
        """Remove the entry. Return False if there is none."""
        target = f"{username}.{service}"
        try:
            self._api.CredDelete(TargetName=target, Type=self._api.CRED_TYPE_GENERIC)
        except self._error as error:
            if _is_not_found(error):
                return False
            raise
        return True

    def usernames(self, service: str) -> list[str]:
        """List the entries of a service. Windows can filter by the start of a target only."""
        try:
            found = self._api.CredEnumerate(None, 0)
        except self._error as error:
            if _is_not_found(error):
                return []
            raise
        suffix = f".{service}"
        names = []
        for entry in found:
            target = entry["TargetName"]
            if entry["Type"] == self._api.CRED_TYPE_GENERIC and target.endswith(suffix):
                names.append(target[: -len(suffix)])
        return sorted(names)


def _is_not_found(error: Exception) -> bool:
    return getattr(error, "winerror", None) == _NOT_FOUND
