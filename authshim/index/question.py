"""One request to an index or channel."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Callable, NamedTuple
from urllib.parse import quote

from authshim.project.repositories import Index, Repository
from authshim.urls import parse, with_username, without_userinfo
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

    from authshim.index.answer import Answer
    from authshim.lookup.naming import Trail


class Question(NamedTuple):
    """A request that its client has yet to send."""

    place: Repository
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = MappingProxyType({})
    origins: Trail = ()
    """The servers through which the URL came, if it stood on a page."""
    read: Callable[[Answer, Response], Answer] | None = None
    """Returns the answer with what the body tells. It may raise urllib3's HTTPError."""

    @property
    def scheme(self) -> str:
        """The scheme of the URL in lower case."""
        scheme, _, _ = self.url.partition(":")
        return scheme.lower()

    @property
    def target(self) -> str:
        """The URL as the place's own user asks for it; elsewhere they are nobody.

        :raises UrlError: it cannot be dialled.
        """
        if is_s3(self.url) or is_s3(self.place.url):
            return self.url
        if without_userinfo(self.url) != self.url:
            # The URL is that of a mirror, which has a login of its own.
            return self.url
        root = parse(self.place.url)
        if parse(self.url).origin != root.origin:
            return self.url
        return with_username(self.url, self.place.username)

    def at_mirror(self, mirror: str, url: str) -> Question:
        """Return the same request to a mirror, without the userinfo of the mirrored URL.

        :param mirror: the place at the mirror.
        """
        place = Repository(mirror)
        if isinstance(self.place, Index):
            place = Index(mirror, flat=self.place.flat)
        return self._replace(
            place=place,
            url=url,
            origins=(),
        )


def page_url(index: Repository, name: str) -> str:
    """Return the URL of a project's page."""
    root = index.url.rstrip("/")
    quoted = quote(name, safe="")
    return f"{root}/{quoted}/"
