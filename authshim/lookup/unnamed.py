"""The login that another program gets for a URL, when authshim cannot know who named the URL.

Such programs ask in two words, a service and perhaps a username. Most expect a password.

1. Only an absolute https URL has an answer, or an http URL on loopback.
2. The URL has one host for every parser, else it has no answer.
3. The chain is asked for what is sent unasked. It has no keyring command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.errors import CredentialError, UrlError

if TYPE_CHECKING:
    from authshim.credentials import BasicHTTP, Credential
    from authshim.lookup.chain import Chain
    from authshim.urls import Url

TOKEN_USER = "__token__"  # noqa: S105 - it is no secret
"""The username of a token if the question has none. Package indexes know tokens by it."""


def make_chain() -> Chain:
    """Return the chain of the user's own stores, without the keyring command."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(keyring_provider="disabled")


def find(chain: Chain, service: str, username: str | None = None) -> Credential | None:
    """Return the credential for a service, or None.

    :param service: the URL of an index or a repository, with or without userinfo.
    :param username: the user whose credential is wanted; None: any user's.
    """
    url = _read(service)
    if url is None or not _may_be(url.username, username):
        return None
    found = chain.find(service, username)
    if found is None:
        return None
    return found.credential


def find_basic(chain: Chain, service: str, username: str | None = None) -> BasicHTTP | None:
    """Return the username and password for a service, or None; see ``find`` and ``as_basic``."""
    from authshim.urls import parse

    credential = find(chain, service, username)
    if credential is None:
        return None
    if username is None:
        username = parse(service).username
    return as_basic(credential, username)


def as_basic(credential: Credential, username: str | None) -> BasicHTTP | None:
    """Return a credential as a username and password, or None.

    A token is the password of the user that was asked for, or of ``TOKEN_USER``. Conda tokens
    and S3 keys are no passwords.
    """
    from authshim.credentials import BasicHTTP

    if isinstance(credential, BasicHTTP):
        return credential
    token = token_of(credential)
    if token is None:
        return None
    user = TOKEN_USER if username is None else username
    try:
        return BasicHTTP(user, token)
    except CredentialError:
        return None


def token_of(credential: Credential) -> str | None:
    """Return the token that is sent as Bearer, or None."""
    from authshim.credentials import BearerToken, OAuth

    if isinstance(credential, BearerToken):
        return credential.token
    if isinstance(credential, OAuth):
        return credential.access_token
    return None


def _read(service: str) -> Url | None:
    from authshim.urls import is_loopback, parse

    try:
        url = parse(service)
    except UrlError:
        return None
    if url.scheme == "https" or is_loopback(url.host):
        return url
    return None


def _may_be(known: str | None, username: str | None) -> bool:
    """Return True unless two different users are known."""
    return None in (known, username) or known == username
