"""A reader of the entries of rattler's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP, BearerToken, CondaToken, OAuth, S3Credentials
from authshim.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.credentials import Credential

_BARE: dict[str, Any] = {
    "BearerToken": BearerToken,
    "CondaToken": CondaToken,
}
_WITH_FIELDS: dict[str, type[Credential]] = {
    "BasicHTTP": BasicHTTP,
    "S3Credentials": S3Credentials,
    "OAuth": OAuth,
}
_OPTIONAL = (
    "session_token",
    "refresh_token",
    "expires_at",
    "revocation_endpoint",
    "audience",
)


def from_json(entry: object) -> Credential:
    """Return the credential of an entry. OAuth keeps unknown fields, and the others drop them.

    :raises CredentialError: the kind is unknown, or a field is missing or cannot be sent. The
        message names the field, never its value.
    """
    if not isinstance(entry, dict) or len(entry) != 1:
        raise CredentialError("is not one credential")
    (item,) = entry.items()
    kind, value = item
    if kind in _BARE:
        bare = _BARE[kind]
        credential: Credential = bare(value)
        return credential
    if kind not in _WITH_FIELDS:
        raise CredentialError("is of a kind that authshim does not know")
    if not isinstance(value, dict):
        raise CredentialError(f"is a {kind} without fields")
    cls = _WITH_FIELDS[kind]
    return _from_fields(cls, value)


def _from_fields(cls: type[Credential], value: Mapping[str, Any]) -> Credential:
    options: dict[str, Any] = {}
    for name in cls.fields:
        if name in value:
            options[name] = value[name]
        elif name in _OPTIONAL:
            options[name] = None
        else:
            raise CredentialError(f"is a {cls.__name__} without {name}")
    if cls is OAuth:
        unknown = [name for name in value if name not in cls.fields]
        more = {name: value[name] for name in unknown}
        options["more"] = more
    return cls(**options)
