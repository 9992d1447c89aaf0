"""The OS keychain, in which ``pixi auth login`` keeps its credentials.

rattler writes one entry for each host. The service is "rattler", the account is the host, and the
secret is the JSON of the credential. ``keyring.get_keyring()`` is not asked: it may be a plain file
that pixi never reads.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Callable, cast

from authshim.concurrency import TimedOut, call_with_timeout
from authshim.credentials.from_json import from_json
from authshim.errors import CredentialError, ProviderError, ProviderMissing, StoreError
from authshim.providers.base import OS_KEYCHAIN, Provider
from authshim.providers.keychain_backends import LOCKED, NAME, SILENT, open_keychain
from authshim.urls import HOST, S3, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.credentials import Credential
    from authshim.providers.keychain_backends import Backend

SERVICE = "rattler"
_LOCKED_ERRORS = (
    "KeyringLocked",
    "LockedException",
    "PromptDismissedException",
)


class OSKeychain(Provider):
    """A provider that reads the entries of rattler. A change of the keychain is seen at once.

    A keychain that is missing, locked or silent is not asked again until ``refresh``. Each attempt
    might wait, or repeat a prompt that the user has dismissed.

    :param backend: replaces the system's own, and is pickled as it is.
    :param platform: a value of ``sys.platform``.
    :param deadline: seconds for each look-up. The user may have to unlock the keychain.
    """

    name = NAME
    kind = OS_KEYCHAIN
    answers = frozenset({HOST, WILDCARD, S3})

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

    @property
    def is_missing(self) -> bool:
        """True if the keychain was asked, and there is none here."""
        return isinstance(self._failed, ProviderMissing)

    def find(self, key: str, username: str | None = None) -> Credential | None:  # noqa: ARG002
        """Return the credential of a host or wildcard, or None.

        A bad entry counts as missing and is named in ``problems``.

        :raises ProviderMissing: there is no keychain here.
        :raises ProviderError: it is locked, failed, or did not answer in time.
        """

        def read(keychain: Backend) -> str | None:
            return keychain.get_password(SERVICE, str(key))

        answer = self._bounded(read)
        if isinstance(answer, ProviderError):
            raise _without_frames(answer)
        if answer is None:
            return None
        return self._read(key, answer)

    def save(self, key: str, credential: Credential) -> None:
        """Keep a credential in exactly one entry, since rattler ignores a pair of entries.

        :raises ProviderMissing: there is no keychain here.
        :raises StoreError: it is locked, failed, or did not answer in time.
        """

        def write(keychain: Backend) -> None:
            # No local variable holds the JSON, since a traceback may show local variables.
            keychain.set_password(SERVICE, str(key), json.dumps(credential.to_json()))

        self._write(write)

    def forget(self, key: str) -> bool:
        """Remove all entries of a host or wildcard. Return False if there is none.

        :raises ProviderMissing: there is no keychain here.
        :raises StoreError: it is locked, failed, or did not answer in time.
        """

        def delete(keychain: Backend) -> bool:
            return keychain.delete_password(SERVICE, str(key))

        removed = self._write(delete)
        prefix = f"{NAME}: {key}: "
        others = [problem for problem in self.problems if not problem.startswith(prefix)]
        self.problems = others
        return bool(removed)

    def list(self) -> Mapping[str, Credential | None]:
        """Return the keys, each with None, without reading a secret.

        :raises ProviderError: see ``keys``.
        """
        return dict.fromkeys(self.keys())

    def keys(self) -> Iterable[str]:
        """List the keys.

        :raises ProviderUnlisted: this keychain cannot be listed.
        :raises ProviderError: it is locked, failed, or did not answer in time.
        """

        def usernames(keychain: Backend) -> Iterable[str]:
            return keychain.usernames(SERVICE)

        answer = self._bounded(usernames)
        if isinstance(answer, ProviderError):
            raise _without_frames(answer)
        return cast("Iterable[str]", answer)

    def refresh(self) -> None:
        """Forget a failure. The next question opens the keychain again."""
        self.problems = []
        self._failed = None
        self._backend = self._injected

    def __getstate__(self) -> dict[str, Any]:
        return {
            **vars(self),
            "problems": [],
            "_backend": self._injected,
            "_failed": None,
        }

    def _write(self, action: Callable[[Backend], object]) -> object:
        answer = self._bounded(action)
        if isinstance(answer, ProviderMissing):
            raise _without_frames(answer)
        if isinstance(answer, ProviderError):
            raise StoreError(answer.provider, answer.reason)
        return answer

    def _bounded(self, action: Callable[[Backend], object]) -> object:
        """Return the answer or an error. A thread asks, since nothing interrupts a silent D-Bus."""
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
            # GNOME Keyring may fail if several programs ask at once. A second attempt succeeds.
            answer = self._try(action)
        return answer

    def _try(self, action: Callable[[Backend], object]) -> object:
        try:
            if self._backend is None:
                self._backend = open_keychain(self.platform)
            return action(self._backend)
        except UnicodeError:
            # The secret is not text. These bytes are no JSON, so that only this entry is bad.
            return b"\xff"
        except BaseException as error:  # noqa: BLE001 - D-Bus, Windows and Rust raise all sorts
            return _failure(error)

    def _read(self, key: str, secret: object) -> Credential | None:
        try:
            entry = json.loads(cast("str", secret))
            return from_json(entry)
        except CredentialError as error:
            problem = f"{NAME}: {key}: {error}"
        except (ValueError, TypeError, RecursionError):
            problem = f"{NAME}: {key}: is not JSON"
        if problem not in self.problems:
            self.problems.append(problem)
        return None


def _failure(error: BaseException) -> ProviderError:
    """Return an error without the message of the back end, which may contain a secret."""
    if isinstance(error, ProviderError):
        return _without_frames(error)
    if type(error).__name__ in _LOCKED_ERRORS:
        return ProviderError(NAME, LOCKED)
    return ProviderError(NAME, f"its back end failed ({type(error).__name__})")


def _lasts(error: ProviderError) -> bool:
    """Return True if the next question would fail in the same way."""
    if isinstance(error, ProviderMissing):
        return True
    return error.reason in (LOCKED, SILENT)


def _without_frames(error: ProviderError) -> ProviderError:
    """Return a copy of an error that has no frames and no context."""
    return type(error)(error.provider, error.reason)
