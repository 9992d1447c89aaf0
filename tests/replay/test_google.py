"""Google Artifact Registry: files beside the index, and a token that ends within the run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable

import pytest
from replay import google
from replay.figures import Figures
from replay.keyrings import needs_backend
from replay.recording import PROJECTS
from replay.run import pixi_toml

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def declared(url: str) -> str:
    """Return a manifest with this index, for the user that the vendor names."""
    return pixi_toml(url, username="oauth2accesstoken")


def test_one_keyring_process_serves_the_index_and_the_files_beside_it(
    replay: Callable[..., Run],
) -> None:
    run = replay(google.SERVICE, declared(google.INDEX), {google.INDEX: google.TOKEN})
    run.install(google.INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(google.HOST, google.TOKEN.shown)}


def test_an_index_without_its_last_slash_is_the_same_one(replay: Callable[..., Run]) -> None:
    run = replay(
        google.SERVICE, declared(google.INDEX.rstrip("/")), {google.INDEX.rstrip("/"): google.TOKEN}
    )
    run.install(google.INDEX, FEW)
    assert run.figures == Figures(requests=8, keyrings=1, wasted=0, leaks=0)


def test_a_token_that_expires_within_the_run_is_fetched_once_more(
    replay: Callable[..., Run],
) -> None:
    run = replay(google.SERVICE, declared(google.INDEX), {google.INDEX: google.TOKEN})
    run.install(google.INDEX, PROJECTS[:20])
    run.internet.expire(google.TOKEN)
    run.keyring.hold({google.INDEX: google.NEXT_TOKEN})
    run.install(google.INDEX, PROJECTS[20:])
    assert [exchange.shown for exchange in run.log if exchange.refused] == [google.TOKEN.shown]
    assert run.figures == Figures(requests=81, keyrings=2, wasted=0, leaks=0)


def test_many_threads_whose_token_expires_need_one_more_keyring_process(
    replay: Callable[..., Run],
) -> None:
    run = replay(google.SERVICE, declared(google.INDEX), {google.INDEX: google.TOKEN})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda project: run.install(google.INDEX, [project]), PROJECTS))
        run.internet.expire(google.TOKEN)
        run.keyring.hold({google.INDEX: google.NEXT_TOKEN})
        list(pool.map(lambda project: run.install(google.INDEX, [project]), PROJECTS))
    assert run.figures._replace(requests=0) == Figures(requests=0, keyrings=2, wasted=0, leaks=0)
    assert (
        161 <= run.figures.requests <= 176
    )  # each thread may have one on its way when the token expires


def test_forbidden_package_is_403_and_costs_one_more_lookup(replay: Callable[..., Run]) -> None:
    run = replay(google.SERVICE, declared(google.SECRET_INDEX), {google.SECRET_INDEX: google.TOKEN})
    statuses = [run.get(f"{google.SECRET_INDEX}{project}/").status_code for project in PROJECTS]
    assert statuses == [403] * 40
    assert run.figures == Figures(requests=40, keyrings=2, wasted=0, leaks=0)


def test_403_without_a_challenge_asks_the_keyring_if_no_user_is_declared(
    replay: Callable[..., Run],
) -> None:
    held = {google.OLD_INDEX: google.TOKEN}
    run = replay(google.SERVICE, pixi_toml(google.OLD_INDEX), held, apart="no user declared")
    run.install(google.OLD_INDEX, FEW)
    refused = [exchange for exchange in run.log if exchange.refused]
    assert [(exchange.status, exchange.shown) for exchange in refused] == [(403, None)]
    assert run.figures == Figures(requests=9, keyrings=1, wasted=1, leaks=0)


def test_the_key_of_a_service_account_needs_no_keyring(
    replay: Callable[..., Run], no_secret: Callable[..., None]
) -> None:
    with_key = google.INDEX.replace("https://", f"https://_json_key_base64:{google.KEY.value}@")
    run = replay(google.SERVICE, pixi_toml(with_key))
    run.install(google.INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=0, wasted=0, leaks=0)
    assert run.shown == {(google.HOST, google.KEY.shown)}
    no_secret(run.get(google.INDEX + "part-1/"), secret=google.KEY.value)


@pytest.mark.replay
def test_the_back_end_fetches_a_token_from_the_metadata_and_the_next_one(
    replay: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_backend("keyrings.gauth", "keyrings.google-artifactregistry-auth")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.gauth.GooglePythonAuth")
    run = replay(google.SERVICE, declared(google.INDEX), real=True)
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, f"127.0.0.1:{run.internet.port}")
    run.install(google.INDEX, PROJECTS[:20])
    run.internet.expire(google.TOKEN)
    run.install(google.INDEX, PROJECTS[20:])
    assert run.figures == Figures(requests=81, keyrings=2, wasted=0, leaks=0)
    assert run.shown == {(google.HOST, google.TOKEN.shown), (google.HOST, google.NEXT_TOKEN.shown)}
