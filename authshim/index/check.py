"""Probe every index and channel of a project, as pixi would ask them."""

from __future__ import annotations

from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

from authshim import next_step
from authshim.concurrency import map_concurrently
from authshim.index.client import IndexClient
from authshim.index.mirrors import mirrored, places_at_mirrors, userinfo_note
from authshim.index.probe import (
    NOBODYS_NAME,
    NOT_FOUND,
    NOT_PROBED,
    UNREACHABLE,
    Probe,
    Result,
)
from authshim.project.model import PYPI
from authshim.project.repositories import Channel, Index, Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from authshim.index.mirrors import Mirrored
    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Manifest
    from authshim.project.requirements import RawRequirement
    from authshim.settings.pixi_config import Mirror

__all__ = ["NOBODYS_NAME", "Check", "Result", "check", "probe"]

_SCHEMES = ("http", "https")


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
        self._mirrors = mirrors
        self._places = _places(manifest, environment)
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
        for at, result in map_concurrently(
            places, lambda: nullcontext(self._probe), seconds=seconds
        ):
            self._found[at] = result

    def waiting(self) -> list[str]:
        """List the hosts that have not answered, each once."""
        places = enumerate(self._places)
        hosts = (place.netloc for at, place in places if at not in self._found)
        return list(dict.fromkeys(hosts))

    def results(self, unanswered: str = "") -> list[Result]:
        """Return the results in the project's order.

        :param unanswered: the reason for which a place has no result.
        """
        step = next_step.TRY_LATER_OR_CHECK_NETWORK()
        found = []
        for at, place in enumerate(self._places):
            missing = Result(
                _kind(place), place.shown, UNREACHABLE, detail=unanswered, next_step=step
            )
            found.append(self._found.get(at, missing))
        return found

    def _probe(self, at: int) -> Result:
        place = self._places[at]
        return probe(self._chain, place, _names_for(place, self._wanted), self._mirrors)


def check(
    chain: Chain,
    manifest: Manifest,
    environment: str | None = None,
    mirrors: Sequence[Mirror] = (),
) -> list[Result]:
    """Probe every index and channel of a project, and return the results in its order."""
    checking = Check(chain, manifest, environment, mirrors)
    checking.run()
    return checking.results()


def _places(manifest: Manifest, environment: str | None) -> list[Repository]:
    indexes = [*manifest.indexes(environment), *manifest.own_indexes(environment)]
    if not manifest.requirements(environment):
        # pixi asks no index then. The declared ones are probed, because somebody uses them.
        indexes = [index for index in indexes if index != PYPI]
    channels = [*manifest.channels(environment), *manifest.build_channels()]
    return [*indexes, *dict.fromkeys(channels), *manifest.pypi_maps()]


def _names_for(place: Repository, wanted: Sequence[RawRequirement]) -> list[str]:
    """Return the names of the packages that come from an index."""
    own = [each.name for each in wanted if each.own_index == place]
    shared = [each.name for each in wanted if each.own_index is None]
    return list(dict.fromkeys(own or shared))


def probe(
    chain: Chain, place: Repository, names: Sequence[str] = (), mirrors: Sequence[Mirror] = ()
) -> Result:
    """Ask one place for something small, or its mirrors in turn until one of them works.

    :param names: packages of the project. An index is asked for the first one that it has.
    :param mirrors: those of pixi's configuration.
    """
    kind = _kind(place)
    if place.placeholder:
        step = next_step.FILL_IN(placeholder=place.placeholder, kind=kind)
        detail = f"{place.placeholder} is not filled in"
        return Result(kind, place.shown, NOT_PROBED, detail=detail, next_step=step)
    found = mirrored(place.url, mirrors)
    if found is not None:
        return _probe_mirrors(chain, place, names, mirrors, found)
    return _probe_one(chain, place, names, mirrors)


def _probe_mirrors(
    chain: Chain,
    place: Repository,
    names: Sequence[str],
    mirrors: Sequence[Mirror],
    found: Mirrored,
) -> Result:
    """Return the verdict on the first mirror that works, else on the last one."""
    step = next_step.CORRECT_MIRRORS(file=found.file)
    result = Result(_kind(place), "", NOT_FOUND, detail=found.empty_note, next_step=step)
    for at, mirror in enumerate(places_at_mirrors(place, found)):
        result = _probe_one(chain, mirror, names, mirrors)
        notes = (result.detail, found.note(at), userinfo_note(place))
        detail = "; ".join(filter(None, notes))
        result = result._replace(detail=detail, mirror=mirror.shown)
        if result.answer != UNREACHABLE:
            break
    return result._replace(url=place.shown)


def _probe_one(
    chain: Chain, place: Repository, names: Sequence[str], mirrors: Sequence[Mirror]
) -> Result:
    scheme = place.scheme
    if scheme not in _SCHEMES:
        detail = f"{scheme} is not http(s)"
        return Result(_kind(place), place.shown, NOT_PROBED, detail=detail)
    with closing(IndexClient(chain)) as client:
        return Probe(client, place, _kind(place), mirrors).run(names)


def _kind(place: Repository) -> str:
    if isinstance(place, Channel):
        return "channel"
    if isinstance(place, Index):
        return "flat index" if place.flat else "index"
    return "conda-pypi-map"
