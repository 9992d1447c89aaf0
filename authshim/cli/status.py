"""``authshim auth status``: which credentials there are, where, and which one comes first."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, TypeVar

from authshim.cli.project import with_tilde
from authshim.desk import is_expired
from authshim.errors import ProviderError, ProviderMissing, ProviderUnlisted
from authshim.urls import shown_key

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.chain import Chain
    from authshim.credentials import Credential
    from authshim.login import Target
    from authshim.providers.base import Provider


_Answer = TypeVar("_Answer")


class Entry(NamedTuple):
    """One credential as it is shown."""

    key: str
    provider: str
    credential: Credential | None
    """None where its secret was not read."""
    shadowed_by: str | None
    """The provider whose entry is taken instead."""

    def as_json(self, now: float) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
        from authshim.tokens import expires_at

        expires = None if self.credential is None else expires_at(self.credential)
        expires = expires if expires is not None and abs(expires) < 1e12 else None
        return {
            "key": shown_key(self.key),
            "kind": None if self.credential is None else type(self.credential).__name__,
            "username": None if self.credential is None else self.credential.shown_username,
            "provider": self.provider,
            "expires_at": expires,
            "expired": None if expires is None else expires <= now,
            "shadowed_by": self.shadowed_by,
        }


class Listing:
    """What the providers said."""

    def __init__(self, chain: Chain, target: Target | None) -> None:
        self.entries: list[Entry] = []
        self.notes: list[str] = []
        self.fine = True
        self._first: dict[str, str] = {}
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
            for key, credential in self._guarded(partial(_entries, provider)) or ():
                self._add(key, key, provider, credential)

    def _ask(self, chain: Chain, target: Target) -> None:
        paths = frozenset(key for provider in chain.providers for key in provider.path_keys())
        asked = [provider for provider in chain.providers if _is_listed(provider)]
        for key in target.lookup_keys(paths):
            for provider in asked:
                if key.kind in provider.answers:
                    found = self._guarded(partial(provider.find, key))
                    if found is not None:
                        self._add(key, "", provider, found)
        self.fine = self.fine and bool(self.entries)

    def _add(self, key: str, realm: str, provider: Provider, credential: Credential | None) -> None:
        shadowed_by = self._first.get(realm)
        if credential is None or not is_expired(credential):
            self._first.setdefault(realm, provider.name)
        self.entries.append(Entry(str(key), provider.name, credential, shadowed_by))

    def _guarded(self, ask: Callable[[], _Answer]) -> _Answer | None:
        try:
            return ask()
        except ProviderError as error:
            self.fine = self.fine and isinstance(error, (ProviderMissing, ProviderUnlisted))
            if str(error) not in self.notes:
                self.notes.append(str(error))
        return None


def _is_listed(provider: Provider) -> bool:
    return hasattr(provider, "list") or hasattr(provider, "logins")


def _entries(provider: Any) -> list[tuple[str, Credential | None]]:
    if hasattr(provider, "logins"):
        return list(provider.logins())
    if hasattr(provider, "list"):
        return list(provider.list().items())
    raise ProviderUnlisted(provider.name, "it is asked for one URL at a time")


def run(options: Namespace) -> int:
    """Print the entries."""
    from authshim.cli.auth import chain_of
    from authshim.login import read_target

    target = read_target(options.host) if options.host is not None else None
    listing = Listing(chain_of(options), target)
    rows = [entry.as_json(time.time()) for entry in listing.entries]
    if options.json:
        document = {"version": 1, "fine": listing.fine, "entries": rows, "notes": listing.notes}
        print(json.dumps(document, indent=2))
    else:
        for line in _table(rows):
            print(with_tilde(line))
        if not rows:
            print(f"no credential for {shown_key(options.host)}" if target else "no credential")
        for note in listing.notes:
            print(with_tilde(note))
    return 0 if listing.fine else 1


def _table(rows: list[dict[str, Any]]) -> list[str]:
    cells = [[row["key"], row["kind"] or "?", row["username"] or "", row["provider"], _remark(row)] for row in rows]
    wide = [max((len(cell) for cell in column), default=0) for column in zip(*cells)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, wide)).rstrip() for line in cells]


def _remark(row: dict[str, Any]) -> str:
    remarks = []
    if row["expires_at"] is not None:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(row["expires_at"]))
        remarks.append(f"expired {when}" if row["expired"] else f"expires {when}")
    if row["shadowed_by"]:
        remarks.append(f"shadowed by {row['shadowed_by']}")
    return ", ".join(remarks)
