"""The five kinds of credential, to and from the JSON that rattler keeps.

A credential is frozen, knows the ``header`` it is sent as and the URL it is sent to, and
shows no secret in its repr. It is never pickled: what crosses to another process looks
its credentials up again where it lands.

    >>> BasicHTTP("ada", "lovelace")
    BasicHTTP(username='ada', password=****)
    >>> BasicHTTP("ada", "lovelace").header
    'Basic YWRhOmxvdmVsYWNl'
    >>> CondaToken("tk").wire_url("https://conda.example/channel/noarch/repodata.json")
    'https://conda.example/t/tk/channel/noarch/repodata.json'

The classes are written out, not made by :mod:`dataclasses`, whose import costs as much as
the rest of ``authshim auth token`` together.
"""

from __future__ import annotations

import time
from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, ClassVar

from authshim.errors import CredentialError
from authshim.redact import looks_like_token
from authshim.secret import SecretHolder, clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping


class Credential(SecretHolder):
    """What is sent to a server so that it lets its user in."""

    __slots__ = ("__weakref__", "header")

    fields: ClassVar[tuple[str, ...]]
    """The constructor's arguments, in order; the names are those of rattler's JSON."""

    shown: ClassVar[frozenset[str]] = frozenset()
    """The fields that are no secret."""

    header: str | None
    """The ``Authorization`` header, or None where this kind sends none."""

    def _freeze(self, header: str | None, **values: Any) -> None:
        object.__setattr__(self, "header", header)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shown_username(self) -> str | None:
        """Whose it is, where it says so and that is no secret."""
        return None

    def wire_url(self, url: str) -> str:
        """Return the URL to send the request to."""
        return url

    def to_json(self) -> dict[str, Any]:
        """Return the entry as rattler writes it, ``{"BearerToken": "..."}``; it holds the secret."""
        return {type(self).__name__: {name: getattr(self, name) for name in self._written()}}

    def _written(self) -> tuple[str, ...]:
        """List the fields that its JSON and its repr have: rattler leaves out an ``audience`` that is none."""
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
        value = getattr(self, name, None)  # a debugger may ask in the middle of the constructor
        return repr(value) if name in self.shown or value is None else "****"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, memo: object) -> Credential:
        return self


class BearerToken(Credential):
    """A token sent as ``Authorization: Bearer TOKEN``."""

    __slots__ = ("token",)
    fields = ("token",)
    token: str

    @clears_frames
    def __init__(self, token: str) -> None:
        self._freeze(f"Bearer {_token('token', token)}", token=token)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"BearerToken": TOKEN}``."""
        return {"BearerToken": self.token}


class BasicHTTP(Credential):
    """A username and password, sent as HTTP Basic in UTF-8 (RFC 7617)."""

    __slots__ = ("password", "username")
    fields = ("username", "password")
    shown = frozenset({"username"})
    username: str
    password: str

    @clears_frames
    def __init__(self, username: str, password: str) -> None:
        pair = f"{_text('username', username)}:{_text('password', password)}"
        try:
            encoded = b2a_base64(pair.encode("utf-8"), newline=False).decode("ascii")
        except UnicodeEncodeError:
            encoded = ""
        if not encoded:  # raised here, where the other error, which holds the text, is no context
            raise CredentialError("the username or password is not Unicode text")
        self._freeze(f"Basic {encoded}", username=username, password=password)

    @property
    def shown_username(self) -> str | None:
        """The username; None without a password, or if the name looks like a token: it may be the secret."""
        is_secret = not self.password or looks_like_token(self.username)
        return None if is_secret else self.username

    def _shown(self, name: str) -> str:
        is_whole = hasattr(self, "password")  # a debugger may ask in the middle of the constructor
        return super()._shown(name) if is_whole and self.shown_username is not None else "****"


class CondaToken(Credential):
    """A token sent in the URL, as ``/t/TOKEN`` before the path (anaconda.org, quetz)."""

    __slots__ = ("segment", "token")
    fields = ("token",)
    token: str
    segment: str
    """``/t/TOKEN`` as it stands in the URL: a slash in the token is percent-encoded, so that it is one segment."""

    @clears_frames
    def __init__(self, token: str) -> None:
        from urllib.parse import quote

        segment = "/t/" + quote(_token("token", token), safe="%:@!$&'()*+,;=~|")
        self._freeze(None, token=token, segment=segment)

    def wire_url(self, url: str) -> str:
        """Return ``url`` with ``/t/TOKEN`` before its path, even where a ``/t/`` is there already."""
        start = url.find("://") + 3
        ends = [at for at in (url.find(mark, start) for mark in "/?#") if at >= 0]
        end = min(ends, default=len(url))
        slash = "" if url[end : end + 1] == "/" else "/"
        return f"{url[:end]}{self.segment}{slash}{url[end:]}"

    def to_json(self) -> dict[str, Any]:
        """Return ``{"CondaToken": TOKEN}``."""
        return {"CondaToken": self.token}


class S3Credentials(Credential):
    """Keys for ``s3://`` URLs; they add nothing to an http(s) request."""

    __slots__ = ("access_key_id", "secret_access_key", "session_token")
    fields = ("access_key_id", "secret_access_key", "session_token")
    access_key_id: str
    secret_access_key: str
    session_token: str | None

    @clears_frames
    def __init__(
        self, access_key_id: str, secret_access_key: str, session_token: str | None = None
    ) -> None:
        self._freeze(
            None,
            access_key_id=_text("access_key_id", access_key_id),
            secret_access_key=_text("secret_access_key", secret_access_key),
            session_token=_optional("session_token", session_token),
        )


class OAuth(Credential):
    """What ``pixi auth login`` keeps of an OAuth login; the access token is sent as Bearer.

    ``expires_at`` is in Unix seconds, None where the server did not say. ``audience`` is the
    service that the token is for, where the login was for one of several. ``more`` is what else its
    JSON has: newer rattlers keep the scopes there, and a renewal must not lose them.
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
        if expires_at is not None and (
            isinstance(expires_at, bool) or not isinstance(expires_at, (int, float))
        ):
            raise CredentialError("expires_at is not a number of seconds")
        if expires_at is not None and not abs(expires_at) < 1e15:
            raise CredentialError("expires_at is out of range")
        self._freeze(
            f"Bearer {_token('access_token', access_token)}",
            access_token=access_token,
            refresh_token=_optional("refresh_token", refresh_token),
            expires_at=expires_at,
            token_endpoint=_text("token_endpoint", token_endpoint),
            revocation_endpoint=_optional("revocation_endpoint", revocation_endpoint),
            client_id=_text("client_id", client_id),
            audience=_optional("audience", audience),
            more={} if more is None else more,
        )

    def to_json(self) -> dict[str, Any]:
        """Return ``{"OAuth": {...}}``, with what else it was read with."""
        return {"OAuth": {**super().to_json()["OAuth"], **self.more}}

    def _shown(self, name: str) -> str:
        has_userinfo = name.endswith("_endpoint") and "@" in (getattr(self, name, None) or "")
        return "****" if has_userinfo else super()._shown(name)

    def expired(self, now: float) -> bool:
        """Tell whether the access token is past its time; ``now`` is in Unix seconds."""
        return self.expires_at is not None and self.expires_at <= now

    def _written(self) -> tuple[str, ...]:
        return self.fields if getattr(self, "audience", None) is not None else self.fields[:-1]


def from_json(entry: object) -> Credential:
    """Read one entry of rattler's JSON; fields that are not known are passed over.

    :raises CredentialError: where the kind is not one of the five, or a field is missing
        or cannot be sent; the message names the field, never its value.
    """
    if not isinstance(entry, dict) or len(entry) != 1:
        raise CredentialError("is not one credential")
    (kind, value), *_ = entry.items()
    if kind in _BARE:
        bare: Credential = _BARE[kind](value)
        return bare
    if kind not in _WITH_FIELDS:
        raise CredentialError("is of a kind that authshim does not know")
    if not isinstance(value, dict):
        raise CredentialError(f"is a {kind} without fields")
    return _from_fields(_WITH_FIELDS[kind], value)


def _from_fields(cls: type[Credential], value: Mapping[str, Any]) -> Credential:
    more = {name: kept for name, kept in value.items() if name not in cls.fields}
    options: dict[str, Any] = {"more": more} if cls is OAuth else {}
    try:
        return cls(
            *(value.get(name) if name in _OPTIONAL else value[name] for name in cls.fields),
            **options,
        )
    except KeyError as error:
        raise CredentialError(f"is a {cls.__name__} without {error.args[0]}") from None


_BARE: dict[str, Any] = {"BearerToken": BearerToken, "CondaToken": CondaToken}
_WITH_FIELDS: dict[str, type[Credential]] = {
    cls.__name__: cls for cls in (BasicHTTP, S3Credentials, OAuth)
}
_OPTIONAL = frozenset(
    {"session_token", "refresh_token", "expires_at", "revocation_endpoint", "audience"}
)


def _text(name: str, value: object) -> str:
    """Refuse what RFC 7617 section 2 refuses: control characters, above all CR and LF."""
    if not isinstance(value, str):
        raise CredentialError(f"the {name} is not text")
    if any(char < " " or char == "\x7f" for char in value):
        raise CredentialError(f"the {name} has a control character (a line break, perhaps)")
    return value


def _optional(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _token(name: str, value: object) -> str:
    """Refuse what cannot stand in a header or a path as it is."""
    token = _text(name, value)
    if not token or not token.isascii() or token != token.strip():
        raise CredentialError(f"the {name} is empty, or has characters that no token has")
    return token


def is_expired(credential: Credential) -> bool:
    """Tell whether it is an access token that is past its time."""
    return isinstance(credential, OAuth) and credential.expired(time.time())
