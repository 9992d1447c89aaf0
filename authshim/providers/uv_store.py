"""``credentials.toml``: the logins of ``uv auth login``.

uv refuses the whole file for one bad entry, and so does this provider. The rules are those of
``store.rs`` in uv-auth. A request for the URL of an entry gets its login even if only one of the
two ends with a slash; uv is stricter there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from authshim import files
from authshim.credentials import BasicHTTP, BearerToken
from authshim.errors import CredentialError, ProviderAmbiguous, ProviderError
from authshim.providers.base import UV_STORE
from authshim.providers.url_logins import Login, UrlLogins, prefix_of
from authshim.redact import redact
from authshim.toml_file import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from authshim.credentials import Credential

MAX_LOCK_SECONDS = 5.0
"""The time that authshim waits for uv to release its lock."""

_HEADER = re.compile(r"\s*\[\[\s*[\"']?credential[\"']?\s*\]\]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_EXCLUDED = {
    "basic": ("token",),
    "bearer": ("username", "password"),
}
"""The fields that an entry of each scheme must not have."""


class UvStore(UrlLogins):
    """A provider that reads uv's file under uv's lock.

    :param path: the file. A missing file is an empty one.
    """

    kind = UV_STORE

    def __init__(self, path: str) -> None:
        super().__init__(f"{UV_STORE} {path}")
        self.path = path

    def version(self) -> object:
        """Return a value that changes with the file."""
        return files.version(self.path)

    def logout_step(self, login: Login) -> str:
        """Return uv's own command."""
        from shlex import quote

        url = quote(redact(login.key))
        command = f"uv auth logout {url}"
        user = login.credential.shown_username
        if user:
            command += f" --username {quote(user)}"
        return command

    def _load(self) -> Iterable[Login]:
        text = self._read_text()
        if text is None:
            return ()
        document = parse_toml(text)
        if isinstance(document, str):
            raise ProviderError(self.name, document)
        entries = document.get("credential", [])
        if not isinstance(entries, list):
            raise ProviderError(self.name, "credential is not an array of tables")
        lines = _lines(text, len(entries))
        return self._newest(zip(entries, lines))

    def _read_text(self) -> str | None:
        if files.version(self.path) is None:
            return None
        try:
            with files.locked(self.path, MAX_LOCK_SECONDS):
                return self._read_file()
        except files.Locked as error:
            reason = str(error)
        except (files.Unwritable, OSError):
            # No lock can be made beside the file, so that no uv writes it.
            return self._read_file()
        raise ProviderError(self.name, reason)

    def _read_file(self) -> str | None:
        try:
            return files.read_text(self.path, limit=files.MAX_TOML_BYTES)
        except files.Unreadable as error:
            reason = str(error)
        raise ProviderError(self.name, reason)

    def _newest(self, entries: Iterable[tuple[object, str]]) -> Iterator[Login]:
        """Yield the last login of each service and user, in the order of the file."""
        found: dict[tuple[str, str | None], Login] = {}
        for entry, line in entries:
            login = self._login(entry, line)
            if not login.key:
                continue
            identity = (login.key, login.username)
            # The newer login takes the later place.
            found.pop(identity, None)
            found[identity] = login
        yield from found.values()

    def _login(self, entry: object, line: str) -> Login:
        try:
            service, credential = _read(entry)
        except _Refused as error:
            reason = str(error)
            if line:
                reason = f"{line}: {reason}"
            raise ProviderError(self.name, reason) from None
        key = prefix_of(service)
        return Login(key, credential, place=line)

    def _pick(self, logins: Sequence[Login]) -> Login:
        """Return the only login of a URL.

        :raises ProviderAmbiguous: there are several, so that uv sends none.
        """
        if len(logins) == 1:
            return logins[0]
        first, second, *_ = logins
        key = redact(first.key)
        reason = f"several logins for {key}, so uv sends none; name the user in the URL"
        if first.place:
            one = first.place.removeprefix("line ")
            other = second.place.removeprefix("line ")
            reason = f"lines {one} and {other}: {reason}"
        raise ProviderAmbiguous(self.name, reason)


class _Refused(Exception):
    """An entry that uv refuses, and with it the file. The message shows no value."""


def _read(entry: object) -> tuple[str, Credential]:
    """Return the service and the login of an entry.

    :raises _Refused: uv cannot read it.
    """
    if not isinstance(entry, dict):
        raise _Refused("a credential is not a table")
    service = _text(entry, "service")
    if service is None:
        raise _Refused("a credential has no service")
    if not _URL.match(service):
        raise _Refused("a service is not an absolute URL")
    scheme = _scheme(entry)
    try:
        credential = _credential(entry, scheme)
    except CredentialError as error:
        raise _Refused(str(error)) from None
    return service, credential


def _scheme(entry: Mapping[str, Any]) -> str:
    """Return "basic" or "bearer", of an entry that has none of the other's fields."""
    scheme = _text(entry, "scheme")
    if scheme is None:
        scheme = "basic"
    if scheme not in _EXCLUDED:
        raise _Refused("a scheme is neither basic nor bearer")
    for name in _EXCLUDED[scheme]:
        if _text(entry, name) is not None:
            raise _Refused(f"a credential of the scheme {scheme} has a {name}")
    return scheme


def _credential(entry: Mapping[str, Any], scheme: str) -> Credential:
    if scheme == "bearer":
        token = _required(entry, "token", scheme)
        return BearerToken(token)
    username = _required(entry, "username", scheme)
    password = _text(entry, "password") or ""
    return BasicHTTP(username, password)


def _required(
    entry: Mapping[str, Any],
    name: str,
    scheme: str,
) -> str:
    value = _text(entry, name)
    if value is None:
        raise _Refused(f"a credential of the scheme {scheme} has no {name}")
    return value


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _Refused(f"a {name} is not text")


def _lines(text: str, count: int) -> list[str]:
    """Return the line of each entry, as "line N", or empty strings if they cannot be told."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if _HEADER.match(line):
            found.append(f"line {number}")
    if len(found) != count:
        return [""] * count
    return found
