"""The table: what was asked for, what was measured, and what is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Figure

NOT_HERE = "not here"


class Row(NamedTuple):
    """One promise: ``measured`` is at most ``target``. Without a target it only informs."""

    what: str
    against: str
    target: float | None
    measured: Figure | None
    """None: it cannot be measured here."""
    unit: str = "x"
    """What is counted; "x" for a ratio."""
    ours: str = ""
    peer: str = ""
    """What the peers were seen to need in the same run."""

    @property
    def verdict(self) -> str:
        """Say "ok", or "MISSED" and by how much, or "not here"; nothing without a target."""
        if self.measured is None:
            return NOT_HERE
        if self.target is None:
            return ""
        if self.measured.median <= self.target:
            return "ok"
        return f"MISSED by {_number(self.measured.median - self.target)}"

    @property
    def is_missed(self) -> bool:
        """Return True if it was measured, and is more than the target."""
        return self.verdict.startswith("MISSED")


_HEAD = ("what", "against", "at most", "measured", "spread", "ours", "the peer's", "verdict")


def as_text(rows: Sequence[Row]) -> str:
    """Return the table for people, and a line that names what is missed."""
    cells = [_HEAD, *map(_cells, rows)]
    wide = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, wide)).rstrip() for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in wide))
    missed = [row.what for row in rows if row.is_missed]
    absent = [row.what for row in rows if row.measured is None]
    lines += ["", f"missed: {'; '.join(missed) or 'nothing'}"]
    return "\n".join([*lines, *([f"{NOT_HERE}: {'; '.join(absent)}"] if absent else [])])


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the table for programs."""
    return [
        {
            "what": row.what,
            "against": row.against,
            "unit": row.unit,
            "target": row.target,
            "measured": row.measured and row.measured.median,
            "spread": row.measured and [row.measured.low, row.measured.high],
            "ours": row.ours,
            "peer": row.peer,
            "verdict": row.verdict,
            "missed": row.is_missed,
        }
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    found, unit = row.measured, "" if row.unit == "x" else f" {row.unit}"
    measured = NOT_HERE if found is None else _number(found.median) + unit
    target = "-" if row.target is None else _number(row.target) + unit
    spread = "" if found is None else f"{_number(found.low)} to {_number(found.high)}"
    return (
        row.what,
        row.against,
        target,
        measured,
        spread,
        row.ours,
        row.peer,
        row.verdict,
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"


def seconds(value: float) -> str:
    """Return a time as people write it.

    >>> seconds(0.0000035), seconds(0.14), seconds(2)
    ('3.5 us', '140.0 ms', '2.00 s')
    """
    if abs(value) < 0.001:
        return f"{value * 1e6:.1f} us"
    return f"{value * 1e3:.1f} ms" if abs(value) < 1 else f"{value:.2f} s"
