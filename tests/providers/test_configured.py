from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

import authshim
from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError
from authshim.lookup.user_indexes import UserIndexes
from authshim.providers.configured import ConfiguredLogins
from authshim.urls import PREFIX, Key

if TYPE_CHECKING:
    from pathlib import Path

PIP, UV = ".config/pip/pip.conf", ".config/uv/uv.toml"
Write = Callable[..., ConfiguredLogins]


@pytest.fixture
def write(home: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file of the configuration, and return the provider."""
    monkeypatch.delenv("PIP_CONFIG_FILE")

    def write(text: str = "", to: str = PIP) -> ConfiguredLogins:
        path = home / to
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return ConfiguredLogins(UserIndexes())

    return write


def pip(*urls: str) -> str:
    lines = "".join(f"    {url}\n" for url in urls)
    return f"[global]\nextra-index-url =\n{lines}"


def sent_to(url: str, manifest: object = None) -> object:
    chain = authshim.Chain.from_environment(keyring_provider="disabled", manifest=manifest)
    found = chain.find(url)
    return found and found.credential


class TestTheContract(ProviderContract):
    planted = {
        Key("https://h.example/acme", PREFIX): BasicHTTP("ada", "s3cret-1"),
        Key("https://h.example/simple", PREFIX): BasicHTTP("bob", "s3cret@2"),
        Key("https://u.example:8443/x", PREFIX): BasicHTTP("eve", "s3cret-3"),
    }

    @pytest.fixture
    def provider(self, write: Write) -> ConfiguredLogins:
        write('[[index]]\nurl = "https://eve:s3cret-3@u.example:8443/x/+simple/"\n', UV)
        return write(
            pip("https://ada:s3cret-1@h.example/acme/simple/")
            + "[install]\nindex-url = https://bob:s3cret%402@h.example/simple/\n"
        )


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("https://h.example/acme/simple/demo/", "ada"),
        ("https://h.example/acme/files/demo.whl", "ada"),
        ("https://h.example/acme2/", None),
        ("https://h.example/", None),
        ("http://h.example/acme/simple/", None),
        ("https://r.example/simple/demo/", "root"),
        ("https://r.example/packages/demo.whl", None),
        ("https://n.example/simple/", None),
    ],
)
def test_login_of_an_index_goes_to_its_own_root(url: str, user: str | None, write: Write) -> None:
    write(
        pip(
            "https://ada:s3cret@h.example/acme/simple/",
            "https://root:s3cret@r.example/simple/",
            "https://bob@n.example/simple/",
        )
    )
    assert sent_to(url) == (user and BasicHTTP(user, "s3cret"))


def test_login_serves_in_a_pixi_project_too(write: Write, tmp_path: Path) -> None:
    write(pip("https://ada:s3cret@h.example/acme/simple/"))
    manifest = tmp_path / "pixi.toml"
    manifest.write_text("[workspace]\nchannels = []\nplatforms = []\n")
    assert sent_to("https://h.example/acme/simple/", manifest) == BasicHTTP("ada", "s3cret")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_INDEX_URL", "https://ada:s3cret@h.example/acme/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://x.example/ https://ada:s3cret@h.example/acme/simple"),
        ("UV_DEFAULT_INDEX", "https://ada:s3cret@h.example/acme/simple"),
        ("UV_INDEX", "own=https://ada:s3cret@h.example/acme/simple"),
    ],
)
def test_variable_has_a_login(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert sent_to("https://h.example/acme/x") == BasicHTTP("ada", "s3cret")
    (login,) = ConfiguredLogins(UserIndexes()).entries()
    assert login.place == name


def test_variables_of_a_name_are_the_login_of_its_index(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = write('[[index]]\nname = "acme"\nurl = "https://h.example/acme/simple"\n', UV)
    monkeypatch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    monkeypatch.setenv("UV_INDEX_ACME_PASSWORD", "s3cret")
    (login,) = provider.entries()
    assert login == ("https://h.example/acme", BasicHTTP("ada", "s3cret"), "UV_INDEX_ACME_PASSWORD")


def test_index_that_never_gets_a_login_gets_none(write: Write) -> None:
    index = '[[index]]\nurl = "https://ada:s3cret@h.example/a/simple"\nauthenticate = "never"\n'
    assert write(index, UV).entries() == []


def test_file_of_pip_comes_before_one_of_uv(write: Write, home: Path) -> None:
    write('[[index]]\nurl = "https://eve:s3cret@h.example/acme/simple"\n', UV)
    provider = write(pip("https://ada:s3cret@h.example/acme/simple"))
    assert [login.credential.username for login in provider.entries()] == ["ada", "eve"]
    assert provider.place("https://h.example/acme") == f"{home / PIP}:3"


def test_placeholder_is_a_problem(write: Write) -> None:
    provider = write(pip("https://ada:${TOKEN}@h.example/acme/simple"))
    assert provider.entries() == []
    assert_sentences(provider.problems)
    assert "the password is not filled in" in provider.problems[0]


def test_malformed_file_of_pip_costs_no_login_of_uv(write: Write) -> None:
    write("[global\nindex-url = https://ada:s3cret@h.example/", PIP)
    provider = write('[[index]]\nurl = "https://eve:s3cret@h.example/u/simple"\n', UV)
    assert [login.key for login in provider.entries()] == ["https://h.example/u"]
    assert len(provider.problems) == 1
    assert_sentences(provider.problems)


def test_malformed_variable_breaks_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX", "https://ada:s3cret@ /x")
    with pytest.raises(ProviderError) as caught:
        ConfiguredLogins(UserIndexes()).entries()
    assert_no_secret(caught.value)


def test_configuration_without_a_login_imports_no_reader(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = write(pip("https://h.example/simple"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://h.example/simple")
    monkeypatch.setitem(__import__("sys").modules, "authshim.project.pip", None)
    assert provider.entries() == []


def test_version_changes_with_a_file(write: Write) -> None:
    provider = write()
    before = provider.version()
    write("x = 1\n", UV)
    assert provider.version() != before


def test_problem_is_logged_once_outside_of_a_project(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(pip("https://ada:s3cret@", "https://ada:s3cret@h.example/acme/simple"))
    manifest = authshim.Manifest.of_user()
    chain = authshim.Chain.from_environment(manifest=manifest)
    chain.find("https://h.example/acme")
    assert len([message for message in caplog.messages if "it has no host" in message]) == 1


def test_file_that_cannot_be_read_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE")
    (home / PIP).mkdir(parents=True)
    provider = ConfiguredLogins(UserIndexes())
    assert provider.entries() == []
    assert len(provider.problems) == 1


def test_reader_takes_the_variables_that_it_is_given() -> None:
    environ = {"UV_INDEX": "https://ada:s3cret@h.example/a/simple", "PIP_CONFIG_FILE": os.devnull}
    (login,) = ConfiguredLogins(UserIndexes(environ)).entries()
    assert login.key == "https://h.example/a"
