"""Tests of downloads from a real nginx and a real pypiserver, compared with curl."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import needs
import pytest
import requests
from interop.real_servers import PASSWORD, USER, WHEEL, wheel

from authshim.cli import main

if TYPE_CHECKING:
    from interop.real_servers import Nginx

DATA = bytes(range(256)) * 1024
NAME = "demo.bin"
PART = Path(f"{NAME}.part")


@pytest.fixture(autouse=True)
def _netrc(home: Path) -> None:
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")


@pytest.fixture
def file(nginx: Nginx) -> Path:
    """Return the path of the file that nginx serves."""
    (nginx.files / NAME).write_bytes(DATA)
    os.utime(nginx.files / NAME, (1e9, 1e9))
    return nginx.files / NAME


def statuses(nginx: Nginx) -> list[str]:
    """Return the status and the bytes of each response for the file."""
    return re.findall(rf'"GET /\w+/{NAME} HTTP/1.1" (\d+ \d+)', nginx.log.read_text())


def assert_answered(nginx: Nginx, status: str) -> None:
    """Wait until nginx has logged a response, which it does after it was sent."""
    until = time.monotonic() + 60
    while status not in statuses(nginx):
        assert time.monotonic() < until, statuses(nginx)
        time.sleep(0.02)


def leave_half(nginx: Nginx) -> int:
    """Kill a download in the middle, and return the bytes that it left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "authshim", "get", f"{nginx.url}/slow/{NAME}"]
    )
    until = time.monotonic() + 60
    while not PART.exists() or PART.stat().st_size < 128 * 1024:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert not Path(NAME).exists()
    nginx.log.write_text("")
    return PART.stat().st_size


def test_get_writes_the_same_file_as_curl(nginx: Nginx, file: Path) -> None:
    curl = needs.program("curl", "curl")
    url = f"{nginx.url}/files/{NAME}"
    subprocess.run(
        [curl, "-sSf", "-u", f"{USER}:{PASSWORD}", "-o", "theirs", url], check=True, timeout=60
    )
    assert main(["get", url, "-o", "ours"]) == 0
    assert Path("ours").read_bytes() == Path("theirs").read_bytes() == DATA
    assert Path("ours").stat().st_mode == Path("theirs").stat().st_mode


def test_get_resumes_a_killed_download_from_nginx(nginx: Nginx, file: Path) -> None:
    had = leave_half(nginx)
    assert main(["get", f"{nginx.url}/slow/{NAME}"]) == 0
    assert_answered(nginx, f"206 {len(DATA) - had}")
    assert Path(NAME).read_bytes() == DATA
    assert not PART.exists()


def test_get_starts_over_if_nginx_has_a_new_version(nginx: Nginx, file: Path) -> None:
    leave_half(nginx)
    changed = DATA[:1000:-1][: 100 * 1024]
    file.write_bytes(changed)
    os.utime(file, (1.1e9, 1.1e9))
    assert main(["get", f"{nginx.url}/slow/{NAME}", "-q"]) == 0
    assert_answered(nginx, f"200 {len(changed)}")
    assert Path(NAME).read_bytes() == changed


def test_get_starts_over_if_nginx_has_no_more_than_the_part(nginx: Nginx, file: Path) -> None:
    had = leave_half(nginx)
    with PART.open("ab") as part:
        part.write(DATA[had:])
    assert main(["get", f"{nginx.url}/slow/{NAME}"]) == 0
    assert_answered(nginx, f"200 {len(DATA)}")
    assert Path(NAME).read_bytes() == DATA


def test_get_does_not_write_a_part_of_curl(nginx: Nginx, file: Path) -> None:
    PART.write_bytes(DATA[:10])
    assert main(["get", f"{nginx.url}/files/{NAME}"]) == 1
    assert PART.read_bytes() == DATA[:10]


def test_get_writes_a_wheel_of_pypiserver(pypiserver: str) -> None:
    page = requests.get(pypiserver + "demo/", timeout=60)
    link = re.search(r'href="([^"]+)"', page.text).group(1)
    assert "#" in link
    assert main(["get", urljoin(page.url, link)]) == 0
    assert Path(WHEEL).read_bytes() == wheel()
