"""The configuration files of pixi, and of all tools that are made with rattler.

A malformed file becomes a sentence in ``PixiConfig.problems``, and the next file is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.files import Unreadable, read_text
from authshim.redact import shorten
from authshim.secret import Secret
from authshim.settings.network import Proxies
from authshim.toml_file import read_toml
from authshim.urls import without_userinfo
from authshim.urls.s3 import BadOptions, S3Options, read_options

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    pairs = zip(above, below)
    values: list[Any] = [upper or lower for upper, lower in pairs]
    return PixiConfig(*values)


def _read(file: ConfigFile) -> PixiConfig:
    """Return the options of one file.

    :raises _Malformed: the file, or one of its values, cannot be used.
    """
    table = read_toml(file.path)
    if table is None:
        if file.must_exist:
            raise _Malformed("there is no such file, but PIXI_CONFIG_FILE names it")
        return PixiConfig()
    if isinstance(table, str):
        raise _Malformed(table)
    document = _Document(file.path, table)
    config = _shared_options(document)
    if file.is_shared:
        return config
    provider = _keyring_provider(document)
    if provider is None:
        return config
    return config._replace(
        keyring_provider=provider,
        keyring_provider_in=document.place("keyring-provider"),
    )


class _Document(NamedTuple):
    """A file, and its tables or one of them."""

    path: str
    table: dict[str, Any]

    def value(self, name: str) -> Any:
        """Return the value of a key. Old versions of pixi wrote it with underscores."""
        older_name = name.replace("-", "_")
        of_older_name = self.table.get(older_name)
        return self.table.get(name, of_older_name)

    def typed(
        self,
        name: str,
        kind: type,
        expected: str,
    ) -> Any:
        """Return the value of a key, or None.

        :raises _Malformed: the value has another type.
        """
        value = self.value(name)
        if value is None or isinstance(value, kind):
            return value
        line = self.line(name)
        raise _Malformed(f"{line}{name}: expected {expected}")

    def section(self, name: str) -> _Document:
        """Return the table of a key, which is empty if the key is missing.

        :raises _Malformed: the value is no table.
        """
        table = self.typed(name, dict, "a table")
        return _Document(self.path, table or {})

    def place(self, key: str) -> str:
        """Return ``FILE:LINE`` of a key, or the file alone."""
        number = self._line_number(key)
        if not number:
            return self.path
        return f"{self.path}:{number}"

    def line(self, key: str) -> str:
        """Return "line N: " for a key, or an empty string."""
        number = self._line_number(key)
        if not number:
            return ""
        return f"line {number}: "

    def _line_number(self, key: str) -> int:
        """Return the line of a key, or 0. The parser does not keep line numbers."""
        name = key.replace("-", "[-_]")
        pattern = re.compile(rf"(?:^|[\[.{{,])\s*[\"']?{name}[\"']?\s*[\].=]")
        try:
            text = read_text(self.path) or ""
        except Unreadable:
            return 0
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if pattern.search(line):
                return number
        return 0


def _shared_options(document: _Document) -> PixiConfig:
    """Return the options that mean the same to all rattler tools."""
    auth_file = document.typed("authentication-override-file", str, "a path")
    mirrors, problems = _mirrors(document)
    config = PixiConfig(
        mirrors=mirrors,
        proxies=_proxies(document),
        tls_no_verify=_tls_no_verify(document),
        s3_options=_s3_options(document),
        problems=problems,
    )
    if not auth_file:
        return config
    return config._replace(auth_file=auth_file, auth_file_in=document.path)


def _tls_no_verify(document: _Document) -> tuple[bool, str] | None:
    value = document.typed("tls-no-verify", bool, "true or false")
    if value is None:
        return None
    return value, document.place("tls-no-verify")


def _keyring_provider(document: _Document) -> str | None:
    pypi = document.section("pypi-config")
    provider = pypi.value("keyring-provider")
    if provider is None:
        return None
    if provider in KEYRING_PROVIDERS:
        return str(provider)
    line = document.line("keyring-provider")
    expected = 'expected "subprocess" or "disabled"'
    raise _Malformed(f"{line}[pypi-config] keyring-provider: {expected}")


def _s3_options(document: _Document) -> tuple[S3Options, ...]:
    buckets = document.section("s3-options")
    found = []
    for bucket, table in buckets.table.items():
        name = f"[s3-options.{shorten(bucket)}]"
        place = f"{name} in {document.path}"
        try:
            options = read_options(bucket, table, place)
        except BadOptions as error:
            line = document.line("s3-options")
            raise _Malformed(f"{line}{name} {error}") from None
        found.append(options)
    return tuple(found)


def _mirrors(document: _Document) -> tuple[tuple[Mirror, ...], tuple[str, ...]]:
    """Return the mirrors, and a sentence about each that has userinfo."""
    table = document.section("mirrors").table
    line = ""
    if table:
        line = document.line("mirrors")
    mirrors = []
    problems = []
    for prefix, targets in table.items():
        if not _is_url(prefix) or not _are_urls(targets):
            raise _Malformed(f"{line}mirrors: expected a URL, and a list of URLs")
        mirror = Mirror(
            prefix=_with_path(without_userinfo(prefix)),
            targets=tuple(map(without_userinfo, targets)),
            file=document.path,
        )
        mirrors.append(mirror)
        if mirror.targets != tuple(targets):
            ignored = "the user:password@ of a mirror is never sent; log in at its host instead"
            problems.append(f"{document.path}: {line}mirrors: {ignored}")
    return tuple(mirrors), tuple(problems)


def _are_urls(values: object) -> bool:
    if not isinstance(values, list):
        return False
    return all(map(_is_url, values))


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return _URL.match(value) is not None


def _with_path(url: str) -> str:
    """Return a URL whose path is at least a slash."""
    from urllib.parse import urlsplit  # 4 ms, which only a mirror needs

    if urlsplit(url).path:
        return url
    return f"{url}/"


def _proxies(document: _Document) -> Proxies | None:
    section = document.section("proxy-config")
    if not section.table:
        return None
    bypassed = section.typed("non-proxy-hosts", list, "a list of hosts")
    hosts = [host for host in bypassed or () if isinstance(host, str)]
    return Proxies(
        http=_proxy(section, "http"),
        https=_proxy(section, "https"),
        bypassed=tuple(hosts),
        file=document.path,
    )


def _proxy(section: _Document, name: str) -> Secret | None:
    url = section.typed(name, str, "a URL")
    if not url:
        return None
    return Secret(url)
