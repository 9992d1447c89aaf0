"""Measure, and print: ``python -m benchmarks [--quick] [--json FILE] [--picture FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from typing import Any

from benchmarks import (
    curves,
    integration_rows,
    keyring_programs,
    keyring_rows,
    lookup_rows,
    pages_rows,
    peers,
    process_rows,
    requests_rows,
    resolve_rows,
    table,
)
from benchmarks.measure import FULL, QUICK
from benchmarks.scene import empty_home

GROUPS = (
    requests_rows,
    integration_rows,
    pages_rows,
    resolve_rows,
    keyring_rows,
    lookup_rows,
    process_rows,
    keyring_programs,
)


def main(words: list[str] | None = None) -> int:
    """Measure everything; what is missed is said, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="under a minute, with fewer rounds and smaller files"
    )
    parser.add_argument("--json", metavar="FILE", help="write the table and the curves here, too")
    parser.add_argument("--picture", metavar="FILE", help="draw the curves here (needs matplotlib)")
    asked = parser.parse_args(words)
    plan, began = QUICK if asked.quick else FULL, time.monotonic()
    rows = []
    for group in GROUPS:
        with empty_home():  # each has its own
            rows += group.rows(plan)
    with empty_home():
        drawn = curves.curves(plan._replace(seconds=plan.seconds / 4))
    print(
        f"{_machine()}; medians of interleaved rounds, and the quartiles; "
        f"{time.monotonic() - began:.0f} s"
    )
    print(f"{peers.versions()}\n")
    print(table.as_text(rows))
    print(curves.as_text(drawn))
    if asked.json:
        found = {"rows": table.as_json(rows), "curves": [_dict(curve) for curve in drawn]}
        _write_json(asked.json, {"machine": _machine(), "versions": peers.versions(), **found})
    if asked.picture:
        curves.as_picture(drawn, asked.picture)
    return 0


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores{load}"


def _dict(curve: curves.Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "grows": curve.grows,
        "points": [list(point) for point in curve.points],
    }


def _write_json(path: str, found: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
