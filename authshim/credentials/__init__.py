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
from typing import TYPE_CHECKING, Any

from authshim.credentials.base import Credential
from authshim.credentials.checks import check_seconds, checked_optional, checked_text, checked_token
from authshim.errors import CredentialError
from authshim.redact import MASK, looks_like_token
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BasicHTTP",
    "BearerToken",
    "CondaToken",
    "Credential",
    "OAuth",
    "S3Credentials",
    "is_expired",
]

_SAFE_IN_PATH = "%:@!$&'()*+,;=~|"

_END_OF_AUTHORITY = re.compile("[/?#]")


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
            data = pair.encode("utf-8")
        except UnicodeEncodeError:
            data = b""
        # The other error, which holds the text, must not be the context of this one.
        if not data:
            raise CredentialError("the username or password is not Unicode text")
        encoded = b2a_base64(data, newline=False).decode("ascii")
        self._freeze(
            f"Basic {encoded}",
            username=username,
            password=password,
        )

    @property
    def shown_username(self) -> str | None:
        """The username, or None if it may be a token.

        A username without a password is one, or it looks like one.
        """
        if not self.password or looks_like_token(self.username):
            return None
        return self.username

    def _shown(self, name: str) -> str:
        # A debugger may ask in the middle of the constructor.
        is_made = hasattr(self, "password")
        if not is_made or self.shown_username is None:
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

        quoted = quote(checked_token("token", token), safe=_SAFE_IN_PATH)
        self._freeze(
            None,
            token=token,
            segment=f"/t/{quoted}",
        )

    def wire_url(self, url: str) -> str:
        """Return ``url`` with ``/t/TOKEN`` before its path, even if that begins with ``/t/``."""
        authority = url.find("://") + len("://")
        end = _END_OF_AUTHORITY.search(url, authority)
        if end is None:
            return f"{url}{self.segment}/"
        origin = url[: end.start()]
        rest = url[end.start() :]
        if not rest.startswith("/"):
            rest = f"/{rest}"
        return f"{origin}{self.segment}{rest}"

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
        value = getattr(self, name, None) or ""
        if name.endswith("_endpoint") and "@" in value:
            return MASK
        return super()._shown(name)

    def expired(self, now: float) -> bool:
        """Return True if the access token has expired. ``now`` is in Unix seconds."""
        if self.expires_at is None:
            return False
        return self.expires_at <= now

    def _written(self) -> tuple[str, ...]:
        # rattler does not write an audience of None.
        if getattr(self, "audience", None) is None:
            return self.fields[:-1]
        return self.fields


def is_expired(credential: Credential) -> bool:
    """Return True if the credential is an access token that has expired."""
    if not isinstance(credential, OAuth):
        return False
    return credential.expired(time.time())
