"""The inventories of other projects' documentation, without network.

Sphinx reads an inventory to link a name to a page. These hold the names that authshim's own pages
use. The page of httpx is not made by Sphinx and has no inventory of its own.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = {
    "requests": (
        "https://requests.readthedocs.io/en/latest/",
        {
            "requests": ("module", "api/"),
            "requests.Session": ("class", "api/#requests.Session"),
            "requests.Response": ("class", "api/#requests.Response"),
            "requests.PreparedRequest": ("class", "api/#requests.PreparedRequest"),
            "requests.adapters.BaseAdapter": ("class", "api/#requests.adapters.BaseAdapter"),
            "requests.adapters.HTTPAdapter": ("class", "api/#requests.adapters.HTTPAdapter"),
            "requests.auth.AuthBase": ("class", "api/#requests.auth.AuthBase"),
            "requests.RequestException": ("exception", "api/#requests.RequestException"),
        },
    ),
    "httpx": (
        "https://www.python-httpx.org/",
        {
            "httpx": ("module", ""),
            "httpx.Client": ("class", "api/#client"),
            "httpx.AsyncClient": ("class", "api/#asyncclient"),
            "httpx.BaseTransport": ("class", "advanced/transports/#custom-transports"),
            "httpx.AsyncBaseTransport": ("class", "advanced/transports/#custom-transports"),
            "httpx.Request": ("class", "api/#request"),
            "httpx.Response": ("class", "api/#response"),
        },
    ),
    "python": (
        "https://docs.python.org/3/",
        {
            "ValueError": ("exception", "library/exceptions.html#ValueError"),
            "Exception": ("exception", "library/exceptions.html#Exception"),
            "pathlib.Path": ("class", "library/pathlib.html#pathlib.Path"),
            "collections.abc.Mapping": (
                "class",
                "library/collections.abc.html#collections.abc.Mapping",
            ),
            "urllib.request.BaseHandler": (
                "class",
                "library/urllib.request.html#urllib.request.BaseHandler",
            ),
        },
    ),
}
"""The address of each site; and for each name its kind, and its page on that site."""

_HEAD = """\
# Sphinx inventory version 2
# Project: {name}
# Version:
# The remainder of this file is compressed using zlib.
"""


def mapping(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories into a folder, and return the ``intersphinx_mapping``."""
    found = {}
    for project, (address, names) in PROJECTS.items():
        path = folder / f"{project}.inv"
        lines = [f"{name} py:{kind} 1 {page} -\n" for name, (kind, page) in names.items()]
        path.write_bytes(
            _HEAD.format(name=project).encode() + zlib.compress("".join(lines).encode())
        )
        found[project] = (address, str(path))
    return found
