"""The finder of planted secrets finds them: otherwise its proofs would be worth nothing."""

from __future__ import annotations

import base64
import html
import json
import logging
import sys
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote

import pytest
import requests
from leaks import assert_no_secret, told, walk

import authshim
from authshim import BasicHTTP, BearerToken
from authshim.lookup.trace import Found
from authshim.urls import HOST, Key

if TYPE_CHECKING:
    from servers import Recorder

SECRET = 's3cret/"ü\\&7Kq'


def finds(*things: object) -> str:
    """Return where the secret is found, one place in a line."""
    with pytest.raises(AssertionError, match=" tells "):
        assert_no_secret(*things)
    return "\n".join(where for where, text in walk(*things) if told(text))


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET[:6],
        SECRET[3:9],
        SECRET[-6:],
        repr(SECRET),
        ascii(SECRET),
        json.dumps({"a": SECRET}),
        json.dumps(json.dumps(SECRET)),
        html.escape(SECRET),
        quote(SECRET, safe=""),
        quote(quote(SECRET, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in SECRET.encode()),
        SECRET.encode().hex(),
        SECRET.encode().hex(" ").upper(),
        "0" + SECRET.encode().hex(),
        base64.b64encode(("ada:" + SECRET).encode()).decode(),
        base64.b64encode(("ab:" + SECRET).encode()).decode(),
        base64.urlsafe_b64encode(("a:" + SECRET).encode()).decode(),
        SECRET.encode("utf-16").decode("latin-1"),
        SECRET.encode().decode("latin-1"),
    ],
)
def test_secret_is_found_however_it_is_written(written: str) -> None:
    assert told(f"before {written} behind", SECRET)


@pytest.mark.parametrize(
    "text", ["", "s3cre", "****", "a%20b \\ & 0123456789abcdef", "Basic YWRhOmxvdmVsYWNl"]
)
def test_search_finds_nothing_if_nothing_was_planted(text: str) -> None:
    assert told(text, SECRET) == ""


def test_urls_and_headers_of_a_response_are_searched(recorder: Recorder) -> None:
    response = requests.get(recorder.url + "/x", headers={"Authorization": "Bearer s3cret"})
    assert "Response.request.headers" in finds(response)
    assert "Response.url" in finds(requests.get(recorder.url + "/t/s3cret/x"))


def test_connections_that_a_session_keeps_are_searched(recorder: Recorder) -> None:
    session = requests.Session()
    response = session.get(recorder.url, stream=True)
    response.raw._connection.left_behind = "s3cret"
    response.content  # noqa: B018 - which gives the connection back to the pool
    assert "left_behind" in finds(session)


def test_frames_and_the_causes_of_an_exception_are_searched() -> None:
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:1/", headers={"Authorization": "Bearer s3cret"})
    assert "<http.client:" in finds(caught.value)


@pytest.mark.parametrize("hang", ["args", "__cause__", "__context__", "__notes__", "own"])
def test_search_reads_the_attributes_of_an_exception(hang: str) -> None:
    error = RuntimeError("broken")
    error.__dict__["__notes__" if hang == "__notes__" else "own"] = (
        ["s3cret"] if hang in ("__notes__", "own") else []
    )
    if hang == "args":
        error.args = (["s3cret"],)
    elif hang.startswith("__c"):
        setattr(error, hang, ValueError("s3cret"))
    assert finds(error)


def test_search_reads_vars_and_slots() -> None:
    class Slotted:
        __slots__ = ("inside",)
        __module__ = "authshim.anything"

    slotted: Any = Slotted()
    slotted.inside = {"a": [("s3cret",)]}
    assert ".inside" in finds(slotted)
    chain = authshim.Chain([])
    chain.left_behind = slotted  # type: ignore[attr-defined]
    assert ".left_behind.inside" in finds(chain)


def test_log_record_is_searched_with_its_arguments() -> None:
    record = logging.LogRecord("x", logging.DEBUG, "", 1, "%.1s", ("s3cret",), None)
    assert finds(record)


def test_credential_may_hold_its_secret_but_not_show_it() -> None:
    assert_no_secret(
        BearerToken("s3cret"), Found(BasicHTTP("ada", "s3cret"), "provider", Key("h", HOST))
    )

    class Showing(BearerToken):
        __slots__ = ()

        def __repr__(self) -> str:
            return f"Showing({self.token})"

    assert "repr" in finds(Showing("s3cret"))


def test_search_reads_the_pickle() -> None:
    class Kept(Exception):
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
            return str, ("s3cret",)

    assert "pickle" in finds(Kept())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes are of Python 3.11")
def test_note_is_searched() -> None:
    error = RuntimeError("broken")
    error.add_note("s3cret")
    assert finds(error)
