"""The parts of a chain, and the settings that it was made by."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.oauth.renewal import Renewer
from authshim.settings.network import Certificates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from authshim.concurrency import Clock
    from authshim.project.manifest import Channel, Index
    from authshim.providers.base import Provider
    from authshim.settings.network import Proxies
    from authshim.urls.s3 import S3Options


class Circumstances(NamedTuple):
    """The settings that decide which next step changes the outcome."""

    override: str = ""
    """The auth file that replaces all other providers, or an empty string."""
    keyring_off: str = ""
    """The setting that switches the keyring command off, or an empty string."""
    absent: tuple[tuple[str, str], ...] = ()
    """The providers that are not asked, each with the reason."""
    certificates: Certificates = Certificates()
    """The trusted certificates for the sessions of the commands."""
    proxies: Proxies | None = None
    """pixi's proxy-config, for the sessions of the commands."""
    tls_no_verify: str = ""
    """FILE:LINE of pixi's tls-no-verify, which authshim does not obey."""
    s3_options: Mapping[str, S3Options] = MappingProxyType({})
    """The options of the buckets, by name. Those of the project override pixi's configuration."""


class Setup(NamedTuple):
    """The parts of a chain."""

    providers: Sequence[Provider]
    indexes: Sequence[Index]
    channels: Sequence[Channel]
    renewer: Renewer
    note: str = ""
    """A sentence about an override file, or an empty string."""
    options: Mapping[str, Any] = MappingProxyType({})
    """The options that make an equal chain in another process."""
    circumstances: Circumstances = Circumstances()


def setup_of(
    providers: Iterable[Provider],
    indexes: Iterable[Index],
    channels: Iterable[Channel],
    clock: Clock,
) -> Setup:
    """Return the parts of a chain of providers of one's own."""
    options: dict[str, Any] = {
        "providers": tuple(providers),
        "indexes": tuple(indexes),
        "channels": tuple(channels),
    }
    renewer = Renewer(clock=clock)
    return Setup(**options, renewer=renewer, options=options)
