"""The URL of one file, and what it tells beside where the file is: a name, and in its fragment the hashes.

A fragment is written as on the pages of indexes (PEP 503): ``#sha256=...``, or another algorithm that hashlib has on
every machine. What cannot be checked is refused: nobody shall believe that it was.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from authshim.errors import UrlError
from authshim.urls import parse, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIP_S_OWN = ("egg", "subdirectory")
_SEPARATORS = "/\\:"
_AT_ONCE = 1024 * 1024


class Digest(NamedTuple):
    """One hash of a file."""

    algorithm: str
    """As hashlib has it."""
    value: str
    """In hexadecimal digits, lower case."""

    def __str__(self) -> str:
        return f"{self.algorithm}={self.value}"


class Link(NamedTuple):
    """A URL without its fragment, and the hashes that stood there."""

    url: str
    digests: tuple[Digest, ...] = ()

    def __repr__(self) -> str:
        return f"Link({self.shown!r}, {self.digests!r})"

    @property
    def shown(self) -> str:
        """The URL as it may be shown."""
        return redact(self.url)

    @property
    def filename(self) -> str:
        """The last part of the path, decoded once.

        :raises UrlError: it is none that is safe to give to a file.
        """
        written = parse(self.shown).path.rpartition("/")[2]
        try:
            name = unquote(written, errors="strict")
        except UnicodeDecodeError:
            name = ""
        unsafe = name.startswith((".", "*")) or not name.isprintable() or any(char in name for char in _SEPARATORS)
        if unsafe or not name:
            raise UrlError(self.shown, "its path does not end in a name that is safe for a file: name one by -o")
        return name

    def wrong_digest(self, path: str) -> Digest | None:
        """Read a file, and return the first of the hashes that is not the file's; None where all are."""
        hashers = [hashlib.new(digest.algorithm, usedforsecurity=False) for digest in self.digests]
        with open(path, "rb") as file:
            for data in iter(lambda: file.read(_AT_ONCE), b""):
                for hasher in hashers:
                    hasher.update(data)
        pairs = zip(self.digests, hashers)
        return next((digest for digest, hasher in pairs if hasher.hexdigest() != digest.value), None)


def read(url: str) -> Link:
    """Read the URL of a file.

    :raises UrlError: it cannot be dialled, or its fragment is no hash that can be checked.
    """
    bare, _, fragment = url.partition("#")
    parse(bare)
    return Link(bare, tuple(_digests(bare, fragment)))


def _digests(url: str, fragment: str) -> Iterator[Digest]:
    for part in filter(None, fragment.split("&")):
        algorithm, equals, value = part.lower().partition("=")
        if equals and algorithm in _PIP_S_OWN:
            continue
        size = _size(algorithm) if equals else 0
        if not size:
            raise UrlError(redact(url), "what follows # is no hash as in #sha256=..., so the file could not be checked")
        if not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value):
            raise UrlError(redact(url), f"its {algorithm} hash has not {2 * size} hexadecimal digits")
        yield Digest(algorithm, value)


def _size(algorithm: str) -> int:
    """Return how many bytes a hash has; 0 where there is no such algorithm, or its hashes have any length."""
    if algorithm not in hashlib.algorithms_guaranteed:
        return 0
    made: Any = hashlib.new(algorithm, usedforsecurity=False)
    return int(made.digest_size)
