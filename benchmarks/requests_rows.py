"""What is added to one request, over a transport that answers at once."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import requests

import authshim
from benchmarks import peers
from benchmarks.measure import (
    Figure,
    Plan,
    differences,
    in_turns,
    interleaved,
    median,
    per_call,
    ratios,
)
from benchmarks.scene import HOST, PASSWORD, SEND_OPTIONS, URL, USER, Canned, netrc
from benchmarks.table import Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Cases = Mapping[str, Callable[[], float]]


def rows(plan: Plan) -> list[Row]:
    """Measure what ``send`` adds, and a whole ``session.get``."""
    machines = 1_000 if plan.is_quick else 10_000
    small, large = netrc(1), netrc(machines)
    others = _peer_cases(small)
    times = interleaved({**_cases(small, large), **others}, plan)
    by_send, by_function, by_netrc = (
        differences(*zip(*times[name])) for name in ("send", "function", "netrc")
    )
    return [
        Row(
            "what AuthAdapter.send adds",
            "what a one-machine netrc adds to a Session",
            1 / 10,
            Figure.of(ratios(by_send, by_netrc)),
            ours=seconds(median(by_send)),
            peer=_said(times, median(by_netrc), others),
        ),
        Row(
            "what AuthAdapter.send adds",
            "one function that looks up and copies",
            2,
            Figure.of(ratios(by_send, by_function)),
            ours=seconds(median(by_send)),
            peer=seconds(median(by_function)),
        ),
        _row(
            "session.get after install, trust_env",
            "without authshim, no netrc",
            0.95,
            times["install"],
        ),
        _row(
            f"session.get with a netrc of {machines:,} machines",
            "with one machine",
            1.05,
            times["machines"],
        ),
    ]


def _row(what: str, against: str, target: float, figures: Sequence[tuple[float, ...]]) -> Row:
    """Make a row of ours and theirs, and of the floor where there is one."""
    ours, theirs, *floors = zip(*figures)
    floor = "".join(f"; no-op auth {median(ratios(floor, theirs)):.3f}" for floor in floors)
    figure = Figure.of(ratios(ours, theirs))
    return Row(
        what,
        against,
        target,
        figure,
        ours=seconds(median(ours)),
        peer=seconds(median(theirs)) + floor,
    )


def canned_session(trust_env: bool = True) -> requests.Session:
    """Return a session that answers at once."""
    session = requests.Session()
    session.trust_env = trust_env
    for prefix in list(session.adapters):
        session.mount(prefix, Canned())
    return session


def known_chain() -> authshim.Chain:
    """Return a chain that knows HOST, as a user's own file would let it."""
    environ = {
        "HOME": os.environ["HOME"],
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    return authshim.Chain.from_environment(environ={**environ, "NETRC": netrc(1)})


def _cases(small: str, large: str) -> Mapping[str, Callable[[], tuple[float, ...]]]:
    """Return what is compared by turns."""
    inner = Canned()
    adapter = authshim.AuthAdapter(known_chain(), inner=inner)
    request = requests.Session().prepare_request(
        requests.Request("GET", URL, auth=lambda prepared: prepared)
    )
    with_netrc, without = canned_session(), canned_session()
    without.auth = lambda prepared: prepared

    def look_up_and_send() -> None:
        found = adapter.chain.find(URL)
        copy = request.copy()
        copy.headers["Authorization"] = found.credential.header if found else ""
        inner.send(copy, **SEND_OPTIONS)

    def sends(send: Callable[[], object]) -> Callable[[], tuple[float, ...]]:
        bare = partial(inner.send, request, **SEND_OPTIONS)
        return lambda: in_turns([partial(per_call, send, 50), partial(per_call, bare, 50)])

    def gets(*pairs: tuple[requests.Session, str | None]) -> Callable[[], tuple[float, ...]]:
        return lambda: in_turns([partial(_fetch, session.get, path, 5) for session, path in pairs])

    return {
        "send": sends(partial(adapter.send, request, **SEND_OPTIONS)),
        "function": sends(look_up_and_send),
        "netrc": gets((with_netrc, small), (without, small)),
        "install": gets((_installed(small), None), (canned_session(), None), (without, None)),
        "machines": gets((_installed(large), large), (_installed(small), small)),
    }


def _installed(path: str) -> requests.Session:
    return authshim.install(
        canned_session(), authshim.Chain.from_environment(environ={**os.environ, "NETRC": path})
    )


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


def _said(times: Mapping[str, Any], added: float, others: Cases) -> str:
    """Tell what each peer adds to the bare client that it is made of."""
    said = [f"requests {seconds(added)}"]
    for name in ("pip", "poetry", "unearth", "httpx"):
        bare = f"{name}, plain" if name in ("httpx", "unearth") else "requests, no trust_env"
        if name in others and bare in others:
            said.append(f"{name} {seconds(median(differences(times[name], times[bare])))}")
        else:
            said.append(f"{name} not here")
    return ", ".join(said)
