"""Azure DevOps: one look-up for a feed and its files, and nothing but a signature for the blob storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from replay import azure
from replay.figures import Figures
from replay.run import pixi_toml

if TYPE_CHECKING:
    from replay.run import Run

PROJECTS = [f"part-{number}" for number in range(40)]


def declared(*urls: str) -> str:
    """Return a manifest with these indexes, for the user that the vendor names."""
    return pixi_toml(*(url.replace("https://", "https://VssSessionToken@") for url in urls))


def test_one_keyring_process_serves_a_feed_and_its_files(replay: Callable[..., Run]) -> None:
    run = replay(azure.SERVICE, declared(azure.BLUE_INDEX), {azure.BLUE_INDEX: azure.BLUE})
    run.install(azure.BLUE_INDEX, PROJECTS)
    assert run.figures == Figures(requests=120, keyrings=1, wasted=0, leaks=0)
    shown = {(exchange.host, exchange.shown) for exchange in run.log}
    assert shown == {(azure.PKGS, azure.BLUE.shown), (azure.BLOBS, None)}
