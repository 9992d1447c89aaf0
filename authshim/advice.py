"""What to do next about an index or channel that does not let its user in: the exact command."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim.urls import cut_after_simple, parse, redact, without_userinfo

if TYPE_CHECKING:
    from authshim.trace import Found
    from authshim.urls import Url


class Vendor(NamedTuple):
    """A service whose credentials come from a program of its own."""

    hosts: tuple[str, ...]
    """Endings of host names."""
    username: str
    """What its index URLs are written with, so that the keyring command is asked."""
    backend: str
    """The keyring back end that knows it, on PyPI."""
    login: str
    """The command that logs its user in."""


VENDORS = (
    Vendor(("-python.pkg.dev",), "oauth2accesstoken", "keyrings.google-artifactregistry-auth", "gcloud auth login"),
    Vendor(("pkgs.dev.azure.com", ".pkgs.visualstudio.com"), "VssSessionToken", "keyrings.artifacts", "az login"),
    Vendor((".amazonaws.com",), "aws", "keyrings.codeartifact", "aws sso login"),
)
"""The specification names the first two; their usernames and the third are the back ends' own words."""


def vendor_of(host: str) -> Vendor | None:
    """Return the vendor whose host this is."""
    return next((vendor for vendor in VENDORS if host.endswith(vendor.hosts)), None)


def log_in(url: str, username: str | None, *, by_keyring: bool) -> str:
    """Say how to give a credential for a URL that asks for one.

    :param by_keyring: it is an index, and the keyring command is asked.
    """
    from shlex import quote

    parsed = parse(url)
    vendor = vendor_of(parsed.host) if by_keyring else None
    if vendor is None:
        keyring = by_keyring and username and username.isprintable()
        return f"keyring set {quote(redact(url))} {quote(username or '')}" if keyring else login_command(parsed)
    if username is None:
        return f"write {vendor.username}@ before {parsed.host} in the index URL, then: {vendor.login}"
    return f"{vendor.login}   (once before: pipx inject keyring {vendor.backend})"


def log_in_at(url: str, username: str | None, *, asks_keyring: bool) -> str:
    """Say how to give a credential for any URL, of an index or below one."""
    bare = without_userinfo(url)
    index = cut_after_simple(bare)
    parsed = parse(url)
    by_keyring = asks_keyring and (index is not None or vendor_of(parsed.host) is not None)
    return log_in(index or bare, username or parsed.username, by_keyring=by_keyring)


def log_in_again(url: str, found: Found) -> str:
    """Say how to replace a credential that was refused, where it is kept."""
    if found.provider == "keyring command":
        return log_in(url, getattr(found.credential, "username", None), by_keyring=True)
    if found.provider in ("URL", "manifest"):
        return "correct the user:password@ in the URL"
    if "netrc" in found.provider:
        return f"correct the entry for {found.key} in {found.provider}"
    return login_command(parse(url))


def login_command(url: Url) -> str:
    """Return the command that keeps a credential for a host where pixi and authshim find it."""
    if url.host == "anaconda.org" or url.host.endswith(".anaconda.org"):
        return "authshim auth login anaconda.org --conda-token TOKEN"
    if url.host == "prefix.dev" or url.host.endswith(".prefix.dev"):
        return "authshim auth login prefix.dev --token TOKEN"
    return f"authshim auth login {url.host} --username USER --password PASSWORD   (or --token TOKEN)"
