"""Read the header ``WWW-Authenticate`` (RFC 9110, section 11.6.1), and choose keys by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim.oauth.identity import MINT_PATH, is_prefix_dev
from authshim.urls import DEFAULT, IDENTITY, JOB, Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.urls.url import Url

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
"""A quoted parameter. Without a closing quote it runs to the end."""

_SCHEME = re.compile(r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+[^ \t=]|[ \t]*\Z)")
"""A word at the beginning of a list element. A parameter has ``=`` behind its name."""


def schemes(header: str) -> frozenset[str]:
    """Return the schemes of all challenges in a header, in lower case.

    >>> sorted(schemes('Bearer realm="basic, digest", Negotiate, basic realm="x"'))
    ['basic', 'bearer', 'negotiate']
    """
    found = set()
    without_values = _QUOTED.sub('""', header)
    for element in without_values.split(","):
        match = _SCHEME.match(element)
        if match is not None:
            found.add(match[1].lower())
    return frozenset(found)


def answering(
    keys: Iterable[Key],
    header: str,
) -> list[Key]:
    """Return the keys that fit a challenge: a default for Basic, an identity for Bearer."""
    asked = schemes(header)
    unfit = set()
    if "basic" not in asked:
        unfit.add(DEFAULT)
    if "bearer" not in asked:
        unfit.add(IDENTITY)
    return [key for key in keys if key.kind not in unfit]


def ci_keys(url: Url) -> tuple[Key, ...]:
    """Return the keys of a CI job's token and identity for an origin. They go over https only."""
    if url.scheme != "https":
        return ()
    job = Key(f"{url.host}:{url.port}", JOB)
    if url.username is not None or not is_prefix_dev(url.host):
        return (job,)
    mint_url = url._replace(path=MINT_PATH)
    identity = Key(mint_url.prefix, IDENTITY)
    return (job, identity)
