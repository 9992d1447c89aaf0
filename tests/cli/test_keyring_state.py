"""Whether keyring asks authshim's backend, as ``auth status`` and ``doctor`` tell it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from authshim.cli import main
from authshim.cli.keyring_state import switch_on, why_backend_is_off

if TYPE_CHECKING:
    from pathlib import Path

OURS = "authshim.integrations.keyring_backend.Keyring"


@pytest.fixture(autouse=True)
def no_backend_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def write_config(folder: Path, text: str) -> Path:
    path = folder / "python_keyring" / "keyringrc.cfg"
    path.parent.mkdir()
    path.write_text(text)
    return path


def test_the_backend_is_on_if_nothing_else_is_named() -> None:
    assert why_backend_is_off({}) == ""


def test_the_backend_is_off_if_its_variable_says_so() -> None:
    assert (
        why_backend_is_off({"AUTHSHIM_KEYRING_BACKEND": "off"}) == "AUTHSHIM_KEYRING_BACKEND is off"
    )


def test_the_backend_is_off_if_a_variable_names_another() -> None:
    why = why_backend_is_off({"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
    assert why == "PYTHON_KEYRING_BACKEND names keyring.backends.null.Keyring"


def test_the_backend_is_on_if_a_variable_names_it() -> None:
    assert why_backend_is_off({"PYTHON_KEYRING_BACKEND": OURS}) == ""


def test_the_backend_is_off_if_keyrings_file_names_another(tmp_path: Path) -> None:
    path = write_config(tmp_path, "[backend]\ndefault-keyring=keyrings.alt.file.PlaintextKeyring\n")
    assert why_backend_is_off({}) == f"{path} names keyrings.alt.file.PlaintextKeyring"


@pytest.mark.parametrize(
    "text", ["", "[backend]\n", f"[backend]\ndefault-keyring={OURS}\n", "no file of its kind"]
)
def test_the_backend_is_on_if_keyrings_file_names_no_other(text: str, tmp_path: Path) -> None:
    write_config(tmp_path, text)
    assert why_backend_is_off({}) == ""


def test_the_line_that_switches_it_on_names_what_switched_it_off(tmp_path: Path) -> None:
    assert switch_on({"AUTHSHIM_KEYRING_BACKEND": "off"}) == "unset AUTHSHIM_KEYRING_BACKEND"
    assert switch_on({"PYTHON_KEYRING_BACKEND": "other.Backend"}) == "unset PYTHON_KEYRING_BACKEND"
    path = write_config(tmp_path, "[backend]\ndefault-keyring=other.Backend\n")
    assert switch_on({}) == f"remove default-keyring from {path}"


def test_status_tells_that_the_backend_is_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["auth", "status"]) == 0
    assert "keyring backend: on" in capsys.readouterr().out


def test_status_tells_why_the_backend_is_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTHSHIM_KEYRING_BACKEND", "off")
    assert main(["auth", "status"]) == 0
    assert "keyring backend: off (AUTHSHIM_KEYRING_BACKEND is off)" in capsys.readouterr().out


def test_status_json_has_the_backend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keyring_backend"] is True
    monkeypatch.setitem(os.environ, "AUTHSHIM_KEYRING_BACKEND", "off")
    assert main(["auth", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keyring_backend"] is False
