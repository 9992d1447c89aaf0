"""The credential that takes the place of a refused one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.lookup.entry import MISSED
from authshim.lookup.given import warn_rejected
from authshim.lookup.rejection import Rejections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.log import Once
    from authshim.lookup.answers import Answers
    from authshim.lookup.asker import Asker
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.entry import CacheEntry


class Replacements:
    """The providers of a chain, asked again after a refusal, and the memory of refusals."""

    def __init__(
        self,
        asker: Asker,
        answers: Answers,
        once: Once,
    ) -> None:
        self._asker = asker
        self._answers = answers
        self._once = once
        self._rejections = Rejections()

    def reject_token(
        self,
        found: CachedCredential,
        generation: int,
    ) -> None:
        """Do not send a lone token again that a server refused and none has accepted."""
        entry: CacheEntry = found.entry
        with entry.lock:
            if entry.pending is found:
                entry.pending = None
                self._rejections.add(entry, found.credential, generation)

    def replace(
        self,
        entry: CacheEntry,
        current: CachedCredential,
        tried: Sequence[CachedCredential],
        status: int,
        generation: int,
    ) -> CachedCredential | None:
        """Ask again for a refused credential, and cache the answer. Return it if it differs.

        The caller holds the lock of the entry.

        :param current: the credential in the cache, which is the refused one.
        :param tried: the credentials of this entry that were sent for one request, at least one.
        """
        refused = tried[-1]
        if self._rejections.is_final(entry, current, tried, generation):
            return None
        again: CachedCredential | None = refused
        if len(tried) == 1:
            again = self._ask_again(entry, refused, status)
        if again is not None and again.credential == refused.credential:
            forget = status == 401
            if forget:
                warn_rejected(refused, self._once)
            self._rejections.add_last(
                entry,
                current,
                tried,
                generation,
                forget=forget,
            )
            return None
        _keep(entry, again, challenged=refused.challenged)
        if again is None:
            entry.remember(MISSED, generation)
        return again

    def _ask_again(
        self,
        entry: CacheEntry,
        refused: CachedCredential,
        status: int,
    ) -> CachedCredential | None:
        """Let the providers read their stores again, and return their answer.

        An OAuth login is renewed after a 401.
        """
        to_renew = None
        if status == 401:
            to_renew = refused.credential
        self._asker.refresh(refused=to_renew)
        keys = entry.keys
        if refused.challenged:
            keys = entry.challenge_keys
        return self._answers.first(
            entry,
            keys,
            challenged=refused.challenged,
        )


def _keep(
    entry: CacheEntry,
    found: CachedCredential | None,
    *,
    challenged: bool,
) -> None:
    """Cache the new answer of the providers in place of the refused one."""
    entry.found = None
    entry.pending = None
    if challenged:
        entry.pending = found
    else:
        entry.found = found
