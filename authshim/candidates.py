"""The files of a page that are one project's, and which of them can be taken."""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from authshim.listing import MAX_NAME_CHARS
from authshim.machines import here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.tags import Tag

    from authshim.listing import File
    from authshim.machines import Machine
    from authshim.pages import Page
    from authshim.places import Index
    from authshim.requirements import Dependency

_SDIST = re.compile(r"(.+)\.(?:tar\.gz|zip|tgz|tar\.bz2|tbz|tar\.xz|txz|tar\.zst|tar\.lz|tlz|tar\.lzma|tar)")
"""The sdists that uv knows."""

_TAGS = 100
"""Tags of one wheel at most; dots in its name multiply them, and 16 are many."""


class Candidate(NamedTuple):
    """A file that is a version of the project."""

    version: Version
    file: File
    place: Index
    tags: frozenset[Tag] | None = None
    """Of a wheel; None: an sdist."""
    build: tuple[int, str] | tuple[()] = ()


class Wish(NamedTuple):
    """What is looked for: a name, its versions, and for what machine."""

    name: str
    specifiers: SpecifierSet
    mode: str
    """pixi's ``prerelease-mode``."""
    machine: Machine

    @classmethod
    def of(cls, dependency: Dependency, mode: str) -> Wish:
        """Return what a dependency asks for."""
        specifiers = SpecifierSet(dependency.specifier, prereleases=True)
        return cls(dependency.name, specifiers, mode, dependency.machine or here())

    def allows(self, version: Version, *, stable: bool) -> bool:
        """Tell whether a version is one of those that are looked for.

        :param stable: whether the indexes have any release.
        """
        return version in self.specifiers and (not version.is_prerelease or self._before_a_release(stable=stable))

    def best(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """Return the file to take of a version; None where none can be taken."""
        ranks = [(self._rank(candidate), candidate) for candidate in candidates if not self._barrier(candidate)]
        return max(ranks, key=lambda pair: pair[0], default=(None, None))[1]

    def refusal(self, version: Version, candidates: Sequence[Candidate], *, stable: bool) -> str:
        """Say why a version that has no file to take, or is not looked for, is not taken."""
        if version not in self.specifiers:
            return f"outside {self.specifiers}"
        if not self.allows(version, stable=stable):
            return f"before a release (prerelease-mode {self.mode})"
        return self._barrier(candidates[0])

    def _before_a_release(self, *, stable: bool) -> bool:
        explicit = any(_names_a_prerelease(each.operator, each.version) for each in self.specifiers)
        return {
            "allow": True,
            "disallow": False,
            "if-necessary": not stable,
            "explicit": explicit,
            "if-necessary-or-explicit": explicit or not stable,
        }[self.mode]

    def _barrier(self, candidate: Candidate) -> str:
        """Say what stands in the way of a file; empty: nothing."""
        if candidate.file.yanked and not self._is_pinned():
            return "yanked"
        if not _begins_before(candidate.file.requires_python, self.machine.version):
            return f"not for Python {self.machine.python}"
        if candidate.tags is not None and candidate.tags.isdisjoint(_priorities(self.machine)):
            return f"without a file for {self.machine.platform} and Python {self.machine.python}"
        return ""

    def _is_pinned(self) -> bool:
        """Tell whether one version is named, and nothing else: uv takes that even if it is yanked."""
        pinned = [each for each in self.specifiers if each.operator in ("==", "===") and not each.version.endswith("*")]
        return len(self.specifiers) == 1 and bool(pinned)

    def _rank(self, candidate: Candidate) -> tuple[int, tuple[int, str] | tuple[()]]:
        """Order files of one version: any wheel before an sdist, then the tags, then the build."""
        if candidate.tags is None:
            return -1, ()
        priorities = _priorities(self.machine)
        return max(priorities.get(tag, -1) for tag in candidate.tags), candidate.build


def candidates_of(page: Page, wish: Wish) -> Iterator[Candidate]:
    """Yield the files of a page that are versions of a project; what cannot be read is left out, as uv does."""
    for file in page.files:
        if len(file.filename) > MAX_NAME_CHARS or not file.filename.isprintable():
            continue
        found = _wheel(file, wish.name) if file.filename.endswith(".whl") else _sdist(file, wish.name)
        if found is not None and _lower_bound(file.requires_python or "") is not None:
            version, tags, build = found
            yield Candidate(version, file, page.place, tags, build)


_Read = tuple[Version, "frozenset[Tag] | None", "tuple[int, str] | tuple[()]"]


def _wheel(file: File, name: str) -> _Read | None:
    if prod(part.count(".") + 1 for part in file.filename.removesuffix(".whl").split("-")[-3:]) > _TAGS:
        return None
    try:
        project, version, build, tags = parse_wheel_filename(file.filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return (version, tags, build) if project == name else None


def _sdist(file: File, name: str) -> _Read | None:
    match = _SDIST.fullmatch(file.filename)
    stem = match.group(1) if match else ""
    for dash in re.finditer("-", stem):
        if canonicalize_name(stem[: dash.start()]) == name:
            try:
                return Version(stem[dash.end() :]), None, ()
            except InvalidVersion:
                continue
    return None


@lru_cache(maxsize=64)
def _priorities(machine: Machine) -> dict[Tag, int]:
    tags = machine.tags()
    return {tag: len(tags) - at for at, tag in enumerate(tags)}


def _names_a_prerelease(operator: str, version: str) -> bool:
    """Tell whether a specifier asks for versions before a release; one that excludes them does not."""
    return operator != "!=" and Version(version.rstrip("*").rstrip(".")).is_prerelease


@lru_cache(maxsize=4096)
def _lower_bound(requires_python: str) -> tuple[tuple[bool, Version], ...] | None:
    """Return where a ``requires-python`` begins: (strictly, version) of each bound; None where it cannot be read."""
    # PyPI has some of these from before PEP 440 was enforced.
    lenient = re.sub(r"([<>]=?\s*[0-9.]+?)\.\*", r"\1", requires_python)
    try:
        lower = [each for each in SpecifierSet(lenient) if each.operator in (">", ">=", "~=", "==")]
        return tuple((each.operator == ">", Version(each.version.rstrip("*").rstrip("."))) for each in lower)
    except ValueError:  # packaging's InvalidSpecifier, or Python's of a number of more than 4,300 digits
        return None


def _begins_before(requires_python: str | None, python: Version) -> bool:
    """Tell whether a Python is not too old; uv does not read where ``requires-python`` ends."""
    bounds = _lower_bound(requires_python or "") or ()
    return all(python > version if strictly else python >= version for strictly, version in bounds)
