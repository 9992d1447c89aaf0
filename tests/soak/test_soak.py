"""The loads of ``load.py``: nothing is lost, looked up twice, stuck or kept.

They run in short, or in full with ``tox -e soak``. Each prints what it measured:
``tox -e slow -- -s tests/soak``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="it counts descriptors and runs sh"),
    pytest.mark.slow("a load of thousands of requests, in a process of its own"),
]

IS_FULL = os.environ.get("AUTHSHIM_SOAK") == "full"
"""Read before any test clears the environment."""


def run(folder: Path, load: str, *, short: list[int], full: list[int]) -> dict[str, Any]:
    """Run a load in a process of its own, and return what it measured.

    The last number is the limit in seconds.
    """
    numbers = map(str, full if IS_FULL else short)
    command = [
        sys.executable,
        str(Path(__file__).with_name("load.py")),
        load,
        str(folder),
        *numbers,
    ]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert ended.returncode == 0, ended.stderr  # where it stood when its time was over
    print(f"\n{load}: {ended.stdout}", end="")
    measured: dict[str, Any] = json.loads(ended.stdout)
    return measured


def test_many_threads_lose_no_request_and_look_each_password_up_once(tmp_path: Path) -> None:
    measured = run(tmp_path, "threads", short=[16, 200, 600], full=[64, 10_000, 3600])
    assert measured["lost"] == []
    assert sum(door["let in"] for door in measured["doors"]) == measured["requests"]
    assert measured["look-ups"] == [door["passwords"] for door in measured["doors"]]
    assert min(measured["look-ups"]) > 1
    first, *others = measured["size"]
    assert max(others) - first < 8 * 1024  # KiB; in full, 15 bytes for each request
    before, *_, last = measured["descriptors"]
    assert last <= before + 2 * measured["threads"]  # a connection of each with each server


def test_an_hour_keeps_nothing_of_its_requests(tmp_path: Path) -> None:
    measured = run(tmp_path, "hour", short=[720, 600], full=[360_000, 3600])
    assert set(measured["statuses"]) == {"200", "broken"}
    _, *traced = measured["traced"]  # what is made once is made in the first part
    steps = sorted(after - before for before, after in zip(traced, traced[1:]))
    assert (
        sum(steps[:-1]) < 64
    )  # KiB; in one of them the interpreter's table of interned strings may double
    assert len(set(measured["descriptors"])) == 1


def test_hosts_indexes_and_sessions_that_come_and_go_are_not_kept(tmp_path: Path) -> None:
    measured = run(tmp_path, "churn", short=[100, 600], full=[10_000, 3600])
    first, second = measured["traced"]
    assert second < 1.1 * first + (1024 if IS_FULL else 2048)  # KiB; in short, nothing is full yet
    assert len(set(measured["descriptors"])) == 1
