"""The identity of a CI job, which a host of prefix.dev exchanges for a token."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Callable

from authshim.providers.base import Provider
from authshim.urls import IDENTITY, parse

if TYPE_CHECKING:
    from authshim.credentials import Credential

    _Token = tuple[Credential, "float | None"]
    Exchange = Callable[[str], _Token]


class CIIdentity(Provider):
    """A provider that exchanges the identity of a job, and keeps the token in memory.

    :param service: the CI.
    :param exchange: returns a token for the URL of an exchange, and when to ask again, in Unix
        seconds, or None. It raises ProviderError.
    """

    name = "CI identity"
    answers = frozenset({IDENTITY})

    def __init__(
        self,
        service: str,
        exchange: Exchange,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._exchange = exchange
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return a token for the URL of an exchange, or None for a user that is known.

        :raises ProviderError: the CI gives no identity, or the server no token.
        """
        if username is not None:
            return None
        if getattr(key, "kind", "") != IDENTITY:
            return None
        token = self._tokens.get(key)
        if token is None or self._is_due(token):
            token = self._exchange(str(key))
            self._tokens[str(key)] = token
        credential, _ = token
        return credential

    def _is_due(self, token: _Token) -> bool:
        """Return True if a token is to be exchanged for another one."""
        _, until = token
        return until is not None and until <= self._clock()

    def would_ask(self, key: str) -> str:
        """Return what ``find`` would do."""
        host = parse(key).netloc
        return (
            f"would ask {self._service} for the identity of this job, and {host} for a token, "
            "if the server asks for a Bearer"
        )

    def refresh(self) -> None:
        """Forget the tokens."""
        self._tokens.clear()

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no secret: its copy asks again.
        return {**vars(self), "_tokens": {}}
