"""Loads that run long, each in a process that prints its measurements as one line of JSON.

    python load.py threads FOLDER THREADS REQUESTS LIMIT
        one session, many threads, passwords that change
    python load.py hour FOLDER REQUESTS LIMIT
        an hour by a clock that each request moves
    python load.py churn FOLDER HOSTS LIMIT
        so many hosts and indexes, twice; sessions made and dropped

Each is bounded in count. After LIMIT seconds faulthandler shows where every thread stands, and ends
the process.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict

import authshim
from authshim import BasicHTTP, BearerToken, Chain, Index
from authshim.providers.auth_file import AuthFile
from authshim.providers.child_process import Result
from authshim.providers.keyring_command import KeyringCommand
from authshim.urls import PORT


def size() -> int:
    """Return the resident memory of this process in KiB, or 0 if the system does not tell it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def traced() -> int:
    """Return what Python's objects take, in KiB."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] // 1024


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


# threads


class Vault(authshim.Provider):
    """A provider that reads the current password from the server's file, and counts its calls."""

    name = "vault"
    answers = frozenset({PORT})

    def __init__(self, file: Path, key: str) -> None:
        self._file = file
        self._key = key
        self.asked = 0

    def find(self, key: str, username: str | None = None) -> BasicHTTP | None:
        if key != self._key:
            return None
        self.asked += 1
        return BasicHTTP(**json.loads(self._file.read_text()))


class Work:
    """What the threads do together: the same session, the two doors in turn."""

    def __init__(self, session: requests.Session, urls: list[str], requests_each: int) -> None:
        self.done = 0
        self.lost: list[str] = []
        self._session = session
        self._urls = urls
        self._each = requests_each
        self._lock = threading.Lock()

    def run(self, number: int) -> None:
        for request in range(self._each):
            name = f"{number}-{request}"
            try:
                response = self._session.get(
                    self._urls[request % 2], headers={"X-Name": name}, timeout=120
                )
                lost = (
                    ""
                    if (response.status_code, response.text) == (200, name)
                    else f"{name}: {response.status_code}"
                )
            except requests.RequestException as error:
                lost = f"{name}: {type(error).__name__}"
            with self._lock:
                self.done += 1
                if lost:
                    self.lost.append(lost)

    def watch(self, threads: list[threading.Thread]) -> dict[str, list[int]]:
        """Start the threads, wait for them, and return this process' measures after each tenth."""
        total, before, taken = self._each * len(threads), descriptors(), []
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.02)
            if self.done >= total * (len(taken) + 1) // 10 and len(taken) < 9:
                taken.append((size(), descriptors()))
        taken.append((size(), descriptors()))
        return {
            "size": [kib for kib, _ in taken],
            "descriptors": [before, *(count for _, count in taken)],
        }


def threads(folder: Path, count: int, each: int) -> dict[str, Any]:
    """Send from many threads over one session, while the passwords of both servers change."""
    server = Path(__file__).with_name("server.py")
    command = [
        sys.executable,
        str(server),
        str(folder),
        str(count),
        str(min(1000, count * each // 40)),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdin is not None
        assert serving.stdout is not None
        ports = json.loads(serving.stdout.readline())
        vault = Vault(folder / "vault.json", f"127.0.0.1:{ports[0]}")
        keyring = ["/bin/sh", "-c", f"echo run >> '{folder}/runs'; cat '{folder}/keyring.json'"]
        index = Index(f"http://ada@127.0.0.1:{ports[1]}/simple")
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_maxsize=count))
        authshim.install(session, Chain([vault, KeyringCommand(keyring)], indexes=[index]))
        work = Work(session, [f"http://127.0.0.1:{port}/simple/" for port in ports], each)
        running = [
            threading.Thread(target=work.run, args=[number], daemon=True) for number in range(count)
        ]
        started = time.monotonic()
        measured = work.watch(running)
        seconds = time.monotonic() - started
        serving.stdin.close()
        doors = json.loads(serving.stdout.readline())
    return {
        "threads": count,
        "requests": count * each,
        "seconds": round(seconds, 1),
        "lost": work.lost[:20],
        "doors": doors,
        "look-ups": [vault.asked, len((folder / "runs").read_text().split())],
        **measured,
    }


# hour and churn


class Clock:
    """A clock that each request moves, for ``Chain(clock=...)``."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Door(BaseAdapter):
    """A transport without a network; ``opens`` judges the header if a path requires one."""

    def __init__(self) -> None:
        super().__init__()
        self.opens: Callable[[str | None], bool] = lambda header: True

    def send(
        self, request: requests.PreparedRequest, *args: object, **options: object
    ) -> requests.Response:
        assert request.url is not None
        if "/broken/" in request.url:
            raise requests.ConnectionError(request=request)
        response = requests.Response()
        response.status_code = 302 if "/away/" in request.url else 200
        if "/closed/" in request.url and not self.opens(request.headers.get("Authorization")):
            response.status_code = 401
        response.headers = CaseInsensitiveDict(
            {"Location": request.url.replace("/away/", "/").replace("//", "//to-")}
        )
        response.url, response.request, response.raw = request.url, request, io.BytesIO()
        return response

    def close(self) -> None:
        pass


def answering(command: list[str], **options: object) -> Result:
    """Be a keyring command that knows one index in ten, and says of each other that it does not."""
    url = command[-2]
    if url.endswith("0/simple"):
        return Result(0, json.dumps({"username": "ada", "password": "s3cret"}).encode())
    return Result(1, b"", f"nothing is known of {url}".encode())


def installed(
    providers: list[authshim.Provider], clock: Any = time
) -> tuple[requests.Session, Door]:
    door, session = Door(), requests.Session()
    session.trust_env = False
    session.mount("https://", door)
    session.mount("http://", door)
    return authshim.install(session, Chain(providers, clock=clock)), door


def hour(folder: Path, total: int) -> dict[str, Any]:
    """Simulate an hour: tokens are renewed, files change, misses end, servers break, redirect."""
    tracemalloc.start()
    clock, file = Clock(), AuthFile(str(folder / "auth.json"))
    providers = [file, KeyringCommand([sys.executable], run=answering, environ={})]
    session, door = installed(providers, clock)
    kinds = (
        "https://h{}.example/closed/",
        "https://h{}.example/away/",
        "https://h{}.test/",
        "https://h0.example/p/",
    )
    urls = [*kinds, "https://ada@i.test/{}/simple/x/", "http://h{}.example/broken/"]
    statuses: dict[str, int] = {}
    taken: list[tuple[int, int]] = []
    started = time.monotonic()
    for number in range(total):
        clock.now += 3600 / total
        if number % (total // 6) == 0:
            token = BearerToken(f"s3cret-{number}")
            door.opens = lambda header, token=token: header == token.header
        if number % (total // 60) == 0:
            file.save("*.example", token)
            file.save("h0.example/p", BearerToken(f"s3cret-path-{number}"))
        url = urls[number % len(urls)].format(number // len(urls) % min(100, total // 60))
        try:
            status = str(session.get(url).status_code)
        except requests.ConnectionError:
            status = "broken"
        statuses[status] = statuses.get(status, 0) + 1
        if (number + 1) % (total // 6) == 0:
            taken.append((traced(), descriptors()))
    return {
        "requests": total,
        "seconds": round(time.monotonic() - started, 1),
        "statuses": statuses,
        "traced": [kib for kib, _ in taken],
        "descriptors": [count for _, count in taken],
    }


def churn(folder: Path, hosts: int) -> dict[str, Any]:
    """Ask for many hosts and indexes, and for as many others: what is remembered is bounded."""
    file = AuthFile(str(folder / "auth.json"))
    file.save("*.example", BearerToken("s3cret"))
    session, _ = installed([file, KeyringCommand([sys.executable], run=answering, environ={})])
    started, most = time.monotonic(), []
    tracemalloc.start()
    before = descriptors()
    for turn in range(2):
        taken = []
        for number in range(hosts):
            for url in (
                "https://h{}.example/",
                "http://h{}.test/away/",
                "https://ada@i{}.test/{}/simple/",
            ):
                session.get(url.format(f"{turn}-{number}", number % 100))
            if number % 10 == 0:
                authshim.install(requests.Session()).get_adapter("https://h/").close()
            if number % (hosts // 20) == 0:
                taken.append(traced())
        most.append(max(taken))
    return {
        "hosts": 6 * hosts,
        "sessions": hosts // 5,
        "seconds": round(time.monotonic() - started, 1),
        "traced": most,
        "descriptors": [before, descriptors()],
    }


def main(load: str, folder: str, *numbers: str) -> None:
    *counts, limit = map(int, numbers)
    faulthandler.dump_traceback_later(limit, exit=True)
    logging.getLogger("authshim").addHandler(logging.NullHandler())
    logging.getLogger("authshim").propagate = False
    measured = {"threads": threads, "hour": hour, "churn": churn}[load](Path(folder), *counts)
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
