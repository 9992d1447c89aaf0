"""The JSON of a page of an index (PEP 691)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from authshim.index.links import HASH, Unreadable, check_version

if TYPE_CHECKING:
    from authshim.index.links import Entry, Hashes


def read(body: bytes) -> tuple[str, list[Entry]]:
    """Return the version of the API, and the files as the page lists them.

    :raises Unreadable: the body is no page of an index.
    """
    try:
        # Python takes the square of the number of digits for an int.
        document = json.loads(body, parse_int=float)
        version = document["meta"]["api-version"]
        entries = [_entry(each) for each in document["files"]]
        check_version(version)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _unreadable(body) from None
    return version, entries


def _unreadable(body: bytes) -> Unreadable:
    """Return the error for a body that is no page."""
    if body.lstrip().startswith(b"<"):
        return Unreadable("it answered HTML and called it JSON")
    return Unreadable("its page is no JSON of the Simple API")


def _entry(entry: dict[str, Any]) -> Entry:
    """Return a file as a page lists it, with its URL as written there.

    :raises TypeError: a value is of another type than PEP 691 says.
    """
    filename = entry["filename"]
    url = entry["url"]
    requires_python = entry.get("requires-python")
    for value in (filename, url, requires_python or ""):
        if not isinstance(value, str):
            raise TypeError
    is_yanked = bool(entry.get("yanked"))
    hashes = _hashes(entry["hashes"])
    return filename, url, requires_python, hashes, is_yanked


def _hashes(digests: dict[str, Any]) -> Hashes:
    """Return the digests of a file by algorithm, without those that are none."""
    found = []
    for name, digest in digests.items():
        if HASH.fullmatch(f"{name}={digest}"):
            found.append((str(name), str(digest)))
    return tuple(sorted(found))
