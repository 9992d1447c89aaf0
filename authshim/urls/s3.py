"""``s3://`` URLs, the keys of their credentials, and the endpoint of a bucket.

An ``s3://`` URL has no escapes and no query: all behind the bucket is the key of an object, as in
pixi and in AWS's own tools. The key is encoded when the URL of the endpoint is made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import UrlError
from authshim.redact import CONTROL, redact_invalid
from authshim.urls import S3, Key, is_ip, normalise, parse, without_userinfo
from authshim.urls.paths import prefixes
from authshim.urls.url import S3_SCHEME, is_s3

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}"
_LABEL = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_ENDPOINT = r"(?i)https?://[^/?#\\]+(?:/[^?#\\]*)?"

_UNRESERVED = "/~"
"""The characters that AWS leaves as they are, besides those that ``quote`` always leaves."""

_EXPECTED = {
    "endpoint-url": (str, "an http(s) URL"),
    "region": (str, "text"),
    "force-path-style": (bool, "true or false"),
}
"""The options of a bucket, which pixi requires all."""


class S3Url(NamedTuple):
    """An ``s3://`` URL."""

    bucket: str
    path: str
    """An empty string, or a slash and the key of an object as it is written."""

    def __str__(self) -> str:
        return f"{S3_SCHEME}{self.bucket}{self.path}"


class S3Options(NamedTuple):
    """The options of a bucket."""

    bucket: str
    endpoint_url: str
    region: str
    force_path_style: bool
    place: str
    """The table and the file that name them."""

    def url_of(self, path: str) -> str:
        """Return the URL of an object at the endpoint. It has AWS's own percent-encoding."""
        from urllib.parse import quote, urlsplit  # 4 ms, which `authshim auth token` does not need

        parts = urlsplit(self.endpoint_url)
        scheme = parts.scheme
        netloc = parts.netloc
        folder = parts.path.rstrip("/")
        # requests 2.32 drops one of two slashes at the beginning of a path.
        is_doubled = not folder and path.startswith("//")
        is_by_host = self._is_by_host(scheme, parts.hostname or "")
        if is_by_host and not is_doubled:
            netloc = f"{self.bucket}.{netloc}"
        else:
            folder = f"{folder}/{self.bucket}"
        quoted = quote(path or "/", safe=_UNRESERVED)
        return f"{scheme}://{netloc}{folder}{quoted}"

    def _is_by_host(self, scheme: str, host: str) -> bool:
        """Return True if the bucket stands before the host, by the rules of AWS's own clients.

        A certificate covers one label only.
        """
        is_ipv6 = ":" in host
        if self.force_path_style or is_ipv6 or is_ip(host):
            return False
        labels = [self.bucket]
        if scheme == "http":
            labels = self.bucket.split(".")
        return all(re.fullmatch(_LABEL, label) for label in labels)


class BadOptions(Exception):
    """An option that pixi refuses. The message has no value."""


def parse_s3(url: str) -> S3Url:
    """Return the bucket and the path of an ``s3://`` URL.

    :raises UrlError: it is another URL, its bucket is none, or it has a control character.
    """
    if not is_s3(url):
        raise UrlError(redact_invalid(url), "it is not an s3:// URL")
    rest = url[len(S3_SCHEME) :]
    bucket, slash, key = rest.partition("/")
    if not re.fullmatch(_BUCKET, bucket):
        raise UrlError(redact_invalid(url), "it has no bucket, or one with a character of no name")
    if CONTROL.search(key):
        raise UrlError(redact_invalid(url), "it has a control character (a line break, perhaps)")
    return S3Url(bucket, slash + key)


def s3_keys(url: S3Url) -> list[Key]:
    """List the keys of a URL, the most specific first.

    1. ``s3://bucket/path`` by whole segments, the longest first
    2. ``s3://bucket``
    3. ``bucket``, under which pixi stores a login
    """
    bucket = f"{S3_SCHEME}{url.bucket}"
    texts = [bucket + path for path in prefixes(url.path)]
    texts += [bucket, url.bucket]
    return [Key(text, S3) for text in texts]


def read_options(
    bucket: str,
    table: object,
    place: str,
) -> S3Options:
    """Return the options of one bucket.

    :raises BadOptions: one of them is missing or has another type, as pixi would say.
    """
    if not isinstance(table, dict):
        raise BadOptions("expected a table")
    for name, (kind, expected) in _EXPECTED.items():
        value = table.get(name)
        if not isinstance(value, kind):
            raise BadOptions(f"{name}: expected {expected}")
    region = table["region"]
    if CONTROL.search(region) or not region.isascii():
        # It stands in the header that has the signature.
        raise BadOptions("region: expected ASCII without a control character")
    return S3Options(
        bucket,
        endpoint_url=_endpoint(table),
        region=region,
        force_path_style=table["force-path-style"],
        place=place,
    )


def _endpoint(table: Mapping[str, Any]) -> str:
    """Return the URL of the endpoint as it is dialled, without userinfo."""
    text = without_userinfo(table["endpoint-url"])
    if not re.fullmatch(_ENDPOINT, text):
        raise BadOptions("endpoint-url: expected an http(s) URL")
    try:
        parse(text)
    except UrlError as error:
        raise BadOptions(f"endpoint-url: {error.reason}") from None
    return normalise(text)
