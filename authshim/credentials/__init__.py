"""The five kinds of credential, and their JSON in the files of rattler.

A credential is frozen, shows no secret in its repr and is never pickled.

    >>> BasicHTTP("ada", "lovelace")
    BasicHTTP(username='ada', password=****)
    >>> BasicHTTP("ada", "lovelace").header
    'Basic YWRhOmxvdmVsYWNl'
    >>> CondaToken("tk").wire_url("https://conda.example/channel/noarch/repodata.json")
    'https://conda.example/t/tk/channel/noarch/repodata.json'

The classes are no dataclasses: importing those takes as long as all of ``authshim auth token``.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

from authshim.credentials.checks import check_seconds, checked_optional, checked_text, checked_token
from authshim.errors import CredentialError
from authshim.redact import MASK, looks_like_token
from authshim.secret import SecretHolder, clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

_END_OF_AUTHORITY = re.compile("[/?#]")


class Credential(SecretHolder):
    """A secret that proves to a server who its user is."""

    __slots__ = ("__weakref__", "header")

    fields: ClassVar[tuple[str, ...]]
    """The arguments of the constructor in order. Their names are those of rattler's JSON."""

    shown: ClassVar[frozenset[str]] = frozenset()
    """The fields that are not secret."""

    header: str | None
    """The ``Authorization`` header, or None if this kind has none."""

    def _freeze(self, header: str | None, **values: Any) -> None:
        object.__setattr__(self, "header", header)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shown_username(self) -> str | None:
        """The username, or None if there is none or it is secret."""
        return None

    def wire_url(self, url: str) -> str:
        """Return the URL to send the request to."""
        return url

    def to_json(self) -> dict[str, Any]:
        """Return the entry of rattler's JSON, ``{"BearerToken": "..."}``, with the secret."""
        fields = {name: getattr(self, name) for name in self._written()}
        return {type(self).__name__: fields}

    def _written(self) -> tuple[str, ...]:
        return self.fields

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.fields)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        parts = (f"{name}={self._shown(name)}" for name in self._written())
        return f"{type(self).__name__}({', '.join(parts)})"

    def _shown(self, name: str) -> str:
        # A debugger may ask in the middle of the constructor.
        value = getattr(self, name, None)
        if name in self.shown or value is None:
            return repr(value)
        return MASK

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, memo: object) -> Credential:
        return self


class BearerToken(Credential):
    """A token that is sent as ``Authorization: Bearer TOKEN``."""

    __slots__ = ("token",)
    fields = ("token",)
    token: str

    @clears_frames
    def __init__(self, token: str) -> None:
        self._freeze(f"Bearer {checked_token('token', token)}", token=token)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"BearerToken": TOKEN}``."""
        return {"BearerToken": self.token}


class BasicHTTP(Credential):
    """A username and password that are sent as HTTP Basic in UTF-8 (RFC 7617)."""

    __slots__ = ("password", "username")
    fields = ("username", "password")
    shown = frozenset({"username"})
    username: str
    password: str

    @clears_frames
    def __init__(self, username: str, password: str) -> None:
        from binascii import b2a_base64

        pair = f"{checked_text('username', username)}:{checked_text('password', password)}"
        try:
            encoded = b2a_base64(pair.encode("utf-8"), newline=False).decode("ascii")
        except UnicodeEncodeError:
            encoded = ""
        # The other error, which holds the text, must not be the context of this one.
        if not encoded:
            raise CredentialError("the username or password is not Unicode text")
        self._freeze(f"Basic {encoded}", username=username, password=password)

    @property
    def shown_username(self) -> str | None:
        """The username, or None if it may be a token.

        A username without a password is one, or it looks like one.
        """
        if not self.password or looks_like_token(self.username):
            return None
        return self.username

    def _shown(self, name: str) -> str:
        if not hasattr(self, "password") or self.shown_username is None:
            return MASK
        return super()._shown(name)


class CondaToken(Credential):
    """A token that is sent in the URL, as ``/t/TOKEN`` before the path (anaconda.org, quetz)."""

    __slots__ = ("segment", "token")
    fields = ("token",)
    token: str
    segment: str
    """``/t/TOKEN`` as in the URL. A slash in the token is percent-encoded."""

    @clears_frames
    def __init__(self, token: str) -> None:
        from urllib.parse import quote

        segment = "/t/" + quote(checked_token("token", token), safe="%:@!$&'()*+,;=~|")
        self._freeze(None, token=token, segment=segment)

    def wire_url(self, url: str) -> str:
        """Return ``url`` with ``/t/TOKEN`` before its path, even if that begins with ``/t/``."""
        authority = url.find("://") + len("://")
        end = _END_OF_AUTHORITY.search(url, authority)
        if end is None:
            return f"{url}{self.segment}/"
        rest = url[end.start() :]
        if not rest.startswith("/"):
            rest = f"/{rest}"
        return f"{url[: end.start()]}{self.segment}{rest}"

    def to_json(self) -> dict[str, Any]:
        """Return ``{"CondaToken": TOKEN}``."""
        return {"CondaToken": self.token}


class S3Credentials(Credential):
    """Keys for ``s3://`` URLs, which add nothing to an http(s) request."""

    __slots__ = ("access_key_id", "secret_access_key", "session_token")
    fields = ("access_key_id", "secret_access_key", "session_token")
    access_key_id: str
    secret_access_key: str
    session_token: str | None

    @clears_frames
    def __init__(
        self,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
    ) -> None:
        self._freeze(
            None,
            access_key_id=checked_text("access_key_id", access_key_id),
            secret_access_key=checked_text("secret_access_key", secret_access_key),
            session_token=checked_optional("session_token", session_token),
        )


class OAuth(Credential):
    """An OAuth login of ``pixi auth login``, whose access token is sent as Bearer.

    ``expires_at`` is in Unix seconds, or None if unknown. ``audience`` is the service of the token,
    if the server has several. ``more`` has the other fields of the JSON, scopes for example.
    """

    __slots__ = (
        "access_token",
        "audience",
        "client_id",
        "expires_at",
        "more",
        "refresh_token",
        "revocation_endpoint",
        "token_endpoint",
    )
    fields = (
        "access_token",
        "refresh_token",
        "expires_at",
        "token_endpoint",
        "revocation_endpoint",
        "client_id",
        "audience",
    )
    shown = frozenset(
        {"expires_at", "token_endpoint", "revocation_endpoint", "client_id", "audience"}
    )
    access_token: str
    refresh_token: str | None
    expires_at: float | None
    token_endpoint: str
    revocation_endpoint: str | None
    client_id: str
    audience: str | None
    more: Mapping[str, Any]

    @clears_frames
    def __init__(
        self,
        access_token: str,
        refresh_token: str | None,
        expires_at: float | None,
        token_endpoint: str,
        revocation_endpoint: str | None,
        client_id: str,
        audience: str | None = None,
        *,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        if expires_at is not None:
            check_seconds(expires_at)
        self._freeze(
            f"Bearer {checked_token('access_token', access_token)}",
            access_token=access_token,
            refresh_token=checked_optional("refresh_token", refresh_token),
            expires_at=expires_at,
            token_endpoint=checked_text("token_endpoint", token_endpoint),
            revocation_endpoint=checked_optional("revocation_endpoint", revocation_endpoint),
            client_id=checked_text("client_id", client_id),
            audience=checked_optional("audience", audience),
            more=more or {},
        )

    def to_json(self) -> dict[str, Any]:
        """Return ``{"OAuth": {...}}`` with the fields of ``more``."""
        fields = super().to_json()["OAuth"]
        return {"OAuth": {**fields, **self.more}}

    def _shown(self, name: str) -> str:
        if name.endswith("_endpoint") and "@" in (getattr(self, name, None) or ""):
            return MASK
        return super()._shown(name)

    def expired(self, now: float) -> bool:
        """Return True if the access token has expired. ``now`` is in Unix seconds."""
        return self.expires_at is not None and self.expires_at <= now

    def _written(self) -> tuple[str, ...]:
        # rattler does not write an audience of None.
        if getattr(self, "audience", None) is None:
            return self.fields[:-1]
        return self.fields


def is_expired(credential: Credential) -> bool:
    """Return True if the credential is an access token that has expired."""
    return isinstance(credential, OAuth) and credential.expired(time.time())
