"""The netrc of ``authshim run --netrc``: the user's own, and the logins of the project.

1. The logins of the project stand first, since the user's netrc may end with a ``default``.
2. A netrc knows no ports and one user a host, so two users of one host are an error.
3. Each login that a netrc cannot hold is named.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from authshim.cli import project, terminal
from authshim.credentials import BasicHTTP
from authshim.errors import AuthshimError, ProviderError
from authshim.providers.base import NETRC
from authshim.redact import redact
from authshim.urls import WILDCARD, parse

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping

    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Channel, Index, Manifest

_SAFE = re.compile(r"""[!$-&(-\[\]-~][!#-&(-\[\]-~]*""")
"""Printable ASCII that every reader of a netrc takes unchanged.

There is no blank, quote or backslash, and no # at the start.
"""


class _Login(NamedTuple):
    host: str
    found: Found
    credential: BasicHTTP

    @property
    def is_own(self) -> bool:
        """True if the user's netrc has it."""
        return self.found.kind == NETRC


def text(options: Namespace) -> str:
    """Return the text of the netrc.

    :raises AuthshimError: two users share a host.
    """
    manifest = project.find_manifest(options)
    if manifest is None:
        terminal.note(
            "authshim: there is no project here, so the netrc holds only your own entries"
        )
    chain = project.make_chain(options, manifest)
    places = _places(manifest, options.environment)
    logins = _by_host(_logins(chain, places))
    # The user's own entries follow as they are.
    added = {host: login for host, login in logins.items() if not login.is_own}
    _check_own(chain, added)
    entries = [_entry(login) for login in added.values()]
    return "".join([*entries, _own_text()])


def _places(
    manifest: Manifest | None,
    environment: str | None,
) -> list[Index | Channel]:
    if manifest is None:
        return []
    places: list[Index | Channel] = [
        *manifest.indexes(environment),
        *manifest.channels(environment),
    ]
    return [place for place in places if _can_be_asked(place)]


def _can_be_asked(place: Index | Channel) -> bool:
    if place.placeholder:
        return False
    return place.url.startswith(("http://", "https://"))


def _by_host(logins: Iterable[_Login]) -> dict[str, _Login]:
    found: dict[str, _Login] = {}
    for login in logins:
        first = found.setdefault(login.host, login)
        if first.credential.username != login.credential.username:
            raise _two_users(login.host)
    return found


def _logins(
    chain: Chain,
    places: Iterable[Index | Channel],
) -> Iterator[_Login]:
    """Yield the logins that a netrc can hold, and name the others."""
    for place in places:
        found = chain.find(place.url, place.username)
        if found is None:
            continue
        reason = _reason(found)
        if not isinstance(found.credential, BasicHTTP) or reason:
            sentence = f"not in the netrc: {redact(place.url)}: {reason}"
            terminal.note(terminal.with_tilde(f"authshim: {sentence}"))
            continue
        host = parse(place.url).host
        if found.key.kind == WILDCARD:
            terminal.note(f"authshim: in the netrc for {host} only: the login of {found.key}")
        yield _Login(host, found, found.credential)


def _reason(found: Found) -> str:
    credential = found.credential
    if not isinstance(credential, BasicHTTP):
        return f"a netrc cannot hold the {type(credential).__name__} from {found.provider}"
    is_safe = _SAFE.fullmatch(credential.username) and _SAFE.fullmatch(credential.password)
    if is_safe:
        return ""
    return f"the login from {found.provider} has characters that not every reader of a netrc takes"


def _check_own(
    chain: Chain,
    added: Mapping[str, _Login],
) -> None:
    """Raise an error if the user's netrc has another user of a host."""
    for host, username in _own_users(chain):
        login = added.get(host.partition(":")[0])
        if login is not None and login.credential.username != username:
            raise _two_users(host)


def _own_users(chain: Chain) -> Iterator[tuple[str, str]]:
    for provider in chain.providers:
        logins = getattr(provider, "logins", list)
        # A broken netrc is copied, and its readers complain themselves.
        with suppress(ProviderError):
            for host, credential in logins():
                yield host, credential.username


def _two_users(host: str) -> AuthshimError:
    reason = f"two users share {host}, and a netrc has one user a host"
    step = "run without --netrc, or name one project environment with -e"
    return AuthshimError(f"--netrc: {reason}; {step}")


def _entry(login: _Login) -> str:
    credential = login.credential
    return f"machine {login.host} login {credential.username} password {credential.password}\n"


def _own_text() -> str:
    """Return the text of the user's own netrc, which the variable NETRC hides from the child."""
    from authshim import files, settings

    for path in settings.read(os.environ).netrc_files:
        try:
            found = files.read_text(path)
        except files.Unreadable as error:
            terminal.note(terminal.with_tilde(f"authshim: not in the netrc: {path}: {error}"))
            continue
        if found is not None:
            return found
    return ""
