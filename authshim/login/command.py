"""The command that stores a login for a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import next_step
from authshim.redact import looks_like_token, printable

if TYPE_CHECKING:
    from authshim.lookup.chain import Chain
    from authshim.next_step import NextStep
    from authshim.urls.url import Url

_CHANNELS_HOST = "repo.prefix.dev"
"""The other host of the channels at ``https://prefix.dev/CHANNEL``."""


def login_command(
    url: Url,
    chain: Chain | None = None,
    username: str | None = None,
    *,
    for_host: bool = False,
) -> NextStep:
    """Return the command that stores a credential for a URL where pixi and authshim find it.

    :param for_host: True if the login may serve all indexes of the host.
    """
    option = auth_file_option(chain)
    with_dot = f".{url.host}"
    if with_dot.endswith(".anaconda.org"):
        return next_step.LOG_IN_AT_ANACONDA(option=option)
    if with_dot.endswith(".prefix.dev"):
        return _log_in_at_prefix_dev(url, option, chain)
    key = url.host
    hint = "or --token, or --conda-token; it asks for the secret"
    if chain is not None:
        path = url.path
        if for_host:
            path = ""
        key = chain.login_key(f"{url.origin}{path}")
        hint += _hint_at_key(key, url.host)
        keyring_off = chain.circumstances.keyring_off
        if username and keyring_off:
            hint += f"; the keyring command is off: {keyring_off}"
    return next_step.LOG_IN(
        key=key,
        option=option,
        username=_shown_argument(username),
        hint=hint,
    )


def _hint_at_key(key: str, host: str) -> str:
    """Return a remark about a key that pixi does not read, or an empty string."""
    if key == host:
        return ""
    hint = "; pixi reads no key with a port or a path"
    netloc, slash, _ = key.partition("/")
    if slash:
        hint += f": if one login serves all of {host}, log in at {netloc}"
    return hint


def auth_file_option(chain: Chain | None) -> str:
    """Return the option that names the override file of a chain, or an empty string."""
    from shlex import quote

    if chain is None:
        return ""
    override = chain.circumstances.override
    if not override:
        return ""
    return f" --auth-file {quote(override)}"


def _shown_argument(username: str | None) -> str:
    """Return a username as an argument of a command, or USER if it cannot be shown."""
    from shlex import quote

    if not username or not username.isprintable():
        return "USER"
    if looks_like_token(username):
        return "USER"
    return quote(username)


def _log_in_at_prefix_dev(url: Url, option: str, chain: Chain | None) -> NextStep:
    """Return the command for prefix.dev, whose OAuth login serves that host alone, in pixi too."""
    if url.host == "prefix.dev":
        return next_step.LOG_IN_AT_PREFIX_DEV(option=option)
    hint = ""
    if url.host == _CHANNELS_HOST and _has_own_login(chain):
        _, channel, *_ = url.path.split("/")
        channel = printable(channel)
        hint = (
            "   (the login for prefix.dev is for prefix.dev alone, in pixi too; "
            f"or use https://prefix.dev/{channel})"
        )
    return next_step.LOG_IN_AT_PREFIX_DEV_BY_TOKEN(option=option, hint=hint)


def _has_own_login(chain: Chain | None) -> bool:
    """Return True if there is a login for prefix.dev that does not serve its subdomains."""
    if chain is None:
        return False
    found = chain.find("https://prefix.dev/")
    return found is not None and found.key == "prefix.dev"
