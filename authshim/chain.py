"""The chain: which providers there are, in which order, and what of their answers is sent when.

``inquiry`` asks them, ``memory`` keeps what they said, ``scopes`` knows what is declared; here
stands what a caller needs to know, and the order (``_providers``).
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from authshim.handed import DOWNGRADED, Handed
from authshim.hidden import emptying_frames
from authshim.inquiry import Inquiry
from authshim.oauth import Renewer
from authshim.scopes import sites
from authshim.trace import Trace
from authshim.urls import DEFAULT, SERVICE, is_presigned, parse, path_of, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from authshim.config import Settings
    from authshim.manifest import Channel, Index, Manifest
    from authshim.providers.base import Provider
    from authshim.realm import Realm, Scope
    from authshim.trace import Found, Step

logger = logging.getLogger("authshim")


class Chain:
    """Asks the providers in turn, and remembers what they said.

    Safe from many threads, and across a fork. It pickles as what it was made from, and
    looks its credentials up again where it lands.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        *,
        indexes: Iterable[Index] = (),
        channels: Iterable[Channel] = (),
    ) -> None:
        """Make a chain of providers of one's own, in the order in which they are asked.

        :param indexes: the declared PyPI indexes, in pixi's order (``Manifest.indexes``).
        :param channels: the declared conda channels (``Manifest.channels``).
        """
        providers, indexes, channels = tuple(providers), tuple(indexes), tuple(channels)
        given = {"providers": providers, "indexes": indexes, "channels": channels}
        self._recipe: tuple[Callable[..., Chain], dict[str, Any]] = (type(self), given)
        self.providers = providers
        """In the order in which they are asked."""
        self._inquiry = Inquiry(providers, sites(indexes, channels))
        self._handed = Handed()
        _chains.add(self)

    @classmethod
    def from_environment(
        cls,
        *,
        auth_file: str | os.PathLike[str] | None = None,
        keyring_provider: str | None = None,
        manifest: str | os.PathLike[str] | Manifest | None = None,
        environment: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Chain:
        """Make the chain that the environment, pixi's settings and the project describe.

        :param auth_file: an override file, as pixi's ``--auth-file``.
        :param keyring_provider: "subprocess" or "disabled"; None: on where a username is known.
        :param manifest: a ``pixi.toml``, a ``pyproject.toml``, their folder, or a Manifest.
        :param environment: a pixi environment; None: the indexes of all of them.
        :param environ: in place of ``os.environ``.
        :raises ManifestError: the manifest cannot be used.
        :raises SettingsError: an option, or a variable of the environment, is wrong.
        """
        from authshim import config

        project = _load(manifest)
        settings = config.read(
            os.environ if environ is None else environ,
            auth_file=None if auth_file is None else os.fspath(auth_file),
            keyring_provider=keyring_provider,
            project=None if project is None else project.folder,
        )
        chain = cls(
            _providers(settings, environ),
            indexes=() if project is None else (*project.indexes(environment), *project.own_indexes(environment)),
            channels=() if project is None else project.channels(environment),
        )
        for desk in chain._inquiry.desks:
            desk.renewer = Renewer(beside=settings.home_auth_file, environ=environ)
        if settings.auth_file_only:
            chain._inquiry.note = f"only {settings.auth_file} was read: {settings.auth_file_named_by} is set"
        for problem in (*settings.problems, *(() if project is None else project.warnings)):
            logger.warning("%s", problem)
        kept = None if environ is None else {name: environ[name] for name in config.NAMES if name in environ}
        options = {"auth_file": auth_file, "keyring_provider": keyring_provider, "environ": kept}
        project_options = {"manifest": None if project is None else project.path, "environment": environment}
        chain._recipe = (cls.from_environment, {**options, **project_options})
        return chain

    @property
    def note(self) -> str:
        """What a person should know where nothing is found: that one file replaced all other providers."""
        return self._inquiry.note

    @property
    def asks_keyring(self) -> bool:
        """Whether a provider is among its own that is asked for the URLs of indexes: the keyring command."""
        return any(SERVICE in desk.answers for desk in self._inquiry.desks)

    def find(self, url: str, username: str | None = None) -> Found | None:
        """Return what is sent to a URL without being asked for it; None where nothing is.

        :param url: absolute, with or without userinfo.
        :param username: whose credential, where the URL does not say.
        """
        origin = self._inquiry.memory.origin(url, username)
        if origin is None or ("?" in url and is_presigned(url)):
            return None
        realm = origin.only or origin.likeliest(url)  # type: ignore[call-arg]  # a Scope here has but one realm
        found: Found | None = realm.found
        is_due = found is None or (found.expires_at is not None and found.expires_at <= time.time())
        if is_due or realm.origin in self._handed.origins:
            return self._find(realm, self._handed.how(url, realm.origin))
        return found

    def note_location(self, url: str, target: str) -> None:
        """Note that the answer from ``url`` names ``target`` as the place to go on to.

        Where that is another origin, the target is somebody else's word: it never starts
        the keyring command and never collects a netrc ``default``; and an http URL that an
        https answer names gets nothing.
        """
        self._handed.note(url, target)

    def accept(self, url: str, found: Found, *, there: bool = True) -> None:
        """Note that a server took what was found for a URL.

        :param there: whether it has what was asked for; where it has not, it may be another index's.
        """
        found.accepted = True
        if found.realm.offer is found:
            self._inquiry.keep(found)
        if there and self._inquiry.memory.has_ties:
            self._inquiry.memory.choose(url, found.realm)

    def refused(self, url: str, *, status: int, tried: Sequence[Found] = (), challenge: str = "") -> Found | None:
        """Return what to send after a 401 or 403; None where there is nothing else to send.

        :param tried: what was sent for this request so far; it is not returned again.
        :param challenge: the ``WWW-Authenticate`` header.
        """
        self._inquiry.notice_changes()
        scope = self._inquiry.memory.scope(url)
        if scope is None or is_presigned(url):
            return None
        sent = [found.credential for found in tried]
        while True:
            for answer in self._answers(scope, url, status, tried, challenge):
                if answer is not None and answer.credential not in sent:
                    return answer
            if not scope.reopen():
                break
        if not any(found.accepted for found in tried) and not self._handed.how(url, scope.realms[0].origin):
            scope.give_up()
        return None

    def missed(self, url: str, tried: Sequence[Found]) -> Found | None:
        """Return what another index has for a URL that several cover, after a 404; None where nothing is left.

        To those who may not know of it, a server may say of what it has that it is not there.

        :param tried: what was sent for this request so far.
        """
        scope = self._inquiry.memory.scope(url)
        if scope is None or scope.only or is_presigned(url):
            return None
        sent = [found.credential for found in tried]
        return next((answer for answer in self._others(scope, url, tried) if answer.credential not in sent), None)

    @emptying_frames
    def explain(self, url: str, username: str | None = None) -> Trace:
        """Ask each provider anew, and tell what it said; what is remembered stays as it is.

        :raises UrlError: the URL cannot be dialled.
        """
        origin = parse(url).origin
        scope = self._inquiry.memory.scope(url, username)
        if scope is None or is_presigned(url):
            return Trace(redact(url), (), (), None, "the URL carries its own signature, so nothing is added")
        if self._handed.how(url, origin) == DOWNGRADED:
            return Trace(redact(url), (), (), None, "an https answer named this http URL, so nothing is added")
        self._inquiry.refresh()
        found: Found | None = None
        steps: dict[Step, None] = {}
        for realm in scope.candidates():
            its_found, its_steps = self._inquiry.explain(realm)
            found = found or its_found
            steps.update(dict.fromkeys(its_steps))
        why = "" if found else self.note or "no provider has one"
        return Trace(redact(url), tuple(steps), tuple(_notes(scope.candidates())), found, why)

    def forget(self) -> None:
        """Drop all that is remembered; everything is read and asked anew."""
        self._inquiry.forget()
        self._handed = Handed()

    def __repr__(self) -> str:
        return f"Chain({', '.join(desk.name for desk in self._inquiry.desks)})"

    def __reduce__(self) -> Any:
        make, options = self._recipe
        return _make, (make, options)

    def _find(self, realm: Realm, handed: str) -> Found | None:
        if handed == DOWNGRADED:
            return None
        found = self._inquiry.look_up(realm, handed=bool(handed))
        return None if handed and found is not None and found.key.kind == DEFAULT else found

    def _answers(
        self, scope: Scope, url: str, status: int, tried: Sequence[Found], challenge: str
    ) -> Iterator[Found | None]:
        """Yield what might be sent after a refusal, the best first; some of it may have been sent."""
        realms = scope.candidates(path_of(url))
        handed = self._handed.how(url, realms[0].origin)
        if handed == DOWNGRADED:
            return
        yield from self._others(scope, url, tried)
        for realm in realms:
            mine = [found for found in tried if found.realm is realm]
            # Of several indexes none is blamed for a path that may be another's.
            if mine and (len(realms) == 1 or mine[-1].accepted):
                yield self._inquiry.renew(realm, mine, status, handed=bool(handed))
            elif not mine and not handed and (status == 401 or realm.is_index):
                yield self._inquiry.answer_challenge(realm, challenge)

    def _others(self, scope: Scope, url: str, tried: Sequence[Found]) -> Iterator[Found]:
        """Yield what there is for those of a URL's realms of which nothing was sent."""
        for realm in scope.candidates(path_of(url)):
            if not any(found.realm is realm for found in tried):
                found = self._find(realm, self._handed.how(url, realm.origin))
                if found is not None:
                    yield found

    def _renew_locks(self) -> None:
        self._inquiry.renew_locks()
        self._handed.lock = threading.Lock()


def _notes(realms: Sequence[Realm]) -> Iterator[str]:
    """Tell what decides besides the providers."""
    if len(realms) > 1:
        yield "several indexes cover it; after a refusal the next one is tried:"
    for realm in realms:
        declared, user = realm.declared, realm.url.username
        if declared is not None:
            yield f"covered by the {'index' if declared.is_index else 'channel'} {redact(declared.url)}"
        if realm.url.password is not None:
            yield "user:password@ stands in the URL or the manifest, and nothing replaces it"
        elif user is not None:
            yield f"for the user {user!r}"


def _load(manifest: str | os.PathLike[str] | Manifest | None) -> Manifest | None:
    if manifest is None:
        return None
    from authshim.manifest import Manifest

    return manifest if isinstance(manifest, Manifest) else Manifest.load(manifest)


def _providers(settings: Settings, environ: Mapping[str, str] | None) -> list[Provider]:
    """List the providers in the order in which they are asked; an override file may be the only one."""
    from authshim.providers.auth_file import AuthFile
    from authshim.providers.keyring_command import KeyringCommand
    from authshim.providers.netrc_file import NetrcFile
    from authshim.providers.os_keychain import OSKeychain

    override = [AuthFile(settings.auth_file, named=True)] if settings.auth_file else []
    if settings.auth_file_only:
        return [*override]
    command = KeyringCommand(
        settings.keyring_command, search_path=settings.search_path, timeout=settings.keyring_timeout, environ=environ
    )
    return [
        *override,
        *([OSKeychain()] if settings.keychain else []),
        *([AuthFile(settings.home_auth_file)] if settings.home_auth_file else []),
        *([NetrcFile(settings.netrc_files, named=settings.netrc_named)] if settings.netrc_files else []),
        *([command] if settings.keyring_enabled else []),
    ]


def _make(make: Callable[..., Chain], options: dict[str, Any]) -> Chain:
    return make(**options)


def _after_fork() -> None:
    for chain in list(_chains):
        chain._renew_locks()


_chains: weakref.WeakSet[Chain] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
