"""What is added to one request, over a transport that answers at once."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import requests

import authshim
from benchmarks import peers
from benchmarks.measure import Figure, Plan, differences, interleaved, median, per_call, ratios
from benchmarks.scene import HOST, PASSWORD, URL, USER, Canned, netrc
from benchmarks.table import Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Cases = Mapping[str, Callable[[], float]]


def rows(plan: Plan) -> list[Row]:
    """Measure what ``send`` adds, and a whole ``session.get``."""
    machines = 1_000 if plan.is_quick else 10_000
    small, large = netrc(1), netrc(machines)
    cases = {**_send_cases(small), **_session_cases(small, large)}
    others = _peer_cases(small)
    times = interleaved({**cases, **others}, plan)
    added = differences(times["netrc"], times["no-op auth"])
    ours = differences(times["AuthAdapter.send"], times["inner.send"])
    return [
        Row(
            "what AuthAdapter.send adds",
            "what a one-machine netrc adds to a Session",
            1 / 20,
            Figure.of(ratios(ours, added)),
            ours=seconds(median(ours)),
            peer=_said(times, median(added), others),
        ),
        Row(
            "session.get after install, trust_env",
            "without authshim, no netrc",
            0.95,
            Figure.of(ratios(times["authshim"], times["plain"])),
            ours=seconds(median(times["authshim"])),
            peer=seconds(median(times["plain"])),
        ),
        Row(
            f"session.get with a netrc of {machines:,} machines",
            "with one machine",
            1.05,
            Figure.of(ratios(times["authshim, many machines"], times["authshim, one machine"])),
            ours=seconds(median(times["authshim, many machines"])),
            peer=seconds(median(times["authshim, one machine"])),
        ),
    ]


def canned_session(trust_env: bool = True) -> requests.Session:
    """Return a session that answers at once."""
    session = requests.Session()
    session.trust_env = trust_env
    for prefix in list(session.adapters):
        session.mount(prefix, Canned())
    return session


def known_chain() -> authshim.Chain:
    """Return a chain that knows HOST, as a user's own file would let it."""
    environ = {"HOME": os.environ["HOME"], "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return authshim.Chain.from_environment(environ={**environ, "NETRC": netrc(1)})


def _send_cases(small: str) -> Cases:
    inner = Canned()
    adapter = authshim.AuthAdapter(known_chain(), inner=inner)
    request = requests.Session().prepare_request(requests.Request("GET", URL, auth=lambda prepared: prepared))
    with_netrc, without = canned_session(), canned_session()
    without.auth = lambda prepared: prepared
    return {
        "AuthAdapter.send": lambda: per_call(lambda: adapter.send(request), 1000),
        "inner.send": lambda: per_call(lambda: inner.send(request), 1000),
        "netrc": partial(_fetch, with_netrc.get, small, 60),
        "no-op auth": partial(_fetch, without.get, small, 60),
    }


def _session_cases(small: str, large: str) -> Cases:
    def installed(path: str) -> Callable[[str], object]:
        environ = {**os.environ, "NETRC": path}
        return authshim.install(canned_session(), authshim.Chain.from_environment(environ=environ)).get

    return {
        "authshim": partial(_fetch, authshim.install(canned_session(), known_chain()).get, None, 100),
        "plain": partial(_fetch, canned_session().get, None, 100),
        "authshim, one machine": partial(_fetch, installed(small), small, 100),
        "authshim, many machines": partial(_fetch, installed(large), large, 100),
    }


def _peer_cases(small: str) -> Cases:
    index = f"https://{USER}:{PASSWORD}@{HOST}/simple/"
    found = {
        "pip": peers.made(peers.pip, index),
        "unearth": peers.made(peers.unearth, index),
        "poetry": peers.made(peers.poetry, index),
        "httpx": peers.made(peers.httpx, small),
        "httpx, plain": peers.made(peers.httpx_plain),
        "unearth, plain": peers.made(peers.unearth_plain),
    }
    plain = {"requests, no trust_env": canned_session(trust_env=False).get}
    return {name: partial(_fetch, get, None, 60) for name, get in {**found, **plain}.items() if get}


def _fetch(get: Callable[[str], object], path: str | None, number: int) -> float:
    os.environ.pop("NETRC", None)
    if path is not None:
        os.environ["NETRC"] = path
    return per_call(lambda: get(URL), number)


def _said(times: Mapping[str, list[float]], added: float, others: Cases) -> str:
    """Tell what each peer adds to the bare client that it is made of."""
    said = [f"requests {seconds(added)}"]
    for name in ("pip", "poetry", "unearth", "httpx"):
        bare = f"{name}, plain" if name in ("httpx", "unearth") else "requests, no trust_env"
        if name in others and bare in others:
            said.append(f"{name} {seconds(median(differences(times[name], times[bare])))}")
        else:
            said.append(f"{name} not here")
    return ", ".join(said)
