"""Try a million inputs over all targets: ``python -m fuzz FOLDER``, within ``tests``.

An input that covers a new branch is kept in FOLDER. Each target runs in a process of its own, with
the words and the corpus that the tests have, and ends by itself. An input that breaks a promise,
hangs or takes 2 GB is kept, and named at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHARES = {"urls": 0.25, "netrc": 0.2, "keyring": 0.2, "auth_file": 0.15, "manifest": 0.1}
SHARES.update(uv_store=0.1, conda_tokens=0.05, micromamba=0.1, configured=0.05, projects=0.05)
"""Of the inputs; a manifest takes ten times as long as a URL."""

CORPUS = Path(__file__).parent / "corpus"
HOURS = 3 * 3600
"""Seconds, after which a target ends that has not tried all of its inputs."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs, over all targets")
    parser.add_argument(
        "--target", action="append", choices=[*SHARES], help="all, unless one is named"
    )
    parser.add_argument(
        "folder", type=Path, help="what is new is kept here, and begun with the next time"
    )
    options = parser.parse_args()
    targets = options.target or [*SHARES]
    whole = sum(SHARES[target] for target in targets)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [round(options.runs * SHARES[target] / whole) for target in targets]
        found = list(
            pool.map(lambda target, number: _run(target, number, options.folder), targets, runs)
        )
    return int(any(found))


def _run(target: str, number: int, folder: Path) -> bool:
    """Fuzz one target; return whether it broke a promise."""
    kept, broken = folder / target, folder / f"{target}-broken"
    kept.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, __file__.replace("__main__", "one"), target),
        *(
            f"-runs={number}",
            f"-max_total_time={HOURS}",
            "-max_len=2000",
            "-timeout=60",
            "-rss_limit_mb=2048",
        ),
        *("-print_final_stats=1", f"-artifact_prefix={broken}-", str(kept), str(CORPUS / target)),
    ]
    start = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    tried = [
        line.rpartition(" ")[2]
        for line in ended.stderr.splitlines()
        if "number_of_executed_units" in line
    ]
    found = sorted(folder.glob(f"{broken.name}-*"))
    print(
        f"{target:10} {''.join(tried[-1:]) or 'no':>8} inputs, {time.monotonic() - start:.0f} s",
        flush=True,
    )
    if ended.returncode == 0:
        return False
    said = [
        line
        for line in (ended.stderr + ended.stdout).splitlines()
        if not line.startswith(("#", "INFO"))
    ]
    print(*said[-60:], sep="\n")
    for path in found:
        print(
            f"{path}: put it into {CORPUS / target}, under a name that says what it is, "
            "and mend the code"
        )
    return True


if __name__ == "__main__":
    sys.exit(main())
