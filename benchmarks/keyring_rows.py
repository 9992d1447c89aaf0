"""How often the keyring command is run, and how often a server has to say 401.

The command is a script that notes each run and takes as long as a quick back end does. These
are counts: noise cannot change them, so each is measured once.
"""

from __future__ import annotations

import os
import sys
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
from benchmarks.server import metadata_of
from benchmarks.table import NOT_HERE, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Get = Callable[[str, int], None]
    """Gets so many packages from the server at ``127.0.0.1:PORT``."""

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
        return (
            f"{self.processes} processes, {self.refused} of 401, "
            f"{self.requests} requests, {self.packages} packages"
        )


class Case(NamedTuple):
    """The keyring command's answer, and the server's passwords, each valid for so many requests."""

    answer: str
    passwords: tuple[str, ...]
    each: int = 0


def rows(plan: Plan) -> list[Row]:
    """Run cold, with a keyring that has no such entry, and with a token that expires halfway."""
    packages = 60 if plan.is_quick else PACKAGES
    entry, none = Case("password=p1", ("p1",)), Case("exit 1", ())
    renewed = Case('password="p$(wc -l < {log} | tr -d " ")"', ("p1", "p2"), each=packages // 2)
    cold, missed, expired = (_count(_authshim, packages, case) for case in (entry, none, renewed))
    files = _count(_authshim_with_files, packages, entry)
    pip = _said("pip", _pip, packages, entry)
    # On a miss it runs so many processes that all the packages would take minutes.
    pip_missed = _said("pip", _pip, min(packages, 20), none)
    uv, uv_missed, uv_expired = (
        _said("uv", _uv, packages, case) for case in (entry, none, renewed)
    )
    what = f"{packages} packages under username@, 32 threads"
    return [
        _row(f"{what}, cold", "pip", "keyring processes", 1, cold.processes, cold, pip),
        _row(f"{what}, cold", "pip", "answers of 401", 0, cold.refused, cold, pip),
        _row(f"{what}, cold, with files", "uv", "keyring processes", 1, files.processes, files, uv),
        _row(f"{what}, cold, with files", "uv", "answers of 401", 0, files.refused, files, uv),
        _row(
            f"{what}, no such entry",
            "pip",
            "keyring processes",
            4,
            missed.processes,
            missed,
            pip_missed,
        ),
        _row(
            f"{what}, no such entry",
            "uv",
            "requests per URL",
            1,
            missed.requests / packages,
            missed,
            uv_missed,
        ),
        _row(
            f"{what}, token expires",
            "uv",
            "keyring processes",
            2,
            expired.processes,
            expired,
            uv_expired,
        ),
        _row(
            f"{what}, token expires",
            "uv",
            "answers of 401, 1 per thread",
            THREADS,
            expired.refused,
            expired,
            uv_expired,
        ),
    ]


def _row(
    what: str, against: str, unit: str, target: float, measured: float, ours: Counts, peer: str
) -> Row:
    return Row(what, against, target, Figure.of([measured]), unit, str(ours), peer)


def _said(name: str, get: Get, packages: int, case: Case) -> str:
    try:
        return f"{name}: {_count(get, packages, case)}"
    except (ImportError, FileNotFoundError):
        return f"{name} {NOT_HERE}"


def _count(get: Get, packages: int, case: Case) -> Counts:
    """Get every package once, and count."""
    log = write("keyring.log", "")
    script = _SCRIPT.format(log=log, answer=case.answer.format(log=log), user=USER)
    command = write("keyring", script, mode=0o700)
    path = os.pathsep.join([os.path.dirname(command), os.environ.get("PATH", os.defpath)])
    with (
        patch.dict(os.environ, {"PATH": path}),
        Server(passwords=case.passwords, each=case.each) as server,
    ):
        get(server.netloc, packages)
        counts = server.counts()
    with open(log, encoding="utf-8") as file:
        runs = len(file.readlines())
    return Counts(runs, counts["refused"], counts["requests"], packages)


def _authshim(netloc: str, packages: int) -> None:
    """Get the pages, as URLs that name the user, with what a script of three lines has."""
    _get_all(
        authshim.install(_session(), authshim.Chain.from_environment()),
        _pages(f"{USER}@{netloc}", packages),
    )


def _authshim_with_files(netloc: str, packages: int) -> None:
    """Get the pages and a file of each from an index of a manifest, by URLs without the user."""
    index = f"http://{USER}@{netloc}/simple/"
    manifest = write(
        "pixi.toml", f'[workspace]\nchannels = []\n[pypi-options]\nindex-url = "{index}"\n'
    )
    session = authshim.install(_session(), authshim.Chain.from_environment(manifest=manifest))
    files = [f"http://{netloc}{metadata_of(name)}" for name in _names(packages)]
    _get_all(session, [*_pages(netloc, packages), *files])


def _pip(netloc: str, packages: int) -> None:
    """Get the pages with pip's session."""
    session = peers.pip_session(f"http://{USER}@{netloc}/simple/", threads=THREADS, keyring=True)
    _get_all(session, _pages(f"{USER}@{netloc}", packages))


def _uv(netloc: str, packages: int) -> None:
    """Let uv resolve the packages: it gets the page of each, and the metadata of a file of each."""
    wanted = write("requirements.in", "".join(f"{name}\n" for name in _names(packages)))
    options = [
        "--no-cache",
        "--no-config",
        "--keyring-provider",
        "subprocess",
        "--python",
        sys.executable,
    ]
    peers.run_uv(
        "pip", "compile", *options, "--index-url", f"http://{USER}@{netloc}/simple/", wanted
    )


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return session


def _names(packages: int) -> list[str]:
    return [f"package-{number}" for number in range(packages)]


def _pages(netloc: str, packages: int) -> list[str]:
    return [f"http://{netloc}/simple/{name}/" for name in _names(packages)]


def _get_all(session: Any, urls: Iterable[str]) -> None:
    """Get each URL once, with as many threads as there are."""

    def get(url: str) -> None:
        with suppress(OSError):  # requests' own errors, and those of pip's copy of it
            session.get(url)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(get, urls):
            pass
