"""Files at another host: it sees the login that is its own, and none where it asks for none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

from replay import elsewhere
from replay.figures import Figures
from replay.recording import PROJECTS
from replay.run import pixi_toml
from replay.stores import auth_file, netrc

if TYPE_CHECKING:
    from replay.run import Run


def test_a_public_host_sees_no_login(replay: Callable[..., Run]) -> None:
    held = {elsewhere.PUBLIC_INDEX: elsewhere.ADA}
    run = replay(elsewhere.SERVICE, pixi_toml(elsewhere.PUBLIC_INDEX, username="ada"), held)
    run.install(elsewhere.PUBLIC_INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(elsewhere.HOST, elsewhere.ADA.shown), (elsewhere.PUBLIC, None)}


def test_a_bucket_sees_the_signatures_of_the_page(replay: Callable[..., Run]) -> None:
    held = {elsewhere.SIGNED_INDEX: elsewhere.ADA}
    run = replay(elsewhere.SERVICE, pixi_toml(elsewhere.SIGNED_INDEX, username="ada"), held)
    run.install(elsewhere.SIGNED_INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(elsewhere.HOST, elsewhere.ADA.shown), (elsewhere.BUCKET, None)}


def test_netrc_default_is_not_sent_to_a_host_that_does_not_ask(
    replay: Callable[..., Run],
) -> None:
    everybody = elsewhere.ANYBODY
    Path.home().joinpath(".netrc").write_text(
        f"default login {everybody.username} password {everybody.value}\n"
    )
    auth_file({elsewhere.HOST: elsewhere.ADA})
    run = replay(elsewhere.SERVICE, pixi_toml(elsewhere.PUBLIC_INDEX, elsewhere.SIGNED_INDEX))
    run.install(elsewhere.PUBLIC_INDEX, PROJECTS[:4])
    run.install(elsewhere.SIGNED_INDEX, PROJECTS[:4])
    assert run.figures == Figures(requests=16, keyrings=0, wasted=0, leaks=0)


def test_a_host_with_a_login_of_its_own_gets_that(replay: Callable[..., Run]) -> None:
    netrc({elsewhere.PRIVATE: elsewhere.FILES})
    held = {elsewhere.PRIVATE_INDEX: elsewhere.ADA}
    run = replay(elsewhere.SERVICE, pixi_toml(elsewhere.PRIVATE_INDEX, username="ada"), held)
    run.install(elsewhere.PRIVATE_INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {
        (elsewhere.HOST, elsewhere.ADA.shown),
        (elsewhere.PRIVATE, elsewhere.FILES.shown),
    }
