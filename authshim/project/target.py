"""The target that packages are chosen for: a platform, as conda names it, and a Python.

The tags of wheels follow pixi's ``pixi_default_versions``: glibc 2.28 and macOS 13.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.specifiers import SpecifierSet
    from packaging.tags import Tag
    from packaging.version import Version

_GLIBC = 28
_OLD_MANYLINUX = {
    17: "manylinux2014",
    12: "manylinux2010",
    5: "manylinux1",
}
_MACOS = (13, 0)

_LINUX = {
    "linux-32": "i686",
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "linux-armv7l": "armv7l",
    "linux-ppc64le": "ppc64le",
    "linux-riscv64": "riscv64",
    "linux-s390x": "s390x",
}
_MACS = {"osx-64": "x86_64", "osx-arm64": "arm64"}
_WINDOWS = {
    "win-32": ("win32", "x86"),
    "win-64": ("win_amd64", "AMD64"),
    "win-arm64": ("win_arm64", "ARM64"),
}
_SYSTEMS = {
    "linux": ("posix", "linux", "Linux"),
    "osx": ("posix", "darwin", "Darwin"),
    "win": ("nt", "win32", "Windows"),
}
"""The ``os_name``, ``sys_platform`` and ``platform_system`` of each family of platforms."""

_CONDA_ARCHITECTURES = {
    "x86_64": "64",
    "AMD64": "64",
    "i686": "32",
    "x86": "32",
}
"""conda's names of the machines of ``platform.machine()``, if they differ."""

_CONDA_FAMILIES = {
    "darwin": "osx",
    "win32": "win",
}
"""conda's names of the systems of ``sys.platform``, besides Linux."""

MAX_SPEC_CHARACTERS = 500
"""The length of all specs of a Python together."""

_ANY_MICRO = 99
"""A micro version that stands for the newest one of a minor version."""


_BUILD = re.compile(r"\s+\S*_\S*$")
"""The build at the end of a conda spec."""

_BARE_VERSION = re.compile(r"^=?([0-9][0-9.]*?)(?:\.?\*)?$")
"""conda's ``3.12``, ``=3.12`` and ``3.12.*``, which all mean the last one."""

_MICRO_VERSION = re.compile(r"(3\.[0-9]{1,3})\.([0-9]{1,2})(?![0-9])")


class Target(NamedTuple):
    """A platform and a Python."""

    platform: str
    """A name of conda, such as ``linux-64``."""
    python: str
    """``3.12`` for the newest one, or an exact ``3.12.4``."""
    platform_from: str = "this machine"
    """The origin of the platform: "this machine" or "the project"."""
    python_from: str = "this interpreter"
    """The origin of the Python: "this interpreter" or "the project"."""

    def specificity(self, selector: str) -> int | None:
        """Return a number that grows with the specificity of a ``[target.SELECTOR]``.

        Return None if the selector does not match. The selector "" matches every platform.
        """
        known = {
            "": 0,
            self.family: 2,
            self.platform: 3,
        }
        if self.family in ("linux", "osx"):
            known["unix"] = 1
        return known.get(selector)

    @property
    def family(self) -> str:
        """The system of the platform: "linux", "osx" or "win"."""
        family, _, _ = self.platform.partition("-")
        return family

    @property
    def version(self) -> Version:
        """The Python as a version that can be compared."""
        from packaging.version import Version

        if self.python.count(".") > 1:
            return Version(self.python)
        return Version(f"{self.python}.{_ANY_MICRO}")

    def tags(self) -> list[Tag]:
        """List the tags of the wheels that run here, the best first."""
        from packaging.tags import compatible_tags, cpython_tags

        minor = self.version.release[:2]
        platforms = [*_platform_tags(self.platform)]
        cpython = f"cp{minor[0]}{minor[1]}"
        specific = cpython_tags(minor, abis=[cpython], platforms=platforms)
        compatible = compatible_tags(minor, interpreter=cpython, platforms=platforms)
        return [*specific, *compatible]

    def markers(self) -> dict[str, str]:
        """Return the environment that evaluates the markers of a requirement (PEP 508)."""
        linux = _SYSTEMS["linux"]
        os_name, sys_platform, system = _SYSTEMS.get(self.family, linux)
        full = str(self.version)
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": os_name,
            "platform_machine": _architecture(self.platform),
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": system,
            "platform_version": "",
            "python_full_version": full,
            "python_version": _dotted(self.version.release[:2]),
            "sys_platform": sys_platform,
        }


def current() -> Target:
    """Return this machine and this interpreter."""
    platform = _this_platform()
    python = _dotted(sys.version_info[:3])
    return Target(platform, python)


def _dotted(numbers: Iterable[int]) -> str:
    return ".".join(map(str, numbers))


def _this_platform() -> str:
    import platform

    family = _CONDA_FAMILIES.get(sys.platform, "linux")
    machine = platform.machine()
    name = _CONDA_ARCHITECTURES.get(machine, machine)
    if machine in ("aarch64", "arm64", "ARM64"):
        name = "arm64"
        if family == "linux":
            name = "aarch64"
    return f"{family}-{name}"


def _architecture(platform: str) -> str:
    """Return the ``platform_machine`` of a platform."""
    if platform in _WINDOWS:
        return _WINDOWS[platform][1]
    known = {**_LINUX, **_MACS}
    _, _, machine = platform.partition("-")
    return known.get(platform, machine)


def _platform_tags(platform: str) -> Iterator[str]:
    from packaging.tags import mac_platforms

    if platform in _LINUX:
        yield from _manylinux(_LINUX[platform])
    elif platform in _MACS:
        yield from mac_platforms(_MACOS, _MACS[platform])
    elif platform in _WINDOWS:
        yield _WINDOWS[platform][0]
    else:
        yield platform.replace("-", "_")


def _manylinux(machine: str) -> Iterator[str]:
    """Yield the tags of PEP 600, and the older names of three of them."""
    oldest = 17
    if machine in ("x86_64", "i686"):
        oldest = 5
    minors = range(oldest, _GLIBC + 1)
    for minor in reversed(minors):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _OLD_MANYLINUX:
            yield f"{_OLD_MANYLINUX[minor]}_{machine}"
    yield f"linux_{machine}"


def choose_python(specs: Sequence[str], own: str) -> str | None:
    """Return the newest Python that conda's version specs allow, or None if that is not clear.

    If they allow any newer Python, return ``own`` if they allow that, else the oldest.

    >>> [choose_python([spec], "3.11.7") for spec in ("3.12.*", ">=3.9,<3.13", ">=3.9")]
    ['3.12', '3.12', '3.11.7']
    """
    specs = list(dict.fromkeys(specs))
    characters = sum(map(len, specs))
    if not specs or characters > MAX_SPEC_CHARACTERS:
        return None
    specifiers = [_alternatives(spec) for spec in specs]
    minors = [f"3.{minor}.{_ANY_MICRO}" for minor in range(100)]
    allowed = _allowed(specifiers, {*minors, *_micro_versions(specs)})
    if not allowed:
        return None
    if allowed[-1] != minors[-1]:
        return _without_any_micro(allowed[-1])
    if _allows(specifiers, own):
        return own
    return _without_any_micro(allowed[0])


def _allowed(
    specifiers: list[list[SpecifierSet]],
    candidates: Iterable[str],
) -> list[str]:
    """List the versions that each spec allows, the oldest first."""
    from packaging.version import Version

    allowed = [python for python in candidates if _allows(specifiers, python)]
    allowed.sort(key=Version)
    return allowed


def _allows(specifiers: list[list[SpecifierSet]], python: str) -> bool:
    """Return True if each spec has an alternative that allows a version."""
    from packaging.version import Version

    version = Version(python)
    for alternatives in specifiers:
        allows = [version in alternative for alternative in alternatives]
        if not any(allows):
            return False
    return True


def _micro_versions(specs: Sequence[str]) -> Iterator[str]:
    """Yield the micro versions up to the one after each that a spec names."""
    for spec in specs:
        for minor, micro in _MICRO_VERSION.findall(spec):
            following = int(micro) + 1
            for number in range(following + 1):
                yield f"{minor}.{number}"


def _without_any_micro(python: str) -> str:
    return python.removesuffix(f".{_ANY_MICRO}")


def _alternatives(spec: str) -> list[SpecifierSet]:
    """Return the alternatives of a conda spec, or an empty list if one cannot be read."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    found = []
    version = _BUILD.sub("", spec)
    without_blanks = version.replace(" ", "")
    for alternative in without_blanks.split("|"):
        text = _as_specifier(alternative)
        try:
            specifier = SpecifierSet(text, prereleases=True)
        except InvalidSpecifier:
            return []
        found.append(specifier)
    return found


def _as_specifier(alternative: str) -> str:
    """Return an alternative of a conda spec in the form of PEP 440."""
    parts = []
    for part in alternative.split(","):
        if part != "*":
            with_operator = _BARE_VERSION.sub(r"==\1.*", part)
            parts.append(with_operator)
    return ",".join(parts)
