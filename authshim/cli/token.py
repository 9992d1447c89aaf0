"""``authshim auth token``: print the token for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.cli import terminal
from authshim.cli.project import chain_of, settings_of
from authshim.errors import AuthshimError
from authshim.redact import redact, redact_key

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.credentials import Credential
    from authshim.login.rules import LoginHost


_MARGIN = 300  # seconds: an OAuth token with less is left to the chain


def run(options: Namespace) -> int:
    """Print the token, and nothing else."""
    from authshim.login import rules

    target = rules.parse_login_host(options.host)
    credential = _from_override(target, options) or _from_chain(target, options)
    from authshim.login.tokens import bare_token

    token = bare_token(credential)
    if token is None:
        kind = type(credential).__name__
        raise AuthshimError(f"what is kept for {redact(target.url)} is a {kind}, which is no token")
    terminal.write(token)
    return 0


def _from_override(target: LoginHost, options: Namespace) -> Credential | None:
    """Look into the override file, where it is all there is; without the chain this takes a fifth of the time."""
    settings = settings_of(options)
    if not settings.auth_file or not settings.auth_file_only:
        return None
    import time

    from authshim.credentials import OAuth
    from authshim.providers.auth_file import AuthFile

    file = AuthFile(settings.auth_file)
    paths = frozenset(file.path_keys())
    found = next(filter(None, map(file.find, target.lookup_keys(paths))), None)
    return None if isinstance(found, OAuth) and found.expired(time.time() + _MARGIN) else found


def _from_chain(target: LoginHost, options: Namespace) -> Credential:
    from authshim.cli.terminal import set_up_logging

    set_up_logging(options)
    chain = chain_of(options)
    found = chain.find(target.url)
    if found is None:
        key = redact_key(target.key[2:] if target.key.startswith("*.") else target.key)
        why = chain.note or f"to give it one: authshim auth login {key}"
        raise AuthshimError(f"no provider has a credential for {redact(target.url)}; {why}")
    return found.credential
