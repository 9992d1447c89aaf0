"""``check`` of a channel in a bucket."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws import Keys, use_botocore, without_botocore
from buckets import declare, error, keep_keys
from servers import Answer, Recorder, redirect

import authshim
from authshim.cli import main
from authshim.index.check import check
from authshim.transport import s3

if TYPE_CHECKING:
    from authshim.index.verdict import Result


@pytest.fixture(autouse=True)
def _no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    without_botocore(monkeypatch)


def ask() -> Result:
    """Return the verdict on the one channel of the project."""
    manifest = authshim.Manifest.load("pixi.toml")
    (result,) = check(authshim.Chain.from_environment(manifest=manifest), manifest)
    return result


def test_channel_that_is_signed_for_lets_in(recorder: Recorder, home: Path) -> None:
    keep_keys(home)
    declare(recorder.url)
    result = ask()
    assert (result.answer, result.status, result.fine) == ("let in", 200, True)
    assert result.found is not None
    assert result.found.key == "bucket"
    (seen,) = recorder.seen
    assert seen.target == "/bucket/channel/noarch/repodata.json"


ANSWERS = [
    (error(403, "InvalidAccessKeyId"), "rejected", "authshim auth login s3://bucket "),
    (error(400, "ExpiredToken"), "rejected", "authshim auth login s3://bucket "),
    (error(403, "AccessDenied"), "forbidden", "ask its owner"),
    (Answer(403, b""), "forbidden", "ask its owner"),
    (error(404, "NoSuchKey"), "not found", "correct the URL"),
    (error(404, "NoSuchBucket"), "not found", "correct the URL"),
    (error(403, "RequestTimeTooSkewed"), "unreachable", "set the clock"),
    (error(503, "SlowDown"), "unreachable", "try again later"),
    (
        error(301, "PermanentRedirect", x_amz_bucket_region="us"),
        "unreachable",
        "correct the region",
    ),
    (error(400, "Malformed", x_amz_bucket_region="us"), "unreachable", "correct the region in [w"),
    (Answer(500, b"<Code>" + b"A" * 100_000), "unreachable", "try again later"),
    (Answer(405, b""), "unreachable", "correct the URL"),
    # The body breaks off before its code.
    (Answer(403, [b"<Code>Invalid"], {"Content-Length": "99"}), "forbidden", "ask its owner"),
]


@pytest.mark.parametrize(("answer", "word", "step"), ANSWERS)
def test_answer_of_a_bucket_is_a_verdict_with_a_next_step(
    answer: Answer, word: str, step: str, recorder: Recorder, home: Path
) -> None:
    keep_keys(home)
    declare(recorder.url)
    recorder.default = answer
    result = ask()
    assert (result.answer, result.fine) == (word, False)
    assert result.next_step.startswith(step)
    assert "s3cret" not in repr(result)
    assert len(recorder.seen) == 1


def test_answer_behind_a_redirect_is_no_matter_of_the_keys(recorder: Recorder, home: Path) -> None:
    keep_keys(home)
    declare(recorder.url)
    recorder.default = error(403, "AccessDenied")
    recorder.on("/bucket/channel/noarch/repodata.json", redirect("/y", 307))
    result = ask()
    assert result.answer == "unreachable"
    assert "redirects without its signature, answered AccessDenied, HTTP 403" in result.detail
    assert recorder.seen[1].authorization is None


def test_bucket_is_not_probed_and_fine_without_the_extra(
    recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_keys(home)
    declare(recorder.url)
    monkeypatch.setitem(sys.modules, "requests_aws4auth", None)
    s3._signer.cache_clear()
    result = ask()
    assert (result.answer, result.fine) == ("not probed", True)
    assert result.detail == "requests-aws4auth is not installed"
    assert result.next_step == "pip install 'authshim[s3]'"
    assert recorder.seen == []


def test_bucket_without_keys_is_not_probed_if_aws_cannot_be_asked(recorder: Recorder) -> None:
    declare(recorder.url)
    result = ask()
    assert (result.answer, result.fine) == ("not probed", True)
    assert "botocore is not installed" in result.detail
    assert result.next_step.startswith("authshim auth login s3://bucket --s3-access-key-id ID")


def test_bucket_without_keys_has_no_credential_if_aws_has_none(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(recorder.url)
    use_botocore(monkeypatch, None)
    result = ask()
    assert (result.answer, result.fine) == ("no credential", False)
    assert result.next_step.startswith("authshim auth login s3://bucket --s3-access-key-id ID")


def test_keys_of_aws_that_are_rejected_are_renewed_at_aws(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(recorder.url)
    use_botocore(monkeypatch, Keys("aws", "s3cret"))
    recorder.default = error(403, "SignatureDoesNotMatch")
    assert ask().next_step.startswith("log in again with a program of AWS")


def test_channel_at_a_mirror_in_a_bucket_is_signed(recorder: Recorder, home: Path) -> None:
    keep_keys(home)
    declare(recorder.url)
    (home / ".pixi").mkdir()
    (home / ".pixi" / "config.toml").write_text(
        '[mirrors]\n"https://a.example/" = ["s3://bucket/mirror"]\n'
    )
    manifest = Path("pixi.toml")
    text = manifest.read_text().replace("s3://bucket/channel", "https://a.example/channel")
    manifest.write_text(text)
    assert main(["check"]) == 0
    assert [seen.target for seen in recorder.seen] == [
        "/bucket/mirror/channel/noarch/repodata.json"
    ]
