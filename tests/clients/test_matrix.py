"""Every client against every place that a login can be kept in."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING, Callable

import pytest
from clients.places import NOTHING, PLACES, STALE, Place
from clients.rows import CANNOT, ROWS, Case, NotHereError, Row
from clients.stage import rooms_of
from clients.table import Cell
from leaks import assert_no_secret

if TYPE_CHECKING:
    from pathlib import Path

    from clients.stage import Line, Stage


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_client_gets_in_with_the_login_of_a_place(
    row: Row,
    place: Place,
    stage: Stage,
    environments: Path,
    tmp_path: Path,
    note_cell: Callable[[Cell], None],
) -> None:
    reason = CANNOT.get((row.name, place.name), "")
    case, cell = _run(row, place, stage, environments, tmp_path)
    if cell.outcome == "out" and reason:
        cell = cell._replace(outcome="cannot", reason=reason)
    note_cell(cell)
    if cell.outcome == "not here":
        pytest.skip(cell.reason)
    assert (cell.outcome == "in") != bool(reason), f"{case.output}\n{stage.log}"
    if place.name != "URL of the index":  # there the password is the client's own
        _check_for_leaks(case)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_client_stays_out_with_a_stale_password(
    row: Row, stage: Stage, environments: Path, tmp_path: Path, note_cell: Callable[[Cell], None]
) -> None:
    case, cell = _run(row, STALE, stage, environments, tmp_path)
    said = [line.strip() for line in case.output.splitlines() if line.strip()]
    wrong = sum(line.who == "wrong" for line in stage.log)
    note_cell(
        cell._replace(
            reason=cell.reason
            or f"sent {wrong} times; the client says: {(said or ['nothing'])[-1]}"
        )
    )
    if cell.outcome == "not here":
        pytest.skip(cell.reason)
    assert cell.outcome == "out"
    assert wrong > 0
    _check_for_leaks(case)


def test_check_tells_that_a_stale_password_is_rejected(stage: Stage, tmp_path: Path) -> None:
    with STALE.set_up(stage, tmp_path / "home") as setup:
        case = Case(stage, setup, tmp_path, tmp_path / "work")
        case.write(
            "pixi.toml",
            f'[workspace]\nchannels = []\n[pypi-options]\nindex-url = "{stage.url("a")}"\n',
        )
        case.run([sys.executable, "-m", "authshim", "check"])
    assert "rejected" in case.output
    _check_for_leaks(case)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_client_stays_out_if_no_login_is_kept(
    row: Row, stage: Stage, environments: Path, tmp_path: Path
) -> None:
    _, cell = _run(row, NOTHING, stage, environments, tmp_path)
    assert cell.outcome in ("out", "not here")


def _run(
    row: Row, place: Place, stage: Stage, environments: Path, folder: Path
) -> tuple[Case, Cell]:
    with place.set_up(stage, folder / "home") as setup:
        case = Case(stage, setup, environments, folder / "work")
        before = _cpu()
        try:
            row.run(case)
        except NotHereError as error:
            return case, Cell(row.name, place.name, "not here", reason=str(error))
        cpu = _cpu() - before
    who = tuple(dict.fromkeys(line.who for line in stage.log if line.status == 200 and line.who))
    wasted = sum(line.status == 401 for line in stage.log)
    keyrings = len(case.keyring_log.read_text().split()) if case.keyring_log.exists() else 0
    outcome = "in" if _is_in(row, case, stage.log) else "out"
    return case, Cell(row.name, place.name, outcome, who, wasted, keyrings, cpu)


def _is_in(row: Row, case: Case, log: list[Line]) -> bool:
    wanted = {case.room} if row.uploads else set(case.rooms)
    if not row.asks_channels:
        wanted.discard("channel")
    return wanted <= rooms_of(log)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _check_for_leaks(case: Case) -> None:
    """Look at what the client said and wrote."""
    files = [path for path in case.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert_no_secret(case.output, *(path.read_text(errors="replace") for path in files))
