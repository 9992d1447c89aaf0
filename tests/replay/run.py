"""A program that installs packages, as far as its requests go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from replay.figures import Figures, figures
from replay.internet import BEGUN
from replay.recording import content_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from replay.internet import Exchange, Internet
    from replay.keyrings import Keyring

_PIXI_TOML = """\
[workspace]
channels = []
platforms = ["linux-64"]

[pypi-options]
extra-index-urls = [{urls}]
"""


def pixi_toml(*urls: str) -> str:
    """Return the manifest of a project with these indexes."""
    return _PIXI_TOML.format(urls=", ".join(f'"{url}"' for url in urls))


class Run:
    """One program's run: a session that is logged in, and what went out of it."""

    def __init__(self, internet: Internet, keyring: Keyring, session: requests.Session) -> None:
        self.internet = internet
        self.keyring = keyring
        self.session = session

    def get(self, url: str, **options: object) -> requests.Response:
        return self.session.get(url, timeout=20, headers={BEGUN: str(len(self.log))}, **options)

    def links(self, index: str, project: str) -> list[str]:
        """Fetch a project's page; return the URLs of its files."""
        response = self.get(f"{index.rstrip('/')}/{project}/")
        response.raise_for_status()
        return [urljoin(response.url, href) for href in re.findall(r'href="([^"]+)"', response.text)]

    def install(self, index: str, projects: Iterable[str]) -> None:
        """Do as an installer does: fetch each project's page and each of its files, which must be whole."""
        for project in projects:
            for link in self.links(index, project):
                response = self.get(link.partition("#")[0])
                response.raise_for_status()
                assert response.content == content_of(link.partition("#")[0].rpartition("/")[2])

    @property
    def log(self) -> list[Exchange]:
        """The session's own requests."""
        return [exchange for exchange in self.internet.log if exchange.ours]

    @property
    def shown(self) -> set[tuple[str, str | None]]:
        """What the session showed, and to whom."""
        return {(exchange.host, exchange.shown) for exchange in self.log}

    @property
    def figures(self) -> Figures:
        secrets = [secret for service in self.internet.services for secret in service.secrets]
        return figures(self.internet.log, len(self.keyring.calls), secrets)
