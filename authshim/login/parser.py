"""The reading of a place to log in at.

The rules are pixi's (``get_url`` and ``logout_candidate_keys`` in rattler's ``auth.rs``). Keys with
a port or a path are not, and are kept as they are.
"""

from __future__ import annotations

import re

from authshim.errors import AuthshimError, SettingsError, UrlError
from authshim.login.host import LoginHost, port_of
from authshim.redact import SPACE_OR_CONTROL, shown_user
from authshim.urls import parse
from authshim.urls.url import is_s3

_PLAIN = r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*"
_ADDRESS = r"[0-9.]+|\[.*\]"
_NO_HOST = r"[@*?#\\]"
_ONE_SLASH = r"[A-Za-z][A-Za-z0-9+.-]*:/"
_NOT_FOR_PIXI = "pixi does not read keys with a port or a path; authshim does"

_CHANNELS_AT = {"anaconda.org": "conda.anaconda.org"}
"""The hosts of the channels of services whose own host serves none."""


def parse_login_host(words: str) -> LoginHost:
    """Read a host, ``*.host``, ``host:port``, ``host/path``, ``s3://bucket``, or another URL.

    The latter is cut to its host.

    A host with exactly one dot becomes ``*.host``: a login at prefix.dev is for repo.prefix.dev
    too. A dot at the end of a host is dropped, because such a key would match nothing in pixi.

    :raises SettingsError: the words are none of these, or no URL of the service has this path.
    :raises UrlError: the URL has no host.
    """
    if "://" in words:
        return _of_url(words)
    netloc, _, path = words.partition("/")
    netloc = netloc.lower()
    if not re.fullmatch(_PLAIN, netloc):
        if re.match(_ONE_SLASH, words):
            raise SettingsError("HOST", "a URL has two slashes behind its scheme: https://HOST")
        netloc = _dialled(netloc)
    path = path.strip("/")
    if not path:
        return target_at(netloc, "")
    has_query = "?" in path or "#" in path
    if has_query or SPACE_OR_CONTROL.search(path):
        raise SettingsError("HOST", "expected a path without blanks and query")
    return target_at(netloc, f"/{path}")


def parse_logout_host(words: str) -> LoginHost:
    """Read the host of a logout: any key of a store, and all that a login takes.

    The words as they were given are among the keys. A file may have been written by hand, and
    pixi keeps a name in capitals, or with a slash behind it, unchanged.
    """
    try:
        target = parse_login_host(words)
    except AuthshimError:
        return LoginHost(words, "", (words, f"*.{words}"), "")
    keys = dict.fromkeys((*target.keys, words, f"*.{words}"))
    return target._replace(keys=tuple(keys))


def _of_url(words: str) -> LoginHost:
    if is_s3(words):
        from authshim.login.bucket import parse_bucket

        return parse_bucket(words)
    url = parse(words)
    host = url.host.removesuffix(".")
    target = target_at(host, "")
    shown = f"{url.scheme}://{url.netloc}{url.path}"
    username = shown_user(url.username or "")
    return target._replace(url=shown, username=username)


def _dialled(netloc: str) -> str:
    """Return a host with a port, an IPv6 address or a name in Unicode as it is dialled."""
    bare = netloc.removeprefix("*.")
    wildcard = netloc[: len(netloc) - len(bare)]
    is_ipv6 = bare.count(":") > 1
    if is_ipv6 and "[" not in bare:
        bare = f"[{bare}]"
    host = _host_of(bare)
    port = port_of(bare)
    if not host or (wildcard and port):
        raise SettingsError("HOST", "expected a host, *.host, host:port, host/path or a URL")
    return f"{wildcard}{host}{port}"


def _host_of(netloc: str) -> str:
    """Return the host as it is dialled, or an empty string if there is none."""
    if re.search(_NO_HOST, netloc):
        return ""
    try:
        host = parse(f"https://{netloc}/").host
        return host.removesuffix(".")
    except UrlError:
        return ""


def target_at(netloc: str, path: str) -> LoginHost:
    """Return the place of a host, which may have a wildcard or a port, and of a path.

    :raises SettingsError: no login can be for it.
    """
    port = port_of(netloc)
    host = netloc[: len(netloc) - len(port)]
    bare = host.removeprefix("*.")
    if host != bare and (port or path):
        raise SettingsError("HOST", "expected a wildcard without a port or a path")
    if port or path:
        _check_path(bare, path)
        return _exactly(bare, port, path)
    wildcard = f"*.{bare}"
    key = host
    if _is_widened(bare):
        key = wildcard
    return LoginHost(
        key,
        host=bare,
        keys=(bare, wildcard),
        url=f"https://{bare}/",
    )


def _exactly(
    host: str,
    port: str,
    path: str,
) -> LoginHost:
    """Return the place of a port or a path, which pixi has no keys for."""
    key = f"{host}{port}{path}"
    return LoginHost(
        key,
        host=host,
        keys=(key, f"*.{key}"),
        url=f"https://{key}/",
        warning=_NOT_FOR_PIXI,
    )


def _is_widened(host: str) -> bool:
    """Return True for a name with exactly one dot."""
    if host.count(".") != 1:
        return False
    return not re.fullmatch(_ADDRESS, host)


def _check_path(host: str, path: str) -> None:
    """Raise an error for a service whose channels have another host."""
    channels = _CHANNELS_AT.get(host)
    if path and channels is not None:
        reason = f"{host} itself serves no channel; log in at {channels}{path} or at {host}"
        raise SettingsError("HOST", reason)
