"""The look-up for a URL that only a server named.

Its answer is not cached, and its refusal rejects nothing: a server cannot make authshim forget
the login of another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.credentials import S3Credentials
from authshim.lookup.entry import ASKED_AGAIN, MISSED
from authshim.lookup.given import find_given, warn_plain_http
from authshim.urls import GIVEN, SERVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.log import Once
    from authshim.lookup.asker import Asker
    from authshim.lookup.cache import Cache
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.naming import NamedBy


class ServerNamedLookup:
    """The questions to the providers that a server cannot start."""

    def __init__(self, asker: Asker, once: Once) -> None:
        self._asker = asker
        self._once = once

    def look_up(
        self,
        entry: CacheEntry,
        named_by: NamedBy,
        cache: Cache,
    ) -> CachedCredential | None:
        """Return the credential to send, or None. Warn if it is withheld."""
        found = self._find(entry, named_by, cache)
        if found is None:
            return None
        reason = withheld(entry, named_by, cache)
        if not reason:
            warn_plain_http(found, self._once)
            return found
        if not isinstance(found.credential, S3Credentials):
            self._once.warn_once(f"the credential for {entry.url.host} is {reason}")
        return None

    def look_again(
        self,
        entry: CacheEntry,
        tried: Sequence[CachedCredential],
        named_by: NamedBy,
        cache: Cache,
    ) -> CachedCredential | None:
        """Return the credential to send after a refusal. It may be the refused one.

        The providers read their stores again once in five minutes at most.

        :param tried: the credentials of this entry that were sent for one request, at least one.
        """
        found = tried[-1]
        is_final = len(tried) > 1 or found.key.kind in (GIVEN, SERVICE)
        if self._asker.is_nested or is_final:
            return None
        again = self.look_up(entry, named_by, cache)
        is_other = again is not None and again.credential != found.credential
        generation = cache.generation
        if is_other or entry.remembers(ASKED_AGAIN, generation):
            return again
        self._asker.refresh()
        again = self.look_up(entry, named_by, cache)
        if again is not None and again.credential == found.credential:
            entry.remember(ASKED_AGAIN, generation)
        return again

    def _find(
        self,
        entry: CacheEntry,
        named_by: NamedBy,
        cache: Cache,
    ) -> CachedCredential | None:
        if named_by.is_from_bucket:
            return None
        known = entry.found
        if known is None and entry.remembers(MISSED, cache.generation):
            return None
        with self._asker.inside():
            keys = filter(named_by.lets_ask, entry.keys)
            found = find_given(entry, self._once) or self._asker.first(entry, keys)
        if found is None and known is not None and known.key.kind == SERVICE:
            return known if entry.is_fresh else None
        return found


def withheld(
    entry: CacheEntry,
    named_by: NamedBy,
    cache: Cache,
) -> str:
    """Return why no credential goes to a plain http URL, or an empty string if one may."""
    host = named_by.forbidden_by(entry.url, cache.declared)
    return f"not sent: {host} named it over http" if host else ""
