"""The next step for an index or channel that does not let its user in, made from the trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authshim import next_step
from authshim.credentials import OAuth
from authshim.login.command import auth_file_option, login_command
from authshim.oauth.command import login_command as oauth_command
from authshim.providers.base import AUTH_FILE, KEYRING_COMMAND, NETRC
from authshim.redact import looks_like_token, redact
from authshim.urls import GIVEN, PATH, PORT, PREFIX, parse, without_userinfo
from authshim.urls.paths import cut_after_simple
from authshim.vendors import vendor_of

if TYPE_CHECKING:
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.vendors import Vendor


_USERNAME = "_USERNAME"
_PASSWORD = "_PASSWORD"  # noqa: S105 - the end of a variable's name


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
    return _add_secret(step, username, login_in)


def _add_secret(
    step: NextStep,
    username: str,
    login_in: str,
) -> NextStep:
    """Return a step, or the correction of the declaration that has a username alone."""
    if login_in.endswith(_USERNAME):
        variable = login_in[: -len(_USERNAME)] + _PASSWORD
        return next_step.SET_PASSWORD(variable=variable, step=step)
    from urllib.parse import quote

    return next_step.LOG_IN_OR_CORRECT_SECRET(
        step=step,
        username=username,
        quoted=quote(username, safe=""),
    )


def _keyring_vendor(url: str, *, by_keyring: bool) -> Vendor | None:
    """Return the vendor whose backend the keyring command may ask for a URL, or None."""
    if not by_keyring:
        return None
    host = parse(url).host
    return vendor_of(host)


_FILE_AND_LINE = re.compile(
    r"(?:cannot read )?(?:auth file |netrc |uv store |micromamba store )?(.+?): "
    r"(?:\S+: )?line (\d+)"
)


def _first_obstacle(chain: Chain, url: str, username: str | None) -> NextStep | None:
    """Return the step that removes the first obstacle in a chain, or None without one."""
    policy = chain.forbids_logins(url)
    if policy:
        return next_step.ALLOW_LOGINS(policy=policy)
    obstacles = chain.obstacles(url, username)
    obstacle = next(obstacles, "")
    if not obstacle:
        return None
    if "it is locked" in obstacle:
        return next_step.UNLOCK_KEYCHAIN()
    place = _FILE_AND_LINE.match(obstacle)
    if place is None:
        return next_step.MEND_OBSTACLE(obstacle=obstacle)
    file, line = place.groups()
    return next_step.MEND_LINE(file=file, line=line)


def _replace_token(url: str, vendor: Vendor | None, chain: Chain | None) -> NextStep:
    """Return the step after a server refused the token that is the username of a URL."""
    parsed = parse(url)
    if vendor is None:
        step = login_command(parsed, chain)
        return next_step.CORRECT_TOKEN(step=step)
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
        return next_step.LOG_IN_AT_VENDOR(
            login=vendor.login,
            backend=vendor.backend,
        )
    can_store = by_keyring and not _is_keychain_missing(chain)
    if can_store and username and username.isprintable():
        from shlex import quote

        return next_step.STORE_IN_KEYRING(
            url=quote(redact(url)),
            username=quote(username),
        )
    return login_command(parsed, chain, username)


def _is_keychain_missing(chain: Chain | None) -> bool:
    """Return True if there is no OS keychain here, in which ``keyring set`` would store."""
    if chain is None:
        return False
    return any(getattr(provider, "is_missing", False) for provider in chain.providers)


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
    vendor = vendor_of(parsed.host)
    is_index = index is not None or vendor is not None
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
    first, *_ = named_by.origins
    first_host = parse(first).host
    return first_host != parse(url).host


def ask_about(url: str, named_by: NamedBy) -> NextStep:
    """Return the step for a host that asks for a login, and that only a server named."""
    parsed = parse(url)
    return next_step.ASK_ABOUT_HOST(
        host=named_by.host,
        other=parsed.host,
    )


def log_in_again(url: str, found: Found, chain: Chain | None = None) -> NextStep:
    """Return the step that replaces a refused credential in its store."""
    provider = found.provider
    credential = found.credential
    username = getattr(credential, "username", None)
    if found.kind == KEYRING_COMMAND:
        return _log_in(url, username, by_keyring=True, chain=chain)
    if provider in ("URL", "manifest"):
        return next_step.CORRECT_USERINFO()
    if found.key.kind == GIVEN:
        return _correct_login(provider, username)
    if isinstance(credential, OAuth):
        host = str(found.key).removeprefix("*.")
        return next_step.LOG_IN_BY_OAUTH(
            command=oauth_command(host, credential),
            option=auth_file_option(chain),
        )
    if _outlives_login(found):
        return next_step.CORRECT_ENTRY(
            key=str(found.key),
            provider=provider,
        )
    return login_command(
        parse(url),
        chain,
        credential.shown_username,
    )


def _correct_login(place: str, username: str | None) -> NextStep:
    if username == "" and place.endswith(_PASSWORD):
        prefix = place[: -len(_PASSWORD)]
        variable = prefix + _USERNAME
        return next_step.SET_USERNAME(variable=variable, place=place)
    return next_step.CORRECT_LOGIN(place=place)


def _outlives_login(found: Found) -> bool:
    """Tell if an entry still comes first after a login, which stores one for the host."""
    if found.key.kind == PREFIX or found.kind == NETRC:
        return True
    if found.kind != AUTH_FILE:
        return False
    return found.key.kind in (PATH, PORT)
