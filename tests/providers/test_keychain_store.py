"""The keychain as a store, on fakes of Windows' and macOS' own modules.

tests/interop/test_login.py has a real keychain.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret
from store_contract import EVERY_KIND, StoreContract

from authshim.credentials import BearerToken
from authshim.errors import ProviderError, ProviderMissing, ProviderUnlisted, StoreError
from authshim.providers.keychain_backends import SecretService
from authshim.providers.os_keychain import OSKeychain

if TYPE_CHECKING:
    from authshim.providers.base import Store

TOKEN = BearerToken("s3cret")


# Linux: a fake of secretstorage, with a keychain that merges a new item into the one it replaces.


class FakeItem:
    def __init__(self, label: str, attributes: dict[str, str], secret: bytes) -> None:
        self.item_path, self.label, self.attributes, self.secret = (
            f"/{id(self)}",
            label,
            attributes,
            secret,
        )

    def get_attributes(self) -> dict[str, str]:
        return self.attributes

    def set_attributes(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes

    def set_label(self, label: str) -> None:
        self.label = label


class Merging:
    """What is used of secretstorage."""

    def __init__(self, item: FakeItem) -> None:
        self.item = item

    def dbus_init(self) -> SimpleNamespace:
        return SimpleNamespace(close=lambda: None)

    def get_collection_by_alias(self, connection: object, alias: str) -> Merging:
        return self

    def create_item(
        self, label: str, attributes: dict[str, str], secret: bytes, *, replace: bool
    ) -> FakeItem:
        self.item.attributes.update(attributes)
        self.item.secret = secret
        return self.item

    def search_items(self, connection: object, attributes: dict[str, str]) -> list[FakeItem]:
        return [SimpleNamespace(is_locked=lambda: False, item_path=self.item.item_path)]


def test_linux_item_loses_the_attributes_of_another_program() -> None:
    name = {"service": "rattler", "username": "h.example"}
    item = FakeItem(
        "Password for h.example", {**name, "application": "Python keyring library"}, b"old"
    )
    SecretService(Merging(item)).set_password("rattler", "h.example", "new")
    assert (item.attributes, item.label, item.secret) == (name, "keyring:h.example@rattler", b"new")


# Windows: a fake of the module that keyring itself uses.


class Win32Error(Exception):
    def __init__(self, winerror: int) -> None:
        super().__init__(winerror, "s3cret")
        self.winerror = winerror


class FakeWin32:
    """The credentials of one user, as win32cred shows them."""

    CRED_TYPE_GENERIC, CRED_PERSIST_ENTERPRISE = 1, 3

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}

    # Windows' names:
    def CredRead(self, *, Type: int, TargetName: str) -> dict[str, object]:  # noqa: N803
        return self._of(TargetName)

    def CredWrite(self, credential: dict[str, object], flags: int) -> None:
        blob = str(credential["CredentialBlob"]).encode("utf-16-le")
        if len(blob) > 2560:
            raise Win32Error(1783)
        self.kept[str(credential["TargetName"])] = {**credential, "CredentialBlob": blob}

    def CredDelete(self, TargetName: str, Type: int) -> None:  # noqa: N803
        self._of(TargetName)
        del self.kept[TargetName]

    def CredEnumerate(self, pattern: None, flags: int) -> list[dict[str, object]]:
        if not self.kept:
            raise Win32Error(1168)
        return list(self.kept.values())

    def _of(self, target: str) -> dict[str, object]:
        if target not in self.kept:
            raise Win32Error(1168)
        return self.kept[target]


@pytest.fixture
def win32(monkeypatch: pytest.MonkeyPatch) -> FakeWin32:
    fake = FakeWin32()
    modules = {
        "win32ctypes": ModuleType("win32ctypes"),
        "win32ctypes.pywin32": ModuleType("win32ctypes.pywin32"),
        "win32ctypes.pywin32.win32cred": fake,
        "win32ctypes.pywin32.pywintypes": SimpleNamespace(error=Win32Error),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return fake


class TestWindows(StoreContract):
    @pytest.fixture
    def store(self, win32: FakeWin32) -> Store:
        return OSKeychain(platform="win32")


def test_windows_entry_has_the_target_of_rattler(win32: FakeWin32) -> None:
    OSKeychain(platform="win32").save("*.h.example", TOKEN)
    assert win32.kept == {
        "*.h.example.rattler": {
            "Type": 1,
            "TargetName": "*.h.example.rattler",
            "UserName": "*.h.example",
            "CredentialBlob": '{"BearerToken": "s3cret"}'.encode("utf-16-le"),
            "Persist": 3,
        }
    }


def test_windows_entries_of_other_programs_are_not_listed(win32: FakeWin32) -> None:
    win32.kept["git:https://h.example"] = {"Type": 1, "TargetName": "git:https://h.example"}
    win32.kept["d.rattler"] = {"Type": 2, "TargetName": "d.rattler"}
    assert dict(OSKeychain(platform="win32").list()) == {}


def test_windows_reports_a_secret_that_is_too_long(win32: FakeWin32) -> None:
    with pytest.raises(
        StoreError, match=r"this is more than the Credential Manager takes"
    ) as caught:
        OSKeychain(platform="win32").save("h.example", BearerToken("s3cret" * 500))
    assert_no_secret(caught.value)


ASKS = {
    "find": lambda store: store.find("h.example"),
    "save": lambda store: store.save("h.example", TOKEN),
    "forget": lambda store: store.forget("h.example"),
    "list": lambda store: store.list(),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_windows_error_hides_the_message_of_the_system(
    ask: Callable[[OSKeychain], object], win32: FakeWin32, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise Win32Error(5)

    for name in ("CredRead", "CredWrite", "CredDelete", "CredEnumerate"):
        monkeypatch.setattr(win32, name, denied)
    with pytest.raises(ProviderError) as caught:
        ask(OSKeychain(platform="win32"))
    assert_no_secret(caught.value)


# macOS: keyring's own back end, on a fake of the module below it.


class FakeSecurity:
    """A keychain search list: an account may be in more than one keychain."""

    class Error(Exception):
        pass

    class NotFound(Error):
        pass

    class KeychainDenied(Error):
        pass

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str]] = []

    def find_generic_password(self, keychain: None, service: str, account: str) -> str:
        found = [secret for *name, secret in self.kept if name == [service, account]]
        if not found:
            raise self.NotFound
        return found[0]

    def set_generic_password(self, keychain: None, service: str, account: str, secret: str) -> None:
        self.kept.append((service, account, secret))

    def delete_generic_password(self, keychain: None, service: str, account: str) -> None:
        self.kept.remove((service, account, self.find_generic_password(None, service, account)))


@pytest.fixture
def security(monkeypatch: pytest.MonkeyPatch) -> FakeSecurity:
    import platform

    import keyring.backends.macOS

    fake = FakeSecurity()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(keyring.backends.macOS, "api", fake, raising=False)
    return fake


def test_macos_entry_has_the_service_and_account_of_rattler(security: FakeSecurity) -> None:
    OSKeychain(platform="darwin").save("h.example", TOKEN)
    assert security.kept == [("rattler", "h.example", '{"BearerToken": "s3cret"}')]


def test_macos_save_leaves_one_entry_of_many(security: FakeSecurity) -> None:
    security.kept = [
        ("rattler", "h.example", "1"),
        ("rattler", "h.example", "2"),
        ("other", "h.example", "3"),
    ]
    store = OSKeychain(platform="darwin")
    store.save("h.example", TOKEN)
    assert security.kept[0] == ("other", "h.example", "3")
    assert len(security.kept) == 2
    assert store.find("h.example") == TOKEN
    assert store.forget("h.example") is True
    assert store.forget("h.example") is False
    assert len(security.kept) == 1


@pytest.mark.parametrize("credential", EVERY_KIND, ids=lambda kept: type(kept).__name__)
def test_macos_finds_a_saved_credential(credential: BearerToken, security: FakeSecurity) -> None:
    store = OSKeychain(platform="darwin")
    store.save("h.example", credential)
    assert store.find("h.example") == credential


def test_macos_keychain_cannot_be_listed(security: FakeSecurity) -> None:
    with pytest.raises(
        ProviderUnlisted, match="cannot list OS keychain: keyring has no way to; name a host"
    ):
        OSKeychain(platform="darwin").list()


def test_macos_entry_that_cannot_be_removed_ends_the_attempt(security: FakeSecurity) -> None:
    security.kept = [("rattler", "h.example", "s3cret")]
    security.delete_generic_password = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="an entry cannot be removed"):
        OSKeychain(platform="darwin").forget("h.example")


# Any system


class Broken:
    """A back end that raises for everything."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> str:
        raise TypeError("it would show its error")

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)

        def fail(*_: object) -> None:
            raise self.error

        return fail


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_error_of_a_back_end_hides_its_message(
    ask: Callable[[OSKeychain], object],
) -> None:
    with pytest.raises(ProviderError, match=r"its back end failed \(OSError\)") as caught:
        ask(OSKeychain(backend=Broken(OSError("s3cret"))))
    assert_no_secret(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_store_is_missing_if_there_is_no_keychain(
    ask: Callable[[OSKeychain], object],
) -> None:
    with pytest.raises(ProviderMissing, match="there is no D-Bus session"):
        ask(OSKeychain(backend=Broken(ProviderMissing("OS keychain", "there is no D-Bus session"))))


def test_locked_keychain_is_reported_when_it_is_written() -> None:
    from keyring.errors import KeyringLocked

    with pytest.raises(StoreError) as caught:
        OSKeychain(backend=Broken(KeyringLocked("s3cret"))).save("h.example", TOKEN)
    assert str(caught.value) == "cannot write to OS keychain: it is locked: unlock it and try again"
    assert_no_secret(caught.value)


def test_entry_is_json_of_one_line() -> None:
    written: list[str] = []
    backend = SimpleNamespace(set_password=lambda service, username, secret: written.append(secret))
    for credential in EVERY_KIND:
        OSKeychain(backend=backend).save("h.example", credential)
    assert [json.loads(secret) for secret in written] == [
        credential.to_json() for credential in EVERY_KIND
    ]
    assert not any("\n" in secret for secret in written)


# Linux: what keyring's own back end takes for granted, on a fake of the bus.


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A bus with a Secret Service, as far as ``secretstorage`` tells."""
    secretstorage = pytest.importorskip("secretstorage")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setattr(secretstorage, "dbus_init", lambda: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(secretstorage, "check_service_availability", lambda _: True)
    return secretstorage


def test_slow_bus_is_reported(bus: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> object:
        raise TimeoutError("s3cret")

    monkeypatch.setattr(bus, "dbus_init", slow)
    with pytest.raises(StoreError, match="it did not answer in time") as caught:
        OSKeychain(platform="linux").save("h.example", TOKEN)
    assert_no_secret(caught.value)


def test_secret_service_without_a_collection_is_not_asked_to_make_one(
    bus: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object) -> object:
        raise bus.ItemNotFoundException("s3cret")

    monkeypatch.setattr(bus, "get_collection_by_alias", nowhere)
    with pytest.raises(ProviderMissing, match="the Secret Service has no default collection"):
        OSKeychain(platform="linux").save("h.example", TOKEN)


def collection_of(item: object) -> Any:
    """Return what is used of secretstorage to read one item."""
    collection = SimpleNamespace(search_items=lambda _: iter([item]))
    return SimpleNamespace(
        dbus_init=lambda: SimpleNamespace(close=lambda: None),
        get_collection_by_alias=lambda *_: collection,
    )


def test_item_is_unlocked_to_be_read() -> None:
    locked = [True]
    item = SimpleNamespace(
        is_locked=lambda: bool(locked), unlock=locked.clear, get_secret=lambda: b"s3cret"
    )
    backend = SecretService(collection_of(item))
    assert backend.get_password("rattler", "h.example") == "s3cret"


def test_item_that_stays_locked_is_not_read() -> None:
    item = SimpleNamespace(is_locked=lambda: True, unlock=lambda: True)
    with pytest.raises(ProviderError, match="it is locked"):
        SecretService(collection_of(item)).get_password("rattler", "h.example")


def test_item_of_a_locked_collection_is_neither_replaced_nor_removed() -> None:
    locked = SimpleNamespace(is_locked=lambda: True)
    storage = SimpleNamespace(
        dbus_init=lambda: SimpleNamespace(close=lambda: None),
        search_items=lambda *_: iter([locked]),
    )
    with pytest.raises(ProviderError, match="it is locked"):
        SecretService(storage).delete_password("rattler", "h.example")  # type: ignore[arg-type]
