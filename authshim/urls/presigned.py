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
    query = url.partition("#")[0].partition("?")[2]
    names = {pair.partition("=")[0].lower() for pair in query.split("&")}
    return any(marks <= names for marks in _PRESIGNED)
