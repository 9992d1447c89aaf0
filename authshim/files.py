"""Read the small text files that people keep: bounded, never a device, never half a guess."""

from __future__ import annotations

import os
import stat

LIMIT = 64 * 1024 * 1024
"""Bytes; an auth file of 100,000 hosts has about 10 MB."""


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
        raise Unreadable(_reason(error)) from None
    try:
        return _decode(_read(descriptor, limit))
    finally:
        os.close(descriptor)


def version(path: str | None) -> object:
    """Return what changes when the file at ``path`` does; None where there is no such file."""
    try:
        found = os.stat(path) if path else None
    except (OSError, ValueError):
        return None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)


def _read(descriptor: int, limit: int) -> bytes:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable("it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(_reason(error)) from None
    if len(data) > limit:
        del data  # the error's frames would hold it
        raise Unreadable(f"it is larger than {limit // 1024 // 1024} MiB")
    return data


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "its name cannot be used").lower()
