"""The rules of a login: the key that a host is kept under, which kind of credential it takes, where it is kept.

They are pixi's (``get_url``, ``login`` and ``logout_candidate_keys`` in rattler's ``auth.rs``), but for keys with a
port or a path, which are kept as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import AuthshimError, ProviderMissing, SettingsError
from authshim.providers.base import Store
from authshim.urls import PATH, PORT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from authshim.credentials import Credential
    from authshim.urls import Key

TOKEN, BASIC, CONDA = "token", "username", "conda-token"
"""The kinds of login, by the option that asks for each."""

_PLAIN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_NO_HOST = re.compile(r"[@*?#\\]")
_BUCKET = re.compile(r"s3://([^/?#]+)", re.IGNORECASE)
_NOT_FOR_PIXI = "pixi does not read keys with a port or a path; authshim does"


class LoginHost(NamedTuple):
    """What the word HOST stands for."""

    key: str
    """What a login is kept under."""
    host: str
    """The name alone, to know the service by; as ``urls.parse`` writes it."""
    keys: tuple[str, ...]
    """What a logout removes: the host and its wildcard."""
    url: str
    """A URL that the key is for."""
    warning: str = ""

    def lookup_keys(self, path_keys: frozenset[str]) -> list[Key]:
        """List the keys under which the URL is looked up, the nearest first; urllib3 is not imported for it."""
        from authshim.urls import Url, host_keys

        netloc, _, path = self.url.partition("://")[2].partition("/")
        port = _port_of(netloc)
        scheme = self.url.partition("://")[0]
        number = int(port[1:]) if port else {"http": 80}.get(scheme, 443)
        return host_keys(
            Url(scheme, netloc[: len(netloc) - len(port)], number, f"/{path}"), path_keys
        )


def parse_login_host(words: str) -> LoginHost:
    """Read the word HOST: a host, ``*.host``, ``host:port``, ``host/path``, or a URL, which is cut to its host.

    A host with exactly one dot is kept as ``*.host``: whoever logs in at prefix.dev means repo.prefix.dev too. A dot at
    the end of a host is dropped: as a key it would match nothing in pixi.

    :raises SettingsError: it is none of these.
    :raises UrlError: it is a URL that has no host.
    """
    if "://" in words:
        return _of_url(words)
    netloc, slash, path = words.partition("/")
    netloc = netloc.lower()
    if not _PLAIN.fullmatch(netloc):
        netloc = _dialled(netloc)
    path = slash + path.strip("/") if path.strip("/") else ""
    if _CONTROL.search(path) or re.search(r"[?#]", path):
        raise SettingsError("HOST", "expected a path without blanks and query")
    return _target(netloc, path)


def parse_logout_host(words: str) -> LoginHost:
    """Read the word HOST of a logout: besides what a login takes, whatever may stand in a store as a key.

    Among the keys are the words as they were given: a file may have been written by hand, and pixi keeps a name in
    capitals, or with a slash behind it, as it is.
    """
    bucket = _BUCKET.match(words)
    try:
        target = parse_login_host(bucket[1] if bucket else words)
    except AuthshimError:
        return LoginHost(words, "", (words, f"*.{words}"), "")
    return target._replace(keys=tuple(dict.fromkeys((*target.keys, words, f"*.{words}"))))


def _of_url(words: str) -> LoginHost:
    from authshim.urls import parse

    if words.lower().startswith("s3://"):
        raise SettingsError("HOST", "keys for s3:// are stored by pixi auth login")
    url = parse(words)
    target = _target(url.host.removesuffix("."), "")
    return target._replace(url=f"{url.scheme}://{url.netloc}{url.path}")


def _dialled(netloc: str) -> str:
    """Return what is not plain as it is dialled: with a port, an IPv6 address, a name in Unicode."""
    from authshim.errors import UrlError
    from authshim.urls import parse

    wildcard = "*." if netloc.startswith("*.") else ""
    bare = netloc[len(wildcard) :]
    bare = f"[{bare}]" if bare.count(":") > 1 and "[" not in bare else bare
    url = None
    if not _NO_HOST.search(bare):
        try:
            url = parse(f"https://{bare}/")
        except UrlError:
            url = None
    if url is None or (wildcard and _port_of(bare)):
        raise SettingsError("HOST", "expected a host, *.host, host:port, host/path or a URL")
    return f"{wildcard}{url.host.removesuffix('.')}{_port_of(bare)}"


def _port_of(netloc: str) -> str:
    colon, port = re.fullmatch(r"(?:\[[^]]*\]|[^:]*)(:?)([0-9]*)", netloc).groups()  # type: ignore[union-attr]
    return colon + port if port else ""


def _target(netloc: str, path: str) -> LoginHost:
    port = _port_of(netloc)
    host = netloc[: len(netloc) - len(port)]
    bare = host[2:] if host.startswith("*.") else host
    if host != bare and (port or path):
        raise SettingsError("HOST", "expected a wildcard without a port or a path")
    exact = f"{bare}{port}{path}"
    wildcard = f"*.{exact}"
    widens = exact == bare and bare.count(".") == 1 and not _ADDRESS.fullmatch(bare)
    key = wildcard if widens or host != bare else exact
    return LoginHost(
        key, bare, (exact, wildcard), f"https://{exact}/", _NOT_FOR_PIXI if port or path else ""
    )


def kind_of(host: str, given: Collection[str]) -> str:
    """Return the kind of a login, by the names of the options that were given: TOKEN, BASIC or CONDA.

    Where a service takes one kind only, it need not be named.

    :raises SettingsError: the options exclude each other, or the service does not take this kind.
    """
    kinds = [kind for kind in (TOKEN, BASIC, CONDA) if kind in given]
    if len(kinds) > 1:
        raise SettingsError(f"--{kinds[0]}", f"cannot go together with --{kinds[1]}")
    if "password" in given and kinds != [BASIC]:
        raise SettingsError("--password", "goes together with --username")
    only = _only(host)
    if only and kinds not in ([], [only]):
        raise SettingsError(f"--{kinds[0]}", f"{host} takes --{only} and nothing else")
    if not kinds and not only:
        raise SettingsError(
            "HOST", f"how to log in at {host}? by --token, --username or --conda-token"
        )
    return kinds[0] if kinds else only


def _only(host: str) -> str:
    if is_prefix_dev(host):
        return TOKEN
    return CONDA if f".{host}".endswith(".anaconda.org") else ""


def is_prefix_dev(host: str) -> bool:
    """Tell whether a token for this host can be verified at prefix.dev."""
    return f".{host}".endswith(".prefix.dev")


def prefix_dev_of(host: str) -> str:
    """Return the URL of the server that verifies a token for a host of prefix.dev; repo.prefix.dev itself does not."""
    return f"https://{host.removeprefix('repo.')}"


def stores_of(providers: Iterable[object]) -> list[Store]:
    """Return the providers that can be written, in their order; an override file is the first of them, or the only."""
    return [provider for provider in providers if isinstance(provider, Store)]


def store(stores: Iterable[Store], key: str, credential: Credential) -> tuple[Store, list[str]]:
    """Keep a credential in the first store that is here; return it, and those that are not here, in a sentence each.

    A keychain that is here, but locked, is an error: a file would keep what it was to protect.

    :raises AuthshimError: it cannot be written, or there is no store.
    """
    missing: list[str] = []
    kind = PATH if "/" in key else PORT if _port_of(key) else None
    for candidate in stores:
        if kind is not None and kind not in getattr(candidate, "answers", ()):
            continue  # it would not be found there again
        try:
            candidate.save(key, credential)
        except ProviderMissing as error:
            missing.append(str(error))
        else:
            return candidate, missing
    raise AuthshimError(
        "; ".join([*missing, "there is no file to store it in; name one by --auth-file"])
    )
