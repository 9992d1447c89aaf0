"""A proxy that is every host of the recordings, with a certificate for it.

Whoever has ``Internet.environ`` in its environment sees the services under their real names, over
TLS: ``requests`` in this process, and the ``keyring`` command, pip, pixi or dotnet in others.
Nothing gets past it.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from servers import Answer, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.recording import Asked, Door, Route, Secret, Service
    from servers import Authority, Seen

OURS = "authshim-replay"
"""The user agent of the session that is tried; a back end of ``keyring`` has another."""

BEGUN = "Replay-Begun"
"""A header that says how much was answered before."""


class Exchange(NamedTuple):
    """A request, and what it was answered."""

    host: str
    seen: Seen
    status: int
    shown: str | None
    """The credential that it showed."""
    door: Door | None
    refused: bool
    """Whether the door did not let it in."""

    @property
    def begun(self) -> int:
        """Return how many requests were answered when this one began; all if it does not say."""
        return int(self.seen.headers.get(BEGUN) or sys.maxsize)

    @property
    def ours(self) -> bool:
        """Whether the session sent it, and not a back end."""
        return self.seen.headers.get("User-Agent") == OURS

    def __str__(self) -> str:
        return f"{self.seen.method} https://{self.host}{self.seen.path} -> {self.status}"


class Internet(Recorder):
    """Replays services, and keeps a log of all that was asked."""

    def __init__(self, authority: Authority) -> None:
        self.services: list[Service] = []
        self.expired: set[str] = set()
        """What is shown for credentials that no door takes any more."""
        self.strangers: list[str] = []
        """What was asked for and is not recorded; there should be nothing."""
        self._log: list[Exchange] = []
        self._lock = threading.Lock()
        super().__init__(authority.ca, proxy=True)
        trusted = dict.fromkeys(
            ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "PIP_CERT"), authority.file
        )
        through = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.url)
        self.environ = {**trusted, **through, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def expire(self, secret: Secret) -> None:
        """Let a credential be refused from now on."""
        self.expired.add(secret.shown)

    @property
    def log(self) -> list[Exchange]:
        with self._lock:
            return list(self._log)

    def knows(self, authority: str) -> bool:
        host, _, port = authority.rpartition(":")
        known = port == "443" and any(host in service.hosts for service in self.services)
        if not known:
            self.strangers.append(authority)
        return known

    def answer(self, seen: Seen) -> Answer:
        host = urlsplit(f"//{seen.host}").hostname or ""
        asked, route = next(self._matches(host, seen), (None, None))
        if asked is None:
            self.strangers.append(f"{seen.method} https://{host}{seen.path}")
            return self._note(
                host, seen, Answer(404, b"nothing is recorded here"), seen.authorization
            )
        refusal = route.door.refusal(asked.shown, self.expired) if route.door else None
        try:
            answer = refusal or route.say(asked)
        except Exception as error:  # noqa: BLE001 - the server would swallow it
            self.strangers.append(f"{seen.method} https://{host}{seen.path}: {error!r}")
            answer = Answer(500, b"the recording is wrong")
        return self._note(host, seen, answer, asked.shown, route.door, refused=refusal is not None)

    def _note(
        self,
        host: str,
        seen: Seen,
        answer: Answer,
        shown: str | None,
        door: Door | None = None,
        *,
        refused: bool = False,
    ) -> Answer:
        with self._lock:
            self._log.append(Exchange(host, seen, answer.status, shown, door, refused))
        return answer

    def _matches(self, host: str, seen: Seen) -> Iterator[tuple[Asked, Route]]:
        for route in (route for service in self.services for route in service.routes):
            asked = route.match(host, seen, self.expired)
            if asked is not None:
                yield asked, route
