"""What was said once is not said again."""

from __future__ import annotations

import logging

MAX_SENTENCES = 1000
"""Sentences; beyond it they are forgotten, so that a program that runs for a year does not keep them all."""

logger = logging.getLogger("authshim")


class Once:
    """Tells which sentences are new.

    Of many threads one is told so, without a lock that a fork would have to replace.
    """

    def __init__(self) -> None:
        self._said: dict[str, object] = {}

    def is_new(self, sentence: str) -> bool:
        """Tell whether nobody has asked about a sentence yet."""
        if sentence in self._said:
            return False
        if len(self._said) >= MAX_SENTENCES:
            self._said.clear()
        mine = object()
        return self._said.setdefault(sentence, mine) is mine

    def warn_once(self, sentence: str, level: int = logging.WARNING) -> None:
        """Log a sentence, unless it was logged before."""
        if self.is_new(sentence):
            logger.log(level, "%s", sentence)
