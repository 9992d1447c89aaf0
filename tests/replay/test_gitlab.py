"""GitLab: tokens of a person, a job and a deployment, and what it forwards to PyPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from replay import gitlab, pypi
from replay.figures import Figures
from replay.recording import PROJECTS
from replay.run import pixi_toml
from replay.stores import auth_file, netrc

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def test_the_token_of_a_job_in_netrc_serves_all_projects(replay: Callable[..., Run]) -> None:
    netrc({gitlab.HOST: gitlab.JOB})
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.PARTS_INDEX, gitlab.TOOLS_INDEX))
    run.install(gitlab.PARTS_INDEX, gitlab.OWN)
    run.install(gitlab.TOOLS_INDEX, gitlab.OWN)
    assert run.figures == Figures(requests=100, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(gitlab.HOST, gitlab.JOB.shown), (gitlab.BUCKET, None)}


def test_one_keyring_process_has_the_token_of_a_person(replay: Callable[..., Run]) -> None:
    held = {gitlab.PARTS_INDEX: gitlab.PERSONAL}
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.PARTS_INDEX, username="__token__"), held)
    run.install(gitlab.PARTS_INDEX, gitlab.OWN)
    assert run.figures == Figures(requests=40, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(gitlab.HOST, gitlab.PERSONAL.shown)}


def test_redirect_to_pypi_carries_no_token(replay: Callable[..., Run]) -> None:
    held = {gitlab.PARTS_INDEX: gitlab.PERSONAL}
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.PARTS_INDEX, username="__token__"), held)
    run.install(gitlab.PARTS_INDEX, PROJECTS)
    assert run.figures == Figures(requests=100, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {
        (gitlab.HOST, gitlab.PERSONAL.shown),
        (pypi.HOST, None),
        (pypi.FILES, None),
    }


def test_each_project_has_a_deploy_token_of_its_own_in_the_keyring(
    replay: Callable[..., Run],
) -> None:
    parts, tools = gitlab.PARTS_INDEX, gitlab.TOOLS_INDEX
    held = {parts: gitlab.PARTS, tools: gitlab.TOOLS}
    own = [url.replace("://", f"://{held[url].username}@") for url in held]
    run = replay(gitlab.SERVICE, pixi_toml(*own), held)
    for project in gitlab.OWN:
        run.install(parts, [project])
        run.install(tools, [project])
    assert run.figures == Figures(requests=100, keyrings=2, wasted=0, leaks=0)


def test_each_project_has_a_deploy_token_of_its_own_in_the_auth_file(
    replay: Callable[..., Run],
) -> None:
    auth_file({f"{gitlab.API}/41": gitlab.PARTS, f"{gitlab.API}/42": gitlab.TOOLS})
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.PARTS_INDEX, gitlab.TOOLS_INDEX))
    for project in gitlab.OWN:
        run.install(gitlab.PARTS_INDEX, [project])
        run.install(gitlab.TOOLS_INDEX, [project])
    assert run.figures == Figures(requests=100, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {
        (gitlab.HOST, gitlab.PARTS.shown),
        (gitlab.HOST, gitlab.TOOLS.shown),
        (gitlab.BUCKET, None),
    }


def test_the_path_of_the_auth_file_serves_projects_that_nobody_declared(
    replay: Callable[..., Run],
) -> None:
    auth_file({f"{gitlab.API}/41": gitlab.PARTS, f"{gitlab.API}/42": gitlab.TOOLS})
    run = replay(gitlab.SERVICE, pixi_toml())
    run.install(gitlab.PARTS_INDEX, FEW)
    run.install(gitlab.TOOLS_INDEX, FEW)
    assert run.figures == Figures(requests=20, keyrings=0, wasted=0, leaks=0)


def test_a_token_that_was_revoked_is_fetched_once_more(replay: Callable[..., Run]) -> None:
    held = {gitlab.PARTS_INDEX: gitlab.PERSONAL}
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.PARTS_INDEX, username="__token__"), held)
    run.install(gitlab.PARTS_INDEX, FEW)
    run.internet.expire(gitlab.PERSONAL)
    run.keyring.hold({gitlab.PARTS_INDEX: gitlab.NEXT_PERSONAL})
    run.install(gitlab.PARTS_INDEX, FEW)
    assert run.figures == Figures(requests=17, keyrings=2, wasted=0, leaks=0)


def test_a_project_of_others_is_404_and_nobody_is_asked_again(replay: Callable[..., Run]) -> None:
    held = {gitlab.TOOLS_INDEX: gitlab.PARTS}
    run = replay(gitlab.SERVICE, pixi_toml(gitlab.TOOLS_INDEX, username="parts-reader"), held)
    assert [run.get(f"{gitlab.TOOLS_INDEX}/{project}/").status_code for project in FEW] == [404] * 4
    assert run.figures == Figures(requests=4, keyrings=1, wasted=0, leaks=0)


def test_the_files_of_two_projects_with_names_cost_a_404_for_each(
    replay: Callable[..., Run],
) -> None:
    """A project's page has its name, its files have its number; who is no member is told 404."""
    parts, tools = gitlab.NAMED_PARTS_INDEX, gitlab.NAMED_TOOLS_INDEX
    held = {parts: gitlab.PARTS, tools: gitlab.TOOLS}
    own = [url.replace("://", f"://{held[url].username}@") for url in held]
    run = replay(
        gitlab.SERVICE, pixi_toml(*own), held, apart="two projects with names, all the pages first"
    )
    links = [link for url in held for project in gitlab.OWN for link in run.links(url, project)]
    assert [run.get(link).status_code for link in links] == [200] * 40
    assert [exchange.status for exchange in run.log if exchange.refused] == [404, 404]
    assert run.figures == Figures(requests=102, keyrings=2, wasted=2, leaks=0)
