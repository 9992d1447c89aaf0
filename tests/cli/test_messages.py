"""The messages that users stumbled over, each as it reads now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_world import DEMO, HTML, SECRET, WHEEL, World, wants
from servers import CHALLENGE, Answer, Recorder

from authshim.errors import ProviderError, SettingsError

if TYPE_CHECKING:
    from servers import Authority

LOGIN = ["--username", "ada", "--password", SECRET]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A project with one index, which lets in whoever sends a credential."""
    world = World(request)
    world.recorder.default = wants()
    world.index()
    return world


def keep(world: World) -> None:
    """Keep a login in ~/c.json that the server rejects."""
    text = '{"127.0.0.1": {"BasicHTTP": {"username": "user", "password": "s3cret"}}}'
    (world.home / "c.json").write_text(text, encoding="utf-8")
    world.recorder.default = CHALLENGE


def test_step_names_the_auth_file(world: World) -> None:
    printed = world.run("check", "--auth-file", "c.json")
    assert "-> authshim auth login 127.0.0.1 --auth-file c.json --username USER" in printed


def test_step_names_the_port_of_two(world: World) -> None:
    other: Recorder = world.make_recorder()  # type: ignore[operator]
    world.project(f"{other.url}/simple", f"{world.url}/simple")
    assert f"-> authshim auth login 127.0.0.1:{world.recorder.port} " in world.run("check")


def test_step_unlocks_the_keychain(world: World) -> None:
    from authshim.providers.keychain_backends import LOCKED
    from authshim.providers.os_keychain import OSKeychain

    def is_locked(self: OSKeychain, *_: object) -> None:
        raise ProviderError(self.name, LOCKED)

    world.patch.delenv("PYTHON_KEYRING_BACKEND")
    world.patch.setattr(OSKeychain, "find", is_locked)
    assert "-> unlock the keychain, then try again" in world.run("check")


def test_step_mends_a_broken_file(world: World) -> None:
    world.netrc(f"machine 127.0.0.1\nlogin ada\npasswrd {SECRET}\n")
    assert "-> mend ~/.netrc line 3 first" in world.run("check")
    printed = world.run("explain", f"{world.url}/simple")
    assert "netrc ~/.netrc 127.0.0.1 not read: line 3 is broken" in printed
    words = "machine, default, login, password, account, macdef"
    assert f"~/.netrc: line 3: this word is none of {words};" in printed


def test_step_names_the_user_and_the_keyring_that_is_off(world: World) -> None:
    (world.home / ".pixi").mkdir()
    config = '[pypi-config]\nkeyring-provider = "disabled"\n'
    (world.home / ".pixi/config.toml").write_text(config, encoding="utf-8")
    world.project(f"{world.url.replace('://', '://ada@')}/simple")
    printed = world.run("check")
    assert "--username ada" in printed
    off = 'the keyring command is off: keyring-provider = "disabled" in ~/.pixi/config.toml:2'
    assert off in printed


def test_status_names_the_command_that_asks(world: World) -> None:
    printed = world.run("auth", "status")
    assert "the keyring command cannot be listed; try: authshim explain URL" in printed


def test_status_names_a_kind_that_only_the_keychain_knows(world: World) -> None:
    from authshim.providers.os_keychain import OSKeychain

    world.patch.delenv("PYTHON_KEYRING_BACKEND")
    world.patch.setattr(OSKeychain, "list", lambda _: {"h.example": None})
    assert "h.example (in the keychain)" in world.run("auth", "status")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chekc"], "error: no command 'chekc'; did you mean check?"),
        (
            ["check", "--mainfest-path", "x"],
            "error: check has no option --mainfest-path; did you mean --manifest-path?",
        ),
        (
            ["auth", "login", "127.0.0.1"],
            "error: say how: add --username NAME, --token, --conda-token or --oauth",
        ),
        (
            ["auth", "login", f"http://user:{SECRET}@127.0.0.1"],
            "error: say how: add --username user, --token, --conda-token or --oauth",
        ),
        (
            ["auth", "login", "h.example", "--token", f"{SECRET} "],
            "error: --token: it has a blank, and no token has one",
        ),
        (
            ["auth", "login", "h.example", "--token", f"Bearer {SECRET}"],
            "error: --token: leave out the word Bearer: authshim sends it by itself",
        ),
    ],
)
def test_mistake_in_the_command_line_is_named(words: list[str], said: str, world: World) -> None:
    printed = world.run(*words)
    assert printed.endswith(said)
    assert not printed.startswith("usage: authshim check") or words[0] == "check"


def test_token_names_what_a_host_has_instead(world: World) -> None:
    world.run("auth", "login", "127.0.0.1", *LOGIN)
    said = "127.0.0.1 has a username and password, and auth token prints tokens only"
    assert world.run("auth", "token", "127.0.0.1").endswith(f"error: {said}")


def test_login_names_the_credential_in_whose_place_it_stands(world: World) -> None:
    world.run("auth", "login", "127.0.0.1", "--token", SECRET)
    printed = world.run("auth", "login", "127.0.0.1", *LOGIN)
    assert "(in place of the BearerToken that was there)" in printed


def test_login_names_the_server_that_cannot_check_a_token(world: World) -> None:
    import socket

    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror

    world.patch.setattr("urllib3.util.connection.create_connection", resolve)
    said = "prefix.dev cannot be reached to check the token (its name is not known to DNS)"
    printed = world.run("auth", "login", "prefix.dev", "--token", SECRET)
    assert printed.endswith(f"error: nothing was stored: {said}")


@pytest.mark.parametrize("command", [["check"], ["get", "https://h.example/x"]])
def test_proxy_that_cannot_be_reached_is_named(command: list[str], world: World) -> None:
    world.patch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    world.project("https://h.example/simple")
    said = "the proxy http://127.0.0.1:1 (from HTTPS_PROXY) cannot be reached"
    assert said in world.run(*command)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT"])
def test_variable_that_requests_does_not_read_is_named(variable: str, world: World) -> None:
    authority: Authority = world.authority  # type: ignore[assignment]
    tls: Recorder = world.tls_recorder  # type: ignore[assignment]
    world.patch.setenv(variable, authority.file)
    import certifi

    world.patch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    world.project(f"{tls.url}/simple")
    assert f"{variable} is set, but requests reads REQUESTS_CA_BUNDLE" in world.run("check")


def test_manifest_without_a_workspace_is_named(world: World) -> None:
    Path("pixi.toml").write_text("[x]\n", encoding="utf-8")
    assert "pixi.toml: it has no [workspace], and no folder above has one" in world.run("check")
    Path("pixi.toml").unlink()
    assert world.run("check").startswith("authshim: error: there is no project of ")


def test_explain_says_would_be_sent(world: World) -> None:
    keep(world)
    auth_file = ["--auth-file", str(world.home / "c.json")]
    printed = world.run("explain", f"{world.url}/x", *auth_file)
    assert "would be sent: BasicHTTP(username='user', password=****)" in printed
    printed = world.run("get", f"{world.url}/x", *auth_file)
    assert (
        "(BasicHTTP(username='user', password=****) from auth file ~/c.json; HTTP 401)" in printed
    )


def test_missing_files_are_named(world: World) -> None:
    page = f'<a href="/files/{WHEEL}">demo</a>'.encode()
    world.recorder.default = Answer(200, page, HTML)
    world.recorder.on("/files/*", Answer(404))
    world.index(more=DEMO)
    said = f"let in, but its files are missing (HTTP 404 for {WHEEL})"
    assert said in world.run("check")


def test_scheme_that_does_not_fit_the_port_is_named(world: World) -> None:
    tls: Recorder = world.tls_recorder  # type: ignore[assignment]
    world.project(tls.url.replace("https", "http"))
    assert "it speaks https" in world.run("check")
    world.project(world.url.replace("http", "https"))
    assert "unreachable (it does not speak TLS;" in world.run("check")


def test_option_of_python_is_named_by_its_argument() -> None:
    import authshim

    with pytest.raises(SettingsError, match=r"^keyring_provider: expected "):
        authshim.Chain.from_environment(keyring_provider="none")
