"""Things done in other threads, side by side or in a given time; who waits for them can be interrupted."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Callable, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

AT_ONCE = 16


class TooLong(Exception):
    """What was to be done was not done in time."""


T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    todo: Collection[T], worker: Callable[[], AbstractContextManager[Callable[[T], R]]]
) -> Iterator[tuple[T, R]]:
    """Yield each thing with what was made of it, as they get done; at Ctrl-C nobody waits for the others.

    :param worker: is called by each thread for what it works with.
    """
    waiting: SimpleQueue[T] = SimpleQueue()
    done: SimpleQueue[tuple[T, R] | BaseException] = SimpleQueue()
    for thing in todo:
        waiting.put(thing)

    def work() -> None:
        try:
            with worker() as do, suppress(Empty):
                while True:
                    thing = waiting.get_nowait()
                    done.put((thing, do(thing)))
        except BaseException as error:  # noqa: BLE001 - whoever waits is to have it
            done.put(error)

    for _ in range(min(AT_ONCE, len(todo))):
        threading.Thread(target=work, daemon=True).start()
    for _ in todo:
        answer = done.get()
        if isinstance(answer, BaseException):
            raise answer
        yield answer


def within(seconds: float, work: Callable[[], R]) -> R:
    """Return what is made in time; what takes longer goes on alone, and ends with the process.

    :raises TooLong: it takes longer.
    """
    done: SimpleQueue[tuple[R] | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            done.put((work(),))
        except BaseException as error:  # noqa: BLE001 - whoever waits is to have it
            done.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = done.get(timeout=seconds)
    except Empty:
        raise TooLong from None
    if isinstance(answer, BaseException):
        raise answer
    return answer[0]
