"""A client that wants to store a password, on a machine without a keychain."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret

if TYPE_CHECKING:
    from pathlib import Path


def configure(environments: Path, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    program = environments / "poetry" / "bin" / "poetry"
    if not program.exists():
        pytest.skip("poetry could not be installed")
    return subprocess.run(
        [str(program), "config", "http-basic.private", "ada", "s3cret"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def test_poetry_tells_the_next_step_of_the_backend(environments: Path, home: Path) -> None:
    done = configure(environments, home)
    assert done.returncode == 1
    assert "set AUTHSHIM_KEYRING_BACKEND=off" in done.stdout
    assert_no_secret(done.stdout)


def test_poetry_stores_the_password_itself_after_that_step(environments: Path, home: Path) -> None:
    assert configure(environments, home, AUTHSHIM_KEYRING_BACKEND="off").returncode == 0
    assert list(home.rglob("auth.toml"))
