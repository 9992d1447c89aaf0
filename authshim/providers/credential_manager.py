"""The Credential Manager of Windows."""

from __future__ import annotations

from typing import Any

from authshim.errors import ProviderError
from authshim.providers.base import OS_KEYCHAIN

_NOT_FOUND = 1168
"""ERROR_NOT_FOUND of Windows."""

_BAD_STUB_DATA = 1783
"""RPC_X_BAD_STUB_DATA of Windows: a secret has more than 2,560 bytes."""


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
            found = self._api.CredRead(
                Type=self._api.CRED_TYPE_GENERIC,
                TargetName=target,
            )
        except self._error as error:
            if _is_not_found(error):
                return None
            raise
        blob = bytes(found["CredentialBlob"])
        # JSON has no NUL in UTF-8. It always has one in UTF-16, in its braces.
        if b"\0" in blob:
            return blob.decode("utf-16")
        return blob.decode("utf-8")

    def set_password(
        self,
        service: str,
        username: str,
        secret: str,
    ) -> None:
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
                OS_KEYCHAIN, "this is more than the Credential Manager takes (2,560 bytes)"
            )
        raise ProviderError(OS_KEYCHAIN, "it cannot be written")

    def delete_password(self, service: str, username: str) -> bool:
        """Remove the entry. Return False if there is none."""
        target = f"{username}.{service}"
        try:
            self._api.CredDelete(
                TargetName=target,
                Type=self._api.CRED_TYPE_GENERIC,
            )
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
            is_generic = entry["Type"] == self._api.CRED_TYPE_GENERIC
            if is_generic and target.endswith(suffix):
                username = target[: -len(suffix)]
                names.append(username)
        return sorted(names)


def _is_not_found(error: Exception) -> bool:
    return getattr(error, "winerror", None) == _NOT_FOUND
