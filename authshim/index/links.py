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


_VERSION = re.compile(r"([0-9]{1,9})\.[0-9]{1,9}")

_NAMES_VERSION = ("name", "pypi:repository-version")
"""The attribute of the tag ``meta`` that has the version of the API."""


class Unreadable(Exception):
    """The reason why a body is no page of an index, without any of its text."""


def check_version(version: str) -> None:
    """Raise Unreadable if the API has another major version, ValueError if it has none."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError
    if int(match.group(1)) != 1:
        raise Unreadable("its page has a version of the Simple API that is not known here")


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
        elif tag == "base" and not self.base:
            self.base = _value(attrs, "href")
        elif tag == "meta" and _NAMES_VERSION in attrs and not self.version:
            self.version = _value(attrs, "content")

    def _keep(self, attrs: dict[str, str | None]) -> None:
        link = attrs.get("href") or ""
        url, _, fragment = link.strip().partition("#")
        path, _, _ = url.partition("?")
        # uv takes the name from the link and not from its text.
        _, _, last_segment = path.rpartition("/")
        filename = unquote(last_segment)
        if not filename:
            return
        entry = (
            filename,
            url,
            attrs.get("data-requires-python"),
            _fragment_hashes(fragment),
            "data-yanked" in attrs,
        )
        self.entries.append(entry)


def _value(
    attrs: list[tuple[str, str | None]],
    name: str,
) -> str:
    """Return the value of an attribute, or an empty string."""
    return dict(attrs).get(name) or ""


def _fragment_hashes(fragment: str) -> Hashes:
    if not fragment:
        return ()
    found = []
    for part in fragment.split("&"):
        name, _, digest = part.partition("=")
        is_known = name in hashlib.algorithms_guaranteed
        if is_known and HASH.fullmatch(part):
            found.append((name, digest))
    return tuple(found)
