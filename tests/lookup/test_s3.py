"""Which keys sign a request for a bucket, and where it goes."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Callable

import pytest
from aws import Keys, use_botocore, without_botocore
from leaks import assert_no_secret

import authshim
from authshim.errors import S3Error, UrlError
from authshim.lookup.naming import named_by

if TYPE_CHECKING:
    from pathlib import Path

URL = "s3://bucket/chan/noarch/repodata.json"
TABLE = """
endpoint-url = "https://s3.example"
region = "eu"
force-path-style = true
"""
PROJECT = "[workspace]\nchannels = []\nplatforms = []\n" + "[workspace.s3-options.bucket]" + TABLE


def keys(name: str) -> dict[str, object]:
    return {"S3Credentials": {"access_key_id": name, "secret_access_key": "s3cret"}}


@pytest.fixture
def keep(home: Path) -> Callable[[dict[str, object]], None]:
    """Write the auth file."""

    def keep(entries: dict[str, object]) -> None:
        file = home / ".rattler" / "credentials.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(entries))
        file.chmod(0o600)

    return keep


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> authshim.Chain:
    """A chain of a project that has ``s3-options``, without botocore."""
    without_botocore(monkeypatch)
    (tmp_path / "pixi.toml").write_text(PROJECT)
    return authshim.Chain.from_environment(manifest=tmp_path)


ENTRIES = {
    "bucket": keys("by-host"),
    "s3://bucket": keys("by-bucket"),
    "s3://bucket/chan": keys("by-chan"),
    "s3://bucket/chan/noarch": keys("by-folder"),
    "s3://bucket/other": keys("other"),
    "bucket.example": keys("other"),
}


def test_nearest_key_comes_first(chain: authshim.Chain, keep: Callable[..., None]) -> None:
    entries = dict(ENTRIES)
    for name in ("by-folder", "by-chan", "by-bucket", "by-host"):
        keep(entries)
        chain.forget()
        found = chain.find(URL)
        assert found is not None
        assert found.credential.access_key_id == name
        assert entries.pop(found.key)
    keep(entries)
    chain.forget()
    assert chain.find(URL) is None


def test_route_goes_to_the_endpoint_of_the_project(
    chain: authshim.Chain, keep: Callable[..., None]
) -> None:
    keep({"bucket": keys("id")})
    route = chain.s3.route(URL)
    assert route.url == "https://s3.example/bucket/chan/noarch/repodata.json"
    assert (route.options.region, route.found.key) == ("eu", "bucket")
    assert_no_secret(route, chain, pickle.loads(pickle.dumps(chain)))


def test_project_overrides_the_configuration(
    chain: authshim.Chain, home: Path, tmp_path: Path
) -> None:
    file = home / ".pixi" / "config.toml"
    file.parent.mkdir()
    low = TABLE.replace("s3.example", "config.example")
    file.write_text(f"[s3-options.bucket]{low}[s3-options.only]{low}")
    declared = authshim.Chain.from_environment(manifest=tmp_path).circumstances.s3_options
    assert {name: options.endpoint_url for name, options in declared.items()} == {
        "bucket": "https://s3.example/",
        "only": "https://config.example/",
    }
    assert declared["only"].place == f"[s3-options.only] in {file}"
    path = tmp_path / "pixi.toml"
    assert declared["bucket"].place == f"[workspace.s3-options.bucket] in {path}"


def test_credential_of_another_kind_is_passed_over(
    chain: authshim.Chain, keep: Callable[..., None]
) -> None:
    keep({"bucket": {"BearerToken": "s3cret"}})
    trace = chain.explain(URL)
    said = [step.said for step in trace.steps if step.key == "bucket"]
    assert said[0] == "passed over: s3:// URLs take S3Credentials only"
    assert trace.found is None


def test_stored_keys_are_not_used_without_options(
    keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep({"bucket": keys("id")})
    use_botocore(monkeypatch, Keys("aws", "s3cret"), region="eu-west-1")
    found = authshim.Chain.from_environment().find(URL)
    assert found is not None
    assert (found.credential.access_key_id, found.provider) == ("aws", "AWS's own chain")


def test_keys_of_aws_sign_for_the_declared_endpoint_if_none_is_stored(
    chain: authshim.Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_botocore(monkeypatch, Keys("aws", "s3cret"))
    route = chain.s3.route(URL)
    assert route.url.startswith("https://s3.example/bucket/")
    assert route.found.provider == "AWS's own chain"


@pytest.mark.parametrize(
    ("botocore", "reason"),
    [
        (False, "AWS's own chain cannot be asked: botocore is not installed"),
        (True, "has no credentials"),
    ],
)
def test_bucket_without_keys_is_an_error_with_a_next_step(
    botocore: bool, reason: str, chain: authshim.Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    if botocore:
        use_botocore(monkeypatch, None)
    with pytest.raises(S3Error, match=reason) as caught:
        chain.s3.route(URL)
    assert caught.value.next_step.startswith("authshim auth login s3://bucket --s3-access-key-id")
    with pytest.raises(S3Error, match=reason) as caught:
        chain.s3.route("s3://my.other/x")
    assert '[workspace.s3-options."my.other"]' in caught.value.next_step


def test_next_step_names_the_override_file(
    chain: authshim.Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.json").write_text("{}")
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "own.json"))
    chain = authshim.Chain.from_environment(manifest=tmp_path)
    assert f" --auth-file {tmp_path / 'own.json'} " in chain.explain(URL).next_step


def test_trace_names_keys_endpoint_and_options(
    chain: authshim.Chain, keep: Callable[..., None], tmp_path: Path
) -> None:
    keep({"s3://bucket/chan": keys("id")})
    trace = chain.explain(URL)
    place = f"[workspace.s3-options.bucket] in {tmp_path / 'pixi.toml'}"
    assert trace.notes == (f"endpoint https://s3.example/, region eu, path style (by {place})",)
    assert trace.found is not None
    assert trace.found.key == "s3://bucket/chan"
    assert trace.outcome.startswith("would sign the request: S3Credentials(access_key_id=****, ")
    assert "AWS's own chain" in [step.provider for step in trace.steps]
    assert_no_secret(trace, str(trace))


def test_trace_without_options_says_that_aws_decides(
    keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep({"bucket": keys("id")})
    use_botocore(monkeypatch, Keys("aws", "s3cret"), region="eu-west-1")
    trace = authshim.Chain.from_environment().explain(URL)
    assert trace.notes[0].startswith("no s3-options for bucket: AWS's own chain is asked")
    assert trace.notes[1].endswith("region us-east-1 (by AWS's own chain)") is False
    assert "region eu-west-1" in trace.notes[1]
    assert_no_secret(trace, str(trace))


def test_client_of_aws_is_made_once_until_the_chain_forgets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = authshim.Chain.from_environment()
    for region in ("eu-west-1", "eu-west-2"):
        use_botocore(monkeypatch, Keys("aws", "s3cret"), region=region)
        chain.forget()
        made = [chain.s3.route(URL).options for _ in range(3)]
        assert {options.region for options in made} == {region}
        use_botocore(monkeypatch, Keys("aws", "s3cret"), region="other")


def test_scheme_in_capitals_is_that_of_a_bucket(
    chain: authshim.Chain, keep: Callable[..., None]
) -> None:
    keep({"bucket": keys("id")})
    assert chain.explain(URL.replace("s3", "S3")).outcome.startswith("would sign the request")


def test_bucket_that_a_server_named_is_not_signed(
    chain: authshim.Chain, keep: Callable[..., None]
) -> None:
    keep({"bucket": keys("id")})
    named = named_by(("https://h.example:443",), URL)
    assert chain.find(URL, named_by=named) is None
    trace = chain.explain(URL, named_by=named)
    assert (trace.found, trace.outcome) == (None, "not signed: h.example named it")
    assert trace.next_step.startswith("ask for the bucket yourself")


def test_url_that_a_bucket_named_gets_nothing(
    chain: authshim.Chain, keep: Callable[..., None]
) -> None:
    keep({"h.example": {"BearerToken": "s3cret"}})
    url = "https://h.example/x"
    for each in (url, "https://ada:s3cret@h.example/x"):
        assert chain.find(each, named_by=named_by(("s3://bucket",), each)) is None
    assert chain.find(url) is not None


def test_url_without_a_bucket_is_refused(chain: authshim.Chain) -> None:
    for ask in (chain.find, chain.explain, chain.s3.route, chain.s3.stored):
        with pytest.raises(UrlError):
            ask("s3://")
