"""Send a session, an adapter and a chain to the workers of a Dask cluster, and print the answers.

Run as ``python dask_program.py URL FOLDER``. The pickles go into the folder.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable

import cloudpickle
import requests
from distributed import Client, LocalCluster

import authshim


def use_session(session: requests.Session, url: str) -> tuple[int, int]:
    """Return the status of a response, and the process that received it."""
    return session.get(url).status_code, os.getpid()


def use_adapter(adapter: authshim.AuthAdapter, url: str) -> tuple[int, int]:
    session = requests.Session()
    session.mount("http://", adapter)
    return use_session(session, url)


def use_chain(chain: authshim.Chain, url: str) -> tuple[int, int]:
    found = chain.find(url)
    headers = {} if found is None else {"Authorization": found.credential.header}
    return requests.get(url, headers=headers).status_code, os.getpid()


def return_found(chain: authshim.Chain, url: str) -> object:
    return chain.find(url)


def travel(client: Client, thing: object, use: Callable[..., Any], url: str) -> dict[str, Any]:
    """Use a thing in a worker, by each way that it can get there."""
    closure = functools.partial(lambda: use(thing, url))
    scattered = client.scatter(thing)
    futures = {
        "submitted": client.submit(use, thing, url),
        "scattered": client.submit(use, scattered, url),
        "closure": client.submit(closure, pure=False),
    }
    return {way: future.result() for way, future in futures.items()}


def main(url: str, folder: Path) -> None:
    session = authshim.install(requests.Session())
    adapter = authshim.AuthAdapter()
    chain = authshim.Chain.from_environment()
    uses = {
        "session": (session, use_session),
        "adapter": (adapter, use_adapter),
        "chain": (chain, use_chain),
    }
    answers: dict[str, Any] = {"pid": os.getpid()}
    for name, (thing, use) in uses.items():
        assert use(thing, url)[0] == 200  # the credential is in its memory from now on
        (folder / f"{name}.pickle").write_bytes(cloudpickle.dumps(thing))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    cluster = LocalCluster(processes=True, host="127.0.0.1", **options)
    with cluster, Client(cluster) as client:
        for name, (thing, use) in uses.items():
            answers[name] = travel(client, thing, use, url)
        try:
            client.submit(return_found, chain, url).result()
        except Exception as error:  # noqa: BLE001 - Dask wraps it in a class of its own
            answers["found"] = str(error)
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
