"""The URL of one file, with the hash in its fragment.

A fragment is written as on the pages of indexes (PEP 503): ``#sha256=...``, or another algorithm
that hashlib guarantees. Any other fragment is refused, so that no user believes in a check that
never happened.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from authshim.errors import UrlError
from authshim.redact import redact
from authshim.urls import parse
from authshim.urls.s3 import parse_s3
from authshim.urls.url import is_s3

_ALGORITHMS = hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}  # of variable length
_SAFE_NAME = r"[^.*/\\:][^/\\:]*"
_CHUNK_BYTES = 1024 * 1024


class Link(NamedTuple):
    """A URL without its fragment, and the hash from the fragment."""

    url: str
    algorithm: str = ""
    """A name that hashlib knows, or an empty string if the URL has no hash."""
    digest: str = ""
    """Hexadecimal digits in lower case."""

    def __repr__(self) -> str:
        return f"Link({self.shown!r}, {self.algorithm!r}, {self.digest!r})"

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
        path = urlsplit(self.shown).path
        segment = path.rpartition("/")[2]
        name = unquote(segment, errors="surrogateescape")
        is_safe = re.fullmatch(_SAFE_NAME, name) is not None
        if not (is_safe and name.isprintable()):
            reason = "its path does not end in a safe file name: name a file with -o"
            raise UrlError(self.shown, reason)
        return name

    def matches(self, path: str) -> bool:
        """Return True if the file at ``path`` has the hash, or if there is no hash."""
        if not self.digest:
            return True
        hasher = hashlib.new(self.algorithm, usedforsecurity=False)
        with open(path, "rb") as file:
            while data := file.read(_CHUNK_BYTES):
                hasher.update(data)
        return hasher.hexdigest() == self.digest


def read(url: str) -> Link:
    """Parse the URL of a file.

    :raises UrlError: it is not an http(s) or ``s3://`` URL, or its fragment is not a hash.
    """
    bare, _, fragment = url.partition("#")
    if is_s3(bare):
        parse_s3(bare)
    else:
        parse(bare)
    if not fragment:
        return Link(bare)
    fragment = fragment.lower()
    algorithm, _, digest = fragment.partition("=")
    if algorithm not in _ALGORITHMS:
        reason = "its fragment is not a hash such as #sha256=..."
        raise UrlError(redact(bare), reason)
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    digits = 2 * hasher.digest_size
    if not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest):
        reason = f"its {algorithm} hash is not {digits} hexadecimal digits"
        raise UrlError(redact(bare), reason)
    return Link(bare, algorithm, digest)
