"""Every kind of credential from everything that keeps one, planted as its user has it."""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import sys
from typing import TYPE_CHECKING, Any, Callable, NamedTuple
from urllib.parse import quote

from aws import Keys, use_botocore
from ci_jobs import start_github_job, start_job
from proof.stage import GITHUB, RENEWED, SECRET
from servers import Answer

if TYPE_CHECKING:
    from proof.stage import Stage

S3 = {"access_key_id": "AKIA" + SECRET, "secret_access_key": SECRET, "session_token": SECRET}
OAUTH = {"access_token": SECRET, "refresh_token": SECRET, "expires_at": None, "client_id": "pixi"}
KINDS: dict[str, dict[str, Any]] = {
    "BasicHTTP": {"BasicHTTP": {"username": "ada", "password": SECRET}},
    "BearerToken": {"BearerToken": SECRET},
    "CondaToken": {"CondaToken": SECRET},
    "OAuth": {
        "OAuth": {
            **OAUTH,
            "token_endpoint": "http://127.0.0.1:1/token",
            "revocation_endpoint": "http://127.0.0.1:1/end",
        }
    },
    "S3Credentials": {"S3Credentials": S3},
}


class Source(NamedTuple):
    """A place that a credential comes from."""

    plant: Callable[[Stage, str], None]
    """Plants it for a.example, of http or https."""
    userinfo: str = ""
    """Stands before the host."""
    project: bool = False
    """It stands in a pixi.toml."""
    sent: bool = True
    """Whether it is sent to http(s) URLs at all."""
    asked: bool = False
    """Whether it is sent only after a refusal."""
    bucket: bool = False
    """It signs the requests for s3://simple, whose endpoint is a.example."""
    written_by_caller: bool = False
    """It stands in what the caller gave to requests."""
    inherited: bool = False
    """It stands in the user's environment, which every child has."""
    resolves: bool = True
    """``resolve`` knows the rules of its project's tool."""
    https: bool = False
    """It is for https URLs alone."""
    host: str = "a.example"
    """The host that it is for."""
    from_netrc: bool = False
    """Without ``install``, requests itself puts it into the request that the caller sees."""


def _in_home(kind: str) -> Callable[[Stage, str], None]:
    return lambda stage, _: stage.keep(a_example=KINDS[kind])


def _in_override(stage: Stage, _: str) -> None:
    path = stage.write("own.json", json.dumps({"a.example": KINDS["BearerToken"]}))
    stage.monkeypatch.setenv("RATTLER_AUTH_FILE", str(path))


class Keychain:
    """In place of the system's."""

    def __init__(self, **entries: object) -> None:
        self._entries = {key.replace("_", "."): json.dumps(entry) for key, entry in entries.items()}

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries.get(username)

    def set_password(self, service: str, username: str, secret: str) -> None:
        self._entries[username] = secret

    def delete_password(self, service: str, username: str) -> bool:
        return self._entries.pop(username, None) is not None

    def usernames(self, service: str) -> list[str]:
        return list(self._entries)


def use_keychain(stage: Stage, **entries: object) -> None:
    """Let a keychain be there."""
    keychain = Keychain(**entries)
    stage.monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    stage.monkeypatch.setattr(
        "authshim.providers.os_keychain.open_keychain", lambda platform: keychain
    )


def _in_keychain(kind: str) -> Callable[[Stage, str], None]:
    return lambda stage, _: use_keychain(stage, a_example=KINDS[kind])


def _netrc(entry: str) -> Callable[[Stage, str], None]:
    return lambda stage, _: stage.write(".netrc", f"{entry} login ada password {SECRET}\n") and None


def use_keyring(stage: Stage, answer: str) -> None:
    """Let a keyring command be there that prints ``answer``."""
    stage.write("answer", answer)
    script = stage.write("keyring", f"#!/bin/sh\ncat '{stage.home}/answer'\n", mode=0o700)
    stage.monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", str(script))


UV_STORE = ".local/share/uv/credentials/credentials.toml"


def _in_uv(stage: Stage, scheme: str) -> None:
    stage.write(
        UV_STORE,
        f'[[credential]]\nservice = "{scheme}://a.example/"\n'
        f'username = "ada"\npassword = "{SECRET}"\n',
    )


def _in_pip(stage: Stage, scheme: str) -> None:
    userinfo = f"ada:{quote(SECRET, safe='')}"
    index = f"{scheme}://{userinfo}@a.example/simple"
    path = stage.write("pip.conf", f"[global]\nextra-index-url = {index}\n")
    stage.monkeypatch.setenv("PIP_CONFIG_FILE", str(path))


def _in_token_file(stage: Stage, _: str) -> None:
    stage.write(".config/binstar/https%3A%2F%2Fa.example.token", f"{SECRET}\n")


MAMBA_TOKEN = {"type": "CondaToken", "token": SECRET}
MAMBA_PASSWORD = {
    "type": "BasicHTTPAuthentication",
    "user": "ada",
    "password": base64.b64encode(SECRET.encode()).decode(),
}


def _in_micromamba(entry: dict[str, str]) -> Callable[[Stage, str], None]:
    path = ".mamba/auth/authentication.json"
    return lambda stage, _: stage.write(path, json.dumps({"a.example": entry})) and None


def give_job_token(stage: Stage, netloc: str) -> None:
    """Let this be a job of the GitLab at a host."""
    host, _, port = netloc.partition(":")
    for name, value in {
        "CI_JOB_TOKEN": SECRET,
        "CI_SERVER_HOST": host,
        "CI_SERVER_PORT": port or "443",
        "GITLAB_CI": "true",
    }.items():
        stage.monkeypatch.setenv(name, value)


HAS_IDENTITIES = importlib.util.find_spec("id") is not None
"""False if the extra ``ci`` is not installed, which needs urllib3 2."""

PREFIX_DEV = "repo.prefix.dev"
MINT = "/api/oidc/mint_token"
REQUEST_TOKEN, IDENTITY, MINTED = (f"{SECRET}-{part}" for part in ("request", "identity", "minted"))
"""The tokens that a job sends to GitHub, to the exchange of prefix.dev, and with its requests."""


def _take_identities(stage: Stage) -> None:
    """Let every server exchange an identity, as one of prefix.dev does."""
    stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", stage.servers.authority.file)
    for recorder in stage.servers.recorders:
        recorder.on(MINT, Answer(200, MINTED.encode()))


def be_github_job(stage: Stage) -> None:
    """Let this be a job of GitHub, and let every server exchange its identity."""
    _take_identities(stage)
    stage.servers.github.on("/token", Answer(200, json.dumps({"value": IDENTITY}).encode()))
    start_github_job(f"http://{GITHUB}", REQUEST_TOKEN, stage.monkeypatch)


def _job_at_prefix_dev(service: str, stage: Stage, _: str) -> None:
    """Let this be a job of a CI, and the origin a server of prefix.dev."""
    stage.names(stage.servers.origin, PREFIX_DEV, 80)
    stage.names(stage.servers.origin_tls, PREFIX_DEV, 443)
    if service == "GitHub":
        be_github_job(stage)
        return
    _take_identities(stage)
    start_job(service, IDENTITY, stage.home, stage.monkeypatch)


def _identity(service: str, *, inherited: bool = False) -> Source:
    plant = functools.partial(_job_at_prefix_dev, service)
    return Source(plant, asked=True, https=True, inherited=inherited, host=PREFIX_DEV)


def _keyring(stage: Stage, _: str) -> None:
    use_keyring(stage, json.dumps({"username": "ada", "password": SECRET}))


def declare(stage: Stage, index: str) -> None:
    """Write the project."""
    stage.write(
        "pixi.toml",
        f'[workspace]\nchannels = []\nplatforms = []\n[pypi-options]\nindex-url = "{index}"\n',
    )


def declare_bucket(stage: Stage, scheme: str) -> None:
    """Write a project whose bucket "simple" is at a.example."""
    stage.write(
        "pixi.toml",
        '[workspace]\nchannels = ["s3://simple/channel"]\nplatforms = []\n'
        f'[workspace.s3-options.simple]\nendpoint-url = "{scheme}://a.example"\n'
        'region = "r"\nforce-path-style = true\n',
    )


def _of_bucket(stage: Stage, scheme: str) -> None:
    declare_bucket(stage, scheme)
    stage.keep(simple=KINDS["S3Credentials"])


def _of_bucket_in_keychain(stage: Stage, scheme: str) -> None:
    declare_bucket(stage, scheme)
    use_keychain(stage, simple=KINDS["S3Credentials"])


def _of_bucket_at_aws(stage: Stage, scheme: str) -> None:
    declare_bucket(stage, scheme)
    use_botocore(stage.monkeypatch, Keys(*S3.values()))


def _declared(stage: Stage, scheme: str) -> None:
    declare(stage, f"{scheme}://ada:{quote(SECRET, safe='')}@a.example/simple")


def _in_uv_project(stage: Stage, scheme: str) -> None:
    index = f"name = 'acme'\nurl = '{scheme}://a.example/simple'\ndefault = true\n"
    stage.write("pyproject.toml", f"[[tool.uv.index]]\n{index}")
    stage.monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    stage.monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", SECRET)


def _in_requirements(stage: Stage, scheme: str) -> None:
    userinfo = f"ada:{quote(SECRET, safe='')}"
    stage.write("requirements.txt", f"-i {scheme}://{userinfo}@a.example/simple\n")


def _in_poetry(stage: Stage, scheme: str) -> None:
    url = f"url = '{scheme}://a.example/simple'\n"
    stage.write("pyproject.toml", f"[[tool.poetry.source]]\nname = 'acme'\n{url}")
    login = f"[http-basic.acme]\nusername = 'ada'\npassword = '{SECRET}'\n"
    stage.write(".config/pypoetry/auth.toml", login)


def _declared_user(stage: Stage, scheme: str) -> None:
    _keyring(stage, scheme)
    declare(stage, f"{scheme}://ada@a.example/simple")


def _declared_without_user(stage: Stage, scheme: str) -> None:
    _keyring(stage, scheme)
    declare(stage, f"{scheme}://a.example/simple")


def _renewed(stage: Stage, _: str) -> None:
    """An OAuth login that has to be renewed at once, and is."""
    answer = {"access_token": RENEWED, "refresh_token": RENEWED, "expires_in": 3600}
    stage.servers.elsewhere.on("/token", Answer(200, json.dumps(answer).encode()))
    stage.keep(
        a_example={
            "OAuth": {
                **OAUTH,
                "expires_at": 1,
                "token_endpoint": f"{stage.servers.elsewhere.url}/token",
                "revocation_endpoint": None,
            }
        }
    )


SOURCES: dict[str, Source] = {
    **{
        f"auth file, {kind}": Source(_in_home(kind), sent=kind != "S3Credentials") for kind in KINDS
    },
    **{
        f"keychain, {kind}": Source(_in_keychain(kind), sent=kind != "S3Credentials")
        for kind in KINDS
    },
    "auth file, of a bucket": Source(_of_bucket, project=True, bucket=True),
    "keychain, of a bucket": Source(_of_bucket_in_keychain, project=True, bucket=True),
    "AWS, of a bucket": Source(_of_bucket_at_aws, project=True, bucket=True),
    "override file": Source(_in_override),
    "netrc": Source(_netrc("machine a.example"), from_netrc=True),
    "netrc, default": Source(_netrc("default"), asked=True, from_netrc=True),
    "uv": Source(_in_uv),
    "pip configuration": Source(_in_pip),
    "conda token file": Source(_in_token_file, https=True),
    "micromamba, token": Source(_in_micromamba(MAMBA_TOKEN), https=True),
    "micromamba, password": Source(_in_micromamba(MAMBA_PASSWORD), https=True),
    "GitLab job token": Source(
        lambda stage, _: give_job_token(stage, "a.example"),
        asked=True,
        https=True,
        inherited=True,
    ),
    "OAuth that is renewed": Source(_renewed),
    "URL": Source(
        lambda stage, scheme: None,
        userinfo=f"ada:{quote(SECRET, safe='')}@",
        written_by_caller=True,
    ),
    "manifest": Source(_declared, project=True),
    "uv, variables of a project": Source(_in_uv_project, project=True, inherited=True),
    "pip, requirements file": Source(_in_requirements, project=True),
    "poetry, auth.toml": Source(_in_poetry, project=True, resolves=False),
    "manifest, userinfo in the URL": Source(_declared, userinfo="ada@", project=True),
}

if sys.platform != "win32":  # the scripts are a shell's
    SOURCES.update(
        {
            "keyring": Source(_keyring, userinfo="ada@"),
            "keyring, declared user": Source(_declared_user, project=True),
            "keyring, declared without a user": Source(
                _declared_without_user, project=True, asked=True
            ),
        }
    )

if HAS_IDENTITIES:
    SOURCES["identity of GitHub"] = _identity("GitHub", inherited=True)
    SOURCES["identity of GitLab"] = _identity("GitLab", inherited=True)
if HAS_IDENTITIES and sys.platform != "win32":
    SOURCES["identity of CircleCI"] = _identity("CircleCI")
    SOURCES["identity of Buildkite"] = _identity("Buildkite")
