"""A child process that lets py-rattler, the library under pixi, fetch what it is told.

Each line of stdin is ``{"url": CHANNEL, "environ": {...}}``; each line of stdout is "fetched", or the name of the
error. rattler reads the environment anew for each client, so one child serves many situations.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile

from rattler import Channel, Platform
from rattler.networking import AuthenticationMiddleware, Client, FetchRepoDataOptions
from rattler.networking.fetch_repo_data import fetch_repo_data


async def fetch(url: str) -> None:
    with tempfile.TemporaryDirectory() as cache:
        await fetch_repo_data(
            channels=[Channel(url)],
            platforms=[Platform("noarch")],
            cache_path=cache,
            callback=None,
            client=Client([AuthenticationMiddleware()]),
            fetch_options=FetchRepoDataOptions(
                cache_action="no-cache", zstd_enabled=False, bz2_enabled=False
            ),
        )


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        os.environ.clear()
        os.environ.update(order["environ"])
        try:
            asyncio.run(fetch(order["url"]))
        except Exception as error:  # noqa: BLE001 - its errors share no base
            outcome = type(error).__name__
        else:
            outcome = "fetched"
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # one normal exit in ten crashes
