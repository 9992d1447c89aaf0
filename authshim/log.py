"""The logger of authshim, and a filter of repeated messages."""

from __future__ import annotations

import logging

MAX_SENTENCES = 1000
"""After as many messages all are forgotten, since a program may run for a year."""

logger = logging.getLogger("authshim")


class Once:
    """A memory of messages that logs each one only once.

    It is safe with many threads, and has no lock that a fork would have to replace.
    """

    def __init__(self) -> None:
        self._seen: dict[str, object] = {}

    def is_new(self, message: str) -> bool:
        """Return True at the first call with a message."""
        if message in self._seen:
            return False
        if len(self._seen) >= MAX_SENTENCES:
            self._seen.clear()
        # If several threads are here, the first one sets its mark.
        own = object()
        first = self._seen.setdefault(message, own)
        return first is own

    def warn_once(
        self,
        message: str,
        level: int = logging.WARNING,
    ) -> None:
        """Log a message, unless it was logged before."""
        if not self.is_new(message):
            return
        logger.log(level, "%s", message)
