"""A browser for the pages of npm's oidc-provider, and the user who sits at it.

``python browser.py URL [cancel] [SECONDS]`` is a program for ``BROWSER``: it signs in and
consents, or cancels. It waits SECONDS before it goes to the redirect URI.
"""

from __future__ import annotations

import sys
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

USER = "ada"


class Page(HTMLParser):
    """The first form of a page, and the link by which its login is cancelled."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.abort: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given["action"]
        elif tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "a" and given.get("href", "").endswith("/abort"):
            self.abort = given["href"]


class Browser:
    """A browser with cookies of its own.

    :param pause: in seconds, before it leaves the provider for the redirect URI.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.hooks["response"].append(self._wait)
        self._pause = pause

    def log_in(self, url: str) -> str:
        """Fill in every form until there is none; return the last page."""
        response = self._session.get(url, timeout=90)
        while (page := Page(response.text)).action:
            filled = {"login": USER, "password": "any", **page.fields}
            response = self._session.post(
                urljoin(response.url, page.action), data=filled, timeout=90
            )
        return response.text

    def cancel(self, url: str) -> str:
        """Cancel the first login that a page asks for; return the last page."""
        response = self._session.get(url, timeout=90)
        page = Page(response.text)
        while page.abort is None:
            response = self._session.post(
                urljoin(response.url, page.action), data=page.fields, timeout=90
            )
            page = Page(response.text)
        return self._session.get(urljoin(response.url, page.abort), timeout=90).text

    def _wait(self, response: requests.Response, **_options: Any) -> None:
        location = urljoin(response.url, response.headers.get("Location", ""))
        if urlsplit(location).netloc != urlsplit(response.url).netloc:
            time.sleep(self._pause)


def main(url: str, *words: str) -> None:
    """Do what a user does."""
    seconds = [float(word) for word in words if word != "cancel"]
    browser = Browser(*seconds)
    if "cancel" in words:
        browser.cancel(url)
    else:
        browser.log_in(url)


if __name__ == "__main__":
    main(*sys.argv[1:])
