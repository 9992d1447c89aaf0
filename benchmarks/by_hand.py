"""List the files of index pages with requests and html.parser.

Usage: ``python -m benchmarks.by_hand URL PACKAGES``.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import requests


class Links(HTMLParser):
    """A parser that keeps the URL of each link."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the URL of a link."""
        if tag == "a":
            self.urls.append(dict(attrs).get("href") or "")


def main(url: str, packages: int) -> int:
    """Return the number of files on the pages of some packages."""
    files = 0
    with requests.Session() as session:
        for number in range(packages):
            response = session.get(f"{url}/package-{number}/", timeout=10)
            response.raise_for_status()
            links = Links()
            links.feed(response.text)
            files += len(links.urls)
    return files


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
