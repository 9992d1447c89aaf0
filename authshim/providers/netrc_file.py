"""netrc: the file of logins that curl, git, ftp and requests read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from authshim import files
from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError
from authshim.providers.base import NETRC, Provider
from authshim.providers.netrc_logins import Logins
from authshim.providers.netrc_parser import parse
from authshim.urls import DEFAULT, HOST, PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.credentials import Credential

MAX_NETRC_BYTES = 4 * 1024 * 1024
"""A netrc of 40,000 machines has about 2 MB."""


class NetrcFile(Provider):
    """A provider that reads the first file that exists, and reads it again after ``refresh``.

    :param paths: the candidates.
    :param named: True if ``NETRC`` names the file. Then ``problems`` mentions that it is missing.
    """

    kind = NETRC
    answers = frozenset({PORT, HOST, DEFAULT})

    def __init__(
        self,
        paths: Sequence[str],
        *,
        named: bool = False,
    ) -> None:
        self.paths = tuple(paths)
        self.name = NETRC
        if self.paths:
            existing = filter(files.version, self.paths)
            first = next(existing, self.paths[0])
            self._name_file(first)
        self.problems: list[str] = []
        self._named = named
        self._logins: Logins | None = None

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return the login of ``key``: the last of ``username``, else the last that serves it.

        An entry without a login serves any user, as in curl. If there is neither, return the last
        entry. The chain does not send it, but can name its user.

        A machine with a port answers for that port only. The ``default`` entry answers only to a
        key of the kind "default".

        :raises ProviderError: the file exists but cannot be read. Each call raises it, until
            ``refresh``.
        """
        logins = self._usable()
        found = logins.of(_host_of(key))
        if not found:
            return None
        login, password = _login_of(username, found)
        return BasicHTTP(login, password)

    def logins(self) -> list[tuple[str, BasicHTTP]]:
        """List the logins by machine. The last one of a machine, which is used, comes first.

        :raises ProviderError: the file exists but cannot be read.
        """
        found = []
        usable = self._usable()
        for host, pairs in usable.pairs.items():
            machine = host or DEFAULT
            for login, password in reversed(pairs):
                credential = BasicHTTP(login, password)
                found.append((machine, credential))
        return found

    def why_not(self, key: str) -> str:
        """Name the bad line that may hide the entry of a key. Return an empty string without one.

        The problem of the line is in ``problems``.
        """
        host = _host_of(key)
        line = self._read().broken_line(host)
        if not line:
            return ""
        return f"line {line} is broken"

    def version(self) -> object:
        """Return a value that changes if a file changes or appears."""
        return tuple(map(files.version, self.paths))

    def refresh(self) -> None:
        """Forget the contents. The next question reads the files again."""
        self.problems = []
        self._logins = None

    def _usable(self) -> Logins:
        logins = self._read()
        if logins.broken:
            raise ProviderError(self.name, logins.broken)
        return logins

    def _name_file(self, path: str) -> None:
        self.path = path
        self.name = f"{NETRC} {path}"

    def _read(self) -> Logins:
        if self._logins is not None:
            return self._logins
        path, self._logins = _read(self.paths)
        if path:
            self._name_file(path)
        elif self._named and self.paths:
            self.problems.append(f"NETRC names {self.paths[0]}, which does not exist")
        self.problems += [f"{path}: {problem}" for problem in self._logins.problems]
        return self._logins

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no secret: its copy reads the file again.
        return {
            **vars(self),
            "problems": [],
            "_logins": None,
        }

    def __repr__(self) -> str:
        return f"NetrcFile({list(self.paths)!r})"


def _host_of(key: str) -> str | None:
    """Return the host of a key, or None for the ``default`` entry."""
    if getattr(key, "kind", HOST) == DEFAULT:
        return None
    return key


def _login_of(
    username: str | None,
    logins: Sequence[tuple[str, str]],
) -> tuple[str, str]:
    """Return the login and password of a user, or those of the last entry."""
    if username is None:
        return logins[-1]
    passwords = dict(logins)
    if username in passwords:
        return username, passwords[username]
    if "" in passwords:
        return username, passwords[""]
    return logins[-1]


def _read(paths: Sequence[str]) -> tuple[str | None, Logins]:
    for path in paths:
        if path == os.devnull:
            # People switch netrc off by NETRC=/dev/null.
            return path, Logins()
        try:
            text = files.read_text(path, limit=MAX_NETRC_BYTES)
        except files.Unreadable as error:
            return path, Logins(broken=str(error))
        if text is not None:
            return path, parse(text)
    return None, Logins()
