"""The backend as keyring loads and asks it; tests/clients has the real clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Callable

import keyring.backend
import keyring.backends.chainer
import keyring.core
import pytest

from authshim.integrations.keyring_backend import Keyring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

URL = "https://h.example/simple/"
ADA = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}


@pytest.fixture
def keep(home: Path) -> Callable[[Mapping[str, Any]], None]:
    """Keep entries in rattler's own file."""

    def write(entries: Mapping[str, Any]) -> None:
        path = home / ".rattler" / "credentials.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(entries))

    return write


def run(program: str) -> str:
    environ = {
        name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


# the answer


def test_a_password_is_returned_for_its_user(keep: Callable[..., None]) -> None:
    keep({"h.example": ADA})
    assert Keyring().get_password(URL, "ada") == "s3cret"


def test_a_password_is_not_returned_for_another_user(keep: Callable[..., None]) -> None:
    keep({"h.example": ADA})
    assert Keyring().get_password(URL, "bob") is None


def test_a_credential_is_returned_without_a_username(keep: Callable[..., None]) -> None:
    keep({"h.example": ADA})
    found = Keyring().get_credential(URL, None)
    assert found is not None
    assert (found.username, found.password) == ("ada", "s3cret")


def test_a_credential_is_none_for_an_unknown_host(keep: Callable[..., None]) -> None:
    keep({"h.example": ADA})
    assert Keyring().get_credential("https://other.example/", None) is None


def test_a_netrc_default_is_not_returned(home: Path) -> None:
    (home / ".netrc").write_text("default login ada password s3cret\n")
    assert Keyring().get_credential(URL, None) is None
    assert Keyring().get_password(URL, "ada") is None


def test_the_keyring_command_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tmp_path / "ran"
    command = tmp_path / "keyring"
    command.write_text(f"#!/bin/sh\ntouch {ran}\necho s3cret\n")
    command.chmod(0o700)
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", str(command))
    assert Keyring().get_password("https://ada@h.example/simple/", "ada") is None
    assert not ran.exists()


def test_a_password_with_a_line_break_is_not_returned(keep: Callable[..., None]) -> None:
    keep({"h.example": {"BasicHTTP": {"username": "ada", "password": "s3cret\nhost=evil"}}})
    assert Keyring().get_password(URL, "ada") is None


def test_an_expired_login_that_cannot_be_renewed_is_not_returned(keep: Callable[..., None]) -> None:
    login = {
        "access_token": "s3cret",
        "refresh_token": None,
        "expires_at": 1,
        "revocation_endpoint": None,
    }
    keep(
        {
            "h.example": {
                "OAuth": {
                    **login,
                    "token_endpoint": "https://h.example/token",
                    "client_id": "rattler",
                }
            }
        }
    )
    assert Keyring().get_credential(URL, None) is None


def test_a_wrong_setting_is_logged_and_nothing_is_returned(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AUTHSHIM_KEYRING_TIMEOUT", "soon")
    assert Keyring().get_credential(URL, None) is None
    assert "AUTHSHIM_KEYRING_TIMEOUT" in caplog.text


def test_a_login_of_later_is_found_by_the_same_backend(keep: Callable[..., None]) -> None:
    backend = Keyring()
    keep({"h.example": ADA})
    assert backend.get_password(URL, "ada") == "s3cret"
    assert backend.get_password("https://other.example/", "ada") is None


def test_no_secret_is_in_the_log_or_the_backend(
    keep: Callable[..., None], no_secret: Callable[..., None]
) -> None:
    keep({"h.example": ADA})
    backend = Keyring()
    assert backend.get_password(URL, "ada") == "s3cret"
    no_secret(backend)


# the switches


def test_nothing_is_answered_to_a_keyring_command_of_the_chain(
    keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep({"h.example": ADA})
    monkeypatch.setenv("AUTHSHIM_ASKING", "1")
    assert Keyring().get_password(URL, "ada") is None
    assert Keyring().get_credential(URL, None) is None


def test_a_backend_switched_off_is_not_viable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Keyring.viable
    monkeypatch.setenv("AUTHSHIM_KEYRING_BACKEND", "off")
    assert not Keyring.viable


def test_the_priority_is_below_that_of_the_chainer() -> None:
    assert Keyring.priority == 9.95
    assert keyring.backends.chainer.ChainerBackend.priority in (10, -1)


# writing


@pytest.mark.parametrize(
    ("write", "command"),
    [
        (lambda backend: backend.set_password(URL, "ada", "s3cret"), "authshim auth login HOST"),
        (lambda backend: backend.delete_password(URL, "ada"), "authshim auth logout HOST"),
    ],
)
def test_writing_is_left_to_others_and_names_the_next_step(
    write: Callable[[Keyring], None], command: str, no_secret: Callable[..., None]
) -> None:
    with pytest.raises(NotImplementedError, match=command) as caught:
        write(Keyring())
    no_secret(str(caught.value))


def test_the_chainer_writes_to_the_backend_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory(keyring.backend.KeyringBackend):
        priority = 5
        kept: dict[tuple[str, str], str] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[service, username]

    backends = [Keyring(), Memory()]
    monkeypatch.setattr(keyring.backend, "get_all_keyring", lambda: backends)
    chainer = keyring.backends.chainer.ChainerBackend()
    assert chainer.priority == 10
    chainer.set_password("service", "ada", "s3cret")
    assert chainer.get_password("service", "ada") == "s3cret"
    chainer.delete_password("service", "ada")
    assert Memory.kept == {}


# as keyring finds it


def test_keyring_finds_the_backend_by_its_entry_point() -> None:
    program = (
        "import keyring.backend as b; "
        "print([r.name for r in b.get_all_keyring() if r.name == 'authshim'])"
    )
    assert run(program) == "['authshim']"


def test_loading_the_backend_imports_nothing_else_of_authshim() -> None:
    program = (
        "import keyring.backend, sys; keyring.backend.get_all_keyring(); "
        "print(*sorted(m for m in sys.modules if m.startswith('authshim')))"
    )
    assert run(program).split() == [
        "authshim",
        "authshim.integrations",
        "authshim.integrations.keyring_backend",
    ]


def test_a_question_that_is_no_url_imports_no_chain() -> None:
    program = (
        "import sys; from authshim.integrations.keyring_backend import Keyring; "
        "print(Keyring().get_password('github.com', 'ada'), "
        "*[m for m in sys.modules if 'authshim.lookup' in m])"
    )
    assert run(program) == "None"


def test_a_url_imports_neither_requests_nor_urllib3(keep: Callable[..., None]) -> None:
    keep({"h.example": ADA})
    program = (
        "import sys; from authshim.integrations.keyring_backend import Keyring; "
        f"print(Keyring().get_password({URL!r}, 'ada'), "
        "[m for m in ('requests', 'urllib3') if m in sys.modules])"
    )
    assert run(program) == "s3cret []"
