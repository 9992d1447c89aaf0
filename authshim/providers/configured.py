"""The logins in the URLs of the indexes that a user's configuration of pip and uv declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from authshim import files
from authshim.providers.url_logins import Login, UrlLogins

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    class Reader(Protocol):
        """A reader of the configuration, which can be pickled and then holds no secret."""

        def files(self) -> Sequence[str]:
            """Return the candidates for the files."""

        def logins(self) -> tuple[Iterable[Login], Iterable[str]]:
            """Return the logins, and a sentence about each malformed value."""


class ConfiguredLogins(UrlLogins):
    """A provider that asks a reader of the configuration."""

    def __init__(self, reader: Reader) -> None:
        super().__init__("pip and uv configuration")
        self._reader = reader

    def version(self) -> object:
        """Return a value that changes with the files."""
        paths = self._reader.files()
        return tuple(map(files.version, paths))

    def source(self, key: str, username: str | None = None) -> str:
        """Return the file and line, or the variable, that has the login."""
        return self.place(key, username)

    def logout_step(self, login: Login) -> str:
        """Return the place to correct."""
        return f"take it out of {login.place}"

    def _load(self) -> Iterable[Login]:
        logins, problems = self._reader.logins()
        for problem in problems:
            self._note(problem)
        return logins
