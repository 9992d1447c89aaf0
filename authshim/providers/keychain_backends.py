"""The keychains of the systems, behind one small interface.

They are keyring's own back ends, named by class, where those do what rattler does; what it does in another
way is done here. keyring and what lies under it are imported only when a keychain is opened.
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

_NOT_FOUND = 1168  # Windows' ERROR_NOT_FOUND
_BAD_STUB_DATA = 1783  # what Windows says of a secret above 2,560 bytes
_MANY = 100  # entries of one name, at most: a keychain that never runs out of them is broken


class Backend(Protocol):
    """What is used of a keychain."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None where there is none."""
        ...

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Keep a secret in one entry, whatever wrote those that were there before."""
        ...

    def delete_password(self, service: str, username: str) -> bool:
        """Remove every entry of that name; False where there is none."""
        ...

    def usernames(self, service: str) -> list[str]:
        """List the entries without reading a secret.

        :raises ProviderUnlisted: it cannot be listed.
        """
        ...


def open_keychain(platform: str) -> Backend:
    """Return the back end of this system; keyring is imported only now, which takes 150 ms.

    :raises ProviderMissing: it has none.
    """
    opener = {"darwin": _open_macos, "win32": _open_windows}.get(platform, _open_secret_service)
    try:
        return opener()
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
            api, errors = (
                import_module(f"{package}win32cred"),
                import_module(f"{package}pywintypes"),
            )
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
    from keyring.backends.SecretService import Keyring

    make: Any = Keyring
    return SecretService(make(), secretstorage)


def _check_secret_service(secretstorage: ModuleType, connection: object) -> None:
    """Look for what keyring takes for granted: it would ask the user to create a collection that is not there."""
    if not secretstorage.check_service_availability(connection):
        raise ProviderMissing(NAME, "no Secret Service (GNOME Keyring, KWallet) answers on D-Bus")
    try:
        collection = secretstorage.get_collection_by_alias(connection, "default")
    except (secretstorage.ItemNotFoundException, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "the Secret Service has no default collection") from None
    if collection.is_locked() and (collection.unlock() or collection.is_locked()):
        raise ProviderError(NAME, LOCKED)


class SecretService:
    """Linux' Secret Service (GNOME Keyring, KWallet) as rattler fills it.

    rattler looks for the attributes ``service`` and ``username`` in all collections and sends nothing where two
    items match; keyring's back end would write an attribute of its own, and so a second item. It connects anew for
    each call: a connection serves one thread, and no fork.

    :param keyring: keyring's own back end, which reads.
    """

    def __init__(self, keyring: Any, secretstorage: ModuleType) -> None:
        self._keyring = keyring
        self._storage: Any = secretstorage

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None where there is none."""
        found: str | None = self._keyring.get_password(service, username)
        return found

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Write the new item before the others of its name go, so that there is always one."""
        attributes = {"service": service, "username": username}
        with closing(self._storage.dbus_init()) as connection:
            collection = self._storage.get_collection_by_alias(connection, "default")
            label = f"keyring:{username}@{service}"
            new = collection.create_item(label, attributes, secret.encode("utf-8"), replace=True)
            for item in self._items(connection, attributes):
                if item.item_path != new.item_path:
                    item.delete()
            if (
                new.get_attributes() != attributes
            ):  # GNOME Keyring merges them into the item that it replaced
                new.set_attributes(attributes)
                new.set_label(label)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove every item of that name; False where there is none."""
        with closing(self._storage.dbus_init()) as connection:
            items = list(self._items(connection, {"service": service, "username": username}))
            for item in items:
                item.delete()
        return bool(items)

    def usernames(self, service: str) -> list[str]:
        """List the items by their attributes."""
        with closing(self._storage.dbus_init()) as connection:
            items = self._storage.search_items(connection, {"service": service})
            found = [item.get_attributes().get("username") for item in items]
        return sorted({username for username in found if username})

    def _items(self, connection: object, attributes: dict[str, str]) -> Iterator[Any]:
        for item in list(self._storage.search_items(connection, attributes)):
            if item.is_locked():
                raise ProviderError(NAME, LOCKED)
            yield item


class MacKeychain:
    """The macOS Keychain: service and account, as rattler has them.

    :param keyring: keyring's own back end.
    """

    def __init__(self, keyring: Any) -> None:
        self._keyring = keyring

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None where there is none."""
        found: str | None = self._keyring.get_password(service, username)
        return found

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Keep a secret; there may be an entry in more than one keychain."""
        self.delete_password(service, username)
        self._keyring.set_password(service, username, secret)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove the entries of that name; False where there is none."""
        for count in range(_MANY):
            if self._keyring.get_password(service, username) is None:
                return count > 0
            self._keyring.delete_password(service, username)
        raise ProviderError(NAME, "an entry cannot be removed")

    def usernames(self, service: str) -> list[str]:  # noqa: ARG002 - as the others have it
        """Tell that they cannot be listed: keyring has no way to it.

        :raises ProviderUnlisted: always.
        """
        raise ProviderUnlisted(NAME, "keyring has no way to; name a host")


class CredentialManager:
    """Windows' Credential Manager as rattler fills it: the target is ``ACCOUNT.SERVICE``.

    keyring's own back end looks for other targets.

    :param api: pywin32's ``win32cred``, or that of pywin32-ctypes.
    :param error: what it raises; it has a ``winerror``.
    """

    def __init__(self, api: Any, error: type[Exception]) -> None:
        self._api = api
        self._error = error

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None where there is none."""
        try:
            found = self._api.CredRead(
                Type=self._api.CRED_TYPE_GENERIC, TargetName=f"{username}.{service}"
            )
        except self._error as error:
            if getattr(error, "winerror", None) == _NOT_FOUND:
                return None
            raise
        blob = bytes(found["CredentialBlob"])
        # JSON in UTF-8 has no NUL, and in UTF-16 always one, at its braces.
        return blob.decode("utf-16" if b"\0" in blob else "utf-8")

    def set_password(self, service: str, username: str, secret: str) -> None:
        """Keep a secret; the target is one entry by its nature.

        :raises ProviderError: it is too long.
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
        reason = (
            "this is more than the Credential Manager takes (2,560 bytes)"
            if too_long
            else "it cannot be written"
        )
        raise ProviderError(NAME, reason)

    def delete_password(self, service: str, username: str) -> bool:
        """Remove the entry; False where there is none."""
        try:
            self._api.CredDelete(
                TargetName=f"{username}.{service}", Type=self._api.CRED_TYPE_GENERIC
            )
        except self._error as error:
            if getattr(error, "winerror", None) == _NOT_FOUND:
                return False
            raise
        return True

    def usernames(self, service: str) -> list[str]:
        """List the entries; Windows filters by the beginning of a target only, so all are looked through."""
        try:
            found = self._api.CredEnumerate(None, 0)
        except self._error as error:
            if getattr(error, "winerror", None) == _NOT_FOUND:
                return []
            raise
        targets = [
            entry["TargetName"] for entry in found if entry["Type"] == self._api.CRED_TYPE_GENERIC
        ]
        return sorted(
            target[: -len(service) - 1] for target in targets if target.endswith(f".{service}")
        )
