"""The first answer of the providers to the keys of an entry, with a line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from authshim.lookup.asker import without_keyring
from authshim.lookup.given import find_given, warn_plain_http
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.log import Once
    from authshim.lookup.asker import Asker
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.entry import CacheEntry
    from authshim.urls import Key

logger = logging.getLogger("authshim")


class Answers:
    """The providers of a chain, asked for the first answer only."""

    def __init__(
        self,
        asker: Asker,
        once: Once,
        note: str,
    ) -> None:
        """Ask through an asker.

        :param note: a sentence about an override file, or an empty string.
        """
        self._asker = asker
        self._once = once
        self._note = note

    def first(
        self,
        entry: CacheEntry,
        keys: Iterable[Key],
        *,
        challenged: bool = False,
    ) -> CachedCredential | None:
        """Return the first answer of a provider, and log it."""
        found = self._asker.first(entry, keys, challenged=challenged)
        origin = redact(entry.origin)
        if found is not None:
            warn_plain_http(found, self._once)
            logger.debug("%s: %s", origin, found)
        elif self._note:
            logger.debug("%s: no credential (%s)", origin, self._note)
        else:
            logger.debug("%s: no credential", origin)
        return found

    def nested(self, entry: CacheEntry) -> CachedCredential | None:
        """Return the answer to a nested question (invariant 3)."""
        given = find_given(entry, self._once)
        if given is not None:
            return given
        keys = without_keyring(entry)
        return self._asker.first(entry, keys)
