"""Situations for the rules and for the real uv: the files of some indexes, and the file to take."""

from __future__ import annotations

from typing import NamedTuple

ANY = "py3-none-any"
LINUX = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
NEWER_LINUX = "cp311-cp311-manylinux_2_28_x86_64"
MAC = "cp311-cp311-macosx_11_0_arm64"
STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
MODES = ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit")


class Listed(NamedTuple):
    """A file on a page."""

    filename: str
    requires_python: str | None = None
    yanked: bool = False


class Situation(NamedTuple):
    """The pages of some indexes, in pixi's order, and the file for linux-64 and Python 3.11."""

    says: str
    wanted: str
    pages: tuple[tuple[Listed, ...] | int, ...]
    """Of each index the files of ``demo``, or the status of its answer."""
    expected: str
    """``N: filename``, N being the index's number, or "flat"; empty: nothing."""
    strategy: str = "first-index"
    mode: str = "if-necessary-or-explicit"
    flat: tuple[Listed, ...] = ()


def wheel(
    version: str, tag: str = ANY, requires_python: str | None = None, *, yanked: bool = False
) -> Listed:
    return Listed(f"demo-{version}-{tag}.whl", requires_python, yanked)


def sdist(version: str, requires_python: str | None = None, *, yanked: bool = False) -> Listed:
    return Listed(f"demo-{version}.tar.gz", requires_python, yanked)


def took(index: int | str, file: Listed) -> str:
    return f"{index}: {file.filename}"


def _strategies() -> list[Situation]:
    """Say the same of all three strategies, where they differ."""
    older, newer = (wheel("1.0"), wheel("2.0")), (wheel("2.0"), wheel("3.0"))
    only_mac = (wheel("1.0"), wheel("2.0", MAC))
    table = {
        "the first has less": (
            "demo",
            (older, newer),
            (took(0, older[1]), took(0, older[1]), took(1, newer[1])),
        ),
        "the first has more": ("demo", (newer, older), (took(0, newer[1]),) * 3),
        "both have the same": ("demo", (older, older), (took(0, older[1]),) * 3),
        "only the second fits": (
            "demo>2",
            (older, newer),
            ("", took(1, newer[1]), took(1, newer[1])),
        ),
        "only the second has it": ("demo", (404, newer), (took(1, newer[1]),) * 3),
        "nobody has it": ("demo", (404, 404), ("",) * 3),
        "the first has a page without files": (
            "demo",
            ((), newer),
            ("", took(1, newer[1]), took(1, newer[1])),
        ),
        "the first has the version for another machine": (
            "demo==2.0",
            (only_mac, older),
            ("", took(1, older[1]), took(1, older[1])),
        ),
        "the first has the newest for another machine": (
            "demo",
            (only_mac, older),
            (took(0, only_mac[0]), took(0, only_mac[0]), took(1, older[1])),
        ),
        "three indexes": (
            "demo!=3.0",
            (404, older, newer),
            (took(1, older[1]), took(1, older[1]), took(1, older[1])),
        ),
        "the first has only versions before a release": (
            "demo",
            ((wheel("3.0rc1"),), older),
            (took(0, wheel("3.0rc1")), took(0, wheel("3.0rc1")), took(1, older[1])),
        ),
        "the first has what is yanked": (
            "demo",
            ((wheel("9.0", yanked=True),), older),
            ("", took(1, older[1]), took(1, older[1])),
        ),
    }
    return [
        Situation(f"{says}, {strategy}", wanted, pages, expected, strategy)
        for says, (wanted, pages, all_expected) in table.items()
        for strategy, expected in zip(STRATEGIES, all_expected)
    ]


def _modes() -> list[Situation]:
    """Say the same of all five modes."""
    mixed = (wheel("1.0"), wheel("2.0"), wheel("3.0a1"))
    unstable = (wheel("1.0.dev1"), wheel("1.0b2"))
    release, newest, dev, beta = (
        took(0, each) for each in (mixed[1], mixed[2], unstable[0], unstable[1])
    )
    table = {
        "a release and newer": ("demo", mixed, (release, newest, release, release, release)),
        "a specifier that names one": (
            "demo>=1.0a1",
            mixed,
            (release, newest, release, release, release),
        ),
        "a specifier that excludes one": (
            "demo!=3.0a2",
            mixed,
            (release, newest, release, release, release),
        ),
        "a pinned one": ("demo==3.0a1", mixed, ("", newest, newest, newest, newest)),
        "no release at all": ("demo", unstable, ("", beta, beta, "", beta)),
        "no release that fits": ("demo>2", mixed, ("", newest, newest, "", newest)),
        "a dev version is pinned": ("demo==1.0.dev1", unstable, ("", dev, dev, dev, dev)),
        "below a release": ("demo<3.0", mixed, (release,) * 5),
    }
    return [
        Situation(f"{says}, {mode}", wanted, (page,), expected, mode=mode)
        for says, (wanted, page, all_expected) in table.items()
        for mode, expected in zip(MODES, all_expected)
    ]


def _one(says: str, wanted: str, files: tuple[Listed, ...], expected: Listed | None) -> Situation:
    return Situation(says, wanted, (files,), took(0, expected) if expected else "")


FILES = [
    _one("a wheel comes before the sdist", "demo", (sdist("1.0"), wheel("1.0")), wheel("1.0")),
    _one(
        "an sdist is taken where no wheel runs",
        "demo",
        (wheel("1.0", MAC), sdist("1.0")),
        sdist("1.0"),
    ),
    _one(
        "the best tag",
        "demo",
        (wheel("1.0"), wheel("1.0", LINUX), wheel("1.0", MAC)),
        wheel("1.0", LINUX),
    ),
    _one(
        "the newest glibc",
        "demo",
        (wheel("1.0", LINUX), wheel("1.0", NEWER_LINUX)),
        wheel("1.0", NEWER_LINUX),
    ),
    _one(
        "the highest build",
        "demo",
        (wheel("1.0-2"), wheel("1.0-10"), wheel("1.0")),
        wheel("1.0-10"),
    ),
    _one(
        "a version without a file for us", "demo", (wheel("1.0"), wheel("2.0", MAC)), wheel("1.0")
    ),
    _one("nothing for us", "demo", (wheel("1.0", MAC),), None),
    _one(
        "too new a Python is needed",
        "demo",
        (wheel("1.0"), wheel("2.0", ANY, ">=3.12")),
        wheel("1.0"),
    ),
    _one(
        "requires-python ends",
        "demo",
        (wheel("1.0"), wheel("2.0", ANY, ">=3.8,<3.10")),
        wheel("1.0"),
    ),
    _one(
        "requires-python excludes",
        "demo",
        (wheel("1.0"), wheel("2.0", ANY, "!=3.11.*")),
        wheel("1.0"),
    ),
    _one(
        "requires-python is one minor",
        "demo",
        (wheel("1.0"), wheel("2.0", ANY, "==3.12.*")),
        wheel("1.0"),
    ),
    _one("requires-python is odd", "demo", (wheel("1.0", ANY, ">=3.6.*"),), wheel("1.0")),
    _one(
        "requires-python cannot be read",
        "demo",
        (wheel("1.0"), wheel("2.0", ANY, "new")),
        wheel("2.0"),
    ),
    _one(
        "a version before a release alone has a file for us",
        "demo",
        (wheel("1.0", MAC), wheel("1.0rc1")),
        wheel("1.0rc1"),
    ),
    _one(
        "a pinned version before a release",
        "demo==1.0rc1",
        (wheel("1.0"), wheel("1.0rc1")),
        wheel("1.0rc1"),
    ),
    _one(
        "an sdist that needs a newer Python",
        "demo",
        (wheel("1.0"), sdist("2.0", ">=3.12")),
        wheel("1.0"),
    ),
    _one("yanked is left out", "demo", (wheel("1.0"), wheel("2.0", yanked=True)), wheel("1.0")),
    _one("yanked and pinned", "demo==2.0", (wheel("1.0"), wheel("2.0", yanked=True)), wheel("2.0")),
    _one(
        "yanked and pinned among others",
        "demo==2.0,>1",
        (wheel("1.0"), wheel("2.0", yanked=True)),
        None,
    ),
    _one(
        "yanked and within a pinned minor",
        "demo==2.*",
        (wheel("1.0"), wheel("2.0", yanked=True)),
        None,
    ),
    _one("only yanked", "demo", (wheel("1.0", yanked=True),), None),
    _one(
        "the wheel is yanked, the sdist not",
        "demo",
        (wheel("1.0", yanked=True), sdist("1.0")),
        sdist("1.0"),
    ),
    _one("a local version", "demo==1.0", (wheel("1.0"), wheel("1.0+cpu")), wheel("1.0+cpu")),
    _one("a post release", "demo>1.0", (wheel("1.0"), wheel("1.0.post1")), None),
    _one(
        "a compatible release",
        "demo~=1.1",
        (wheel("1.0"), wheel("1.9"), wheel("2.0")),
        wheel("1.9"),
    ),
    _one("an epoch", "demo", (wheel("2024.1"), wheel("1!1.0")), wheel("1!1.0")),
    _one("numbers are no text", "demo", (wheel("1.9"), wheel("1.10")), wheel("1.10")),
    _one(
        "a name in other letters",
        "Demo",
        (Listed(f"DEMO-1.0-{ANY}.whl"),),
        Listed(f"DEMO-1.0-{ANY}.whl"),
    ),
    _one(
        "what is no distribution",
        "demo",
        (wheel("1.0"), Listed("demo-2.0.exe"), Listed("README")),
        wheel("1.0"),
    ),
    _one("an egg", "demo", (wheel("1.0"), Listed("demo-2.0-py3.11.egg")), wheel("1.0")),
    _one(
        "an sdist whose version cannot be read",
        "demo",
        (wheel("1.0"), Listed("demo-new.tar.gz")),
        wheel("1.0"),
    ),
    _one("a version by its letters", "demo===1.0", (wheel("1.0"), wheel("2.0")), wheel("1.0")),
    _one("an sdist that is a zip", "demo", (Listed("demo-1.0.zip"),), Listed("demo-1.0.zip")),
    _one(
        "a wheel whose name cannot be read",
        "demo",
        (wheel("1.0"), Listed("demo-2.0-py3.whl")),
        wheel("1.0"),
    ),
]

FLAT = [
    Situation(
        "a flat page has more",
        "demo",
        ((wheel("1.0"),),),
        took("flat", wheel("2.0")),
        flat=(wheel("2.0"),),
    ),
    Situation(
        "a flat page has less",
        "demo",
        ((wheel("2.0"),),),
        took(0, wheel("2.0")),
        flat=(wheel("1.0"),),
    ),
    Situation(
        "a flat page has the same",
        "demo",
        ((wheel("1.0"),),),
        took("flat", wheel("1.0")),
        flat=(wheel("1.0"),),
    ),
    Situation(
        "the index has the better wheel",
        "demo",
        ((wheel("1.0", LINUX),),),
        took(0, wheel("1.0", LINUX)),
        flat=(wheel("1.0"),),
    ),
    Situation(
        "only a flat page has it", "demo", (404,), took("flat", wheel("1.0")), flat=(wheel("1.0"),)
    ),
    Situation(
        "a flat page is part of the first index",
        "demo>1",
        ((wheel("1.0"),), (wheel("3.0"),)),
        took("flat", wheel("2.0")),
        "unsafe-first-match",
        flat=(wheel("2.0"),),
    ),
]

SITUATIONS = [*_strategies(), *_modes(), *FILES, *FLAT]

OTHERWISE_IN_PIP = {
    "both have the same, unsafe-best-match": took(1, wheel("2.0")),
    "three indexes, unsafe-best-match": took(2, wheel("2.0")),
    "a specifier that names one, if-necessary-or-explicit": took(0, wheel("3.0a1")),
    "a flat page has the same": took(0, wheel("1.0")),
    "yanked and pinned among others": took(0, wheel("2.0", yanked=True)),
}
"""What pip takes in the situations in which it follows rules of its own."""
OTHERWISE_IN_UV = {
    "the first has the version for another machine, unsafe-first-match": "",
    "requires-python ends": took(0, wheel("2.0")),
    "requires-python excludes": took(0, wheel("2.0")),
    "requires-python cannot be read": took(0, wheel("1.0")),
}
"""What uv takes in the situations in which it follows rules of its own."""


def _concerns_pip(situation: Situation) -> bool:
    """Return True of one index, or all under unsafe-best-match, with wheels alone."""
    files = [file for page in situation.pages if not isinstance(page, int) for file in page]
    if any(not file.filename.endswith(".whl") for file in (*files, *situation.flat)):
        return False
    if situation.mode != "if-necessary-or-explicit":
        return False
    if len(situation.pages) > 1:
        return situation.strategy == "unsafe-best-match"
    return bool(situation.flat) or situation.says in OTHERWISE_IN_PIP


IN_PIP = [situation for situation in SITUATIONS if _concerns_pip(situation)]
"""The situations that pip can be in."""
