"""``authshim auth login``: store a credential for a host."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.cli.project import chain_of, settings_of
from authshim.cli.terminal import with_tilde
from authshim.errors import SettingsError
from authshim.redact import printable, redact, redact_key

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.credentials import Credential
    from authshim.login.rules import LoginHost
    from authshim.providers.base import Store


_LONGEST = 1024 * 1024
"""Characters of a secret on standard input."""


def _log() -> Any:
    import logging

    return logging.getLogger("authshim")


def run(options: Namespace) -> int:
    """Store a credential, and say in which store."""
    from authshim.login import rules
    from authshim.providers.keychain_backends import NAME as KEYCHAIN

    settings, target = settings_of(options), rules.parse_login_host(options.host)
    names = {"token": options.token, "username": options.username, "password": options.password}
    given = {
        name
        for name, value in {**names, "conda-token": options.conda_token}.items()
        if value is not None
    }
    kind = rules.kind_of(target.host, given)
    credential = _credential(kind, target, options)
    whose = ""
    if rules.is_prefix_dev(target.host):
        from authshim.login import prefix_dev

        whose = f" of {prefix_dev.viewer(credential, settings.prefix_dev_url or rules.prefix_dev_of(target.host))}"
    chain = chain_of(options)
    store, missing = rules.store(rules.stores_of(chain.providers), target.key, credential)
    terminal.say(
        with_tilde(
            f"stored the {type(credential).__name__}{whose} for {redact_key(target.key)} in {store.name}"
        )
    )
    _replace_oauth(store, target)
    in_clear = (
        [f"{store.name} is not encrypted"]
        if store.name != KEYCHAIN and not settings.auth_file
        else []
    )
    for warning in (
        target.warning,
        *missing,
        *in_clear,
        *store.problems,
        _shadowed(target, store, options),
    ):
        if warning:
            _log().warning("%s", warning)
    return 0


def _replace_oauth(store: Store, target: LoginHost) -> None:
    """Remove the OAuth login of the bare host, which pixi stores there: it would stand before ``*.host``."""
    from authshim.credentials import OAuth

    if (
        target.key == f"*.{target.host}"
        and isinstance(store.find(target.host), OAuth)
        and store.forget(target.host)
    ):
        terminal.say(with_tilde(f"removed the OAuth login for {target.host} from {store.name}"))


def _credential(kind: str, target: LoginHost, options: Namespace) -> Credential:
    from authshim import credentials
    from authshim.login import rules

    if kind == rules.BASIC:
        password = _secret(
            "--password", options.password, f"Password of {options.username} at {target.host}: "
        )
        return credentials.BasicHTTP(options.username, password)
    if kind == rules.CONDA:
        return credentials.CondaToken(
            _secret("--conda-token", options.conda_token, f"Token for {target.host}: ")
        )
    return credentials.BearerToken(_secret("--token", options.token, f"Token for {target.host}: "))


def _secret(option: str, value: object, prompt: str) -> str:
    """Return a secret as it was given, or ask for it."""
    if isinstance(value, str) and value != "-":
        return value
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    try:
        if is_terminal:
            from getpass import getpass

            return getpass(printable(prompt))
        given = sys.stdin.read(_LONGEST + 1) if value == "-" and sys.stdin is not None else ""
    except KeyboardInterrupt:
        terminal.note("")  # the cursor is behind the prompt
        raise
    except EOFError:
        terminal.note("")
        raise SettingsError(option, "nothing was typed") from None
    except UnicodeError:
        raise SettingsError(option, "what was read is not text") from None
    if value != "-":
        raise SettingsError(
            option, "there is no terminal to ask at; - reads it from standard input"
        )
    return _line(option, given)


def _line(option: str, given: str) -> str:
    """Return what standard input gave, without the line's end."""
    if len(given) > _LONGEST:
        raise SettingsError(
            option, f"standard input has more than {_LONGEST:,} characters, which is no secret"
        )
    secret = given.rstrip("\r\n")
    if not secret:
        raise SettingsError(option, "standard input is empty")
    return secret


def _shadowed(target: LoginHost, store: Store, options: Namespace) -> str:
    """Say which other entry answers for the host, now that this one is stored."""
    found = chain_of(options).find(target.url)
    if found is None or (found.provider, found.key) == (store.name, target.key):
        return ""
    return (
        f"for {redact(target.url)} another comes first: {redact_key(found.key)} in {found.provider}"
    )
