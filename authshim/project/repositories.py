"""The places that a project declares: package indexes and conda channels.

What may be secret leaves the URL at once: a place has its ``url`` without userinfo, and its
password stays out of the repr and out of pickles.

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
from authshim.redact import is_unfilled, looks_like_token, parted_at, redact, shorten
from authshim.secret import SecretHolder, clears_frames
from authshim.urls import with_username

CONDA_ORG = "https://conda.anaconda.org"
"""Where a channel that is only a name is."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#\\]*)@)?([^@/?#\\]*)")
"""Scheme, userinfo, and host with port, as ``urls.parse`` tells them apart; but what stands for
the host may still be a placeholder, such as ``<location>-python.pkg.dev``."""

_PLACEHOLDER = re.compile(
    r"<[^>]*>|\$?\{[^}]*\}|\$\w+|%[A-Z_][A-Z0-9_]{2,}%(?![0-9A-Fa-f]{2})|(?<=/)\*{3,}"
)
_CONDA_TOKEN = re.compile(r"/t/([^/?#]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r"\.{1,2}(?:[/\\]|$)|~?[/\\]|[A-Za-z]:[/\\]")


class Repository(SecretHolder):
    """A URL that somebody declared, and who they are there.

    :param url: userinfo in it is taken out, and percent-decoded once.
    :raises UrlError: no scheme, no host, a backslash or a control character; the error
        shows the URL redacted.
    """

    __slots__ = ("password", "url", "username")
    url: str
    username: str | None
    password: str | None

    @clears_frames
    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        bare, its_username, its_password = _split(url)
        object.__setattr__(self, "url", bare)
        object.__setattr__(self, "username", username if its_username is None else its_username)
        object.__setattr__(self, "password", password if its_password is None else its_password)

    @property
    def shown(self) -> str:
        """What may be shown of it; a username with an empty password is a token."""
        hidden = self.username is not None and self.password == ""
        return redact(
            self.url.replace("://", "://****@", 1)
            if hidden
            else with_username(self.url, self.username)
        )

    @property
    def placeholder(self) -> str:
        """The part of its URL that is not filled in, such as ``<location>``; else empty.

        A placeholder in the userinfo is named by its role, because it may be a real secret.
        """
        if is_unfilled(self.password or ""):
            return "the password"
        if is_unfilled(self.username or ""):
            return "the username"
        token = _CONDA_TOKEN.search(self.url)
        if token and is_unfilled(token.group(1)):
            return "the token"
        found = _PLACEHOLDER.search(_CONDA_TOKEN.sub("", self.url).partition("?")[0])
        return found.group() if found else ""

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Repository)
            and type(self) is type(other)
            and self._key() == other._key()
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        # Some services take a token as the username, and no password.
        is_token = self.username and (self.password == "" or looks_like_token(self.username))
        username = "****" if is_token else repr(self.username)
        password = None if self.password is None else "****"
        return f"{type(self).__name__}(url={redact(self.url)!r}, username={username}, password={password})"

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
        """The username, or None if it looks like a token: no pickle holds a secret."""
        is_token = self.username is not None and looks_like_token(self.username)
        return None if is_token else self.username

    def __reduce__(self) -> Any:
        return type(self), (self.url, self._pickled_username)


class Channel(Repository):
    """A conda channel; its URL has no slash at the end."""

    __slots__ = ()

    @clears_frames
    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        super().__init__(url.rstrip("/"), username, password)


class Index(Repository):
    """A package index; its URL is as it was written, less the userinfo.

    :param flat: a page of links to files (``find-links``), not an index of the Simple API.
    """

    __slots__ = ("flat",)
    flat: bool

    @clears_frames
    def __init__(
        self, url: str, username: str | None = None, password: str | None = None, flat: bool = False
    ) -> None:
        super().__init__(url, username, password)
        object.__setattr__(self, "flat", flat)

    def _key(self) -> tuple[Any, ...]:
        return (self.url, self.username, self.flat)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, flat={self.flat})"

    def __reduce__(self) -> Any:
        return Index, (self.url, self._pickled_username, None, self.flat)


def channel(text: str, folder: str) -> Channel:
    """Return the channel that a manifest in ``folder`` writes as a name, a URL or a path.

    :raises UrlError: it is none of them.
    """
    if "://" in text:
        return Channel(text)
    if _PATH.match(text):
        return Channel(file_url(os.path.expanduser(text), folder))
    if not text.strip("/") or _CONTROL.search(text) or re.search(r"[:@\\]", text):
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
    """Return a URL without its userinfo, the username and the password."""
    match = _URL.match(url)
    if match is None:
        raise UrlError(_shown(url), "it has no scheme, such as https://")
    scheme, userinfo, host = match.groups()
    if scheme.lower() != "file" and (not host or host.startswith(":")):
        raise UrlError(_shown(url), "it has no host")
    if scheme.lower() != "file" and "\\" in url:
        # https://h\@evil/: two parsers dial two hosts.
        raise UrlError(_shown(url), "it has a backslash")
    name, colon, password = (userinfo or "").partition(":")
    username = _decoded(name) if name or colon else None
    secret = _decoded(password) if colon else None
    if any(_CONTROL.search(part) for part in (url, username or "", secret or "")):
        raise UrlError(_shown(url), "it has a control character (a line break, perhaps)")
    return f"{scheme}://{url[match.start(3) :]}", username, secret


def _decoded(value: str) -> str:
    """Return a percent-decoded part of the userinfo. ``%VAR%`` is a placeholder, not an escape."""
    return value if is_unfilled(value) else unquote(value)


def _shown(text: str) -> str:
    """Return what may be shown of a text that is no good URL: nothing up to its last ``@``."""
    before, behind = parted_at(text)
    scheme = _URL.match(before)
    return shorten(
        redact(
            f"{scheme.group(1)}://****@{behind}" if scheme else f"****@{behind}" if before else text
        )
    )
