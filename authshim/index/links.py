"""The links of a page of an index, as the page writes them."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from typing import Optional
from urllib.parse import unquote

HASH = re.compile(r"[A-Za-z0-9_]{1,20}=[0-9A-Fa-f]{1,128}")
"""An algorithm and its digest, as a fragment of a URL has them."""

Hashes = tuple[tuple[str, str], ...]
Entry = tuple[str, str, Optional[str], Hashes, bool]
"""The fields of a File, with its URL as the page writes it."""


class PageParser(HTMLParser):
    """A parser that keeps the links of a page, its base and its version."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.version = ""
        self.entries: list[Entry] = []

    def handle_starttag(
        self,
        tag: str,
        attrs: list[tuple[str, str | None]],
    ) -> None:
        """Keep what a tag says."""
        if tag == "a":
            self._keep(dict(attrs))
        elif tag == "base":
            self.base = self.base or dict(attrs).get("href") or ""
        elif tag == "meta" and ("name", "pypi:repository-version") in attrs:
            self.version = self.version or dict(attrs).get("content") or ""

    def _keep(self, attrs: dict[str, str | None]) -> None:
        link = attrs.get("href") or ""
        url, _, fragment = link.strip().partition("#")
        path = url.partition("?")[0]
        # uv takes the name from the link and not from its text.
        filename = unquote(path.rpartition("/")[2])
        if not filename:
            return
        requires_python = attrs.get("data-requires-python")
        hashes = _fragment_hashes(fragment)
        is_yanked = "data-yanked" in attrs
        self.entries.append((filename, url, requires_python, hashes, is_yanked))


def _fragment_hashes(fragment: str) -> Hashes:
    if not fragment:
        return ()
    found = []
    for part in fragment.split("&"):
        name, _, digest = part.partition("=")
        if HASH.fullmatch(part) and name in hashlib.algorithms_guaranteed:
            found.append((name, digest))
    return tuple(found)
