"""The claims of a JWT (RFC 7519), and those of an ID token (OpenID Connect Core 1.0, section 2).

No signature is verified: an ID token comes from the token endpoint itself, over https
(section 3.1.3.7, rule 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME_CHARACTERS = 100

MAX_SECONDS = 1e12
"""The latest time that is taken for Unix seconds; later ones are in milliseconds."""

_NAMES = ("email", "preferred_username", "name", "sub")
"""The claims that name a user, in rattler's order."""


def claims_of(token: object) -> dict[str, Any]:
    """Return the claims of a JWT, or none if it is not one."""
    import json
    from base64 import urlsafe_b64decode

    if not isinstance(token, str) or not token.startswith("ey"):
        return {}
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    payload = parts[1]
    padding = "=" * (-len(payload) % 4)
    try:
        text = urlsafe_b64decode(payload + padding)
        claims = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(claims, dict):
        return {}
    return claims


def expiry_of(token: object) -> float | None:
    """Return the time at which a JWT expires, in Unix seconds, or None if it is not known."""
    claims = claims_of(token)
    expires = claims.get("exp")
    if isinstance(expires, (int, float)) and 0 < expires < MAX_SECONDS:
        return float(expires)
    return None


def name_in(claims: Mapping[str, Any]) -> str:
    """Return the name of a user, or an empty string."""
    for name in _NAMES:
        value = claims.get(name)
        if not isinstance(value, str):
            continue
        if value and value.isprintable():
            return value[:MAX_NAME_CHARACTERS]
    return ""
