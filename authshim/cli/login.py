"""``authshim auth login``: store a credential for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.cli.project import chain_of, environ_of, settings_of, warn_of_project
from authshim.cli.secret_input import read_secret
from authshim.cli.terminal import with_tilde
from authshim.errors import AuthshimError, SettingsError
from authshim.redact import redact, redact_key

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.credentials import Credential
    from authshim.login.host import LoginHost
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Store


_CLIENT_SECRET = "--oauth-client-secret"  # noqa: S105 - the name of an option
_OAUTH_OPTIONS = (
    "oauth_issuer_url",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_flow",
    "oauth_scope",
    "oauth_redirect_uri",
)
"""The options that go together with ``--oauth``."""

_S3_OPTIONS = ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")


def _log() -> Any:
    import logging

    return logging.getLogger("authshim")


def run(options: Namespace) -> int:
    """Store a credential, and say in which store."""
    from authshim.login import bucket, rules
    from authshim.login.parser import parse_login_host
    from authshim.oauth.identity import is_prefix_dev

    target = parse_login_host(options.host)
    given = _given(options)
    bucket.check_options([f"--{name}" for name in given], target)
    if target.is_bucket:
        from authshim.cli import s3_login

        warn_of_project(options, "log in")
        keys = s3_login.read_keys(options)
        _store(keys, "", target, options)
        return 0
    kind = rules.kind_of(target.host, given, target.username)
    warn_of_project(options, "log in")
    if kind == rules.OAUTH:
        return _log_in_by_oauth(rules.for_oauth(target), options)
    target = _narrowed(target)
    credential = _credential(kind, target, options)
    whose = ""
    if is_prefix_dev(target.host):
        from authshim.login import prefix_dev

        settings = settings_of(options)
        url = settings.prefix_dev_url or rules.prefix_dev_of(target.host)
        whose = prefix_dev.viewer(credential, url, environ_of(settings, url))
    _store(credential, whose, target, options)
    return 0


def _narrowed(target: LoginHost) -> LoginHost:
    """Return the port and path of a URL as the place to log in at, if the user means it.

    If nobody can be asked, a warning says that the login serves the whole host.
    """
    from authshim.login import rules

    narrow = rules.narrowed(target)
    if narrow is None:
        return target
    host = target.host
    key = redact_key(narrow.key)
    if not terminal.can_ask():
        only = f"for {key} alone: authshim auth login {key}"
        _log().warning("this login serves all of %s (%s)", host, only)
        return target
    question = f"Store it for {key} alone, not for all of {host}? pixi reads no such key."
    if terminal.ask(question):
        return narrow
    return target


def _given(options: Namespace) -> set[str]:
    """Return the names of the given options that tell the kind of a login.

    :raises SettingsError: an option of an OAuth login is given without ``--oauth``, as in pixi.
    """
    names = ("token", "username", "password", "conda_token", *_S3_OPTIONS)
    set_here = [name for name in names if getattr(options, name) is not None]
    given = {name.replace("_", "-") for name in set_here}
    if options.oauth:
        return {*given, "oauth"}
    for name in _OAUTH_OPTIONS:
        if getattr(options, name) is not None:
            option = name.replace("_", "-")
            raise SettingsError(f"--{option}", "goes together with --oauth")
    return given


def _log_in_by_oauth(target: LoginHost, options: Namespace) -> int:
    """Store a login under the bare host, as pixi does."""
    from authshim.cli import oauth_login

    secret = None
    if options.oauth_client_secret is not None:
        prompt = f"Client secret for {target.host}: "
        secret = read_secret(_CLIENT_SECRET, options.oauth_client_secret, prompt)
    login = oauth_login.log_in(options, target, secret)
    try:
        _store(login.credential, login.name, target, options)
    except AuthshimError:
        oauth_login.revoke(login)
        raise
    if reason := oauth_login.why_not_renewed(login, secret):
        _log().warning("%s", reason)
    return 0


def _store(
    credential: Credential,
    whose: str,
    target: LoginHost,
    options: Namespace,
) -> None:
    """Store a credential, and print where, with warnings.

    :param whose: the name of the user, if it is known.
    :raises AuthshimError: it cannot be stored.
    """
    from authshim.login import rules

    chain = chain_of(options)
    stores = rules.stores_of(chain.providers)
    stored = rules.store(stores, target.key, credential)
    store = stored.store
    what = _described(credential, whose)
    key = redact_key(target.key)
    replaced = _replaced(stored.replaced, credential)
    terminal.say(with_tilde(f"stored the {what} for {key} in {store.name}{replaced}"))
    _replace_oauth(store, target)
    warnings = [
        target.warning,
        *stored.missing,
        _unencrypted(store, options),
        *store.problems,
        _shadowed(target, store, chain),
    ]
    for warning in filter(None, warnings):
        _log().warning("%s", warning)


def _described(credential: Credential, user: str | None) -> str:
    """Return the kind of a credential and its user, if one is known."""
    kind = type(credential).__name__
    if not user:
        return kind
    return f"{kind} of {user}"


def _unencrypted(store: Store, options: Namespace) -> str:
    """Return a warning if a login is in a file that nobody named, or an empty string."""
    from authshim.providers.keychain_backends import NAME as KEYCHAIN

    if store.name == KEYCHAIN or settings_of(options).auth_file:
        return ""
    return f"{store.name} is not encrypted"


def _replaced(before: Credential | None, after: Credential) -> str:
    """Return which other credential was replaced, or an empty string."""
    if before is None or before == after:
        return ""
    user = getattr(before, "shown_username", None)
    return f" (in place of the {_described(before, user)} that was there)"


def _replace_oauth(store: Store, target: LoginHost) -> None:
    """Remove the OAuth login of the bare host, where pixi stores it.

    It would come before ``*.host``.
    """
    from authshim.credentials import OAuth

    host = target.host
    if target.key != f"*.{host}":
        return
    if isinstance(store.find(host), OAuth) and store.forget(host):
        terminal.say(with_tilde(f"removed the OAuth login for {host} from {store.name}"))


def _credential(
    kind: str,
    target: LoginHost,
    options: Namespace,
) -> Credential:
    from authshim import credentials
    from authshim.login import inputs, rules

    place = redact_key(target.key.removeprefix("*."))
    prompt = f"Token for {place}: "
    if kind == rules.BASIC:
        inputs.check_username(options.username)
        prompt = f"Password of {options.username} at {place}: "
        password = read_secret("--password", options.password, prompt)
        return credentials.BasicHTTP(options.username, password)
    if kind == rules.CONDA:
        token = read_secret("--conda-token", options.conda_token, prompt)
        return credentials.CondaToken(token)
    token = read_secret("--token", options.token, prompt)
    return credentials.BearerToken(token)


def _shadowed(
    target: LoginHost,
    store: Store,
    chain: Chain,
) -> str:
    """Return which other entry comes first for the host, or an empty string."""
    if target.is_bucket:
        found = chain.s3.stored(target.url)
    else:
        found = chain.find(target.url)
    stored = (store.name, target.key)
    if found is None or (found.provider, found.key) == stored:
        return ""
    key = redact_key(found.key)
    return f"for {redact(target.url)} another comes first: {key} in {found.provider}"
