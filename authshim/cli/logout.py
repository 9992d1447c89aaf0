"""``authshim auth logout``: remove credentials from every store."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from authshim.cli import terminal
from authshim.cli.project import chain_of, warn_of_project
from authshim.cli.terminal import say, with_tilde
from authshim.credentials import OAuth
from authshim.errors import ProviderError, ProviderMissing, SettingsError
from authshim.login import rules
from authshim.login.parser import parse_logout_host
from authshim.providers.url_logins import UrlLogins
from authshim.redact import redact_key
from authshim.urls import parse

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

    from authshim.login.host import LoginHost
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Provider, Store

logger = logging.getLogger("authshim")


def run(options: Namespace) -> int:
    """Forget a host in every store, or all that is stored."""
    if bool(options.host) is options.all:
        raise SettingsError("HOST", "name a host, or give --all")
    target = None
    if not options.all:
        target = parse_logout_host(options.host)
    warn_of_project(options, "log out")
    chain = chain_of(options)
    stores = rules.stores_of(chain.providers)
    if target is None and not _is_confirmed(stores):
        say("nothing was removed")
        return 1
    removed, fine = _forget_all(stores, target)
    if not removed and fine:
        sentence = "nothing is stored"
        if target is not None:
            sentence += f" for {redact_key(options.host)}"
        say(sentence)
    _name_kept(chain, target)
    if not fine:
        return 1
    return 0


def _is_confirmed(stores: Sequence[Store]) -> bool:
    """Return False if the user, asked on a terminal, does not confirm."""
    if not terminal.can_ask():
        return True
    names = " and ".join(store.name for store in stores)
    return terminal.ask(with_tilde(f"Remove every login from {names}?"))


def _forget_all(
    stores: Iterable[Store],
    target: LoginHost | None,
) -> tuple[int, bool]:
    """Return how many entries were removed, and False if a store failed."""
    removed = 0
    fine = True
    for store in stores:
        try:
            removed += _forget(store, _keys_of(store, target))
        except ProviderMissing as error:
            logger.info("%s", str(error))
        except ProviderError as error:
            # A sentence without traceback: its frames hold words that were typed.
            logger.error("%s", str(error))  # noqa: TRY400
            fine = False
        for problem in store.problems:
            logger.warning("%s", problem)
    return removed, fine


def _keys_of(
    store: Store,
    target: LoginHost | None,
) -> Iterable[str]:
    """Return the keys of a host, or all keys of a store."""
    if target is None:
        return list(store.keys())
    return target.keys


def _forget(store: Store, keys: Iterable[str]) -> int:
    """Remove some keys of a store, and return how many it had."""
    removed = 0
    for key in keys:
        credential = store.find(key)
        if not store.forget(key):
            continue
        removed += 1
        say(with_tilde(f"removed {redact_key(key)} from {store.name}"))
        if isinstance(credential, OAuth):
            _revoke(credential)
    return removed


def _revoke(credential: OAuth) -> None:
    from authshim.oauth import endpoints

    problem = endpoints.revoke(credential)
    if problem:
        logger.warning("%s", problem)


def _name_kept(chain: Chain, target: LoginHost | None) -> None:
    """Name the providers that still have a login, because authshim does not write them."""
    for provider in chain.providers:
        if isinstance(provider, UrlLogins):
            _name_logins(provider, target)
            continue
        kept = _kept_logins(provider, target)
        if kept:
            say(with_tilde(f"{provider.name} keeps {kept}: it is not for authshim to change"))


def _kept_logins(provider: Provider, target: LoginHost | None) -> str:
    """Return the logins of a host, or all, that a provider keeps, or an empty string."""
    keys = _login_keys(provider)
    if target is None:
        if not keys:
            return ""
        return "its logins"
    for key in (*target.keys, target.host):
        if key in keys:
            return f"its login for {key}"
    return ""


def _name_logins(provider: UrlLogins, target: LoginHost | None) -> None:
    """Name the logins that another tool keeps for URLs, each with the way to remove it."""
    try:
        logins = provider.entries()
    except ProviderError:
        return
    for login in logins:
        host = parse(login.key).host
        if target is None or f".{host}".endswith(f".{target.host}"):
            key = redact_key(login.key)
            step = provider.logout_step(login)
            say(with_tilde(f"the login for {key} stays in {provider.name}: {step}"))


def _login_keys(provider: Provider) -> list[str]:
    listed = getattr(provider, "logins", list)
    try:
        return [key for key, _ in listed()]
    except ProviderError:
        return []
