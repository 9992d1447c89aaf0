"""Who named the URL of a request of ``requests``: carried in its ``hooks``, under a key of our own.

``PreparedRequest.copy`` drops attributes, and keeps the dict of hooks by reference. So a redirect inherits what the
adapter writes there when it sees a ``Location``, without ``install`` too, and in a session that was copied.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin

from requests import PreparedRequest

from authshim.lookup.naming import CALLER, follow, named_by, seen_locations

if TYPE_CHECKING:
    from requests import Response

    from authshim.lookup.naming import NamedBy, Trail

HOOK = "authshim: named by"
"""The key. Its value is the way to the URL: a tuple of origins, so that it is copied and pickled."""

_PLAIN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*\Z")
"""A path that leads to the same origin for every parser: some of them drop a tab behind its slash."""


def receive(request: PreparedRequest) -> NamedBy:
    """Return who named the URL of a request that the adapter is to send.

    A request without a way takes that of a Location that its caller followed by hand.
    """
    url = request.url or ""
    way = trail_of(request) or seen_locations.take(url)
    if not way:
        return CALLER
    named = named_by(way, url)
    if named.is_marked:
        seen_locations.take(url)  # it was followed, so it marks no other request
    # The dict is that of the request before, which may be sent again.
    request.hooks = {**request.hooks, HOOK: way}
    return named


def named_by_of(request: PreparedRequest) -> NamedBy:
    """Return who named the URL of a request that was received."""
    way = trail_of(request)
    return named_by(way, request.url or "") if way else CALLER


def note_redirect(request: PreparedRequest, response: Response) -> None:
    """Let what follows a redirect inherit its way."""
    location = response.headers.get("Location", "")
    way = follow(trail_of(request), request.url or "")
    _hooks(request)[HOOK] = way
    if len(way) == 1 and _PLAIN_PATH.match(location):
        return  # of nearly all, it spares the parsing
    with suppress(ValueError):  # nobody can follow it
        seen_locations.note(_target(request.url or "", location), way)


def inherit(request: PreparedRequest, response: Response) -> None:
    """Mark a request that a session has made of a redirect, whose answer the adapter may not have seen."""
    way = follow(trail_of(request), response.url or "")
    request.hooks = {**request.hooks, HOOK: way}


def trail_of(request: Any) -> Trail:
    """Return the way to the URL of a request, which may be of another library; empty if none is known."""
    hooks = getattr(request, "hooks", None)
    return cast("Trail", hooks.get(HOOK, ())) if isinstance(hooks, dict) else ()


def _hooks(request: PreparedRequest) -> dict[str, Any]:
    return cast("dict[str, Any]", request.hooks)


def _target(url: str, location: str) -> str:
    """Return the URL of the request that a caller makes of a ``Location``.

    It is written as requests prepares it, so that it is recognised there.

    :raises ValueError: requests cannot ask for it.
    """
    location = location.encode("latin-1").decode("utf-8")
    prepared = PreparedRequest()
    prepared.prepare_url(urljoin(url, location), None)
    return prepared.url or ""
