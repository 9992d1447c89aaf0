"""200 index pages from a keep-alive server on loopback, with one thread and with eight."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter

import authshim
from benchmarks import peers
from benchmarks.measure import Figure, Plan, in_turns, interleaved, median, once, ratios
from benchmarks.scene import PASSWORD, USER, Server, netrc
from benchmarks.table import NOT_HERE, Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


PARTS = 5
"""So many times a round is one case's turn, with as many pages each time."""


def rows(plan: Plan) -> list[Row]:
    """Fetch the pages by hand, with authshim, and as the peers do."""
    pages = 60 if plan.is_quick else 200
    with Server(passwords=[PASSWORD]) as server:
        urls = [f"http://{server.netloc}/simple/package-{number}/" for number in range(pages)]
        return [row for threads in (1, 8) for row in _rows(plan, urls, threads)]


def _rows(plan: Plan, urls: Sequence[str], threads: int) -> list[Row]:
    cases = _cases(urls, threads)
    times = _times(cases, plan)
    what = f"{len(urls)} index pages, {threads} thread{'s' if threads > 1 else ''}"
    said = {name: seconds(median(figures)) for name, figures in times.items()}
    by_hand, with_netrc = (
        Figure.of(ratios(times["authshim"], times[name])) for name in ("by hand", "netrc")
    )
    floor = median(ratios(times["by hand"], times["netrc"]))
    peer = f"{said['by hand']}, pip {said.get('pip', NOT_HERE)}"
    with_floor = f"{said['netrc']}; by hand {floor:.3f}"
    return [
        Row(what, "auth=(user, password)", 1.03, by_hand, "x", said["authshim"], peer),
        Row(what, "requests, netrc of 100", None, with_netrc, "x", said["authshim"], with_floor),
    ]


def _times(cases: Mapping[str, Callable[[], float]], plan: Plan) -> dict[str, list[float]]:
    """Fetch all the pages in each round, a part of them at a time and in turns."""
    rounds = interleaved({"all": lambda: in_turns([*cases.values()], PARTS)}, plan)["all"]
    return {name: [PARTS * part for part in parts] for name, parts in zip(cases, zip(*rounds))}


def _cases(urls: Sequence[str], threads: int) -> dict[str, Callable[[], float]]:
    path = netrc(100, "127.0.0.1")
    by_hand, with_netrc = _session(threads), _session(threads)
    by_hand.auth = (USER, PASSWORD)
    chain = authshim.Chain.from_environment(environ={**os.environ, "NETRC": path})
    ours = authshim.install(_session(threads), chain)
    cases = {
        "by hand": _fetching(by_hand.get, urls, threads, None),
        "authshim": _fetching(ours.get, urls, threads, path),
        "netrc": _fetching(with_netrc.get, urls, threads, path),
    }
    index = urls[0].replace("://", f"://{USER}:{PASSWORD}@").rpartition("package")[0]
    pip = peers.made(
        lambda: peers.pip_session(index, threads=threads).get, trial=urls[0], name="pip"
    )
    return {**cases, **({"pip": _fetching(pip, urls, threads, None)} if pip else {})}


def _session(threads: int) -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=threads))
    return session


def _fetching(
    get: Callable[[str], Any], urls: Sequence[str], threads: int, path: str | None
) -> Callable[[], float]:
    """Return what fetches the next part of the pages, and tells how long it took."""
    parts = itertools.cycle([urls[part::PARTS] for part in range(PARTS)])

    def fetch(url: str) -> None:
        get(url).raise_for_status()

    def fetch_part() -> float:
        os.environ.pop("NETRC", None)
        if path is not None:
            os.environ["NETRC"] = path
        part = next(parts)
        if threads == 1:
            return once(lambda: [fetch(url) for url in part])
        with ThreadPoolExecutor(threads) as pool:
            return once(lambda: list(pool.map(fetch, part)))

    return fetch_part
