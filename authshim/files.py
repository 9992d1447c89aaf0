"""Read and write the small text files that users keep.

A read has a limit in bytes and never waits for a device. A write replaces the file by one rename.
"""

from __future__ import annotations

import os
import re
import stat
from codecs import BOM_UTF8
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAX_FILE_BYTES = 16 * 1024 * 1024
"""An auth file of 100,000 hosts has about 10 MB. Parsing JSON takes up to 30 times its size."""

MAX_TOML_BYTES = 1024 * 1024
"""The limit of a manifest or a configuration. Parsing TOML takes up to 400 times its size."""

_CHUNK_BYTES = 64 * 1024

_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = rf"(?<![\w-]){_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{100}}"
"""A TOML key of more than 100 parts: the parser's memory grows with the square of their number."""


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
    # Opening a named pipe would wait for a writer without O_NONBLOCK.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(reason(error)) from None
    try:
        return _decode(_read(descriptor, limit))
    finally:
        os.close(descriptor)


def rewrite(
    path: str,
    change: Callable[[str | None], str | None],
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
            text = change(read_text(target))
            if text is not None:
                replace(target, text)
    except OSError as error:
        raise Unwritable(reason(error)) from None


def others_can_read(path: str) -> bool:
    """Return True if the group or others may read the file. Always False on Windows."""
    try:
        return os.name == "posix" and bool(os.stat(path).st_mode & 0o044)
    except (OSError, ValueError):
        return False


@contextmanager
def locked(target: str, deadline: float, *, stays: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on ``TARGET.lock``.

    :param stays: keep the lock file. If it is removed, the filelock of Python 3.9 may let two
        processes in while a third one arrives.
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
        if not stays:
            with suppress(OSError):
                os.unlink(path)
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
    with suppress(OSError):
        folder = os.stat(os.path.dirname(path))
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def replace(target: str, text: str) -> None:
    """Replace the text of a file by one rename. The caller holds a lock."""
    new = f"{target}.new"
    # A writer that was killed may have left this file. No other process can be using it.
    with suppress(FileNotFoundError):
        os.unlink(new)
    try:
        _write(new, text.encode("utf-8"), like=target)
        take_name(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def take_name(new: str, target: str) -> None:
    """Rename a synced file to the target, and sync the folder."""
    os.replace(new, target)
    _sync_folder(os.path.dirname(target) or os.curdir)


def read_toml(path: str) -> dict[str, Any] | str | None:
    """Return the tables of a TOML file, None if there is no file, or the reason of a failure.

    The reason names the line. It is returned and not raised, because the frames and the message
    of a parser's exception may contain the content of the file.
    """
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable as error:
        return str(error)
    if text is None:
        return None
    return parse_toml(text)


def parse_toml(text: str) -> dict[str, Any] | str:
    """Return the tables of TOML, or the reason of a failure; see ``read_toml``."""
    if re.search(_LONG_KEY, text):
        return "it has a key of more than 100 parts"
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: it is not valid TOML"
    except (ValueError, RecursionError):
        # A number has too many digits, or brackets are nested too deeply.
        return "it is not valid TOML"


def version(path: str | None) -> object:
    """Return a value that changes with the file, or None if there is no file."""
    if not path:
        return None
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode


def reason(error: Exception) -> str:
    """Return the system's description of an error, in lower case."""
    description = getattr(error, "strerror", None) or "its name cannot be used"
    return str(description).lower()


def _make_folder(folder: str) -> None:
    if os.path.isdir(folder):
        return
    _make_folder(os.path.dirname(folder))
    # Another process may make the folder at the same time.
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        give_to_owner(folder)


def _write(path: str, data: bytes, *, like: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        _keep_owner(file.fileno(), like)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep_owner(descriptor: int, like: str) -> None:
    """Give a new file to the owner of the old one. ``sudo`` must not take it from its user."""
    if os.name != "posix":
        return
    with suppress(OSError):
        old = os.stat(like)
        if old.st_uid != os.fstat(descriptor).st_uid:
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
    data, size = bytearray(), -1
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
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
    if limit < 1024 * 1024:
        return f"{limit // 1024} KiB"
    return f"{limit // 1024 // 1024} MiB"


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
