"""Remove what was added to a request from the responses, exceptions and logs of requests.

urllib3 keeps the URL of a request, and with it a conda token, in several places.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

from authshim.credentials import CondaToken
from authshim.lookup import censor
from authshim.lookup.censor import Censor, censors, clean_exception

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential

PRIVATES = (
    ("urllib3.HTTPResponse", "_request_url"),
    ("urllib3.HTTPResponse", "_original_response"),
    ("urllib3.HTTPResponse", "_fp"),
    ("http.client.HTTPResponse", "msg"),
    ("http.client.HTTPResponse", "reason"),
)
"""The private attributes that authshim reads or writes.

``request`` guards one of requests. ``adapter`` reads ``_fp``, and closes the connection if it
fails.
If one of the others is missing, a conda token may stay in it. A test asks for each of them, with
urllib3 1.26.0 (``tox -e oldest``) and with the newest one (2.8.0 today), on CPython 3.9 to 3.13.
"""


def clean_response(
    response: Response,
    request: PreparedRequest,
    credential: Credential | None,
) -> None:
    """Put the caller's request into a response, in place of the request that was sent.

    A ``Location`` loses its ``/t/TOKEN``. The next hop gets one of its own, if it belongs there.

    :param credential: the credential that was sent.
    """
    response.request = request
    raw: Any = getattr(response, "raw", None)
    retries: Any = getattr(raw, "retries", None)
    if retries is not None:
        _clean_retries(retries, request, credential)
    if isinstance(credential, CondaToken):
        censor = Censor(credential)
        _clean_words(response, request, censor)


def _clean_retries(
    retries: Any,
    request: PreparedRequest,
    credential: Credential | None,
) -> None:
    """Remove what was sent from the errors of earlier attempts."""
    tried = []
    if credential:
        tried = [credential]
    for step in getattr(retries, "history", None) or ():
        if step.error is not None:
            clean_error(step.error, request, tried)


def _clean_words(
    response: Response,
    request: PreparedRequest,
    censor: Censor,
) -> None:
    raw: Any = getattr(response, "raw", None)  # a fake adapter has none
    original: Any = getattr(raw, "_original_response", None)
    response.url = request.url or ""
    _clean_urls(raw, request)
    for part in (response, raw, original):
        if getattr(part, "reason", None):
            part.reason = censor.mask(part.reason)
    every = [
        response.headers,
        getattr(raw, "headers", None),
        getattr(original, "msg", None),
    ]
    for headers in every:
        if headers is not None:
            _clean_headers(headers, censor)
    if original is not None:  # a cookie's own path is that of the request
        response.cookies = RequestsCookieJar()
        extract_cookies_to_jar(response.cookies, request, raw)  # type: ignore[no-untyped-call]


def _clean_urls(raw: Any, request: PreparedRequest) -> None:
    """Put the caller's URL into urllib3's response and into its retries."""
    url = request.path_url
    if getattr(raw, "_request_url", None):
        raw._request_url = url
    retries: Any = getattr(raw, "retries", None)
    history = getattr(retries, "history", None)
    if history:
        retries.history = tuple(step._replace(url=url) for step in history)


def _clean_headers(headers: Any, censor: Censor) -> None:
    before = list(headers.items())
    after = []
    for name, value in before:
        after.append((name, censor.remove(value)))
    if after == before:
        return
    names = {name for name, _ in before}
    for name in names:
        del headers[name]
    add = getattr(headers, "add", None) or headers.__setitem__
    for name, value in after:
        add(name, value)


def clean_error(
    error: BaseException,
    request: PreparedRequest,
    tried: Sequence[Credential],
) -> BaseException:
    """Return an exception without frames and tokens, and with the caller's request in it.

    The frames of urllib3 and http.client hold the header and the URL that were sent.
    """
    filters = censors(tried)
    handled = sys.exc_info()[1]
    for part in clean_exception(error, tried, handled):
        kept = getattr(part, "request", None)
        if isinstance(kept, PreparedRequest):
            part.request = request  # type: ignore[attr-defined]
        response = getattr(part, "response", None)
        if isinstance(response, Response):
            response.request = request
            for each in filters:
                _clean_words(response, request, each)
    return error


def hide_request_lines() -> None:
    """Keep tokens in URLs out of urllib3's log; a second call changes nothing."""
    censor.hide_request_lines(
        "urllib3.connection",
        "urllib3.connectionpool",
        "urllib3.util.retry",
    )
