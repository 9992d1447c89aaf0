"""Gitea: two owners of one host, whose tokens are one user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from replay import gitea
from replay.figures import Figures
from replay.recording import PROJECTS
from replay.run import pixi_toml
from replay.stores import auth_file

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def test_one_keyring_process_serves_the_pages_and_the_files(replay: Callable[..., Run]) -> None:
    run = replay(
        gitea.SERVICE, pixi_toml(gitea.ACME_INDEX, username="ada"), {gitea.ACME_INDEX: gitea.ACME}
    )
    run.install(gitea.ACME_INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(gitea.HOST, gitea.ACME.shown)}


def test_one_user_has_a_token_for_each_owner(replay: Callable[..., Run]) -> None:
    held = {gitea.ACME_INDEX: gitea.ACME, gitea.LABS_INDEX: gitea.LABS}
    run = replay(gitea.SERVICE, pixi_toml(*held, username="ada"), held)
    for project in PROJECTS:
        run.install(gitea.ACME_INDEX, [project])
        run.install(gitea.LABS_INDEX, [project])
    assert run.figures == Figures(requests=160, keyrings=2, wasted=0, leaks=0)


def test_a_path_of_the_auth_file_and_the_keyring_share_a_host(replay: Callable[..., Run]) -> None:
    auth_file({f"{gitea.HOST}/api/packages/labs": gitea.LABS})
    held = {gitea.ACME_INDEX: gitea.ACME}
    run = replay(gitea.SERVICE, pixi_toml(gitea.ACME_INDEX, gitea.LABS_INDEX, username="ada"), held)
    run.install(gitea.LABS_INDEX, FEW)
    run.install(gitea.ACME_INDEX, FEW)
    assert run.figures == Figures(requests=16, keyrings=1, wasted=0, leaks=0)


def test_a_token_that_was_deleted_is_fetched_once_more(replay: Callable[..., Run]) -> None:
    run = replay(
        gitea.SERVICE, pixi_toml(gitea.ACME_INDEX, username="ada"), {gitea.ACME_INDEX: gitea.ACME}
    )
    run.install(gitea.ACME_INDEX, FEW)
    run.internet.expire(gitea.ACME)
    run.keyring.hold({gitea.ACME_INDEX: gitea.NEXT_ACME})
    run.install(gitea.ACME_INDEX, FEW)
    assert run.figures == Figures(requests=17, keyrings=2, wasted=0, leaks=0)


def test_a_token_without_the_right_is_shown_once_and_not_again(replay: Callable[..., Run]) -> None:
    auth_file({gitea.HOST: gitea.LABS})
    run = replay(gitea.SERVICE, pixi_toml(gitea.ACME_INDEX))
    assert [run.get(f"{gitea.ACME_INDEX}/{project}/").status_code for project in FEW] == [401] * 4
    assert [exchange.shown for exchange in run.log] == [gitea.LABS.shown, None, None, None]
    assert run.figures == Figures(requests=4, keyrings=0, wasted=0, leaks=0)
