"""The two small protocols behind which credentials are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from authshim.urls import HOST, PORT, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from authshim.credentials import Credential

MANY = 100
"""Problems of one file that are told at most."""

MORE = "more is wrong with it than is told here"


class Provider(Protocol):
    """Is asked for a key, and answers with a credential or with None.

    Subclass it and write ``find``; the rest has defaults::

        class Vault(authshim.Provider):
            name = "vault"

            def find(self, key, username=None):
                secret = read_from_vault(key)
                return secret and authshim.BearerToken(secret)

    None means "not here". An exception means "here but broken": it is noted once, and the
    next provider is asked. A provider is asked by one thread at a time.
    """

    name: str = "provider"
    """What a person calls it."""

    answers: Collection[str] = frozenset({PORT, HOST, WILDCARD})
    """The kinds of key that it knows; it is asked for no other. See ``urls.KINDS``."""

    problems: Collection[str] = ()
    """What was wrong with single entries, in one sentence each; the others are good."""

    def find(self, key: str, username: str | None = None) -> Credential | None:
        """Return the credential kept under ``key``.

        :param key: as ``urls.host_keys`` writes it; for the kind "service" the URL or host
            that a keyring knows the credential by.
        :param username: whose credential, where that is known. Another user's may be
            returned: the chain will not take it.
        :raises ProviderError: here but broken.
        """
        ...

    def path_keys(self) -> Iterable[str]:
        """List the keys with a path, so that the chain knows where paths matter."""
        return ()

    def version(self) -> object:
        """Return something that changes when a file that it reads does; asked at most once a second."""
        return None

    def refresh(self) -> None:
        """Drop what was read, and read it again when next asked."""
        return None  # noqa: RET501 - an empty body would make it abstract


@runtime_checkable
class Store(Protocol):
    """A provider that can also be written.

    Whatever breaks in between, an entry is the old one or the new one, and the others stay.
    """

    name: str
    """What a person calls it."""

    problems: Collection[str]
    """What a person should know of it, in one sentence each."""

    def find(self, key: str, username: str | None = None) -> Credential | None:
        """Return the credential kept under ``key``; see ``Provider``."""
        ...

    def save(self, key: str, credential: Credential) -> None:
        """Keep a credential under ``key``, in place of any that is there.

        :raises ProviderError: it cannot be read or written; StoreError where writing failed.
        """
        ...

    def forget(self, key: str) -> bool:
        """Drop what is kept under ``key``; False where nothing is.

        :raises ProviderError: it cannot be read or written; StoreError where writing failed.
        """
        ...

    def list(self) -> Mapping[str, Credential | None]:
        """Return what is kept, by its key; None where a secret need not be read to know that it is there.

        :raises ProviderError: it is broken, or cannot be listed.
        """
        ...

    def keys(self) -> Iterable[str]:
        """List every key that can be forgotten, those too under which no credential is.

        :raises ProviderError: it is broken, or cannot be listed.
        """
        ...


def note(problems: list[str], problem: str, more: str) -> None:
    """Add a problem once; in place of those behind the hundredth add ``more``, once too."""
    if problem not in problems and len(problems) <= MANY:
        problems.append(problem if len(problems) < MANY else more)
