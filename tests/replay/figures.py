"""What a run cost, counted from the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from leaks import forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from replay.internet import Exchange
    from replay.recording import Secret


class Figures(NamedTuple):
    """What one run cost, or several."""

    requests: int
    """Those of the session; a keyring back end's own are not counted."""
    keyrings: int
    """Processes of the ``keyring`` command."""
    wasted: int
    """Refusals that need not have been; see ``wasted``."""
    leaks: int
    """Requests that showed a secret to a host that it does not belong to, whoever sent them."""

    def __str__(self) -> str:
        return (
            f"{self.requests} requests, {self.keyrings} keyring processes, "
            f"{self.wasted} wasted 401s, {self.leaks} leaks"
        )


def figures(log: Sequence[Exchange], keyrings: int, secrets: Iterable[Secret]) -> Figures:
    """Count what stands in the log."""
    ours = [exchange for exchange in log if exchange.ours]
    return Figures(len(ours), keyrings, len(wasted(ours)), len(leaked(log, secrets)))


def wasted(log: Sequence[Exchange]) -> list[Exchange]:
    """List the refusals, of whatever status, at doors for which the session had the key.

    It had a credential if it showed it anywhere, sooner or later. That a token is refused which was
    let in here before is no waste, unless the request was begun after another one had taken its
    place: so a session, with all of its threads, learns that the token has expired.
    """
    had = {exchange.shown for exchange in log}
    first_in: dict[tuple[object, str | None], int] = {}
    found = []
    for at, exchange in enumerate(log):
        if exchange.door is None:
            continue
        here = (exchange.door.takes, exchange.shown)
        if not exchange.refused:
            first_in.setdefault(here, at)
        elif here in first_in:
            followers = [
                then
                for (takes, _), then in first_in.items()
                if takes == here[0] and then > first_in[here]
            ]
            found += [exchange] if any(then < exchange.begun for then in followers) else []
        elif any(secret.shown in had for secret in exchange.door.takes):
            found.append(exchange)
    return found


def leaked(log: Iterable[Exchange], secrets: Iterable[Secret]) -> list[Exchange]:
    """List the requests with a secret in path, header or body that their host must not get."""
    wanted = [(forms(secret.value), secret.hosts) for secret in secrets]
    return [
        exchange
        for exchange in log
        if any(exchange.host not in hosts and _holds(exchange, texts) for texts, hosts in wanted)
    ]


def _holds(exchange: Exchange, texts: Iterable[str]) -> bool:
    seen = exchange.seen
    whole = "\n".join([seen.target, *map(str, seen.headers.values()), seen.body.decode("latin-1")])
    return any(text in whole for text in texts)
