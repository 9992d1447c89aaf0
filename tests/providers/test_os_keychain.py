from __future__ import annotations

import json
import pickle
import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Callable

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

from authshim.credentials import BasicHTTP, BearerToken
from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.credential_manager import CredentialManager
from authshim.providers.os_keychain import OSKeychain
from authshim.urls import HOST, WILDCARD, Key

ENTRIES: dict[str, dict[str, str]] = {"contract": {}}
"""Kept outside of the fake, so that it pickles without secrets."""


class FakeKeychain:
    """A back end in memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_password(self, service: str, username: str) -> str | None:
        return ENTRIES[self.name].get(username) if service == "rattler" else None


class Failing:
    """A back end that fails, or does whatever it is given to do."""

    def __init__(self, answer: Callable[[str], object]) -> None:
        self.asked: list[str] = []
        self.answer = answer

    def get_password(self, service: str, username: str) -> object:
        self.asked.append(username)
        return self.answer(username)


def raising(error: BaseException) -> Failing:
    def answer(_: str) -> object:
        raise error

    return Failing(answer)


def error_of(keychain: OSKeychain) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        keychain.find("h.example")
    assert_no_secret(caught.value, keychain)
    return caught.value


class TestContract(ProviderContract):
    planted = {
        Key("h.example", HOST): BearerToken("s3cret-1"),
        Key("*.wild.example", WILDCARD): BasicHTTP("ada", "s3cret-2"),
    }

    @pytest.fixture
    def provider(self) -> OSKeychain:
        ENTRIES["contract"] = {
            str(key): json.dumps(kept.to_json()) for key, kept in self.planted.items()
        }
        return OSKeychain(backend=FakeKeychain("contract"))


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("s3cret", "is not JSON"),
        ("", "is not JSON"),
        ('{"BearerToken": "s3cret', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('"s3cret"', "is not one credential"),
        ('{"Magic": "s3cret"}', "is of a kind that authshim does not know"),
        ('{"BasicHTTP": {"username": "s3cret"}}', "is a BasicHTTP without password"),
        (b"s3cret\xff", "is not JSON"),
        (object(), "is not JSON"),
    ],
)
def test_bad_entry_is_skipped_alone(secret: object, why: str) -> None:
    good = '{"BearerToken": "s3cret"}'
    keychain = OSKeychain(backend=Failing(lambda key: secret if key == "bad.example" else good))
    assert keychain.find("bad.example") is None
    assert keychain.find("bad.example") is None
    assert keychain.find("h.example") == BearerToken("s3cret")
    assert keychain.problems == [f"OS keychain: bad.example: {why}"]
    assert_sentences(keychain.problems)


def test_secret_that_is_not_text_is_skipped_alone() -> None:
    keychain = OSKeychain(backend=Failing(lambda key: b"s3cret\xff".decode("utf-8")))
    assert keychain.find("h.example") is None
    assert_sentences(keychain.problems)


def test_refresh_drops_the_problems() -> None:
    keychain = OSKeychain(backend=Failing(lambda key: "{"))
    keychain.find("h.example")
    keychain.refresh()
    assert keychain.problems == []


class PanicException(BaseException):
    """Like the one that cryptography's Rust raises."""


@pytest.mark.parametrize(
    "error", [OSError("s3cret"), RuntimeError("s3cret"), PanicException("s3cret"), SystemExit(3)]
)
def test_error_of_a_back_end_hides_its_message(error: BaseException) -> None:
    found = error_of(OSKeychain(backend=raising(error)))
    assert str(found) == f"cannot read OS keychain: its back end failed ({type(error).__name__})"
    assert found.__cause__ is found.__context__ is None


def test_back_end_that_failed_is_asked_again() -> None:
    backend = raising(OSError())
    keychain = OSKeychain(backend=backend)
    error_of(keychain)
    backend.answer = lambda key: None
    assert keychain.find("h.example") is None


def test_locked_keychain_is_asked_once_until_refresh() -> None:
    from keyring.errors import KeyringLocked

    backend = raising(KeyringLocked("s3cret"))
    keychain = OSKeychain(backend=backend)
    errors = [error_of(keychain), error_of(keychain)]
    assert [error.reason for error in errors] == ["it is locked: unlock it and try again"] * 2
    assert backend.asked == ["h.example"]
    keychain.refresh()
    error_of(keychain)
    assert len(backend.asked) == 2


def test_keychain_that_never_answers_is_left_alone_until_refresh() -> None:
    asked, release = threading.Event(), threading.Event()
    backend = Failing(lambda key: asked.set() or (release.wait(60) and None))
    keychain = OSKeychain(backend=backend, deadline=0.05)
    assert str(error_of(keychain)) == "cannot read OS keychain: it did not answer in time"
    assert asked.wait(60)
    keychain.deadline = 60
    error_of(keychain)
    assert backend.asked == ["h.example"]
    release.set()
    keychain.refresh()
    assert keychain.find("h.example") is None


def test_keychain_is_missing_if_there_is_no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("secretstorage")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    error = error_of(OSKeychain(platform="linux"))
    assert isinstance(error, ProviderMissing)
    assert str(error) == "no OS keychain here: there is no D-Bus session"


def test_missing_keychain_is_opened_again_after_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setitem(sys.modules, "secretstorage", None)
    keychain = OSKeychain(platform="linux")
    assert error_of(keychain).reason == "the Python package secretstorage cannot be imported"
    plant_windows(monkeypatch, {})
    keychain.platform = "win32"
    assert isinstance(error_of(keychain), ProviderMissing)
    keychain.refresh()
    assert keychain.find("h.example") is None


@pytest.mark.skipif(sys.platform == "darwin", reason="here it is")
def test_macos_keychain_is_missing_elsewhere() -> None:
    assert isinstance(error_of(OSKeychain(platform="darwin")), ProviderMissing)


def test_keyring_is_not_imported_before_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("keyring", "secretstorage", "keyring.backends.macOS"):
        monkeypatch.setitem(sys.modules, name, None)
    assert pickle.loads(pickle.dumps(OSKeychain(platform="darwin", deadline=3))).deadline == 3


# Windows: a fake of the module that keyring itself uses.


class CredReadError(Exception):
    def __init__(self, winerror: int) -> None:
        super().__init__(winerror, "CredRead", "s3cret")
        self.winerror = winerror


def plant_windows(monkeypatch: pytest.MonkeyPatch, kept: dict[str, bytes]) -> None:
    def read(*, Type: int, TargetName: str) -> dict[str, object]:  # noqa: N803 - Windows' names
        assert Type == 1
        if TargetName not in kept:
            raise CredReadError(1168)
        return {"UserName": "h.example", "CredentialBlob": kept[TargetName]}

    package = ModuleType("win32ctypes.pywin32")
    modules = {
        "win32ctypes": ModuleType("win32ctypes"),
        "win32ctypes.pywin32": package,
        "win32ctypes.pywin32.win32cred": SimpleNamespace(CredRead=read, CRED_TYPE_GENERIC=1),
        "win32ctypes.pywin32.pywintypes": SimpleNamespace(error=CredReadError),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-8"])
def test_windows_target_is_the_host_and_the_service(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    entry = json.dumps({"BasicHTTP": {"username": "ada", "password": "s3crét"}}, ensure_ascii=False)
    plant_windows(monkeypatch, {"h.example.rattler": entry.encode(encoding)})
    keychain = OSKeychain(platform="win32")
    assert keychain.find("h.example") == BasicHTTP("ada", "s3crét")
    assert keychain.find("other.example") is None


def test_other_windows_errors_are_no_miss() -> None:
    def read(**_: object) -> None:
        raise CredReadError(5)

    manager = CredentialManager(SimpleNamespace(CredRead=read, CRED_TYPE_GENERIC=1), CredReadError)
    assert error_of(OSKeychain(backend=manager)).reason == "its back end failed (CredReadError)"


def test_windows_without_its_packages_has_no_keychain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("win32ctypes", "win32cred", "pywintypes"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(error_of(OSKeychain(platform="win32")), ProviderMissing)
