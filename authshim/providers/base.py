"""The protocols of a provider, which finds credentials, and of a store, which also keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from authshim.urls import HOST, PORT, WILDCARD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from authshim.credentials import Credential

AUTH_FILE = "auth file"
OS_KEYCHAIN = "OS keychain"
NETRC = "netrc"
UV_STORE = "uv store"
KEYRING_COMMAND = "keyring command"
"""The kinds of provider that other code tells apart."""

MAX_PROBLEMS = 100
"""The number of problems of one file that are reported."""

MORE = "more is wrong with it than is told here"


class Provider(Protocol):
    """A source of credentials that is asked for a key.

    Subclass it and write ``find``. The rest has defaults::

        class Vault(authshim.Provider):
            name = "vault"

            def find(self, key, username=None):
                secret = read_from_vault(key)
                return secret and authshim.BearerToken(secret)

    A chain in a task of Dask is pickled with its providers. Keep no secret in an attribute of a
    provider that travels, and say in the docstring which attributes do.

    None means "not here". An exception means "here but broken": the chain logs it once and asks
    the next provider. Only one thread asks a provider at a time.
    """

    name: str = "provider"
    """The name in messages."""

    kind: str = ""
    """``NETRC`` or another of the kinds above, or an empty string."""

    path: str = ""
    """The file that the provider reads, or an empty string."""

    answers: Collection[str] = frozenset({PORT, HOST, WILDCARD})
    """The kinds of key that the provider is asked for. See ``urls.KINDS``."""

    problems: Collection[str] = ()
    """A sentence about each bad entry. The other entries are good."""

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return the credential of ``key``, or None.

        :param key: in the form of ``urls.host_keys``. A key of the kind "service" is the URL or
            host that a keyring knows the credential by.
        :param username: the user, if known. The chain ignores a credential of another user.
        :raises ProviderError: here but broken.
        """
        ...

    def path_keys(self) -> Iterable[str]:
        """List the keys of the kinds "path" and "prefix". The chain asks for no others of them."""
        return ()

    def place(self, key: str, username: str | None = None) -> str:  # noqa: ARG002 - a default
        """Return the file or line of a login for people, or an empty string."""
        return ""

    def version(self) -> object:
        """Return a value that changes with the provider's files. Asked at most once a second."""
        return None

    def refresh(self) -> None:
        """Forget the contents. The next question reads them again."""
        return None  # noqa: RET501 - an empty body would make it abstract


@runtime_checkable
class Store(Protocol):
    """A provider that also keeps credentials.

    If writing fails at any moment, the entry is the old or the new one, and all others stay.
    """

    name: str
    """The name in messages."""

    problems: Collection[str]
    """A sentence about each bad entry, or about the store."""

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return the credential of ``key``, or None. See ``Provider``."""
        ...

    def save(self, key: str, credential: Credential) -> None:
        """Keep a credential under ``key`` and replace the old one.

        :raises ProviderError: the store cannot be read.
        :raises StoreError: the store cannot be written.
        """
        ...

    def forget(self, key: str) -> bool:
        """Remove the credential of ``key``. Return False if there is none.

        :raises ProviderError: the store cannot be read.
        :raises StoreError: the store cannot be written.
        """
        ...

    def list(self) -> Mapping[str, Credential | None]:
        """Return the credentials by key. A None exists too, but its secret was not read.

        :raises ProviderError: the store is broken, or cannot be listed.
        """
        ...

    def keys(self) -> Iterable[str]:
        """List every key that can be forgotten, those of bad entries included.

        :raises ProviderError: the store is broken, or cannot be listed.
        """
        ...


def note(
    problems: list[str],
    problem: str,
    more: str,
) -> None:
    """Add a problem once. After ``MAX_PROBLEMS`` of them add ``more``, once too."""
    if problem in problems or len(problems) > MAX_PROBLEMS:
        return
    if len(problems) == MAX_PROBLEMS:
        problem = more
    problems.append(problem)
