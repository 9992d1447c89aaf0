"""devpi: files beside ``+simple``, pages in HTML and JSON, and two users' indexes of one host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable
from urllib.parse import urljoin

from replay import devpi
from replay.figures import Figures
from replay.recording import PROJECTS, content_of
from replay.run import pixi_toml
from replay.stores import netrc

if TYPE_CHECKING:
    from replay.run import Run


def test_one_keyring_process_serves_the_pages_and_the_files_beside_them(
    replay: Callable[..., Run],
) -> None:
    run = replay(
        devpi.SERVICE, pixi_toml(devpi.ADA_INDEX, username="ada"), {devpi.ADA_INDEX: devpi.ADA}
    )
    run.install(devpi.ADA_INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(devpi.HOST, devpi.ADA.shown)}


def test_a_reader_of_json_is_let_in_alike(replay: Callable[..., Run]) -> None:
    run = replay(
        devpi.SERVICE, pixi_toml(devpi.ADA_INDEX, username="ada"), {devpi.ADA_INDEX: devpi.ADA}
    )
    url = f"{devpi.ADA_INDEX}part-1/"
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    (file,) = run.session.get(url, headers=accept).json()["files"]
    assert run.get(urljoin(url, file["url"])).content == content_of(file["filename"])
    assert run.figures == Figures(requests=2, keyrings=1, wasted=0, leaks=0)


def test_two_users_of_one_host_have_their_own_passwords(replay: Callable[..., Run]) -> None:
    held = {devpi.ADA_INDEX: devpi.ADA, devpi.BOB_INDEX: devpi.BOB}
    own = [url.replace("://", f"://{held[url].username}@") for url in held]
    run = replay(devpi.SERVICE, pixi_toml(*own), held)
    for project in PROJECTS:
        run.install(devpi.ADA_INDEX, [project])
        run.install(devpi.BOB_INDEX, [project])
    assert run.figures == Figures(requests=160, keyrings=2, wasted=0, leaks=0)


def test_the_login_stays_where_a_slash_is_added(replay: Callable[..., Run]) -> None:
    netrc({devpi.HOST: devpi.ADA})
    run = replay(devpi.SERVICE, pixi_toml(devpi.ADA_INDEX))
    assert run.get(f"{devpi.ADA_INDEX}part-1").status_code == 200
    assert run.figures == Figures(requests=2, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(devpi.HOST, devpi.ADA.shown)}
