"""``authshim auth logout``: forget what is stored, wherever that is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from authshim.cli.project import chain_of
from authshim.cli.terminal import say, with_tilde
from authshim.credentials import OAuth
from authshim.errors import ProviderError, ProviderMissing, SettingsError
from authshim.login import rules
from authshim.redact import redact_key

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from authshim.login.rules import LoginHost
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Store

logger = logging.getLogger("authshim")


def run(options: Namespace) -> int:
    """Forget a host in every store, or all that is stored."""
    if bool(options.host) is options.all:
        raise SettingsError("HOST", "name a host, or give --all")
    target = None if options.all else rules.parse_logout_host(options.host)
    chain = chain_of(options)
    removed, fine = 0, True
    for store in rules.stores_of(chain.providers):
        try:
            removed += _forget(store, list(store.keys()) if target is None else target.keys)
        except ProviderMissing as error:
            logger.info("%s", str(error))
        except ProviderError as error:
            logger.error("%s", str(error))  # noqa: TRY400 - a sentence; its frames hold what was typed
            fine = False
        for problem in store.problems:
            logger.warning("%s", problem)
    if not removed and fine:
        say(f"nothing is stored for {redact_key(options.host)}" if target else "nothing is stored")
    _name_what_stays(chain, target)
    return 0 if fine else 1


def _forget(store: Store, keys: Iterable[str]) -> int:
    removed = 0
    for key in keys:
        credential = store.find(key)
        if store.forget(key):
            removed += 1
            say(with_tilde(f"removed {redact_key(key)} from {store.name}"))
            if isinstance(credential, OAuth):
                from authshim.oauth import endpoints

                problem = endpoints.revoke(credential)
                if problem:
                    logger.warning("%s", problem)
    return removed


def _name_what_stays(chain: Chain, target: LoginHost | None) -> None:
    for provider in chain.providers:
        listed = getattr(provider, "logins", None)
        try:
            keys = [] if listed is None else [key for key, _ in listed()]
        except ProviderError:
            keys = []
        kept = (
            keys if target is None else [key for key in (*target.keys, target.host) if key in keys]
        )
        if kept:
            which = "its logins" if target is None else f"its login for {kept[0]}"
            say(with_tilde(f"{provider.name} keeps {which}: it is not for authshim to change"))
