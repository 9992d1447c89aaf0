"""Checks of the values of a credential. An error names the field, never its value."""

from __future__ import annotations

from authshim.errors import CredentialError
from authshim.redact import CONTROL

_FAR_FUTURE = 1e15
"""A time in seconds since 1970 that no token outlives."""


def check_seconds(value: object) -> None:
    """Raise CredentialError if the value is no time in seconds."""
    is_flag = isinstance(value, bool)
    if is_flag or not isinstance(value, (int, float)):
        raise CredentialError("expires_at is not a number of seconds")
    if not abs(value) < _FAR_FUTURE:
        raise CredentialError("expires_at is out of range")


def checked_text(name: str, value: object) -> str:
    """Return the value if it is text without the control characters that RFC 7617 forbids."""
    if not isinstance(value, str):
        raise CredentialError(f"the {name} is not text")
    if CONTROL.search(value):
        raise CredentialError(f"the {name} has a control character (a line break, perhaps)")
    return value


def checked_optional(name: str, value: object) -> str | None:
    """Return the value if it is None or text."""
    if value is None:
        return None
    return checked_text(name, value)


def checked_token(name: str, value: object) -> str:
    """Return the value if it can stand in a header and in a path."""
    token = checked_text(name, value)
    has_blanks = token != token.strip()
    if not token or not token.isascii() or has_blanks:
        raise CredentialError(f"the {name} is empty, or has characters that no token has")
    return token
