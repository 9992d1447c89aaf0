"""The adapter of requests: it sends what an ``Exchange`` says. The rules stand there.

If the first answer is settled, no exchange is made: it would cost as much as the look-up.

Invariants:

1. The caller's request is never changed: a copy is sent.
2. The caller's ``Authorization`` stays, and so does an ``auth=`` that answers challenges.
3. No secret leaves ``send``: not in a response, nor in an exception, nor in a frame.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import UnrewindableBodyError
from requests.utils import rewind_body

from authshim.lookup.exchange import REDIRECTS, Exchange, credentials_of, is_settled
from authshim.lookup.options import chain_of, options_of
from authshim.transport.carrier import note_redirect, receive
from authshim.transport.drain import drain
from authshim.transport.netrc_header import RequestsNetrc
from authshim.transport.request import authorization_of, with_credential
from authshim.transport.s3 import proxies_for, route_of, sign
from authshim.transport.scrub import clean_error, clean_response
from authshim.transport.wrapping import WrappingAdapter
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from requests import PreparedRequest, Response
    from requests.adapters import BaseAdapter

    from authshim.credentials import Credential
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.s3 import S3Route
    from authshim.project.manifest import Manifest

    Options = tuple[Any, Any, Any, Any, Any]
    """stream, timeout, verify, cert and proxies: a tuple is passed on faster than a dict."""


class AuthAdapter(WrappingAdapter):
    """An adapter that sends requests with the credentials that their user already keeps.

    Mount one adapter for all of these prefixes::

        adapter = authshim.AuthAdapter()
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.mount("s3://", adapter)

    A foreign adapter on ``http://`` shows none of its
    redirects to this one, which then sends what it has to any https URL that they name.

    A mounted adapter alone cannot keep ``requests`` from reading netrc before it. It recognises
    the header that ``requests`` made of netrc, and asks the chain instead. ``install`` also
    prevents the reading.
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
        """Take a chain, or make the chain that the environment and the project describe.

        :param manifest: the project's ``pixi.toml`` or ``pyproject.toml``, its folder, or a
            Manifest.
        :param environment: a pixi environment; None: the indexes of all of them.
        :param inner: an adapter that does the sending (with retries, or a cache). Its attributes
            are read and set through this adapter. None: this adapter does the sending.
        :param http_adapter_options: the options of ``requests.adapters.HTTPAdapter``.
        """
        if inner is not None and http_adapter_options:
            raise TypeError(
                "the inner adapter does the sending: give it the options of HTTPAdapter"
            )
        given = chain_of(chain, manifest, environment)
        super().__init__(inner, **http_adapter_options)
        self.made_with = options_of(chain, manifest, environment)
        self.chain = given
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
        """Send a request, with a credential if one is found and the caller has set none."""
        options = (stream, timeout, verify, cert, proxies)
        waiting = request.hooks.get("response")
        named_by = receive(request, waiting)
        url = request.url or ""
        if is_s3(url):
            return self._send_signed(request, named_by, options)
        header = authorization_of(request.headers)
        if header is not None or waiting:
            callers = self._callers(request, header)
            if callers is not None:
                return self._transmit(callers, request, None, options)
        found = self.chain.look_up(url, named_by)
        tried = [] if found is None else [found]
        try:
            return self.drive(request, named_by, tried, options)
        except BaseException as error:
            if not tried:
                raise
            failure = error
        try:
            # Out of reach of "except", so that no frame from below is hung on again.
            raise clean_error(failure, request, credentials_of(tried))
        finally:
            del failure, found, tried

    def drive(
        self,
        request: PreparedRequest,
        named_by: NamedBy,
        tried: list[CachedCredential],
        options: Options,
    ) -> Response:
        """Send the request, and again for as long as there is another credential.

        A subclass may keep the list of what was tried, which grows with each credential.
        """
        credential: Credential | None = None
        if tried:
            credential = tried[0].credential
        sent = with_credential(request, credential)
        response = self._transmit(sent, request, credential, options)
        if is_settled(self.chain, tried, response.status_code):
            return response
        exchange = Exchange(
            self.chain,
            request.method,
            request.url or "",
            named_by,
            can_resend=partial(_rewind, request),
            tried=tried,
        )
        return self._finish(exchange, response, request, options)

    def route(self, request: PreparedRequest, named_by: NamedBy) -> S3Route:
        """Return the endpoint and the keys for an ``s3://`` URL; a subclass may keep them."""
        return route_of(self.chain, request, named_by)

    def discard(self, response: Response) -> None:
        """Drop an answer before the next request is sent; a subclass may close it at once."""
        drain(response)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._netrc = RequestsNetrc()
        super().__setstate__(state)

    def _callers(
        self,
        request: PreparedRequest,
        header: str | None,
    ) -> PreparedRequest | None:
        """Return the request to send if its caller has chosen a login; None if there is none."""
        if header is not None and header != self._netrc.header(request.url or ""):
            return request
        if _answers_challenges(request.hooks.get("response") or ()):
            return with_credential(request, None)
        return None

    def _finish(
        self,
        exchange: Exchange,
        response: Response,
        request: PreparedRequest,
        options: Options,
    ) -> Response:
        """Take the first response, and send the request again while the exchange says so."""
        kept: Response | None = None
        dropped: Response | None
        while True:
            credential = exchange.receive(response.status_code, response.headers)
            if exchange.keeps:
                kept, dropped = response, kept
            else:
                dropped = response
            if dropped is not None:
                self.discard(dropped)
            if credential is None and kept is not None:
                return kept
            sent = with_credential(request, credential)
            response = self._transmit(sent, request, credential, options)

    def _send_signed(
        self, request: PreparedRequest, named_by: NamedBy, options: Options
    ) -> Response:
        """Send a request for an ``s3://`` URL to its endpoint."""
        route = self.route(request, named_by)
        stream, timeout, verify, cert, proxies = options
        options = (stream, timeout, verify, cert, proxies_for(route, proxies))
        credential = route.found.credential
        sent = sign(request, route)
        try:
            return self._transmit(sent, request, credential, options)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = error
        try:
            raise clean_error(failure, request, [credential])
        finally:
            del failure, sent, credential, route

    def _transmit(
        self,
        sent: PreparedRequest,
        request: PreparedRequest,
        credential: Credential | None,
        options: Options,
    ) -> Response:
        """Send one request in place of another.

        The response names the other one, and leads back to this adapter.
        """
        stream, timeout, verify, cert, proxies = options
        # By their names: CacheControl's adapter, for one, has them in another order.
        response: Response = (self.inner or super()).send(  # type: ignore[union-attr]
            sent, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        response.connection = self
        if sent is not request:
            clean_response(response, request, credential)
        if response.status_code in REDIRECTS:
            note_redirect(request, response)
        return response


def _answers_challenges(hooks: Iterable[Any]) -> bool:
    """Tell if the caller's ``auth=`` waits for a 401 in a hook, as Digest, Kerberos and NTLM do."""
    return any(isinstance(getattr(hook, "__self__", None), AuthBase) for hook in hooks)


def _rewind(request: PreparedRequest) -> bool:
    """Return True if the body can be sent again; set a file back to its first position."""
    body: Any = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    try:
        rewind_body(request)
    except (UnrewindableBodyError, ValueError):
        return False
    return True
