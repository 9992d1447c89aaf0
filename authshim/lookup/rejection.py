"""The memory of refused credentials. It keeps a login from being tried until it is locked.

A credential is remembered by a keyed hash. The same answer of a provider is then not sent again.

A rejected credential that a server accepts again is looked up at its next refusal, but only once
a minute, since a server may have paths that are open to everybody.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from authshim.lookup.entry import MISSED, UNSETTLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.entry import CacheEntry


class Rejections:
    """The rules by which an entry rejects a credential. The caller holds the entry's lock."""

    def __init__(self) -> None:
        self._salt = os.urandom(16)

    def is_final(
        self,
        entry: CacheEntry,
        current: CachedCredential,
        tried: Sequence[CachedCredential],
        generation: int,
    ) -> bool:
        """Return True if a refused credential was rejected before, and is not looked up again."""
        fingerprint = self._fingerprint(current.credential)
        if not entry.has_refused(fingerprint, generation):
            return False
        may_recheck = current.accepted and len(tried) == 1
        if not may_recheck:
            return True
        return not entry.recheck(generation)

    def add(
        self,
        entry: CacheEntry,
        credential: Credential,
        generation: int,
    ) -> None:
        """Reject a credential for five minutes."""
        entry.refuse(self._fingerprint(credential), generation)

    def add_last(
        self,
        entry: CacheEntry,
        current: CachedCredential,
        tried: Sequence[CachedCredential],
        generation: int,
        *,
        forget: bool,
    ) -> None:
        """Reject the last credential that was tried.

        A login that has worked before may be refused twice during one request, since a server
        may rotate a token twice. Then the next refusal is looked up again.

        :param current: the credential in the cache, which is the refused one.
        :param forget: do not send the credential either, if the login has never worked.
        """
        refused = tried[-1].credential
        accepted = [found for found in (current, *tried) if found.has_worked]
        worked = {self._fingerprint(found.credential) for found in accepted}
        was_renewed = len(tried) > 1 and worked
        if was_renewed and not entry.is_unsettled(worked, generation):
            fingerprint = self._fingerprint(refused)
            entry.unsettle(fingerprint, generation)
            return
        self.add(entry, refused, generation)
        current.begin_rejection()
        if not forget or worked:
            return
        if not entry.remembers(UNSETTLED, generation):
            entry.found = None
            entry.pending = None
            entry.remember(MISSED, generation)

    def _fingerprint(self, credential: Credential) -> bytes:
        """Return a keyed hash of a credential, which no other chain can compare."""
        from hashlib import blake2b  # 4 ms, which a program without a refusal does not need

        text = repr(credential.to_json())
        secret = text.encode("utf-8", "surrogatepass")
        keyed = blake2b(secret, key=self._salt, digest_size=16)
        return keyed.digest()
