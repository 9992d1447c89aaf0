"""Buckets: moto serves them, botocore judges the signatures, and py-rattler the stored logins."""

from __future__ import annotations

import io
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import parse_qs, urlsplit

import needs
import pytest
import requests
from buckets import declare
from interop.judge import REPODATA, Rattler

import authshim
from authshim.cli import main
from authshim.lookup.s3 import S3Route
from authshim.lookup.trace import Found
from authshim.transport.s3 import sign
from authshim.urls import S3, Key
from authshim.urls.s3 import read_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Recorder

REGION = "eu-west-1"
OBJECTS = [
    "channel/noarch/repodata.json",
    *("a+b", "a b", "a%20b", "a%2Bb", "a?b=c", "a#b", "a&b=c;d", "é/ü", "日本", "\U0001f600"),
    *("a//b", "//a", "a//", "a/./b", "./a", "a/../b", "..", ".", "a/.", "a/..", "/", "//"),
    *("!", "$&'()*,;=:@", "a:b@c", "~a-b_c.d", "a^b`c{d}|e", '"<>', "\\", "a\\b/c", "[a]"),
    *(
        "1!2.0-py_0.conda",
        "x-1.0+cpu.tar.bz2",
        "%",
        "%%",
        "%zz",
        "a%",
        "+",
        "*",
        "a,b",
        "=",
        "x" * 900,
    ),
]
"""The keys of objects: odd ones, and those that conda has."""

SECRETS = pytest.mark.parametrize("session_token", [None, "s3cret-token/+="])


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a moto that has a bucket with the objects."""
    needs.module("moto")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of moto's own imports
        from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    client = botocore_client(url)
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in OBJECTS:
        # moto joins these to its own paths.
        if not set(key.split("/")) & {".", "..", ""}:
            client.put_object(Bucket="bucket", Key=key, Body=key.encode())
    client.put_object(Bucket="bucket", Key=OBJECTS[0], Body=REPODATA.body)
    client.close()
    yield url
    server.stop()


def botocore_client(url: str, **options: Any) -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    return get_session().create_client(
        "s3",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="id",
        aws_secret_access_key="s3cret",
        config=Config(s3=options, signature_version="s3v4"),
    )


def log_in(monkeypatch: pytest.MonkeyPatch, host: str = "s3://bucket", key_id: str = "id") -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret\n"))
    words = ["--s3-access-key-id", key_id, "--s3-secret-access-key", "-"]
    assert main(["auth", "login", host, *words]) == 0


# The signature


def botocore_authorization(request: requests.PreparedRequest, session_token: str | None) -> str:
    """Return the header that botocore makes for the same request at the same time."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signed = {"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
    headers = {name: value for name, value in request.headers.items() if name.lower() in signed}
    judged = AWSRequest(method=request.method, url=request.url, headers=headers)
    judged.context["timestamp"] = request.headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials("id", "s3cret", session_token), "s3", REGION)
    canonical = auth.canonical_request(judged)
    signature = auth.signature(auth.string_to_sign(judged, canonical), judged)
    names = auth.signed_headers(auth.headers_to_sign(judged))
    scope = auth.scope(judged)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


@SECRETS
@pytest.mark.parametrize("endpoint", ["https://s3.example", "http://127.0.0.1:9000/base"])
def test_signature_is_that_of_botocore(endpoint: str, session_token: str | None) -> None:
    needs.module("botocore")
    table = {"endpoint-url": endpoint, "region": REGION, "force-path-style": False}
    options = read_options("bucket", table, "here")
    credential = authshim.S3Credentials("id", "s3cret", session_token)
    found = Found(credential, "here", Key("bucket", S3))
    assert len(OBJECTS) >= 40
    for key in OBJECTS:
        route = S3Route(options, found, options.url_of(f"/{key}"))
        prepared = requests.Request("GET", f"s3://bucket/{key}").prepare()
        signed = sign(prepared, route)
        assert signed.headers["Authorization"] == botocore_authorization(signed, session_token), key


STYLES = [
    ("bucket", "https://s3.example", "virtual"),
    ("bucket", "https://s3.example", "path"),
    ("bucket", "https://s3.eu-west-1.amazonaws.com", "virtual"),
    ("our.bucket", "https://s3.example", "virtual"),
    ("our.bucket", "http://s3.example", "virtual"),
    ("bucket", "http://127.0.0.1:9000", "virtual"),
    ("bucket", "http://localhost:9000", "virtual"),
    ("bucket", "https://s3.example:8443/base", "path"),
]


@pytest.mark.parametrize(("bucket", "endpoint", "style"), STYLES)
def test_url_at_the_endpoint_is_that_of_botocore(bucket: str, endpoint: str, style: str) -> None:
    needs.module("botocore")
    table = {"endpoint-url": endpoint, "region": REGION, "force-path-style": style == "path"}
    client = botocore_client(endpoint, addressing_style=style)
    for key in ("a", "a+b c//d", "é!$&'()*,;=:@"):
        presigned = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
        theirs = presigned.partition("?")[0]
        assert read_options(bucket, table, "here").url_of(f"/{key}") == theirs
    client.close()


# A bucket of moto


def test_session_gets_each_object_of_a_bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(monkeypatch)
    declare(moto, REGION)
    with authshim.install(requests.Session(), manifest="pixi.toml") as session:
        assert session.get("s3://bucket/channel/noarch/repodata.json").content == REPODATA.body
        for key in OBJECTS[1:]:
            if not set(key.split("/")) & {".", "..", ""}:
                response = session.get(f"s3://bucket/{key}")
                assert (response.status_code, response.content) == (200, key.encode()), key
        assert session.head("s3://bucket/nothing").status_code == 404


def test_commands_work_with_a_bucket(
    moto: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(moto, REGION)
    log_in(monkeypatch)
    capsys.readouterr()
    assert main(["check"]) == 0
    assert "s3://bucket/channel  let in (S3Credentials(" in capsys.readouterr().out
    assert main(["get", "s3://bucket/1!2.0-py_0.conda"]) == 0
    assert main(["explain", "s3://bucket/channel/noarch/repodata.json"]) == 0
    out = capsys.readouterr().out
    assert f"endpoint {moto}/, region {REGION}, path style (by [workspace.s3-options.bucket]" in out
    assert main(["get", "s3://bucket/nothing"]) == 1
    assert "has no such file (NoSuchKey, HTTP 404)" in capsys.readouterr().err


def test_aws_own_chain_signs_for_a_bucket_without_options(
    moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": moto,
    }.items():
        monkeypatch.setenv(name, value)
    chain = authshim.Chain.from_environment()
    with authshim.install(requests.Session(), chain) as session:
        assert session.get("s3://bucket/channel/noarch/repodata.json").status_code == 200
    route = chain.s3.route("s3://bucket/x")
    assert (route.found.provider, route.url) == ("AWS's own chain", f"{moto}/bucket/x")


# What a login has stored


@pytest.fixture(scope="module")
def judge() -> Iterator[Rattler]:
    child = Rattler()
    yield child
    child.stop()


@pytest.fixture
def pixi(judge: Rattler, recorder: Recorder, home: Path) -> Callable[[], str]:
    """Let py-rattler fetch the channel, and return the key that signed it."""
    recorder.default = REPODATA

    def fetch() -> str:
        recorder.clear()
        buckets = {"bucket": (recorder.url, REGION, "path")}
        judge.fetch("s3://bucket/channel", {"HOME": str(home)}, buckets=buckets)
        used = {
            parse_qs(urlsplit(seen.target).query)["X-Amz-Credential"][0] for seen in recorder.seen
        }
        (credential,) = {each.partition("/")[0] for each in used}
        return credential

    return fetch


def test_pixi_signs_with_the_keys_of_a_login(
    pixi: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "s3://bucket/channel", "by-path")
    assert pixi() == "by-path"
    log_in(monkeypatch, "s3://bucket", "by-bucket")
    # The warning of a login with a path says so.
    assert pixi() == "by-bucket"


def test_pixi_fetches_from_moto_with_the_keys_of_a_login(
    moto: str, judge: Rattler, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch)
    kept = json.loads((home / ".rattler" / "credentials.json").read_text())
    assert kept == {
        "bucket": {
            "S3Credentials": {
                "access_key_id": "id",
                "secret_access_key": "s3cret",
                "session_token": None,
            }
        }
    }
    buckets = {"bucket": (moto, REGION, "path")}
    assert judge.fetch("s3://bucket/channel", {"HOME": str(home)}, buckets=buckets) == "fetched"
