"""The mark ``clients``, the environments of the clients, and the table at the end of the run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clients import table
from clients.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Recorder

HERE = Path(__file__).parent
ENVIRONMENTS = os.environ.get("AUTHSHIM_CLIENTS", "")
"""The folder of ``install.py``; read before any test clears the environment."""
DOCUMENT = os.environ.get("AUTHSHIM_CLIENTS_JSON", "")

_CELLS: list[table.Cell] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.clients)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _CELLS:
        return
    terminalreporter.write_line("\n" + table.as_text(_CELLS))
    if DOCUMENT:
        document = {"version": 1, "cells": [cell.as_json() for cell in _CELLS]}
        Path(DOCUMENT).write_text(json.dumps(document, indent=2) + "\n")


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
def note_cell() -> Callable[[table.Cell], None]:
    """Take a cell into the table."""
    return _CELLS.append
