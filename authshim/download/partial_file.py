"""The temporary file of a download. It takes the name of the target when it is complete."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from authshim import files

if TYPE_CHECKING:
    from collections.abc import Iterator


class PartialFile:
    """A new file beside the target. Use it inside ``opened``."""

    def __init__(self, target: str) -> None:
        unique = os.urandom(8).hex()
        self.target = target
        self.path = f"{target}.{unique}.part"
        self.length = 0

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Make the file, with the target's mode. The exit removes it, unless ``finish`` was called.

        :raises Unwritable: the system refuses. Inside, the other methods raise OSError.
        """
        try:
            self._check_target()
            with open(self.path, "xb") as self._file:
                with suppress(FileNotFoundError):
                    shutil.copymode(self.target, self.path)
                yield
        except OSError as error:
            raise self.unwritable(error) from None
        finally:
            with suppress(OSError):
                os.unlink(self.path)

    def append(self, data: bytes) -> None:
        """Write the data to the end of the file."""
        self._file.write(data)
        self._file.flush()
        self.length += len(data)

    def clear(self) -> None:
        """Remove the bytes."""
        self._file.truncate(0)
        self.length = self._file.seek(0)

    def finish(self) -> None:
        """Sync the file and rename it to the target."""
        os.fsync(self._file.fileno())
        self._file.close()
        files.take_name(self.path, self.target)

    def unwritable(self, error: OSError) -> files.Unwritable:
        """Return an error with the system's reason."""
        reason = files.reason(error)
        return files.Unwritable(f"{self.target} cannot be written: {reason}")

    def _check_target(self) -> None:
        target = os.path.abspath(self.target)
        folder = os.path.dirname(target)
        if not os.path.isdir(folder):
            raise files.Unwritable(f"there is no folder {folder}")
        is_file = os.path.isfile(target)
        if os.path.exists(target) and not is_file:
            raise files.Unwritable(f"{self.target} is not a regular file")
