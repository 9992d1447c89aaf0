"""The OS keychain, where pixi keeps what ``pixi auth login`` was given.

rattler writes one entry for each host: service "rattler", the host as the account, and the
credential's JSON as the secret. It is read through keyring's own back end for this system, named
by class: ``keyring.get_keyring()`` may be a plain file, where pixi never looks.
"""

from __future__ import annotations

import json
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from authshim.credentials import from_json
from authshim.errors import CredentialError, ProviderError, ProviderMissing
from authshim.providers.base import Provider
from authshim.urls import HOST, WILDCARD

if TYPE_CHECKING:
    from types import ModuleType

    from authshim.credentials import Credential

SERVICE = "rattler"
NAME = "OS keychain"

_LOCKED = "it is locked: unlock it and try again"
_SILENT = "it did not answer in time"
_LOCKED_ERRORS = frozenset({"KeyringLocked", "LockedException", "PromptDismissedException"})
_NOT_FOUND = 1168  # Windows' ERROR_NOT_FOUND


class Backend(Protocol):
    """What is used of a keyring back end."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of an entry, or None where there is none."""
        ...


class OSKeychain(Provider):
    """Reads rattler's entries; a write to the keychain is seen at once.

    Where there is no keychain, it is locked, or it did not answer, it is not asked again
    until ``refresh``: each time might wait, or show a prompt that was dismissed already.

    :param backend: in place of the system's own; it goes into a pickle as it is.
    :param platform: as ``sys.platform`` has it.
    :param deadline: in seconds, for each look-up; a person may be asked to unlock the keychain.
    """

    name = NAME
    answers = frozenset({HOST, WILDCARD})

    def __init__(self, *, backend: Backend | None = None, platform: str = sys.platform, deadline: float = 60.0) -> None:
        self.platform = platform
        self.deadline = deadline
        self.problems: list[str] = []
        self._injected = backend
        self._backend = backend
        self._failed: ProviderError | None = None

    def find(self, key: str, username: str | None = None) -> Credential | None:  # noqa: ARG002 - the chain filters
        """Read the entry of a host or wildcard.

        An entry that cannot be read costs itself only: see ``problems``.

        :raises ProviderMissing: there is no keychain here.
        :raises ProviderError: it is locked, failed, or did not answer in time.
        """
        answer = self._failed or self._bounded(str(key))
        if isinstance(answer, ProviderError):
            raise _again(answer)
        return None if answer is None else self._read(key, answer)

    def refresh(self) -> None:
        """Drop what failed, and look for the keychain again."""
        self.problems = []
        self._failed = None
        self._backend = self._injected

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "problems": [], "_backend": self._injected, "_failed": None}

    def _bounded(self, key: str) -> object:
        """Ask in a thread of its own, since a D-Bus that never answers cannot be interrupted."""
        answers: list[object] = []
        thread = threading.Thread(target=self._ask, args=(key, answers), daemon=True)
        thread.start()
        thread.join(self.deadline)
        answer = answers[0] if answers else ProviderError(NAME, _SILENT)
        if isinstance(answer, ProviderError) and _lasts(answer):
            self._failed = answer
        return answer

    def _ask(self, key: str, answers: list[object]) -> None:
        answer = self._try(key)
        if type(answer) is ProviderError and answer.reason != _LOCKED:
            # Seen with GNOME Keyring where several programs ask at once; the second time it answers.
            answer = self._try(key)
        answers.append(answer)

    def _try(self, key: str) -> object:
        try:
            if self._backend is None:
                self._backend = _open(self.platform)
            return self._backend.get_password(SERVICE, key)
        except UnicodeError:
            return b"\xff"  # its secret is not text: this entry's own fault
        except BaseException as error:  # noqa: BLE001 - D-Bus, Windows and Rust raise all sorts
            return _failure(error)

    def _read(self, key: str, secret: object) -> Credential | None:
        try:
            return from_json(json.loads(cast("str", secret)))
        except CredentialError as error:
            problem = f"{NAME}: {key}: {error}"
        except (ValueError, TypeError, RecursionError):
            problem = f"{NAME}: {key}: is not JSON"
        if problem not in self.problems:
            self.problems.append(problem)
        return None


def _failure(error: BaseException) -> ProviderError:
    """Say what failed, but not in the back end's words: they may hold anything."""
    if isinstance(error, ProviderError):
        return _again(error)
    if type(error).__name__ in _LOCKED_ERRORS:
        return ProviderError(NAME, _LOCKED)
    return ProviderError(NAME, f"its back end failed ({type(error).__name__})")


def _lasts(error: ProviderError) -> bool:
    return isinstance(error, ProviderMissing) or error.reason in (_LOCKED, _SILENT)


def _again(error: ProviderError) -> ProviderError:
    """Return the error without the frames, and without the errors before it."""
    return type(error)(error.provider, error.reason)


def _open(platform: str) -> Backend:
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
    return cast("Backend", make())


def _open_windows() -> Backend:
    for package in ("win32ctypes.pywin32.", ""):  # in the order of keyring's own back end
        try:
            api, errors = import_module(f"{package}win32cred"), import_module(f"{package}pywintypes")
        except ImportError:
            continue
        return CredentialManager(api, errors.error)
    raise ProviderMissing(NAME, "neither pywin32-ctypes nor pywin32 can be imported")


def _open_secret_service() -> Backend:
    import socket
    from contextlib import closing

    import secretstorage
    from keyring.backends.SecretService import Keyring

    try:
        connection = secretstorage.dbus_init()
    except (TimeoutError, socket.timeout):  # two classes before Python 3.10
        raise ProviderError(NAME, _SILENT) from None
    except (OSError, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "there is no D-Bus session") from None
    with closing(connection):
        _check_secret_service(secretstorage, connection)
    # It connects anew for each look-up: a connection serves one thread, and no fork.
    make: Any = Keyring
    return cast("Backend", make())


def _check_secret_service(secretstorage: ModuleType, connection: object) -> None:
    """Look for what keyring takes for granted: it would ask the user to create a collection that is not there."""
    if not secretstorage.check_service_availability(connection):
        raise ProviderMissing(NAME, "no Secret Service (GNOME Keyring, KWallet) answers on D-Bus")
    try:
        collection = secretstorage.get_collection_by_alias(connection, "default")
    except (secretstorage.ItemNotFoundException, secretstorage.SecretServiceNotAvailableException):
        raise ProviderMissing(NAME, "the Secret Service has no default collection") from None
    if collection.is_locked() and (collection.unlock() or collection.is_locked()):
        raise ProviderError(NAME, _LOCKED)


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
            found = self._api.CredRead(Type=self._api.CRED_TYPE_GENERIC, TargetName=f"{username}.{service}")
        except self._error as error:
            if getattr(error, "winerror", None) == _NOT_FOUND:
                return None
            raise
        blob = bytes(found["CredentialBlob"])
        # JSON in UTF-8 has no NUL, and in UTF-16 always one, at its braces.
        return blob.decode("utf-16" if b"\0" in blob else "utf-8")
