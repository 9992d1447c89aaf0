"""``authshim doctor`` says of the real clients what the matrix sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def ask(folders: list[Path], home: Path, **environ: str) -> dict[str, dict[str, Any]]:
    missing = [folder for folder in folders if not folder.exists()]
    if missing:
        pytest.skip(f"not installed: {missing[0].parent.name}")
    path = os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])
    done = subprocess.run(
        [sys.executable, "-m", "authshim", "doctor", "--json"],
        env={"HOME": str(home), "PATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return {client["name"]: client for client in json.loads(done.stdout)["clients"]}


@pytest.mark.parametrize("name", ["pip", "poetry", "twine"])
def test_a_client_with_authshim_beside_it_asks(name: str, environments: Path, home: Path) -> None:
    client = ask([environments / name / "bin"], home)[name]
    assert client["asks"], client
    assert client["version"]


def test_pip_alone_does_not_ask(environments: Path, home: Path) -> None:
    client = ask([environments / "plain" / "bin"], home)["pip"]
    assert not client["asks"]
    assert client["next_step"] == "authshim run -- pip ..."


def test_pip_asks_a_keyring_of_another_environment(environments: Path, home: Path) -> None:
    folders = [environments / "plain" / "bin", environments / "keyring" / "bin"]
    assert ask(folders, home, PIP_KEYRING_PROVIDER="subprocess")["pip"]["asks"]


@pytest.mark.parametrize(("keyring", "asks"), [("keyring", True), ("alone", False)])
def test_uv_asks_if_its_keyring_has_authshim(
    keyring: str, asks: bool, environments: Path, home: Path
) -> None:
    folders = [environments / "uv" / "bin", environments / keyring / "bin"]
    assert ask(folders, home, UV_KEYRING_PROVIDER="subprocess")["uv"]["asks"] is asks


def test_uv_does_not_ask_by_itself(environments: Path, home: Path) -> None:
    client = ask([environments / "uv" / "bin", environments / "keyring" / "bin"], home)["uv"]
    assert client["next_step"] == "export UV_KEYRING_PROVIDER=subprocess"
