"""Presigned URLs, which carry a signature in their query."""

from __future__ import annotations

_PRESIGNED = (
    {"x-amz-signature"},
    {"x-goog-signature"},
    {"sig", "sv"},
    {"signature", "key-pair-id"},
    {"signature", "awsaccesskeyid"},
    {"signature", "googleaccessid"},
)
"""The query parameters of S3, Google Cloud, Azure SAS, CloudFront, old S3 and old Google."""


def is_presigned(url: str) -> bool:
    """Return True if a URL has a signature. Its server refuses an Authorization header."""
    without_fragment, _, _ = url.partition("#")
    _, _, query = without_fragment.partition("?")
    names = set()
    for pair in query.split("&"):
        name, _, _ = pair.partition("=")
        names.add(name.lower())
    return any(marks <= names for marks in _PRESIGNED)
