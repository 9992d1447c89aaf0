"""A declared URL, apart from its username and password, which no message shows."""

from __future__ import annotations

from urllib.parse import unquote

from authshim.errors import UrlError
from authshim.redact import CONTROL, MASK, is_unfilled, redact, shorten, split_at_sign
from authshim.urls import split_userinfo


def split_login(url: str) -> tuple[str, str | None, str | None]:
    """Return the URL without userinfo, the username and the password.

    :raises UrlError: see ``Repository``.
    """
    parts = split_userinfo(url)
    if parts is None:
        raise UrlError(shown_text(url), "it has no scheme, such as https://")
    scheme, userinfo, rest = parts
    if scheme.lower() != "file":
        _check_host(url, rest)
    username, password = _credentials(userinfo)
    for text in (url, username, password):
        if text and CONTROL.search(text):
            shown = shown_text(url)
            raise UrlError(shown, "it has a control character (a line break, perhaps)")
    return f"{scheme}://{rest}", username, password


def _check_host(url: str, rest: str) -> None:
    # The host may be a placeholder, such as <location>-python.pkg.dev, so no parser reads it.
    if not rest or rest[0] in "/?#\\:":
        raise UrlError(shown_text(url), "it has no host")
    if "\\" in url:
        # Two parsers dial two hosts for https://h\@evil/.
        raise UrlError(shown_text(url), "it has a backslash")


def _credentials(userinfo: str | None) -> tuple[str | None, str | None]:
    if not userinfo:
        return None, None
    name, colon, password = userinfo.partition(":")
    username = _decoded(name)
    if not colon:
        return username, None
    return username, _decoded(password)


def _decoded(value: str) -> str:
    """Return a percent-decoded part of the userinfo. ``%VAR%`` is a placeholder, not an escape."""
    if is_unfilled(value):
        return value
    return unquote(value)


def shown_text(text: str) -> str:
    """Return the text of a bad URL without anything up to its last ``@``."""
    before, behind = split_at_sign(text)
    shown = text
    if before:
        shown = f"{MASK}@{behind}"
        parts = split_userinfo(before)
        if parts is not None:
            scheme, _, _ = parts
            shown = f"{scheme}://{shown}"
    redacted = redact(shown)
    return shorten(redacted)
