"""Work in daemon threads."""

from __future__ import annotations

import _thread
import threading
import time
from contextlib import contextmanager, nullcontext
from queue import SimpleQueue
from types import SimpleNamespace
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.concurrency import MAX_THREADS, TimedOut, call_with_timeout, map_concurrently

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_map_yields_each_task_with_its_result() -> None:
    assert dict(map_concurrently(range(40), lambda: nullcontext(lambda number: number * 2))) == {
        n: 2 * n for n in range(40)
    }


def test_map_runs_as_many_tasks_at_once_as_it_has_threads() -> None:
    together = threading.Barrier(MAX_THREADS, timeout=60)
    assert (
        len(
            list(
                map_concurrently(range(MAX_THREADS), lambda: nullcontext(lambda _: together.wait()))
            )
        )
        == MAX_THREADS
    )


def test_map_enters_and_leaves_the_context_once_in_each_thread() -> None:
    told: list[str] = []
    is_over = threading.Event()

    @contextmanager
    def worker() -> Iterator[Callable[[int], object]]:
        told.append("made")
        yield lambda _: told.append("used")
        told.append("put away")
        is_over.set()

    assert len(list(map_concurrently([1], worker))) == 1
    assert is_over.wait(60)
    assert told == ["made", "used", "put away"]


@pytest.mark.parametrize("broken", ["tools", "work"])
def test_map_raises_the_exception_of_a_task(broken: str) -> None:
    def worker() -> nullcontext[Callable[[int], float]]:
        if broken == "tools":
            raise ZeroDivisionError
        return nullcontext(lambda number: 1 / (number - 1))

    with pytest.raises(ZeroDivisionError):
        list(map_concurrently([1], worker))


def test_call_returns_the_result_of_a_daemon_thread() -> None:
    assert call_with_timeout(60, lambda: threading.current_thread().daemon) is True


def test_call_raises_the_exception_of_its_work() -> None:
    def fail() -> None:
        raise ValueError("it is odd")

    with pytest.raises(ValueError, match="it is odd"):
        call_with_timeout(60, fail)


def test_call_raises_if_the_timeout_passes() -> None:
    over = threading.Event()
    with pytest.raises(TimedOut):
        call_with_timeout(0.05, lambda: over.wait(60))
    over.set()


def test_call_raises_at_once_if_no_time_is_left() -> None:
    over = threading.Event()
    with pytest.raises(TimedOut):
        call_with_timeout(-1, lambda: over.wait(60))
    over.set()


def test_late_result_is_handed_to_the_callback() -> None:
    over: threading.Event = threading.Event()
    handed: SimpleQueue[str] = SimpleQueue()

    def work() -> str:
        over.wait(60)
        return "late"

    with pytest.raises(TimedOut):
        call_with_timeout(0.05, work, late=handed.put)
    over.set()
    assert handed.get(timeout=60) == "late"


def test_result_in_time_is_not_handed_to_the_callback() -> None:
    handed: list[str] = []
    assert call_with_timeout(60, lambda: "early", late=handed.append) == "early"
    assert handed == []


def test_late_exception_is_not_handed_to_the_callback() -> None:
    over = threading.Event()
    started: SimpleQueue[threading.Thread] = SimpleQueue()
    handed: list[object] = []

    def work() -> None:
        started.put(threading.current_thread())
        over.wait(60)
        raise ValueError

    with pytest.raises(TimedOut):
        call_with_timeout(0.05, work, late=handed.append)
    over.set()
    started.get(timeout=60).join(60)
    assert handed == []


def test_map_concurrently_raises_after_its_timeout_and_keeps_what_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_over, now = threading.Event(), [0.0]
    monkeypatch.setattr("authshim.concurrency.time", SimpleNamespace(monotonic=lambda: now[0]))

    def work(task: str) -> str:
        if task == "slow":
            is_over.wait(60)
        return task

    found = []
    try:
        with pytest.raises(TimedOut):
            for task, _ in map_concurrently(
                ["slow", "quick"], lambda: nullcontext(work), seconds=60
            ):
                found.append(task)
                now[0] = 60.0
    finally:
        is_over.set()
    assert found == ["quick"]


WAITS: dict[str, Callable[[Callable[[], object]], object]] = {
    "map": lambda work: list(map_concurrently([1], lambda: nullcontext(lambda _: work()))),
    "call": lambda work: call_with_timeout(120, work),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_signal_that_comes_just_before_a_wait_interrupts_it(
    wait: Callable[[Callable[[], object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.concurrency.SECONDS_BLOCKED", 0.05)
    is_over = threading.Event()
    ended: list[bool] = []

    def work() -> None:
        time.sleep(0.1)  # the main thread has come to its wait
        _thread.interrupt_main()  # is noted, and wakes nobody
        is_over.wait(60)
        ended.append(True)

    try:
        with pytest.raises(KeyboardInterrupt):
            wait(work)
        assert not ended
    finally:
        is_over.set()
