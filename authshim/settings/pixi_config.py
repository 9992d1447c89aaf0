"""The configuration files of pixi, and of all tools that are made with rattler.

A malformed file becomes a sentence in ``PixiConfig.problems``, and the next file is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.files import Unreadable, read_text, read_toml
from authshim.redact import shorten
from authshim.secret import Secret
from authshim.settings.network import Proxies
from authshim.urls import without_userinfo
from authshim.urls.s3 import BadOptions, S3Options, read_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEYRING_PROVIDERS = ("subprocess", "disabled")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]")


class ConfigFile(NamedTuple):
    """A candidate, which need not exist."""

    path: str
    must_exist: bool = False
    is_shared: bool = False
    """True for a file of all rattler tools, in which pixi's own keys mean nothing."""


class Mirror(NamedTuple):
    """An entry of ``[mirrors]``: a prefix of URLs, and the URLs that replace it."""

    prefix: str
    targets: tuple[str, ...]
    """Without userinfo, which pixi never sends."""
    file: str


class PixiConfig(NamedTuple):
    """The options of all configuration files together."""

    auth_file: str | None = None
    auth_file_in: str = ""
    keyring_provider: str | None = None
    keyring_provider_in: str = ""
    """FILE:LINE."""
    mirrors: tuple[Mirror, ...] = ()
    proxies: Proxies | None = None
    tls_no_verify: tuple[bool, str] | None = None
    """The value and its FILE:LINE."""
    s3_options: tuple[S3Options, ...] = ()
    problems: tuple[str, ...] = ()


class _Malformed(Exception):
    """A value that pixi would refuse."""


def read_config(files: Iterable[ConfigFile]) -> PixiConfig:
    """Read configuration files, the one with the highest precedence first."""
    config = PixiConfig()
    problems: list[str] = []
    mirrors: dict[str, Mirror] = {}
    buckets: dict[str, S3Options] = {}
    for file in files:
        try:
            found = _read(file)
        except _Malformed as error:
            problems.append(f"{file.path}: {error}")
            continue
        problems += found.problems
        for mirror in found.mirrors:
            mirrors.setdefault(mirror.prefix, mirror)
        for options in found.s3_options:
            buckets.setdefault(options.bucket, options)
        config = _merge(config, found)
    return config._replace(
        mirrors=tuple(mirrors.values()),
        s3_options=tuple(buckets.values()),
        problems=tuple(problems),
    )


def _merge(above: PixiConfig, below: PixiConfig) -> PixiConfig:
    """Return the options of two files. Those of the first one override the others."""
    values: list[Any] = [upper or lower for upper, lower in zip(above, below)]
    return PixiConfig(*values)


def _read(file: ConfigFile) -> PixiConfig:
    """Return the options of one file.

    :raises _Malformed: the file, or one of its values, cannot be used.
    """
    path = file.path
    document = read_toml(path)
    if document is None:
        if file.must_exist:
            raise _Malformed("there is no such file, but PIXI_CONFIG_FILE names it")
        return PixiConfig()
    if isinstance(document, str):
        raise _Malformed(document)
    config = _shared_options(document, path)
    if file.is_shared:
        return config
    provider = _keyring_provider(document, path)
    if provider is None:
        return config
    return config._replace(
        keyring_provider=provider,
        keyring_provider_in=_place(path, "keyring-provider"),
    )


def _shared_options(
    document: Mapping[str, Any],
    path: str,
) -> PixiConfig:
    """Return the options that mean the same to all rattler tools."""
    auth_file = _typed(document, "authentication-override-file", str, "a path", path)
    mirrors, problems = _mirrors(document, path)
    config = PixiConfig(
        mirrors=mirrors,
        proxies=_proxies(document, path),
        s3_options=_s3_options(document, path),
        problems=problems,
    )
    if auth_file:
        config = config._replace(auth_file=auth_file, auth_file_in=path)
    no_verify = _typed(document, "tls-no-verify", bool, "true or false", path)
    if no_verify is not None:
        place = _place(path, "tls-no-verify")
        config = config._replace(tls_no_verify=(no_verify, place))
    return config


def _keyring_provider(
    document: Mapping[str, Any],
    path: str,
) -> str | None:
    pypi = _typed(document, "pypi-config", dict, "a table", path) or {}
    provider = _value(pypi, "keyring-provider")
    if provider is None:
        return None
    if provider in KEYRING_PROVIDERS:
        return str(provider)
    line = _line(path, "keyring-provider")
    expected = 'expected "subprocess" or "disabled"'
    raise _Malformed(f"{line}[pypi-config] keyring-provider: {expected}")


def _s3_options(
    document: Mapping[str, Any],
    path: str,
) -> tuple[S3Options, ...]:
    tables = _typed(document, "s3-options", dict, "a table", path) or {}
    found = []
    for bucket, table in tables.items():
        name = f"[s3-options.{shorten(bucket)}]"
        try:
            found.append(read_options(bucket, table, f"{name} in {path}"))
        except BadOptions as error:
            raise _Malformed(f"{_line(path, 's3-options')}{name} {error}") from None
    return tuple(found)


def _mirrors(
    document: Mapping[str, Any],
    path: str,
) -> tuple[tuple[Mirror, ...], tuple[str, ...]]:
    """Return the mirrors, and a sentence about each that has userinfo."""
    table = _typed(document, "mirrors", dict, "a table", path) or {}
    line = ""
    if table:
        line = _line(path, "mirrors")
    mirrors = []
    problems = []
    for prefix, targets in table.items():
        if not isinstance(targets, list) or not all(map(_is_url, [prefix, *targets])):
            raise _Malformed(f"{line}mirrors: expected a URL, and a list of URLs")
        bare_prefix = _with_path(without_userinfo(prefix))
        bare = tuple(map(without_userinfo, targets))
        mirrors.append(Mirror(bare_prefix, bare, path))
        if bare != tuple(targets):
            ignored = "the user:password@ of a mirror is never sent; log in at its host instead"
            problems.append(f"{path}: {line}mirrors: {ignored}")
    return tuple(mirrors), tuple(problems)


def _is_url(value: object) -> bool:
    return isinstance(value, str) and _URL.match(value) is not None


def _with_path(url: str) -> str:
    """Return a URL whose path is at least a slash."""
    from urllib.parse import urlsplit  # 4 ms, which only a mirror needs

    if urlsplit(url).path:
        return url
    return f"{url}/"


def _proxies(document: Mapping[str, Any], path: str) -> Proxies | None:
    table = _typed(document, "proxy-config", dict, "a table", path)
    if not table:
        return None
    bypassed = _typed(table, "non-proxy-hosts", list, "a list of hosts", path) or []
    hosts = tuple(host for host in bypassed if isinstance(host, str))
    return Proxies(
        http=_proxy(table, "http", path),
        https=_proxy(table, "https", path),
        bypassed=hosts,
        file=path,
    )


def _proxy(
    table: Mapping[str, Any],
    name: str,
    path: str,
) -> Secret | None:
    url = _typed(table, name, str, "a URL", path)
    if not url:
        return None
    return Secret(url)


def _typed(
    table: Mapping[str, Any],
    name: str,
    kind: type,
    expected: str,
    path: str,
) -> Any:
    """Return a value of a table, or None.

    :raises _Malformed: the value has another type.
    """
    value = _value(table, name)
    if value is None or isinstance(value, kind):
        return value
    raise _Malformed(f"{_line(path, name)}{name}: expected {expected}")


def _value(table: Mapping[str, Any], name: str) -> Any:
    """Return the value of a key. Old versions of pixi wrote it with underscores."""
    return table.get(name, table.get(name.replace("-", "_")))


def _place(path: str, key: str) -> str:
    """Return ``FILE:LINE`` of a key, or the file alone."""
    number = _line_number(path, key)
    if not number:
        return path
    return f"{path}:{number}"


def _line(path: str, key: str) -> str:
    """Return "line N: " for a key, or an empty string."""
    number = _line_number(path, key)
    if not number:
        return ""
    return f"line {number}: "


def _line_number(path: str, key: str) -> int:
    """Return the line of a key, or 0. The parser does not keep line numbers."""
    name = key.replace("-", "[-_]")
    pattern = re.compile(rf"(?:^|[\[.{{,])\s*[\"']?{name}[\"']?\s*[\].=]")
    try:
        lines = (read_text(path) or "").splitlines()
    except Unreadable:
        return 0
    for number, line in enumerate(lines, 1):
        if pattern.search(line):
            return number
    return 0
