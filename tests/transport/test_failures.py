"""Why a request got no answer, in words without what it was about."""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, HTTPException
from types import SimpleNamespace

import pytest
import requests
import urllib3
from leaks import assert_no_secret
from urllib3.exceptions import (
    DecodeError,
    InvalidChunkLength,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
)

from authshim.lookup.setup import Circumstances
from authshim.secret import Secret
from authshim.settings.network import Proxies
from authshim.transport.failures import TooSlow, describe

NONE = Circumstances()


def wrapped(reason: Exception) -> requests.ConnectionError:
    error = MaxRetryError(None, "/s3cret", reason)  # type: ignore[arg-type]
    return requests.ConnectionError(error)


def unknown_name() -> NewConnectionError:
    """Return the error that this urllib3 makes of a name that is not known to DNS."""
    kind = getattr(urllib3.exceptions, "NameResolutionError", None)
    if kind is not None:
        return kind("s3cret", None, socket.gaierror())
    error = NewConnectionError(None, "s3cret")  # type: ignore[arg-type]
    error.__context__ = socket.gaierror()
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("s3cret"), "the file of trusted certificates is not there"),
        (requests.exceptions.ProxyError("s3cret"), "the proxy does not connect"),
        (
            requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
            "the proxy does not connect",
        ),
        (requests.exceptions.InvalidSchema("s3cret"), "it redirects to what is not http(s)"),
        (requests.exceptions.SSLError("s3cret"), "it does not speak TLS"),
        (
            requests.exceptions.SSLError(ssl.SSLCertVerificationError("s3cret")),
            "its TLS certificate does not verify",
        ),
        (wrapped(unknown_name()), "its name is not known to DNS"),
        (requests.ConnectTimeout("s3cret"), "no answer within 10 s"),
        (requests.ReadTimeout("s3cret"), "no answer within 30 s"),
        (TooSlow("s3cret"), "no whole answer within 60 s"),
        (requests.exceptions.InvalidHeader("s3cret"), "its answer is not HTTP"),
        (
            requests.ConnectionError(ProtocolError("", BadStatusLine("s3cret"))),
            "its answer is not HTTP",
        ),
        (requests.TooManyRedirects("s3cret"), "it redirects without end"),
        (
            requests.ConnectionError(ProtocolError("", HTTPException("s3cret"))),
            "its answer is not HTTP",
        ),
        (
            InvalidChunkLength(SimpleNamespace(tell=int, length_remaining=1), b"s3cret"),
            "its answer is not HTTP",
        ),
        (
            requests.exceptions.InvalidURL("s3cret"),
            "a redirect or the proxy names a host that cannot be dialled",
        ),
        (
            LocationParseError("s3cret"),
            "a redirect or the proxy names a host that cannot be dialled",
        ),
        (AssertionError("s3cret"), "a redirect or the proxy names a host that cannot be dialled"),
        (ValueError("s3cret"), "a redirect or the proxy names a host that cannot be dialled"),
        (DecodeError("s3cret"), "it is not packed as it says"),
        (requests.exceptions.ContentDecodingError("s3cret"), "it is not packed as it says"),
        (
            wrapped(NewConnectionError(None, "s3cret")),  # type: ignore[arg-type]
            "the connection was refused or broke",
        ),
    ],
)
def test_failure_is_described_in_our_own_words(error: Exception, said: str) -> None:
    reason, step = describe(error, NONE)
    assert reason == said
    assert step
    assert_no_secret(reason, step)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "http://ada:s3cret@127.0.0.1:3128"),
        ("https_proxy", "ada:s3cret@127.0.0.1:3128"),
        ("ALL_PROXY", "http://ada:s3cret@127.0.0.1:3128"),
    ],
)
def test_describe_names_the_proxy_and_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    request = requests.Request("GET", "https://h.example/").prepare()
    reason, step = describe(requests.exceptions.ProxyError("s3cret", request=request), NONE)
    assert reason == f"the proxy http://****@127.0.0.1:3128 (from {variable}) does not connect"
    assert step == f"check {variable}"


@pytest.mark.parametrize(
    ("error", "said", "step"),
    [
        (
            NewConnectionError(None, ""),  # type: ignore[arg-type]
            "cannot be reached",
            "check {place}",
        ),
        (unknown_name(), "cannot be reached", "check {place}"),
        (OSError("Tunnel connection failed: 403 Forbidden"), "does not connect", "check {place}"),
        (
            OSError("Tunnel connection failed: 407 s3cret"),
            "asks for a credential",
            "write user:password@ into {place}",
        ),
    ],
    ids=["refused", "unknown name", "forbidden", "its own login"],
)
def test_describe_tells_what_a_proxy_of_pixi_did(error: Exception, said: str, step: str) -> None:
    request = requests.Request("GET", "https://h.example/").prepare()
    failed = requests.exceptions.ProxyError(
        MaxRetryError(None, "/", error),  # type: ignore[arg-type]
        request=request,
    )
    place = "proxy-config in ~/config.toml"
    proxies = Proxies(None, Secret("http://ada:s3cret@proxy.example:3128"), (), "~/config.toml")
    found = describe(failed, Circumstances(proxies=proxies))
    proxy = f"the proxy http://****@proxy.example:3128 (from {place})"
    assert found == (f"{proxy} {said}", step.format(place=place))
