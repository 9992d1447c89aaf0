"""What a package is chosen for: a platform, as conda names it, and a Python.

The tags of wheels are those that pixi takes where a project says no more: glibc 2.28, macOS 13
(``pixi_default_versions``).
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.specifiers import SpecifierSet
    from packaging.tags import Tag
    from packaging.version import Version

_GLIBC = 28
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
"""``os_name``, ``sys_platform`` and ``platform_system`` of a family of platforms."""

_LONGEST = 500
"""Characters of the specs of a Python, all together."""

_ANY_MICRO = 99
"""Stands for the newest of a minor version."""


class Target(NamedTuple):
    """A platform and a Python."""

    platform: str
    """``linux-64`` and so on."""
    python: str
    """``3.12``, its newest, or an exact ``3.12.4``."""
    platform_from: str = "this machine"
    """Who says so: that, or "the project"."""
    python_from: str = "this interpreter"
    """Who says so: that, or "the project"."""

    def specificity(self, selector: str) -> int | None:
        """Tell how near a ``[target.SELECTOR]`` is, "" being what stands in no target; None: it does not count here."""
        family = self.platform.partition("-")[0]
        known = ["", "unix" if family in ("linux", "osx") else "", family, self.platform]
        return known.index(selector) if selector in known else None

    @property
    def version(self) -> Version:
        """The Python, to be compared."""
        from packaging.version import Version

        return Version(self.python if self.python.count(".") > 1 else f"{self.python}.{_ANY_MICRO}")

    def tags(self) -> list[Tag]:
        """List the tags of the wheels that run here, the best first."""
        from packaging.tags import compatible_tags, cpython_tags

        minor = self.version.release[:2]
        platforms = [*_platform_tags(self.platform)]
        cpython = f"cp{minor[0]}{minor[1]}"
        specific = cpython_tags(minor, abis=[cpython], platforms=platforms)
        return [*specific, *compatible_tags(minor, interpreter=cpython, platforms=platforms)]

    def markers(self) -> dict[str, str]:
        """Return what the markers of a requirement (PEP 508) are compared with."""
        os_name, sys_platform, system = _SYSTEMS.get(
            self.platform.partition("-")[0], _SYSTEMS["linux"]
        )
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
            "python_version": ".".join(map(str, self.version.release[:2])),
            "sys_platform": sys_platform,
        }


def current() -> Target:
    """Return this machine and this interpreter."""
    return Target(_this_platform(), ".".join(map(str, sys.version_info[:3])))


def _this_platform() -> str:
    import platform

    family = {"darwin": "osx", "win32": "win"}.get(sys.platform, "linux")
    machine = platform.machine()
    arm = "aarch64" if family == "linux" else "arm64"
    named = {
        "x86_64": "64",
        "AMD64": "64",
        "i686": "32",
        "x86": "32",
        "aarch64": arm,
        "arm64": arm,
        "ARM64": arm,
    }
    return f"{family}-{named.get(machine, machine)}"


def _architecture(platform: str) -> str:
    known = {**_LINUX, **_MACS, **{name: machine for name, (_, machine) in _WINDOWS.items()}}
    return known.get(platform, platform.partition("-")[2])


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
    old = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
    floor = 5 if machine in ("x86_64", "i686") else 17
    for minor in range(_GLIBC, floor - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in old:
            yield f"{old[minor]}_{machine}"
    yield f"linux_{machine}"


def choose_python(specs: Sequence[str], mine: str) -> str | None:
    """Return the Python that conda's version specs allow; None where that cannot be told, of a very long one too.

    The newest that they allow; where they allow whatever is newer still, ``mine`` if they allow that, else the
    oldest.

    >>> [choose_python([spec], "3.11.7") for spec in ("3.12.*", ">=3.9,<3.13", ">=3.9")]
    ['3.12', '3.12', '3.11.7']
    """
    from packaging.version import Version

    specs = list(dict.fromkeys(specs))
    if not specs or sum(map(len, specs)) > _LONGEST:
        return None
    sets = [_alternatives(spec) for spec in specs]

    def allowed(python: str) -> bool:
        return all(any(Version(python) in one for one in alternatives) for alternatives in sets)

    named = [
        pair
        for spec in specs
        for pair in re.findall(r"(3\.[0-9]{1,3})\.([0-9]{1,2})(?![0-9])", spec)
    ]
    exact = [f"{minor}.{micro}" for minor, last in named for micro in range(int(last) + 2)]
    minors = [f"3.{minor}.{_ANY_MICRO}" for minor in range(100)]
    found = sorted(filter(allowed, {*exact, *minors}), key=Version)
    if not found:
        return None
    if found[-1] == minors[-1]:
        return mine if allowed(mine) else _shown(found[0])
    return _shown(found[-1])


def _shown(python: str) -> str:
    minor, _, micro = python.rpartition(".")
    return minor if micro == str(_ANY_MICRO) else python


def _alternatives(spec: str) -> list[SpecifierSet]:
    """Return a spec of conda's as specifiers of PEP 440, of which one is to hold; none where it is not understood.

    A bare ``3.12`` is conda's for ``3.12.*``, and so is ``=3.12``; a build may follow it.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    found = []
    version = re.sub(r"\s+\S*_\S*$", "", spec)
    for alternative in version.replace(" ", "").split("|"):
        parts = [
            re.sub(r"^=?([0-9][0-9.]*?)(?:\.?\*)?$", r"==\1.*", part)
            for part in alternative.split(",")
        ]
        try:
            found.append(
                SpecifierSet(",".join(part for part in parts if part != "*"), prereleases=True)
            )
        except InvalidSpecifier:
            return []
    return found
