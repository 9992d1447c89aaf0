"""The tags of wheels, for platforms and Pythons that are not this one's."""

from __future__ import annotations

import platform
import sys

import pytest
from packaging.tags import parse_tag

from authshim.project.target import Target, choose_python, current


def runs(machine: Target, wheel: str) -> bool:
    return not parse_tag(wheel).isdisjoint(machine.tags())


@pytest.mark.parametrize(
    ("on", "wheel", "expected"),
    [
        ("linux-64", "py3-none-any", True),
        ("linux-64", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("linux-64", "cp312-cp312-manylinux_2_28_x86_64", True),
        ("linux-64", "cp312-cp312-manylinux_2_34_x86_64", False),
        ("linux-64", "cp38-abi3-manylinux1_x86_64", True),
        ("linux-64", "cp311-cp311-manylinux_2_17_x86_64", False),
        ("linux-64", "cp312-cp312-linux_x86_64", True),
        ("linux-64", "cp312-cp312-musllinux_1_2_x86_64", False),
        ("linux-64", "cp312-cp312t-manylinux_2_17_x86_64", False),
        ("linux-aarch64", "cp312-cp312-manylinux2014_aarch64", True),
        ("linux-aarch64", "cp312-cp312-manylinux_2_12_aarch64", False),
        ("linux-aarch64", "cp312-cp312-manylinux2014_x86_64", False),
        ("osx-arm64", "cp312-cp312-macosx_11_0_arm64", True),
        ("osx-arm64", "cp312-cp312-macosx_10_9_universal2", True),
        ("osx-arm64", "cp312-cp312-macosx_14_0_arm64", False),
        ("osx-64", "cp312-cp312-macosx_10_9_x86_64", True),
        ("win-64", "cp312-cp312-win_amd64", True),
        ("win-64", "cp312-cp312-win32", False),
        ("win-arm64", "cp312-cp312-win_arm64", True),
        ("emscripten-wasm32", "py3-none-any", True),
        ("emscripten-wasm32", "cp312-cp312-manylinux1_x86_64", False),
    ],
)
def test_wheel_runs_on_the_platforms_of_its_tags(on: str, wheel: str, expected: bool) -> None:
    assert runs(Target(on, "3.12"), wheel) is expected


def test_best_tag_comes_first() -> None:
    order = [str(tag) for tag in Target("linux-64", "3.12").tags()]
    known = ["cp312-cp312-manylinux_2_28_x86_64", "cp312-abi3-manylinux_2_5_x86_64", "py3-none-any"]
    assert [tag for tag in order if tag in known] == known


def test_minor_version_stands_for_its_newest() -> None:
    assert str(Target("linux-64", "3.12").version) > "3.12.20"
    assert str(Target("linux-64", "3.12.4").version) == "3.12.4"


def test_this_machine_is_named_as_conda_names_it() -> None:
    mine = current()
    family, _, architecture = mine.platform.partition("-")
    assert family == {"linux": "linux", "darwin": "osx", "win32": "win"}.get(sys.platform, "linux")
    assert architecture in ("64", platform.machine(), "arm64")
    assert mine.python == platform.python_version().rstrip("+")


@pytest.mark.parametrize(
    ("specs", "python"),
    [
        (["3.12"], "3.12"),
        (["3.12.*"], "3.12"),
        (["=3.12"], "3.12"),
        (["3.12*"], "3.12"),
        (["3.12.4"], "3.12.4"),
        (["==3.12.4"], "3.12.4"),
        (["=3.12.4"], "3.12.4"),
        (["~=3.10.0"], "3.10"),
        ([">=3.9, <3.13"], "3.12"),
        (["<3.13.0a0,>=3.12.3"], "3.12"),
        (["3.12.*", "<3.12.3"], "3.12.2"),
        (["<=3.12.3"], "3.12.3"),
        ([">=3.9", "<3.11"], "3.10"),
        (["3.9.*|3.10.*"], "3.10"),
        (["3.10.* *_cpython"], "3.10"),
        ([">=3.9"], "3.11.7"),
        (["*"], "3.11.7"),
        ([">=3.12"], "3.12"),
        (["3.12.*", "3.13.*"], None),
        (["x.y.z"], None),
        (["==3." + "1" * 5000], None),
        (["3.1234.1"], None),
        (["3.12.*|"] * 2 + ["3.11.*|" * 90], None),
        ([], None),
    ],
)
def test_python_is_chosen_by_conda_specs(specs: list[str], python: str | None) -> None:
    assert choose_python(specs, "3.11.7") == python
