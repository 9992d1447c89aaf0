"""The OS keychain, where pixi keeps what ``pixi auth login`` was given.

rattler writes one entry for each host: service "rattler", the host as the account, and the
credential's JSON as the secret. It is read through keyring's own back end for this system, named
by class: ``keyring.get_keyring()`` may be a plain file, where pixi never looks.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Callable, cast

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials import from_json
from authshim.errors import CredentialError, ProviderError, ProviderMissing, StoreError
from authshim.providers.base import Provider
from authshim.providers.keychain_backends import LOCKED, NAME, SILENT, open_keychain
from authshim.urls import HOST, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.credentials import Credential
    from authshim.providers.keychain_backends import Backend

SERVICE = "rattler"
_LOCKED_ERRORS = frozenset({"KeyringLocked", "LockedException", "PromptDismissedException"})


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

    def __init__(
        self,
        *,
        backend: Backend | None = None,
        platform: str = sys.platform,
        deadline: float = 60.0,
    ) -> None:
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
        answer = self._bounded(lambda keychain: keychain.get_password(SERVICE, str(key)))
        if isinstance(answer, ProviderError):
            raise _again(answer)
        return None if answer is None else self._read(key, answer)

    def save(self, key: str, credential: Credential) -> None:
        """Keep a credential where rattler looks for it, in exactly one entry: of two, rattler reads none.

        :raises ProviderMissing: there is no keychain here.
        :raises StoreError: it is locked, failed, or did not answer in time.
        """
        # No frame's local holds the JSON: an error that passes may be shown with them.
        self._write(
            lambda keychain: keychain.set_password(
                SERVICE, str(key), json.dumps(credential.to_json())
            )
        )

    def forget(self, key: str) -> bool:
        """Remove the entries of a host or wildcard, whoever wrote them.

        :raises ProviderMissing: there is no keychain here.
        :raises StoreError: it is locked, failed, or did not answer in time.
        """
        removed = bool(self._write(lambda keychain: keychain.delete_password(SERVICE, str(key))))
        self.problems = [
            problem for problem in self.problems if not problem.startswith(f"{NAME}: {key}: ")
        ]
        return removed

    def list(self) -> Mapping[str, Credential | None]:
        """Return the keys, without reading a secret.

        :raises ProviderError: see ``keys``.
        """
        return dict.fromkeys(self.keys())

    def keys(self) -> Iterable[str]:
        """List the keys.

        :raises ProviderError: they cannot be listed; it is locked, failed, or did not answer in time.
        """
        answer = self._bounded(lambda keychain: keychain.usernames(SERVICE))
        if isinstance(answer, ProviderError):
            raise _again(answer)
        return cast("Iterable[str]", answer)

    def refresh(self) -> None:
        """Drop what failed, and look for the keychain again."""
        self.problems = []
        self._failed = None
        self._backend = self._injected

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "problems": [], "_backend": self._injected, "_failed": None}

    def _write(self, action: Callable[[Backend], object]) -> object:
        answer = self._bounded(action)
        if isinstance(answer, ProviderMissing):
            raise _again(answer)
        if isinstance(answer, ProviderError):
            raise StoreError(answer.provider, answer.reason)
        return answer

    def _bounded(self, action: Callable[[Backend], object]) -> object:
        """Ask in a thread of its own, since a D-Bus that never answers cannot be interrupted."""
        if self._failed:
            return self._failed
        try:
            answer = call_with_timeout(self.deadline, lambda: self._ask(action))
        except TimedOut:
            answer = ProviderError(NAME, SILENT)
        if isinstance(answer, ProviderError) and _lasts(answer):
            self._failed = answer
        return answer

    def _ask(self, action: Callable[[Backend], object]) -> object:
        answer = self._try(action)
        if type(answer) is ProviderError and answer.reason != LOCKED:
            # Seen with GNOME Keyring where several programs ask at once; the second time it answers.
            answer = self._try(action)
        return answer

    def _try(self, action: Callable[[Backend], object]) -> object:
        try:
            if self._backend is None:
                self._backend = open_keychain(self.platform)
            return action(self._backend)
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
        return ProviderError(NAME, LOCKED)
    return ProviderError(NAME, f"its back end failed ({type(error).__name__})")


def _lasts(error: ProviderError) -> bool:
    return isinstance(error, ProviderMissing) or error.reason in (LOCKED, SILENT)


def _again(error: ProviderError) -> ProviderError:
    """Return the error without the frames, and without the errors before it."""
    return type(error)(error.provider, error.reason)
