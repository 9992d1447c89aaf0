"""Azure DevOps: one look-up for a feed and its files, and no login for the blob storage."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from replay import azure
from replay.figures import Figures
from replay.keyrings import elsewhere, needs_backend
from replay.recording import PROJECTS
from replay.run import pixi_toml

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def declared(*urls: str) -> str:
    """Return a manifest with these indexes, for the user that the vendor names."""
    return pixi_toml(*urls, username="VssSessionToken")


def test_one_keyring_process_serves_a_feed_and_its_files(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    run.install(azure.BLUE_INDEX, PROJECTS)
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(azure.PKGS, azure.BLUE.shown), (azure.BLOBS, None)}
    assert len(run.keyring.calls) == 1
    assert run.keyring.calls[0].split()[-2:] == [azure.BLUE_INDEX, "VssSessionToken"]


def test_the_older_host_is_served_alike(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.OLD_INDEX), {azure.OLD_INDEX: azure.BLUE})
    run.install(azure.OLD_INDEX, FEW)
    assert run.figures == Figures(requests=12, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(azure.OLD, azure.BLUE.shown), (azure.BLOBS, None)}


def test_thirty_two_threads_need_one_keyring_process(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda project: run.install(azure.BLUE_INDEX, [project]), PROJECTS))
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)


def test_two_feeds_of_one_organisation_have_their_own_credentials(
    replay: Callable[..., Run],
) -> None:
    held = {azure.BLUE_INDEX: azure.BLUE, azure.GREEN_INDEX: azure.GREEN}
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX, azure.GREEN_INDEX), held)
    for project in PROJECTS:
        run.install(azure.BLUE_INDEX, [project])
        run.install(azure.GREEN_INDEX, [project])
    assert run.figures == Figures(requests=240, keyrings=2, wasted=0, leaks=0)


def test_the_files_of_a_feed_whose_page_was_not_read_cost_one_refusal(
    replay: Callable[..., Run],
) -> None:
    """A GUID tells nobody whose feed it is, and a lock file holds the files' URLs only."""
    held = {azure.BLUE_INDEX: azure.BLUE, azure.GREEN_INDEX: azure.GREEN}
    indexes = declared(azure.BLUE_INDEX, azure.GREEN_INDEX)
    run = replay(azure.SERVICE, indexes, held, apart="two feeds' files, without their pages")
    for project in PROJECTS:
        for guid in (azure.BLUE_GUID, azure.GREEN_GUID):
            assert run.get(azure.file_of(project, guid)).status_code == 200
    assert [azure.GREEN_GUID in exchange.seen.path for exchange in run.log if exchange.refused] == [
        True
    ]
    assert run.figures == Figures(requests=161, keyrings=2, wasted=1, leaks=0)


def test_a_netrc_that_knows_the_blob_storage_adds_nothing_to_a_signature(
    replay: Callable[..., Run],
) -> None:
    Path(os.environ["HOME"], ".netrc").write_text(
        f"machine {azure.BLOBS} login ada password s3cret-netrc\n"
    )
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    run.install(azure.BLUE_INDEX, FEW)
    assert run.figures == Figures(requests=12, keyrings=1, wasted=0, leaks=0)


def test_a_token_that_was_replaced_is_fetched_once_more(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    run.install(azure.BLUE_INDEX, FEW)
    run.internet.expire(azure.BLUE)
    run.keyring.hold({azure.BLUE_INDEX: azure.NEXT_BLUE})
    run.install(azure.BLUE_INDEX, FEW)
    assert run.figures == Figures(requests=25, keyrings=2, wasted=0, leaks=0)


def test_a_package_that_is_not_there_costs_one_request(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    assert run.get(azure.BLUE_INDEX + "absent/").status_code == 404
    assert run.figures == Figures(requests=1, keyrings=1, wasted=0, leaks=0)


@pytest.mark.replay
def test_artifacts_keyring_is_run_once(
    replay: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run Microsoft's own back end, a program of .NET, with the tokens that a pipeline gives it."""
    monkeypatch.setenv("PYTHONPATH", elsewhere("artifacts-keyring"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "artifacts_keyring.ArtifactsKeyringBackend")
    given = [(azure.BLUE_INDEX, azure.BLUE), (azure.GREEN_INDEX, azure.GREEN)]
    endpoints = [
        {"endpoint": url, "username": held.username, "password": held.value} for url, held in given
    ]
    monkeypatch.setenv(
        "VSS_NUGET_EXTERNAL_FEED_ENDPOINTS", json.dumps({"endpointCredentials": endpoints})
    )
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX, azure.GREEN_INDEX), real=True)
    run.install(azure.BLUE_INDEX, PROJECTS)
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)
    run.links(azure.GREEN_INDEX, "part-1")
    assert run.figures == Figures(requests=121, keyrings=2, wasted=0, leaks=0)


@pytest.fixture
def keyrings_artifacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the back end that the specification names, and let keyring choose one to store in."""
    needs_backend("keyrings_artifacts", "keyrings.artifacts")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")


@pytest.mark.replay
@pytest.mark.usefixtures("keyrings_artifacts")
def test_keyrings_artifacts_is_run_once(
    replay: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_DEVOPS_EXT_PAT", azure.BLUE.value)
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), real=True)
    run.install(azure.BLUE_INDEX, PROJECTS)
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)


_AZ = """\
#!/bin/sh
echo '{{"accessToken": "{token}", "expires_on": 4102444800, "tokenType": "Bearer"}}'
"""


@pytest.mark.replay
@pytest.mark.usefixtures("keyrings_artifacts")
def test_the_login_of_az_buys_a_token_and_another_when_that_is_revoked(
    replay: Callable[..., Run],
) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), real=True)
    az = run.keyring.folder / "az"
    az.write_text(_AZ.format(token=azure.AZ.value))
    az.chmod(0o755)
    run.install(azure.BLUE_INDEX, FEW)
    run.internet.expire(azure.BLUE)
    run.install(azure.BLUE_INDEX, FEW)
    assert run.figures == Figures(requests=25, keyrings=2, wasted=0, leaks=0)
    assert run.shown == {
        (azure.PKGS, azure.BLUE.shown),
        (azure.PKGS, azure.NEXT_BLUE.shown),
        (azure.BLOBS, None),
    }
