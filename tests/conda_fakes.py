"""Fakes of the modules of conda that its plugin meets. conda is not on PyPI.

They do what conda 26.7 does: its session asks the hooks for headers, and its own authentication
reads the URL and netrc. ``Channel`` knows nothing but full URLs.
"""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pluggy
import requests
from requests.auth import AuthBase, _basic_auth_str
from requests.utils import get_auth_from_url, get_netrc_auth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

spec = pluggy.HookspecMarker("conda")


class Specs:
    """The hooks of conda that are served."""

    @spec
    def conda_request_headers(self, host: str, path: str) -> Any:
        """Register new HTTP request headers."""

    @spec
    def conda_auth_handlers(self) -> Any:
        """Register a conda auth handler derived from the requests API."""


class Item(NamedTuple):
    """A CondaRequestHeader or a CondaAuthHandler."""

    name: str
    value: str = ""
    handler: Any = None


class CondaHttpAuth(AuthBase):
    """conda's authentication: the URL, or netrc, and a hook for proxies."""

    def __call__(self, request: Any) -> Any:
        login = get_auth_from_url(request.url)
        if not any(login):
            login = get_netrc_auth(request.url)
        if login is not None:
            request.headers["Authorization"] = _basic_auth_str(*login)
        request.register_hook("response", self.handle_407)
        return request

    def handle_407(self, response: Any, **options: Any) -> None:
        """Do nothing."""


class ChannelAuthBase(AuthBase):
    """The base of handlers, which conda's session names by their channel."""

    def __init__(self, channel_name: str) -> None:
        self.channel_name = channel_name


class CondaSession(requests.Session):
    """A session of conda."""

    def __init__(self, hook: Any, auth: AuthBase | None = None) -> None:
        super().__init__()
        self.auth = auth or CondaHttpAuth()
        self._hook = hook

    def prepare_request(self, request: Any) -> Any:
        url = urlsplit(request.url)
        items = all_items(self._hook.conda_request_headers(host=url.netloc, path=url.path))
        found = {item.name: item.value for item in items}
        request.headers = {**found, **(request.headers or {})}
        return super().prepare_request(request)


def all_items(answers: Any) -> Iterator[Any]:
    """Yield the items of all plugins, as conda collects them."""
    for items in answers:
        yield from items


def split_anaconda_token(url: str) -> tuple[str, str | None]:
    found = re.search("/t/([^/]+)", url)
    return url, found and found.group(1)


def modules(channels: Sequence[str]) -> dict[str, ModuleType]:
    """Return the modules of a conda that is configured with these channels."""
    contents = {
        "conda.plugins.types": {
            "CondaRequestHeader": Item,
            "CondaAuthHandler": Item,
            "ChannelAuthBase": ChannelAuthBase,
        },
        "conda.gateways.connection.session": {"CondaHttpAuth": CondaHttpAuth},
        "conda.common.url": {"split_anaconda_token": split_anaconda_token},
        "conda.base.context": {"context": SimpleNamespace(channels=channels, custom_channels={})},
        "conda.models.channel": {"Channel": lambda name: SimpleNamespace(base_urls=(name, None))},
    }
    made = {name: ModuleType(name) for name in contents}
    for name, module in made.items():
        module.__dict__.update(contents[name])
    return made


def put_into_process(channels: Sequence[str]) -> None:
    """Let this process have a conda; a test takes ``monkeypatch`` instead."""
    sys.modules.update(modules(channels))


def manager() -> pluggy.PluginManager:
    """Return conda's plugin manager, without a plugin."""
    made = pluggy.PluginManager("conda")
    made.add_hookspecs(Specs)
    return made
