"""The credentials that need no provider: they stand in the URL or in its declaration."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP, S3Credentials
from authshim.errors import CredentialError
from authshim.lookup.cached_credential import CachedCredential
from authshim.redact import is_unfilled
from authshim.urls import GIVEN, Key, is_loopback

if TYPE_CHECKING:
    from authshim.log import Once
    from authshim.lookup.entry import CacheEntry


REJECTIONS = "authshim.rejections"
"""The logger of rejected logins."""


def find_given(entry: CacheEntry, once: Once) -> CachedCredential | None:
    """Return the ``user:password@`` of an entry, or None. Warn if it cannot be sent."""
    url = entry.url
    if url.password is None:
        return None
    username = url.username or ""
    password = url.password.text
    if is_unfilled(password) or is_unfilled(username):
        once.warn_once(f"the user:password@ of {entry.origin} is not filled in")
        return None
    try:
        credential = BasicHTTP(username, password)
    except CredentialError as error:
        once.warn_once(f"the user:password@ of {entry.origin} is not used: {error}")
        return None
    key = Key(url.netloc, GIVEN)
    place = given_in(entry)
    return CachedCredential(credential, place, key, entry=entry)


def given_in(entry: CacheEntry) -> str:
    """Return the source of the password of an entry: its declaration, or "URL"."""
    declared = entry.declared
    if declared is not None and declared.password == entry.url.password:
        return declared.login_in
    return "URL"


def find_lone_token(entry: CacheEntry, once: Once) -> CachedCredential | None:
    """Return the token that is the username of an entry, or None."""
    credential = entry.lone_token
    if credential is None:
        return None
    key = Key(entry.url.netloc, GIVEN)
    found = CachedCredential(
        credential,
        entry.names_user,
        key,
        challenged=True,
        entry=entry,
    )
    warn_plain_http(found, once)
    return found


def warn_plain_http(found: CachedCredential, once: Once) -> None:
    """Warn if a credential is sent over http to another machine."""
    url = found.entry.url
    if url.scheme != "http" or is_loopback(url.host):
        return
    if not isinstance(found.credential, S3Credentials):
        once.warn_once(f"a credential is sent to {url.host} in the clear: use https")


def warn_rejected(found: CachedCredential, once: Once) -> None:
    """Warn once that a server rejected a login, under a logger of its own.

    The commands print a verdict instead, and switch that logger off.
    """
    url = found.entry.url
    user = found.credential.shown_username
    whose = f"the {type(found.credential).__name__}"
    if user:
        whose = f"the login of user {user!r}"
    sentence = f"{url.netloc} rejected {whose} from {found.provider}"
    if not once.is_new(sentence):
        return
    step = f"try: authshim explain {url.scheme}://{url.netloc}/"
    logger = logging.getLogger(REJECTIONS)
    logger.warning("%s; %s", sentence, step)
