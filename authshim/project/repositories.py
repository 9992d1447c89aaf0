"""The repositories that a project declares: package indexes and conda channels.

The userinfo is cut out of the ``url`` at once. The password is in no repr and in no pickle.

    >>> Index("https://ada:lovelace@h.example/simple/")
    Index(url='https://h.example/simple/', username='ada', password=****, flat=False)
    >>> Channel("https://h.example/t/tk-1/acme")
    Channel(url='https://h.example/t/****/acme', username=None, password=None)
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import unquote

from authshim.errors import UrlError
from authshim.project.declaration import Declaration
from authshim.redact import (
    CONTROL,
    MASK,
    is_unfilled,
    looks_like_token,
    redact,
    shorten,
    split_at_sign,
)
from authshim.secret import SecretHolder, clears_frames
from authshim.urls import split_userinfo, with_username

CONDA_ORG = "https://conda.anaconda.org"
"""The server of a channel that is only a name."""

_PLACEHOLDER = re.compile(
    r"<[^>]*>|\$?\{[^}]*\}|\$\w+|%[A-Z_][A-Z0-9_]{2,}%(?![0-9A-Fa-f]{2})|(?<=/)\*{3,}"
)
_CONDA_TOKEN = re.compile(r"/t/([^/?#]+)")
_PATH = re.compile(r"\.{1,2}(?:[/\\]|$)|~?[/\\]|[A-Za-z]:[/\\]")


_NOT_KNOWN = Declaration()


class Repository(SecretHolder):
    """A declared URL with its username and password.

    :param url: its userinfo overrides the other arguments, and is percent-decoded once.
    :param declaration: the place of the URL. Two repositories may be equal without it.
    :raises UrlError: no scheme, no host, a backslash or a control character. The error shows the
        URL redacted.
    """

    __slots__ = ("declaration", "password", "url", "username")
    url: str
    username: str | None
    password: str | None
    flat = False
    """True if it is one page of links to files; only an index can be."""
    declaration: Declaration

    @clears_frames
    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        declaration: Declaration = _NOT_KNOWN,
    ) -> None:
        bare, own_username, own_password = _split(self._trimmed(url))
        if own_username is not None:
            username = own_username
        if own_password is not None:
            password = own_password
        object.__setattr__(self, "url", bare)
        object.__setattr__(self, "username", username)
        object.__setattr__(self, "password", password)
        object.__setattr__(self, "declaration", declaration)

    @staticmethod
    def _trimmed(url: str) -> str:
        """Return a URL without the ending that has no meaning in this kind of repository."""
        return url

    @property
    def scheme(self) -> str:
        """The scheme of the URL in lower case."""
        return self.url.partition(":")[0].lower()

    @property
    def netloc(self) -> str:
        """The host of the URL and its port, if it has one, as they are written."""
        behind = self.url.partition("://")[2]
        return re.split(r"[/?#]", behind, maxsplit=1)[0]

    @property
    def shown(self) -> str:
        """The URL as it may be shown. A username with an empty password is a token."""
        if self.username is not None and self.password == "":
            return redact(self.url.replace("://", f"://{MASK}@", 1))
        return redact(with_username(self.url, self.username))

    @property
    def placeholder(self) -> str:
        """The part of the URL that is not filled in, such as ``<location>``, or an empty string.

        A placeholder in the userinfo is named by its role, because it may be a real secret.
        """
        if is_unfilled(self.password or ""):
            return "the password"
        if is_unfilled(self.username or ""):
            return "the username"
        token = _CONDA_TOKEN.search(self.url)
        if token and is_unfilled(token.group(1)):
            return "the token"
        without_token = _CONDA_TOKEN.sub("", self.url)
        found = _PLACEHOLDER.search(without_token.partition("?")[0])
        if found is None:
            return ""
        return found.group()

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Repository) or type(self) is not type(other):
            return False
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        username = repr(self.username)
        # Some services take a token as the username, and no password.
        if self.username and (self.password == "" or looks_like_token(self.username)):
            username = MASK
        password = None
        if self.password is not None:
            password = MASK
        url = redact(self.url)
        return f"{type(self).__name__}(url={url!r}, username={username}, password={password})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __copy__(self) -> Repository:
        return self

    def __deepcopy__(self, memo: object) -> Repository:
        return self

    @property
    def _pickled_username(self) -> str | None:
        """The username, or None if it looks like a token, since no pickle holds a secret."""
        if self.username is not None and looks_like_token(self.username):
            return None
        return self.username

    def __reduce__(self) -> Any:
        return type(self), (self.url, self._pickled_username)


class Channel(Repository):
    """A conda channel, whose URL has no slash at the end."""

    __slots__ = ()

    @staticmethod
    def _trimmed(url: str) -> str:
        return url.rstrip("/")


class Index(Repository):
    """A package index, whose URL is as it was written, but without userinfo.

    :param flat: True for a page of links to files (``find-links``), False for the Simple API.
    """

    __slots__ = ("flat",)
    flat: bool

    @clears_frames
    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        flat: bool = False,
        *,
        declaration: Declaration = _NOT_KNOWN,
    ) -> None:
        super().__init__(url, username, password, declaration=declaration)
        object.__setattr__(self, "flat", flat)

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username, self.flat)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, flat={self.flat})"

    def __reduce__(self) -> Any:
        return Index, (self.url, self._pickled_username, None, self.flat)


def channel(text: str, folder: str) -> Channel:
    """Return the channel that a manifest in ``folder`` writes as a name, a URL or a path.

    :raises UrlError: the text is none of them.
    """
    if "://" in text:
        return Channel(text)
    if _PATH.match(text):
        return Channel(file_url(os.path.expanduser(text), folder))
    if not text.strip("/") or CONTROL.search(text) or re.search(r"[:@\\]", text):
        raise UrlError(_shown(text), "it is neither a channel's name nor a URL nor a path")
    return Channel(f"{CONDA_ORG}/{text}")


def file_url(path: str, folder: str) -> str:
    """Return the ``file://`` URL of a path that is relative to ``folder``."""
    from pathlib import Path

    try:
        return Path(os.path.normpath(os.path.join(folder, path))).as_uri()
    except ValueError:
        raise UrlError(_shown(path), "it is not a path") from None


def _split(url: str) -> tuple[str, str | None, str | None]:
    """Return the URL without userinfo, the username and the password."""
    parts = split_userinfo(url)
    if parts is None:
        raise UrlError(_shown(url), "it has no scheme, such as https://")
    scheme, userinfo, rest = parts
    if scheme.lower() != "file":
        _check_host(url, rest)
    username, password = _credentials(userinfo)
    for text in (url, username or "", password or ""):
        if CONTROL.search(text):
            raise UrlError(_shown(url), "it has a control character (a line break, perhaps)")
    return f"{scheme}://{rest}", username, password


def _check_host(url: str, rest: str) -> None:
    # The host may be a placeholder, such as <location>-python.pkg.dev, so no parser reads it.
    if not rest or rest[0] in "/?#\\:":
        raise UrlError(_shown(url), "it has no host")
    if "\\" in url:
        # Two parsers dial two hosts for https://h\@evil/.
        raise UrlError(_shown(url), "it has a backslash")


def _credentials(userinfo: str | None) -> tuple[str | None, str | None]:
    if not userinfo:
        return None, None
    name, colon, password = userinfo.partition(":")
    if not colon:
        return _decoded(name), None
    return _decoded(name), _decoded(password)


def _decoded(value: str) -> str:
    """Return a percent-decoded part of the userinfo. ``%VAR%`` is a placeholder, not an escape."""
    if is_unfilled(value):
        return value
    return unquote(value)


def _shown(text: str) -> str:
    """Return the text of a bad URL without anything up to its last ``@``."""
    before, behind = split_at_sign(text)
    if not before:
        return shorten(redact(text))
    parts = split_userinfo(before)
    if parts is None:
        return shorten(redact(f"{MASK}@{behind}"))
    return shorten(redact(f"{parts[0]}://{MASK}@{behind}"))
