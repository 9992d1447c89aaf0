"""A reader of the header ``WWW-Authenticate`` (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
"""A quoted parameter. Without a closing quote it runs to the end."""

_SCHEME = re.compile(r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+[^ \t=]|[ \t]*\Z)")
"""A word at the beginning of a list element. A parameter has ``=`` behind its name."""


def schemes(header: str) -> frozenset[str]:
    """Return the schemes of all challenges in a header, in lower case.

    >>> sorted(schemes('Bearer realm="basic, digest", Negotiate, basic realm="x"'))
    ['basic', 'bearer', 'negotiate']
    """
    elements = _QUOTED.sub('""', header).split(",")
    matches = (_SCHEME.match(element) for element in elements)
    return frozenset(match[1].lower() for match in matches if match)
