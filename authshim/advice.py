"""The next step for an index or channel that does not let its user in, made from the trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim import next_step
from authshim.credentials import OAuth
from authshim.oauth.command import login_command as oauth_command
from authshim.providers.base import AUTH_FILE, KEYRING_COMMAND, NETRC
from authshim.redact import looks_like_token, printable, redact
from authshim.urls import GIVEN, PATH, PORT, PREFIX, parse, without_userinfo
from authshim.urls.paths import cut_after_simple
from authshim.vendors import vendor_of

if TYPE_CHECKING:
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.urls.url import Url
    from authshim.vendors import Vendor


_USERNAME, _PASSWORD = "_USERNAME", "_PASSWORD"

_CHANNELS_HOST = "repo.prefix.dev"
"""The other host of the channels at ``https://prefix.dev/CHANNEL``."""


def log_in(
    url: str,
    username: str | None,
    *,
    by_keyring: bool,
    chain: Chain | None = None,
    login_in: str = "",
) -> NextStep:
    """Return the step that gives a credential for a URL that asks for one.

    :param username: the name that stands alone before the ``@`` of the URL.
    :param by_keyring: the URL is that of an index, and the keyring command is asked.
    :param chain: the chain that has no credential. Its first obstacle is to be removed first.
    :param login_in: the variable that has the username, if one has it.
    """
    if chain is not None:
        obstacle = _first_obstacle(chain, url, username)
        if obstacle is not None:
            return obstacle
    vendor = _keyring_vendor(url, by_keyring=by_keyring)
    if username is not None and looks_like_token(username):
        return _replace_token(url, vendor, chain)
    step = _log_in(url, username, by_keyring=by_keyring, chain=chain)
    if vendor is not None or not username or not username.isprintable():
        return step
    if login_in.endswith(_USERNAME):
        return next_step.SET_PASSWORD(variable=_password_beside(login_in), step=step)
    from urllib.parse import quote

    quoted = quote(username, safe="")
    return next_step.LOG_IN_OR_CORRECT_SECRET(step=step, username=username, quoted=quoted)


def _password_beside(variable: str) -> str:
    return variable[: -len(_USERNAME)] + _PASSWORD


def _keyring_vendor(url: str, *, by_keyring: bool) -> Vendor | None:
    """Return the vendor whose backend the keyring command may ask for a URL, or None."""
    if not by_keyring:
        return None
    return vendor_of(parse(url).host)


_FILE_AND_LINE = re.compile(
    r"(?:cannot read )?(?:auth file |netrc |uv store |micromamba store )?(.+?): "
    r"(?:\S+: )?line (\d+)"
)


def _first_obstacle(chain: Chain, url: str, username: str | None) -> NextStep | None:
    """Return the step that removes the first obstacle in a chain, or None without one."""
    policy = chain.forbids_logins(url)
    if policy:
        return next_step.ALLOW_LOGINS(policy=policy)
    obstacle = next(chain.obstacles(url, username), "")
    if not obstacle:
        return None
    if "it is locked" in obstacle:
        return next_step.UNLOCK_KEYCHAIN()
    place = _FILE_AND_LINE.match(obstacle)
    if place is None:
        return next_step.MEND_OBSTACLE(obstacle=obstacle)
    return next_step.MEND_LINE(file=place.group(1), line=place.group(2))


def _replace_token(url: str, vendor: Vendor | None, chain: Chain | None) -> NextStep:
    """Return the step after a server refused the token that is the username of a URL."""
    parsed = parse(url)
    if vendor is None:
        return next_step.CORRECT_TOKEN(step=login_command(parsed, chain))
    return next_step.NAME_USER_FOR_TOKEN(
        username=vendor.username,
        host=parsed.host,
        login=vendor.login,
    )


def _log_in(
    url: str,
    username: str | None,
    *,
    by_keyring: bool,
    chain: Chain | None,
) -> NextStep:
    """Return the login of the vendor, of the keyring, or of authshim itself."""
    parsed = parse(url)
    vendor = _keyring_vendor(url, by_keyring=by_keyring)
    if vendor is not None and username is None:
        return next_step.NAME_USER_OF_VENDOR(
            username=vendor.username,
            host=parsed.host,
            login=vendor.login,
        )
    if vendor is not None:
        return next_step.LOG_IN_AT_VENDOR(login=vendor.login, backend=vendor.backend)
    if by_keyring and username and username.isprintable():
        from shlex import quote

        return next_step.STORE_IN_KEYRING(
            url=quote(redact(url)),
            username=quote(username),
        )
    return login_command(parsed, chain, username)


def log_in_at(
    url: str,
    username: str | None,
    *,
    asks_keyring: bool,
    chain: Chain | None = None,
) -> NextStep:
    """Return the step that gives a credential for any URL, of an index or below one."""
    bare = without_userinfo(url)
    index = cut_after_simple(bare)
    parsed = parse(url)
    is_index = index is not None or vendor_of(parsed.host) is not None
    return log_in(
        index or bare,
        username or parsed.username,
        by_keyring=asks_keyring and is_index,
        chain=chain,
    )


def allow_http(url: str) -> NextStep:
    """Return the step for a plain http URL to which nothing is sent, because a server named it."""
    parsed = parse(url)
    return next_step.ALLOW_HTTP(origin=f"{parsed.scheme}://{parsed.netloc}")


def is_unknown(url: str, named_by: NamedBy, chain: Chain) -> bool:
    """Tell if only a server named the host of a URL. No login is advised by its word."""
    if not named_by.is_marked or chain.declares_host(url):
        return False
    if not named_by.origins:
        return True
    first = named_by.origins[0]
    return parse(first).host != parse(url).host


def ask_about(url: str, named_by: NamedBy) -> NextStep:
    """Return the step for a host that asks for a login, and that only a server named."""
    return next_step.ASK_ABOUT_HOST(host=named_by.host, other=parse(url).host)


def log_in_again(url: str, found: Found, chain: Chain | None = None) -> NextStep:
    """Return the step that replaces a refused credential in its store."""
    provider = found.provider
    credential = found.credential
    if found.kind == KEYRING_COMMAND:
        username = getattr(credential, "username", None)
        return _log_in(url, username, by_keyring=True, chain=chain)
    if provider in ("URL", "manifest"):
        return next_step.CORRECT_USERINFO()
    if found.key.kind == GIVEN:
        return _correct_login(provider, getattr(credential, "username", None))
    if isinstance(credential, OAuth):
        host = str(found.key).removeprefix("*.")
        return next_step.LOG_IN_BY_OAUTH(
            command=oauth_command(host, credential),
            option=_auth_file_option(chain),
        )
    if _outlives_login(found):
        return next_step.CORRECT_ENTRY(key=str(found.key), provider=provider)
    return login_command(parse(url), chain, credential.shown_username)


def _correct_login(place: str, username: str | None) -> NextStep:
    if username == "" and place.endswith(_PASSWORD):
        variable = place[: -len(_PASSWORD)] + _USERNAME
        return next_step.SET_USERNAME(variable=variable, place=place)
    return next_step.CORRECT_LOGIN(place=place)


def _outlives_login(found: Found) -> bool:
    """Tell if an entry still comes first after a login, which stores one for the host."""
    if found.key.kind == PREFIX or found.kind == NETRC:
        return True
    return found.kind == AUTH_FILE and found.key.kind in (PATH, PORT)


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
    option = _auth_file_option(chain)
    if f".{url.host}".endswith(".anaconda.org"):
        return next_step.LOG_IN_AT_ANACONDA(option=option)
    if f".{url.host}".endswith(".prefix.dev"):
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


def _auth_file_option(chain: Chain | None) -> str:
    """Return the option that names the override file of a chain, or an empty string."""
    from shlex import quote

    if chain is None or not chain.circumstances.override:
        return ""
    return f" --auth-file {quote(chain.circumstances.override)}"


def _shown_argument(username: str | None) -> str:
    """Return a username as an argument of a command, or USER if it cannot be shown."""
    from shlex import quote

    if not username or not username.isprintable() or looks_like_token(username):
        return "USER"
    return quote(username)


def _log_in_at_prefix_dev(url: Url, option: str, chain: Chain | None) -> NextStep:
    """Return the command for prefix.dev, whose OAuth login serves that host alone, in pixi too."""
    if url.host == "prefix.dev":
        return next_step.LOG_IN_AT_PREFIX_DEV(option=option)
    hint = ""
    if url.host == _CHANNELS_HOST and _has_own_login(chain):
        channel = printable(url.path.split("/")[1])
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
