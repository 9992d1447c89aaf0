"""The mark ``clients``, the environments of the clients, and the table at the end of the run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clients import table
from clients.places import PLACES
from clients.rows import ROWS
from clients.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Recorder

ENVIRONMENTS = os.environ.get("AUTHSHIM_CLIENTS", "")
"""The folder of ``install.py``; read before any test clears the environment."""
DOCUMENT = os.environ.get("AUTHSHIM_CLIENTS_JSON", "")

_PROPERTY = "cell"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark an item of this folder: pytest asks no other folder's conftest about it."""
    item.add_marker(pytest.mark.clients)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    cells = [
        table.Cell(**value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
    if not cells:
        return
    cells.sort(key=_order)
    terminalreporter.write_line("\n" + table.as_text(cells))
    if DOCUMENT:
        document = {"version": 1, "cells": [cell.as_json() for cell in cells]}
        Path(DOCUMENT).write_text(json.dumps(document, indent=2) + "\n")


def _order(cell: table.Cell) -> tuple[bool, int, int]:
    """Return the place of a cell in the table: several processes run the tests in any order."""
    clients, places = [row.name for row in ROWS], [place.name for place in PLACES]
    if cell.place not in places:
        return True, clients.index(cell.client), 0
    return False, clients.index(cell.client), places.index(cell.place)


@pytest.fixture
def environments() -> Path:
    """The folder of the installed clients."""
    if not ENVIRONMENTS:
        pytest.skip("tox -e clients installs the clients")
    return Path(ENVIRONMENTS)


@pytest.fixture
def stage(recorder: Recorder, tmp_path: Path) -> Stage:
    """The server."""
    return Stage(recorder, tmp_path / "stage")


@pytest.fixture
def note_cell(request: pytest.FixtureRequest) -> Callable[[table.Cell], None]:
    """Take a cell into the table."""

    def note(cell: table.Cell) -> None:
        request.node.user_properties.append((_PROPERTY, cell._asdict()))

    return note
