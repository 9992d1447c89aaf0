"""Take what was added for the wire off again: from responses, exceptions and logs.

A header stays on the copy of the request that was sent, and in the frames of an exception. A
conda token is in the URL, and therefore also in what urllib3 keeps and says of it, and in what
a server says back; only this very token is taken off, never what the caller wrote.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

from authshim.credentials import CondaToken
from authshim.secret import SecretHolder, related_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.credentials import Credential

PRIVATES = (
    ("urllib3.HTTPResponse", "_request_url"),
    ("urllib3.HTTPResponse", "_original_response"),
    ("urllib3.HTTPResponse", "_fp"),
    ("http.client.HTTPResponse", "msg"),
    ("http.client.HTTPResponse", "reason"),
)
"""The attributes that authshim reads or writes though nobody promises them.

``request`` guards one of requests. ``adapter`` reads ``_fp``, and closes the connection if it fails.
If one of the others is missing, a conda token may stay in it. A test asks for each of them, with
urllib3 1.26.0 (``tox -e oldest``) and with the newest one (2.8.0 today), on CPython 3.9 to 3.13.
"""

SHOWN = "****"

LONG_ENOUGH = 6
"""Characters from which a token is taken out of any text; a shorter one would be found in common words."""


def clean_response(
    response: Response, request: PreparedRequest, credential: Credential | None
) -> None:
    """Put the caller's request into a response, in place of the request that was sent.

    A ``Location`` loses its ``/t/TOKEN``. The next hop gets one of its own, if it belongs there.

    :param credential: the credential that was sent.
    """
    response.request = request
    retries: Any = getattr(_raw(response), "retries", None)
    if retries is not None:
        for step in getattr(retries, "history", None) or ():
            if step.error is not None:
                clean_error(step.error, request, [credential] if credential else [])
    if isinstance(credential, CondaToken):
        _clean_words(response, request, _Censor(credential))


def _raw(response: Response) -> Any:
    """Return what urllib3 answered; None for the response of a fake adapter, which may have none."""
    return getattr(response, "raw", None)


def _clean_words(response: Response, request: PreparedRequest, censor: _Censor) -> None:
    raw = _raw(response)
    original: Any = getattr(raw, "_original_response", None)
    response.url = request.url or ""
    if getattr(raw, "_request_url", None):
        raw._request_url = request.path_url
    if getattr(getattr(raw, "retries", None), "history", None):
        raw.retries.history = tuple(
            step._replace(url=request.path_url) for step in raw.retries.history
        )
    for part in (response, raw, original):
        if getattr(part, "reason", None):
            part.reason = censor.mask(part.reason)
    for headers in (
        response.headers,
        getattr(raw, "headers", None),
        getattr(original, "msg", None),
    ):
        if headers is not None:
            _clean_headers(headers, censor)
    if original is not None:  # a cookie's own path is that of the request
        response.cookies = RequestsCookieJar()
        extract_cookies_to_jar(response.cookies, request, raw)  # type: ignore[no-untyped-call]


def _clean_headers(headers: Any, censor: _Censor) -> None:
    before = list(headers.items())
    after = [(name, censor.remove(value)) for name, value in before]
    if after == before:
        return
    for name in {name for name, _ in before}:
        del headers[name]
    add = getattr(headers, "add", None) or headers.__setitem__
    for name, value in after:
        add(name, value)


def clean_error(
    error: BaseException, request: PreparedRequest, tried: Iterable[Credential]
) -> BaseException:
    """Take the frames off an exception and all that it carries, and tokens off its words.

    The frames of urllib3 and http.client hold the headers and the URL on their way. An exception
    that the caller is just handling stays whole, though Python hangs it on as the context.
    """
    censors = [_Censor(token) for token in tried if isinstance(token, CondaToken)]
    for part in related_exceptions(error, sys.exc_info()[1]):
        part.__traceback__ = None
        if isinstance(getattr(part, "request", None), PreparedRequest):
            part.request = request  # type: ignore[attr-defined]
        response = getattr(part, "response", None)
        if isinstance(response, Response):
            response.request = request
        for censor in censors:
            part.args = tuple(censor.mask(arg) for arg in part.args)
            vars(part).update({name: censor.mask(value) for name, value in vars(part).items()})
            if isinstance(response, Response):
                _clean_words(response, request, censor)
    return error


class _Censor(SecretHolder):
    """Takes one token out of texts, however it is percent-encoded there."""

    __slots__ = ("_segment", "_token")

    def __init__(self, token: CondaToken) -> None:
        written = "".join(f"(?:{re.escape(char)}|(?i:%{ord(char):02x}))" for char in token.token)
        slash = "(?:/|%2[Ff])"
        self._segment = re.compile(rf"{slash}t{slash}{written}(?=[/?#&;,\s\"'<>]|%2[Ff]|$)")
        self._token = re.compile(written) if len(token.token) >= LONG_ENOUGH else None

    def remove(self, text: str) -> str:
        """Return ``text`` without ``/t/TOKEN``; where the token stands alone, ``****`` is there in its place."""
        text = self._segment.sub("", text)
        return self._token.sub(SHOWN, text) if self._token else text

    def mask(self, value: Any) -> Any:
        """Return a text with ``****`` for the token; a list with its texts so; anything else as it is."""
        if isinstance(value, list):
            return [self.mask(item) for item in value]
        if not isinstance(value, str):
            return value
        value = self._segment.sub(f"/t/{SHOWN}", value)
        return self._token.sub(SHOWN, value) if self._token else value


class _RequestLines(logging.Filter):
    """Shows ``/t/****`` for ``/t/TOKEN`` in what urllib3 logs of a request line."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        shown = re.sub(r"/t/[^/?#\s]+", f"/t/{SHOWN}", said)
        if shown != said:
            record.msg, record.args = (
                shown,
                (),
            )  # an argument may be a Retry, which remembers the URL
            record.exc_info, record.exc_text = None, None
        return True


_request_lines = _RequestLines()


def hide_request_lines() -> None:
    """Keep tokens in URLs out of urllib3's log; calling it again changes nothing."""
    for name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_request_lines)
