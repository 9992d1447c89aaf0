"""The answers of all providers for one entry, for a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.lookup.asker import found_in, without_keyring
from authshim.lookup.given import find_given, find_lone_token, given_in
from authshim.lookup.order import questions
from authshim.lookup.trace import Step
from authshim.redact import redact, shown_user
from authshim.urls import DEFAULT, GIVEN, IDENTITY, SERVICE, Key
from authshim.urls.paths import has_ambiguous_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.log import Once
    from authshim.lookup.asker import Asker
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.coverage import Declared
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.naming import NamedBy


_WITH_ARTICLE = {"URL": "the URL", "manifest": "the manifest"}


class Explanation:
    """The steps of a look-up, and the credential that it found.

    Every provider is asked for every key. A keyring command may ask a person, so it runs only if
    its answer would be used. The keys of a challenge are asked for only if nothing else is found.
    """

    def __init__(
        self,
        asker: Asker,
        entry: CacheEntry,
        named_by: NamedBy,
        once: Once,
    ) -> None:
        self._asker = asker
        self._entry = entry
        self._named_by = named_by
        self.found = find_given(entry, once)
        self.steps: list[Step] = []
        unasked = without_keyring(entry)
        with asker.inside():
            self._add(unasked)
            self.steps += asker.unlisted(entry)
            self._add(entry.keys[len(unasked) :])
            self._add(entry.challenge_keys, challenged=True)
            self._preview(entry.challenge_keys)
            self._add_silent(SERVICE, "not asked: the URL names no user, and is of no index")
        if self.found is None and not named_by.is_marked:
            self._add_lone_token(find_lone_token(entry, once))

    def _add(
        self,
        keys: Sequence[Key],
        *,
        challenged: bool = False,
    ) -> None:
        """Ask for keys, or add steps that say why nothing is asked."""
        if self.found is not None:
            others = [key for key in keys if key.kind != DEFAULT]
            self._skip(others, "not asked: there is an answer already")
            return
        allowed = []
        forbidden = []
        for key in keys:
            if not self._named_by.lets_ask(key):
                forbidden.append(key)
            elif key.kind != IDENTITY:
                allowed.append(key)
        self._ask(allowed, challenged=challenged)
        self._skip(forbidden, f"not asked: {self._named_by.host} named the URL")

    def _preview(self, keys: Sequence[Key]) -> None:
        """Add what would be asked of a server. Nothing is, before another server has refused."""
        if self.found is not None:
            return
        for key, provider in questions(keys, self._asker.providers):
            if key.kind == IDENTITY and self._named_by.lets_ask(key):
                self.steps.append(provider.preview(key))

    def _ask(
        self,
        keys: Sequence[Key],
        *,
        challenged: bool,
    ) -> None:
        for step in self._asker.ask(self._entry, keys):
            self.steps.append(step)
            if self.found is None:
                self.found = found_in(step, self._entry, challenged=challenged)
            if self.found is not None and step.key.kind == SERVICE:
                return

    def _skip(
        self,
        keys: Sequence[Key],
        reason: str,
    ) -> None:
        """Add one step for each provider that is not asked for any of these keys."""
        for provider in self._asker.providers:
            answered = [key for key in keys if key.kind in provider.answers]
            if answered:
                step = Step(provider.name, answered[0], reason)
                self.steps.append(step)

    def _add_silent(self, kind: str, reason: str) -> None:
        """Add one step for each provider whose kind of key the URL has not."""
        keys = (*self._entry.keys, *self._entry.challenge_keys)
        if any(key.kind == kind for key in keys):
            return
        for provider in self._asker.providers:
            if kind in provider.answers:
                step = Step(
                    provider.name,
                    Key("", GIVEN),
                    reason,
                )
                self.steps.append(step)

    def _add_lone_token(self, found: CachedCredential | None) -> None:
        if found is None:
            return
        self.found = found
        answer = f"{found.credential!r}, if the server asks for Basic"
        step = Step(found.provider, found.key, answer)
        self.steps.append(step)


def list_notes(
    url: str,
    entries: Sequence[CacheEntry],
    named_by: NamedBy,
) -> Iterator[str]:
    """Yield the circumstances that decide, apart from the providers."""
    yield from _note_path(url)
    yield from _note_entries(entries)
    yield from _note_naming(named_by)


def _note_naming(named_by: NamedBy) -> Iterator[str]:
    """Yield a note about the server that named the URL."""
    if named_by.is_marked:
        yield (
            f"named by {named_by.host}: no keyring command is started, and no default entry is used"
        )


def _note_path(url: str) -> Iterator[str]:
    """Yield a note if servers may read the path differently."""
    if has_ambiguous_path(url):
        yield "servers read its path in different ways, so nothing that is kept for a path applies"


def _place(declared: Declared) -> str:
    """Return the place of a declaration in parentheses, or an empty string."""
    place = declared.declaration.place
    if not place:
        return ""
    return f" ({place})"


def _note_entries(entries: Sequence[CacheEntry]) -> Iterator[str]:
    """Yield notes about the declared indexes and the user of a URL."""
    if len(entries) > 1:
        yield "several indexes cover it; after a refusal the next one is tried:"
    for entry in entries:
        if entry.declared is not None:
            yield _note_declared(entry.declared)
        if entry.forbids_logins:
            yield f"nothing that is kept is sent: {entry.forbids_logins}"
        user = entry.url.username
        if entry.url.password is not None:
            source = given_in(entry)
            source = _WITH_ARTICLE.get(source, source)
            yield f"the login in {source} comes first, and nothing replaces it"
        elif user is not None:
            yield f"for the user {shown_user(user)!r}"


def _note_declared(declared: Declared) -> str:
    """Return a note about the index or channel that covers a URL."""
    kind = "channel"
    if declared.is_index:
        kind = "index"
    return f"covered by the {kind} {redact(declared.url)}{_place(declared)}"
