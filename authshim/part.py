"""What has come of a file so far: ``TARGET.part``, and ``TARGET.part.json``, which says what it is a part of.

Invariants:

1. The bytes are the beginning of the one version of a file that ``TARGET.part.json`` describes.
2. No secret is written there: the URL is redacted.
3. The target changes by a rename only, of a part that is whole and synced.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from authshim import files

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


class Full(files.Unwritable):
    """There is no more space."""


class Source(NamedTuple):
    """What a part is a part of."""

    url: str
    """Redacted."""
    digests: str = ""
    """As they stood in the fragment."""
    validator: str = ""
    """What ``If-Range`` takes: a strong ``ETag``, or a ``Last-Modified``; empty where the server sent none."""
    size: int | None = None
    """Bytes of the whole file, where the server said so."""


class Part:
    """The beginning of a file. Make one by ``opened``."""

    def __init__(self, target: str) -> None:
        # A symbolic link is followed and stays; any other name is shown as it was given.
        self.target = os.path.realpath(target) if os.path.islink(target) else target
        self.path = f"{self.target}.part"
        self.source: Source | None = None
        self.length = 0
        self.is_finished = False
        self._side = f"{self.path}.json"
        self._file = -1

    @contextmanager
    def opened(self) -> Iterator[Part]:
        """Hold the part, alone among all processes; it stays for the next time, unless it is empty or finished.

        :raises Held: another process has it.
        :raises Unwritable: here and below: the system does not let it be written; Full where there is no space.
        """
        with ExitStack() as held:
            with self._told():
                self._check_target()
                held.enter_context(files.locked(self.path, 0, stays=False))
                self._file = _open(self.path)
            held.callback(self._close)
            self.length = os.lseek(self._file, 0, os.SEEK_END)
            self.source = _read_source(self._side) if self.length else None
            if self.length and not self.source:
                raise _foreign(self.path)
            yield self

    def _check_target(self) -> None:
        folder = os.path.dirname(self.target) or os.curdir
        try:
            there = os.path.isdir(os.path.abspath(folder))
        except FileNotFoundError:
            raise files.Unwritable("the current folder is not there") from None
        if not there:
            raise files.Unwritable(f"there is no folder {folder}")
        if os.path.isdir(self.target):
            raise files.Unwritable(f"{self.target} is a folder")
        if os.path.lexists(self.target) and not os.path.isfile(self.target):
            raise files.Unwritable(f"{self.target} is not a regular file")

    def begin(self, source: Source) -> None:
        """Start over with another version of the file."""
        with self._told():
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            self.length, self.source = 0, source
            files.replace(self._side, json.dumps(source._asdict()))

    def append(self, data: bytes) -> None:
        """Write what has come."""
        rest = memoryview(data)
        with self._told():
            while rest:
                written = os.write(self._file, rest)
                self.length += written
                rest = rest[written:]

    def finish(self) -> None:
        """Let the part, which is whole, become the target."""
        with self._told():
            os.fsync(self._file)
            with suppress(FileNotFoundError):
                shutil.copymode(self.target, self.path)
            os.close(self._file)
            self._file = -1
            files.take_name(self.path, self.target)
        self.is_finished = True

    def drop(self) -> None:
        """Throw away what has come."""
        with self._told():
            os.ftruncate(self._file, 0)
            self.length, self.source = 0, None

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        if not self.length:
            with suppress(OSError):
                os.unlink(self.path)
        if self.is_finished or not self.length:
            with suppress(OSError):
                os.unlink(self._side)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kind = Full if error.errno in _FULL else files.Unwritable
            raise kind(f"{self.path} cannot be written: {files.reason(error)}") from None


def _open(path: str) -> int:
    """Open the part, which nobody else may have put there: its bytes would become the file's."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and (os.name != "posix" or found.st_uid == os.geteuid()):
        return descriptor
    os.close(descriptor)
    raise _foreign(path)


def _foreign(path: str) -> files.Unwritable:
    return files.Unwritable(f"{path} is there, and is not the beginning of a download of this user's: remove it")


def _read_source(path: str) -> Source | None:
    """Return what the part is a part of; None where that cannot be read, so that nothing goes on from there."""
    try:
        source = Source(**json.loads(files.read_text(path, limit=64 * 1024) or ""))
    except (files.Unreadable, ValueError, TypeError, RecursionError):
        return None
    texts = (source.url, source.digests, source.validator)
    is_whole = all(isinstance(text, str) for text in texts) and isinstance(source.size, (int, type(None)))
    return source if is_whole and source.validator.isprintable() else None
