"""The login at a bucket, with S3 keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.errors import SettingsError
from authshim.login.host import LoginHost
from authshim.urls.s3 import parse_s3

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_ID, SECRET, SESSION = OPTIONS = (
    "--s3-access-key-id",
    "--s3-secret-access-key",
    "--s3-session-token",
)
"""The options of such a login, by pixi's names."""


def parse_bucket(words: str) -> LoginHost:
    """Read ``s3://bucket`` or ``s3://bucket/path``.

    Without a path the key is the bucket, as in rattler (``get_url`` in its ``auth.rs``). With one
    it is the URL, which rattler reads, though its own login cuts it to the bucket.

    :raises UrlError: the bucket is none.
    """
    url = parse_s3(words)
    url = url._replace(path=url.path.rstrip("/"))
    bare = str(url)
    keys = (url.bucket, f"*.{url.bucket}", bare)
    if not url.path:
        return LoginHost(url.bucket, url.bucket, keys, bare)
    warning = f"pixi takes keys of the whole bucket {url.bucket} before these, if there are any"
    return LoginHost(bare, url.bucket, keys, bare, warning)


def check_options(given: Iterable[str], target: LoginHost) -> None:
    """Check that S3 keys, and nothing else, are given for a bucket.

    :param given: the options that tell the kind of a login.
    :raises SettingsError: they do not fit.
    """
    s3 = [option for option in OPTIONS if option in given]
    others = sorted(set(given) - {*OPTIONS})
    if not target.is_bucket:
        if s3:
            raise SettingsError(s3[0], "goes together with s3://BUCKET")
        return
    if others:
        raise SettingsError(others[0], f"s3:// takes S3 keys and nothing else: add {KEY_ID} ID")
    if KEY_ID not in s3:
        name = next(iter(s3), "HOST")
        raise SettingsError(name, f"add {KEY_ID} ID, which names the key")
