"""The choice between the entries that may open one part of an origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.lookup.entry import MISS_SECONDS
from authshim.urls.paths import shared_path

if TYPE_CHECKING:
    from authshim.lookup.entry import CacheEntry

_FOR_EVER = float("inf")


class CandidateSet:
    """The entries that may open one part of an origin, and the one that was chosen.

    An entry is chosen once it has opened a URL. Its known prefix is the path below which
    everything lies that it has opened.
    """

    __slots__ = ("_until", "current", "entries", "known_prefix", "only", "path")

    def __init__(
        self,
        entries: list[CacheEntry],
        path: str = "",
    ) -> None:
        """Make a set in which no entry is chosen.

        :param path: the path at which the set begins, if it has several entries.
        """
        self.entries = entries
        self.only: CacheEntry | None = None
        """The entry of every URL of this set, or None if there are several."""
        if len(entries) == 1:
            self.only = entries[0]
        self.path = path
        self.current = 0
        self.known_prefix = ""
        self._until = 0.0

    def candidates(self, path: str = "") -> list[CacheEntry]:
        """Return the entries to try for a path: the chosen one, or all if that is not known."""
        if self.only or self._knows(path):
            return [self.entries[self.current]]
        return self.entries

    def likeliest(
        self,
        path: str,
        latest: CacheEntry | None,
    ) -> CacheEntry:
        """Return the entry to try first for a path.

        :param latest: the entry to prefer if nothing is known of the path.
        """
        chosen = self.entries[self.current]
        if latest is None or latest not in self.entries:
            return chosen
        if self._knows(path):
            return chosen
        return latest

    def is_parted_by(self, entry: CacheEntry, folder: str) -> bool:
        """Return True if the entry is not the chosen one, and the folder is not a known one."""
        if not self._is_chosen:
            return False
        if self.entries[self.current] is entry:
            return False
        return not self._is_known(folder)

    def choose(self, entry: CacheEntry, folder: str) -> None:
        """Choose an entry, since it has opened a URL in a folder."""
        if entry not in self.entries:
            return
        position = self.entries.index(entry)
        prefix = folder
        if self._is_chosen and position == self.current:
            prefix = shared_path(self.known_prefix, folder)
        self.known_prefix = prefix
        self.current = position
        self._until = _FOR_EVER

    def unpin(self) -> bool:
        """Choose no entry any more. Return True if one of several was chosen."""
        was_chosen = not self.only and self._is_chosen
        if was_chosen:
            self._until = 0.0
        return was_chosen

    def back_off(self) -> None:
        """Do not try all entries for five minutes, since each was refused.

        So wrong passwords are not all sent again at once.
        """
        until = self._now() + MISS_SECONDS
        self._until = max(self._until, until)

    def _knows(self, path: str) -> bool:
        """Return True if the current entry is the one to try for a path."""
        return self._until > self._now() and self._is_known(path)

    def _now(self) -> float:
        return self.entries[0].clock.monotonic()

    @property
    def _is_chosen(self) -> bool:
        return self._until == _FOR_EVER

    def _is_known(self, path: str) -> bool:
        if not path or not self._is_chosen:
            return True
        return f"{path}/".startswith(f"{self.known_prefix}/")
