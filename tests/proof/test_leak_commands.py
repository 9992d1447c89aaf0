"""No command shows a secret, whatever it is asked, however it ends, and however loud it is.

``LINES`` has the command lines, sorted by command; a command that has none here fails a test.
Standard output and error are searched, ``--json`` among it, and so is all that is logged at DEBUG,
and the children that are started.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret, told
from proof.outcomes import OUTCOMES, Outcome
from proof.sources import KINDS, SOURCES, Source, use_keychain
from proof.stage import RENEWED, SECRET, Stage, files_that_tell
from servers import Answer, redirect

from authshim import cli
from authshim.cli import demo, main
from authshim.cli.demo import servers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from proof.stage import Witness

pytestmark = pytest.mark.unmeasured

HERE = "a.example"
AT_BUCKET = ["auth", "login", "s3://bucket", "--s3-access-key-id", "id"]
KEYRING_BESIDE_ENV = "env; keyring get http://nowhere.example/ ada"
_parser = functools.cache(cli._parser)  # making it is a fifth of the time that all these lines take
LINES: dict[str, list[list[str]]] = {
    "check": [["check"], ["check", "--json"], ["check", "-vv"]],
    "get": [
        ["get", "http://a.example/simple/x", "-vv"],
        ["get", "http://a.example/simple/x#sha256=" + "0" * 64],
        ["get", f"http://ada:{SECRET}@a.example/simple/x", "-o", "out"],
        ["get", f"http://a.example/t/{SECRET}/x?sig={SECRET}", "-o", "out"],
        ["get", f"http://a.example/t/{SECRET}"],
        ["get", "s3://simple/x", "-vv", "-o", "out"],
    ],
    "resolve": [["resolve", "demo"], ["resolve", "--json", "demo>=1"], ["resolve", "-vv", "demo"]],
    "explain": [
        ["explain", "http://a.example/simple/x"],
        ["explain", "-vv", "http://ada@a.example/simple/x", "--username", "ada"],
        ["explain", f"http://ada:{SECRET}@a.example/x"],
        ["explain", "-vv", "s3://simple/x"],
        ["explain", f"http://a.example/t/{SECRET}/x?sig={SECRET}#{SECRET}"],
    ],
    "auth status": [
        ["auth", "status"],
        ["auth", "status", "-vv", "--json"],
        ["auth", "status", HERE],
        ["auth", "status", "s3://simple/x"],
        ["auth", "status", f"http://ada:{SECRET}@b.example/t/{SECRET}/"],
    ],
    "auth token": [
        ["auth", "token", HERE],
        ["auth", "token", "-vv", "nowhere.example"],
        ["auth", "token", f"http://ada:{SECRET}@b.example/t/{SECRET}/"],
    ],
    "auth logout": [
        ["auth", "logout", f"http://ada:{SECRET}@b.example/t/{SECRET}/"],
        ["auth", "logout", "-vv", HERE],
        ["auth", "logout", "--all"],
    ],
    "auth login": [
        ["auth", "login", HERE, "--token", SECRET],
        ["auth", "login", HERE, "--token", "-"],
        ["auth", "login", HERE, "-vv", f"--token={SECRET}"],
        ["auth", "login", HERE, "--username", "ada", "--password", SECRET],
        ["auth", "login", HERE, "--username", "ada", "--password", "-"],
        ["auth", "login", HERE, "--conda-token", SECRET],
        ["auth", "login", "prefix.dev", "--token", SECRET],
        [*AT_BUCKET, "--s3-secret-access-key", SECRET, "--s3-session-token", SECRET],
        [*AT_BUCKET, f"--s3-secret-access-key={SECRET}", "--s3-session-token", "-", "-vv"],
        ["auth", "login", f"http://ada:{SECRET}@b.example/t/{SECRET}/", "--token", SECRET],
    ],
    "run": [
        ["run", "--", "sh", "-c", "env; cat $(dirname $(command -v keyring))/keyring; ls -R ."],
        ["run", "-vv", "--netrc", "--", "sh", "-c", KEYRING_BESIDE_ENV],
        ["run", "-vv", "--netrc", "--", "nowhere"],
    ],
    "doctor": [["doctor"], ["doctor", "--json"], ["doctor", "-vv"]],
    "demo": [["demo"]],
    "completion": [["completion", shell] for shell in ("bash", "zsh", "fish")],
}

OAUTH_LINES = [
    ["auth", "login", HERE, "--oauth", "--oauth-issuer-url", "http://a.example", *words]
    for words in (
        ["--oauth-client-secret", SECRET],
        ["--oauth-client-secret", "-"],
        ["--oauth-flow", "auto", "-vv", f"--oauth-client-secret={SECRET}"],
    )
]

WRONG = [
    ["auth", "login", HERE, "--oauth-client-secret", SECRET],
    ["auth", "login", HERE, "--oauth", "--token", SECRET],
    ["auth", "login", HERE, f"--oauth={SECRET}"],
    ["auth", "login", HERE, "--oauth", "--oauth-issuer-url", f"http://ada:{SECRET}@a.example"],
    ["auth", "login", HERE, "--oauth", "--oauth-issuer-url", f"https://a.example?sig={SECRET}"],
    [SECRET],
    ["--token", SECRET],
    [f"--token={SECRET}"],
    ["auth", SECRET],
    ["auth", "--token", SECRET, "login", HERE],
    ["auth", "login", HERE, "--tok", SECRET],
    ["auth", "login", HERE, f"--tok={SECRET}"],
    ["auth", "login", HERE, SECRET],
    ["auth", "login", HERE, "--token", SECRET, SECRET],
    ["auth", "login", HERE, f"-v{SECRET}"],
    ["auth", "login", HERE, "--password", SECRET],
    ["auth", "login", HERE, "--token", SECRET, "--conda-token", SECRET],
    ["auth", "login", HERE, "--username", "ada", "--password", SECRET, "--token"],
    ["auth", "login", f"ada:{SECRET}@a.example", "--token", SECRET],
    ["auth", "login", f"https://ada:{SECRET}@a exam.ple/", "--token", SECRET],
    ["auth", "login", "s3://bucket", "--token", SECRET],
    [*AT_BUCKET, "--s3-secret-access-key", SECRET, "--token", SECRET],
    [*AT_BUCKET, "--s3-secret-access-key", SECRET, "--s3-session-tokens", SECRET],
    [*AT_BUCKET, "--s3-secret-access-key", "-", "--s3-session-token", "-"],
    ["auth", "login", HERE, "--s3-access-key-id", "id", "--s3-secret-access-key", SECRET],
    ["auth", "login", "anaconda.org", "--token", SECRET],
    ["auth", "login", HERE, "--token", SECRET + "\n"],
    ["auth", "login", HERE, "--username", "ada", "--password", SECRET + "\x00"],
    ["auth", "logout", HERE, SECRET],
    ["auth", "status", "--json=" + SECRET],
    ["auth", "token", f"https://ada:{SECRET}@/"],
    ["explain", f"ada:{SECRET}@a.example"],
    ["explain", f"s3://ada:{SECRET}@simple/x"],
    ["explain", f"https://ada:{SECRET}@a exam.ple/"],
    ["explain", f"https://a.example:{SECRET}/"],
    ["check", SECRET],
    ["resolve", f"https://ada:{SECRET}@h/"],
    ["resolve", f"demo @ https://ada:{SECRET}@h/"],
    ["completion", SECRET],
    ["run", "--token", SECRET],
    ["run", f"--token={SECRET}", "true"],
    ["run", f"https://ada:{SECRET}@h/"],
    ["doctor", SECRET],
]


def commands_of(parser: argparse.ArgumentParser, above: str = "") -> Iterator[str]:
    """List the commands that a parser knows."""
    groups = [action.choices for action in parser._actions if hasattr(action.choices, "items")]
    if not groups:
        yield above
    for group in groups:
        for name, below in group.items():  # type: ignore[union-attr]
            yield from commands_of(below, f"{above} {name}".strip())


def test_every_command_has_its_lines() -> None:
    assert set(LINES) == set(commands_of(cli._parser()))


@pytest.fixture
def typed(
    stage: Stage,
    witness: Witness,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., str]]:
    """Type a command line, search everything visible for the secret, and return the output."""
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("authshim")
    handlers, level = logger.handlers[:], logger.level
    stage.monkeypatch.setattr("authshim.cli._parser", _parser)
    stage.monkeypatch.setattr("authshim.download.transfer.MAX_RETRIES", 1)
    stage.monkeypatch.chdir(stage.home)

    def run(line: list[str], *, shows: tuple[str, ...] = ()) -> str:
        stage.monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
        with witness.watching() as acts:
            assert _exit_code(line) in (0, 1, 2, 127)
        out, err = capfd.readouterr()
        children = [_without_inherited(args) for event, args in acts if event != "open"]
        assert_no_secret(
            [text for text in out.splitlines() if text not in shows], err, secret=SECRET
        )
        # urllib3 logs the URL that was typed, as it does for every caller. The command line shows
        # authshim's log alone.
        typed_it = any(SECRET in word for word in line)
        logged = [
            record
            for record in caplog.records
            if not typed_it or record.name.startswith("authshim")
        ]
        assert_no_secret(logged, children, secret=SECRET)
        caplog.clear()
        return out

    yield run
    logger.handlers[:] = handlers
    logger.setLevel(level)


def _without_inherited(args: tuple[object, ...]) -> list[object]:
    """Return the arguments of an act; of an environment, what a child has not from the user."""
    own = os.environ.items()
    return [dict(arg.items() - own) if isinstance(arg, dict) else arg for arg in args]


def _exit_code(line: list[str]) -> object:
    try:
        return main(line)
    except SystemExit as ended:
        return ended.code


@pytest.mark.parametrize(
    "line", WRONG, ids=lambda line: " ".join(line).replace(SECRET, "X").encode("unicode_escape")
)
def test_a_command_line_that_is_wrong_is_told_without_the_secret_in_it(
    line: list[str], typed: Callable
) -> None:
    typed(line)


# Where the secret is stored, and the command only reads it

READING = [name for name in SOURCES if not SOURCES[name].written_by_caller]


def lines_about(source: str, command: str) -> list[list[str]]:
    """Return the lines of a command that say something else for each source.

    A line without -vv or --json shows a part of the others. A line with a secret of its own, or
    with a keyring command, which starts a Python, is typed for SOME.
    """
    lines = LINES[command]
    if source in SOME:
        return lines
    return [
        line
        for line in lines
        if KEYRING_BESIDE_ENV not in line
        if command == "run" or "-vv" in line or "--json" in line
    ]


def lines_for(source: Source, command: str) -> list[list[str]]:
    """Return the lines of a command, with URLs that the credential is for."""
    place = f"https://{source.host}" if source.https else "http://a.example"
    words = {"http://a.example": place, HERE: source.host}
    return [[_replaced(word, words) for word in line] for line in LINES[command]]


def _replaced(word: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        word = word.replace(old, new)
    return word


@pytest.mark.parametrize("source", READING)
def test_a_command_that_reads_no_server_shows_no_secret(
    source: str, stage: Stage, typed: Callable
) -> None:
    SOURCES[source].plant(stage, "http")
    for command in ("explain", "auth status"):
        for line in lines_for(SOURCES[source], command):
            assert typed(line)


@pytest.mark.parametrize("source", READING)
def test_token_alone_prints_the_secret_and_to_standard_output_alone(
    source: str, stage: Stage, typed: Callable
) -> None:
    SOURCES[source].plant(stage, "http")
    lines = lines_for(SOURCES[source], "auth token")
    printed = [typed(line, shows=(SECRET, RENEWED)) for line in lines]
    assert not any(told(text, SECRET) for text in printed[1:])


@pytest.mark.parametrize("source", READING)
def test_logout_shows_no_secret(source: str, stage: Stage, typed: Callable) -> None:
    SOURCES[source].plant(stage, "http")
    for line in lines_for(SOURCES[source], "auth logout"):
        assert typed(line)


BY_COMMAND = {
    **{
        name: outcome._replace(options={})
        for name, outcome in OUTCOMES.items()
        if not outcome.adapter and name not in ("Ctrl-C", "hook that raises", "proxy")
    }
}
SOME = ["auth file, CondaToken", "netrc"]
"""One that stands in the URL, and one in a header."""
CHECKED = [(source, "200") for source in READING if not SOURCES[source].bucket]
CHECKED += [
    (source, name)
    for source in SOME
    for name in BY_COMMAND
    if name not in ("200", "redirects without end")
]
CHECKED += [(source, "401") for source in ("manifest", "OAuth that is renewed", "netrc, default")]


@pytest.mark.parametrize("command", ["check", "get", "resolve"])
@pytest.mark.parametrize(("name", "outcome"), CHECKED)
def test_a_command_that_asks_a_server_shows_no_secret_and_writes_none(
    command: str, name: str, outcome: str, stage: Stage, typed: Callable
) -> None:
    source, ends = SOURCES[name], BY_COMMAND[outcome]
    if source.https:
        ends = ends._replace(scheme="https")
    place = _declare(source, ends, stage)
    stage.asks = source.asked
    ends.script(stage)
    if outcome.startswith("no proxy"):
        stage.monkeypatch.setenv(f"{ends.scheme}_proxy", "http://127.0.0.1:1")
    if outcome == "200" and ends.scheme == "https":
        stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", stage.servers.authority.file)
    kept = files_that_tell(stage.home)
    for line in lines_about(name, command):
        out = typed([word.replace("http://a.example", place) for word in line])
        if command == "resolve" and not source.resolves:
            assert out == ""
            continue
        assert {"check": "index", "get": "", "resolve": "demo"}[command] in out
    assert files_that_tell(stage.home) == kept
    received = stage.received
    elsewhere = [text for name in ("elsewhere", "elsewhere_tls") for text in received[name]]
    assert_no_secret([text for text in elsewhere if not text.startswith("/token\n")], secret=SECRET)


@pytest.mark.parametrize("name", [name for name in SOURCES if SOURCES[name].bucket])
@pytest.mark.parametrize("outcome", ["200", "401", "403", "404", "redirect elsewhere"])
def test_a_command_that_asks_a_bucket_shows_no_secret(
    outcome: str, name: str, stage: Stage, typed: Callable
) -> None:
    SOURCES[name].plant(stage, "http")
    OUTCOMES[outcome].script(stage)
    kept = files_that_tell(stage.home)
    assert "channel" in typed(["check", "-vv"])
    assert "s3://simple/channel" in typed(["check", "--json"])
    typed(["get", "s3://simple/x", "-vv", "-o", "out"])
    assert files_that_tell(stage.home) == kept
    assert any(told(text, SECRET) for text in stage.received["origin"])
    assert_no_secret([stage.received[where] for where in ("elsewhere", "elsewhere_tls")])


def _declare(source: Source, ends: Outcome, stage: Stage) -> str:
    """Write a project whose index and channel are at a.example; return that with its user."""
    source.plant(stage, ends.scheme)
    place = f"{ends.scheme}://{source.userinfo}{source.host}"
    if not source.project:
        stage.write(
            "pixi.toml",
            f'[workspace]\nchannels = ["{place}/channel"]\nplatforms = []\n'
            f'[pypi-options]\nindex-url = "{place}/simple"\n',
        )
    return place


# login and logout, which ask servers of their own


VIEWER = {"data": {"viewer": {"login": "ada"}}}
AUTHORIZATION_SERVER: dict[str, dict[str, Any]] = {
    "/.well-known/openid-configuration": {
        "issuer": "http://a.example",
        "token_endpoint": "http://a.example/token",
        "device_authorization_endpoint": "http://a.example/device",
    },
    "/device": {
        "device_code": SECRET,
        "user_code": "ABCD",
        "verification_uri": "http://a.example/activate",
        "expires_in": 0.2,
        "interval": 0.01,
    },
    "/token": {"access_token": SECRET, "refresh_token": SECRET},
}
SERVERS: dict[str, Callable[[Stage], None]] = {
    "confirms": lambda stage: stage.servers.origin.on(
        "/*", Answer(200, json.dumps(VIEWER).encode())
    ),
    "does not know it": lambda stage: stage.servers.origin.on("/*", Answer(401)),
    "is broken": lambda stage: stage.servers.origin.on("/*", Answer(500, b"{}")),
    "repeats it": lambda stage: stage.servers.origin.on("/*", lambda seen: Answer(400, seen.body)),
    "redirects": lambda stage: stage.servers.origin.on("/*", redirect("http://b.example/", 307)),
    "is silent": lambda stage: stage.names.to_port(
        stage.servers.silent.getsockname()[1], "a.example", 80
    ),
    "is not there": lambda stage: stage.names.to_port(1, "a.example", 80),
}
EACH_SERVER = pytest.mark.parametrize("server", SERVERS)


@pytest.fixture
def asked_server(stage: Stage) -> Callable[[str], None]:
    """Let a.example, named as if it were this machine, confirm or revoke logins."""
    stage.monkeypatch.setattr("authshim.oauth.http.is_loopback", lambda host: host == "a.example")

    def prepare(server: str) -> None:
        if server == "is silent":
            stage.monkeypatch.setattr("authshim.transport.failures.TIMEOUT", (30, 0.02))
            stage.monkeypatch.setattr("authshim.login.prefix_dev.MAX_VIEWER_SECONDS", 0.02)
            stage.monkeypatch.setattr("authshim.oauth.endpoints.MAX_REVOCATION_SECONDS", 0.02)
        SERVERS[server](stage)

    return prepare


@EACH_SERVER
def test_login_shows_no_secret(
    server: str, stage: Stage, typed: Callable, asked_server: Callable
) -> None:
    stage.monkeypatch.setenv("PREFIX_DEV_API_URL", "http://a.example")
    asked_server(server)
    for line in LINES["auth login"]:
        typed(line)
    assert [told(text, SECRET) != "" for text in stage.received["origin"]] == [True] * len(
        stage.received["origin"]
    )
    assert_no_secret(stage.received["elsewhere"], secret=SECRET)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/device", "/token"])
@EACH_SERVER
def test_login_by_oauth_shows_no_secret(
    server: str, path: str, stage: Stage, typed: Callable, asked_server: Callable
) -> None:
    """The server answers as it should, but at one path."""
    for name in (
        "discovery.MAX_DISCOVERY_SECONDS",
        "device_code.MAX_DEVICE_SECONDS",
        "client.MAX_TOKEN_SECONDS",
    ):
        stage.monkeypatch.setattr(f"authshim.oauth.{name}", 0.02 if server == "is silent" else 20)
    stage.monkeypatch.setattr("authshim.oauth.device_code.MIN_INTERVAL_SECONDS", 0.01)
    asked_server(server)
    for own, data in AUTHORIZATION_SERVER.items():
        if own != path:
            stage.servers.origin.on(own, Answer(200, json.dumps(data).encode()))
    for line in OAUTH_LINES:
        assert "stored" not in typed(line)
    assert files_that_tell(stage.home) == []
    assert_no_secret(stage.received["elsewhere"], secret=SECRET)


@EACH_SERVER
def test_a_login_that_is_revoked_shows_no_secret(
    server: str, stage: Stage, typed: Callable, asked_server: Callable
) -> None:
    asked_server(server)
    login = {**KINDS["OAuth"]["OAuth"], "revocation_endpoint": "http://a.example/revoke"}
    stage.keep(a_example={"OAuth": login})
    assert "removed a.example" in typed(["auth", "logout", "-vv", HERE])
    assert_no_secret(stage.received["elsewhere"], secret=SECRET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_login_in_the_keychain_shows_no_secret(kind: str, stage: Stage, typed: Callable) -> None:
    use_keychain(stage, a_example=KINDS[kind])
    for line in (*LINES["auth login"], *LINES["auth status"], *LINES["auth logout"]):
        if "prefix.dev" not in line:
            typed(line)


def test_a_login_that_cannot_be_stored_shows_no_secret(stage: Stage, typed: Callable) -> None:
    stage.write(".rattler", "no folder")
    for line in LINES["auth login"]:
        if "prefix.dev" not in line:
            assert typed(line) == ""


@pytest.mark.parametrize(
    "text", ["{", '{"a.example": {"BearerToken": "X"}', "[X]", '{"ada:X@h": {"X": 1}}']
)
def test_a_store_that_is_broken_shows_no_secret(text: str, stage: Stage, typed: Callable) -> None:
    stage.write(".rattler/credentials.json", text.replace("X", SECRET))
    stage.write(".netrc", text.replace("X", SECRET))
    for name in ("auth status", "explain", "auth login", "auth logout"):
        for line in LINES[name]:
            if "prefix.dev" not in line:
                typed(line)


@pytest.fixture
def clients_on_path(stage: Stage) -> None:
    """Write programs that print nothing, named like doctor's clients, which take a second each."""
    for name in ("git", "uv", "conda"):
        stage.write(f"clients/{name}", "#!/bin/sh\n", mode=0o700)
    for name in ("pip", "poetry", "twine", "keyring"):
        stage.write(f"clients/{name}", f"#!{stage.home}/clients/python\n", mode=0o700)
    stage.write("clients/python", "#!/bin/sh\n", mode=0o700)
    path = f"{stage.home}/clients{os.pathsep}{os.environ['PATH']}"
    stage.monkeypatch.setenv("PATH", path)


@pytest.mark.usefixtures("clients_on_path")
@pytest.mark.parametrize("source", [name for name in READING if not SOURCES[name].inherited])
def test_run_and_doctor_show_no_secret_and_leave_none(
    source: str, stage: Stage, typed: Callable
) -> None:
    SOURCES[source].plant(stage, "http")
    stage.monkeypatch.setenv("TMPDIR", str(stage.home))
    kept = files_that_tell(stage.home)
    for line in (*lines_about(source, "run"), *lines_about(source, "doctor")):
        typed(line)
    assert files_that_tell(stage.home) == kept


# The commands that read nobody's secret


def test_completion_shows_no_secret(stage: Stage, typed: Callable) -> None:
    SOURCES["auth file, BearerToken"].plant(stage, "http")
    for line in LINES["completion"]:
        assert typed(line)


@pytest.mark.slow("the demo starts servers, and a keyring command for its packages")
def test_the_demo_shows_none_of_its_own_secrets(
    stage: Stage,
    witness: Witness,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets: list[str] = ["lovelace", "byron"]
    made = servers.Server.__init__

    def make(self: servers.Server, **options: Any) -> None:
        secrets.extend(text for text in (options.get("header"), options.get("segment")) if text)
        made(self, **options)

    monkeypatch.setattr(servers.Server, "__init__", make)
    temporary = stage.home / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with ExitStack() as stack:
        acts = stack.enter_context(witness.watching())
        assert demo.run(cli._parser().parse_args(["demo"])) == 0
    out, err = capfd.readouterr()
    assert len(secrets) == 6
    for secret in secrets:
        bare = secret.split()[-1].rpartition("/")[2]
        assert_no_secret(out, err, [act for act in acts if act[0] != "open"], secret=bare)
    assert list(temporary.iterdir()) == []
