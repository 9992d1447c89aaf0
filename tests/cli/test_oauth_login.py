"""``authshim auth login --oauth``: its options, what is stored, and what is printed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret
from oauth.authorization_server import (
    ACCESS,
    CODE,
    PENDING,
    REFRESH,
    AuthorizationServer,
    User,
    form_of,
    jwt,
    refuses,
)
from servers import Answer

from authshim.cli import main, oauth_login

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names, Recorder

KEPT = ".rattler/credentials.json"
NOT_ENCRYPTED = f"authshim: auth file ~/{KEPT} is not encrypted"


@pytest.fixture
def server(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> AuthorizationServer:
    server = AuthorizationServer(recorder)
    server.poll_quickly(monkeypatch)
    return server


@pytest.fixture
def log_in(server: AuthorizationServer) -> Callable[..., int]:
    """Log in at a host with the issuer of the server."""

    def log_in(*words: str, host: str = "h.example") -> int:
        return main(["auth", "login", host, "--oauth", "--oauth-issuer-url", server.issuer, *words])

    return log_in


@pytest.fixture
def browser(server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch) -> User:
    """The user at the browser that ``webbrowser`` opens."""
    user = User(server)
    monkeypatch.setattr("webbrowser.open", user.open_browser)
    monkeypatch.setenv("BROWSER", "any")
    return user


@pytest.fixture
def kept(home: Path) -> Path:
    """The file that a login without a keychain goes to."""
    return home / KEPT


def entries(kept: Path) -> Any:
    return json.loads(kept.read_bytes())


def test_login_is_stored_under_the_bare_host_as_rattler_does(
    log_in: Callable[..., int],
    server: AuthorizationServer,
    kept: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert log_in() == 0
    entry = entries(kept)["h.example"]["OAuth"]
    assert isinstance(entry.pop("expires_at"), int)
    assert entry == {
        "access_token": ACCESS,
        "refresh_token": REFRESH,
        "token_endpoint": f"{server.issuer}/token",
        "revocation_endpoint": f"{server.issuer}/revoke",
        "client_id": "rattler",
    }
    out, err = capsys.readouterr()
    assert out == f"stored the OAuth for h.example in auth file ~/{KEPT}\n"
    assert err.splitlines() == [
        "to log in, open this page in any browser:",
        "",
        f"  {server.issuer}/activate?user_code=ABCD-EFGH",
        "",
        "and confirm the code ABCD-EFGH",
        NOT_ENCRYPTED,
    ]


def test_code_is_entered_if_there_is_no_complete_url(
    log_in: Callable[..., int], server: AuthorizationServer, capsys: pytest.CaptureFixture[str]
) -> None:
    del server.device["verification_uri_complete"]
    assert log_in() == 0
    err = capsys.readouterr().err
    assert f"\n  {server.issuer}/activate\n\nand enter the code ABCD-EFGH\n" in err


def test_name_of_the_user_is_told(
    log_in: Callable[..., int], server: AuthorizationServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tokens["id_token"] = jwt(email="ada@h.example")
    assert log_in() == 0
    assert capsys.readouterr().out.startswith("stored the OAuth of ada@h.example for h.example in")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("h.example", "h.example"),
        ("*.h.example", "h.example"),
        ("https://h.example/acme", "h.example"),
        ("H.Example", "h.example"),
        ("repo.h.example", "repo.h.example"),
        ("h.example:8443", "h.example:8443"),
        ("h.example/acme", "h.example"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_key_of_a_login_has_no_wildcard(
    host: str, key: str, log_in: Callable[..., int], kept: Path
) -> None:
    assert log_in(host=host) == 0
    assert list(entries(kept)) == [key]


def test_options_reach_the_server(log_in: Callable[..., int], server: AuthorizationServer) -> None:
    words = ["--oauth-client-id", "me", "--oauth-scope", "a", "--oauth-scope", "b"]
    assert log_in(*words) == 0
    assert server.asked("/device") == [{"client_id": "me", "scope": "a b"}]


def test_scopes_are_those_of_rattler_by_default(
    log_in: Callable[..., int], server: AuthorizationServer
) -> None:
    assert log_in() == 0
    assert server.asked("/device")[0]["scope"] == "openid profile offline_access"


@pytest.mark.parametrize("flow", ["auth-code", "auto"])
def test_browser_is_opened_and_its_url_shown(
    flow: str,
    log_in: Callable[..., int],
    server: AuthorizationServer,
    browser: User,
    kept: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert log_in("--oauth-flow", flow) == 0
    browser.join()
    assert entries(kept)["h.example"]["OAuth"]["access_token"] == ACCESS
    err = capsys.readouterr().err
    assert f"\n\n  {server.issuer}/auth?response_type=code&" in err
    assert_no_secret(err)


def test_redirect_uri_is_the_one_of_the_option(
    log_in: Callable[..., int], server: AuthorizationServer, browser: User, recorder: Recorder
) -> None:
    from servers import Recorder as Another

    free = Another()
    free.stop()
    uri = f"http://127.0.0.1:{free.port}/auth/oidc"
    assert log_in("--oauth-flow", "auth-code", "--oauth-redirect-uri", uri) == 0
    browser.join()
    assert server.asked("/token")[0]["redirect_uri"] == uri


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_browser_is_started_if_a_variable_tells_of_one(
    variable: str, browser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    browser.browser = lambda _: True
    assert not oauth_login.Screen().open_browser("https://login.example/")
    monkeypatch.setenv(variable, "any")
    assert oauth_login.Screen().open_browser("https://login.example/")


@pytest.mark.skipif(os.name != "posix", reason="the script is a shell's")
def test_browser_is_given_the_url_and_no_secret(
    log_in: Callable[..., int],
    server: AuthorizationServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other users of the machine can read the arguments of a browser."""
    program, seen = tmp_path / "browser", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\n(echo "$@"; env) > {seen}.part; mv {seen}.part {seen}\n')
    program.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    user = User(server)

    def come_back() -> None:
        while not seen.exists():
            threading.Event().wait(0.05)
        user.come_back(seen.read_text().split("\n", 1)[0])

    threading.Thread(target=come_back, daemon=True).start()
    given = ["--oauth-client-id", "me", "--oauth-client-secret", "s3cret-client"]
    assert log_in("--oauth-flow", "auth-code", *given) == 0
    user.join()
    assert seen.read_text().startswith(f"{server.issuer}/auth?response_type=code&client_id=me&")
    verifier = server.asked("/token")[0]["code_verifier"]
    assert_no_secret(seen.read_text())
    assert_no_secret(seen.read_text(), secret=verifier)


def test_client_secret_is_read_from_standard_input_and_not_stored(
    log_in: Callable[..., int],
    server: AuthorizationServer,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cret-client\n"))
    assert log_in("--oauth-client-secret", "-") == 0
    assert server.asked("/token")[0]["client_secret"] == "s3cret-client"
    assert "s3cret-client" not in kept.read_text()
    out, err = capsys.readouterr()
    assert_no_secret(out, err)
    assert err.endswith(
        "authshim: this login cannot be renewed: "
        "that takes the client secret, which is not stored\n"
    )


def test_client_secret_is_asked_for_at_a_terminal(
    log_in: Callable[..., int], server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []
    server.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or "s3cret")
    assert log_in("--oauth-client-secret") == 0
    assert prompts == ["Client secret for h.example: "]
    assert server.asked("/token")[0]["client_secret"] == "s3cret"


def test_login_without_a_refresh_token_is_told(
    log_in: Callable[..., int], server: AuthorizationServer, capsys: pytest.CaptureFixture[str]
) -> None:
    del server.tokens["refresh_token"]
    assert log_in() == 0
    assert capsys.readouterr().err.endswith(
        "authshim: this login cannot be renewed: the server gave no refresh token\n"
    )


def test_denied_login_stores_nothing(
    log_in: Callable[..., int],
    server: AuthorizationServer,
    kept: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.recorder.on("/token", refuses(PENDING), refuses("access_denied"))
    assert log_in() == 1
    assert not kept.exists()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("authshim: error: the login was denied in the browser; nothing is stored\n")


def test_ctrl_c_stores_nothing(
    log_in: Callable[..., int], server: AuthorizationServer, kept: Path
) -> None:
    def interrupt(_seen: object) -> Answer:
        import _thread

        _thread.interrupt_main()
        return refuses(PENDING)

    server.recorder.on("/token", interrupt)
    assert log_in() == 130
    assert not kept.exists()


def test_login_that_cannot_be_stored_is_revoked(
    log_in: Callable[..., int], server: AuthorizationServer, home: Path
) -> None:
    (home / ".rattler").write_text("no folder")
    assert log_in() == 1
    assert [form["token"] for form in server.asked("/revoke")] == [REFRESH, ACCESS]


def test_revocation_that_fails_is_told_after_a_login_that_cannot_be_stored(
    log_in: Callable[..., int],
    server: AuthorizationServer,
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (home / ".rattler").write_text("no folder")
    server.recorder.on("/revoke", Answer(503))
    assert log_in() == 1
    err = capsys.readouterr().err
    assert f"the tokens could not be revoked at {server.issuer}/revoke: it answered HTTP 503" in err
    assert_no_secret(err)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--oauth", "--token", "s3cret"], "--token: cannot go together with --oauth"),
        (["--oauth", "--password", "s3cret"], "--password: goes together with --username"),
        (
            ["--oauth-issuer-url", "https://s3cret"],
            "--oauth-issuer-url: goes together with --oauth",
        ),
        (["--oauth-client-id", "s3cret"], "--oauth-client-id: goes together with --oauth"),
        (["--oauth-client-secret", "s3cret"], "--oauth-client-secret: goes together with --oauth"),
        (["--oauth-flow", "auto"], "--oauth-flow: goes together with --oauth"),
        (["--oauth-scope", "s3cret"], "--oauth-scope: goes together with --oauth"),
        (["--oauth-redirect-uri", "s3cret"], "--oauth-redirect-uri: goes together with --oauth"),
        (
            ["--oauth", "--oauth-issuer-url", "http://h.example"],
            "--oauth-issuer-url: it is not an https URL",
        ),
    ],
)
@pytest.mark.parametrize("host", ["h.example", "prefix.dev"])
def test_options_that_exclude_each_other_are_refused(
    host: str, words: list[str], sentence: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", host, *words]) == 2
    assert capsys.readouterr().err == f"authshim: error: {sentence}\n"
    assert not kept.exists()


# prefix.dev


@pytest.fixture
def prefix_dev(
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> AuthorizationServer:
    """An authorization server that is https://prefix.dev."""
    anywhere(tls_recorder, host="prefix.dev")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    return AuthorizationServer(tls_recorder, "https://prefix.dev")


@pytest.mark.parametrize("host", ["prefix.dev", "*.prefix.dev", "https://prefix.dev/acme"])
def test_prefix_dev_takes_oauth_without_a_method(
    host: str,
    prefix_dev: AuthorizationServer,
    kept: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["auth", "login", host]) == 0
    assert list(entries(kept)) == ["prefix.dev"]
    (form,) = prefix_dev.asked("/device")
    assert form == {
        "client_id": "rattler",
        "scope": "openid profile offline_access channel:read channel:upload",
    }
    (seen,) = [seen for seen in prefix_dev.recorder.seen if seen.path == "/device"]
    assert seen.host == "prefix.dev"
    err = capsys.readouterr().err
    assert err.startswith("no method was named: logging in by OAuth (--token takes a token)\n")


def test_subdomain_of_prefix_dev_is_its_own_issuer(
    prefix_dev: AuthorizationServer, anywhere: Names
) -> None:
    assert main(["auth", "login", "repo.prefix.dev"]) == 1
    assert anywhere.dialled == [("repo.prefix.dev", 443)]


def test_oauth_is_possible_at_a_host_of_another_method(
    log_in: Callable[..., int], kept: Path
) -> None:
    assert log_in(host="anaconda.org") == 0
    assert list(entries(kept)) == ["anaconda.org"]


def test_token_at_prefix_dev_replaces_a_login(
    log_in: Callable[..., int], recorder: Recorder, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(host="prefix.dev") == 0
    monkeypatch.setenv("PREFIX_DEV_API_URL", recorder.url)
    recorder.on("/api/graphql", Answer(200, b'{"data": {"viewer": {"login": "ada"}}}'))
    assert main(["auth", "login", "prefix.dev", "--token", "s3cret"]) == 0
    assert list(entries(kept)) == ["*.prefix.dev"]


# At a terminal


COUNT_DOWN = re.compile(rb"waiting for the browser, (\d+):(\d\d) left")


@pytest.mark.slow("two seconds go by at a terminal")
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="it has no terminal of its own")
def test_spinner_counts_down_at_a_terminal(server: AuthorizationServer, tmp_path: Path) -> None:
    server.device.update(interval=1, expires_in=3600)
    enough = threading.Event()
    server.recorder.on(
        "/token", lambda seen: server.give_tokens(seen) if enough.is_set() else refuses(PENDING)
    )
    ours, theirs = os.openpty()
    command = ["auth", "login", "h.example", "--oauth", "--oauth-issuer-url", server.issuer]
    environ = {**os.environ, "TERM": "xterm", "RATTLER_AUTH_FILE": str(tmp_path / "auth.json")}
    with subprocess.Popen(
        [sys.executable, "-m", "authshim", *command],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as login:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux's word for the end
                break
            if not piece:
                break
            shown += piece
            if len(set(COUNT_DOWN.findall(shown))) >= 2:
                enough.set()
        assert login.wait(60) == 0
    os.close(ours)
    left = [(int(minutes), int(seconds)) for minutes, seconds in COUNT_DOWN.findall(shown)]
    assert len(set(left)) >= 2
    assert left == sorted(left, reverse=True)
    assert_no_secret(shown.decode())


# Secrets


@pytest.mark.parametrize("flow", ["device-code", "auth-code"])
@pytest.mark.parametrize("verbose", ["-q", "-vv"])
def test_login_shows_and_logs_no_secret(
    verbose: str,
    flow: str,
    log_in: Callable[..., int],
    server: AuthorizationServer,
    browser: User,
    capfd: pytest.CaptureFixture[str],
    no_secret: Callable[..., None],
) -> None:
    server.tokens["id_token"] = jwt(sub="ada", nonce="other")
    for nonce in ("other", None):
        if nonce is None:
            del server.tokens["id_token"]
        words = ["--oauth-flow", flow, "--oauth-client-secret", "s3cret-client"]
        log_in(*words, verbose)
        browser.join()
    shown = capfd.readouterr()
    no_secret(*shown)
    forms = server.asked("/token")
    assert forms
    for form in forms:
        if "code_verifier" in form:
            no_secret(*shown, secret=form["code_verifier"])


@pytest.mark.parametrize("flow", ["device-code", "auth-code"])
def test_secrets_reach_the_token_endpoint_alone(
    flow: str, log_in: Callable[..., int], server: AuthorizationServer, browser: User
) -> None:
    assert log_in("--oauth-flow", flow) == 0
    browser.join()
    for seen in server.recorder.seen:
        if seen.path != "/token":
            assert_no_secret(seen.target, seen.body, str(seen.headers))
    (form,) = [form_of(seen) for seen in server.recorder.seen if seen.path == "/token"]
    assert CODE in form.values() or "s3cret-device" in form.values()


# A channel at repo.prefix.dev, to which that login is not sent


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "https://repo.prefix.dev/acme/noarch/repodata.json"],
        ["get", "https://repo.prefix.dev/acme/noarch/repodata.json"],
        ["check"],
    ],
    ids=lambda command: command[0],
)
def test_step_for_repo_prefix_dev_names_the_url_that_a_login_serves(
    command: list[str],
    prefix_dev: AuthorizationServer,
    tls_recorder: Recorder,
    anywhere: Names,
    capsys: pytest.CaptureFixture[str],
) -> None:
    anywhere(tls_recorder, host="repo.prefix.dev")
    tls_recorder.on("/acme/noarch/repodata.json", Answer(401))
    assert main(["auth", "login", "prefix.dev"]) == 0
    capsys.readouterr()
    with open("pixi.toml", "w", encoding="utf-8") as file:
        file.write('[workspace]\nchannels = ["https://repo.prefix.dev/acme"]\nplatforms = []\n')
    assert main(command) == 1
    assert (
        "-> authshim auth login prefix.dev --token   (the login for prefix.dev is for prefix.dev "
        "alone, in pixi too; or use https://prefix.dev/acme)\n"
    ) in "".join(capsys.readouterr())
