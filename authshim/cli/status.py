"""``authshim auth status``: the credentials, their places, and the one that comes first."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from authshim.cli.keyring_state import backend_line, why_backend_is_off
from authshim.cli.status_entry import Entry
from authshim.cli.terminal import say, say_rows, with_tilde, write
from authshim.errors import ProviderError, ProviderMissing, ProviderUnlisted
from authshim.lookup.order import questions
from authshim.providers.url_logins import UrlLogins
from authshim.redact import redact_key
from authshim.urls import PREFIX, host_keys, parse

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from authshim.credentials import Credential
    from authshim.login.host import LoginHost
    from authshim.lookup.chain import Chain
    from authshim.providers.base import Provider


_Answer = TypeVar("_Answer")

MAX_NOTED_PATHS = 20
"""The paths of one host that are noted."""


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
            for problem in provider.problems:
                self._note(problem)
        if chain.note:
            self.notes.append(chain.note)

    def _list(self, chain: Chain) -> None:
        """Add the entries of all providers that can list theirs."""
        for provider in chain.providers:
            if not _is_listed(provider):
                note = f"the {provider.name} cannot be listed; try: authshim explain URL"
                self.notes.append(note)
                continue
            entries = self._guarded(partial(_entries, provider))
            for key, credential, place in entries or []:
                group = self._group_of(key)
                self._add(key, group, provider, credential, place)

    def _ask(self, chain: Chain, target: LoginHost) -> None:
        """Add the answers of all providers for a host."""
        paths: set[str] = set()
        for provider in chain.providers:
            listed = self._guarded(partial(_path_keys, provider))
            paths.update(listed or [])
        keys = target.lookup_keys(frozenset(paths))
        asked = [provider for provider in chain.providers if _is_listed(provider)]
        for key, provider in questions(keys, asked):
            found = self._guarded(partial(provider.find, key))
            if found is None:
                continue
            place = provider.place(key)
            self._add(key, "", provider, found, place)
        if not self.entries:
            self.fine = False
            self._note_paths(target, paths)

    def _note_paths(
        self,
        target: LoginHost,
        paths: Iterable[str],
    ) -> None:
        """Note the logins for paths of a host that has none of its own."""
        host = target.host
        found = [key for key in paths if _is_path_of(key, host)]
        found.sort()
        for key in found[:MAX_NOTED_PATHS]:
            shown = redact_key(key)
            self._note(f"there is one for {shown}")

    def _group_of(self, key: str) -> str:
        """Return the key of the entries that may shadow one.

        For the URL of a store of another tool that is the key of its host, if there is one.
        """
        if not key.startswith(("https://", "http://")):
            return key
        nearby = host_keys(parse(key), frozenset(self._first))
        for nearest in nearby:
            if nearest.kind != PREFIX and nearest in self._first:
                return nearest
        return key

    def _add(
        self,
        key: str,
        group: str,
        provider: Provider,
        credential: Credential | None,
        place: str,
    ) -> None:
        shadowed_by: tuple[str | None, str | None] = (None, None)
        first = self._first.get(group)
        if first is not None:
            shown = redact_key(first.key)
            shadowed_by = (shown, first.provider)
        entry = Entry(
            str(key),
            provider=provider.name,
            credential=credential,
            shadowed_by=shadowed_by,
            place=place,
        )
        if entry.answers:
            self._first.setdefault(group, entry)
        self.entries.append(entry)

    def _guarded(self, ask: Callable[[], _Answer]) -> _Answer | None:
        """Return an answer, or None and a note if the provider cannot give one."""
        try:
            return ask()
        except ProviderUnlisted as error:
            self._note(f"{error}; try: authshim auth status HOST")
        except ProviderMissing as error:
            self._note(str(error))
        except ProviderError as error:
            self.fine = False
            self._note(str(error))
        return None

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _is_path_of(key: str, host: str) -> bool:
    """Return True if a key is for a path of a host."""
    _, _, rest = key.partition("://")
    netloc, _, path = (rest or key).partition("/")
    # Below /t a URL has a conda token already, so no login is kept there.
    if path in ("", "t"):
        return False
    name, _, _ = netloc.partition(":")
    return name == host


_LISTS = ("list", "logins", "entries")
"""The methods that list the entries of a provider."""


def _is_listed(provider: Provider) -> bool:
    return any(hasattr(provider, name) for name in _LISTS)


def _path_keys(provider: Provider) -> list[str]:
    return list(provider.path_keys())


def _entries(provider: Any) -> list[tuple[str, Credential | None, str]]:
    """Return the entries of a provider, each with its key and its place."""
    if isinstance(provider, UrlLogins):
        return list(provider.entries())
    if hasattr(provider, "logins"):
        logins = provider.logins()
    else:
        logins = provider.list().items()
    return [(key, credential, "") for key, credential in logins]


def run(options: Namespace) -> int:
    """Print the entries."""
    from authshim.cli.project import chain_in_force
    from authshim.login.parser import parse_login_host

    target = None
    if options.host is not None:
        target = parse_login_host(options.host)
    chain, note = chain_in_force(options)
    listing = Listing(chain, target)
    if note:
        listing.notes.append(note)
    why_off = why_backend_is_off(os.environ)
    if options.json:
        _print_json(listing, is_backend_on=not why_off)
    else:
        _print_lines(listing, options.host)
        if target is None:
            say(with_tilde(backend_line(why_off)))
    if not listing.fine:
        return 1
    return 0


def _print_json(listing: Listing, *, is_backend_on: bool) -> None:
    now = time.time()
    document = {
        "version": 1,
        "fine": listing.fine,
        "entries": [entry.as_json(now) for entry in listing.entries],
        "notes": listing.notes,
        "keyring_backend": is_backend_on,
    }
    write(json.dumps(document, indent=2))


def _print_lines(listing: Listing, host: str | None) -> None:
    now = time.time()
    rows = []
    for entry in listing.entries:
        cells = entry.as_line(now)
        rows.append([with_tilde(cell) for cell in cells])
    say_rows(_table(rows))
    if not listing.entries:
        sentence = "no credential"
        if host is not None:
            sentence += f" for {redact_key(host)}"
        say(sentence)
    for note in listing.notes:
        say(with_tilde(note))


def _table(rows: list[list[str]]) -> list[str]:
    """Return lines with aligned columns."""
    columns = zip(*rows)
    widths = [_width(column) for column in columns]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        line = "  ".join(cells)
        lines.append(line.rstrip())
    return lines


def _width(cells: Iterable[str]) -> int:
    return max(len(cell) for cell in cells)
