"""The time of a look-up, and the memory of its answer, for few and many hosts and indexes."""

from __future__ import annotations

import gc
import itertools
import os
import tracemalloc
from typing import TYPE_CHECKING

import authshim
from authshim.project.repositories import Index
from benchmarks.measure import Figure, Plan, interleaved, median, per_call, ratios
from benchmarks.scene import PASSWORD, USER, auth_file, netrc
from benchmarks.table import Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 2000
"""Indexes whose memory is measured; fewer than a chain remembers."""


def rows(plan: Plan) -> list[Row]:
    """Look up unknown hosts and the pages of many indexes, and weigh the cache of known indexes."""
    many = 10_000 if plan.is_quick else 100_000
    times = interleaved({"few": missing(10), "many": missing(many)}, plan)
    declared = interleaved({"one": cached(1), "few": cached(10), "many": cached(1_000)}, plan)
    weights = [bytes_per_index() / 1024 for _ in range(3)]
    return [
        Row(
            f"a look-up that misses every source, {many:,} hosts",
            "10 hosts",
            1.2,
            Figure.of(ratios(times["many"], times["few"])),
            "x",
            seconds(median(times["many"])),
            seconds(median(times["few"])),
        ),
        Row(
            "a cached look-up at a host with 1,000 indexes",
            "10 indexes",
            1.5,
            Figure.of(ratios(declared["many"], declared["few"])),
            "x",
            seconds(median(declared["many"])),
            seconds(median(declared["few"])),
        ),
        Row(
            "a cached look-up at a host with 10 indexes",
            "1 index",
            4,
            Figure.of(ratios(declared["few"], declared["one"])),
            "x",
            seconds(median(declared["few"])),
            seconds(median(declared["one"])),
        ),
        Row(
            "the same in microseconds",
            "-",
            6,
            Figure.of([1e6 * value for value in declared["few"]]),
            "us",
            seconds(median(declared["few"])),
            "-",
        ),
        Row(
            "memory held per cached index",
            "-",
            2,
            Figure.of(weights),
            "KiB",
            f"{weights[0]:.2f} KiB",
            "-",
        ),
    ]


def chain_of(hosts: int, indexes: tuple[Index, ...] = ()) -> authshim.Chain:
    """Return the chain of a user with this auth file, and a netrc."""
    settings = {
        "RATTLER_AUTH_FILE": auth_file(hosts),
        "AUTHSHIM_AUTH_FILE_MODE": "first",
        "NETRC": netrc(10),
    }
    made = authshim.Chain.from_environment(environ={**os.environ, **settings})
    if not indexes:
        return made
    return authshim.Chain(
        [provider._provider for provider in made._lookup.providers], indexes=indexes
    )


def missing(hosts: int, number: int = 200) -> Callable[[], float]:
    """Measure the look-up of new hosts that no source knows, after the file was read."""
    chain = chain_of(hosts)
    chain.find("https://first.nowhere.example/")
    names = (f"https://n{turn}.nowhere.example/simple/demo/" for turn in itertools.count())
    return lambda: per_call(lambda: chain.find(next(names)), number)


def cached(indexes: int, number: int = 200) -> Callable[[], float]:
    """Measure the look-up of pages that were read before, of many indexes at one host in turn."""
    declared = tuple(Index(f"https://h.example/i{turn}/simple/") for turn in range(indexes))
    chain = authshim.Chain([_Everywhere()], indexes=declared)
    urls = [f"{declared[turn % indexes].url}demo-{turn}/" for turn in range(2000)]
    for url in urls:
        chain.find(url)
    pages = itertools.cycle(urls)
    return lambda: per_call(lambda: chain.find(next(pages)), number)


def bytes_per_index(indexes: int = KEPT) -> float:
    """Weigh the cache of an index whose credential was found, without the index itself."""
    declared = tuple(Index(f"https://i{number}.example/simple/") for number in range(indexes))
    chain = authshim.Chain([_Everywhere()], indexes=declared)
    urls = [f"{index.url}demo/" for index in declared]
    chain.find("https://first.example/")
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for url in urls:
            chain.find(url)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / indexes
    finally:
        tracemalloc.stop()


class _Everywhere(authshim.Provider):
    """Has a credential of its own for every host, as each index has in practice."""

    name = "everywhere"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        """Return a new one for a host."""
        return authshim.BasicHTTP(USER, PASSWORD) if getattr(key, "kind", "") == "host" else None
