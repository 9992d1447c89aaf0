"""``authshim auth``: login and token; ``cli.logout`` and ``cli.status`` have the others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.cli.terminal import with_tilde
from authshim.errors import AuthshimError, SettingsError
from authshim.redact import printable, redact, shown_key

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from authshim.credentials import Credential
    from authshim.login.rules import Target
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Store
    from authshim.settings import Settings

_ASK = object()
"""The value of an option that was given without one."""

_LONGEST = 1024 * 1024
"""Characters of a secret on standard input."""

_MARGIN = 300  # seconds: an OAuth token with less is left to the chain


def add_parser(commands: Any, loudness: ArgumentParser) -> None:
    """Add the commands to the command line."""
    group = commands.add_parser(
        "auth",
        parents=[loudness],
        help="log in and out, see your logins",
        description="Log in and out, on the store that pixi uses too.",
    )
    group.set_defaults(missing="name a command: login, logout, status or token (authshim auth -h says more)")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", prog="authshim auth")
    _add_login(actions, loudness)
    logout = add_action(
        actions,
        loudness,
        "logout",
        "forget the credentials of a host",
        "Remove what is kept for a host, wherever pixi and authshim store it, and end an OAuth login at its server. "
        "A netrc is left alone.",
        _run_logout,
    )
    logout.add_argument("host", metavar="HOST", nargs="?", help="as it was given to login")
    logout.add_argument("--all", action="store_true", help="forget the credentials of every host")
    listing = add_action(
        actions,
        loudness,
        "status",
        "list the credentials, without a secret",
        "List what is kept, where, and which entry shadows which; no secret is shown.",
        _run_status,
    )
    listing.add_argument("host", metavar="HOST", nargs="?", help="only those that answer for this host")
    listing.add_argument("--json", action="store_true", help="print JSON")
    token = add_action(
        actions,
        loudness,
        "token",
        "print the token for a host",
        "Print the token that is sent to a host, for another program; a password is none.",
        _run_token,
    )
    token.add_argument("host", metavar="HOST", help="a host or a URL")
    token.set_defaults(silent=True)


def _add_login(actions: Any, loudness: ArgumentParser) -> None:
    login = add_action(
        actions,
        loudness,
        "login",
        "store a credential for a host",
        "Store a credential where pixi and authshim find it. A secret that is left out is asked for; - reads it from "
        "standard input, so that it stands in no shell's history.",
        _run_login,
    )
    login.add_argument("host", metavar="HOST", help="the host to authenticate with (e.g. repo.prefix.dev)")
    optional: dict[str, Any] = {"nargs": "?", "const": _ASK}
    login.add_argument("--token", help="the token to use (for authentication with prefix.dev)", **optional)
    login.add_argument("--username", help="the username to use (for basic HTTP authentication)")
    login.add_argument("--password", help="the password to use (for basic HTTP authentication)", **optional)
    login.add_argument("--conda-token", help="the token to use on anaconda.org / quetz authentication", **optional)


def add_action(
    actions: Any, loudness: ArgumentParser, name: str, summary: str, description: str, run: Any
) -> ArgumentParser:
    """Add one command to the group."""
    parser: ArgumentParser = actions.add_parser(name, parents=[loudness], help=summary, description=description)
    parser.add_argument("--auth-file", metavar="FILE", help="use this auth file, and nothing else")
    parser.set_defaults(run=run)
    return parser


def settings_of(options: Namespace) -> Settings:
    """Read the settings; those of a project have no say in where a login goes."""
    import os

    from authshim.settings import read as read_settings

    return read_settings(os.environ, auth_file=options.auth_file)


def chain_of(options: Namespace) -> Chain:
    """Make the chain of the user's own providers."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(auth_file=options.auth_file)


def _run_status(options: Namespace) -> int:
    from authshim.cli import status

    return status.run(options)


def _log() -> Any:
    import logging

    return logging.getLogger("authshim")


def _run_login(options: Namespace) -> int:
    from authshim.login import rules
    from authshim.providers.keychain_backends import NAME as KEYCHAIN

    settings, target = settings_of(options), rules.read_target(options.host)
    names = {"token": options.token, "username": options.username, "password": options.password}
    given = {name for name, value in {**names, "conda-token": options.conda_token}.items() if value is not None}
    kind = rules.kind_of(target.host, given)
    credential = _credential(kind, target, options)
    whose = ""
    if rules.is_prefix_dev(target.host):
        from authshim.login import prefix_dev

        whose = f" of {prefix_dev.viewer(credential, settings.prefix_dev_url or rules.prefix_dev_of(target.host))}"
    chain = chain_of(options)
    store, missing = rules.store(rules.stores_of(chain.providers), target.key, credential)
    terminal.say(
        with_tilde(f"stored the {type(credential).__name__}{whose} for {shown_key(target.key)} in {store.name}")
    )
    _replace_oauth(store, target)
    in_clear = [f"{store.name} is not encrypted"] if store.name != KEYCHAIN and not settings.auth_file else []
    for warning in (target.warning, *missing, *in_clear, *store.problems, _shadowed(target, store, options)):
        if warning:
            _log().warning("%s", warning)
    return 0


def _replace_oauth(store: Store, target: Target) -> None:
    """Remove the OAuth login of the bare host, which pixi stores there: it would stand before ``*.host``."""
    from authshim.credentials import OAuth

    if target.key == f"*.{target.host}" and isinstance(store.find(target.host), OAuth) and store.forget(target.host):
        terminal.say(with_tilde(f"removed the OAuth login for {target.host} from {store.name}"))


def _credential(kind: str, target: Target, options: Namespace) -> Credential:
    from authshim import credentials
    from authshim.login import rules

    if kind == rules.BASIC:
        password = _secret("--password", options.password, f"Password of {options.username} at {target.host}: ")
        return credentials.BasicHTTP(options.username, password)
    if kind == rules.CONDA:
        return credentials.CondaToken(_secret("--conda-token", options.conda_token, f"Token for {target.host}: "))
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
        raise SettingsError(option, "there is no terminal to ask at; - reads it from standard input")
    return _line(option, given)


def _line(option: str, given: str) -> str:
    """Return what standard input gave, without the line's end."""
    if len(given) > _LONGEST:
        raise SettingsError(option, f"standard input has more than {_LONGEST:,} characters, which is no secret")
    secret = given.rstrip("\r\n")
    if not secret:
        raise SettingsError(option, "standard input is empty")
    return secret


def _shadowed(target: Target, store: Store, options: Namespace) -> str:
    """Say which other entry answers for the host, now that this one is stored."""
    found = chain_of(options).find(target.url)
    if found is None or (found.provider, found.key) == (store.name, target.key):
        return ""
    return f"for {redact(target.url)} another comes first: {shown_key(found.key)} in {found.provider}"


def _run_logout(options: Namespace) -> int:
    from authshim.cli import logout

    return logout.run(options)


def _run_token(options: Namespace) -> int:
    from authshim.login import rules

    target = rules.read_target(options.host)
    credential = _from_override(target, options) or _from_chain(target, options)
    from authshim.login.tokens import bare_token

    token = bare_token(credential)
    if token is None:
        kind = type(credential).__name__
        raise AuthshimError(f"what is kept for {redact(target.url)} is a {kind}, which is no token")
    terminal.write(token)
    return 0


def _from_override(target: Target, options: Namespace) -> Credential | None:
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


def _from_chain(target: Target, options: Namespace) -> Credential:
    from authshim.cli import set_up_logging

    set_up_logging(options)
    chain = chain_of(options)
    found = chain.find(target.url)
    if found is None:
        key = shown_key(target.key[2:] if target.key.startswith("*.") else target.key)
        why = chain.note or f"to give it one: authshim auth login {key}"
        raise AuthshimError(f"no provider has a credential for {redact(target.url)}; {why}")
    return found.credential
