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
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

# Opening a named pipe would block without O_NONBLOCK.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FLAGS |= getattr(os, "O_BINARY", 0)


class Source(NamedTuple):
    """A description of the file version that a partial file belongs to."""

    file: str
    """The ``Link.identity``."""
    validator: str
    """A strong ETag, or an empty string."""


UNKNOWN = Source("", "")
"""A version that cannot be resumed."""


class PartialFile:
    """A file that receives the bytes of a download. Use it inside ``opened``."""

    def __init__(self, target: str) -> None:
        # The rename must replace the file behind a symbolic link, not the link.
        self.target = target
        if os.path.islink(target):
            self.target = os.path.realpath(target)
        self.path = f"{self.target}.part"
        self.source = UNKNOWN
        self.length = 0
        self._source_path = f"{self.path}.json"

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock and open the partial file. On exit, keep its bytes for the next run.

        :raises Unwritable: the target or the partial file is not ours to write, another process
            has locked it, or the system refuses. Inside, the other methods raise OSError.
        """
        try:
            self._check_target()
            with files.locked(self.path, 0, stays=False), self._writable():
                yield
        except OSError as error:
            raise self.unwritable(error) from None

    @contextmanager
    def _writable(self) -> Iterator[None]:
        self._file = open(_open(self.path), "wb")  # noqa: SIM115 - closed below
        try:
            self.length = self._file.seek(0, os.SEEK_END)
            if self.length:
                self.source = self._read_source()
            yield
        finally:
            self._file.close()
            if not self.length:
                _remove(self.path)
                _remove(self._source_path)

    def unwritable(self, error: OSError) -> files.Unwritable:
        """Return an error with the system's reason."""
        reason = files.reason(error)
        return files.Unwritable(f"{self.target} cannot be read or written: {reason}")

    def begin(self, source: Source) -> None:
        """Empty the file, and store the description of the version that follows."""
        self.truncate(0)
        self.source = source
        stored = source._replace(file=redact(source.file))
        files.replace(self._source_path, json.dumps(stored._asdict()))

    def append(self, data: bytes) -> None:
        """Write the data to the end of the file."""
        self._file.write(data)
        self._file.flush()
        self.length += len(data)

    def truncate(self, length: int) -> None:
        """Remove the bytes after ``length``."""
        self._file.truncate(length)
        self.length = self._file.seek(length)

    def finish(self) -> None:
        """Sync the complete file and rename it to the target. Keep the target's mode."""
        os.fsync(self._file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(self.target, self.path)
        self._file.close()
        files.take_name(self.path, self.target)
        _remove(self._source_path)

    def _check_target(self) -> None:
        folder = os.path.dirname(os.path.abspath(self.target))
        if not os.path.isdir(folder):
            raise files.Unwritable(f"there is no folder {folder}")
        if os.path.lexists(self.target) and not os.path.isfile(self.target):
            raise files.Unwritable(f"{self.target} is not a regular file")

    def _read_source(self) -> Source:
        """Return the stored description.

        :raises Unwritable: it is missing or malformed, so the bytes may be of any file.
        """
        try:
            return Source(**json.loads(files.read_text(self._source_path) or ""))
        except (files.Unreadable, ValueError, TypeError, RecursionError):
            raise _foreign(self.path) from None


def _open(path: str) -> int:
    """Return a descriptor of a file that is the user's own and has no other name.

    :raises Unwritable: another user may have put the file there, or it is not a regular file.
    """
    descriptor = os.open(path, _FLAGS, 0o666)
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
