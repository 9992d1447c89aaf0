"""200 index pages from a keep-alive server on loopback, with one thread and with eight."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter

import authshim
from benchmarks import peers
from benchmarks.measure import Figure, Plan, interleaved, median, once, ratios
from benchmarks.scene import PASSWORD, USER, Server, netrc
from benchmarks.table import NOT_HERE, Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def rows(plan: Plan) -> list[Row]:
    """Fetch the pages by hand, with authshim, and as the peers do."""
    pages = 60 if plan.is_quick else 200
    with Server(passwords=[PASSWORD]) as server:
        urls = [f"http://{server.netloc}/simple/package-{number}/" for number in range(pages)]
        return [row for threads in (1, 8) for row in _rows(plan, urls, threads)]


def _rows(plan: Plan, urls: Sequence[str], threads: int) -> list[Row]:
    cases = _cases(urls, threads)
    times = interleaved(cases, plan)
    what = f"{len(urls)} index pages, {threads} thread{'s' if threads > 1 else ''}"
    ours = seconds(median(times["authshim"]))
    pip = f"pip {seconds(median(times['pip'])) if 'pip' in times else NOT_HERE}"
    by_hand, with_netrc = times["by hand"], times["netrc"]
    against_hand = Figure.of(ratios(times["authshim"], by_hand))
    against_netrc = Figure.of(ratios(times["authshim"], with_netrc))
    return [
        Row(what, "auth=(user, password)", 1.03, against_hand, "x", ours, f"{seconds(median(by_hand))}, {pip}"),
        Row(what, "requests, netrc of 100", 0.30, against_netrc, "x", ours, seconds(median(with_netrc))),
    ]


def _cases(urls: Sequence[str], threads: int) -> dict[str, Callable[[], float]]:
    path = netrc(100, "127.0.0.1")
    by_hand, with_netrc = _session(threads), _session(threads)
    by_hand.auth = (USER, PASSWORD)
    chain = authshim.Chain.from_environment(environ={**os.environ, "NETRC": path})
    ours = authshim.install(_session(threads), chain)
    cases = {
        "by hand": partial(_fetch_all, by_hand.get, urls, threads, None),
        "authshim": partial(_fetch_all, ours.get, urls, threads, path),
        "netrc": partial(_fetch_all, with_netrc.get, urls, threads, path),
    }
    index = urls[0].replace("://", f"://{USER}:{PASSWORD}@").rpartition("package")[0]
    pip = peers.made(lambda: peers.pip_session(index, threads=threads).get, trial=urls[0])
    return {**cases, **({"pip": partial(_fetch_all, pip, urls, threads, None)} if pip else {})}


def _session(threads: int) -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=threads))
    return session


def _fetch_all(get: Callable[[str], Any], urls: Sequence[str], threads: int, path: str | None) -> float:
    os.environ.pop("NETRC", None)
    if path is not None:
        os.environ["NETRC"] = path

    def fetch(url: str) -> None:
        get(url).raise_for_status()

    if threads == 1:
        return once(lambda: [fetch(url) for url in urls])
    with ThreadPoolExecutor(threads) as pool:
        return once(lambda: list(pool.map(fetch, urls)))
