"""A request for an ``s3://`` URL is signed, and carries nothing else."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from typing import TYPE_CHECKING, Any, Callable

import pytest
import requests
from aws import without_botocore
from requests.adapters import HTTPAdapter
from servers import Answer, Recorder, redirect

import authshim
from authshim.errors import S3Error
from authshim.transport.recording import RecordingAdapter

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names

URL = "s3://bucket/chan/x"
KEYS = {"access_key_id": "id", "secret_access_key": "s3cret", "session_token": "s3cret-token"}
SIGNED = "AWS4-HMAC-SHA256 Credential=id/"


@pytest.fixture
def declare(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Keep keys for the bucket and a login for every host, and write a project with an endpoint."""
    without_botocore(monkeypatch)
    file = home / ".rattler" / "credentials.json"
    file.parent.mkdir()
    others = {host: {"BearerToken": "s3cret-other"} for host in ("127.0.0.1", "*.example")}
    file.write_text(json.dumps({"bucket": {"S3Credentials": KEYS}, **others}))
    file.chmod(0o600)

    def declare(endpoint: str, *, path_style: bool = True) -> Path:
        style = str(path_style).lower()
        (tmp_path / "pixi.toml").write_text(
            "[workspace]\nchannels = []\nplatforms = []\n"
            f'[workspace.s3-options.bucket]\nendpoint-url = "{endpoint}"\nregion = "eu"\n'
            f"force-path-style = {style}\n"
        )
        return tmp_path

    return declare


@pytest.fixture
def session(declare: Callable[..., Path], recorder: Recorder) -> requests.Session:
    return authshim.install(requests.Session(), manifest=declare(recorder.url))


def test_get_is_signed_for_the_endpoint(
    session: requests.Session, recorder: Recorder, no_secret: Callable
) -> None:
    response = session.get("s3://bucket/chan//a+b/./c", headers={"X-Own": "1"})
    assert response.url == f"{recorder.url}/bucket/chan//a%2Bb/./c"
    (seen,) = recorder.seen
    assert seen.target == "/bucket/chan//a%2Bb/./c"
    assert seen.headers["X-Own"] == "1"
    assert seen.headers["X-Amz-Security-Token"] == "s3cret-token"
    assert seen.authorization is not None
    assert seen.authorization.startswith(SIGNED)
    assert "/eu/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;" in seen.authorization
    no_secret(response, session)


def test_slash_at_the_beginning_of_a_key_is_kept(
    declare: Callable[..., Path], recorder: Recorder, anywhere: Names
) -> None:
    for host in ("h.example", "bucket.h.example"):
        anywhere(recorder, host=host, port=80)
    folder = declare("http://h.example", path_style=False)
    session = authshim.install(requests.Session(), manifest=folder)
    session.get("s3://bucket/k")
    session.get("s3://bucket//k")
    assert [f"{seen.host}{seen.target}" for seen in recorder.seen] == [
        "bucket.h.example/k",
        "h.example/bucket//k",
    ]


def test_callers_request_stays_as_it_is(session: requests.Session, recorder: Recorder) -> None:
    request = session.prepare_request(requests.Request("GET", URL))
    before = dict(request.headers)
    response = session.send(request)
    assert (request.url, dict(request.headers)) == (URL, before)
    assert response.request is request
    assert session.send(request).status_code == 200
    assert [seen.authorization is None for seen in recorder.seen] == [False, False]


def test_no_other_credential_goes_with_a_signed_request(
    session: requests.Session, recorder: Recorder
) -> None:
    session.auth = ("ada", "s3cret")
    session.cookies.set("sid", "s3cret")
    session.get(URL, headers={"X-Amz-Security-Token": "s3cret"})
    (seen,) = recorder.seen
    assert str(seen.authorization).startswith(SIGNED)
    assert seen.headers["Cookie"] is None
    assert seen.headers.get_all("X-Amz-Security-Token") == ["s3cret-token"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("is_installed", [True, False])
def test_redirect_of_a_signed_request_carries_nothing(
    status: int,
    is_installed: bool,
    declare: Callable[..., Path],
    recorder: Recorder,
    make_recorder: Callable,
    anywhere: Names,
    home: Path,
) -> None:
    folder = declare(recorder.url)
    (home / ".netrc").write_text("machine b.example login ada password s3cret\n")
    session = requests.Session()
    if is_installed:
        authshim.install(session, manifest=folder)
    else:
        adapter = authshim.AuthAdapter(manifest=folder)
        for prefix in ("s3://", "http://", "https://"):
            session.mount(prefix, adapter)
    anywhere(recorder, "127.0.0.1", recorder.port)
    other = anywhere(make_recorder(), host="b.example")
    recorder.on("/bucket/chan/x", redirect("/y", status))
    recorder.on("/y", redirect("http://b.example/z", status))
    session.auth = ("ada", "s3cret") if is_installed else None
    assert session.get(URL).status_code == 200
    seen = [*recorder.seen[1:], *other.seen]
    assert [each.target for each in seen] == ["/y", "/z"]
    for each in seen:
        names = [name.lower() for name in each.headers]
        assert "authorization" not in names
        assert not [name for name in names if name.startswith("x-amz")]


def test_https_redirect_of_a_signed_request_gets_no_login_of_its_host(
    session: requests.Session,
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
) -> None:
    anywhere(recorder, "127.0.0.1", recorder.port)
    anywhere(tls_recorder, host="b.example", port=443)
    recorder.default = redirect("https://b.example/z")
    session.get(URL, verify=authority.file)
    assert [seen.authorization for seen in tls_recorder.seen] == [None]


def test_redirect_that_is_followed_by_hand_carries_nothing(
    session: requests.Session,
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
) -> None:
    anywhere(recorder, "127.0.0.1", recorder.port)
    anywhere(tls_recorder, host="b.example", port=443)
    recorder.default = redirect("https://b.example/z")
    location = session.get(URL, allow_redirects=False).headers["Location"]
    session.get(location, verify=authority.file)
    assert [seen.authorization for seen in tls_recorder.seen] == [None]


@pytest.mark.parametrize("by_hand", [True, False])
def test_url_that_a_server_named_is_not_signed(
    by_hand: bool, session: requests.Session, recorder: Recorder
) -> None:
    recorder.on("/here", redirect(URL))
    with pytest.raises(requests.exceptions.InvalidSchema, match=r"named s3://bucket/chan/x"):
        if by_hand:
            response = session.get(f"{recorder.url}/here", allow_redirects=False)
            session.get(response.headers["Location"])
        else:
            session.get(f"{recorder.url}/here")
    assert [seen.target for seen in recorder.seen] == ["/here"]


def test_error_below_shows_no_secret(declare: Callable[..., Path], no_secret: Callable) -> None:
    session = authshim.install(requests.Session(), manifest=declare("http://127.0.0.1:1"))
    with pytest.raises(requests.ConnectionError) as caught:
        session.get(URL)
    assert caught.value.request.url == URL
    no_secret(caught.value, session)


def test_missing_extra_is_an_error_with_a_next_step(
    session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from authshim.transport import s3

    monkeypatch.setitem(sys.modules, "requests_aws4auth", None)
    s3._signer.cache_clear()
    with pytest.raises(requests.RequestException) as caught:
        session.get(URL)
    assert isinstance(caught.value, S3Error)
    assert str(caught.value) == (
        "cannot sign a request for s3://bucket/chan/x: requests-aws4auth is not installed"
    )
    assert caught.value.next_step == "pip install 'authshim[s3]'"
    assert recorder.seen == []


def test_method_that_writes_is_refused(session: requests.Session, recorder: Recorder) -> None:
    assert session.head(URL).status_code == 200
    with pytest.raises(S3Error, match="only GET and HEAD are signed"):
        session.put(URL, data=b"x")
    assert [seen.method for seen in recorder.seen] == ["HEAD"]


def test_bucket_without_keys_is_an_error_of_requests(session: requests.Session) -> None:
    with pytest.raises(requests.RequestException, match="there are no s3-options for other"):
        session.get("s3://other/x")


def test_install_leaves_an_adapter_of_the_caller(declare: Callable[..., Path]) -> None:
    session, own = requests.Session(), HTTPAdapter()
    session.mount("s3://", own)
    authshim.install(session, manifest=declare("http://h.example"))
    assert session.get_adapter(URL) is own


def test_copies_of_a_session_sign_too(session: requests.Session, recorder: Recorder) -> None:
    for again in (copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
        again.get(URL)
    assert [str(seen.authorization)[: len(SIGNED)] for seen in recorder.seen] == [SIGNED] * 2


def test_proxy_of_the_environment_is_bypassed_for_the_endpoint(
    session: requests.Session, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert session.get(URL).status_code == 200
    monkeypatch.setenv("no_proxy", "h.example")
    with pytest.raises(requests.exceptions.ProxyError):
        session.get(URL)
    assert len(recorder.seen) == 1


def test_plain_http_to_another_machine_is_one_warning(
    declare: Callable[..., Path],
    recorder: Recorder,
    anywhere: Names,
    caplog: pytest.LogCaptureFixture,
) -> None:
    anywhere(recorder, host="bucket.h.example", port=80)
    folder = declare("http://h.example", path_style=False)
    session = authshim.install(requests.Session(), manifest=folder)
    session.get(URL)
    session.get(URL)
    assert [seen.host for seen in recorder.seen] == ["bucket.h.example"] * 2
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith(
        "requests for s3://bucket go to h.example in the clear: use https (see ["
    )


def test_recording_adapter_knows_the_keys_that_signed(
    declare: Callable[..., Path], recorder: Recorder
) -> None:
    chain = authshim.Chain.from_environment(manifest=declare(recorder.url))
    adapter = RecordingAdapter(chain)
    with adapter.session() as session:
        session.get(URL)
        found: Any = adapter.last_route.found
        assert (found.key, found.credential.access_key_id) == ("bucket", "id")
        recorder.on("/z", Answer())
        session.get(f"{recorder.url}/z")
        assert adapter.last_credential.credential == authshim.BearerToken("s3cret-other")
