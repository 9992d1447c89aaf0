"""``authentication.json``: the logins of ``micromamba auth login``.

A key is a host, with a port or a path perhaps. It has no scheme, and authshim takes it for https.
The three kinds are those of ``core/context.cpp`` in libmamba, and the longest key counts.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

from authshim import files
from authshim.credentials import BasicHTTP, BearerToken, CondaToken
from authshim.errors import CredentialError, ProviderError
from authshim.providers.json_text import parse_json
from authshim.providers.url_logins import Login, UrlLogins, prefix_of
from authshim.redact import redact, redact_key
from authshim.urls import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.credentials import Credential

MAX_MAMBA_BYTES = 1024 * 1024
"""The size of ``authentication.json``."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"( ?:)?')
"""A string of JSON, perhaps a key."""


class Micromamba(UrlLogins):
    """A provider that reads micromamba's file.

    :param path: the file. A missing file is an empty one.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"micromamba store {path}")
        self.path = path

    def version(self) -> object:
        """Return a value that changes with the file."""
        return files.version(self.path)

    def logout_step(self, login: Login) -> str:
        """Return micromamba's own command."""
        from shlex import quote

        _, _, key = redact(login.key).partition("://")
        return f"micromamba auth logout {quote(key)}"

    def _load(self) -> Iterator[Login]:
        try:
            text = files.read_text(self.path, limit=MAX_MAMBA_BYTES)
        except files.Unreadable as error:
            raise ProviderError(self.name, str(error)) from None
        if text is None:
            return
        entries = parse_json(text)
        if isinstance(entries, str):
            raise ProviderError(self.name, entries)
        places = _places(text)
        for written in sorted(entries, key=_has_no_slash):
            entry = entries[written]
            place = _place(written, places)
            login = self._read_entry(written, entry, place)
            if login is not None:
                yield login

    def _read_entry(
        self,
        written: str,
        entry: object,
        place: str,
    ) -> Login | None:
        try:
            credential = _credential(entry)
            key = _key(written)
        except CredentialError as error:
            problem = f"{redact_key(written)}: {error}"
            if place:
                problem = f"{place}: {problem}"
            self._note(f"{self.path}: {problem}")
            return None
        return Login(key, credential, place)


def _has_no_slash(key: str) -> bool:
    """Return False for a key that comes before the same one without a slash at its end."""
    return not key.endswith("/")


def _key(written: str) -> str:
    """Return the key of the URLs that an entry serves.

    :raises CredentialError: it is for no URL.
    """
    url = written
    if "://" not in written:
        url = f"https://{written}"
    key = prefix_of(url)
    has_userinfo = without_userinfo(url) != url
    has_query = "?" in url or "#" in url
    if not key or has_userinfo or has_query:
        raise CredentialError("its key is not a host, or a host with a port or a path")
    return key


def _credential(entry: object) -> Credential:
    """Return the credential of an entry.

    :raises CredentialError: it is of an unknown kind, or has no value that can be sent.
    """
    if not isinstance(entry, dict):
        raise CredentialError("is not one credential")
    kind = entry.get("type")
    if kind == "CondaToken":
        return CondaToken(_field(entry, "token"))
    if kind == "BearerToken":
        return BearerToken(_field(entry, "token"))
    if kind == "BasicHTTPAuthentication":
        username = _field(entry, "user")
        password = _decoded(_field(entry, "password"))
        return BasicHTTP(username, password)
    raise CredentialError("is of a kind that authshim does not know")


def _field(entry: Mapping[str, Any], name: str) -> Any:
    if name not in entry:
        raise CredentialError(f"has no {name}")
    return entry[name]


def _decoded(password: object) -> str:
    if isinstance(password, str):
        try:
            return a2b_base64(password.encode("ascii")).decode()
        except ValueError:
            pass
    raise CredentialError("its password is not base64 of text")


def _places(text: str) -> dict[str, str]:
    """Return the line of each key as it is written, as "line N"."""
    found: dict[str, str] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        for match in _STRING.finditer(line):
            text_and_colon, colon = match[0], match[1]
            if colon:
                key = text_and_colon.rstrip(" :")
                found.setdefault(key, f"line {number}")
    return found


def _place(key: str, places: Mapping[str, str]) -> str:
    """Return the line of a key, or an empty string."""
    import json

    written = json.dumps(key)
    return places.get(written, "")
