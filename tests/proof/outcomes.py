"""How a request may end, well or not."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import requests
import trustme
from proof.stage import CHALLENGE
from requests.exceptions import ProxyError, RetryError, SSLError
from servers import Answer, redirect
from urllib3.connection import HTTPConnection
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from proof.stage import Stage
    from servers import Seen

CLOSED = "http://127.0.0.1:1"
"""Nobody listens there."""


class Outcome(NamedTuple):
    """A script of the servers, a way to send the request, and the error that follows."""

    script: Callable[[Stage], None] = lambda stage: None
    raises: type[BaseException] | None = None
    scheme: str = "http"
    reaches: bool = True
    """Whether the request gets to its origin at all."""
    options: dict[str, Any] = {}
    """Of ``session.get``."""
    adapter: dict[str, Any] = {}
    """Of ``HTTPAdapter``."""


def _answers(answer: Answer | Callable[[Seen], Answer | None]) -> Callable[[Stage], None]:
    """Let the origin answer so, once it has what it asks for."""

    def prepare(stage: Stage) -> None:
        def script(seen: Seen) -> Answer | None:
            if stage.asks and not seen.authorization:
                return CHALLENGE
            return answer(seen) if callable(answer) else answer

        for recorder in stage.servers.recorders[:2]:
            recorder.on("/*", script)

    return prepare


def _echo(path: str) -> dict[str, str]:
    """Return headers in which servers repeat what they were asked for."""
    return {
        "Location": path,
        "Content-Location": path,
        "Link": f"<{path}>; rel=next",
        "Set-Cookie": f"a=1; Path={path}",
    }


def _silence(stage: Stage) -> None:
    stage.monkeypatch.setattr("authshim.transport.failures.TIMEOUT", (30, 0.02))
    stage.names.to_port(stage.servers.silent.getsockname()[1], "a.example", 80)


def _nobody(stage: Stage) -> None:
    stage.names.to_port(1, "a.example", 80)


def _distrust(stage: Stage) -> None:
    """Trust another authority; reading those that certifi has takes longer than all the rest."""
    path = stage.home / "other-ca.pem"
    path.write_bytes(_other_authority())
    stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))


@functools.lru_cache(maxsize=1)
def _other_authority() -> bytes:
    return trustme.CA().cert_pem.bytes()


def _interrupted(stage: Stage) -> None:
    send = HTTPConnection.endheaders

    def interrupt(*args: Any, **options: Any) -> None:
        # Python raises it in the main thread only; a renewal runs in another one.
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        send(*args, **options)

    stage.monkeypatch.setattr(HTTPConnection, "endheaders", interrupt)


def _raise(*args: object, **options: object) -> None:
    raise RuntimeError("a hook of the caller's")


_BROKEN = Answer(
    200, b"half", {"Transfer-Encoding": "chunked", "Content-Length": "4", "Connection": "close"}
)
_RETRIES = Retry(1, status_forcelist=[503], backoff_factor=0)

OUTCOMES: dict[str, Outcome] = {
    "200": Outcome(_answers(Answer(200, b"ok", {"Set-Cookie": "a=1"}))),
    "200, streamed": Outcome(_answers(Answer()), options={"stream": True}),
    "201 that repeats the path": Outcome(
        _answers(lambda seen: Answer(201, b"", _echo(seen.target)))
    ),
    "401": Outcome(_answers(CHALLENGE)),
    "403": Outcome(_answers(Answer(403))),
    "404": Outcome(_answers(Answer(404))),
    "redirect": Outcome(
        _answers(lambda seen: redirect("/simple/y") if seen.path.endswith("x") else None)
    ),
    "redirect elsewhere": Outcome(_answers(redirect("http://b.example/y"))),
    "redirects without end": Outcome(_answers(redirect("/simple/x")), requests.TooManyRedirects),
    "timeout": Outcome(
        _silence, requests.ReadTimeout, reaches=False, options={"timeout": (30, 0.02)}
    ),
    "refused connection": Outcome(_nobody, requests.ConnectionError, reaches=False),
    "bad TLS": Outcome(_distrust, raises=SSLError, scheme="https", reaches=False),
    "no proxy, TLS": Outcome(
        raises=ProxyError, scheme="https", reaches=False, options={"proxies": {"https": CLOSED}}
    ),
    "proxy": Outcome(
        _answers(Answer()), options={"proxies": {"http": "http://proxy.example:8080"}}
    ),
    "no proxy": Outcome(raises=ProxyError, reaches=False, options={"proxies": {"http": CLOSED}}),
    "retries in vain": Outcome(
        _answers(Answer(503)), RetryError, adapter={"max_retries": _RETRIES}
    ),
    "body that breaks off": Outcome(_answers(_BROKEN), requests.exceptions.ChunkedEncodingError),
    "hook that raises": Outcome(
        _answers(Answer()), RuntimeError, options={"hooks": {"response": _raise}}
    ),
    "Ctrl-C": Outcome(_interrupted, KeyboardInterrupt, reaches=False),
}
