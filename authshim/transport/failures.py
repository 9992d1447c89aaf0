"""Descriptions of the requests that got no response, with the user's next step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import requests

from authshim import next_step
from authshim.redact import redact
from authshim.secret import related_exceptions

if TYPE_CHECKING:
    from authshim.lookup.setup import Circumstances
    from authshim.next_step import NextStep

MAX_CONNECT_SECONDS = 10

MAX_READ_SECONDS = 30
"""Seconds to the next bytes of a response."""

TIMEOUT = (MAX_CONNECT_SECONDS, MAX_READ_SECONDS)
"""The timeout as ``requests`` takes it."""

MAX_TOTAL_SECONDS = 60.0
"""Seconds for the heads of all responses to one question, redirects and refusals included."""


class TooSlow(requests.Timeout):
    """A response that arrives too slowly to end."""


_KNOWN = (
    (("SSL",), "it does not speak TLS", next_step.CHECK_SCHEME),
    (("InvalidSchema",), "it redirects to what is not http(s)", next_step.CORRECT_URL),
    (("NameResolution", "gaierror"), "its name is not known to DNS", next_step.CHECK_NAME),
    (
        ("TooSlow",),
        "no whole answer within {total:g} s",
        next_step.TRY_LATER_OR_TELL_OWNER,
    ),
    (
        ("ConnectTimeout",),
        "no answer within {connect} s",
        next_step.TRY_LATER_OR_CHECK_NETWORK,
    ),
    (("Timeout",), "no answer within {read} s", next_step.TRY_LATER_OR_CHECK_NETWORK),
    (("TooManyRedirects",), "it redirects without end", next_step.CORRECT_URL),
    (("IncompleteRead",), "the answer broke off", next_step.TRY_LATER),
    (
        ("InvalidHeader", "BadStatusLine", "LineTooLong", "InvalidChunk", "HTTPException"),
        "its answer is not HTTP",
        next_step.CHECK_SCHEME,
    ),
    (
        # http.client asserts that a % in a host is the zone of an address.
        ("Location", "InvalidURL", "Unicode", "ValueError", "AssertionError"),
        "a redirect or the proxy names a host that cannot be dialled",
        next_step.CORRECT_URL_OR_PROXY,
    ),
    (
        ("RemoteDisconnected", "ConnectionReset"),
        "the server closed the connection, or it speaks https",
        next_step.CHECK_SCHEME,
    ),
    (("Decod",), "it is not packed as it says", next_step.TRY_LATER_OR_TELL_OWNER),
)
"""Parts of the names of errors, the first that fits, with the reason and the next step."""

_DEAD = ("NewConnection", "NameResolution", "gaierror", "ConnectTimeout")


def describe(
    error: Exception,
    known: Circumstances,
) -> tuple[str, NextStep]:
    """Return the reason why there is no response, and the next step, both without a secret.

    :param error: of requests, urllib3 or the system.
    :param known: the settings of the chain.
    """
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        variable = known.certificates.named_by or "REQUESTS_CA_BUNDLE"
        step = next_step.CORRECT_CA(variable=variable)
        return "the file of trusted certificates is not there", step
    # urllib3 1.26 tells an unknown name by the context of its error only.
    names = [type(part).__name__ for part in related_exceptions(error, None)]
    words = " ".join(names)
    # requests raises InvalidSchema for a SOCKS proxy that cannot be used. Only its text tells.
    if "Proxy" in words or "SOCKS" in str(error):
        return _describe_proxy(error, words, known)
    text = f"{words} {error}".lower()
    if "certificate" in text or "CertVerification" in words:
        return _describe_certificate(known)
    return _describe_words(words)


def _describe_words(words: str) -> tuple[str, NextStep]:
    """Return the reason and the next step by the names of errors."""
    for names, reason, template in _KNOWN:
        if any(name in words for name in names):
            connect, read = TIMEOUT
            seconds = {"connect": connect, "read": read, "total": MAX_TOTAL_SECONDS}
            return reason.format(**seconds), template()
    return "the connection was refused or broke", next_step.CHECK_PORT()


def _describe_proxy(
    error: Exception,
    words: str,
    known: Circumstances,
) -> tuple[str, NextStep]:
    """Return the reason and the next step for a proxy that does not connect."""
    proxy, setting = find_proxy(error, known)
    if "failed: 407" in str(error):
        step = next_step.LOG_IN_AT_PROXY(setting=setting)
        return f"{proxy} asks for a credential", step
    step = next_step.CHECK_PROXY(setting=setting)
    if any(name in words for name in _DEAD):
        return f"{proxy} cannot be reached", step
    return f"{proxy} does not connect", step


def find_proxy(
    failed: object,
    known: Circumstances,
) -> tuple[str, str]:
    """Return the proxy of a failed request, without its password, and the setting that names it.

    :param failed: an error or a response. Both have the request as an attribute.
    """
    request = getattr(failed, "request", None)
    url = str(getattr(request, "url", ""))
    scheme, _, _ = url.partition(":")
    scheme = scheme.lower()
    if known.proxies is not None:
        setting = f"proxy-config in {known.proxies.file}"
        proxy = _shown(known.proxies.of(scheme))
        return f"the proxy {proxy} (from {setting})", setting
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = os.environ.get(variable)
            if value:
                return f"the proxy {_shown(value)} (from {variable})", variable
    return "the proxy", "HTTPS_PROXY or HTTP_PROXY"


def _shown(proxy: str) -> str:
    """Return the URL of a proxy without its password."""
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    return redact(proxy)


def _describe_certificate(known: Circumstances) -> tuple[str, NextStep]:
    """Return the reason and the next step for a certificate that does not verify."""
    reasons = ["its TLS certificate does not verify"]
    if known.tls_no_verify:
        reasons.append(f"pixi does not verify it (tls-no-verify in {known.tls_no_verify})")
    certificates = known.certificates
    if certificates.remark:
        reasons.append(certificates.remark)
    file = certificates.unread_path or "the file of your company's CA"
    step = next_step.NAME_CA(file=file)
    if certificates.path:
        step = next_step.ADD_CA(
            file=certificates.path,
            variable=certificates.named_by,
        )
    return "; ".join(reasons), step
