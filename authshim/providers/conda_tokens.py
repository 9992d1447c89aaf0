"""The token files of anaconda-client and of ``conda token set``, as conda reads them.

The name of a file is a URL. ``api`` in it stands for ``conda`` in the URL of the channels (conda's
``gateways/anaconda_client.py``).
"""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

from authshim import files
from authshim.credentials import CondaToken
from authshim.errors import CredentialError, UrlError
from authshim.providers.url_logins import Login, UrlLogins
from authshim.redact import redact
from authshim.urls import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_TOKEN_FILES = 1000
"""The files of one folder that are looked at."""

MAX_TOKEN_BYTES = 64 * 1024
"""The size of a token file."""

_SUFFIX = ".token"
_API = re.compile(r"([./])api([./]|$)")


class CondaTokens(UrlLogins):
    """A provider that reads token files.

    :param folders: the folders in the order of precedence. A missing one is empty.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        super().__init__("conda token files")
        self.folders = tuple(folders)

    def version(self) -> object:
        """Return a value that changes with the folders and their files."""
        paths = list(self.folders)
        for folder in self.folders:
            paths += _list(folder)
        return tuple(map(files.version, paths))

    def source(self, key: str, username: str | None = None) -> str:
        """Return the path of the token file."""
        path = self.place(key, username)
        return f"conda token file {path}"

    def logout_step(self, login: Login) -> str:
        """Return the commands that remove a token file, and the file itself."""
        return f"anaconda logout, conda token remove, or remove {login.place}"

    def _load(self) -> Iterator[Login]:
        for folder in self.folders:
            for path in _list(folder):
                login = self._read_file(path)
                if login is not None:
                    yield login

    def _read_file(self, path: str) -> Login | None:
        folder, name = os.path.split(path)
        url = _url_in(name)
        key, reason = _key_of(name, url)
        token = ""
        if not reason:
            token, reason = _token(path)
        if not reason:
            try:
                credential = CondaToken(token)
                return Login(key, credential, path)
            except CredentialError as error:
                reason = str(error)
        self._note(f"{folder}: a token file{_for_host(url)}: {reason}")
        return None


def _list(folder: str) -> list[str]:
    """Return the paths of the token files in a folder, in the order of their names."""
    try:
        with os.scandir(folder) as found:
            first = islice(found, MAX_TOKEN_FILES)
            names = [entry.name for entry in first]
    except (OSError, ValueError):
        return []
    names = [name for name in names if name.endswith(_SUFFIX)]
    names.sort()
    return [os.path.join(folder, name) for name in names]


def _url_in(name: str) -> str:
    """Return the URL in the name of a token file."""
    from urllib.parse import unquote_plus

    return unquote_plus(name[: -len(_SUFFIX)])


def _for_host(url: str) -> str:
    """Return " for HOST", or an empty string: a name that is no URL may hold a password."""
    try:
        parsed = parse(url)
    except UrlError:
        return ""
    return f" for {parsed.netloc}"


def _key_of(name: str, url: str) -> tuple[str, str]:
    """Return the key of the URL in a file's name, and why the name is not used."""
    quoted = name[: -len(_SUFFIX)]
    if not _is_quoted(quoted, url):
        return "", "its name is not a quoted URL"
    if redact(url) != url:
        return "", "its name is a URL with a user, a token or a query"
    url_of_channels = _API.sub(r"\1conda\2", url, count=1)
    try:
        parsed = parse(url_of_channels)
    except UrlError:
        return "", "its name is not the URL of a server"
    if parsed.scheme != "https":
        return "", "its name is not an https URL"
    return parsed.prefix, ""


def _is_quoted(quoted: str, url: str) -> bool:
    """Return True if a text is the quoted form of a URL."""
    from urllib.parse import quote_plus

    if not quoted.isascii():
        return False
    expected = quote_plus(url)
    return expected.lower() == quoted.lower()


def _token(path: str) -> tuple[str, str]:
    """Return the token in a file, and why there is none."""
    try:
        text = files.read_text(path, limit=MAX_TOKEN_BYTES)
    except files.Unreadable as error:
        return "", str(error)
    token = (text or "").strip()
    if not token:
        return "", "it is empty"
    return token, ""
