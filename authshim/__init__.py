"""Log in once, and every Python program is logged in.

    import authshim
    session = authshim.install(requests.Session())

The names come when they are first used (PEP 562), so that ``import authshim`` costs nothing
and the command line need not import requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authshim.credentials import BasicHTTP as BasicHTTP
    from authshim.credentials import BearerToken as BearerToken
    from authshim.credentials import CondaToken as CondaToken
    from authshim.credentials import Credential as Credential
    from authshim.credentials import OAuth as OAuth
    from authshim.credentials import S3Credentials as S3Credentials
    from authshim.errors import AuthshimError as AuthshimError
    from authshim.errors import CredentialError as CredentialError
    from authshim.errors import InstallError as InstallError
    from authshim.errors import LoginError as LoginError
    from authshim.errors import ManifestError as ManifestError
    from authshim.errors import ProviderError as ProviderError
    from authshim.errors import ProviderMissing as ProviderMissing
    from authshim.errors import ProviderUnlisted as ProviderUnlisted
    from authshim.errors import S3Error as S3Error
    from authshim.errors import SettingsError as SettingsError
    from authshim.errors import StoreError as StoreError
    from authshim.errors import UrlError as UrlError
    from authshim.lookup.chain import Chain as Chain
    from authshim.lookup.trace import Found as Found
    from authshim.lookup.trace import Trace as Trace
    from authshim.project.manifest import Channel as Channel
    from authshim.project.manifest import Index as Index
    from authshim.project.manifest import Manifest as Manifest
    from authshim.providers.base import Provider as Provider
    from authshim.providers.base import Store as Store
    from authshim.transport.adapter import AuthAdapter as AuthAdapter
    from authshim.transport.session import install as install

_HOMES = {
    "credentials": (
        "BasicHTTP",
        "BearerToken",
        "CondaToken",
        "Credential",
        "OAuth",
        "S3Credentials",
    ),
    "errors": (
        "AuthshimError",
        "CredentialError",
        "InstallError",
        "LoginError",
        "ManifestError",
        "ProviderError",
        "ProviderMissing",
        "ProviderUnlisted",
        "S3Error",
        "SettingsError",
        "StoreError",
        "UrlError",
    ),
    "lookup.chain": ("Chain",),
    "lookup.trace": ("Found", "Trace"),
    "project.manifest": ("Channel", "Index", "Manifest"),
    "providers.base": ("Provider", "Store"),
    "transport.adapter": ("AuthAdapter",),
    "transport.session": ("install",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - a list, made of the table above


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'authshim' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"authshim.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_HOME_OF]
