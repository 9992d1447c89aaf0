"""The URL of one file, with the hashes in its fragment.

A fragment is written as on the pages of indexes (PEP 503): ``#sha256=...``, or another algorithm
that hashlib guarantees. Any other fragment is refused, so that no user believes in a check that
never happened.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from authshim.errors import UrlError
from authshim.redact import redact
from authshim.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_IGNORED = ("egg", "subdirectory")  # pip's own keys
_CHUNK_BYTES = 1024 * 1024


class Digest(NamedTuple):
    """An expected hash of a file."""

    algorithm: str
    """A name that hashlib knows."""
    value: str
    """Hexadecimal digits in lower case."""

    def __str__(self) -> str:
        return f"{self.algorithm}={self.value}"


class Link(NamedTuple):
    """A URL without its fragment, and the hashes from the fragment."""

    url: str
    digests: tuple[Digest, ...] = ()

    def __repr__(self) -> str:
        return f"Link({self.shown!r}, {self.digests!r})"

    @property
    def shown(self) -> str:
        """Return the redacted URL."""
        return redact(self.url)

    @property
    def filename(self) -> str:
        """Return the last segment of the path, decoded once.

        :raises UrlError: the segment is not a safe name for a file.
        """
        segment = parse(self.shown).path.rpartition("/")[2]
        try:
            name = unquote(segment, errors="strict")
        except UnicodeDecodeError:
            name = ""
        if not name.isprintable() or not re.fullmatch(r"[^.*/\\:][^/\\:]*", name):
            reason = "its path does not end in a safe file name: name a file with -o"
            raise UrlError(self.shown, reason)
        return name

    def wrong_digest(self, path: str) -> Digest | None:
        """Return the first hash that the file at ``path`` does not have, or None."""
        hashers = [hashlib.new(digest.algorithm, usedforsecurity=False) for digest in self.digests]
        with open(path, "rb") as file:
            while data := file.read(_CHUNK_BYTES):
                for hasher in hashers:
                    hasher.update(data)
        for digest, hasher in zip(self.digests, hashers):
            if hasher.hexdigest() != digest.value:
                return digest
        return None


def read(url: str) -> Link:
    """Parse the URL of a file.

    :raises UrlError: it is not an http(s) URL, or its fragment is not a hash.
    """
    bare, _, fragment = url.partition("#")
    parse(bare)
    return Link(bare, tuple(_digests(bare, fragment)))


def _digests(url: str, fragment: str) -> Iterator[Digest]:
    for part in filter(None, fragment.split("&")):
        algorithm, equals, value = part.lower().partition("=")
        if equals and algorithm in _IGNORED:
            continue
        size = _digest_size(algorithm) if equals else 0
        if not size:
            raise UrlError(redact(url), "its fragment is not a hash such as #sha256=...")
        if not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value):
            reason = f"its {algorithm} hash is not {2 * size} hexadecimal digits"
            raise UrlError(redact(url), reason)
        yield Digest(algorithm, value)


def _digest_size(algorithm: str) -> int:
    """Return the bytes of a hash, or 0 for an unknown algorithm or one of variable length."""
    if algorithm not in hashlib.algorithms_guaranteed:
        return 0
    hasher: Any = hashlib.new(algorithm, usedforsecurity=False)
    return int(hasher.digest_size)
