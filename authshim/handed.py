"""The URLs that a server of another origin named; less is sent there."""

from __future__ import annotations

import threading

from authshim.errors import UrlError
from authshim.hidden import Closed
from authshim.urls import normalise, parse

DOWNGRADED, ELSEWHERE = "downgraded", "elsewhere"

_NEWEST = 1000


class Handed(Closed):
    """The newest thousand of them, and how each was named; they may carry signatures.

    What such a URL names in its turn is no better: not on its own origin, and not over
    http where it was downgraded itself.
    """

    __slots__ = ("_how", "lock", "origins")

    def __init__(self) -> None:
        self.origins: set[str] = set()
        """Where they are, so that the URLs of all other origins need not be looked at."""
        self.lock = threading.Lock()
        self._how: dict[str, tuple[str, str]] = {}

    def note(self, url: str, target: str) -> None:
        """Remember ``target`` where the answer from ``url`` named it, and it is another origin."""
        try:
            source, named = parse(url), parse(target)
        except UrlError:
            return
        how = self.how(url, source.origin)
        if named.scheme == "http" and (source.scheme == "https" or how == DOWNGRADED):
            self._remember(normalise(target), named.origin, DOWNGRADED)
        elif how or source.origin != named.origin:
            self._remember(normalise(target), named.origin, ELSEWHERE)

    def how(self, url: str, origin: str) -> str:
        """Return DOWNGRADED, ELSEWHERE, or nothing for a URL that no other server named."""
        return self._how.get(normalise(url), ("", ""))[0] if origin in self.origins else ""

    def _remember(self, target: str, origin: str, how: str) -> None:
        with self.lock:
            self._how.pop(target, None)
            if len(self._how) >= _NEWEST:
                del self._how[next(iter(self._how))]
            self._how[target] = how, origin
            self.origins.add(origin)
            if len(self.origins) > _NEWEST:
                self.origins = {origin for _, origin in self._how.values()}
