"""Carry the way to a URL in the response hooks of a request of ``requests``.

``PreparedRequest.copy`` drops attributes, and keeps the dict of hooks by reference. So a redirect
inherits the list that the adapter writes when it sees a ``Location``. This works without
``install``, and in a session that was copied. The dict gets no key of its own, since a
``requests.Request`` that is made with these hooks would refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin

from requests import PreparedRequest

from authshim.lookup.locations import arrive, depart, seen_locations
from authshim.lookup.naming import CALLER, follow, named_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from requests import Response

    from authshim.lookup.naming import NamedBy, Trail


class MarkedHooks(list[Any]):
    """The response hooks of a request, and the way to its URL: a tuple of origins."""

    def __init__(
        self,
        hooks: Iterable[Any],
        way: Trail,
    ) -> None:
        super().__init__(hooks)
        self.way = way


def receive(
    request: PreparedRequest,
    hooks: list[Any] | None,
) -> NamedBy:
    """Return who named the URL of a request that the adapter is to send.

    :param hooks: its response hooks. Most requests carry no way, and no Location is remembered.
    """
    if type(hooks) is not MarkedHooks and not seen_locations.origins:
        return CALLER
    url = request.url or ""
    way, named = arrive(trail_of(request), url)
    if way:
        mark(request, way)
    return named


def named_by_of(request: PreparedRequest) -> NamedBy:
    """Return who named the URL of a request that was received."""
    way = trail_of(request)
    if not way:
        return CALLER
    url = request.url or ""
    return named_by(way, url)


def note_redirect(request: PreparedRequest, response: Response) -> None:
    """Let the request that follows a redirect inherit its way."""
    location = response.headers.get("Location", "")
    url = request.url or ""
    before = trail_of(request)
    way = depart(before, url, location, _target)
    # The dict itself is changed: a hook may have sent a copy, and the original is followed.
    hooks = _hooks(request)
    hooks["response"] = _marked(request, way)


def inherit(request: PreparedRequest, response: Response) -> None:
    """Mark the request that a session made of a redirect; the adapter may not have seen it."""
    before = trail_of(request)
    url = response.url or ""
    mark(request, follow(before, url))


def mark(request: PreparedRequest, way: Trail) -> None:
    """Give a request a dict of its own. Its old one may belong to a request that is sent again."""
    request.hooks = {
        **request.hooks,
        "response": _marked(request, way),
    }


def trail_of(request: Any) -> Trail:
    """Return the way to the URL of a request, or an empty one if none is known.

    The request may be of another library.
    """
    hooks = getattr(request, "hooks", None)
    if not isinstance(hooks, dict):
        return ()
    response_hooks = hooks.get("response")
    return cast("Trail", getattr(response_hooks, "way", ()))


def _marked(request: PreparedRequest, way: Trail) -> MarkedHooks:
    hooks = _hooks(request)
    of_response = hooks.get("response") or ()
    return MarkedHooks(of_response, way)


def _hooks(request: PreparedRequest) -> dict[str, Any]:
    return cast("dict[str, Any]", request.hooks)


def _target(url: str, location: str) -> str:
    """Return the URL of the request that a caller makes of a ``Location``.

    It is written as requests prepares it, so that it is recognised there.

    :raises ValueError: requests cannot ask for it.
    """
    written = location.encode("latin-1")
    target = urljoin(url, written.decode("utf-8"))
    prepared = PreparedRequest()
    prepared.prepare_url(target, None)
    return prepared.url or ""
