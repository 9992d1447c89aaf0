"""A body is read as it arrives, and one without an end is given up."""

from __future__ import annotations

import gzip
import time
import zlib
from types import SimpleNamespace

import pytest
import requests
from servers import Answer, Recorder, dripping
from urllib3.exceptions import DecodeError, ProtocolError

from authshim.lookup.setup import Circumstances
from authshim.transport import failures
from authshim.transport.body import BodyTooSlow, gunzip, iter_body


def read(url: str) -> bytes:
    with requests.get(url, stream=True, timeout=20) as response:
        return b"".join(iter_body(response))


def test_body_that_breaks_off_is_noticed_with_urllib3_1_26() -> None:
    class Raw:
        enforce_content_length = False

        def __init__(self) -> None:
            self.pieces = [b"a", b"b", b""]

        def read(self, amount: int, decode_content: bool) -> bytes:
            is_right = self.enforce_content_length and not decode_content and amount < 10_000
            return self.pieces.pop(0) if is_right else b""

    response = requests.Response()
    response.raw = Raw()
    assert list(iter_body(response)) == [b"a", b"b"]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        pytest.param(CHUNKED + b"5;", b"x", id="the size of a chunk"),
        pytest.param(CHUNKED + b"0\r\n", b"a: b\r\n", id="trailers"),
        pytest.param(CHUNKED + b"0\r\n", b"a", id="one trailer"),
    ],
)
def test_body_is_given_up_if_other_bytes_come_without_end(
    begin: bytes, rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.transport.body.MAX_SILENT_SECONDS", 0.2)
    with dripping(begin, rest) as url, pytest.raises(BodyTooSlow) as slow:
        read(url)
    assert failures.describe(slow.value, Circumstances())[0] == "no whole answer within 60 s"


def test_size_of_a_chunk_is_limited_with_urllib3_1_26() -> None:
    with dripping(CHUNKED + b"5;" + b"x" * 100_000) as url:
        response = requests.get(url, stream=True, timeout=20)
        raw = response.raw
        response.raw = SimpleNamespace(read=raw.read, stream=raw.stream, fileno=raw.fileno)
        with pytest.raises(ProtocolError, match="LineTooLong"):
            list(iter_body(response))
        raw.close()


def test_body_is_read_on_if_the_reader_takes_its_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("authshim.transport.body.MAX_SILENT_SECONDS", 0.2)
    monkeypatch.setattr("authshim.transport.body.time", SimpleNamespace(monotonic=lambda: now[0]))
    recorder.default = Answer(200, [b"a" * 200_000])
    with requests.get(recorder.url, stream=True, timeout=20) as response:
        pieces = iter_body(response)
        first = next(pieces)
        now[0] += 1000
        time.sleep(0.3)
        assert len(first) + sum(map(len, pieces)) == 200_000


def test_body_keeps_its_content_encoding(recorder: Recorder) -> None:
    packed = gzip.compress(b"hello")
    recorder.default = Answer(200, packed, {"Content-Encoding": "gzip"})
    assert read(recorder.url) == packed


def test_gunzip_unpacks_no_more_than_it_is_asked_for() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join([packer.compress(bytes(1_000_000)) for _ in range(50)] + [packer.flush()])
    pieces = gunzip([packed])
    assert [len(next(pieces)) for _ in range(3)] == [65536] * 3


def test_gunzip_joins_the_members_of_a_file_and_drops_what_follows() -> None:
    packed = gzip.compress(b"one") + gzip.compress(b"two") + bytes(10)
    assert b"".join(gunzip([packed])) == b"onetwo"


def test_gunzip_takes_a_file_byte_by_byte() -> None:
    packed = gzip.compress(b"hello" * 1000) + gzip.compress(b"again")
    assert b"".join(gunzip(bytes([each]) for each in packed)) == b"hello" * 1000 + b"again"


@pytest.mark.parametrize("packed", [b"hello", gzip.compress(b"hello")[:-1]], ids=["other", "short"])
def test_gunzip_refuses_what_is_not_gzip_or_ends_early(packed: bytes) -> None:
    with pytest.raises(DecodeError) as error:
        list(gunzip([packed]))
    assert failures.describe(error.value, Circumstances())[0] == "it is not packed as it says"


def test_gunzip_of_nothing_is_nothing() -> None:
    assert list(gunzip([])) == []
