"""The partial file of a download: ``TARGET.part``, and ``TARGET.part.json`` that describes it.

Invariants:

1. The partial file is the beginning of the one version that ``TARGET.part.json`` describes.
2. Neither file contains a secret: the stored URL is redacted.
3. The target is replaced by one rename, after the partial file is complete and synced.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from authshim import files

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SOURCE_BYTES = 1024 * 1024

# Opening a named pipe would block without O_NONBLOCK.
_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)


class Source(NamedTuple):
    """A description of the file version that a partial file belongs to."""

    url: str
    """Redacted."""
    digests: str = ""
    """The hashes that the complete file must have, or an empty string."""
    validator: str = ""
    """The value for ``If-Range``, or an empty string."""
    size: int | None = None
    """Bytes of the complete file, or None if the server did not send them."""

    def is_continued_by(self, other: Source) -> bool:
        """Return True if the other one is the same version, by a strong validator or a hash."""
        if self.digests != other.digests or self.size not in (None, other.size):
            return False
        if other.validator:
            return self.validator == other.validator
        return bool(self.digests)


class PartialFile:
    """A file that receives the bytes of a download. Use it inside ``opened``."""

    def __init__(self, target: str) -> None:
        # The rename must replace the file behind a symbolic link, not the link.
        self.target = target
        if os.path.islink(target):
            self.target = os.path.realpath(target)
        self.path = f"{self.target}.part"
        self.source = Source("")
        self.length = 0
        self._source_path = f"{self.path}.json"
        self._file = -1

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock and open the partial file. On exit, keep its bytes for the next run.

        :raises Unwritable: the target or the partial file is not ours to write.
        :raises Locked: another process has locked it.
        :raises OSError: the system refuses. The other methods raise it too.
        """
        self._check_target()
        with files.locked(self.path, 0, stays=False):
            self._file = _open(self.path)
            try:
                self.length = os.lseek(self._file, 0, os.SEEK_END)
                if self.length:
                    self.source = self._read_source()
                yield
            finally:
                self._close()
                if not self.length:
                    _remove(self.path)
                    _remove(self._source_path)

    def begin(self, source: Source) -> None:
        """Empty the file, and store the description of the version that follows."""
        self.truncate(0)
        self.source = source
        files.replace(self._source_path, json.dumps(source._asdict()))

    def append(self, data: bytes) -> None:
        """Write all of the data to the end of the file."""
        rest = memoryview(data)
        while rest:
            written = os.write(self._file, rest)
            self.length += written
            rest = rest[written:]

    def truncate(self, length: int) -> None:
        """Remove the bytes after ``length``."""
        os.ftruncate(self._file, length)
        os.lseek(self._file, length, os.SEEK_SET)
        self.length = length

    def finish(self) -> None:
        """Sync the complete file and rename it to the target. Keep the target's mode."""
        os.fsync(self._file)
        with suppress(FileNotFoundError):
            shutil.copymode(self.target, self.path)
        self._close()
        files.take_name(self.path, self.target)
        _remove(self._source_path)

    def _check_target(self) -> None:
        folder = os.path.dirname(os.path.abspath(self.target))
        if not os.path.isdir(folder):
            raise files.Unwritable(f"there is no folder {folder}")
        if os.path.lexists(self.target) and not os.path.isfile(self.target):
            raise files.Unwritable(f"{self.target} is not a regular file")

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _read_source(self) -> Source:
        """Return the stored description.

        :raises Unwritable: it is missing or malformed, so the bytes may be of any file.
        """
        try:
            text = files.read_text(self._source_path, limit=MAX_SOURCE_BYTES)
            source = Source(**json.loads(text or ""))
            is_text = "".join(source[:3]).isprintable()
        except (files.Unreadable, ValueError, TypeError, RecursionError):
            is_text = False
        if is_text and isinstance(source.size, (int, type(None))):
            return source
        raise _foreign(self.path)


def _open(path: str) -> int:
    """Return a descriptor of a new file, or of one that is the user's own and has no other name.

    :raises Unwritable: another user may have put the file there, or it is not a regular file.
    """
    try:
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        descriptor = os.open(path, _FLAGS)
    found = os.fstat(descriptor)
    is_own = os.name != "posix" or found.st_uid == os.geteuid()
    if is_own and found.st_nlink == 1 and stat.S_ISREG(found.st_mode):
        return descriptor
    os.close(descriptor)
    raise _foreign(path)


def _foreign(path: str) -> files.Unwritable:
    return files.Unwritable(f"{path} exists but is not this user's partial download: remove it")


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
