"""Whether the cost stays flat: hosts in the file, indexes that are declared, threads at work."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import requests

import authshim
from authshim.project.repositories import Index
from benchmarks.lookup_rows import chain_of, missing
from benchmarks.measure import Plan, interleaved, median, once, per_call
from benchmarks.scene import URL, Canned, netrc
from benchmarks.table import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Curve(NamedTuple):
    """Seconds, by a number that grows."""

    name: str
    grows: str
    points: tuple[tuple[int, float], ...]


def curves(plan: Plan) -> list[Curve]:
    """Measure all the curves."""
    hosts = [10, 100, 1000, 10_000, *([] if plan.is_quick else [100_000])]
    indexes = [1, 10, 100, *([] if plan.is_quick else [1000])]
    return [
        _curve("a credential that is known", "hosts", hosts, _known, plan),
        _curve("a host never seen, that nobody knows", "hosts", hosts, missing, plan),
        _curve("one of many indexes, one host each", "indexes", indexes, _declared, plan),
        _curve("one of many indexes at one host", "indexes", indexes, _declared_at_one_host, plan),
        _curve("a send, all threads together", "threads", [1, 2, 4, 8, 16, 32, 64], _threads, plan),
    ]


def as_text(found: Iterable[Curve]) -> str:
    """Draw each curve as bars."""
    lines = []
    for curve in found:
        longest = max(time for _, time in curve.points)
        lines += ["", f"{curve.name}, by {curve.grows}"]
        for size, time in curve.points:
            lines.append(
                f"  {size:>9,}  {seconds(time):>9}  {'#' * max(1, round(40 * time / longest))}"
            )
    return "\n".join(lines)


def as_picture(found: Iterable[Curve], path: str) -> None:
    """Draw all of them into one picture; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5))
    for axis, grows in zip(axes, ("hosts", "indexes", "threads")):
        for curve in found:
            if curve.grows == grows:
                sizes, times = zip(*curve.points)
                axis.plot(sizes, [time * 1e6 for time in times], marker="o", label=curve.name)
        axis.set(xscale="log", xlabel=grows, ylabel="microseconds", ylim=(0, None))
        axis.legend()
    figure.suptitle("authshim: what one look-up or send costs")
    figure.tight_layout()
    figure.savefig(path)


def _curve(
    name: str, grows: str, sizes: list[int], make: Callable[[int], Callable[[], float]], plan: Plan
) -> Curve:
    times = interleaved({str(size): make(size) for size in sizes}, plan)
    return Curve(name, grows, tuple((size, median(times[str(size)])) for size in sizes))


def _known(hosts: int) -> Callable[[], float]:
    chain = chain_of(hosts)
    return lambda: per_call(lambda: chain.find(URL), 2000)


def _declared(indexes: int) -> Callable[[], float]:
    urls = [f"https://i{number}.example/simple/" for number in range(indexes)]
    return _finding(urls)


def _declared_at_one_host(indexes: int) -> Callable[[], float]:
    return _finding([f"https://h.example/team-{number}/simple/" for number in range(indexes)])


def _finding(urls: list[str]) -> Callable[[], float]:
    chain = chain_of(10, tuple(Index(url) for url in urls))
    page = f"{urls[-1]}demo/"
    return lambda: per_call(lambda: chain.find(page), 1000)


def _threads(threads: int) -> Callable[[], float]:
    chain = authshim.Chain.from_environment(environ={**os.environ, "NETRC": netrc(1)})
    adapter = authshim.AuthAdapter(chain, inner=Canned())
    request = requests.Session().prepare_request(requests.Request("GET", URL))
    number = max(1, 640 // threads)

    def send_all(_: int) -> None:
        for _ in range(number):
            adapter.send(request)

    def measure() -> float:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: None, range(threads)))
            return once(lambda: list(pool.map(send_all, range(threads)))) / (number * threads)

    return measure
