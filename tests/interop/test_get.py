"""Tests of downloads from a real nginx and a real pypiserver, compared with curl."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable
from urllib.parse import urljoin

import needs
import pytest
import requests
from interop.real_servers import PASSWORD, USER, WHEEL, wheel

from authshim.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.real_servers import Nginx

DATA = bytes(range(256)) * 1024
NAME = "demo.bin"


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


@pytest.fixture
def cut(nginx: Nginx) -> Iterator[Callable[[Callable[[], None]], str]]:
    """Return a function that starts a forwarder to nginx, and returns its URL.

    It drops its first connection in the middle of the file, after it has called a function.
    """
    port = int(nginx.url.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(between: Callable[[], None]) -> None:
        with suppress(OSError):
            _forward(listener, port, at_most=128 * 1024)
            between()
            _forward(listener, port)

    def start(between: Callable[[], None] = lambda: None) -> str:
        threading.Thread(target=forward, args=[between], daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.close()


def _forward(listener: socket.socket, port: int, *, at_most: float = float("inf")) -> None:
    """Forward one connection with one request, and at most so many bytes of the response."""
    client, _ = listener.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(client.recv(65536))
        sent = 0
        while sent < at_most and (data := server.recv(4096)):
            client.sendall(data)
            sent += len(data)


def test_get_writes_the_same_file_as_curl(nginx: Nginx, file: Path) -> None:
    curl = needs.program("curl", "curl")
    url = f"{nginx.url}/files/{NAME}"
    subprocess.run(
        [curl, "-sSf", "-u", f"{USER}:{PASSWORD}", "-o", "theirs", url], check=True, timeout=60
    )
    assert main(["get", url, "-o", "ours"]) == 0
    assert Path("ours").read_bytes() == Path("theirs").read_bytes() == DATA
    assert Path("ours").stat().st_mode == Path("theirs").stat().st_mode


def test_get_resumes_a_broken_download_from_nginx(
    nginx: Nginx, file: Path, cut: Callable[..., str]
) -> None:
    assert main(["get", f"{cut()}/files/{NAME}"]) == 0
    assert Path(NAME).read_bytes() == DATA
    assert [answered.partition(" ")[0] for answered in statuses(nginx)][-1] == "206"


def test_get_starts_over_if_nginx_has_a_new_version(
    nginx: Nginx, file: Path, cut: Callable[..., str]
) -> None:
    changed = DATA[:1000:-1][: 200 * 1024]

    def change() -> None:
        file.write_bytes(changed)
        os.utime(file, (1.1e9, 1.1e9))

    assert main(["get", f"{cut(change)}/files/{NAME}", "-q"]) == 0
    assert Path(NAME).read_bytes() == changed
    assert_answered(nginx, f"200 {len(changed)}")


def test_get_writes_a_wheel_of_pypiserver(pypiserver: str) -> None:
    page = requests.get(pypiserver + "demo/", timeout=60)
    link = re.search(r'href="([^"]+)"', page.text).group(1)
    assert "#" in link
    assert main(["get", urljoin(page.url, link)]) == 0
    assert Path(WHEEL).read_bytes() == wheel()
