"""What became of a request that got no answer, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = (10, 30)
"""Seconds to connect, and to the next bytes of an answer."""


def why(error: Exception) -> tuple[str, str]:
    """Say why nothing was answered, and what to do about it: two phrases without a secret.

    :param error: of requests, urllib3 or the system.
    """
    words = "".join(type(part).__name__ + " " for part in _chain_of(error))
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return "the file of trusted certificates is not there", "correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE"
    if "Proxy" in words or "InvalidSchema" in words:
        return "the proxy did not let through", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    if "SSL" in words or "Certificate" in words:
        return "its TLS certificate does not verify", "set REQUESTS_CA_BUNDLE to the file of your company's CA"
    if "NameResolution" in words or "gaierror" in words:
        return "its name is not known to DNS", "check the host name, and the network or VPN"
    if "Timeout" in words:
        seconds = TIMEOUT[0] if "ConnectTimeout" in words else TIMEOUT[1]
        return f"no answer within {seconds} s", "try again later, or check the network or VPN"
    if "TooManyRedirects" in words:
        return "it redirects without end", "correct the URL"
    if "Location" in words or "InvalidURL" in words or "Unicode" in words:
        return "its host name cannot be dialled", "correct the URL"
    return "the connection was refused or broke", "check the host and port, and the network or VPN"


def _chain_of(error: object) -> Iterator[BaseException]:
    """Yield an exception and all that it was made of."""
    if isinstance(error, BaseException):
        yield error
        for part in (*error.args, getattr(error, "reason", None)):
            yield from _chain_of(part)
