"""Checks of a username and a secret that were typed; no message shows them."""

from __future__ import annotations

import re

from authshim.errors import SettingsError

_BLANK = re.compile(r"\s")
_SCHEME = re.compile(r"(bearer|basic|token)\s", re.IGNORECASE)


def check_username(username: str) -> None:
    """Raise a SettingsError for a username that HTTP Basic cannot carry (RFC 7617)."""
    if not username:
        raise SettingsError("--username", "it is empty (is a variable unset?)")
    if ":" in username:
        raise SettingsError("--username", "a username has no colon; --password takes the password")


def check_secret(option: str, secret: str) -> None:
    """Raise a SettingsError for a secret that is empty, or for a token that is no token.

    The rest is checked by the credential itself.
    """
    if not secret:
        raise SettingsError(option, "it is empty, so nothing was stored (is a variable unset?)")
    if option in ("--password", "--oauth-client-secret"):
        return
    if _SCHEME.match(secret):
        first, *_ = secret.split(maxsplit=1)
        scheme = first.capitalize()
        raise SettingsError(option, f"leave out the word {scheme}: authshim sends it by itself")
    if _BLANK.search(secret.strip("\r\n")):
        raise SettingsError(option, "it has a blank, and no token has one")
    if not secret.isascii():
        raise SettingsError(option, "it has characters that are not ASCII, and no token has them")
