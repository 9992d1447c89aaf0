"""A program that installs packages, as far as its requests go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable
from urllib.parse import urljoin, urlsplit

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
channels = [{channels}]
platforms = ["linux-64"]

[pypi-options]
extra-index-urls = [{urls}]
"""


def pixi_toml(*urls: str, username: str = "", channels: Iterable[str] = ()) -> str:
    """Return the manifest of a project with these indexes and channels.

    :param username: of the indexes, where their vendor wants one.
    """
    userinfo = f"{username}@" if username else ""
    indexes = ", ".join(f'"{url}"'.replace("://", f"://{userinfo}", 1) for url in urls)
    return _PIXI_TOML.format(
        urls=indexes, channels=", ".join(f'"{channel}"' for channel in channels)
    )


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
        return [
            urljoin(response.url, href) for href in re.findall(r'href="([^"]+)"', response.text)
        ]

    def install(self, index: str, projects: Iterable[str]) -> None:
        """Do as an installer does: fetch each project's page and its files, which must be whole."""
        for project in projects:
            for link in self.links(index, project):
                response = self.get(link.partition("#")[0])
                response.raise_for_status()
                assert response.content == content_of(urlsplit(link).path.rpartition("/")[2])

    def create(
        self,
        channel: str,
        packages: Iterable[str],
        *,
        subdirs: Iterable[str] = ("linux-64", "noarch"),
        held: Callable[[str], bytes] = content_of,
    ) -> None:
        """Do as pixi does with a channel: fetch each subdir's list and its packages, all whole."""
        for subdir in subdirs:
            repodata = self.get(f"{channel}/{subdir}/repodata.json.zst")
            if repodata.status_code == 404:
                repodata = self.get(f"{channel}/{subdir}/repodata.json")
            repodata.raise_for_status()
        for package in packages:
            response = self.get(f"{channel}/noarch/{package}")
            response.raise_for_status()
            assert response.content == held(package)

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
