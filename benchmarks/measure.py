"""The arithmetic: interleaved rounds, medians, ratios.

The machine is shared and its clock speed changes, so that a time alone says little. Every round
therefore measures all the cases one after another, and what is compared is compared within a round.
"""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


_Value = TypeVar("_Value")


class Plan(NamedTuple):
    """How much is measured: whichever bound is reached first ends it."""

    rounds: int = 31
    seconds: float = 12.0
    """For one group of cases; at least three rounds are done."""

    @property
    def is_quick(self) -> bool:
        """Whether a look is enough: fewer machines, hosts and pages."""
        return self.rounds < 15


FULL, QUICK = Plan(), Plan(rounds=7, seconds=1.5)


class Figure(NamedTuple):
    """A median, and the quartiles that half of the rounds lie between."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Take the figures of all rounds."""
        low, median, high = (
            statistics.quantiles(values, n=4, method="inclusive")
            if len(values) > 1
            else [*values] * 3
        )
        return cls(median, low, high)


def per_call(function: Callable[[], object], number: int) -> float:
    """Return the seconds of one call, of ``number`` in a row, without garbage collection."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(number):
            function()
        return (time.perf_counter() - start) / number
    finally:
        if was_on:
            gc.enable()


def once(function: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    return per_call(function, 1)


def in_turns(measures: Sequence[Callable[[], float]], batches: int = 15) -> tuple[float, ...]:
    """Measure each many times, shortly and in turns, and return the medians.

    So a difference of a hundredth is seen though others use the machine: they interrupt few of the
    batches.
    """
    figures = [[measure() for measure in measures] for _ in range(batches)]
    return tuple(median(column) for column in zip(*figures))


def interleaved(
    cases: Mapping[str, Callable[[], _Value]],
    plan: Plan,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, list[_Value]]:
    """Measure every case in every round, each round beginning with another one.

    A first round is thrown away.
    """
    for measure in cases.values():
        measure()
    figures: dict[str, list[_Value]] = {name: [] for name in cases}
    until, names = clock() + plan.seconds, list(cases)
    for turn in range(plan.rounds):
        if turn >= 3 and clock() > until:
            break
        for name in names:
            figures[name].append(cases[name]())
        names.append(names.pop(0))
    return figures


def median(values: Iterable[float]) -> float:
    """Return the middle one."""
    return statistics.median(values)


def differences(more: Iterable[float], less: Iterable[float]) -> list[float]:
    """Subtract round by round."""
    return [one - other for one, other in zip(more, less)]


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Divide round by round; a round in which noise ate the whole of theirs says nothing."""
    return [one / other for one, other in zip(ours, theirs) if other > 0]
