"""A base class for the stores of other tools, whose logins serve a URL and all URLs below it.

A store is read at the first question, and again after ``refresh``. It is never written. A URL that
has a conda token in its path gets no other one.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.credentials import CondaToken
from authshim.errors import ProviderError, ProviderMissing, UrlError
from authshim.providers.base import MORE, Provider, note
from authshim.secret import SecretHolder
from authshim.urls import PREFIX, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from authshim.credentials import Credential

MAX_URL_LOGINS = 10_000
"""The number of logins that are read from one store of another tool."""


_WITH_TOKEN = "/t"  # noqa: S105 - a path
"""The path below which a URL has a conda token already."""


class Login(NamedTuple):
    """A login of a store, the key that it is found by, and its place for people."""

    key: str
    credential: Credential
    place: str

    @property
    def username(self) -> str | None:
        """The username, or None if the login has none."""
        return getattr(self.credential, "username", None)


class UrlLogins(Provider):
    """A provider of logins that serve the URLs below their own.

    Subclasses write ``_load`` and ``logout_step``.
    """

    answers = frozenset({PREFIX})

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []
        self._contents: _Contents | None = None

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return the login of a URL, or None. A known user gets a login of its own only.

        :raises ProviderError: the store is here but cannot be read.
        """
        login = self._choose(key, username)
        if login is None:
            return None
        return login.credential

    def place(self, key: str, username: str | None = None) -> str:
        """Return the file or line of the login that ``find`` returns, or an empty string."""
        login = self._choose(key, username)
        if login is None:
            return ""
        return login.place

    def source(self, key: str, username: str | None = None) -> str:  # noqa: ARG002 - a default
        """Return the source of the login that ``find`` returns, for people.

        It is empty if the name of the provider tells the file.
        """
        return ""

    def path_keys(self) -> Iterable[str]:
        """List the URLs that have a login, and those below which a URL has a token already.

        :raises ProviderError: the store is here but cannot be read.
        """
        contents = self._usable()
        with_token = [root + _WITH_TOKEN for root in contents.with_token]
        return [*contents.by_key, *with_token]

    def entries(self) -> list[Login]:
        """List the logins with their places, in the order in which they are chosen.

        :raises ProviderError: the store is here but cannot be read.
        """
        contents = self._usable()
        found: list[Login] = []
        for logins in contents.by_key.values():
            found += logins
        return found

    @abstractmethod
    def logout_step(self, login: Login) -> str:
        """Return how its user removes a login, for people."""

    def refresh(self) -> None:
        """Forget the contents. The next question reads the store again."""
        self.problems = []
        self._contents = None

    @abstractmethod
    def _load(self) -> Iterable[Login]:
        """Yield the logins of the store. The first one of a URL and a user is chosen.

        :raises ProviderError: the store is here but cannot be read.
        """

    def _pick(self, logins: Sequence[Login]) -> Login:
        """Return one of several logins for the same URL.

        :raises ProviderAmbiguous: the tool would choose none.
        """
        return logins[0]

    def _choose(self, key: str, username: str | None) -> Login | None:
        contents = self._usable()
        found = contents.by_key.get(key, [])
        if not found and contents.has_token(key):
            raise _HasToken(self.name, "the URL has a token already")
        if username is not None:
            found = [login for login in found if login.username == username]
        if not found:
            return None
        return self._pick(found)

    def _note(self, problem: str) -> None:
        note(self.problems, problem, f"{self.name}: {MORE}")

    def _usable(self) -> _Contents:
        if self._contents is None:
            self._contents = self._read()
        if self._contents.broken:
            raise ProviderError(self.name, self._contents.broken)
        return self._contents

    def _read(self) -> _Contents:
        contents = _Contents()
        try:
            logins = self._load()
            for count, login in enumerate(logins):
                if count >= MAX_URL_LOGINS:
                    self._note(f"{self.name}: it has more than {MAX_URL_LOGINS:,} logins")
                    break
                contents.add(login)
        except ProviderError as error:
            contents.broken = error.reason
        return contents

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no secret: its copy reads the store again.
        return {
            **vars(self),
            "problems": [],
            "_contents": None,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class _Contents(SecretHolder):
    """The logins of a store by their keys, or the reason why it cannot be read."""

    __slots__ = ("broken", "by_key", "with_token")

    def __init__(self) -> None:
        self.by_key: dict[str, list[Login]] = {}
        self.broken = ""
        self.with_token: set[str] = set()
        """The servers that have a conda token for all of their URLs."""

    def add(self, login: Login) -> None:
        key = login.key
        same_key = self.by_key.setdefault(key, [])
        same_key.append(login)
        is_root = key.count("/") == len("//")
        if is_root and isinstance(login.credential, CondaToken):
            self.with_token.add(key)

    def has_token(self, key: str) -> bool:
        """Return True for the path of conda tokens at a server that has a token for all URLs."""
        if not key.endswith(_WITH_TOKEN):
            return False
        root = key[: -len(_WITH_TOKEN)]
        return root in self.with_token


class _HasToken(ProviderMissing):
    """The reason for which a store is not asked for a shorter prefix of a URL."""

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"


def prefix_of(url: str) -> str:
    """Return the key of a login for a URL, or an empty string if the URL cannot be dialled."""
    try:
        parsed = parse(url)
    except UrlError:
        return ""
    return parsed.prefix
