"""A provider of anybody, which may have nothing but ``find``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.credentials import Credential
from authshim.errors import ProviderError
from authshim.lookup.trace import ProviderName
from authshim.providers.base import Provider

if TYPE_CHECKING:
    from authshim.urls import Key


class ForeignProvider:
    """A provider, and defaults for the attributes and methods that it lacks."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self.answers = frozenset(
            getattr(
                provider,
                "answers",
                Provider.answers,
            )
        )
        """The kinds of key that it is asked for."""

    @property
    def name(self) -> ProviderName:
        """Return the name that people know it by, with its kind and its file."""
        name = getattr(
            self._provider,
            "name",
            type(self._provider).__name__,
        )
        kind = getattr(self._provider, "kind", "")
        return ProviderName(
            str(name),
            str(kind),
            self.path,
        )

    @property
    def path(self) -> str:
        """Return its file, or an empty string."""
        path = getattr(self._provider, "path", "")
        if not isinstance(path, str):
            return ""
        return path

    @property
    def problems(self) -> tuple[str, ...]:
        """Return the sentences about its bad entries."""
        return tuple(getattr(self._provider, "problems", ()))

    @property
    def keeps(self) -> bool:
        """Return True if it also keeps credentials."""
        return hasattr(self._provider, "save")

    def find(
        self,
        key: Key,
        username: str | None,
    ) -> Credential | None:
        """Return the credential of a key, or None.

        :raises ProviderError: the answer is something else.
        """
        credential = self._provider.find(key, username)
        if credential is None:
            return None
        if not isinstance(credential, Credential):
            raise ProviderError(self.name, "its answer is no Credential")
        return credential

    def save(self, key: Key, credential: Credential) -> None:
        """Keep a credential under a key."""
        self._provider.save(str(key), credential)

    def refresh(self) -> None:
        """Let it read its store again."""
        if hasattr(self._provider, "refresh"):
            self._provider.refresh()

    def version(self) -> object:
        """Return a value that changes with its files, or None."""
        if not hasattr(self._provider, "version"):
            return None
        return self._provider.version()

    def path_keys(self) -> frozenset[str]:
        """Return its keys of the kinds "path" and "prefix"."""
        if not hasattr(self._provider, "path_keys"):
            return frozenset()
        return frozenset(self._provider.path_keys())

    def would_ask(self, key: Key) -> str:
        """Return a text about the server that it would ask for a key."""
        ask = getattr(self._provider, "would_ask", None)
        if ask is None:
            return "not asked"
        return str(ask(key))

    def why_not(self, key: Key) -> str:
        """Return the reason why an entry that is there is not used, or an empty string."""
        ask = getattr(self._provider, "why_not", None)
        if ask is None:
            return ""
        return str(ask(key))

    def place(
        self,
        key: Key,
        username: str | None,
    ) -> str:
        """Return the place of a login in its files, in parentheses, if it is known."""
        ask = getattr(self._provider, "place", None)
        if ask is None:
            return ""
        place = ask(key, username)
        if not place:
            return ""
        return f" ({place})"

    def source(
        self,
        key: Key,
        username: str | None,
    ) -> str:
        """Return the source of a login that its name does not tell, or an empty string."""
        ask = getattr(self._provider, "source", None)
        if ask is None:
            return ""
        return str(ask(key, username))
