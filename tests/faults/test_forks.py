"""A child forked while other threads are at work, or hold every lock, sends its own requests."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback
import types
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from chain_fakes import Keeper, basic, keyring, oauth, sent
from fakes import LOOPBACK
from servers import Answer, Recorder, redirect

import authshim
from authshim import Chain, Index
from authshim.lookup.locations import seen_locations
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

PATIENCE = 60
"""Seconds that a child has; one that hangs ends by itself."""

Lock = type(threading.Lock())
RLock = type(threading.RLock())


def locks_of(root: object) -> list[threading.Lock]:
    """Return every lock that an object reaches, without the ones of classes and modules."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen and not isinstance(
            thing, (type, types.ModuleType, types.FunctionType)
        ):
            seen[id(thing)] = thing
            waiting += gc.get_referents(thing)
    return [thing for thing in seen.values() if isinstance(thing, (Lock, RLock))]


def succeeds_in_a_child(work: Callable[[], bool]) -> bool:
    """Fork, and return True if ``work`` does so there, in time. A failure has the exit code."""
    child = os.fork()
    if child == 0:
        signal.alarm(
            PATIENCE
        )  # in a thread of its own, the child might be taken for the one that holds an RLock
        status = 1
        try:
            status = 0 if work() else 2
        except BaseException:  # noqa: BLE001 - pytest's own exceptions too
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 2), f"the child ended with {code}"
    return code == 0


@pytest.fixture
def holding() -> Iterator[Callable[[list[threading.Lock]], None]]:
    """Let another thread hold locks until the test is over."""
    over, threads = threading.Event(), []

    def hold(locks: list[threading.Lock]) -> None:
        held = threading.Event()

        def work() -> None:
            for lock in locks:
                lock.acquire()
            held.set()
            over.wait(2 * PATIENCE)
            for lock in locks:
                lock.release()

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        assert held.wait(PATIENCE)

    yield hold
    over.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_a_child_sends_though_another_thread_held_every_lock(
    recorder: Recorder,
    make_recorder: Callable[[], Recorder],
    holding: Callable[[list[threading.Lock]], None],
) -> None:
    recorder.on("/away", redirect(make_recorder().url))
    index = Index(f"http://ada@{LOOPBACK}:{recorder.port}/simple")
    providers = [Keeper({LOOPBACK: oauth()}, answers=["host", "path"]), keyring()]
    chain = Chain(providers, indexes=[index])
    session = authshim.install(requests.Session(), chain)
    assert session.get(recorder.url).status_code == 200
    locks = [*locks_of(chain), seen_locations._lock]
    assert len(locks) >= 5  # memory, an entry, two providers, and the Locations that were seen
    holding(locks)

    def send() -> bool:
        statuses = [session.get(recorder.url + "/away").status_code]
        chain.forget()
        statuses += [
            session.get(url).status_code for url in (recorder.url, f"{recorder.url}/simple/")
        ]
        return statuses == [200] * 3

    assert succeeds_in_a_child(send)


def test_a_child_does_not_wait_for_a_realm_that_a_thread_has_just_in_hand(
    holding: Callable[[list[threading.Lock]], None],
) -> None:
    """Each use takes the realm out of the dictionary for a moment, so that the oldest can go."""
    chain = Chain([Keeper({"h": basic()})])
    cache = chain._lookup.cache
    candidates = cache.candidates("https://h/")
    assert candidates is not None
    cache._entries.clear()
    holding([candidates.entries[0].lock])
    assert succeeds_in_a_child(lambda: sent(chain.find("https://h/")) == basic())


def test_a_child_renews_a_login_though_a_thread_was_about_to(
    recorder: Recorder, tmp_path: Path, holding: Callable[[list[threading.Lock]], None]
) -> None:
    recorder.on("/token", Answer(200, b'{"access_token": "new", "expires_in": 3600}'))
    login = authshim.OAuth("old", "refresh", 1, recorder.url + "/token", None, "pixi")
    file = AuthFile(str(tmp_path / "auth.json"))
    file.save("h.example", login)
    chain = Chain([file])
    lock = chain._lookup.providers[0].renewer._locks[file.name, "h.example"] = threading.Lock()
    holding([lock])

    def renews() -> bool:
        found = chain.find("https://h.example/")
        return found is not None and found.credential.header == "Bearer new"

    assert succeeds_in_a_child(renews)


@pytest.mark.skipif(os.name == "nt", reason="the command is a script with #!")
def test_forked_child_runs_the_keyring_command_beside_its_parent(tmp_path: Path) -> None:
    script, runs, go = tmp_path / "keyring", tmp_path / "runs", tmp_path / "go"
    os.mkfifo(go)
    answer = '{"username": "ada", "password": "s3cret"}'
    first = f"mkdir {tmp_path}/first 2>/dev/null"  # only the first run can make the folder
    script.write_text(
        f"#!/bin/sh\nif {first}; then echo run >> {runs}; read x < {go}; "
        f"else echo run >> {runs}; fi\necho '{answer}'\n"
    )
    script.chmod(0o755)
    environ = {
        "AUTHSHIM_KEYRING_COMMAND": str(script),
        "AUTHSHIM_KEYRING_TIMEOUT": str(PATIENCE),
        "PATH": os.defpath,
    }
    chain = Chain.from_environment(environ=environ)
    answers: list[object] = []
    gate = os.open(go, os.O_RDWR)  # both ends, so that nobody waits for the other to open it
    thread = threading.Thread(
        target=lambda: answers.append(sent(chain.find("https://ada@h.example/simple/")))
    )
    thread.start()
    until = time.monotonic() + PATIENCE
    while not runs.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert succeeds_in_a_child(lambda: sent(chain.find("https://ada@h.example/simple/")) == basic())
    os.write(gate, b"\n")
    os.close(gate)
    thread.join(PATIENCE)
    assert answers == [basic()]
    assert runs.read_text() == "run\nrun\n"


def test_children_forked_while_threads_send_and_renew_all_send(recorder: Recorder) -> None:
    # The first use of a name of authshim imports it. A child forked meanwhile would wait for ever.
    install = authshim.install
    recorder.default = Answer(401)
    held = Keeper({LOOPBACK: authshim.BearerToken("0")}, answers=["host"])

    recorder.on("/free", Answer(200))
    chain = Chain([held])
    over = threading.Event()

    def work() -> None:
        with install(requests.Session(), chain) as session:
            while not over.is_set():
                session.get(recorder.url + "/free")
                session.get(recorder.url + "/refused")
                chain.forget()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert succeeds_in_a_child(
                lambda: (
                    install(requests.Session(), chain).get(recorder.url + "/free").status_code
                    == 200
                )
            )
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
