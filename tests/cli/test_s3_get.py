"""``authshim get s3://...``: a file of a bucket."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws import without_botocore
from buckets import declare, error, keep_keys
from leaks import assert_no_secret
from servers import Recorder, Served

from authshim.cli import main

if TYPE_CHECKING:
    from servers import Answer

DATA = b"x" * 1000
URL = "s3://bucket/channel/a+b.conda"
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _project(recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a bucket, and its keys."""
    without_botocore(monkeypatch)
    keep_keys(home)
    declare(recorder.url)


def test_get_writes_a_file_of_a_bucket(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.default = Served(DATA)
    assert main(["get", f"{URL}#sha256={HASH}"]) == 0
    assert Path("a+b.conda").read_bytes() == DATA
    assert recorder.seen[0].target == "/bucket/channel/a%2Bb.conda"
    assert_no_secret(capsys.readouterr())


def test_get_resumes_a_file_of_a_bucket(recorder: Recorder) -> None:
    recorder.default = file = Served(DATA)
    file.ends = [400]
    assert main(["get", URL]) == 0
    assert Path("a+b.conda").read_bytes() == DATA
    assert [seen.headers["Range"] for seen in recorder.seen] == [None, "bytes=400-"]
    assert len({seen.authorization for seen in recorder.seen} - {None}) >= 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "InvalidAccessKeyId"), "rejected the keys bucket from auth file"),
        (error(403, "AccessDenied"), "forbids it to the keys bucket from auth file"),
        (error(404, "NoSuchKey"), "has no such file (NoSuchKey, HTTP 404)"),
    ],
)
def test_get_names_the_reason_of_a_refusal(
    answer: Answer, said: str, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.default = answer
    assert main(["get", URL]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert_no_secret(err)


def test_get_names_the_missing_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from authshim.transport import s3

    monkeypatch.setitem(sys.modules, "requests_aws4auth", None)
    s3._signer.cache_clear()
    assert main(["get", URL]) == 1
    err = capsys.readouterr().err
    assert "requests-aws4auth is not installed" in err
    assert "pip install 'authshim[s3]'" in err


def test_get_names_the_missing_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "s3://other/x"]) == 1
    err = capsys.readouterr().err
    assert "there are no s3-options for other" in err
    assert "add [workspace.s3-options.other]" in err
