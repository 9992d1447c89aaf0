"""How often the keyring command is run, and how often a server has to say 401.

The command is a script that notes each run and takes as long as a quick back end does. These
are counts: noise cannot change them, so each is measured once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import requests
from requests.adapters import HTTPAdapter

import authshim
from benchmarks import peers
from benchmarks.measure import Figure, Plan
from benchmarks.scene import USER, Server, write
from benchmarks.table import NOT_HERE, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

THREADS, PACKAGES = 32, 200
_SCRIPT = """#!/bin/sh
echo run >> {log}
sleep 0.1
{answer}
case "$1" in
  get) echo "$password" ;;
  *) printf '{{"username": "{user}", "password": "%s"}}\\n' "$password" ;;
esac
"""


class Counts(NamedTuple):
    """What one run over all packages took."""

    processes: int
    refused: int
    requests: int
    packages: int

    def __str__(self) -> str:
        return f"{self.processes} processes, {self.refused} of 401, {self.requests} requests, {self.packages} packages"


def rows(plan: Plan) -> list[Row]:
    """Run cold, with a keyring that has no such entry, and with a token that expires halfway."""
    packages = 60 if plan.is_quick else PACKAGES
    entry, renewed = "password=p1", 'password="p$(wc -l < {log} | tr -d " ")"'
    cold = _count(_authshim, packages, entry, passwords=["p1"])
    missed = _count(_authshim, packages, "exit 1", passwords=[])
    expired = _count(_authshim, packages, renewed, passwords=["p1", "p2"], each=packages // 2)
    pip_cold = _of_pip(packages, entry, passwords=["p1"])
    pip_missed = _of_pip(min(packages, 20), "exit 1", passwords=[])
    what = f"{packages} packages under username@, 32 threads"
    return [
        _row(f"{what}, cold", "keyring processes", 1, cold.processes, cold, pip_cold),
        _row(f"{what}, cold", "answers of 401", 0, cold.refused, cold, pip_cold),
        _row(f"{what}, no such entry", "keyring processes", 3, missed.processes, missed, pip_missed),
        _row(f"{what}, no such entry", "requests per URL", 1, missed.requests / packages, missed, pip_missed),
        _row(f"{what}, token expires", "keyring processes", 2, expired.processes, expired, "-"),
        _row(f"{what}, token expires", "answers of 401, 1 per thread", THREADS, expired.refused, expired, "-"),
    ]


def _row(what: str, unit: str, target: float, measured: float, ours: Counts, peer: str) -> Row:
    return Row(what, "pip", target, Figure.of([measured]), unit, str(ours), peer)


def _of_pip(packages: int, answer: str, **server: Any) -> str:
    try:
        return f"pip: {_count(_pip, packages, answer, **server)}"
    except ImportError:
        return f"pip {NOT_HERE}"


def _count(make: Callable[[str], Callable[[str], Any]], packages: int, answer: str, **options: Any) -> Counts:
    """Fetch every package once, with as many threads as there are, and count."""
    log = write("keyring.log", "")
    script = _SCRIPT.format(log=log, answer=answer.format(log=log), user=USER)
    command = write("keyring", script, mode=0o700)
    path = os.pathsep.join([os.path.dirname(command), os.environ.get("PATH", os.defpath)])
    with patch.dict(os.environ, {"PATH": path}), Server(**options) as server:
        get = make(f"http://{USER}@{server.netloc}/simple/")
        urls = [f"http://{USER}@{server.netloc}/simple/package-{number}/" for number in range(packages)]

        def fetch(url: str) -> None:
            with suppress(OSError):  # requests' own errors, and those of pip's copy of it
                get(url)

        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(fetch, urls):
                pass
        counts = server.counts()
    with open(log, encoding="utf-8") as file:
        runs = len(file.readlines())
    return Counts(runs, counts["refused"], counts["requests"], packages)


def _authshim(_: str) -> Callable[[str], Any]:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return authshim.install(session, authshim.Chain.from_environment()).get


def _pip(index: str) -> Callable[[str], Any]:
    return peers.pip_session(index, threads=THREADS, keyring=True).get  # type: ignore[no-any-return]
