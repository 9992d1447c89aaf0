"""The chain: which providers there are, in which order, and what of their answers is sent when.

``inquiry`` asks them, ``memory`` keeps what they said, ``scopes`` knows what is declared; here
stands what a caller needs to know, and the order (``_providers``).
"""

from __future__ import annotations

import logging
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from authshim.lookup.coverage import sites
from authshim.lookup.environment import _load, _providers
from authshim.lookup.lookup import Inquiry
from authshim.lookup.naming import CALLER
from authshim.lookup.trace import Trace
from authshim.oauth.renewal import Renewer
from authshim.redact import redact, shown_user
from authshim.secret import clears_frames
from authshim.urls import SERVICE, has_ambiguous_path, is_presigned, parse, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from authshim.lookup.entry import Realm, Scope
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Found, Step
    from authshim.project.manifest import Channel, Index, Manifest
    from authshim.providers.base import Provider

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
        self.identity = os.urandom(16)
        """A random value that a chain shares with its copies only."""
        self.providers = providers
        """In the order in which they are asked."""
        self._inquiry = Inquiry(providers, sites(indexes, channels))
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
        from authshim.settings import NAMES
        from authshim.settings import read as read_settings

        project = _load(manifest)
        settings = read_settings(
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
        lock_dir = os.path.dirname(settings.home_auth_file) if settings.home_auth_file else None
        for desk in chain._inquiry.desks:
            desk.renewer = Renewer(lock_dir=lock_dir, environ=environ)
        if settings.auth_file_only:
            chain._inquiry.note = f"only {settings.auth_file} was read: {settings.auth_file_named_by} is set"
        for problem in (*settings.problems, *(() if project is None else project.warnings)):
            logger.warning("%s", problem)
        kept = None if environ is None else {name: environ[name] for name in NAMES if name in environ}
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

    def find(self, url: str, username: str | None = None, *, named_by: NamedBy = CALLER) -> Found | None:
        """Return what is sent to a URL without being asked for it; None if nothing is.

        :param url: absolute, with or without userinfo.
        :param username: whose credential, if the URL does not say.
        :param named_by: less goes to a URL that only a server named; see ``handed``.
        """
        origin = self._inquiry.memory.origin(url, username)
        if origin is None or ("?" in url and is_presigned(url)):
            return None
        realm = origin.only or origin.likeliest(url)  # type: ignore[call-arg]  # a Scope here has but one realm
        found: Found | None = realm.found
        is_due = found is None or (found.expires_at is not None and found.expires_at <= time.time())
        return self._inquiry.look_up(realm, named_by) if is_due or named_by is not CALLER else found

    def accept(self, url: str, found: Found, *, there: bool = True) -> None:
        """Note that a server took what was found for a URL.

        :param there: whether it has what was asked for; where it has not, it may be another index's.
        """
        found.accepted = True
        if found.realm.offer is found:
            self._inquiry.keep(found)
        if there and self._inquiry.memory.has_ties:
            self._inquiry.memory.choose(url, found.realm)

    def refused(
        self,
        url: str,
        *,
        status: int,
        tried: Sequence[Found] = (),
        challenge: str = "",
        named_by: NamedBy = CALLER,
    ) -> Found | None:
        """Return what to send after a 401 or 403; None if there is nothing else to send.

        :param tried: what was sent for this request so far; it is not returned again.
        :param challenge: the ``WWW-Authenticate`` header.
        :param named_by: a server that named the URL makes the chain reject nothing.
        """
        self._inquiry.notice_changes()
        scope = self._inquiry.memory.scope(url)
        if scope is None or is_presigned(url):
            return None
        if named_by.is_marked:
            return _other(self._answers_to_server(scope, tried, named_by), tried)
        if tried and tried[-1].is_lone_token:
            self._inquiry.reject_token(tried[-1])
        while True:
            answer = _other(self._answers(scope, url, status, tried, challenge), tried)
            if answer is not None:
                return answer
            if not scope.reopen():
                break
        if not any(found.accepted for found in tried):
            scope.give_up()
        return None

    def missed(self, url: str, tried: Sequence[Found], *, named_by: NamedBy = CALLER) -> Found | None:
        """Return what another index has for a URL that several cover, after a 404; None if nothing is left.

        To those who may not know of it, a server may say of what it has that it is not there.

        :param tried: what was sent for this request so far.
        """
        scope = self._inquiry.memory.scope(url)
        if scope is None or scope.only or is_presigned(url):
            return None
        return _other(self._others(scope.candidates(path_of(url)), tried, named_by), tried)

    def withheld(self, url: str, *, named_by: NamedBy) -> str:
        """Return why nothing is sent to a plain http URL, whatever is found; empty if something may be."""
        scope = self._inquiry.memory.scope(url)
        realms = [] if scope is None or is_presigned(url) else scope.candidates(path_of(url))
        return next(filter(None, (self._inquiry.withheld(realm, named_by) for realm in realms)), "")

    @clears_frames
    def explain(self, url: str, username: str | None = None, *, named_by: NamedBy = CALLER) -> Trace:
        """Ask each provider anew, and tell what it said; what is remembered stays as it is.

        :param named_by: as in ``find``.
        :raises UrlError: the URL cannot be dialled.
        """
        parse(url)
        scope = self._inquiry.memory.scope(url, username)
        if scope is None or is_presigned(url):
            return Trace(redact(url), (), (), None, "the URL carries its own signature, so nothing is added")
        self._inquiry.refresh()
        found: Found | None = None
        steps: dict[Step, None] = {}
        for realm in scope.candidates():
            its_found, its_steps = self._inquiry.explain(realm, named_by)
            found = found or its_found
            steps.update(dict.fromkeys(its_steps))
        withheld = self.withheld(url, named_by=named_by)
        if withheld:
            found = None
        why = "" if found else self.note or "no provider has one"
        notes = (*_note_path(url), *_notes(scope.candidates()), *_note_naming(named_by))
        return Trace(redact(url), tuple(steps), notes, found, why, withheld)

    def forget(self) -> None:
        """Drop all that is remembered; everything is read and asked anew."""
        self._inquiry.forget()

    def __repr__(self) -> str:
        return f"Chain({', '.join(desk.name for desk in self._inquiry.desks)})"

    def __reduce__(self) -> Any:
        make, options = self._recipe
        return _make, (make, options, self.identity)

    def _answers(
        self, scope: Scope, url: str, status: int, tried: Sequence[Found], challenge: str
    ) -> Iterator[Found | None]:
        """Yield what might be sent after a refusal, the best first; some of it may have been sent."""
        realms = scope.candidates(path_of(url))
        yield from self._others(realms, tried, CALLER)
        for realm in realms:
            mine = [found for found in tried if found.realm is realm]
            # Of several indexes none is blamed for a path that may be another's.
            if mine and (len(realms) == 1 or mine[-1].accepted):
                yield self._inquiry.renew(realm, mine, status)
            elif not mine and (status == 401 or realm.is_index):
                yield self._inquiry.answer_challenge(realm, challenge)

    def _answers_to_server(self, scope: Scope, tried: Sequence[Found], named_by: NamedBy) -> Iterator[Found | None]:
        """Yield what might be sent after the refusal of a URL that only a server named; nothing is rejected."""
        yield from self._others(scope.realms, tried, named_by)
        for realm in scope.realms:
            mine = [found for found in tried if found.realm is realm]
            if mine and (scope.only or mine[-1].accepted):
                yield self._inquiry.look_again(realm, mine, named_by)

    def _others(self, realms: Sequence[Realm], tried: Sequence[Found], named_by: NamedBy) -> Iterator[Found | None]:
        """Yield what there is for those of a URL's realms of which nothing was sent."""
        for realm in realms:
            if not any(found.realm is realm for found in tried):
                yield self._inquiry.look_up(realm, named_by)

    def _renew_locks(self) -> None:
        self._inquiry.renew_locks()


def _other(answers: Iterable[Found | None], tried: Sequence[Found]) -> Found | None:
    """Return the first answer that was not sent yet."""
    sent = [found.credential for found in tried]
    return next((answer for answer in answers if answer is not None and answer.credential not in sent), None)


def _note_naming(named_by: NamedBy) -> Iterator[str]:
    """Tell who named the URL, if that decides."""
    if named_by.is_marked:
        yield f"named by {named_by.host}: no keyring command is started, and no default entry is used"


def _note_path(url: str) -> Iterator[str]:
    """Tell that the path does not decide, if it should not."""
    if has_ambiguous_path(url):
        yield "servers read its path in different ways, so nothing that is kept for a path applies"


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
            yield f"for the user {shown_user(user)!r}"


def _make(make: Callable[..., Chain], options: dict[str, Any], identity: bytes) -> Chain:
    """Return a copy of a chain: made from the same options, with the same identity."""
    chain = make(**options)
    chain.identity = identity
    return chain


def _after_fork() -> None:
    for chain in list(_chains):
        chain._renew_locks()


_chains: weakref.WeakSet[Chain] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
