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

from authshim.errors import UrlError
from authshim.project.declaration import Declaration
from authshim.project.declared_url import shown_text, split_login
from authshim.redact import (
    CONTROL,
    MASK,
    is_unfilled,
    looks_like_token,
    redact,
)
from authshim.secret import SecretHolder, clears_frames
from authshim.urls import with_username

CONDA_ORG = "https://conda.anaconda.org"
"""The server of a channel that is only a name."""

_PLACEHOLDER = re.compile(
    r"<[^>]*>|\$?\{[^}]*\}|\$\w+|%[A-Z_][A-Z0-9_]{2,}%(?![0-9A-Fa-f]{2})|(?<=/)\*{3,}"
)
_CONDA_TOKEN = re.compile(r"/t/([^/?#]+)")
_NOT_IN_NAME = re.compile(r"[:@\\]")
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
        trimmed = self._trimmed(url)
        bare, own_username, own_password = split_login(trimmed)
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
        scheme, _, _ = self.url.partition(":")
        return scheme.lower()

    @property
    def netloc(self) -> str:
        """The host of the URL and its port, if it has one, as they are written."""
        _, _, behind = self.url.partition("://")
        netloc, *_ = re.split(r"[/?#]", behind, maxsplit=1)
        return netloc

    @property
    def shown(self) -> str:
        """The URL as it may be shown. A username with an empty password is a token."""
        if self.username is not None and self.password == "":
            masked = self.url.replace("://", f"://{MASK}@", 1)
            return redact(masked)
        named = with_username(self.url, self.username)
        return redact(named)

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
        without_query, _, _ = without_token.partition("?")
        found = _PLACEHOLDER.search(without_query)
        if found is None:
            return ""
        return found.group()

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Repository):
            return False
        if type(self) is not type(other):
            return False
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        username = repr(self.username)
        if self._username_is_secret:
            username = MASK
        password = None
        if self.password is not None:
            password = MASK
        url = redact(self.url)
        return f"{type(self).__name__}(url={url!r}, username={username}, password={password})"

    @property
    def _username_is_secret(self) -> bool:
        """True if the username may be a token, which some services take without a password."""
        if not self.username:
            return False
        if self.password == "":
            return True
        return looks_like_token(self.username)

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
        arguments = (self.url, self._pickled_username)
        return type(self), arguments


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
        super().__init__(
            url,
            username,
            password,
            declaration=declaration,
        )
        object.__setattr__(self, "flat", flat)

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username, self.flat)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, flat={self.flat})"

    def __reduce__(self) -> Any:
        password = None
        arguments = (
            self.url,
            self._pickled_username,
            password,
            self.flat,
        )
        return Index, arguments


def channel(text: str, folder: str) -> Channel:
    """Return the channel that a manifest in ``folder`` writes as a name, a URL or a path.

    :raises UrlError: the text is none of them.
    """
    if "://" in text:
        return Channel(text)
    if _PATH.match(text):
        path = os.path.expanduser(text)
        return Channel(file_url(path, folder))
    if not _is_channel_name(text):
        raise UrlError(shown_text(text), "it is neither a channel's name nor a URL nor a path")
    return Channel(f"{CONDA_ORG}/{text}")


def _is_channel_name(text: str) -> bool:
    if not text.strip("/"):
        return False
    if CONTROL.search(text):
        return False
    return not _NOT_IN_NAME.search(text)


def file_url(path: str, folder: str) -> str:
    """Return the ``file://`` URL of a path that is relative to ``folder``."""
    from pathlib import Path

    joined = os.path.join(folder, path)
    normal = os.path.normpath(joined)
    try:
        return Path(normal).as_uri()
    except ValueError:
        raise UrlError(shown_text(path), "it is not a path") from None
