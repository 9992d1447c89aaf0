"""Nexus: a password, and one that is not the right one any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from replay import nexus
from replay.figures import Figures
from replay.recording import PROJECTS
from replay.run import pixi_toml
from replay.stores import netrc

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def test_one_keyring_process_serves_the_pages_and_the_files(replay: Callable[..., Run]) -> None:
    run = replay(nexus.SERVICE, pixi_toml(nexus.INDEX, username="ada"), {nexus.INDEX: nexus.ADA})
    run.install(nexus.INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(nexus.HOST, nexus.ADA.shown)}


def test_the_old_password_is_shown_once_and_not_again(replay: Callable[..., Run]) -> None:
    netrc({nexus.HOST: nexus.OLD})
    run = replay(nexus.SERVICE, pixi_toml(nexus.INDEX))
    assert [run.get(f"{nexus.INDEX}{project}/").status_code for project in FEW] == [401] * 4
    assert [exchange.shown for exchange in run.log] == [nexus.OLD.shown, None, None, None]
    assert run.figures == Figures(requests=4, keyrings=0, wasted=0, leaks=0)
