"""Tell if the answer of a provider can be used for an entry, and show it without its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP, CondaToken, OAuth, S3Credentials
from authshim.redact import shown_user
from authshim.urls import S3, SERVICE

if TYPE_CHECKING:
    from authshim.credentials import Credential
    from authshim.lookup.entry import CacheEntry
    from authshim.urls import Key


def unfit(
    credential: Credential,
    key: Key,
    entry: CacheEntry,
    now: float,
) -> str:
    """Return why a credential cannot be used for an entry, or an empty string if it can.

    :param now: in Unix seconds.
    """
    if key.kind == S3 and not isinstance(credential, S3Credentials):
        return "passed over: s3:// URLs take S3Credentials only"
    if _is_of_another_user(credential, key, entry):
        user = shown_user(entry.url.username or "")
        return f"passed over: it is for another user than {user!r}"
    if isinstance(credential, CondaToken) and entry.is_index:
        return "passed over: a conda token goes to channels, not into the path of an index"
    if isinstance(credential, OAuth) and credential.expired(now):
        return "passed over: the OAuth token has expired; log in again"
    return ""


def _is_of_another_user(
    credential: Credential,
    key: Key,
    entry: CacheEntry,
) -> bool:
    # A keyring may know the user by another name. ``shown`` tells it then.
    if key.kind == SERVICE or not isinstance(credential, BasicHTTP):
        return False
    user = entry.url.username
    return user is not None and credential.username != user


def shown(credential: Credential, key: Key, entry: CacheEntry) -> str:
    """Return an answer without its secret, and note if a keyring has answered for another user."""
    user = entry.url.username
    answered = credential.shown_username
    if user is None or key.kind != SERVICE or answered in (None, user):
        return repr(credential)
    return f"{credential!r}, not of the user {shown_user(user)!r}"
