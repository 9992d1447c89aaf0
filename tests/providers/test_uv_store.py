from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Callable

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

import authshim
from authshim import files
from authshim.credentials import BasicHTTP, BearerToken
from authshim.errors import ProviderAmbiguous, ProviderError
from authshim.providers import url_logins
from authshim.providers.uv_store import UvStore
from authshim.urls import PREFIX, Key

if TYPE_CHECKING:
    from pathlib import Path

Write = Callable[[str], UvStore]


def entry(service: str, **fields: str) -> str:
    lines = [f'{name} = "{value}"\n' for name, value in {"service": service, **fields}.items()]
    return "".join(["[[credential]]\n", *lines])


def login(service: str, username: str = "ada", password: str = "s3cret") -> str:
    return entry(service, username=username, password=password)


def prefix(text: str) -> Key:
    return Key(text, PREFIX)


@pytest.fixture
def write(home: Path) -> Write:
    """Write uv's file where uv keeps it, and return its provider."""

    def write(content: str) -> UvStore:
        path = home / ".local/share/uv/credentials/credentials.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return UvStore(str(path))

    return write


class TestTheContract(ProviderContract):
    planted = {
        prefix("https://h.example"): BasicHTTP("ada", "s3cret-1"),
        prefix("https://h.example/acme"): BearerToken("s3cret-2"),
        prefix("http://h.example:8080/x"): BasicHTTP("bob", "s3cret-3"),
    }

    @pytest.fixture
    def provider(self, write: Write) -> UvStore:
        return write(
            login("https://H.example/", password="s3cret-1")
            + entry("https://h.example:443/acme/", scheme="bearer", token="s3cret-2")
            + login("http://h.example:8080/x", "bob", "s3cret-3")
        )


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("https://h.example/", "root"),
        ("https://h.example/acme", "ada"),
        ("https://h.example/acme/x?y", "ada"),
        ("https://h.example/acmex", "root"),
        ("https://h.example/ACME/x", "root"),
        ("https://h.example/acme/../x", "root"),
        ("https://h.example/x/..%2facme/y", "root"),
        ("https://h.example/acme/deep/x", "eve"),
        ("https://root@h.example/acme/x", "root"),
        ("https://bob@h.example/acme/x", None),
        ("https://sub.h.example/acme/x", None),
        ("https://h.example:8443/acme/x", None),
        ("http://h.example/acme/x", None),
    ],
)
def test_url_gets_the_login_of_its_longest_prefix(url: str, user: str | None, write: Write) -> None:
    write(
        login("https://h.example/acme")
        + login("https://h.example/", "root")
        + login("https://h.example/acme/deep", "eve")
    )
    found = authshim.Chain.from_environment(keyring_provider="disabled").find(url)
    assert (found and found.credential.username) == user


def test_several_logins_for_a_url_give_none(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    provider = write(login("https://h.example/acme") + login("https://h.example/acme/", "bob"))
    chain = authshim.Chain.from_environment()
    assert chain.find("https://h.example/acme/x") is None
    reason = "several logins for https://h.example/acme, so uv sends none; name the user in the URL"
    assert caplog.messages == [f"{provider.name}: lines 1 and 5: {reason}"]
    assert chain.find("https://bob@h.example/acme/x").credential == BasicHTTP("bob", "s3cret")


def test_several_logins_for_a_url_hide_a_shorter_one(write: Write) -> None:
    write(
        login("https://h.example/acme")
        + login("https://h.example/acme", "bob")
        + login("https://h.example/", "root")
    )
    assert authshim.Chain.from_environment().find("https://h.example/acme/x") is None


def test_last_login_of_a_user_counts(write: Write) -> None:
    provider = write(login("https://h.example/", password="old") + login("https://h.example/"))
    assert provider.find(prefix("https://h.example")) == BasicHTTP("ada", "s3cret")
    assert provider.place(prefix("https://h.example")) == "line 5"


def test_login_without_a_password_has_an_empty_one(write: Write) -> None:
    provider = write(entry("https://h.example/", username="ada"))
    assert provider.find(prefix("https://h.example")) == BasicHTTP("ada", "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (login("h.example"), "line 1: a service is not an absolute URL"),
        (entry("https://h.example/", password="s3cret"), "of the scheme basic has no username"),
        (entry("https://h.example/", username="a", token="s3cret"), "scheme basic has a token"),
        (
            entry("https://h.example/", scheme="bearer", token="s3cret", username="a"),
            "of the scheme bearer has a username",
        ),
        (entry("https://h.example/", scheme="bearer"), "of the scheme bearer has no token"),
        (entry("https://h.example/", scheme="s3cret", username="a"), "neither basic nor bearer"),
        ("[credential]\n", "credential is not an array of tables"),
        ("credential = [1]\n", "a credential is not a table"),
        ("[[credential]]\nusername = 's3cret'\n", "line 1: a credential has no service"),
        ("[[credential]]\nservice = 's3cret", "it is not valid TOML"),
        ("[[credential]]\nservice = 'https://h/'\nusername = 3\n", "a username is not text"),
        (login("https://h.example/", password="\\u0000s3cret"), "has a control character"),
    ],
)
def test_bad_entry_breaks_the_whole_file(content: str, reason: str, write: Write) -> None:
    can_follow = content.startswith("[[") and content.endswith("\n")
    provider = write(content + login("https://good.example/") * can_follow)
    with pytest.raises(ProviderError) as caught:
        provider.find(prefix("https://good.example"))
    assert reason in str(caught.value)
    assert_sentences([str(caught.value)])
    assert_no_secret(caught.value)


def test_explain_tells_why_a_file_is_not_read(write: Write) -> None:
    provider = write(login("h.example"))
    steps = authshim.Chain.from_environment().explain("https://h.example/acme").steps
    said = [step.said for step in steps if step.provider == provider.name]
    assert said == [f"cannot read {provider.name}: line 1: a service is not an absolute URL"]


def test_explain_tells_the_line_of_a_login(write: Write) -> None:
    provider = write("\n" + login("https://h.example/"))
    steps = authshim.Chain.from_environment().explain("https://h.example/acme").steps
    said = [step.said for step in steps if step.provider == provider.name]
    assert said == ["BasicHTTP(username='ada', password=****) (line 2)"]


def test_services_that_are_no_http_are_left_out(write: Write) -> None:
    provider = write(login("ftp://h.example/") + login("https://h.example/"))
    assert list(provider.path_keys()) == ["https://h.example"]


def test_missing_file_has_no_logins_and_makes_no_lock(tmp_path: Path) -> None:
    provider = UvStore(str(tmp_path / "credentials.toml"))
    assert provider.entries() == []
    assert list(tmp_path.iterdir()) == []


def test_file_is_read_after_its_writer_releases_the_lock(write: Write) -> None:
    provider = write(login("https://h.example/")[:30])
    with files.locked(provider.path, 5):
        found: list[object] = []
        reader = threading.Thread(target=lambda: found.extend(provider.entries()), daemon=True)
        reader.start()
        write(login("https://h.example/"))
    reader.join(20)
    assert len(found) == 1


def test_file_that_stays_locked_is_broken(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = write(login("https://h.example/"))
    monkeypatch.setattr("authshim.providers.uv_store.MAX_LOCK_SECONDS", 0.05)
    with files.locked(provider.path, 5), pytest.raises(ProviderError, match="holds"):
        provider.entries()


@pytest.fixture
def file_of_root(open_folder: Path) -> Path:
    path = open_folder / "credentials.toml"
    path.write_text(login("https://h.example/"))
    return path


def test_file_beside_which_no_lock_can_be_made_is_read(file_of_root: Path, nobody: None) -> None:
    if os.geteuid() == file_of_root.stat().st_uid:
        file_of_root.parent.chmod(0o555)
    assert len(UvStore(str(file_of_root)).entries()) == 1
    assert [path.name for path in file_of_root.parent.iterdir()] == [file_of_root.name]


def test_logins_behind_the_limit_are_left_out(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url_logins, "MAX_URL_LOGINS", 2)
    provider = write("".join(login(f"https://h{number}.example/") for number in range(4)))
    assert len(provider.entries()) == 2
    assert provider.problems == [f"{provider.name}: it has more than 2 logins"]


def test_place_of_several_logins_is_ambiguous(write: Write) -> None:
    provider = write(login("https://h.example/") + login("https://h.example/", "bob"))
    with pytest.raises(ProviderAmbiguous):
        provider.place(prefix("https://h.example"))


def test_new_login_is_seen_while_the_program_runs(write: Write) -> None:
    chain = authshim.Chain.from_environment()
    assert chain.find("https://h.example/") is None
    write(login("https://h.example/"))
    chain.forget()
    assert chain.find("https://h.example/").credential == BasicHTTP("ada", "s3cret")


def test_netrc_comes_before_the_store(write: Write, home: Path) -> None:
    write(login("https://h.example/acme"))
    (home / ".netrc").write_text("machine h.example login zoe password p\n")
    found = authshim.Chain.from_environment().find("https://h.example/acme")
    assert found.credential == BasicHTTP("zoe", "p")


def test_override_file_switches_the_store_off(
    write: Write, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(login("https://h.example/"))
    (home / "own.json").write_text("{}")
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(home / "own.json"))
    assert authshim.Chain.from_environment().find("https://h.example/") is None


@pytest.mark.parametrize("unlocked", [True, False])
def test_folder_in_place_of_the_file_is_an_error(
    unlocked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if unlocked:
        monkeypatch.setattr(files, "lock_is_symlink", lambda target: True)
    folder = tmp_path / "credentials.toml"
    folder.mkdir()
    with pytest.raises(ProviderError, match=r"regular file|is a directory|permission denied"):
        UvStore(str(folder)).entries()
