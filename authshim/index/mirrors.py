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

from authshim.project.repositories import Channel, Repository
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.settings.pixi_config import Mirror


class Mirrored(NamedTuple):
    """The URLs that pixi asks in place of another one, and the file that says so."""

    url: str
    urls: tuple[str, ...]
    file: str

    def root(self, at: int, place: str) -> str:
        """Return the mirror of an index or channel, or of the URL if the mirror is below it.

        :param place: the index or channel that the URL belongs to.
        """
        mirror = self.urls[at]
        if not self.url.startswith(place):
            return mirror
        rest = self.url[len(place) :]
        return mirror.removesuffix(rest)

    def note(
        self,
        at: int,
        place: str = "",
    ) -> str:
        """Return a sentence that names a mirror and its file."""
        mirror = self.root(at, place or self.url)
        return f"pixi asks the mirror {redact(mirror)} instead (see {self.file})"

    @property
    def empty_note(self) -> str:
        """The sentence about an empty list of mirrors, for which pixi makes up a 404."""
        return f"its list of mirrors is empty (see {self.file})"


def mirrored(
    url: str,
    mirrors: Iterable[Mirror],
) -> Mirrored | None:
    """Return the mirrors of a URL, or None if pixi asks the URL itself."""
    covering = [mirror for mirror in mirrors if _covers(mirror.prefix, url)]
    if not covering:
        return None
    mirror = max(covering, key=_path_length)
    prefix = mirror.prefix.rstrip("/")
    rest = url[len(prefix) :]
    roots = [target.rstrip("/") for target in mirror.targets]
    urls = tuple(root + rest for root in roots)
    if urls == (url,):
        return None
    return Mirrored(url, urls, mirror.file)


def _path_length(mirror: Mirror) -> int:
    path = urlsplit(mirror.prefix).path
    return len(path)


def _covers(prefix: str, url: str) -> bool:
    """Tell if a URL begins with a prefix, by whole segments."""
    folder = prefix.rstrip("/")
    return f"{url}/".startswith(f"{folder}/")


class Subdir(Channel):
    """The part of a channel for one platform, which has mirrors of its own."""

    __slots__ = ()


def subdirs_with_mirrors(
    channel: Channel,
    platforms: Iterable[str],
    mirrors: Iterable[Mirror],
) -> list[Subdir]:
    """Return the parts of a channel that pixi asks for and that a key of a mirror begins with."""
    root = channel.url.rstrip("/")
    prefixes = [mirror.prefix for mirror in mirrors]
    found = []
    for platform in platforms:
        url = f"{root}/{platform}"
        has_mirrors = any(_covers(url, prefix) for prefix in prefixes)
        if has_mirrors:
            subdir = Subdir(url, channel.username, channel.password)
            found.append(subdir)
    return found


def userinfo_note(place: Repository) -> str:
    """Return a sentence about the userinfo of a mirrored URL, which pixi sends to the mirror."""
    if place.username is None and place.password is None:
        return ""
    return "the userinfo of its URL is not sent to the mirror, but pixi sends it there"
