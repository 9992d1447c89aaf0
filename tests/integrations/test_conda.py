"""The plugin of conda, called through pluggy by conda's hook specifications.

conda is not on PyPI. Its modules are fakes; CONTRIBUTING.rst tells how to try the plugin with the
real one.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable

import conda_fakes
import pytest
import requests
from leaks import assert_no_secret

from authshim import BasicHTTP
from authshim.integrations import conda as plugin

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder

ADA = BasicHTTP("ada", "s3cret").header
BOB = BasicHTTP("bob", "theirs").header


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a conda with these channels into the process."""
    channels: list[str] = []
    for name, module in conda_fakes.modules(channels).items():
        monkeypatch.setitem(sys.modules, name, module)
    for cached in (plugin._handler, plugin._chain):
        cached.cache_clear()
    return channels


@pytest.fixture(autouse=True)
def login(home: Path) -> None:
    path = home / ".rattler" / "credentials.json"
    path.parent.mkdir()
    ada = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}
    entries = {
        "h.example": ada,
        "127.0.0.1": ada,
        "netrc.example": ada,
        "t.example": {"BearerToken": "s3cret"},
        "c.example": {"CondaToken": "s3cret"},
    }
    path.write_text(json.dumps(entries))


@pytest.fixture
def hook() -> Any:
    manager = conda_fakes.manager()
    manager.register(plugin)
    manager.check_pending()
    return manager.hook


@pytest.fixture
def headers(hook: Any) -> Callable[..., list[str]]:
    """Ask for the headers of a request, as conda does."""

    def headers(host: str, path: str = "/channel/noarch/repodata.json") -> list[str]:
        answers = list(conda_fakes.all_items(hook.conda_request_headers(host=host, path=path)))
        assert all(answer.name == "Authorization" for answer in answers)
        return [answer.value for answer in answers]

    return headers


Headers = Callable[..., "list[str]"]


def test_request_headers_have_the_login_of_a_channel(channels: list[str], headers: Headers) -> None:
    channels += ["https://h.example/channel", "https://t.example/channel"]
    assert headers("h.example") == [ADA]
    assert headers("t.example") == ["Bearer s3cret"]


def test_request_headers_have_the_login_of_a_custom_channel(
    channels: list[str], headers: Headers
) -> None:
    custom = SimpleNamespace(base_urls=("https://h.example/channel",))
    sys.modules["conda.base.context"].context.custom_channels["acme"] = custom
    assert headers("h.example") == [ADA]


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("t.example", "/channel/noarch/repodata.json"),
        ("h.example:8443", "/channel/noarch/repodata.json"),
        ("h.example", "/other/noarch/repodata.json"),
        ("h.example", "/channel2/noarch/repodata.json"),
        ("h.example", "/channel/../other/repodata.json"),
        ("h.example@t.example", "/channel/noarch/repodata.json"),
        ("", "/channel/noarch/repodata.json"),
    ],
)
def test_request_headers_are_empty_outside_the_channels(
    host: str, path: str, channels: list[str], headers: Headers
) -> None:
    channels += ["https://h.example/channel"]
    assert headers(host, path) == []


@pytest.mark.parametrize("others", [[], ["https://h.example/channel"]])
def test_request_headers_are_empty_if_a_channel_is_http(
    others: list[str], channels: list[str], headers: Headers
) -> None:
    channels += ["http://h.example/channel", *others]
    assert headers("h.example") == []


def test_request_headers_serve_http_on_loopback(channels: list[str], headers: Headers) -> None:
    channels += ["http://127.0.0.1:8080/channel"]
    assert headers("127.0.0.1:8080") == [ADA]


def test_request_headers_hold_no_conda_token(channels: list[str], headers: Headers) -> None:
    channels += ["https://c.example/channel"]
    assert headers("c.example") == []


def test_request_headers_ignore_a_channel_of_files(channels: list[str], headers: Headers) -> None:
    channels += ["file:///opt/channel", "https://h.example/channel"]
    assert headers("h.example") == [ADA]


def test_request_headers_warn_of_a_broken_setting(
    channels: list[str],
    headers: Headers,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channels += ["https://h.example/channel"]
    monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", "soon")
    assert headers("h.example") == []
    assert caplog.messages[0].startswith("AUTHSHIM_KEYRING_TIMEOUT")


# the auth handler


@pytest.fixture
def handler(channels: list[str], hook: Any) -> Any:
    (item,) = conda_fakes.all_items(hook.conda_auth_handlers())
    assert item.name == "authshim"
    return item.handler("acme")


def prepared(url: str, handler: Any, **headers: str) -> requests.PreparedRequest:
    return requests.Request("GET", url, auth=handler, headers=headers).prepare()


def test_handler_puts_a_conda_token_into_the_url(handler: Any) -> None:
    request = prepared("https://c.example/channel/repodata.json", handler)
    assert request.url == "https://c.example/t/s3cret/channel/repodata.json"
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(("host", "header"), [("h.example", ADA), ("t.example", "Bearer s3cret")])
def test_handler_sets_the_header_of_other_logins(host: str, header: str, handler: Any) -> None:
    assert prepared(f"https://{host}/channel/", handler).headers["Authorization"] == header


def test_handler_keeps_the_token_in_a_url(handler: Any) -> None:
    url = "https://c.example/t/own/channel/"
    assert prepared(url, handler).url == url


def test_handler_keeps_the_header_of_condas_own_netrc(handler: Any, home: Path) -> None:
    netrc = home / ".netrc"
    netrc.write_text("machine netrc.example login bob password theirs\n")
    netrc.chmod(0o600)
    request = prepared("https://netrc.example/channel/", handler)
    assert request.headers["Authorization"] == BOB


def test_handler_keeps_condas_hook_for_proxies(handler: Any) -> None:
    request = prepared("https://h.example/channel/", handler)
    assert request.hooks["response"] == [handler.handle_407]


def test_handler_sends_nothing_over_http(handler: Any) -> None:
    request = prepared("http://h.example/channel/", handler)
    assert "Authorization" not in request.headers


def test_handler_adds_nothing_to_an_unknown_host(handler: Any) -> None:
    request = prepared("https://n.example/channel/", handler)
    assert request.url == "https://n.example/channel/"
    assert "Authorization" not in request.headers


def test_handler_is_known_by_its_channel_and_one_class(handler: Any, hook: Any) -> None:
    (again,) = conda_fakes.all_items(hook.conda_auth_handlers())
    assert (handler.channel_name, type(handler)) == ("acme", again.handler)


def test_handler_keeps_no_secret(handler: Any) -> None:
    prepared("https://h.example/channel/", handler)
    assert_no_secret(handler)


def test_header_does_not_follow_a_redirect_to_another_host(
    handler: Any, make_recorder: Callable[..., Recorder]
) -> None:
    from servers import Answer, redirect

    first, second = make_recorder(), make_recorder()
    first.on("/channel/", redirect(f"{second.url}/channel/"))
    second.on("/channel/", Answer())
    session = requests.Session()
    session.trust_env = False
    session.auth = handler
    session.get(f"{first.url}/channel/")
    assert [seen.authorization for seen in (*first.seen, *second.seen)] == [ADA, None]
