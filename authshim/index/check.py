"""Probe every index and channel of a project, as pixi would ask them."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

from authshim import next_step
from authshim.concurrency import map_concurrently
from authshim.index.client import IndexClient
from authshim.index.judge import NOBODYS_NAME
from authshim.index.mirrors import subdirs_with_mirrors
from authshim.index.probe import Probe
from authshim.index.shared_login import shorten_logins
from authshim.index.tool_notes import tool_note
from authshim.index.verdict import NOT_PROBED, UNREACHABLE, Result
from authshim.project.model import PYPI
from authshim.project.repositories import Channel, Index, Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.lookup.chain import Chain
    from authshim.next_step import NextStep
    from authshim.project.manifest import Manifest
    from authshim.project.requirements import RawRequirement
    from authshim.settings.pixi_config import Mirror

__all__ = ["NOBODYS_NAME", "Check", "Result", "check", "probe"]

_SCHEMES = ("http", "https", "s3")


class Check:
    """A probe of every index and channel of a project.

    :param environment: a pixi environment, or None for all of them.
    :param mirrors: those of pixi's configuration.
    """

    def __init__(
        self,
        chain: Chain,
        manifest: Manifest,
        environment: str | None = None,
        mirrors: Sequence[Mirror] = (),
    ) -> None:
        self._chain = chain
        self._manifest = manifest
        self._mirrors = mirrors
        self._places = _places(manifest, environment, mirrors)
        self._declared_in = manifest.places(self._places)
        # Only the names matter: a malformed requirement does not keep the user out.
        requirements = manifest.requirements(environment)
        self._wanted = [each for each in requirements if not each.origin]
        self._found: dict[int, Result] = {}

    def run(self, seconds: float | None = None) -> None:
        """Probe all places concurrently.

        :param seconds: the timeout of all together, or None for that of each request.
        :raises TimedOut: the timeout has passed.
        """
        places = range(len(self._places))
        answered = map_concurrently(
            places,
            lambda: nullcontext(self._probe),
            seconds=seconds,
        )
        for at, result in answered:
            self._found[at] = result

    def waiting(self) -> list[str]:
        """List the hosts that have not answered, each once."""
        hosts: dict[str, None] = {}
        for at, place in enumerate(self._places):
            if at not in self._found:
                hosts[place.netloc] = None
        return list(hosts)

    def results(
        self,
        unanswered: str = "",
        step: NextStep = next_step.NOTHING,
    ) -> list[Result]:
        """Return the results in the project's order.

        :param unanswered: the reason for which a place has no result.
        :param step: the next step for such a place.
        """
        results = []
        for at, place in enumerate(self._places):
            missing = Result(
                _kind(place),
                place.shown,
                UNREACHABLE,
                detail=unanswered,
                next_step=step,
            )
            found = self._found.get(at, missing)
            declared_in = self._declared_in[at]
            found = found._replace(declared_in=declared_in)
            results.append(self._with_note(place, found))
        return shorten_logins(self._places, results, self._chain)

    def _with_note(self, place: Repository, result: Result) -> Result:
        """Return a result with the note about the project's tool."""
        note = tool_note(
            self._manifest,
            place,
            result.found,
            answer=result.answer,
            links_name_hosts=result.links_name_hosts,
        )
        return result._replace(tool_note=note)

    def _probe(self, at: int) -> Result:
        place = self._places[at]
        names = _names_for(place, self._wanted)
        return probe(
            self._chain,
            place,
            names,
            self._mirrors,
        )


def check(
    chain: Chain,
    manifest: Manifest,
    environment: str | None = None,
    mirrors: Sequence[Mirror] = (),
) -> list[Result]:
    """Probe every index and channel of a project, and return the results in its order."""
    checking = Check(
        chain,
        manifest,
        environment,
        mirrors,
    )
    checking.run()
    return checking.results()


def _places(
    manifest: Manifest,
    environment: str | None,
    mirrors: Sequence[Mirror],
) -> list[Repository]:
    """List the URLs of a project that are probed."""
    indexes: list[Repository] = []
    indexes += manifest.indexes(environment)
    indexes += manifest.own_indexes(environment)
    if not manifest.requirements(environment):
        # pixi asks no index then. The declared ones are probed, because somebody uses them.
        indexes = [index for index in indexes if index != PYPI]
    channels = _channels(manifest, environment, mirrors)
    return [
        *indexes,
        *channels,
        *manifest.pypi_maps(),
    ]


def _channels(
    manifest: Manifest,
    environment: str | None,
    mirrors: Sequence[Mirror],
) -> list[Channel]:
    """List the channels of a project, and the parts of them that have their own mirrors."""
    declared = manifest.channels(environment)
    declared += manifest.build_channels()
    platforms = manifest.platforms(environment)
    channels: list[Channel] = []
    for channel in dict.fromkeys(declared):
        channels.append(channel)
        channels += subdirs_with_mirrors(channel, platforms, mirrors)
    return channels


def _names_for(
    place: Repository,
    wanted: Sequence[RawRequirement],
) -> list[str]:
    """Return the names of the packages that come from an index."""
    own = []
    shared = []
    for requirement in wanted:
        if requirement.own_index is None:
            shared.append(requirement.name)
        elif requirement.own_index == place:
            own.append(requirement.name)
    return list(dict.fromkeys(own or shared))


def probe(
    chain: Chain,
    place: Repository,
    names: Sequence[str] = (),
    mirrors: Sequence[Mirror] = (),
) -> Result:
    """Ask one place for something small.

    :param names: packages of the project. An index is asked for the first one that it has.
    :param mirrors: those of pixi's configuration.
    """
    kind = _kind(place)
    if place.placeholder:
        step = next_step.FILL_IN(placeholder=place.placeholder, kind=kind)
        detail = f"{place.placeholder} is not filled in"
        return Result(
            kind,
            place.shown,
            NOT_PROBED,
            detail=detail,
            next_step=step,
        )
    if place.scheme not in _SCHEMES:
        detail = f"{place.scheme} is not http(s)"
        return Result(kind, place.shown, NOT_PROBED, detail=detail)
    client = IndexClient(chain, mirrors)
    with closing(client):
        probing = Probe(client, place, kind)
        return probing.run(names)


def _kind(place: Repository) -> str:
    if isinstance(place, Channel):
        return "channel"
    if not isinstance(place, Index):
        return "conda-pypi-map"
    if place.flat:
        return "flat index"
    return "index"
