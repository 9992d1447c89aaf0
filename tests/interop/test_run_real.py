"""``authshim run`` on a real file system that lets no program run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from needs import missing, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def no_programs(tmp_path: Path) -> Iterator[Path]:
    """A folder of a file system that is mounted with ``noexec``."""
    mount = program("mount", "mount")
    folder = tmp_path / "noexec"
    folder.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "noexec,size=1m", "authshim-test", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        missing("no file system can be mounted here")
    yield folder
    subprocess.run([program("umount", "mount"), str(folder)], check=True)


def test_a_noexec_temporary_folder_is_no_obstacle(no_programs: Path, home: Path) -> None:
    (home / ".rattler").mkdir()
    entries = {"h.example": {"BasicHTTP": {"username": "ada", "password": "s3cret"}}}
    (home / ".rattler" / "credentials.json").write_text(json.dumps(entries))
    command = [
        sys.executable,
        "-m",
        "authshim",
        "run",
        "--",
        "keyring",
        "get",
        "https://h.example/",
        "ada",
    ]
    environ = {**os.environ, "TMPDIR": str(no_programs)}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("s3cret\n", "")
    assert list(no_programs.iterdir()) == []
    assert [path.name for path in home.iterdir()] == [".rattler"]
