"""The rules of a login: its key, the kind of its credential, and its store.

They are pixi's (``login`` in rattler's ``auth.rs``).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import AuthshimError, ProviderError, ProviderMissing, SettingsError
from authshim.login.host import port_of
from authshim.login.parser import target_at
from authshim.providers.base import Store
from authshim.redact import redact
from authshim.urls import PATH, PORT, S3
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from authshim.credentials import Credential
    from authshim.login.host import LoginHost

TOKEN = "token"  # noqa: S105 - the name of an option
BASIC = "username"
CONDA = "conda-token"
OAUTH = "oauth"
KINDS = (TOKEN, BASIC, CONDA, OAUTH)
"""The kinds of login, by the option that asks for each."""


def narrowed(target: LoginHost) -> LoginHost | None:
    """Return the host, port and path of the index whose URL was given, or None for a bare host.

    The login of a service with a kind of its own is never for a path.
    """
    from authshim.urls.paths import cut_after_simple, index_root

    if "/" in target.key or _own_kinds(target.host):
        return None
    root = index_root(cut_after_simple(target.url) or target.url)
    path = root[len(target.origin) :]
    port = port_of(target.origin.partition("://")[2])
    if not port and not path:
        return None
    has_secret = redact(root) != root
    if has_secret:
        return None
    narrow = target_at(f"{target.host}{port}", path)
    if narrow.key == target.key:
        return None
    return narrow


def for_oauth(target: LoginHost) -> LoginHost:
    """Return where an OAuth login is stored: without a wildcard and a path, as in rattler."""
    key, _, _ = target.keys[0].partition("/")
    warning = ""
    if port_of(key):
        warning = target.warning
    return target._replace(key=key, warning=warning)


def kind_of(
    host: str,
    given: Collection[str],
    username: str = "",
) -> str:
    """Return the kind of a login, by the names of the given options: one of ``KINDS``.

    If a service has a kind of its own, no option is needed.

    :param username: of ``LoginHost``, for the message.
    :raises SettingsError: the options exclude each other, or the service does not take this kind.
    """
    kind = _given_kind(given)
    own = _own_kinds(host)
    if not kind and not own:
        methods = f"--username {username or 'NAME'}, --token, --conda-token or --oauth"
        raise SettingsError("", f"say how: add {methods}")
    if not kind:
        return own[0]
    if own and kind not in (*own, OAUTH):
        options = [f"--{name}" for name in own]
        only = " or ".join(options)
        raise SettingsError(f"--{kind}", f"{host} takes {only} and nothing else")
    return kind


def _given_kind(given: Collection[str]) -> str:
    """Return the kind that the options name, or an empty string."""
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) > 1:
        raise SettingsError(f"--{kinds[0]}", f"cannot go together with --{kinds[1]}")
    if "password" in given and kinds != [BASIC]:
        raise SettingsError("--password", "goes together with --username")
    if not kinds:
        return ""
    return kinds[0]


def _own_kinds(host: str) -> tuple[str, ...]:
    """Return the kinds that a service takes, its default first; none for an unknown service."""
    from authshim.oauth.identity import is_prefix_dev

    if is_prefix_dev(host):
        return OAUTH, TOKEN
    if f".{host}".endswith(".anaconda.org"):
        return (CONDA,)
    return ()


def prefix_dev_of(host: str) -> str:
    """Return the URL of the server that verifies a token for a host of prefix.dev."""
    server = host.removeprefix("repo.")
    return f"https://{server}"


def stores_of(providers: Iterable[object]) -> list[Store]:
    """Return the providers that can be written, in their order.

    An override file is the first of them, or the only one.
    """
    return [provider for provider in providers if isinstance(provider, Store)]


class Stored(NamedTuple):
    """A credential that was stored."""

    store: Store
    missing: list[str]
    """A sentence about each store that is not here."""
    replaced: Credential | None
    """The credential that the store had under the same key."""


def store(
    stores: Iterable[Store],
    key: str,
    credential: Credential,
) -> Stored:
    """Keep a credential in the first store that is here.

    A keychain that is here but locked is an error. A file would not protect the secret.

    :raises AuthshimError: it cannot be written, or there is no store.
    """
    missing: list[str] = []
    for candidate in stores:
        if not _answers(candidate, key):
            continue
        replaced = _find(candidate, key)
        try:
            candidate.save(key, credential)
        except ProviderMissing as error:
            missing.append(str(error))
        else:
            return Stored(candidate, missing, replaced)
    reasons = [*missing, "there is no file to store it in; name one by --auth-file"]
    raise AuthshimError("; ".join(reasons))


def _answers(store: Store, key: str) -> bool:
    """Return True if the store is asked for such a key, so that a login is found again."""
    answers = getattr(store, "answers", ())
    if is_s3(key):
        return S3 in answers
    if "/" in key:
        return PATH in answers
    return not port_of(key) or PORT in answers


def _find(store: Store, key: str) -> Credential | None:
    # Saving raises the error again, or replaces a bad entry.
    with suppress(ProviderError):
        return store.find(key)
    return None
