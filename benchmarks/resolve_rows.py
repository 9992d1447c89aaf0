"""``authshim resolve`` of many packages, beside a loop by hand over the same pages and uv."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.measure import Figure, Plan, interleaved, median, once, ratios
from benchmarks.scene import PASSWORD, USER, Server, write
from benchmarks.table import NOT_HERE, Row, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 200
_PROJECT = """
[workspace]
channels = []
platforms = ["linux-64"]
[pypi-options]
index-url = "{url}"
[pypi-dependencies]
{packages}
"""


def rows(plan: Plan) -> list[Row]:
    """Resolve the packages of a project, each program as a whole process."""
    packages = 40 if plan.is_quick else 200
    with Server(passwords=[PASSWORD], files=FILES) as server:
        url = f"http://{USER}:{PASSWORD}@{server.netloc}/simple"
        times = interleaved(_cases(url, packages), plan)
    said = {name: seconds(median(values)) for name, values in times.items()}
    measured = Figure.of(ratios(times["authshim"], times["by hand"]))
    peer = f"{said['by hand']}, uv {said.get('uv', NOT_HERE)}"
    what = f"authshim resolve, {packages} packages of {FILES} files"
    return [Row(what, "requests and html.parser", 2, measured, "x", said["authshim"], peer)]


def _cases(url: str, packages: int) -> dict[str, Callable[[], float]]:
    names = [f"package-{number}" for number in range(packages)]
    lines = "\n".join(f'{name} = "*"' for name in names)
    manifest = write("pixi.toml", _PROJECT.format(url=url, packages=lines))
    by_hand = ["-m", "benchmarks.by_hand", url, str(packages)]
    ours = ["-m", "authshim", "resolve", "--manifest-path", manifest]
    cases = {
        "by hand": lambda: once(lambda: _run(by_hand)),
        "authshim": lambda: once(lambda: _run(ours)),
    }
    wanted = write("requirements.in", "\n".join(names))
    options = ["--no-cache", "--no-config", "--python", sys.executable, "--index-url", url]
    uv = peers.made(lambda: lambda _: peers.run_uv("pip", "compile", *options, wanted), name="uv")
    return {**cases, **({"uv": lambda: once(lambda: uv(""))} if uv else {})}


def _run(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
