"""The URL of one file, with the hashes in its fragment.

A fragment is written as on the pages of indexes (PEP 503): ``#sha256=...``, or another algorithm
that hashlib guarantees. Any other fragment is refused, so that no user believes in a check that
never happened.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from authshim.errors import UrlError
from authshim.redact import redact
from authshim.urls import parse
from authshim.urls.s3 import is_s3, parse_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

_IGNORED = ("egg", "subdirectory")  # pip's own keys
_ALGORITHMS = hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}  # of variable length
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
        # Bytes that are not UTF-8 become lone surrogates, which are not printable.
        name = unquote(_path_of(self.shown).rpartition("/")[2], errors="surrogateescape")
        if not name.isprintable() or not re.fullmatch(r"[^.*/\\:][^/\\:]*", name):
            reason = "its path does not end in a safe file name: name a file with -o"
            raise UrlError(self.shown, reason)
        return name

    def wrong_digest(self, path: str) -> Digest | None:
        """Return the first hash that the file at ``path`` does not have, or None."""
        for digest in self.digests:
            hasher = hashlib.new(digest.algorithm, usedforsecurity=False)
            with open(path, "rb") as file:
                while data := file.read(_CHUNK_BYTES):
                    hasher.update(data)
            if hasher.hexdigest() != digest.value:
                return digest
        return None


def _path_of(url: str) -> str:
    """Return the path of a URL.

    :raises UrlError: it is neither an http(s) URL nor an ``s3://`` URL.
    """
    if is_s3(url):
        return parse_s3(url).path
    return parse(url).path


def read(url: str) -> Link:
    """Parse the URL of a file.

    :raises UrlError: it is not an http(s) or ``s3://`` URL, or its fragment is not a hash.
    """
    bare, _, fragment = url.partition("#")
    _path_of(bare)
    return Link(bare, tuple(_digests(bare, fragment)))


def _digests(url: str, fragment: str) -> Iterator[Digest]:
    for part in filter(None, fragment.split("&")):
        algorithm, equals, value = part.lower().partition("=")
        if equals and algorithm in _IGNORED:
            continue
        if not equals or algorithm not in _ALGORITHMS:
            raise UrlError(redact(url), "its fragment is not a hash such as #sha256=...")
        digits = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
            raise UrlError(redact(url), f"its {algorithm} hash is not {digits} hexadecimal digits")
        yield Digest(algorithm, value)
