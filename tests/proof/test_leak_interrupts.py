"""Ctrl-C, a signal's handler or a time limit may raise anywhere: no frame then holds a secret.

Each function of authshim that takes part in a look-up is interrupted once, at its end, where it
knows most.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any, Callable

import pytest
from leaks import assert_no_secret
from proof.sources import SOURCES, Source
from proof.stage import SECRET, Stage
from servers import CHALLENGE

import authshim
from authshim.lookup.exchange import Exchange

if TYPE_CHECKING:
    from types import CodeType, FrameType

URL = "http://{}a.example/simple/x"
KEPT = [
    "auth file, BasicHTTP",
    "auth file, OAuth",
    "keychain, CondaToken",
    "netrc",
    "netrc, default",
    "manifest",
]


class _Interrupt(BaseException):
    """As KeyboardInterrupt, which would end the tests if it escaped."""


def run(
    work: Callable[[], object], at: CodeType | None = None
) -> tuple[set[CodeType], BaseException | None]:
    """Do some work, raise at the end of one function, and return authshim's functions called."""
    called: set[CodeType] = set()

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if not frame.f_globals.get("__name__", "").startswith("authshim."):
            return None
        called.add(frame.f_code)
        if event == "return":
            raise _Interrupt
        return trace if frame.f_code is at else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except _Interrupt as error:
        return called, error
    finally:
        sys.settrace(before)
    return called, None


def looking_up(source: Source, stage: Stage) -> Callable[[], object]:
    """Return all that may be asked of a fresh chain."""
    url = URL.format(source.userinfo)

    def work() -> None:
        chain = authshim.Chain.from_environment(manifest=stage.home if source.project else None)
        exchange = Exchange(chain, "GET", url)
        exchange.begin()
        exchange.receive(401, CHALLENGE.headers)
        chain.explain(url)

    return work


@pytest.mark.slow("it repeats a look-up for each function that takes part")
@pytest.mark.parametrize("name", KEPT)
def test_no_frame_of_an_interrupted_look_up_holds_a_secret(name: str, stage: Stage) -> None:
    source = SOURCES[name]
    source.plant(stage, "http")
    work = looking_up(source, stage)
    functions, error = run(work)
    assert error is None
    assert len(functions) > 30
    interrupted = 0
    for function in functions:
        _, error = run(work, function)
        if error is not None:
            interrupted += 1
            assert_no_secret(error, secret=SECRET)
        del error  # it keeps what was interrupted, a lock on a file perhaps
    assert interrupted > 30


def test_an_interrupted_look_up_still_tells_where_it_was(stage: Stage) -> None:
    from authshim.providers import auth_file

    SOURCES["auth file, BearerToken"].plant(stage, "http")
    _, error = run(looking_up(SOURCES["auth file, BearerToken"], stage), auth_file._read.__code__)
    assert error is not None
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert names[-2:] == ["_read", "trace"]


def test_frames_of_an_exception_in_the_callers_hands_stay(
    stage: Stage,
) -> None:
    from authshim.providers import auth_file

    SOURCES["auth file, BearerToken"].plant(stage, "http")

    def own(kept: str) -> None:
        raise ValueError

    try:
        own("kept")
    except ValueError as outer:
        run(looking_up(SOURCES["auth file, BearerToken"], stage), auth_file._read.__code__)
        *_, (frame, _) = traceback.walk_tb(outer.__traceback__)
        assert frame.f_locals["kept"] == "kept"
