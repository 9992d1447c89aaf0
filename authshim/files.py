"""Read and write the small text files that users keep.

A read has a limit in bytes and never waits for a device. A write replaces the file by one rename.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 16 * 1024 * 1024
"""An auth file of 100,000 hosts has about 10 MB. Parsing JSON takes up to 30 times its size."""

MAX_TOML_BYTES = 1024 * 1024
"""The limit of a manifest or a configuration. Parsing TOML takes up to 400 times its size."""

_CHUNK_BYTES = 64 * 1024

_O_BINARY = getattr(os, "O_BINARY", 0)
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
"""The flags that some systems lack."""

_READ_FLAGS = os.O_RDONLY | _O_NONBLOCK | _O_BINARY
"""Without O_NONBLOCK, opening a named pipe would wait for a writer."""

_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_NOFOLLOW | _O_BINARY

Change = Callable[["str | None"], "str | None"]
"""A function that receives the text of a file, or None, and returns another text, or None."""


class Unreadable(Exception):
    """A file that exists but cannot be read. The message never contains its content."""


class Unwritable(Exception):
    """A file that cannot be written. The message never contains its content."""


class Locked(Unwritable):
    """A file that another process has locked."""


def read_text(path: str, *, limit: int = MAX_FILE_BYTES) -> str | None:
    """Return the text of a file, or None if there is no file.

    A byte order mark is dropped and may announce UTF-16. Other bytes are UTF-8, or Latin-1 if
    they are not valid UTF-8.

    :raises Unreadable: a folder, a device or a pipe, no permission, or more than ``limit`` bytes.
    """
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(reason(error)) from None
    try:
        data = _read(descriptor, limit)
        return _decode(data)
    finally:
        os.close(descriptor)


def rewrite(
    path: str,
    change: Change,
    *,
    deadline: float = 30.0,
) -> None:
    """Replace the text of a file by the result of ``change``, under an exclusive lock.

    The new text is written to a file beside the target, of mode 0600. That file is synced and
    renamed to the target. Missing folders get mode 0700. A symbolic link is followed and stays.
    The lock ``TARGET.lock`` stays too, because removing it would let two processes in.

    :param change: receives None if there is no file, and returns None to change nothing.
    :param deadline: seconds to wait for the lock.
    :raises Unreadable: see ``read_text``.
    :raises Unwritable: no permission, no space, or another process holds the lock.
    """
    # A device must be refused before a lock or a folder is made beside it.
    read_text(path)
    try:
        target = os.path.realpath(path)
        _make_folder(os.path.dirname(target))
        with locked(target, deadline):
            before = read_text(target)
            text = change(before)
            if text is not None:
                replace(target, text)
    except OSError as error:
        raise Unwritable(reason(error)) from None


def others_can_read(path: str) -> bool:
    """Return True if the group or others may read the file. Always False on Windows."""
    if os.name != "posix":
        return False
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return bool(mode & 0o044)


@contextmanager
def locked(target: str, deadline: float) -> Iterator[None]:
    """Hold an exclusive lock on ``TARGET.lock``. The lock file stays.

    :raises Locked: another process holds the lock longer than the deadline.
    :raises Unwritable: the lock file cannot be opened, or is a symbolic link.
    """
    from filelock import FileLock, Timeout

    path = f"{target}.lock"
    if lock_is_symlink(target):
        raise Unwritable(f"{path} is a symbolic link: remove it")
    lock = FileLock(path, timeout=deadline, mode=0o600)
    try:
        lock.acquire()
    except (Timeout, FileNotFoundError):
        # The file is missing if the other process has just removed it.
        raise Locked(f"another process holds {path}") from None
    except PermissionError:
        raise Unwritable(f"{path} cannot be opened: permission denied") from None
    give_to_owner(path)
    try:
        yield
    finally:
        lock.release()


def lock_is_symlink(target: str) -> bool:
    """Return True if ``TARGET.lock`` is a symbolic link.

    A downloaded folder may contain one that leads to a file of the user. The filelock of
    Python 3.9 would empty that file.
    """
    return os.path.islink(f"{target}.lock")


def give_to_owner(path: str) -> None:
    """Give a file that root made to the owner of its folder. ``sudo`` must not lock users out."""
    if os.name != "posix" or os.geteuid() != 0:
        return
    folder = os.path.dirname(path)
    with suppress(OSError):
        owner = os.stat(folder)
        os.chown(
            path,
            owner.st_uid,
            owner.st_gid,
            follow_symlinks=False,
        )


def replace(target: str, text: str) -> None:
    """Replace the text of a file by one rename. The caller holds a lock."""
    new = f"{target}.new"
    # A writer that was killed may have left this file. No other process can be using it.
    with suppress(FileNotFoundError):
        os.unlink(new)
    try:
        data = text.encode("utf-8")
        _write(new, data, like=target)
        take_name(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def take_name(new: str, target: str) -> None:
    """Rename a synced file to the target, and sync the folder."""
    os.replace(new, target)
    folder = os.path.dirname(target)
    _sync_folder(folder or os.curdir)


def version(path: str | None) -> object:
    """Return a value that changes with the file, or None if there is no file."""
    if not path:
        return None
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (
        found.st_mtime_ns,
        found.st_size,
        found.st_ino,
        found.st_mode,
    )


def reason(error: Exception) -> str:
    """Return the system's description of an error, in lower case."""
    description = getattr(error, "strerror", None) or "its name cannot be used"
    return str(description).lower()


def _make_folder(folder: str) -> None:
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    _make_folder(parent)
    # Another process may make the folder at the same time.
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        give_to_owner(folder)


def _write(path: str, data: bytes, *, like: str) -> None:
    descriptor = os.open(path, _WRITE_FLAGS, 0o600)
    with open(descriptor, "wb") as file:
        _keep_owner(descriptor, like)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _keep_owner(descriptor: int, like: str) -> None:
    """Give a new file to the owner of the old one. ``sudo`` must not take it from its user."""
    if os.name != "posix":
        return
    with suppress(OSError):
        old = os.stat(like)
        new = os.fstat(descriptor)
        if old.st_uid != new.st_uid:
            os.fchown(descriptor, old.st_uid, old.st_gid)


def _sync_folder(folder: str) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems cannot sync a folder.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int) -> bytes:
    data = bytearray()
    size = -1
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable("it is not a regular file")
        # A single read would allocate the memory of the largest file.
        while size < len(data) <= limit:
            size = len(data)
            data += os.read(descriptor, _CHUNK_BYTES)
    except OSError as error:
        # The frames of the error must not hold the content.
        data.clear()
        raise Unreadable(reason(error)) from None
    if len(data) > limit:
        data.clear()
        raise Unreadable(f"it is larger than {_size(limit)}")
    return bytes(data)


def _size(limit: int) -> str:
    kibibytes = limit // 1024
    if kibibytes < 1024:
        return f"{kibibytes} KiB"
    return f"{kibibytes // 1024} MiB"


def _decode(data: bytes) -> str:
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    bare = data.removeprefix(BOM_UTF8)
    try:
        return bare.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
