from __future__ import annotations

from typing import TYPE_CHECKING, Callable
from urllib.parse import quote_plus

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

import authshim
from authshim.credentials import CondaToken
from authshim.providers import conda_tokens
from authshim.providers.conda_tokens import CondaTokens
from authshim.urls import PREFIX, Key

if TYPE_CHECKING:
    from pathlib import Path

CONDA, CLIENT = ".config/binstar", ".continuum/anaconda-client/tokens"
CHANNELS = Key("https://conda.anaconda.org", PREFIX)

Write = Callable[..., CondaTokens]


@pytest.fixture
def write(home: Path) -> Write:
    """Write a token file for a URL, and return the provider of both folders."""

    def write(url: str = "https://api.anaconda.org", token: str = "s3cret", *, to: str = CONDA):
        name = url if url.endswith(".token") else f"{quote_plus(url)}.token"
        path = home / to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(token)
        return CondaTokens([str(home / CONDA), str(home / CLIENT)])

    return write


class TestTheContract(ProviderContract):
    planted = {
        CHANNELS: CondaToken("s3cret-1"),
        Key("https://repo.anaconda.cloud/repo", PREFIX): CondaToken("s3cret-2"),
        Key("https://h.example:8443/conda/x", PREFIX): CondaToken("s3cret-3"),
    }

    @pytest.fixture
    def provider(self, write: Write) -> CondaTokens:
        write(token="s3cret-1\n")
        write("https://repo.anaconda.cloud/repo/", "s3cret-2")
        return write("https://h.example:8443/api/x", " s3cret-3 ", to=CLIENT)


def sent_to(url: str) -> object:
    found = authshim.Chain.from_environment(keyring_provider="disabled").find(url)
    return found and found.credential


def test_token_goes_to_the_channels(write: Write) -> None:
    write()
    assert sent_to("https://conda.anaconda.org/acme/noarch/repodata.json") == CondaToken("s3cret")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anaconda.org/user",
        "https://anaconda.org/acme",
        "http://conda.anaconda.org/acme",
        "https://conda.anaconda.org:8443/acme",
        "https://conda.anaconda.org/t/tk-other/acme/noarch/repodata.json",
        "https://sub.conda.anaconda.org/acme",
    ],
)
def test_token_goes_nowhere_else(url: str, write: Write) -> None:
    write()
    assert sent_to(url) is None


def test_declared_index_gets_no_token(write: Write, tmp_path: Path) -> None:
    write("https://h.example")
    manifest = tmp_path / "pixi.toml"
    manifest.write_text(
        "[workspace]\nchannels = []\nplatforms = []\n"
        '[pypi-options]\nindex-url = "https://h.example/simple"\n'
    )
    chain = authshim.Chain.from_environment(manifest=manifest)
    assert chain.find("https://h.example/simple/demo/") is None


def test_folder_of_conda_comes_first(write: Write) -> None:
    write(token="s3cret-client", to=CLIENT)
    provider = write(token="s3cret-conda")
    assert provider.find(CHANNELS) == CondaToken("s3cret-conda")
    assert provider.place(CHANNELS).endswith(f"{CONDA}/https%3A%2F%2Fapi.anaconda.org.token")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("https://ada:s3cret@h.example/", "a user, a token or a query"),
        ("https://h.example/t/s3cret/x", "a user, a token or a query"),
        ("https://h.example/?s3cret", "a user, a token or a query"),
        ("http://h.example/", "its name is not an https URL"),
        ("h.example", "its name is not the URL of a server"),
        ("https://h.example:port/", "its name is"),
        ("https://h.example/\n", "its name is"),
        ("https%3A:h.example.token", "its name is not a quoted URL"),
        ("https%3A%2F%2Fh\udcff.example.token", "its name is not a quoted URL"),
    ],
)
def test_name_that_is_no_plain_url_is_a_problem(name: str, reason: str, write: Write) -> None:
    provider = write(name)
    assert provider.entries() == []
    (problem,) = provider.problems
    assert reason in problem
    assert_sentences([problem])


@pytest.mark.parametrize("token", ["", " \n", "s3cret\nx", "s3crét", "s3cret" * 20_000])
def test_file_that_holds_no_token_is_a_problem(token: str, write: Write) -> None:
    provider = write(token=token)
    assert provider.entries() == []
    assert len(provider.problems) == 1
    assert_no_secret(provider.problems)


def test_other_files_are_left_alone(write: Write, home: Path) -> None:
    provider = write("https%3A%2F%2Fh.example.token")
    (home / CONDA / "config.yaml").write_text("s3cret")
    (home / CONDA / "https%3A%2F%2Fg.example.token").mkdir()
    assert list(provider.path_keys()) == ["https://h.example", "https://h.example/t"]
    assert len(provider.problems) == 1


def test_files_behind_the_limit_are_left_out(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conda_tokens, "MAX_TOKEN_FILES", 2)
    for number in range(4):
        provider = write(f"https://h{number}.example")
    assert len(provider.entries()) == 2


def test_version_changes_with_a_file(write: Write) -> None:
    provider = write()
    before = provider.version()
    write(token="s3cret-new")
    assert provider.version() != before
    write("https://h.example")
    assert len({str(before), str(provider.version())}) == 2


@pytest.mark.parametrize("named", [True, False])
def test_variable_names_the_folder(
    named: bool, write: Write, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(to="own/data")
    if named:
        monkeypatch.setenv("BINSTAR_CONFIG_DIR", str(home / "own"))
    found = sent_to("https://conda.anaconda.org/acme")
    assert found == (CondaToken("s3cret") if named else None)


def test_bad_file_is_logged_if_another_url_is_looked_up(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    provider = write(token="")
    assert sent_to("https://other.example/") is None
    assert caplog.messages == [
        f"{provider.folders[0]}: a token file for api.anaconda.org: it is empty"
    ]
