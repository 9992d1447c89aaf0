"""The rules of a login: the key of a host, the kind of its credential, and its store.

They are pixi's (``get_url``, ``login`` and ``logout_candidate_keys`` in rattler's ``auth.rs``).
Keys with a port or a path are not, and are kept as they are.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import AuthshimError, ProviderError, ProviderMissing, SettingsError
from authshim.login.bucket import parse_bucket
from authshim.login.host import LoginHost, port_of
from authshim.providers.base import Store
from authshim.redact import SPACE_OR_CONTROL, redact, shown_user
from authshim.urls import PATH, PORT, S3
from authshim.urls.s3 import is_s3

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from authshim.credentials import Credential

TOKEN, BASIC, CONDA, OAUTH = "token", "username", "conda-token", "oauth"
KINDS = (TOKEN, BASIC, CONDA, OAUTH)
"""The kinds of login, by the option that asks for each."""

_PLAIN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")
_NO_HOST = re.compile(r"[@*?#\\]")
_ONE_SLASH = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_NOT_FOR_PIXI = "pixi does not read keys with a port or a path; authshim does"

_CHANNELS_AT = {"anaconda.org": "conda.anaconda.org"}
"""The hosts of the channels of services whose own host serves none."""


def parse_login_host(words: str) -> LoginHost:
    """Read a host, ``*.host``, ``host:port``, ``host/path``, ``s3://bucket``, or another URL.

    The latter is cut to its host.

    A host with exactly one dot becomes ``*.host``: a login at prefix.dev is for repo.prefix.dev
    too. A dot at the end of a host is dropped, because such a key would match nothing in pixi.

    :raises SettingsError: the words are none of these, or no URL of the service has this path.
    :raises UrlError: the URL has no host.
    """
    if "://" in words:
        return _of_url(words)
    if _ONE_SLASH.match(words):
        raise SettingsError("HOST", "a URL has two slashes behind its scheme: https://HOST")
    netloc, slash, path = words.partition("/")
    netloc = netloc.lower()
    if not _PLAIN.fullmatch(netloc):
        netloc = _dialled(netloc)
    path = slash + path.strip("/") if path.strip("/") else ""
    if SPACE_OR_CONTROL.search(path) or re.search(r"[?#]", path):
        raise SettingsError("HOST", "expected a path without blanks and query")
    return _target(netloc, path)


def at_path(target: LoginHost) -> LoginHost | None:
    """Return the host and path of the index whose URL was given, or None if it has no path.

    The login of a service with a kind of its own is never for a path.
    """
    from authshim.urls.paths import cut_after_simple, index_root

    root = index_root(cut_after_simple(target.url) or target.url)
    path = root[len(target.origin) :]
    if not path or "/" in target.key or _own_kinds(target.host) or redact(root) != root:
        return None
    return _target(target.host, path)


def for_oauth(target: LoginHost) -> LoginHost:
    """Return where an OAuth login is stored: without a wildcard and a path, as in rattler."""
    key = target.keys[0].partition("/")[0]
    warning = target.warning if port_of(key) else ""
    return target._replace(key=key, warning=warning)


def parse_logout_host(words: str) -> LoginHost:
    """Read the host of a logout: any key of a store, and all that a login takes.

    The words as they were given are among the keys. A file may have been written by hand, and
    pixi keeps a name in capitals, or with a slash behind it, unchanged.
    """
    try:
        target = parse_login_host(words)
    except AuthshimError:
        return LoginHost(words, "", (words, f"*.{words}"), "")
    return target._replace(keys=tuple(dict.fromkeys((*target.keys, words, f"*.{words}"))))


def _of_url(words: str) -> LoginHost:
    from authshim.urls import parse

    if is_s3(words):
        return parse_bucket(words)
    url = parse(words)
    target = _target(url.host.removesuffix("."), "")
    shown = f"{url.scheme}://{url.netloc}{url.path}"
    return target._replace(url=shown, username=shown_user(url.username or ""))


def _dialled(netloc: str) -> str:
    """Return a host with a port, an IPv6 address or a name in Unicode as it is dialled."""
    wildcard = "*." if netloc.startswith("*.") else ""
    bare = netloc[len(wildcard) :]
    if bare.count(":") > 1 and "[" not in bare:
        bare = f"[{bare}]"
    host = _host_of(bare)
    port = port_of(bare) if host else ""
    if not host or (wildcard and port):
        raise SettingsError("HOST", "expected a host, *.host, host:port, host/path or a URL")
    return f"{wildcard}{host}{port}"


def _host_of(netloc: str) -> str:
    """Return the host as it is dialled, or an empty string if there is none."""
    from authshim.errors import UrlError
    from authshim.urls import parse

    if _NO_HOST.search(netloc):
        return ""
    try:
        return parse(f"https://{netloc}/").host.removesuffix(".")
    except UrlError:
        return ""


def _target(netloc: str, path: str) -> LoginHost:
    port = port_of(netloc)
    host = netloc[: len(netloc) - len(port)]
    bare = host.removeprefix("*.")
    if host != bare and (port or path):
        raise SettingsError("HOST", "expected a wildcard without a port or a path")
    if port or path:
        _check_path(bare, path)
        exact = f"{bare}{port}{path}"
        keys = (exact, f"*.{exact}")
        return LoginHost(exact, bare, keys, f"https://{exact}/", _NOT_FOR_PIXI)
    wildcard = f"*.{bare}"
    key = wildcard if _is_widened(bare) else host
    return LoginHost(key, bare, (bare, wildcard), f"https://{bare}/")


def _is_widened(host: str) -> bool:
    """Return True for a name with exactly one dot."""
    return host.count(".") == 1 and not _ADDRESS.fullmatch(host)


def _check_path(host: str, path: str) -> None:
    """Raise an error for a service whose channels have another host."""
    channels = _CHANNELS_AT.get(host)
    if path and channels is not None:
        reason = f"{host} itself serves no channel; log in at {channels}{path} or at {host}"
        raise SettingsError("HOST", reason)


def kind_of(host: str, given: Collection[str], username: str = "") -> str:
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
        only = " or ".join(f"--{name}" for name in own)
        raise SettingsError(f"--{kind}", f"{host} takes {only} and nothing else")
    return kind


def _given_kind(given: Collection[str]) -> str:
    """Return the kind that the options name, or an empty string."""
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) > 1:
        raise SettingsError(f"--{kinds[0]}", f"cannot go together with --{kinds[1]}")
    if "password" in given and kinds != [BASIC]:
        raise SettingsError("--password", "goes together with --username")
    return kinds[0] if kinds else ""


def _own_kinds(host: str) -> tuple[str, ...]:
    """Return the kinds that a service takes, its default first; none for an unknown service."""
    from authshim.oauth.identity import is_prefix_dev  # auth token needs it not

    if is_prefix_dev(host):
        return OAUTH, TOKEN
    return (CONDA,) if f".{host}".endswith(".anaconda.org") else ()


def prefix_dev_of(host: str) -> str:
    """Return the URL of the server that verifies a token for a host of prefix.dev."""
    return f"https://{host.removeprefix('repo.')}"


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


def store(stores: Iterable[Store], key: str, credential: Credential) -> Stored:
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
    with suppress(ProviderError):  # saving raises it again, or replaces a bad entry
        return store.find(key)
    return None
