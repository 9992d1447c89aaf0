"""A login as it is stored: how to read and replace it, and the lock under which that is done."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim.files import give_to_owner, lock_is_symlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authshim.credentials import Credential


Identity = tuple[str, str]
"""The name of a provider and a key."""


class Busy(Exception):
    """A lock that another thread or process did not release in time."""


class StoredLogin:
    """A place from which a credential came: one key of one provider.

    :param provider: the name of the provider.
    :param read: reads the login again.
    :param save: replaces the login.
    :param keeps: tells if the provider can store anything.
    :param path: the file of the provider, if it has one; the lock lies beside it.
    """

    __slots__ = ("identity", "keeps", "path", "provider", "read", "save")

    def __init__(
        self,
        provider: str,
        key: str,
        *,
        read: Callable[[], Credential | None],
        save: Callable[[Credential], None],
        keeps: bool,
        path: str | None = None,
    ) -> None:
        self.provider = provider
        self.identity: Identity = (provider, str(key))
        self.read = read
        self.save = save
        self.keeps = keeps
        self.path = path

    @property
    def host(self) -> str:
        """The host at which the user logs in."""
        _, key = self.identity
        return key.removeprefix("*.")

    @property
    def is_writable(self) -> bool:
        """False if the folder of the file cannot be written."""
        if not self.path:
            return True
        path = os.path.realpath(self.path)
        folder = os.path.dirname(path)
        return os.access(folder, os.W_OK)

    @contextmanager
    def locked(
        self,
        lock_dir: str | None,
        seconds: float,
    ) -> Iterator[None]:
        """Hold a lock that other processes respect, if there is a place for one.

        :param lock_dir: the folder of the lock if the provider has no file.
        :raises Busy: it was not free in time.
        """
        target = self._lock_path(lock_dir)
        lock = _acquire(target, seconds)
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def _lock_path(self, lock_dir: str | None) -> str:
        """Return a path without the suffix ``.lock``, or an empty string."""
        if self.path:
            return f"{os.path.realpath(self.path)}.oauth"
        if lock_dir:
            return os.path.join(os.path.realpath(lock_dir), "oauth")
        return ""


def _acquire(target: str, seconds: float) -> Any:
    """Return a lock that is held, or None if there can be none, as in a read-only folder."""
    if not target or lock_is_symlink(target):
        return None
    from filelock import FileLock, Timeout

    path = f"{target}.lock"
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        lock = FileLock(path, mode=0o600)
        lock.acquire(timeout=seconds)
        give_to_owner(path)
    except Timeout:
        raise Busy from None
    except (OSError, NotImplementedError):
        return None
    return lock
