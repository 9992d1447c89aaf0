"""prefix.dev: a key for all of its hosts, and a login that ends within the run."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable

import pytest
from replay import prefix
from replay.channels import PACKAGES
from replay.figures import Figures
from replay.recording import Route, Service, content
from replay.run import pixi_toml
from replay.stores import auth_file

if TYPE_CHECKING:
    from replay.run import Run

HOUR = 3600


def endpoint_calls(run: Run) -> int:
    """Count how often a login was renewed, whoever sent it."""
    return sum(exchange.host == prefix.LOGIN for exchange in run.internet.log)


def test_one_key_opens_the_channel_and_its_shards(replay: Callable[..., Run]) -> None:
    auth_file({"*.prefix.dev": prefix.KEY})
    run = replay(prefix.SERVICE, pixi_toml(channels=[prefix.CHANNEL]))
    run.create(prefix.CHANNEL, PACKAGES)
    assert (
        run.get(f"https://{prefix.SHARDS}/acme/noarch/repodata_shards.msgpack.zst").status_code
        == 200
    )
    assert run.figures == Figures(requests=45, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {
        (prefix.REPO, prefix.KEY.shown),
        (prefix.SHARDS, prefix.KEY.shown),
        (prefix.BUCKET, None),
    }


@pytest.mark.parametrize(
    "host", ["notprefix.dev", "repo.prefix.dev.evil.example", "prefix.dev.example"]
)
def test_a_host_that_looks_like_it_sees_nothing(replay: Callable[..., Run], host: str) -> None:
    auth_file({"*.prefix.dev": prefix.KEY})
    lookalike = Service("prefix.dev", (Route(host, "/acme/{file*}", content),), (prefix.KEY,))
    run = replay(lookalike, pixi_toml(channels=[f"https://{host}/acme"]))
    run.create(f"https://{host}/acme", PACKAGES[:2])
    assert run.figures == Figures(requests=4, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(host, None)}


def test_a_login_that_is_about_to_end_is_renewed_before_it_is_shown(
    replay: Callable[..., Run],
) -> None:
    stored = auth_file({"*.prefix.dev": prefix.login(expires_in=60)})
    run = replay(prefix.SERVICE, pixi_toml(channels=[prefix.CHANNEL]))
    run.create(prefix.CHANNEL, PACKAGES)
    assert run.figures == Figures(requests=44, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(prefix.REPO, prefix.NEXT_ACCESS.shown), (prefix.BUCKET, None)}
    assert endpoint_calls(run) == 1
    kept = json.loads(stored.read_text())["*.prefix.dev"]["OAuth"]
    assert (kept["access_token"], kept["refresh_token"]) == (
        prefix.NEXT_ACCESS.value,
        prefix.NEXT_REFRESH.value,
    )


def test_a_login_that_ends_within_the_run_is_renewed_once(replay: Callable[..., Run]) -> None:
    auth_file({"*.prefix.dev": prefix.login(expires_in=HOUR)})
    run = replay(prefix.SERVICE, pixi_toml(channels=[prefix.CHANNEL]))
    run.create(prefix.CHANNEL, PACKAGES)
    run.internet.expire(prefix.ACCESS)
    run.create(prefix.CHANNEL, PACKAGES)
    assert [exchange.shown for exchange in run.log if exchange.refused] == [prefix.ACCESS.shown]
    assert run.figures == Figures(requests=89, keyrings=0, wasted=0, leaks=0)
    assert endpoint_calls(run) == 1


def test_sixteen_threads_whose_login_ends_renew_it_once(replay: Callable[..., Run]) -> None:
    auth_file({"*.prefix.dev": prefix.login(expires_in=HOUR)})
    run = replay(prefix.SERVICE, pixi_toml(channels=[prefix.CHANNEL]))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: run.create(prefix.CHANNEL, [name], subdirs=()), PACKAGES))
        run.internet.expire(prefix.ACCESS)
        list(pool.map(lambda name: run.create(prefix.CHANNEL, [name], subdirs=()), PACKAGES))
    assert endpoint_calls(run) == 1
    assert run.figures._replace(requests=0) == Figures(requests=0, keyrings=0, wasted=0, leaks=0)
    assert (
        81 <= run.figures.requests <= 96
    )  # each thread may have one on its way when the token ends


def test_an_older_403_is_told_to_nobody_and_a_key_is_shown_at_once(
    replay: Callable[..., Run],
) -> None:
    auth_file({"*.prefix.dev": prefix.KEY})
    run = replay(prefix.SERVICE, pixi_toml(channels=[prefix.OLDER_CHANNEL]))
    run.create(prefix.OLDER_CHANNEL, PACKAGES[:4])
    assert run.figures == Figures(requests=12, keyrings=0, wasted=0, leaks=0)
