"""The bare token of a credential, and the time at which it expires."""

from __future__ import annotations

from authshim.credentials import BasicHTTP, BearerToken, CondaToken, Credential, OAuth


def bare_token(credential: Credential) -> str | None:
    """Return the token of a credential, or None for a password or S3 keys."""
    if isinstance(credential, (BearerToken, CondaToken)):
        return credential.token
    if isinstance(credential, OAuth):
        return credential.access_token
    return None


def expires_at(credential: Credential) -> float | None:
    """Return the time at which a credential expires, in Unix seconds, or None if it is not known.

    OAuth entries have it, and so have tokens and passwords in the form of a JWT (RFC 7519), whose
    signature is not checked.
    """
    from authshim.oauth.id_token import expiry_of

    stored: float | None = getattr(credential, "expires_at", None)
    if stored is not None:
        return stored
    token = bare_token(credential)
    if isinstance(credential, BasicHTTP):
        token = credential.password
    return expiry_of(token)
