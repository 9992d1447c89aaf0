"""Choose a file of a project for a machine, with the versions and tags of ``packaging``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from authshim.index.simple_api import MAX_FILENAME_CHARACTERS
from authshim.project.target import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Union

    from packaging.specifiers import Specifier
    from packaging.tags import Tag

    from authshim.index.answer import Answer
    from authshim.index.simple_api import File
    from authshim.project.repositories import Repository
    from authshim.project.requirements import Dependency
    from authshim.project.target import Target

    _Build = Union[tuple[int, str], tuple[()]]
    _Rank = tuple[int, _Build]

MAX_WHEEL_TAGS = 100
"""Tags of one wheel; dots in its name multiply them, and 16 are many."""

_SDIST = re.compile(r"(.+)-(.+)(?:\.tar\.gz|\.zip)")
_AFTER_RELEASES = ("if-necessary", "if-necessary-or-explicit")


class Candidate(NamedTuple):
    """A file that is a version of the project."""

    version: Version
    file: File
    place: Repository


class Request(NamedTuple):
    """A request for a file: a name, its versions, and the machine it is for."""

    name: str
    specifiers: SpecifierSet
    mode: str
    """The ``prerelease-mode`` of pixi and uv."""
    target: Target
    any_pin: bool = False
    """True if one ``==`` among several specifiers is enough to take a yanked file."""

    @classmethod
    def of(
        cls,
        dependency: Dependency,
        mode: str,
    ) -> Request:
        """Return the request that a dependency makes."""
        target = dependency.target or current()
        specifiers = SpecifierSet(dependency.specifier)
        return cls(dependency.name, specifiers, mode, target)

    def as_of_pip(self) -> Request:
        """Return the request under pip's rules for prereleases and yanked files."""
        request = self._replace(any_pin=True)
        if _name_a_prerelease(self.specifiers):
            return request._replace(mode="allow")
        return request

    def in_order(self, versions: Iterable[Version]) -> Iterator[Version]:
        """Yield the versions that may be taken, best first.

        Those before a release come after all releases, except under ``allow``.
        """
        ordered = sorted(versions, reverse=True)
        if self.mode != "allow":
            ordered.sort(key=lambda version: version.is_prerelease)
        for version in ordered:
            is_in_range = self.admits(version) and self._matches(version)
            if is_in_range:
                yield version

    def best(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """Return the file to take of one version, or None if none can be taken."""
        found = None
        highest: _Rank | None = None
        for candidate in candidates:
            rank = self._rank(candidate)
            if rank is None:
                continue
            if highest is not None and rank <= highest:
                continue
            if self._incompatibility(candidate):
                continue
            found = candidate
            highest = rank
        return found

    def newest(self, versions: Mapping[Version, Sequence[Candidate]]) -> Candidate | None:
        """Return the file to take of all versions, or None if none can be taken."""
        for version in self.in_order(versions):
            taken = self.best(versions[version])
            if taken is not None:
                return taken
        return None

    def refusal(
        self,
        version: Version,
        candidates: Sequence[Candidate],
    ) -> str:
        """Return the reason why none of the files of a version is taken."""
        if not self._matches(version):
            return f"outside {self.specifiers}"
        if not self.admits(version):
            return f"before a release (prerelease-mode {self.mode})"
        return self._incompatibility(candidates[0])

    def admits(self, version: Version) -> bool:
        """Return False if the mode excludes a version because it is before a release."""
        if not version.is_prerelease:
            return True
        if self.mode == "explicit":
            return _name_a_prerelease(self.specifiers)
        return self.mode == "allow" or self.mode in _AFTER_RELEASES

    def _matches(self, version: Version) -> bool:
        return self.specifiers.contains(version, prereleases=True)

    def _incompatibility(self, candidate: Candidate) -> str:
        """Return the reason why a file cannot be taken, or an empty text."""
        target = self.target
        if candidate.file.yanked and not self._is_pinned():
            return "yanked"
        requires_python = candidate.file.requires_python or ""
        if not _allows(requires_python, target.version):
            return f"not for Python {target.python}"
        if self._rank(candidate) is None:
            return f"without a file for {target.platform} and Python {target.python}"
        return ""

    def _is_pinned(self) -> bool:
        """Return True if one version alone is named: then it is taken even if it is yanked."""
        if len(self.specifiers) != 1 and not self.any_pin:
            return False
        return any(_is_pin(specifier) for specifier in self.specifiers)

    def _rank(self, candidate: Candidate) -> _Rank | None:
        """Return the rank of a file among those of its version, or None if it is for others.

        Any wheel comes before an sdist, then the best tag counts, then the build.
        """
        filename = candidate.file.filename
        if not filename.endswith(".whl"):
            return -1, ()
        priorities = _priorities(self.target)
        tags, build = _wheel(filename)
        usable = [tag for tag in tags if tag in priorities]
        if not usable:
            return None
        best = max(priorities[tag] for tag in usable)
        return best, build


def _is_pin(specifier: Specifier) -> bool:
    """Return True if a specifier names one version."""
    if specifier.operator not in ("==", "==="):
        return False
    return not specifier.version.endswith("*")


def versions_of(
    page: Answer,
    name: str,
) -> dict[Version, list[Candidate]]:
    """Return the files of a page that are versions of a project; others are left out."""
    found: dict[Version, list[Candidate]] = {}
    for file in page.files:
        version = _version_of(file.filename, name)
        if version is None:
            continue
        candidate = Candidate(version, file, page.place)
        of_version = found.setdefault(version, [])
        of_version.append(candidate)
    return found


def _version_of(
    filename: str,
    name: str,
) -> Version | None:
    """Return the version that the name of a file tells, or None if it is no file of the project.

    The tags of a wheel are not parsed, which takes most of the time.
    """
    if len(filename) > MAX_FILENAME_CHARACTERS or not filename.isprintable():
        return None
    if filename.endswith(".whl"):
        stem = filename[: -len(".whl")]
        parts = stem.split("-")
        if len(parts) not in (5, 6):
            return None
    else:
        match = _SDIST.fullmatch(filename)
        if match is None:
            return None
        parts = [*match.groups()]
    if _canonical(parts[0]) != name:
        return None
    return _version(parts[1])


_canonical = lru_cache(maxsize=4096)(canonicalize_name)


@lru_cache(maxsize=16384)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        # It is packaging's, or Python's of a number of more than 4,300 digits.
        return None


@lru_cache(maxsize=4096)
def _wheel(filename: str) -> tuple[frozenset[Tag], _Build]:
    """Return the tags and the build of a wheel; no tags if its name cannot be read."""
    stem = filename[: -len(".whl")]
    *_, pythons, abis, platforms = stem.split("-")
    number_of_tags = 1
    for part in (pythons, abis, platforms):
        number_of_tags *= part.count(".") + 1
    if number_of_tags > MAX_WHEEL_TAGS:
        return frozenset(), ()
    try:
        _, _, build, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion, ValueError):
        return frozenset(), ()
    return tags, build


@lru_cache(maxsize=64)
def _priorities(target: Target) -> dict[Tag, int]:
    """Return the tags of a machine with their ranks; the best tag has the highest one."""
    tags = target.tags()
    worst_first = reversed(tags)
    return {tag: rank for rank, tag in enumerate(worst_first, 1)}


def _name_a_prerelease(specifiers: SpecifierSet) -> bool:
    try:
        return bool(specifiers.prereleases)
    except InvalidVersion:
        # Anything may stand behind ``===``.
        return False


@lru_cache(maxsize=4096)
def _allows(requires_python: str, python: Version) -> bool:
    """Return True if a ``requires-python`` allows a Python, or cannot be read: pip ignores such."""
    try:
        return SpecifierSet(requires_python).contains(python, prereleases=True)
    except (InvalidSpecifier, ValueError):
        return True
