"""Artifactory: an API key, a token of nobody and one as Bearer, for wheels and for a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from replay import artifactory
from replay.figures import Figures
from replay.recording import PROJECTS, Secret
from replay.run import pixi_toml
from replay.stores import auth_file, netrc

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def test_one_keyring_process_has_the_api_key(replay: Callable[..., Run]) -> None:
    held = {artifactory.INDEX: artifactory.KEY}
    run = replay(artifactory.SERVICE, pixi_toml(artifactory.INDEX, username="ada"), held)
    run.install(artifactory.INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(artifactory.HOST, artifactory.KEY.shown)}


def test_a_token_needs_no_username_in_netrc(replay: Callable[..., Run]) -> None:
    netrc({artifactory.HOST: artifactory.TOKEN})
    run = replay(artifactory.SERVICE, pixi_toml(artifactory.INDEX))
    run.install(artifactory.INDEX, FEW)
    assert run.figures == Figures(requests=8, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(artifactory.HOST, artifactory.TOKEN.shown)}


@pytest.mark.parametrize("login", [artifactory.KEY, artifactory.BEARER], ids=["basic", "bearer"])
def test_a_login_in_the_auth_file_serves_the_index_and_the_mirror(
    replay: Callable[..., Run], login: Secret
) -> None:
    auth_file({artifactory.HOST: login})
    run = replay(artifactory.SERVICE, pixi_toml(artifactory.INDEX, channels=[artifactory.MIRROR]))
    run.install(artifactory.INDEX, FEW)
    run.create(artifactory.MIRROR, ["zlib-1.3-0.conda", "xz-5.8-0.tar.bz2"])
    assert run.figures == Figures(requests=12, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(artifactory.HOST, login.shown)}


def test_the_login_stays_where_a_slash_is_added(replay: Callable[..., Run]) -> None:
    held = {artifactory.INDEX: artifactory.KEY}
    run = replay(artifactory.SERVICE, pixi_toml(artifactory.INDEX, username="ada"), held)
    assert run.get(artifactory.INDEX).status_code == 200
    assert run.figures == Figures(requests=2, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(artifactory.HOST, artifactory.KEY.shown)}


def test_a_403_for_nobody_asks_the_keyring_once(replay: Callable[..., Run]) -> None:
    held = {artifactory.SECRET_INDEX: artifactory.KEY}
    run = replay(
        artifactory.SERVICE,
        pixi_toml(artifactory.SECRET_INDEX),
        held,
        apart="403, and no user declared",
    )
    run.install(artifactory.SECRET_INDEX, PROJECTS)
    assert [exchange.shown for exchange in run.log if exchange.refused] == [None]
    assert run.figures == Figures(requests=81, keyrings=1, wasted=1, leaks=0)
