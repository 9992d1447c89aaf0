"""The mirrors of pixi's configuration: which URL pixi asks in place of another one.

The rules are those of ``mirror_middleware.rs`` in rattler.

1. A key covers a URL that begins with it. The longest path wins.
2. A key that names itself as its mirror switches a shorter key off.
3. The URL of a mirror is not looked up again.
4. If a mirror answers with 5xx or not at all, pixi asks the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from authshim.project.repositories import Index, Repository
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.settings.pixi_config import Mirror


class Mirrored(NamedTuple):
    """The URLs that pixi asks in place of another one, and the file that says so."""

    urls: tuple[str, ...]
    file: str

    def note(self, at: int) -> str:
        """Return a sentence that names a mirror and its file."""
        return f"pixi asks the mirror {redact(self.urls[at])} instead (see {self.file})"

    @property
    def empty_note(self) -> str:
        """The sentence about an empty list of mirrors, for which pixi makes up a 404."""
        return f"its list of mirrors is empty (see {self.file})"


def mirrored(url: str, mirrors: Iterable[Mirror]) -> Mirrored | None:
    """Return the mirrors of a URL, or None if pixi asks the URL itself."""
    covering = [mirror for mirror in mirrors if _covers(mirror.prefix, url)]
    if not covering:
        return None
    mirror = max(covering, key=lambda each: len(urlsplit(each.prefix).path))
    rest = url[len(mirror.prefix.rstrip("/")) :]
    urls = tuple(target.rstrip("/") + rest for target in mirror.targets)
    return None if urls == (url,) else Mirrored(urls, mirror.file)


def _covers(prefix: str, url: str) -> bool:
    """Tell if a URL begins with a prefix, by whole segments."""
    return f"{url}/".startswith(f"{prefix.rstrip('/')}/")


def places_at_mirrors(place: Repository, found: Mirrored) -> list[Repository]:
    """Return a place at each of its mirrors, without the userinfo of its own URL."""
    if isinstance(place, Index):
        return [Index(url, flat=place.flat) for url in found.urls]
    return [type(place)(url) for url in found.urls]


def userinfo_note(place: Repository) -> str:
    """Return a sentence about the userinfo of a mirrored URL, which pixi sends to the mirror."""
    if place.username is None and place.password is None:
        return ""
    return "the userinfo of its URL is not sent to the mirror, but pixi sends it there"
