"""Carry the way to a URL in the ``hooks`` of a request of ``requests``, under a private key.

``PreparedRequest.copy`` drops attributes, and keeps the dict of hooks by reference. So a redirect
inherits the key that the adapter writes when it sees a ``Location``. This works without
``install``, and in a session that was copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin

from requests import PreparedRequest

from authshim.lookup.naming import CALLER, arrive, depart, follow, named_by

if TYPE_CHECKING:
    from requests import Response

    from authshim.lookup.naming import NamedBy, Trail

HOOK = "authshim: named by"
"""The key. Its value is the way to the URL: a tuple of origins, which can be copied and pickled."""


def receive(request: PreparedRequest) -> NamedBy:
    """Return who named the URL of a request that the adapter is to send."""
    way, named = arrive(trail_of(request), request.url or "")
    if way:
        # The dict is that of the request before, which may be sent again.
        request.hooks = {**request.hooks, HOOK: way}
    return named


def named_by_of(request: PreparedRequest) -> NamedBy:
    """Return who named the URL of a request that was received."""
    way = trail_of(request)
    return named_by(way, request.url or "") if way else CALLER


def note_redirect(request: PreparedRequest, response: Response) -> None:
    """Let the request that follows a redirect inherit its way."""
    location = response.headers.get("Location", "")
    _hooks(request)[HOOK] = depart(trail_of(request), request.url or "", location, _target)


def inherit(request: PreparedRequest, response: Response) -> None:
    """Mark the request that a session made of a redirect; the adapter may not have seen it."""
    way = follow(trail_of(request), response.url or "")
    request.hooks = {**request.hooks, HOOK: way}


def trail_of(request: Any) -> Trail:
    """Return the way to the URL of a request, or an empty one if none is known.

    The request may be of another library.
    """
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
