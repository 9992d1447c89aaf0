"""The adapter: put on the wire what the chain answers, and let nobody but the wire see it.

Transport, no policy. Invariants:

1. The request that came in is never changed: a copy is sent.
2. What the caller set stays: an ``Authorization`` header, or an ``auth=`` that answers challenges.
3. Nothing that leaves ``send`` holds what was added: no response, no exception, no frame.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.models import REDIRECT_STATI, PreparedRequest
from requests.utils import rewind_body

from authshim.lookup.chain import Chain
from authshim.lookup.naming import CALLER, seen_locations
from authshim.transport.carrier import HOOK, named_by_of, note_redirect, receive
from authshim.transport.netrc_header import RequestsNetrc
from authshim.transport.request import authorization_of, with_credential
from authshim.transport.scrub import clean_error, clean_response
from authshim.transport.wrapping import WrappingAdapter
from authshim.urls import is_presigned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from requests import Response
    from requests.adapters import BaseAdapter

    from authshim.lookup.trace import Found
    from authshim.project.manifest import Manifest

    Options = tuple[Any, Any, Any, Any, Any]
    """stream, timeout, verify, cert, proxies; unpacking them costs less than passing on a dict does."""

_REDIRECTS = frozenset(REDIRECT_STATI)

MAX_DRAINED_BYTES = 64 * 1024
"""The size up to which the body of a refused request is read, so that its connection can be used again."""

MAX_DRAINED_SECONDS = 1.0
"""The time that reading such a body may take in all. After it, the connection is closed."""


class AuthAdapter(WrappingAdapter):
    """An adapter that sends requests with the credentials that their user already keeps.

        adapter = authshim.AuthAdapter()
        session.mount("https://", adapter)
        session.mount("http://", adapter)

    Mount one adapter for both prefixes. A foreign adapter on ``http://`` shows none of its redirects
    to this one, which then sends what it has to any https URL that they name.

    A mounted adapter alone cannot keep ``requests`` from reading netrc before it. It recognises the
    header that ``requests`` made of netrc, and asks the chain instead. ``install`` also prevents the
    reading.
    """

    __attrs__ = (*HTTPAdapter.__attrs__, "chain", "inner", "made_with")
    _own = frozenset({"chain", "inner", "made_with", "_netrc"})

    def __init__(
        self,
        chain: Chain | None = None,
        *,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
        inner: BaseAdapter | None = None,
        **http_adapter_options: Any,
    ) -> None:
        """Take a chain, or make the one that the environment and the project describe.

        :param manifest: the project's ``pixi.toml`` or ``pyproject.toml``, its folder, or a Manifest.
        :param environment: a pixi environment; None: the indexes of all of them.
        :param inner: an adapter that does the sending (with retries, or a cache). Its attributes are
            read and set through this adapter. None: this adapter does the sending.
        :param http_adapter_options: the options of ``requests.adapters.HTTPAdapter``.
        """
        if chain is not None and (manifest is not None or environment is not None):
            raise TypeError(
                "a chain has its indexes already: give chain= or manifest= and environment=, not both"
            )
        if inner is not None and http_adapter_options:
            raise TypeError(
                "the inner adapter does the sending: give it the options of HTTPAdapter"
            )
        super().__init__(inner, **http_adapter_options)
        self.made_with = options_of(chain, manifest, environment)
        self.chain = (
            Chain.from_environment(manifest=manifest, environment=environment)
            if chain is None
            else chain
        )
        self._netrc = RequestsNetrc()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request, with a credential where one is found and the caller set none."""
        options = (stream, timeout, verify, cert, proxies)
        hooks = request.hooks
        named_by = receive(request) if HOOK in hooks or seen_locations.origins else CALLER
        header = authorization_of(request.headers)
        if header is not None and header != self._netrc.header(request.url or ""):
            return self._transmit(request, request, None, options)
        waiting = hooks.get("response")
        if waiting and _answers_challenges(waiting):
            return self._transmit(with_credential(request, None), request, None, options)
        found = self.chain.find(request.url or "", named_by=named_by)
        tried = [] if found is None else [found]
        try:
            return self._exchange(request, options, tried)
        except BaseException as error:
            if not tried:
                raise
            failure = error
        try:
            # Out of reach of "except", so that no frame from below is hung on again.
            raise clean_error(failure, request, tried)
        finally:
            del failure, tried, found

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._netrc = RequestsNetrc()
        super().__setstate__(state)

    def _exchange(self, request: PreparedRequest, options: Options, tried: list[Found]) -> Response:
        """Send with what was found, and again where the chain has something else after a refusal.

        :param tried: what was found, if anything was; takes what is sent after it.
        """
        found = tried[-1] if tried else None
        refused = False
        while True:
            response = self._transmit(with_credential(request, found), request, found, options)
            status = response.status_code
            if status == 404:
                return self._search(request, response, options, tried)
            if status not in (401, 403):
                if found is not None and (status < 300 or _is_let_in(response, refused=refused)):
                    self.chain.accept(request.url or "", found)
                return response
            challenge = response.headers.get("WWW-Authenticate", "")
            found = self.chain.refused(
                request.url or "",
                status=status,
                tried=tried,
                challenge=challenge,
                named_by=named_by_of(request),
            )
            if found is None or not _rewind(request):
                return response
            tried.append(found)
            refused = True
            self._put_aside(response)

    def _search(
        self, request: PreparedRequest, missing: Response, options: Options, tried: list[Found]
    ) -> Response:
        """Ask for what was not found with what the other indexes have, where several cover its URL.

        :param missing: the 404; it is returned where none of them finds it.
        """
        url = request.url or ""
        if tried:
            self.chain.accept(url, tried[-1], there=False)
        named_by = named_by_of(request)
        while request.method in ("GET", "HEAD"):
            found = self.chain.missed(url, tried, named_by=named_by)
            if found is None:
                break
            tried.append(found)
            response = self._transmit(with_credential(request, found), request, found, options)
            if response.status_code < 400:
                self.chain.accept(url, found)
                self._put_aside(missing)
                return response
            self._put_aside(response)
        return missing

    def _put_aside(self, response: Response) -> None:
        """Discard a response before retrying or returning another one."""
        _drain(response)

    def _transmit(
        self, sent: PreparedRequest, request: PreparedRequest, found: Found | None, options: Options
    ) -> Response:
        """Send one request in place of another; the response tells of the other, and leads back to this adapter."""
        stream, timeout, verify, cert, proxies = options
        # By their names: CacheControl's adapter, for one, has them in another order.
        response: Response = (self.inner or super()).send(  # type: ignore[union-attr]
            sent, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        response.connection = self
        if sent is not request:
            clean_response(response, request, found)
        if response.status_code in _REDIRECTS:
            note_redirect(request, response)
        return response


def options_of(
    chain: Chain | None, manifest: str | os.PathLike[str] | Manifest | None, environment: str | None
) -> tuple[object, ...]:
    """Return the value by which ``install`` compares the options of two calls.

    A chain counts by its identity, which a deep copy and a pickle keep.
    """
    path: Any = getattr(manifest, "path", manifest)
    identity = None if chain is None else chain.identity
    return identity, path and os.path.abspath(path), environment


def _is_let_in(response: Response, *, refused: bool) -> bool:
    """Tell whether an answer shows that the credential was taken, though it is no success.

    A redirect may lead to a login page, but not where the server has said 401 to another
    credential, nor where it leads to a presigned URL.
    """
    if response.status_code in _REDIRECTS:
        return refused or is_presigned(response.headers.get("Location", ""))
    return response.status_code == 304


def _answers_challenges(hooks: Iterable[Any]) -> bool:
    """Tell whether the caller's ``auth=`` waits for a 401 in a hook, as Digest, Kerberos and NTLM do."""
    return any(isinstance(getattr(hook, "__self__", None), AuthBase) for hook in hooks)


def _rewind(request: PreparedRequest) -> bool:
    """Tell whether the body can be sent again, a file from where it stood."""
    body: Any = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):
        return False
    return True


def _drain(response: Response) -> None:
    """Read a short body to its end, so that its connection can be used again; close any other connection."""
    headers = response.headers
    try:
        size = int(headers.get("Content-Length", -1))
        if 0 <= size <= MAX_DRAINED_BYTES and "Transfer-Encoding" not in headers:
            _read_in_time(response.raw, size)
    except Exception:  # noqa: BLE001, S110 - the body is discarded, so no error in it matters
        pass
    with suppress(Exception):  # the response of a fake adapter may have nothing to close
        response.close()


def _read_in_time(raw: Any, size: int) -> None:
    """Read a body of ``size`` bytes, or as much of it as comes in time.

    A timeout of the socket starts again with each byte, so it cannot bound the whole. Here ``peek``
    receives at most once, and ``read`` then takes no more than has been received.
    """
    socket = raw.connection.sock
    timeout = socket.gettimeout()
    deadline = time.monotonic() + MAX_DRAINED_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        socket.settimeout(left if timeout is None else min(left, timeout))
        received = len(raw._fp.peek())
        # The last read gives the connection back, so its timeout must be as before by then.
        socket.settimeout(timeout)
        data = raw.read(max(min(received, size), 1), decode_content=False)
        size -= len(data)
        if not data or size <= 0:
            return
