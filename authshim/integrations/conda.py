"""The plugin of conda: the logins of the channels that conda's own configuration names.

conda loads it by its entry point. conda's own netrc, URL logins, tokens and proxies stay.

1. ``conda_request_headers`` serves passwords and tokens without a setting. conda tells it a
   host and a path, but no scheme. So the path must be that of a configured channel, and every
   channel configured there must be https, or http on loopback.
2. ``conda_auth_handlers`` serves conda tokens too, for channels with ``auth: authshim`` in the
   ``channel_settings``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim.credentials import Credential
    from authshim.lookup.chain import Chain

NAME = "authshim"
"""The value of ``auth`` in the channel settings."""

hookimpl = HookimplMarker("conda")


@hookimpl
def conda_request_headers(host: str, path: str) -> Iterator[Any]:
    """Yield the ``Authorization`` header of a configured channel.

    conda keeps the answer for the whole process, so a token is not renewed in the middle.
    """
    from conda.plugins.types import CondaRequestHeader

    from authshim.lookup.unnamed import url_of

    url = url_of(host, path, _channel_urls())
    if url is None:
        return
    credential = _find(url)
    if credential is not None and credential.header is not None:
        yield CondaRequestHeader(name="Authorization", value=credential.header)


@hookimpl
def conda_auth_handlers() -> Iterator[Any]:
    """Yield the handler that channel settings name."""
    from conda.plugins.types import CondaAuthHandler

    yield CondaAuthHandler(name=NAME, handler=_handler())


@cache
def _handler() -> type:
    """Return the handler's class, which conda's session knows by its name."""
    from conda.gateways.connection.session import CondaHttpAuth
    from conda.plugins.types import ChannelAuthBase

    class CondaAuth(CondaHttpAuth, ChannelAuthBase):  # type: ignore[misc]  # conda has no types
        """conda's own authentication, and then authshim's."""

        def __call__(self, request: Any) -> Any:
            """Return the request with a login, unless conda has given it one."""
            return _log_in(super().__call__(request))

    return CondaAuth


def _log_in(request: Any) -> Any:
    from conda.common.url import split_anaconda_token

    _, token = split_anaconda_token(request.url)
    if token or "Authorization" in request.headers:
        return request
    credential = _find(request.url)
    if credential is None:
        return request
    request.url = credential.wire_url(request.url)
    if credential.header is not None:
        request.headers["Authorization"] = credential.header
    return request


def _find(url: str) -> Credential | None:
    from authshim.lookup.unnamed import ask

    return ask(_chain, url)


@cache
def _chain() -> Chain:
    from authshim.lookup.unnamed import make_chain

    return make_chain()


def _channel_urls() -> Iterator[str]:
    """Yield the URLs of the channels in conda's configuration, without their secrets."""
    from conda.base.context import context
    from conda.models.channel import Channel

    channels = [Channel(name) for name in context.channels]
    for channel in (*channels, *context.custom_channels.values()):
        yield from filter(None, channel.base_urls)
