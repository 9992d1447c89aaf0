"""anaconda.org: the token stands in the path, and nowhere that a program sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from replay import anaconda
from replay.channels import PACKAGES
from replay.figures import Figures
from replay.recording import Secret
from replay.run import pixi_toml
from replay.stores import auth_file

if TYPE_CHECKING:
    from replay.run import Run


@pytest.mark.parametrize("key", ["conda.anaconda.org", "*.anaconda.org"])
def test_the_token_is_in_every_path_and_the_bucket_sees_none(
    replay: Callable[..., Run], key: str
) -> None:
    auth_file({key: anaconda.TOKEN})
    run = replay(anaconda.SERVICE, pixi_toml(channels=[anaconda.CHANNEL]))
    run.create(anaconda.CHANNEL, PACKAGES)
    assert run.figures == Figures(requests=42, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(anaconda.HOST, anaconda.TOKEN.shown), (anaconda.BUCKET, None)}


def test_the_program_does_not_see_the_token(
    replay: Callable[..., Run], no_secret: Callable[..., None]
) -> None:
    auth_file({"*.anaconda.org": anaconda.TOKEN})
    run = replay(anaconda.SERVICE, pixi_toml(channels=[anaconda.CHANNEL]))
    response = run.get(f"{anaconda.CHANNEL}/noarch/{PACKAGES[0]}")
    assert response.history[0].url == f"{anaconda.CHANNEL}/noarch/{PACKAGES[0]}"
    no_secret(response, *response.history)
    assert run.figures == Figures(requests=2, keyrings=0, wasted=0, leaks=0)


def test_a_channel_of_everybody_is_read_beside_the_private_one(replay: Callable[..., Run]) -> None:
    auth_file({"*.anaconda.org": anaconda.TOKEN})
    run = replay(anaconda.SERVICE, pixi_toml(channels=[anaconda.CHANNEL, anaconda.OPEN_CHANNEL]))
    run.create(anaconda.CHANNEL, PACKAGES[:2])
    run.create(anaconda.OPEN_CHANNEL, PACKAGES[:2])
    assert run.figures == Figures(requests=12, keyrings=0, wasted=0, leaks=0)


def test_a_token_that_is_wrong_is_shown_once_and_not_again(replay: Callable[..., Run]) -> None:
    wrong = Secret("ac-s3cret-wrong", (anaconda.HOST,), in_path=True)
    auth_file({"*.anaconda.org": wrong})
    run = replay(anaconda.SERVICE, pixi_toml(channels=[anaconda.CHANNEL]))
    assert [run.get(f"{anaconda.CHANNEL}/noarch/repodata.json").status_code for _ in range(4)] == [
        401
    ] * 4
    assert [exchange.shown for exchange in run.log] == [wrong.shown, None, None, None]
    assert run.figures == Figures(requests=4, keyrings=0, wasted=0, leaks=0)
