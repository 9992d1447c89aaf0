"""A child process that lets py-rattler, the library under pixi, fetch what it is told.

Each line of stdin is ``{"url": CHANNEL, "environ": {...}, "buckets": {...}}``; each line of stdout
is "fetched", or the name of the error. rattler reads the environment again for each client, so one
child serves many situations.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile

from rattler import Channel, Platform
from rattler.networking import (
    AuthenticationMiddleware,
    Client,
    FetchRepoDataOptions,
    S3Middleware,
)
from rattler.networking.fetch_repo_data import fetch_repo_data
from rattler.networking.middleware import S3Config


async def fetch(url: str, buckets: dict[str, list[str]]) -> None:
    options = {name: S3Config(*words) for name, words in buckets.items()}
    with tempfile.TemporaryDirectory() as cache:
        await fetch_repo_data(
            channels=[Channel(url)],
            platforms=[Platform("noarch")],
            cache_path=cache,
            callback=None,
            client=Client([S3Middleware(options), AuthenticationMiddleware()]),
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
            asyncio.run(fetch(order["url"], order["buckets"]))
        except Exception as error:  # noqa: BLE001 - its errors share no base
            outcome = type(error).__name__
        else:
            outcome = "fetched"
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # one normal exit in ten crashes
