"""Log a session in: ``install`` puts an AuthAdapter around each of its adapters.

``requests`` reads netrc before an adapter runs, and again at each redirect. The two functions
that ``install`` sets on the session keep it from that: the chain has netrc among its providers.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from types import MethodType
from typing import TYPE_CHECKING

from requests.sessions import Session
from requests.utils import get_auth_from_url

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError, InstallError
from authshim.lookup.options import options_of
from authshim.transport.adapter import AuthAdapter
from authshim.transport.carrier import inherit, mark
from authshim.urls.url import S3_SCHEME, is_s3

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import TypeVar

    from requests import PreparedRequest, Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import Trail
    from authshim.project.manifest import Manifest

    AnySession = TypeVar("AnySession", bound=Session)


def install(
    session: AnySession,
    chain: Chain | None = None,
    *,
    manifest: str | os.PathLike[str] | Manifest | None = None,
    environment: str | None = None,
) -> AnySession:
    """Wrap every mounted adapter in an AuthAdapter, and return the session.

    All of them share one chain. Each wrapped adapter stays as ``inner``, with its retries and its
    cache. A ``session.auth`` that the caller set stays. A second call with equal options does
    nothing, on a copy of the session too. ``s3://`` URLs are signed, unless the caller has mounted
    an adapter for them.

    :param chain: the chain; None: the one that the environment and the project describe.
    :raises InstallError: the session was installed before with other options.
    """
    options = options_of(chain, manifest, environment)
    first = _installed_adapter(session, options)
    if first is None:
        first = AuthAdapter(chain, manifest=manifest, environment=environment)
    for prefix, adapter in list(session.adapters.items()):
        if isinstance(adapter, AuthAdapter) or is_s3(prefix):
            continue
        outer = AuthAdapter(first.chain, inner=adapter)
        outer.made_with = options
        session.adapters[prefix] = outer
    _mount_for_buckets(session)
    if not session.auth:
        session.auth = send_userinfo
    if getattr(session.rebuild_auth, "__func__", None) is Session.rebuild_auth:
        # A session that refers to itself keeps its connections until the garbage collector runs.
        strip_auth = MethodType(_strip_auth, weakref.proxy(session))
        session.rebuild_auth = strip_auth  # type: ignore[method-assign]
    return session


def _installed_adapter(
    session: Session,
    options: tuple[object, ...],
) -> AuthAdapter | None:
    """Return the first AuthAdapter of a session, or None.

    :raises InstallError: one of them was made with other options.
    """
    adapters = session.adapters.values()
    ours = [adapter for adapter in adapters if isinstance(adapter, AuthAdapter)]
    if any(adapter.made_with != options for adapter in ours):
        raise InstallError(
            "this session has an AuthAdapter already, made with other options: use another session"
        )
    return next(iter(ours), None)


def _mount_for_buckets(session: Session) -> None:
    """Let the adapter for https sign ``s3://`` URLs, unless there is an adapter for them."""
    adapter = session.adapters.get("https://")
    if adapter is not None and S3_SCHEME not in session.adapters:
        session.mount(S3_SCHEME, adapter)


def send_userinfo(request: PreparedRequest) -> PreparedRequest:
    """Return the request, with the URL's ``user:password@`` as its header unless it has one.

    This is the ``session.auth`` of an installed session. The header is encoded as UTF-8.
    """
    url = request.url or ""
    if "@" not in url:  # parsing every URL would cost more than the rest of this function
        return request
    username, password = get_auth_from_url(url)
    if (username or password) and "Authorization" not in request.headers:
        with suppress(CredentialError):  # the chain logs it when it is asked for this URL
            request.headers["Authorization"] = BasicHTTP(username, password).header or ""
    return request


def carrying(trail: Trail) -> Callable[[PreparedRequest], PreparedRequest]:
    """Return an ``auth=`` that marks a request with the origins through which its URL came."""

    def carry(request: PreparedRequest) -> PreparedRequest:
        mark(request, trail)
        return send_userinfo(request)

    return carry


def _strip_auth(
    session: Session,
    prepared_request: PreparedRequest,
    response: Response,
) -> None:
    """Mark the request, and strip its header as ``Session.rebuild_auth`` does.

    The second half of that method reads netrc, and is left out.
    """
    inherit(prepared_request, response)
    old, new = response.request.url or "", prepared_request.url or ""
    if "Authorization" not in prepared_request.headers:
        return
    if session.should_strip_auth(old, new):  # type: ignore[no-untyped-call]
        del prepared_request.headers["Authorization"]
