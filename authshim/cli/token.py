"""``authshim auth token``: print the token for a host, or the header line for a URL."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.errors import AuthshimError
from authshim.redact import redact, redact_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential
    from authshim.login.host import LoginHost


_TOKEN = ["auth", "token"]
_HEADER = [*_TOKEN, "--header"]

_MARGIN = 300
"""Seconds that an OAuth token must be valid; the chain renews one with less."""

_NO_TOKENS = {
    "BasicHTTP": "a username and password",
    "S3Credentials": "S3 keys",
}

_NO_HEADERS = {
    "CondaToken": "a conda token, which is sent in the URL",
    "S3Credentials": "S3 keys, which sign a request",
}


def plain_options(words: Sequence[str]) -> SimpleNamespace | None:
    """Return the options of ``auth token [--header] HOST``, or None for another command line.

    Without argparse that command takes two thirds of the time.
    """
    command = list(words[:-1])
    host = "".join(words[-1:])
    if command not in (_TOKEN, _HEADER) or host.startswith("-"):
        return None
    return SimpleNamespace(
        host=host,
        header=command == _HEADER,
        auth_file=None,
        run=run,
    )


def run(options: Any) -> int:
    """Print the token or the header line, and nothing else."""
    from authshim.login.parser import parse_login_host

    target = parse_login_host(options.host)
    credential = _from_override(target, options) or _from_chain(target, options)
    if options.header:
        terminal.write(_header(credential, target))
    else:
        terminal.write(_token(credential, target))
    return 0


def _token(credential: Credential, target: LoginHost) -> str:
    from authshim.login.tokens import bare_token

    token = bare_token(credential)
    if token is None:
        kind = type(credential).__name__
        kept = _NO_TOKENS.get(kind, kind)
        host = redact_key(target.keys[0])
        raise AuthshimError(f"{host} has {kept}, and auth token prints tokens only")
    return token


def _header(credential: Credential, target: LoginHost) -> str:
    if credential.header is None:
        kind = type(credential).__name__
        kept = _NO_HEADERS.get(kind, kind)
        host = redact_key(target.keys[0])
        raise AuthshimError(f"{host} has {kept}; to get a file: authshim get {redact(target.url)}")
    return f"Authorization: {credential.header}"


def _from_override(target: LoginHost, options: Any) -> Credential | None:
    """Return the credential in the file that replaces every other provider, or None.

    The variable and the option come before all settings, which therefore are not read. Without
    them and the chain this takes a fifth of the time.
    """
    path = os.environ.get("RATTLER_AUTH_FILE") or options.auth_file
    if not path or path.startswith("~"):
        return None
    if not _is_plain(_url(target, options)):
        return None
    if os.environ.get("AUTHSHIM_AUTH_FILE_MODE"):
        return None
    import time

    from authshim.credentials import OAuth
    from authshim.providers.auth_file import AuthFile

    file = AuthFile(path)
    paths = frozenset(file.path_keys())
    found = _first(file, target.lookup_keys(paths))
    if isinstance(found, OAuth):
        soon = time.time() + _MARGIN
        if found.expired(soon):
            return None
    return found


def _first(
    file: Any,
    keys: Sequence[str],
) -> Credential | None:
    """Return the credential of the first key that a file has, or None."""
    for key in keys:
        found: Credential | None = file.find(key)
        if found:
            return found
    return None


def _url(target: LoginHost, options: Any) -> str:
    """Return the URL as it was given, or the URL of the host that was given."""
    if "://" in options.host:
        url: str = options.host
        return url
    return target.url


def _is_plain(url: str) -> bool:
    """Return True if the keys of a file alone decide what a URL gets.

    The chain has rules for a username, a presigned URL, hidden dots in a path and plain http.
    """
    from authshim.urls.paths import has_ambiguous_path

    if "@" in url or "?" in url:
        return False
    if url.lower().startswith("http:"):
        return False
    return not has_ambiguous_path(url)


def _from_chain(target: LoginHost, options: Any) -> Credential:
    import logging

    from authshim.cli.project import chain_in_force

    terminal.set_up_logging(options)
    chain, note = chain_in_force(options)
    if note:
        logging.getLogger("authshim").warning("%s", note)
    url = _url(target, options)
    if target.is_bucket:
        found = chain.s3.stored(url)
    else:
        found = chain.find(url)
    if found is None and target.is_bucket:
        step = chain.s3.log_in_at(target.host)
        raise AuthshimError(f"no provider has keys for {redact(target.url)}; try: {step}")
    if found is None:
        key = redact_key(target.key.removeprefix("*."))
        why = note or chain.note or f"to give it one: authshim auth login {key}"
        raise AuthshimError(f"no provider has a credential for {redact(target.url)}; {why}")
    return found.credential
