"""The login that another program gets for a URL, when authshim cannot know who named the URL.

Such programs ask in two words, a service and perhaps a username. Most expect a password.

1. Only an absolute https URL has an answer, or an http URL on loopback.
2. The URL has one host for every parser, else it has no answer.
3. The chain is asked for what is sent unasked. It has no keyring command.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from authshim.errors import AuthshimError, CredentialError, UrlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from authshim.credentials import BasicHTTP, Credential
    from authshim.lookup.chain import Chain
    from authshim.urls.url import Url

TOKEN_USER = "__token__"  # noqa: S105 - it is no secret
"""The username of a token if the question has none. Package indexes know tokens by it."""


def make_chain() -> Chain:
    """Return the chain of the user's own stores, without the keyring command."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(keyring_provider="disabled")


def find(
    chain: Chain,
    service: str,
    username: str | None = None,
) -> Credential | None:
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


def ask(
    make: Callable[[], Chain],
    service: str,
    username: str | None = None,
) -> Credential | None:
    """Return the credential that ``find`` returns. An error of the chain is a warning.

    :param make: returns the chain, and may raise an error of the user's settings.
    """
    try:
        return find(make(), service, username)
    except AuthshimError as error:
        logging.getLogger("authshim").warning("%s", error)
    return None


def ask_basic(
    make: Callable[[], Chain],
    service: str,
    username: str | None = None,
) -> BasicHTTP | None:
    """Return the username and password for a service, or None; see ``ask`` and ``as_basic``."""
    from authshim.urls import parse

    credential = ask(make, service, username)
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


def url_of(host: str, path: str, bases: Iterable[str]) -> str | None:
    """Return the URL of a request whose scheme is unknown, or None if it is under no base.

    If it is under an http and an https base, the URL is http.
    """
    schemes = set(_schemes(host, path, bases))
    if not schemes:
        return None
    scheme = "http" if "http" in schemes else "https"
    return f"{scheme}://{host}{path}"


def _schemes(
    host: str,
    path: str,
    bases: Iterable[str],
) -> Iterator[str]:
    from authshim.urls import parse
    from authshim.urls.paths import prefixes

    for base in bases:
        try:
            covering = parse(base)
            request = parse(f"{covering.scheme}://{host}{path}")
        except UrlError:  # a folder, perhaps
            continue
        root = covering.path.rstrip("/")
        if request.origin == covering.origin and root in ("", *prefixes(request.path)):
            yield covering.scheme


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
