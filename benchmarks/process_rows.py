"""How long a process takes from its start to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

from benchmarks.measure import Figure, Plan, interleaved, median, once, ratios
from benchmarks.scene import HOST, PASSWORD, write
from benchmarks.table import Row, seconds

_TOKEN = ["-m", "authshim", "auth", "token", HOST]


def rows(plan: Plan) -> list[Row]:
    """Start Python for an import, and for the quickest command."""
    path = write("token.json", json.dumps({HOST: {"BearerToken": PASSWORD}}))
    commands = {
        "pass": ["-c", "pass"],
        "requests": ["-c", "import requests"],
        "authshim": ["-c", "import authshim"],
        "its adapter": ["-c", "import authshim; authshim.install"],
    }
    cases = {name: partial(_time, words, path) for name, words in commands.items()}
    if _run(_TOKEN, path) == 0:
        cases["token"] = partial(_time, _TOKEN, path)
    times = interleaved(cases, plan)
    said = {name: seconds(median(values)) for name, values in times.items()}
    token = Figure.of(ratios(times["token"], times["pass"])) if "token" in times else None
    imported = Figure.of(ratios(times["authshim"], times["requests"]))
    ours = f"{said['authshim']}; with its adapter {said['its adapter']}"
    return [
        Row(
            "import authshim, whole process",
            "import requests",
            1.05,
            imported,
            "x",
            ours,
            said["requests"],
        ),
        Row(
            "authshim auth token HOST",
            "python -c pass",
            3,
            token,
            "x",
            said.get("token", ""),
            said["pass"],
        ),
    ]


def _time(words: list[str], path: str) -> float:
    return once(lambda: _run(words, path))


def _run(words: list[str], path: str) -> int:
    environ = {**os.environ, "RATTLER_AUTH_FILE": path}
    return subprocess.run(
        [sys.executable, *words], env=environ, capture_output=True, check=False
    ).returncode
