"""The table of the matrix, as text and as JSON."""

from __future__ import annotations

from typing import Any, NamedTuple


class Cell(NamedTuple):
    """The outcome of one client and one place."""

    client: str
    place: str
    outcome: str
    """"in", "out", "cannot" or "not here"."""
    who: tuple[str, ...] = ()
    """The users that the server let in."""
    wasted: int = 0
    """The requests that it answered with 401."""
    keyrings: int = 0
    """The ``keyring`` processes."""
    cpu: float = 0.0
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the cell for the JSON document."""
        return {**self._asdict(), "who": list(self.who), "cpu": round(self.cpu, 2)}


def as_text(cells: list[Cell]) -> str:
    """Return a table with one line for each cell, and the reasons below it."""
    head = ("client", "login kept in", "outcome", "sent as", "401", "keyring", "CPU s")
    rows = [head, *(_columns(cell) for cell in cells)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows
    ]
    reasons = dict.fromkeys(
        f"{cell.client}, {cell.place}: {cell.reason}" for cell in cells if cell.reason
    )
    return "\n".join([*lines, "", *reasons])


def _columns(cell: Cell) -> tuple[str, ...]:
    who = ", ".join(cell.who)
    return (
        cell.client,
        cell.place,
        cell.outcome,
        who,
        str(cell.wasted),
        str(cell.keyrings),
        f"{cell.cpu:.2f}",
    )
