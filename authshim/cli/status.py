"""``authshim auth status``: which credentials there are, where, and which one comes first."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, TypeVar

from authshim.cli.keyring_state import backend_line, why_backend_is_off
from authshim.cli.terminal import say, say_rows, with_tilde, write
from authshim.credentials import is_expired
from authshim.errors import ProviderError, ProviderMissing, ProviderUnlisted
from authshim.lookup.order import questions
from authshim.providers.url_logins import UrlLogins
from authshim.redact import redact_key
from authshim.urls import PREFIX, host_keys, parse

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.credentials import Credential
    from authshim.login.host import LoginHost
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Provider


_Answer = TypeVar("_Answer")


class Entry(NamedTuple):
    """One credential as it is shown."""

    key: str
    provider: str
    credential: Credential | None
    """None where its secret was not read."""
    shadowed_by: tuple[str | None, str | None]
    """The key and the provider of the entry that is taken instead."""
    place: str = ""
    """Its file or line, if the name of the provider does not tell it."""

    @property
    def is_renewed(self) -> bool:
        """True if an expired login is renewed when it is used."""
        return getattr(self.credential, "refresh_token", None) is not None

    @property
    def answers(self) -> bool:
        """True if this entry answers for its host. No server is asked."""
        return self.credential is None or self.is_renewed or not is_expired(self.credential)

    def as_json(self, now: float) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
        from authshim.login.tokens import expires_at

        expires = None if self.credential is None else expires_at(self.credential)
        expires = expires if expires is not None and abs(expires) < 1e12 else None
        return {
            "key": redact_key(self.key),
            "kind": None if self.credential is None else type(self.credential).__name__,
            "username": None if self.credential is None else self.credential.shown_username,
            "provider": self.provider,
            "place": self.place or None,
            "expires_at": expires,
            "expired": None if expires is None else expires <= now,
            "shadowed_by": self.shadowed_by[1],
            "shadowed_by_key": self.shadowed_by[0],
        }

    def as_line(self, now: float) -> list[str]:
        """Return the columns of its line."""
        row = self.as_json(now)
        remarks = [self.place] if self.place else []
        if row["expires_at"] is not None:
            when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(row["expires_at"]))
            renewed = " and is renewed when it is used" if self.is_renewed else ""
            remarks.append(f"expired {when}{renewed}" if row["expired"] else f"expires {when}")
        if row["shadowed_by"]:
            nearer = f"{row['shadowed_by_key']} in " if row["shadowed_by_key"] != row["key"] else ""
            remarks.append(f"shadowed by {nearer}{row['shadowed_by']}")
        return [
            row["key"],
            row["kind"] or "(in the keychain)",
            row["username"] or "",
            row["provider"],
            ", ".join(remarks),
        ]


class Listing:
    """The answers of the providers."""

    def __init__(self, chain: Chain, target: LoginHost | None) -> None:
        self.entries: list[Entry] = []
        self.notes: list[str] = []
        self.fine = True
        self._first: dict[str, Entry] = {}
        if target is None:
            self._list(chain)
        else:
            self._ask(chain, target)
        for provider in chain.providers:
            self.notes += [problem for problem in provider.problems if problem not in self.notes]
        if chain.note:
            self.notes.append(chain.note)

    def _list(self, chain: Chain) -> None:
        for provider in chain.providers:
            if not _is_listed(provider):
                self.notes.append(
                    f"the {provider.name} cannot be listed; try: authshim explain URL"
                )
                continue
            for key, credential, place in self._guarded(partial(_entries, provider)) or ():
                self._add(key, self._group_of(key), provider, credential, place)

    def _ask(self, chain: Chain, target: LoginHost) -> None:
        paths = frozenset(
            key
            for provider in chain.providers
            for key in self._guarded(partial(_path_keys, provider)) or ()
        )
        asked = [provider for provider in chain.providers if _is_listed(provider)]
        for key, provider in questions(target.lookup_keys(paths), asked):
            found = self._guarded(partial(provider.find, key))
            if found is not None:
                self._add(key, "", provider, found, provider.place(key))
        self.fine = self.fine and bool(self.entries)

    def _group_of(self, key: str) -> str:
        """Return the key of the entries that may shadow one.

        For the URL of a store of another tool that is the key of its host, if there is one.
        """
        if not key.startswith(("https://", "http://")):
            return key
        nearest = host_keys(parse(key), frozenset(self._first))
        hosts = (each for each in nearest if each.kind != PREFIX and each in self._first)
        return next(hosts, key)

    def _add(
        self,
        key: str,
        group: str,
        provider: Provider,
        credential: Credential | None,
        place: str,
    ) -> None:
        first = self._first.get(group)
        shadowed_by = (None, None) if first is None else (redact_key(first.key), first.provider)
        entry = Entry(str(key), provider.name, credential, shadowed_by, place)
        if entry.answers:
            self._first.setdefault(group, entry)
        self.entries.append(entry)

    def _guarded(self, ask: Callable[[], _Answer]) -> _Answer | None:
        try:
            return ask()
        except ProviderError as error:
            self.fine = self.fine and isinstance(error, (ProviderMissing, ProviderUnlisted))
            note = str(error)
            if isinstance(error, ProviderUnlisted):
                note += "; try: authshim auth status HOST"
            if note not in self.notes:
                self.notes.append(note)
        return None


def _is_listed(provider: Provider) -> bool:
    return any(hasattr(provider, name) for name in ("list", "logins", "entries"))


def _path_keys(provider: Provider) -> list[str]:
    return list(provider.path_keys())


def _entries(provider: Any) -> list[tuple[str, Credential | None, str]]:
    """Return the entries of a provider, each with its key and its place."""
    if isinstance(provider, UrlLogins):
        return list(provider.entries())
    pairs = provider.logins() if hasattr(provider, "logins") else provider.list().items()
    return [(key, credential, "") for key, credential in pairs]


def run(options: Namespace) -> int:
    """Print the entries."""
    from authshim.cli.project import chain_in_force
    from authshim.login.parser import parse_login_host

    target = parse_login_host(options.host) if options.host is not None else None
    chain, note = chain_in_force(options)
    listing, now = Listing(chain, target), time.time()
    if note:
        listing.notes.append(note)
    why_off = why_backend_is_off(os.environ)
    if options.json:
        rows = [entry.as_json(now) for entry in listing.entries]
        document = {"version": 1, "fine": listing.fine, "entries": rows, "notes": listing.notes}
        document["keyring_backend"] = not why_off
        write(json.dumps(document, indent=2))
    else:
        _print_lines(listing, now, options.host)
        if target is None:
            say(with_tilde(backend_line(why_off)))
    return 0 if listing.fine else 1


def _print_lines(listing: Listing, now: float, host: str | None) -> None:
    cells = [[with_tilde(cell) for cell in entry.as_line(now)] for entry in listing.entries]
    say_rows(_table(cells))
    if not listing.entries:
        say("no credential" if host is None else f"no credential for {redact_key(host)}")
    for note in listing.notes:
        say(with_tilde(note))


def _table(lines: list[list[str]]) -> list[str]:
    wide = [max((len(cell) for cell in column), default=0) for column in zip(*lines)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, wide)).rstrip() for line in lines
    ]
