"""AWS CodeArtifact: its 404 for what is forbidden, and a redirect to S3 without a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from replay import codeartifact as aws
from replay.figures import Figures
from replay.keyrings import needs_backend
from replay.recording import PROJECTS
from replay.run import pixi_toml

if TYPE_CHECKING:
    from replay.run import Run

FEW = PROJECTS[:4]


def declared(*urls: str) -> str:
    """Return a manifest with these indexes, for the user that the vendor names."""
    return pixi_toml(*urls, username="aws")


def test_one_keyring_process_serves_a_repository(replay: Callable[..., Run]) -> None:
    run = replay(aws.SERVICE, declared(aws.INDEX), {aws.INDEX: aws.TOKEN})
    run.install(aws.INDEX, PROJECTS)
    assert run.figures == Figures(requests=80, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(aws.HOST, aws.TOKEN.shown)}


def test_s3_sees_its_own_signature_only(replay: Callable[..., Run]) -> None:
    run = replay(aws.SERVICE, declared(aws.ASSETS_INDEX), {aws.ASSETS_INDEX: aws.TOKEN})
    run.install(aws.ASSETS_INDEX, PROJECTS)
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)
    assert run.shown == {(aws.HOST, aws.TOKEN.shown), (aws.BUCKET, None)}


def test_two_repositories_of_one_domain_are_asked_for_one_by_one(
    replay: Callable[..., Run],
) -> None:
    run = replay(
        aws.SERVICE,
        declared(aws.INDEX, aws.ASSETS_INDEX),
        {aws.INDEX: aws.TOKEN, aws.ASSETS_INDEX: aws.NEXT_TOKEN},
    )
    run.install(aws.INDEX, FEW)
    run.install(aws.ASSETS_INDEX, FEW)
    assert run.figures == Figures(requests=20, keyrings=2, wasted=0, leaks=0)


def test_a_token_that_expires_within_the_run_is_fetched_once_more(
    replay: Callable[..., Run],
) -> None:
    run = replay(aws.SERVICE, declared(aws.INDEX), {aws.INDEX: aws.TOKEN})
    run.install(aws.INDEX, FEW)
    run.internet.expire(aws.TOKEN)
    run.keyring.hold({aws.INDEX: aws.NEXT_TOKEN})
    run.install(aws.INDEX, FEW)
    assert run.figures == Figures(requests=17, keyrings=2, wasted=0, leaks=0)


def test_forbidden_package_is_404_and_the_keyring_is_asked_once(
    replay: Callable[..., Run],
) -> None:
    run = replay(aws.SERVICE, declared(aws.SECRET_INDEX), {aws.SECRET_INDEX: aws.TOKEN})
    assert [run.get(f"{aws.SECRET_INDEX}{project}/").status_code for project in FEW] == [404] * 4
    assert run.figures == Figures(requests=4, keyrings=1, wasted=0, leaks=0)


@pytest.mark.replay
def test_the_back_end_signs_for_a_token_and_for_the_next_one(
    replay: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_backend("keyrings.codeartifact", "keyrings.codeartifact")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.codeartifact.CodeArtifactBackend")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMADEUP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.ACCESS_KEY.value)
    run = replay(aws.SERVICE, declared(aws.INDEX), real=True)
    run.install(aws.INDEX, PROJECTS[:20])
    run.internet.expire(aws.TOKEN)
    run.install(aws.INDEX, PROJECTS[20:])
    assert run.figures == Figures(requests=81, keyrings=2, wasted=0, leaks=0)
    signed = [exchange.shown for exchange in run.internet.log if exchange.host == aws.API]
    assert len(signed) == 2
    assert all("Credential=AKIAMADEUP/" in (shown or "") for shown in signed)
