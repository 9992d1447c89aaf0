"""The device authorization grant (RFC 8628): the user confirms a code in any browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authshim.errors import LoginError
from authshim.oauth import http
from authshim.oauth.client import Refused, UnusableTokens, ask_for_tokens
from authshim.oauth.endpoints import lifetime
from authshim.oauth.http import EndpointError
from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from authshim.oauth.client import Client, Tokens
    from authshim.oauth.discovery import Server
    from authshim.oauth.interaction import Interaction

MAX_DEVICE_SECONDS = 30.0

DEFAULT_INTERVAL_SECONDS = 5.0
"""Seconds between two polls if the server names none (RFC 8628, section 3.2)."""

MIN_INTERVAL_SECONDS = 1.0

SLOW_DOWN_SECONDS = 5.0
"""Seconds by which ``slow_down`` lengthens the interval (RFC 8628, section 3.5)."""

MAX_CODE_SECONDS = 3600.0
"""Seconds after which a device code is taken for expired, whatever the server says."""

MAX_POLL_FAILURES = 4
"""Polls in a row that may fail without an answer; the interval doubles after each."""

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


class DeviceCode(SecretHolder):
    """The answer of a device authorization endpoint."""

    __slots__ = (
        "code",
        "complete_url",
        "expires_in",
        "interval",
        "url",
        "user_code",
    )

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.code: str = _text(given, "device_code")
        self.user_code: str = _text(given, "user_code")
        self.url: str = _url(given, "verification_uri")
        self.complete_url: str = _url(given, "verification_uri_complete")
        expires_in = lifetime(given.get("expires_in"))
        self.expires_in: float = expires_in or 0.0
        interval = lifetime(given.get("interval"))
        interval = interval or DEFAULT_INTERVAL_SECONDS
        self.interval: float = max(MIN_INTERVAL_SECONDS, interval)

    @property
    def is_whole(self) -> bool:
        """False if a required field is missing or cannot be used."""
        required = (
            self.code,
            self.user_code,
            self.url,
            self.expires_in,
        )
        return all(required)


def _text(given: Mapping[str, Any], name: str) -> str:
    """Return a text of an answer, or an empty one if there is none."""
    value = given.get(name)
    if not isinstance(value, str):
        return ""
    return value


def _url(given: Mapping[str, Any], name: str) -> str:
    """Return a URL that a browser may open, or an empty text."""
    url = _text(given, name)
    if http.unsafe(url):
        return ""
    return url


class DeviceFlow:
    """A login by a device code.

    :param interaction: shows the code.
    :param clock: returns the time in seconds that only grow.
    :param sleep: waits so many seconds.
    """

    def __init__(
        self,
        server: Server,
        client: Client,
        interaction: Interaction,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._server = server
        self._client = client
        self._interaction = interaction
        self._environ = environ
        self._clock = clock
        self._sleep = sleep

    def run(self, scope: str) -> Tokens:
        """Return the tokens, as soon as the user has confirmed the code.

        :raises LoginError: the user denied it, or did not confirm it in time.
        :raises EndpointError: the server refused, or did not answer.
        """
        code = self._ask_for_code(scope)
        seconds = min(code.expires_in, MAX_CODE_SECONDS)
        until = self._clock() + seconds
        self._interaction.show_code(
            code.url,
            code.user_code,
            code.complete_url,
        )
        return self._poll(code, until)

    def _ask_for_code(self, scope: str) -> DeviceCode:
        endpoint = self._server.device_authorization_endpoint
        if endpoint is None:
            issuer = self._server.issuer
            raise LoginError(f"{issuer} has no device code: use --oauth-flow auth-code")
        fields = {"scope": scope}
        request = self._client.form(self._server, endpoint, fields)
        answer = http.send(
            request,
            seconds=MAX_DEVICE_SECONDS,
            environ=self._environ,
        )
        if answer.status != 200:
            raise Refused(endpoint, answer)
        code = DeviceCode(answer.json())
        if not code.is_whole:
            raise EndpointError(endpoint, "answered without a device code that can be used")
        return code

    def _poll(self, code: DeviceCode, until: float) -> Tokens:
        """Ask for the tokens until there are some, each time after the interval."""
        fields = {
            "grant_type": _GRANT_TYPE,
            "device_code": code.code,
        }
        interval = code.interval
        failures = 0
        while self._wait(interval, until):
            try:
                return ask_for_tokens(self._server, self._client, fields, self._environ)
            except Refused as refused:
                failures = 0
                interval += _delay(refused)
            except UnusableTokens:
                raise
            except EndpointError:
                failures += 1
                interval *= 2
                if failures > MAX_POLL_FAILURES:
                    raise
        raise _expired()

    def _wait(self, seconds: float, until: float) -> bool:
        """Wait for some seconds; return False if the code has expired before."""
        now = self._clock()
        end = min(until, now + seconds)
        while now < end:
            self._interaction.tick(until - now)
            self._sleep(min(1.0, end - now))
            now = self._clock()
        return end < until


def _delay(refused: Refused) -> float:
    """Return by how many seconds a refusal lengthens the interval.

    :raises LoginError: the login has ended.
    :raises Refused: the server does not take the request.
    """
    if refused.code == "authorization_pending":
        return 0.0
    if refused.code == "slow_down" or refused.status in (429, 503):
        return SLOW_DOWN_SECONDS
    if refused.code == "access_denied":
        raise LoginError("the login was denied in the browser; nothing is stored") from None
    if refused.code == "expired_token":
        raise _expired() from None
    raise refused


def _expired() -> LoginError:
    return LoginError("the code has expired before it was confirmed; nothing is stored")
