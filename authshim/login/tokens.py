"""What the token in a credential tells: itself, for ``authshim auth token``, and when it expires."""

from __future__ import annotations

from authshim.credentials import BasicHTTP, BearerToken, CondaToken, Credential, OAuth


def bare_token(credential: Credential) -> str | None:
    """Return the token that a credential is sent as; None for a password and for S3 keys."""
    if isinstance(credential, (BearerToken, CondaToken)):
        return credential.token
    return credential.access_token if isinstance(credential, OAuth) else None


def expires_at(credential: Credential) -> float | None:
    """Return when a credential expires, in Unix seconds; None where it does not say.

    Beside OAuth entries, tokens and passwords in the form of a JWT (RFC 7519) say so; the signature is not checked.
    """
    said: float | None = getattr(credential, "expires_at", None)
    if said is not None:
        return said
    token = credential.password if isinstance(credential, BasicHTTP) else bare_token(credential)
    return _of_jwt(token) if token else None


def _of_jwt(token: str) -> float | None:
    import json
    from base64 import urlsafe_b64decode

    parts = token.split(".")
    if len(parts) != 3 or not parts[0].startswith("ey"):
        return None
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    said = claims.get("exp") if isinstance(claims, dict) else None
    return float(said) if isinstance(said, (int, float)) and 0 < said < 1e12 else None
