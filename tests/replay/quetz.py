"""quetz, a real one: ``tox -e replay`` installs quetz-server, with the packages of its time.

It has the private channel *acme*, and is reached over TLS under a name, so that each request is
counted.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from interop.real_servers import free_port, running
from replay.keyrings import elsewhere
from replay.recording import Route, Secret, Service
from servers import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.recording import Asked

HOST = "quetz.acme.example"
CHANNEL = f"https://{HOST}/get/acme"
PACKAGES = tuple(f"part-{number}-1.0-0.tar.bz2" for number in range(4))

_CONFIG = """\
[sqlalchemy]
database_url = "sqlite:///./quetz.sqlite"

[session]
secret = "0000000000000000000000000000000000000000000000000000000000000000"
https_only = false

[users]
admins = ["dummy:alice"]
"""


@contextmanager
def quetz(folder: Path) -> Iterator[Service]:
    """Run a quetz with a filled channel *acme*, and yield it as a recording with one API key."""
    (folder / "given.toml").write_text(_CONFIG)
    port = free_port()
    program = str(Path(elsewhere("quetz-server"), "bin", "quetz"))
    create = [program, "create", "deployment", "--copy-conf", "given.toml", "--dev"]
    subprocess.run(create, cwd=folder, capture_output=True, timeout=120, check=True)
    # Without its supervisor, a process that would outlive it.
    start = [
        program,
        "start",
        "deployment",
        "--no-supervisor",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with running(start, [port], folder / "log", seconds=120):
        url = f"http://127.0.0.1:{port}"
        key = Secret(_filled(url), (HOST,), in_path=True)

        def forward(asked: Asked) -> Answer:
            told = requests.get(url + asked.seen.target, timeout=20)
            return Answer(
                told.status_code,
                told.content,
                {"Content-Type": told.headers.get("Content-Type", "")},
            )

        routes = (Route(HOST, "/t/{token}/{file*}", forward), Route(HOST, "/{file*}", forward))
        yield Service("quetz", routes, (key,))


def _filled(url: str) -> str:
    """Make the channel, and fill it; return a key to it."""
    with requests.Session() as alice:
        alice.get(f"{url}/api/dummylogin/alice", timeout=20)  # what --dev opens
        alice.post(
            f"{url}/api/channels", json={"name": "acme", "private": True}, timeout=20
        ).raise_for_status()
        key = alice.post(
            f"{url}/api/api-keys", json={"description": "", "roles": []}, timeout=20
        ).json()["key"]
        for name in PACKAGES:
            sent = alice.post(
                f"{url}/api/channels/acme/files/",
                files={"files": (name, package(name))},
                timeout=20,
            )
            sent.raise_for_status()
        deadline = time.monotonic() + 120
        while any(
            name not in alice.get(f"{url}/get/acme/noarch/repodata.json", timeout=20).text
            for name in PACKAGES
        ):
            assert time.monotonic() < deadline, "quetz has not indexed what it was sent"
            time.sleep(0.1)
    return key


def package(name: str) -> bytes:
    """Return the smallest conda package that is one."""
    title, version, _ = name.rsplit("-", 2)
    index = {
        "name": title,
        "version": version,
        "build": "0",
        "build_number": 0,
        "subdir": "noarch",
        "depends": [],
    }
    files = {"info/index.json": json.dumps(index), "info/about.json": "{}", "info/files": ""}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
