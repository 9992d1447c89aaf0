"""Work in daemon threads: many tasks at once, or one task with a timeout.

The caller can be interrupted while it waits, and nothing here keeps the program alive.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from math import inf
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Callable, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    Worker = Callable[[], AbstractContextManager[Callable[["T"], "R"]]]

MAX_THREADS = 16

SECONDS_BLOCKED = 1.0
"""A longer wait is made of several. CPython handles a signal just before a wait at its end."""

T = TypeVar("T")
R = TypeVar("R")


class Clock(Protocol):
    """A source of the time. The module ``time`` is one."""

    def time(self) -> float:
        """Return the seconds since 1970, which a person may set."""

    def monotonic(self) -> float:
        """Return the seconds since some moment, which nobody can set."""


class TimedOut(Exception):
    """A task that did not end in time."""


class _Failure(NamedTuple):
    """An exception that a task raised."""

    error: BaseException


def map_concurrently(
    tasks: Collection[T],
    worker: Worker[T, R],
    *,
    seconds: float | None = None,
) -> Iterator[tuple[T, R]]:
    """Yield each task with its result, as soon as it is done.

    :param worker: each thread enters the context that this returns, and calls what it gets.
    :param seconds: the timeout of all tasks together, or None for no timeout.
    :raises TimedOut: the timeout has passed; the threads are left running.
    """
    ends_at = _end_of(seconds)
    waiting: SimpleQueue[T] = SimpleQueue()
    done: SimpleQueue[tuple[T, R] | _Failure] = SimpleQueue()
    for task in tasks:
        waiting.put(task)

    def work() -> None:
        try:
            with worker() as do, suppress(Empty):
                while True:
                    task = waiting.get_nowait()
                    done.put((task, do(task)))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            done.put(_Failure(error))

    threads = min(MAX_THREADS, len(tasks))
    for _ in range(threads):
        _start(work)
    for _ in tasks:
        result = _get(done, _left(ends_at))
        if isinstance(result, _Failure):
            raise result.error
        yield result


def _end_of(seconds: float | None) -> float | None:
    """Return the end of a timeout on the monotonic clock, or None for no timeout."""
    if seconds is None:
        return None
    return time.monotonic() + seconds


def _start(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()


def _left(ends_at: float | None) -> float:
    """Return the seconds until the end of a timeout on the monotonic clock."""
    if ends_at is None:
        return inf
    return ends_at - time.monotonic()


def _get(done: SimpleQueue[T], seconds: float) -> T:
    """Return the next result.

    :raises TimedOut: there was none for so many seconds.
    """
    left = max(0.0, seconds)
    while True:
        try:
            return done.get(timeout=min(left, SECONDS_BLOCKED))
        except Empty:
            left -= SECONDS_BLOCKED
            if left <= 0:
                raise TimedOut from None


def call_with_timeout(
    seconds: float,
    work: Callable[[], R],
    *,
    late: Callable[[R], object] | None = None,
) -> R:
    """Run ``work`` in a daemon thread and return its result.

    :param late: is called in that thread with a result that comes after the timeout.
    :raises TimedOut: the timeout has passed; the thread is left running.
    """
    done: SimpleQueue[tuple[R] | _Failure] = SimpleQueue()
    first = threading.Lock()  # is taken by the result or by the timeout, and never released

    def run() -> None:
        result: tuple[R] | _Failure
        try:
            result = (work(),)
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            result = _Failure(error)
        if first.acquire(blocking=False):
            done.put(result)
        elif late is not None and not isinstance(result, _Failure):
            late(result[0])

    _start(run)
    try:
        result = _get(done, seconds)
    except TimedOut:
        if first.acquire(blocking=False):
            raise
        result = done.get()
    if isinstance(result, _Failure):
        try:
            raise result.error
        finally:
            del result  # a frame that holds its own exception would never be freed
    (value,) = result
    return value


def start_in_thread(work: Callable[[], R]) -> Future[R]:
    """Run ``work`` in a daemon thread, and return a future for its result.

    An asyncio program waits for it by ``asyncio.wrap_future``. If it stops waiting, ``work`` runs
    on and ends by itself.
    """
    from concurrent.futures import Future

    future: Future[R] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
            future.set_result(result)
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            future.set_exception(error)

    _start(run)
    return future
