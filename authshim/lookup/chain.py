"""The chain of providers, as its callers see it.

``lookup`` asks the providers, ``cache`` keeps their answers, ``coverage`` has the declared indexes,
and ``environment`` has the order of the providers.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from authshim.lookup.coverage import declared_by_origin, login_key
from authshim.lookup.environment import read_environment
from authshim.lookup.explanation import list_notes
from authshim.lookup.lookup import Lookup
from authshim.lookup.naming import CALLER
from authshim.lookup.s3 import S3Lookup
from authshim.lookup.setup import Setup, setup_of
from authshim.lookup.trace import Step, Trace
from authshim.redact import redact
from authshim.secret import clears_frames
from authshim.urls import GIVEN, SERVICE, Key, parse, path_of
from authshim.urls.presigned import is_presigned
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from authshim.concurrency import Clock
    from authshim.lookup.cached_credential import CachedCredential
    from authshim.lookup.entry import CacheEntry
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Channel, Index, Manifest
    from authshim.providers.base import Provider


class Chain:
    """A list of providers that are asked in turn, and a cache of their answers.

    Threads may share it, and it survives a fork. A pickle has only the options that it was made
    from. The copy looks its credentials up again.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        *,
        indexes: Iterable[Index] = (),
        channels: Iterable[Channel] = (),
        clock: Clock = time,
        _setup: Setup | None = None,
    ) -> None:
        """Make a chain of providers of one's own, in the order in which they are asked.

        :param indexes: the declared PyPI indexes, in pixi's order (``Manifest.indexes``).
        :param channels: the declared conda channels (``Manifest.channels``).
        :param clock: a source of the time for tests. A copy of the chain uses the real time.
        """
        make: Callable[..., Chain] = type(self).from_environment
        setup = _setup
        if setup is None:
            make = type(self)
            setup = setup_of(providers, indexes, channels, clock)
        self._recipe = (make, setup.options)
        self.providers = tuple(setup.providers)
        """In the order in which they are asked."""
        self.identity = os.urandom(16)
        """A random value that a chain shares with its copies only."""
        self.circumstances = setup.circumstances
        """The settings that decide which next step changes the outcome."""
        self._lookup = Lookup(
            self.providers,
            declared_by_origin(setup.indexes, setup.channels),
            renewer=setup.renewer,
            note=setup.note,
            clock=clock,
        )
        self.s3 = S3Lookup(self._lookup, self.circumstances, clock)
        """The look-up for ``s3://`` URLs."""

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
        setup = read_environment(
            auth_file=auth_file,
            keyring_provider=keyring_provider,
            manifest=manifest,
            environment=environment,
            environ=environ,
        )
        return cls(setup.providers, _setup=setup)

    @property
    def note(self) -> str:
        """Return a sentence about an override file, or an empty string if there is none."""
        return self._lookup.note

    @property
    def asks_keyring(self) -> bool:
        """Return True if the chain has a keyring command."""
        return any(SERVICE in provider.answers for provider in self._lookup.providers)

    def find(
        self,
        url: str,
        username: str | None = None,
        *,
        named_by: NamedBy = CALLER,
    ) -> Found | None:
        """Return the credential that is sent to a URL without a challenge; None if there is none.

        :param url: absolute, with or without userinfo.
        :param username: the user, if the URL does not name one.
        :param named_by: a URL that only a server named gets less; see ``naming``.
        """
        if is_s3(url):
            return self.s3.find(url, named_by)
        found = self.look_up(url, named_by, username)
        if found is None:
            return None
        return found.public

    def look_up(
        self,
        url: str,
        named_by: NamedBy = CALLER,
        username: str | None = None,
    ) -> CachedCredential | None:
        """Return the credential that ``find`` returns, as the cache holds it.

        It is for ``Exchange``, and for a client that makes one only if it has to.
        """
        origin = self._lookup.cache.origin(url, username)
        if origin is None or ("?" in url and is_presigned(url)):
            return None
        # A CandidateSet of a whole origin has but one entry.
        entry = origin.only or origin.likeliest(url)  # type: ignore[call-arg]
        found: CachedCredential | None = entry.found
        if found is None or named_by is not CALLER:
            return self._lookup.look_up(entry, named_by)
        expires_at = found.expires_at
        if expires_at is not None and expires_at <= self._lookup.now():
            return self._lookup.look_up(entry, named_by)
        return found

    def look_up_cached(self, url: str) -> tuple[bool, CachedCredential | None]:
        """Return True and the result of ``look_up`` if no provider is asked, else False."""
        origin = self._lookup.cache.known(url)
        if origin is None or ("?" in url and is_presigned(url)):
            return origin is not None, None
        entry = origin.only or origin.likeliest(url)  # type: ignore[call-arg]  # as in ``look_up``
        found: CachedCredential | None = entry.found
        is_lasting = found is not None and found.expires_at is None
        if is_lasting or self._lookup.is_known(entry):
            return True, found
        return False, None

    def withheld(
        self,
        url: str,
        *,
        named_by: NamedBy,
    ) -> str:
        """Return why no credential goes to a plain http URL, or an empty string if one may."""
        candidates = self._lookup.cache.candidates(url)
        if candidates is None or is_presigned(url):
            return ""
        path = path_of(url)
        for entry in candidates.candidates(path):
            reason = self._lookup.withheld(entry, named_by)
            if reason:
                return reason
        return ""

    @clears_frames
    def explain(
        self,
        url: str,
        username: str | None = None,
        *,
        named_by: NamedBy = CALLER,
    ) -> Trace:
        """Ask each provider again, and return the answers. The cache stays as it is.

        :param named_by: as in ``find``.
        :raises UrlError: the URL cannot be dialled.
        """
        if is_s3(url):
            return self.s3.explain(url, named_by)
        parse(url)
        candidates = self._lookup.cache.candidates(url, username)
        trace = Trace(
            redact(url),
            steps=(),
            notes=(),
            found=None,
        )
        if candidates is None or is_presigned(url):
            return trace._replace(why="the URL carries its own signature, so nothing is added")
        self._lookup.refresh()
        entries = candidates.candidates()
        found, steps = self._lookup.explain(entries, named_by)
        for name, reason in self.circumstances.absent:
            step = Step(name, Key("", GIVEN), reason)
            steps.append(step)
        notes = list_notes(url, entries, named_by)
        trace = trace._replace(
            steps=tuple(steps),
            notes=tuple(notes),
            withheld=self.withheld(url, named_by=named_by),
        )
        if found is None or trace.withheld:
            return trace._replace(why=self.why_nothing(url))
        return trace._replace(found=found.public, challenged=found.challenged)

    def _entries(self, url: str, username: str | None = None) -> list[CacheEntry]:
        """Return the entries that may open a URL, or none if it cannot be dialled."""
        candidates = self._lookup.cache.candidates(url, username)
        if candidates is None:
            return []
        return candidates.candidates()

    def forbids_logins(self, url: str) -> str:
        """Return the declaration that forbids to send a credential, or an empty string."""
        for entry in self._entries(url):
            if entry.forbids_logins:
                return entry.forbids_logins
        return ""

    def why_nothing(self, url: str) -> str:
        """Return the reason for which there is no credential for a URL."""
        return self.forbids_logins(url) or self.note or "no provider has one"

    def obstacles(self, url: str, username: str | None = None) -> Iterator[str]:
        """Yield the failures of providers that may hide a credential for a URL.

        The keyring command is not run, and nothing is read again.
        """
        for entry in self._entries(url, username):
            yield from self._lookup.obstacles(entry)

    def login_key(self, url: str) -> str:
        """Return the key under which a login serves a URL, and no other declared index.

        It is the host, and has the port or the path if several indexes share the host.
        """
        declared = self._lookup.cache.declared
        return login_key(parse(url), declared)

    def declares_host(self, url: str) -> bool:
        """Tell if a declared index or channel has the host of a URL."""
        host = parse(url).host
        origins = self._lookup.cache.declared
        return any(parse(origin).host == host for origin in origins)

    def forget(self) -> None:
        """Empty the cache, and let the providers read their stores again."""
        self._lookup.forget()
        self.s3.forget()

    def __repr__(self) -> str:
        names = [provider.name for provider in self._lookup.providers]
        listed = ", ".join(names)
        return f"Chain({listed})"

    def __reduce__(self) -> Any:
        make, options = self._recipe
        return _make, (make, options, self.identity)


def _make(
    make: Callable[..., Chain],
    options: Mapping[str, Any],
    identity: bytes,
) -> Chain:
    """Return a copy of a chain: made from the same options, with the same identity."""
    chain = make(**options)
    chain.identity = identity
    return chain
