"""Checks for mistakes in an auth file: keys that match no URL, and values that are placeholders."""

from __future__ import annotations

import re

from authshim.redact import is_unfilled
from authshim.urls.url import S3_SCHEME

_PLAIN_NAME = r"[\w.-]*"
"""A key with none of the characters in the patterns below. Most keys are such names."""

_DEAD_KEYS = (
    (r"[^/]*:(?:/|\Z)", "is a URL and matches nothing; write the host alone"),
    (r"\s|.*\s\Z", "has a blank at an end and matches nothing; write it without"),
    (r"[^/]*@", "has a username and matches nothing; write the host alone"),
    (r".*[?#]", "has a query and matches nothing; write the host, or the host and a path"),
    (r"\*\Z", "matches nothing; name a host behind it"),
    (r"\*\.[^/*]*/", "has a wildcard and a path, and matches nothing; write one without the other"),
    (r"[^*]*/.*\*", "matches nothing; a key covers all paths below its own, so leave the * out"),
    (r"\*[^.]|.+\*", "matches nothing; a * stands only at the beginning, as in *.h.example"),
    (r".*:(?![0-9]+(?:/|\Z))[^/:\]]*(?:/|\Z)", "has a port that is no number and matches nothing"),
)
"""The forms of keys that match no URL, with the reason. rattler ignores the same keys silently."""


def why_key_never_matches(key: str, entry: object) -> str:
    """Return the reason why a key matches no URL, or an empty string."""
    if re.fullmatch(_PLAIN_NAME, key):
        return ""
    if key.startswith(S3_SCHEME):
        # rattler's storage.rs looks s3:// URLs up whole, then without their last segments.
        if isinstance(entry, dict) and "S3Credentials" in entry:
            return ""
        return "is for s3:// URLs, which take S3Credentials only"
    for pattern, reason in _DEAD_KEYS:
        if re.match(pattern, key):
            return reason
    return ""


def unfilled_field(entry: object) -> str:
    """Return the name of the first field that holds only a placeholder, or an empty string."""
    if not isinstance(entry, dict) or len(entry) != 1:
        return ""
    kind, value = next(iter(entry.items()))
    fields = {kind: value}
    if isinstance(value, dict):
        fields = value
    for name, text in fields.items():
        if isinstance(text, str) and is_unfilled(text):
            return str(name)
    return ""
