"""quetz itself: a key in the path opens a private channel, and is kept from all who look on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from replay import quetz
from replay.figures import Figures
from replay.recording import Secret, Service
from replay.run import pixi_toml
from replay.stores import auth_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.run import Run

pytestmark = pytest.mark.replay


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with quetz.quetz(tmp_path_factory.mktemp("quetz")) as service:
        yield service


def test_the_key_in_the_path_opens_the_channel(
    replay: Callable[..., Run], served: Service, no_secret: Callable[..., None]
) -> None:
    (key,) = served.secrets
    auth_file({quetz.HOST: key})
    run = replay(served, pixi_toml(channels=[quetz.CHANNEL]))
    run.create(quetz.CHANNEL, quetz.PACKAGES, subdirs=["noarch"], held=quetz.package)
    # It has no repodata.json.zst, and tells those who may know.
    assert [exchange.status for exchange in run.log] == [404, 200, 200, 200, 200, 200]
    assert run.shown == {(quetz.HOST, key.shown)}
    assert run.figures == Figures(requests=6, keyrings=0, wasted=0, leaks=0)
    no_secret(run.get(f"{quetz.CHANNEL}/noarch/repodata.json"), secret=key.value)


def test_a_key_that_is_wrong_is_shown_once_and_not_again(
    replay: Callable[..., Run], served: Service
) -> None:
    wrong = Secret("s3cret-wrong", (quetz.HOST,), in_path=True)
    auth_file({quetz.HOST: wrong})
    run = replay(served, pixi_toml(channels=[quetz.CHANNEL]))
    assert [run.get(f"{quetz.CHANNEL}/noarch/repodata.json").status_code for _ in range(4)] == [
        401
    ] * 4
    assert [exchange.shown for exchange in run.log] == [wrong.shown, None, None, None]
    assert run.figures == Figures(requests=4, keyrings=0, wasted=0, leaks=0)
