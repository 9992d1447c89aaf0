"""What is done side by side."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.threads import AT_ONCE, TooLong, side_by_side, within

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_each_thing_comes_with_what_was_made_of_it() -> None:
    assert dict(side_by_side(range(40), lambda: nullcontext(lambda number: number * 2))) == {
        n: 2 * n for n in range(40)
    }


def test_as_many_as_there_is_room_for_are_done_at_once() -> None:
    together = threading.Barrier(AT_ONCE, timeout=60)
    assert len(list(side_by_side(range(AT_ONCE), lambda: nullcontext(lambda _: together.wait())))) == AT_ONCE


def test_each_thread_makes_its_tools_once_and_puts_them_away() -> None:
    told: list[str] = []
    is_over = threading.Event()

    @contextmanager
    def worker() -> Iterator[Callable[[int], object]]:
        told.append("made")
        yield lambda _: told.append("used")
        told.append("put away")
        is_over.set()

    assert len(list(side_by_side([1], worker))) == 1
    assert is_over.wait(60)
    assert told == ["made", "used", "put away"]


@pytest.mark.parametrize("broken", ["tools", "work"])
def test_an_error_reaches_whoever_waits(broken: str) -> None:
    def worker() -> nullcontext[Callable[[int], float]]:
        return nullcontext(lambda number: 1 / (number - 1)) if broken == "work" else 1 / 0  # type: ignore[return-value]

    with pytest.raises(ZeroDivisionError):
        list(side_by_side([1], worker))


def test_what_is_done_in_time_is_returned() -> None:
    assert within(60, lambda: threading.current_thread().daemon) is True


def test_what_goes_wrong_in_time_is_raised() -> None:
    def fail() -> None:
        raise ValueError("it is odd")

    with pytest.raises(ValueError, match="it is odd"):
        within(60, fail)


def test_what_takes_too_long_is_left_alone() -> None:
    over = threading.Event()
    with pytest.raises(TooLong):
        within(0.05, lambda: over.wait(60))
    over.set()
