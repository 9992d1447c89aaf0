"""The small text files that people keep.

They are read within bounds, never from a device, never by half a guess; and written whole or not at all.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LIMIT = 16 * 1024 * 1024
"""Bytes; an auth file of 100,000 hosts has about 10 MB. To read JSON takes up to 30 times its size."""

TOML_LIMIT = 1024 * 1024
"""Bytes of a manifest or a configuration; to read TOML takes up to 400 times its size."""

_CHUNK = 64 * 1024

_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP = rf"(?<![\w-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{100}}"
"""A key of more than a hundred parts: what is kept of each grows with their number."""


class Unreadable(Exception):
    """A file is there but cannot be read; the message says why, without its content."""


def read_text(path: str, *, limit: int = LIMIT) -> str | None:
    """Return the text of a file, or None where there is none.

    A byte order mark is dropped, UTF-16 is read where its mark says so, and bytes that are
    no UTF-8 are read as Latin-1.

    :raises Unreadable: a folder, a device or a pipe, no permission, or more than ``limit`` bytes.
    """
    try:
        # O_NONBLOCK: opening a named pipe would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(reason(error)) from None
    try:
        return _decode(_read(descriptor, limit))
    finally:
        os.close(descriptor)


class Unwritable(Exception):
    """A file cannot be written; the message says why, without its content."""


class Held(Unwritable):
    """Another process holds the lock."""


def update(path: str, change: Callable[[str | None], str | None], *, deadline: float = 30.0) -> None:
    """Replace the text of a file by what ``change`` makes of it: whole or not at all, one process at a time.

    The new text goes into a file beside the target, of mode 0600, which is synced and then takes the target's
    name; a folder that is missing is made, of mode 0700. A symbolic link is followed and stays. Who writes holds
    ``TARGET.lock``, which stays as well: to remove it would let two in.

    :param change: gets None where there is no file; returns None to leave all as it is.
    :param deadline: in seconds, for others to let go of the lock.
    :raises Unreadable: see ``read_text``.
    :raises Unwritable: no permission, no space, or another process holds the lock.
    """
    read_text(path)  # a device is refused before anything is made beside it
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
    """Tell whether the file is there and its mode lets others than its owner read it; never so on Windows."""
    try:
        return os.name == "posix" and bool(os.stat(path).st_mode & 0o044)
    except (OSError, ValueError):
        return False


def _make_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        _make_folder(os.path.dirname(folder))
        with suppress(FileExistsError):  # of two processes, one makes it
            os.mkdir(folder, 0o700)
            give_to_owner(folder)


@contextmanager
def locked(target: str, deadline: float, *, stays: bool = True) -> Iterator[None]:
    """Hold ``TARGET.lock``, alone among all processes.

    :param stays: leave it behind. Where it is removed, the filelock of Python 3.9 may let two in if a third
        process comes in that very moment.
    :raises Held: another process has it for longer than the deadline.
    :raises Unwritable: it cannot be had.
    """
    from filelock import FileLock, Timeout

    if is_led_away(target):
        raise Unwritable(f"{target}.lock is a symbolic link: remove it")
    lock = FileLock(f"{target}.lock", timeout=deadline, mode=0o600)
    try:
        lock.acquire()
    except (Timeout, FileNotFoundError):  # or who held it has just removed it
        raise Held(f"another process holds {target}.lock") from None
    except PermissionError:
        raise Unwritable(f"{target}.lock cannot be opened: permission denied") from None
    give_to_owner(f"{target}.lock")
    try:
        yield
    finally:
        if not stays:
            with suppress(OSError):
                os.unlink(f"{target}.lock")
        lock.release()


def is_led_away(target: str) -> bool:
    """Tell whether ``TARGET.lock`` is a symbolic link; the filelock of Python 3.9 empties what that leads to.

    A folder from elsewhere may hold one, and a link to somebody's file.
    """
    return os.path.islink(f"{target}.lock")


def give_to_owner(path: str) -> None:
    """Let a file that root made belong to the owner of its folder: ``sudo`` must not lock its user out."""
    if os.name != "posix" or os.geteuid() != 0:
        return
    with suppress(OSError):
        folder = os.stat(os.path.dirname(path))
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def replace(target: str, text: str) -> None:
    """Replace the text of a file, whole or not at all; the caller holds a lock."""
    new = f"{target}.new"  # who holds the lock is alone with it
    with suppress(FileNotFoundError):
        os.unlink(new)  # of a writer that was killed
    try:
        _write(new, text.encode("utf-8"), like=target)
        take_name(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def take_name(new: str, target: str) -> None:
    """Let a file that is written and synced take the target's name, for good."""
    os.replace(new, target)
    _sync_folder(os.path.dirname(target) or os.curdir)


def _write(path: str, data: bytes, *, like: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        _keep_owner(file.fileno(), like)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keep_owner(descriptor: int, like: str) -> None:
    """Give a new file to the owner of the old one, so that ``sudo`` does not take it away from its user."""
    if os.name != "posix":
        return
    with suppress(OSError):
        owner, mine = os.stat(like), os.fstat(descriptor)
        if owner.st_uid != mine.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_folder(folder: str) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_toml(path: str) -> dict[str, Any] | str | None:
    """Return the tables of a TOML file, None where there is no file, or why it cannot be read.

    The reason names the line, and is returned and not raised: an exception's frames, and
    the parser's own words, may hold what the file holds.
    """
    try:
        text = read_text(path, limit=TOML_LIMIT)
    except Unreadable as error:
        return str(error)
    if text is None:
        return None
    if re.search(_DEEP, text):
        return "it has a key of more than 100 parts"
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: it is not valid TOML"
    except (ValueError, RecursionError):  # a number of too many digits, or too many brackets
        return "it is not valid TOML"


def version(path: str | None) -> object:
    """Return what changes when the file at ``path`` does; None where there is no such file."""
    try:
        found = os.stat(path) if path else None
    except (OSError, ValueError):
        return None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)


def _read(descriptor: int, limit: int) -> bytes:
    data, size = bytearray(), -1
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        # Not in one go, for which Python would ask for the memory of the largest file.
        while size < len(data) <= limit:
            size = len(data)
            data += os.read(descriptor, _CHUNK)
    except OSError as error:
        data.clear()  # the error's frames would hold it
        raise Unreadable(reason(error)) from None
    if len(data) > limit:
        data.clear()
        raise Unreadable(f"it is larger than {limit // 1024 // 1024} MiB")
    return bytes(data)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def reason(error: Exception) -> str:
    """Say in the system's words what was wrong with a file."""
    return (getattr(error, "strerror", None) or "its name cannot be used").lower()
