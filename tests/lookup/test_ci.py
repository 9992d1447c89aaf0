"""The identity and token of a CI job, against servers that play GitHub, prefix.dev and GitLab."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from ci_jobs import start_github_job, start_job
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, redirect

import authshim
from authshim.oauth import identity

if TYPE_CHECKING:
    from servers import Authority, Names, Recorder, Seen

BEARER = Answer(401, b"", {"WWW-Authenticate": 'bearer realm="prefix.dev"'})
MINT = "/api/oidc/mint_token"
ID = "s3cret-id-token"
REQUEST_TOKEN = "s3cret-request-token"
CHANNEL = "https://repo.prefix.dev/acme/noarch/repodata.json"


def token(number: int = 1, lifetime: float = 3600) -> str:
    """Return a token of prefix.dev, which is a JWT."""
    claims = {"exp": time.time() + lifetime, "s3cret": number}
    return f"ey.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.s3cret"


class Job:
    """A job of GitHub, and the servers that it asks."""

    def __init__(
        self,
        github: Recorder,
        prefix_dev: Recorder,
        authority: Authority,
        names: Names,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        pytest.importorskip("id", reason="the extra ci needs urllib3 2")
        self.github, self.prefix_dev, self.names = github, prefix_dev, names
        self.setenv = monkeypatch.setenv
        self.tokens = [token()]
        names(prefix_dev)
        names(github, "github.localhost")
        self.setenv("REQUESTS_CA_BUNDLE", authority.file)
        self.setenv("AUTHSHIM_KEYRING_COMMAND", "false")
        start_github_job("http://github.localhost", REQUEST_TOKEN, monkeypatch)
        github.on("/token", Answer(200, json.dumps({"value": ID}).encode()))
        prefix_dev.on(MINT, lambda seen: Answer(200, self.tokens[0].encode() + b"\n"))
        prefix_dev.on("/*", self._answer)

    def _answer(self, seen: Seen) -> Answer:
        return Answer() if seen.authorization == f"Bearer {self.tokens[0]}" else BEARER

    def session(self) -> requests.Session:
        return authshim.install(requests.Session(), authshim.Chain.from_environment())

    @property
    def exchanges(self) -> list[Seen]:
        return [seen for seen in self.prefix_dev.seen if seen.path == MINT]


@pytest.fixture
def job(
    recorder: Recorder,
    tls_recorder: Recorder,
    authority: Authority,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> Job:
    return Job(recorder, tls_recorder, authority, anywhere, monkeypatch)


def test_identity_is_exchanged_after_a_bearer_challenge(job: Job) -> None:
    response = job.session().get(CHANNEL)
    assert response.status_code == 200
    (asked,) = job.github.seen
    assert asked.target == "/token?api-version=2&audience=prefix.dev"
    assert asked.headers["Authorization"] == f"bearer {REQUEST_TOKEN}"
    (exchange,) = job.exchanges
    assert exchange.headers["Host"] == "repo.prefix.dev"
    assert json.loads(exchange.body) == {"token": ID}
    assert [seen.authorization for seen in job.prefix_dev.seen if seen.path != MINT] == [
        None,
        f"Bearer {job.tokens[0]}",
    ]


def test_token_is_kept_for_the_next_request(job: Job) -> None:
    session = job.session()
    for number in range(3):
        assert session.get(f"{CHANNEL}?{number}").status_code == 200
    assert len(job.exchanges) == 1


def test_token_in_its_last_minute_is_not_used(job: Job) -> None:
    session = job.session()
    job.tokens[:] = [token(1, lifetime=59)]
    assert session.get(CHANNEL).status_code == 200
    job.tokens[:] = [token(2)]
    assert session.get(CHANNEL).status_code == 200
    assert len(job.exchanges) == 2


def test_rejected_token_is_exchanged_once_more(job: Job) -> None:
    session = job.session()
    assert session.get(CHANNEL).status_code == 200
    job.tokens[:] = [token(2)]
    assert session.get(CHANNEL).status_code == 200
    job.prefix_dev.on("/*", BEARER)
    for _ in range(3):
        assert session.get(CHANNEL).status_code == 401
    assert len(job.exchanges) <= 3


def test_each_origin_has_a_token_of_its_own(job: Job) -> None:
    session = job.session()
    for url in (CHANNEL, "https://prefix.dev/acme/noarch/repodata.json"):
        assert session.get(url).status_code == 200
    assert [seen.headers["Host"] for seen in job.exchanges] == ["repo.prefix.dev", "prefix.dev"]


@pytest.mark.parametrize(
    "url",
    [
        "http://repo.prefix.dev/acme",
        "https://prefix.dev.evil.example/acme",
        "https://notprefix.dev/acme",
        "https://prefix.dev./acme",
        "https://ada@repo.prefix.dev/acme",
    ],
)
def test_other_urls_get_no_identity(url: str, job: Job) -> None:
    job.github.on("/acme", BEARER)
    if url.startswith("http:"):
        job.names(job.github, "repo.prefix.dev", 80)
    assert job.session().get(url).status_code == 401
    assert [seen.path for seen in job.github.seen if seen.path == "/token"] == []
    assert job.exchanges == []


def test_basic_challenge_gets_no_identity(job: Job) -> None:
    job.prefix_dev.on("/*", CHALLENGE)
    assert job.session().get(CHANNEL).status_code == 401
    assert (job.github.seen, job.exchanges) == ([], [])


def test_url_that_a_server_named_gets_no_identity(job: Job) -> None:
    job.prefix_dev.on("/away", redirect(CHANNEL))
    assert job.session().get("https://other.example/away").status_code == 401
    assert (job.github.seen, job.exchanges) == ([], [])


def test_stored_login_is_sent_and_no_identity_is_asked_for(job: Job, home: Any) -> None:
    (home / ".rattler").mkdir()
    stored = {"*.prefix.dev": {"BearerToken": job.tokens[0]}}
    (home / ".rattler/credentials.json").write_text(json.dumps(stored))
    assert job.session().get(CHANNEL).status_code == 200
    assert job.github.seen == []


def test_override_file_switches_the_identity_off(job: Job, home: Any) -> None:
    (home / "own.json").write_text("{}")
    job.setenv("RATTLER_AUTH_FILE", str(home / "own.json"))
    assert job.session().get(CHANNEL).status_code == 401
    assert job.github.seen == []


@pytest.mark.parametrize(
    ("github", "minted", "reason"),
    [
        (Answer(500, b"s3cret"), None, "GitHub gives the job no identity"),
        (Answer(200, b"s3cret"), None, "GitHub gives the job no identity"),
        (None, Answer(403, b"s3cret"), f"https://repo.prefix.dev{MINT} answered HTTP 403"),
        (None, Answer(200, b"s3cret \xff"), f"https://repo.prefix.dev{MINT} answered without"),
        (None, Answer(200, b""), f"https://repo.prefix.dev{MINT} answered without a token"),
        (None, redirect("https://evil.example/"), "answered HTTP 302"),
    ],
)
def test_failure_is_one_warning_and_the_first_answer_is_returned(
    github: Answer | None,
    minted: Answer | None,
    reason: str,
    job: Job,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if github is not None:
        job.github.on("/token", github)
    if minted is not None:
        job.prefix_dev.on(MINT, minted)
    session = job.session()
    for _ in range(2):
        assert session.get(CHANNEL).status_code == 401
    (message,) = [each for each in caplog.messages if "CI identity" in each]
    assert reason in message
    assert len(job.exchanges) <= 1
    assert_no_secret(caplog.messages)


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("GITHUB_ACTIONS", "the job needs the permission id-token: write"),
        ("GITLAB_CI", "the job needs id_tokens: PREFIX_DEV_ID_TOKEN, with aud: prefix.dev"),
    ],
)
def test_setting_that_the_job_lacks_is_named(
    variable: str,
    reason: str,
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setenv(variable, "true")
    assert job.session().get(CHANNEL).status_code == 401
    assert caplog.messages == [f"cannot read CI identity: {reason}"]


def test_github_is_not_asked_over_http(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    job.names(job.github, "github.example")
    job.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://github.example/token")
    assert job.session().get(CHANNEL).status_code == 401
    assert job.github.seen == []
    assert "ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL" in caplog.text


def test_missing_package_is_named(
    job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "id._internal.oidc.ambient", None)
    assert job.session().get(CHANNEL).status_code == 401
    assert "pip install 'authshim[ci]'" in caplog.text


def test_explain_says_what_it_would_ask_and_asks_nothing(job: Job) -> None:
    trace = authshim.Chain.from_environment().explain(CHANNEL)
    (said,) = [step.said for step in trace.steps if step.provider == "CI identity"]
    assert said == (
        "would ask GitHub for the identity of this job, and repo.prefix.dev for a token, "
        "if the server asks for a Bearer"
    )
    assert trace.outcome == f"no credential: CI identity {said}"
    assert (job.github.seen, job.prefix_dev.seen) == ([], [])


def test_secrets_are_on_the_wire_alone(
    job: Job, caplog: pytest.LogCaptureFixture, home: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    session = job.session()
    response = session.get(CHANNEL)
    assert response.status_code == 200
    chain = authshim.Chain.from_environment()
    assert_no_secret(response, session, vars(chain), str(chain.explain(CHANNEL)), caplog.messages)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_no_secret(pickle.dumps(session, protocol))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("service", ["GitLab", "CircleCI", "Buildkite"])
def test_other_ci_is_asked_by_its_own_means(
    service: str, job: Job, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    start_job(service, ID, tmp_path, monkeypatch)
    assert job.session().get(CHANNEL).status_code == 200
    assert [json.loads(seen.body) for seen in job.exchanges] == [{"token": ID}]
    assert job.github.seen == []


def test_slow_ci_gives_no_identity(
    job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    monkeypatch.setattr(identity, "MAX_IDENTITY_SECONDS", 0.05)
    monkeypatch.setattr(identity, "_ask", lambda service: released.wait(60) and None)
    assert job.session().get(CHANNEL).status_code == 401
    released.set()
    assert "GitHub did not answer in time" in caplog.text


def test_empty_identity_is_none(
    job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    monkeypatch.setenv("CIRCLECI", "true")
    detectors = {"detect_circleci": lambda audience: None}
    fake = SimpleNamespace(**detectors)
    monkeypatch.setitem(sys.modules, "id._internal.oidc.ambient", fake)
    assert job.session().get(CHANNEL).status_code == 401
    assert "CircleCI gives the job no identity" in caplog.text


def test_opaque_token_is_kept(job: Job) -> None:
    job.tokens[:] = ["s3cret-opaque"]
    session = job.session()
    for _ in range(2):
        assert session.get(CHANNEL).status_code == 200
    assert len(job.exchanges) == 1


# The token of a GitLab job


@pytest.fixture
def gitlab(
    tls_recorder: Recorder,
    authority: Authority,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> Recorder:
    """The GitLab that runs the job, and asks everybody for a login."""
    anywhere(tls_recorder)
    environ = {
        "AUTHSHIM_KEYRING_COMMAND": "false",
        "CI_JOB_TOKEN": "s3cret-job",
        "CI_SERVER_HOST": "GitLab.example",
        "GITLAB_CI": "true",
        "REQUESTS_CA_BUNDLE": authority.file,
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    tls_recorder.on("/*", lambda seen: Answer() if seen.authorization else Answer(401))
    return tls_recorder


def headers(gitlab: Recorder, url: str) -> list[str | None]:
    session = authshim.install(requests.Session(), authshim.Chain.from_environment())
    session.get(url)
    return [seen.authorization for seen in gitlab.seen]


JOB_TOKEN = f"Basic {base64.b64encode(b'gitlab-ci-token:s3cret-job').decode()}"


@pytest.mark.parametrize("userinfo", ["", "gitlab-ci-token@"])
def test_job_token_goes_to_its_gitlab_after_a_refusal(userinfo: str, gitlab: Recorder) -> None:
    url = f"https://{userinfo}gitlab.example/api/v4/projects/1/packages/pypi/simple"
    assert headers(gitlab, url) == [None, JOB_TOKEN]


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/x",
        "https://sub.gitlab.example/x",
        "https://gitlab.example:8443/x",
        "https://ada@gitlab.example/x",
    ],
)
def test_job_token_goes_nowhere_else(url: str, gitlab: Recorder) -> None:
    assert headers(gitlab, url) == [None]


def test_job_token_does_not_go_over_http(
    gitlab: Recorder, recorder: Recorder, anywhere: Names
) -> None:
    anywhere(recorder, "gitlab.example", 80)
    recorder.default = Answer(401)
    assert headers(recorder, "http://gitlab.example/x") == [None]


def test_job_token_does_not_follow_a_server(gitlab: Recorder) -> None:
    gitlab.on("/away", redirect("https://gitlab.example/x"))
    assert headers(gitlab, "https://other.example/away") == [None, None]


@pytest.mark.parametrize("port", ["443", "8443"])
def test_job_token_is_for_the_port_of_its_gitlab(
    port: str, gitlab: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_SERVER_PORT", port)
    assert headers(gitlab, f"https://gitlab.example:{port}/x")[-1] == JOB_TOKEN


def test_explain_shows_the_user_of_a_job_token(gitlab: Recorder) -> None:
    trace = authshim.Chain.from_environment().explain("https://gitlab.example/x")
    assert "BasicHTTP(username='gitlab-ci-token', password=****)" in str(trace)
    assert trace.challenged
    assert_no_secret(str(trace), pickle.dumps(authshim.Chain.from_environment()))
