"""The servers of a stage without a wire between them and ``requests``.

It suits a proof about which credential a request gets. A proof about how a URL is written, or
about TLS, needs the wire, since urllib3 reads the URL once more there.
"""

from __future__ import annotations

import io
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from requests.adapters import HTTPAdapter
from servers import Answer, Seen

if TYPE_CHECKING:
    import requests
    from proof.stage import Stage

_PORTS = {"http": 80, "https": 443}


def answer_in_process(stage: Stage) -> None:
    """Hand each request that ``requests`` would put on the wire to the server that it is for."""

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> object:
        url = urlsplit(request.url or "")
        port = stage.names.find(url.hostname, url.port or _PORTS[url.scheme])
        recorder = next(each for each in stage.servers.recorders if each.port == port)
        return _response(adapter, request, recorder.answer(_seen(request)))

    stage.monkeypatch.setattr(HTTPAdapter, "send", send)


def _seen(request: requests.PreparedRequest) -> Seen:
    headers = Message()
    for name, value in request.headers.items():
        headers[name] = value
    return Seen(request.method or "", request.path_url, headers, request.body or b"")


def _response(
    adapter: HTTPAdapter, request: requests.PreparedRequest, answer: Answer
) -> requests.Response:
    body = io.BytesIO(answer.body if request.method != "HEAD" else b"")
    raw = urllib3.HTTPResponse(
        body, answer.headers, answer.status, preload_content=False, request_method=request.method
    )
    return adapter.build_response(request, raw)
