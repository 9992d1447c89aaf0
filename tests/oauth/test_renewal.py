"""OAuth logins that are renewed: when, by whom, and what is kept of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import parse_qs

import pytest
from servers import CHALLENGE, Answer, Recorder, dripping, redirect

import authshim
from authshim.concurrency import TimedOut, call_with_timeout
from authshim.errors import ProviderError
from authshim.oauth.renewal import Renewer
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Seen

HOST = "127.0.0.1"
URL = "https://127.0.0.1/simple/"


class Server:
    """A token endpoint that takes each refresh token once, as servers do that rotate them."""

    def __init__(self, recorder: Recorder, **extra: object) -> None:
        self.recorder = recorder
        self.extra = extra
        self.valid = "s3cret-refresh-0"
        self.count = 0
        self._lock = threading.Lock()
        recorder.on("/token", self.answer)

    @property
    def url(self) -> str:
        return self.recorder.url + "/token"

    def answer(self, seen: Seen) -> Answer:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        with self._lock:
            if form["refresh_token"] != self.valid:
                return says({"error": "invalid_grant", "error_description": "s3cret"}, 400)
            self.count += 1
            self.valid = f"s3cret-refresh-{self.count}"
            token = {
                "access_token": f"s3cret-access-{self.count}",
                "refresh_token": self.valid,
                "expires_in": 3600,
            }
            return says({**token, "token_type": "Bearer", **self.extra})

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        return [
            parse_qs(seen.body.decode()) for seen in self.recorder.seen if seen.path == "/token"
        ]


def says(data: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(data).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def server(recorder: Recorder) -> Server:
    return Server(recorder)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write an auth file with one OAuth login; ``left`` is what it has still, in seconds."""

    def write(endpoint: str, left: float | None = -60, key: str = HOST, **fields: object) -> Path:
        entry: dict[str, object] = {
            "access_token": "s3cret-access-0",
            "refresh_token": "s3cret-refresh-0",
            "expires_at": None if left is None else int(time.time() + left),
            "token_endpoint": endpoint,
            "revocation_endpoint": None,
            "client_id": "authshim-test",
            **fields,
        }
        file = tmp_path / "auth.json"
        file.write_text(
            json.dumps({key: {"OAuth": entry}, "other.example": {"BearerToken": "s3cret"}})
        )
        return file

    return write


def chain_of(file: Path, *more: authshim.Provider, **options: Any) -> authshim.Chain:
    """Make a chain of one file, with a deadline that no machine is too slow for."""
    clock = options.get("clock", time)
    chain = authshim.Chain([AuthFile(str(file)), *more], clock=clock)
    for provider in chain._lookup.providers:
        provider.renewer = Renewer(**{"environ": {}, "deadline": 60.0, **options})
    return chain


def wall_clock(wall: Callable[[], float]) -> Any:
    """Return a clock whose time a test sets, for ``Renewer(clock=...)``."""
    return SimpleNamespace(time=wall, monotonic=time.monotonic)


def sent(chain: authshim.Chain, url: str = URL) -> str | None:
    found = chain.find(url)
    return found and found.credential.header


def command_at(server: Server) -> str:
    """Return the command that makes such a login."""
    issuer = server.recorder.url
    options = f"--oauth --oauth-issuer-url {issuer} --oauth-client-id authshim-test"
    return f"authshim auth login 127.0.0.1 {options}"


def stored(file: Path, key: str = HOST) -> dict[str, Any]:
    return json.loads(file.read_text())[key]["OAuth"]


def test_login_is_not_renewed_long_before_its_expiry(server: Server, write: Callable) -> None:
    assert sent(chain_of(write(server.url, 330))) == "Bearer s3cret-access-0"
    assert server.forms == []


def test_login_is_not_renewed_if_it_never_expires(server: Server, write: Callable) -> None:
    assert sent(chain_of(write(server.url, None))) == "Bearer s3cret-access-0"
    assert server.forms == []


@pytest.mark.parametrize("left", [299, 0, -60])
def test_login_is_renewed_300_seconds_before_its_expiry(
    left: float, server: Server, write: Callable
) -> None:
    file = write(server.url, left)
    assert sent(chain_of(file)) == "Bearer s3cret-access-1"
    assert stored(file)["access_token"] == "s3cret-access-1"


def test_request_names_the_grant_the_token_and_the_client(server: Server, write: Callable) -> None:
    sent(chain_of(write(server.url)))
    assert server.forms == [
        {
            "grant_type": ["refresh_token"],
            "refresh_token": ["s3cret-refresh-0"],
            "client_id": ["authshim-test"],
        }
    ]
    assert server.recorder.seen[0].authorization is None


def test_audience_is_sent_and_kept(server: Server, write: Callable) -> None:
    file = write(server.url, audience="https://repo.example")
    sent(chain_of(file))
    assert server.forms[0]["audience"] == ["https://repo.example"]
    assert stored(file)["audience"] == "https://repo.example"


def test_stored_login_is_as_rattler_writes_it(server: Server, write: Callable) -> None:
    file = write(server.url, revocation_endpoint="https://h.example/revoke")
    before = int(time.time())
    sent(chain_of(file))
    written = stored(file)
    assert before + 3600 <= written.pop("expires_at") <= time.time() + 3600
    assert written == {
        "access_token": "s3cret-access-1",
        "refresh_token": "s3cret-refresh-1",
        "token_endpoint": server.url,
        "revocation_endpoint": "https://h.example/revoke",
        "client_id": "authshim-test",
    }
    assert isinstance(stored(file)["expires_at"], int)
    assert json.loads(file.read_text())["other.example"] == {"BearerToken": "s3cret"}


def test_stored_login_keeps_unknown_fields(server: Server, write: Callable) -> None:
    theirs = {
        "issuer_url": "https://login.example",
        "scopes": ["channel:read"],
        "oidc": {"id_token_verified": True},
    }
    file = write(server.url, **theirs)
    sent(chain_of(file))
    written = stored(file)
    assert written["access_token"] == "s3cret-access-1"
    assert {name: written[name] for name in theirs} == theirs


def test_login_is_stored_under_the_key_it_came_from(server: Server, write: Callable) -> None:
    file = write(server.url, key="*.h.example")
    assert sent(chain_of(file), "https://repo.h.example/") == "Bearer s3cret-access-1"
    assert sorted(json.loads(file.read_text())) == ["*.h.example", "other.example"]


def test_renewal_sends_the_newest_refresh_token(server: Server, write: Callable) -> None:
    server.extra["expires_in"] = 0
    file = write(server.url)
    for count in range(1, 4):
        sent(chain_of(file))
        assert stored(file)["refresh_token"] == f"s3cret-refresh-{count}"
    assert [form["refresh_token"] for form in server.forms] == [
        [f"s3cret-refresh-{count}"] for count in range(3)
    ]


def test_refresh_token_stays_if_the_answer_has_none(server: Server, write: Callable) -> None:
    server.extra["refresh_token"] = None
    file = write(server.url)
    sent(chain_of(file))
    assert (stored(file)["access_token"], stored(file)["refresh_token"]) == (
        "s3cret-access-1",
        "s3cret-refresh-0",
    )


def test_threads_renew_a_login_once(server: Server, write: Callable) -> None:
    chain = chain_of(write(server.url))
    assert in_threads(32, lambda _: sent(chain)) == ["Bearer s3cret-access-1"] * 32
    assert len(server.forms) == 1


def test_threads_at_several_hosts_renew_their_login_once(server: Server, write: Callable) -> None:
    chain = chain_of(write(server.url, key="*.h.example"))
    answers = in_threads(32, lambda at: sent(chain, f"https://{'abcd'[at % 4]}.h.example/"))
    assert answers == ["Bearer s3cret-access-1"] * 32
    assert len(server.forms) == 1


def test_threads_renew_a_login_once_if_the_folder_takes_no_lock(
    server: Server, write: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.oauth.stored_login._acquire", lambda *_: None)
    chain = chain_of(write(server.url, key="*.h.example"))
    answers = in_threads(16, lambda at: sent(chain, f"https://{'abcd'[at % 4]}.h.example/"))
    assert answers == ["Bearer s3cret-access-1"] * 16
    assert len(server.forms) == 1


CHILD = """
import sys, authshim
from authshim.providers.auth_file import AuthFile
chain = authshim.Chain([AuthFile(sys.argv[1])])
print("ready", flush=True)
sys.stdin.readline()
print(chain.find(sys.argv[2]).credential.header, flush=True)
"""


def test_processes_renew_a_login_once(server: Server, write: Callable) -> None:
    file = write(server.url)
    command = [sys.executable, "-c", CHILD, str(file), URL]
    path = os.pathsep.join(sys.path)
    children = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for _ in range(4)
    ]
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        assert [child.communicate(timeout=120)[0] for child in children] == [
            "Bearer s3cret-access-1\n"
        ] * 4
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert len(server.forms) == 1


def test_login_is_not_renewed_if_another_program_renewed_it(
    server: Server, write: Callable
) -> None:
    file = write(server.url)
    provider = AuthFile(str(file))
    chain = authshim.Chain([provider])
    provider.find(HOST)  # it was read; now the other one writes
    write(server.url, 3600, access_token="s3cret-theirs", refresh_token="s3cret-refresh-9")
    assert sent(chain) == "Bearer s3cret-theirs"
    assert server.forms == []


def test_login_renewed_elsewhere_at_the_same_moment_is_used(
    server: Server, write: Callable, no_secret: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    def theirs(seen: Seen) -> Answer:
        write(server.url, 3600, access_token="s3cret-theirs", refresh_token="s3cret-refresh-9")
        return says({"error": "invalid_grant"}, 400)

    server.recorder.on("/token", theirs)
    assert sent(chain_of(write(server.url))) == "Bearer s3cret-theirs"
    assert warnings(caplog) == []


def test_login_is_not_renewed_if_it_was_removed(server: Server, write: Callable) -> None:
    file = write(server.url)
    provider = AuthFile(str(file))
    chain = authshim.Chain([provider])
    provider.find(HOST)
    file.write_text("{}")
    assert sent(chain) is None
    assert (server.forms, file.read_text()) == ([], "{}")


@pytest.mark.parametrize("entries", [{}, {HOST: {"BearerToken": "s3cret-new-login"}}])
def test_renewal_does_not_undo_a_logout_or_a_new_login(
    entries: dict[str, object], server: Server, write: Callable
) -> None:
    file = write(server.url)

    def slowly(seen: Seen) -> Answer:
        file.write_text(json.dumps(entries))  # somebody logs out, or in, before the answer is there
        return server.answer(seen)

    server.recorder.on("/token", slowly)
    assert sent(chain_of(file)) == ("Bearer s3cret-new-login" if entries else None)
    assert json.loads(file.read_text()) == entries


def test_refresh_token_is_not_sent_if_its_folder_is_read_only(
    server: Server,
    write: Callable,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = write(server.url, 60)
    monkeypatch.setattr(
        "authshim.oauth.stored_login.os.access", lambda path, mode: False
    )  # root may write everywhere
    assert sent(chain_of(file)) == "Bearer s3cret-access-0"
    assert server.forms == []
    assert warnings(caplog) == [f"the login for {HOST} is not renewed: {file} cannot be written"]


def test_expiry_out_of_range_drops_only_its_login(write: Callable, server: Server) -> None:
    file = write(server.url)
    file.write_text(file.read_text().replace('"expires_at": ', '"expires_at": 1' + "0" * 400))
    assert sent(chain_of(file)) is None
    assert sent(chain_of(file), "https://other.example/") == "Bearer s3cret"


def test_ended_login_is_reported_once_and_not_sent(
    server: Server, write: Callable, caplog: pytest.LogCaptureFixture, no_secret: Callable
) -> None:
    server.valid = "s3cret-other"
    chain = chain_of(write(server.url))
    assert [sent(chain), sent(chain, "http://127.0.0.1:9/"), sent(chain)] == [None, None, None]
    assert len(server.forms) == 1
    assert warnings(caplog) == [
        f"the login for 127.0.0.1 has ended: log in again: {command_at(server)}"
    ]
    no_secret()


def test_ended_login_is_sent_until_its_token_expires(server: Server, write: Callable) -> None:
    server.valid = "s3cret-other"
    chain = chain_of(write(server.url, 200))
    assert sent(chain) == "Bearer s3cret-access-0"


def test_new_login_is_renewed_after_an_ended_one(server: Server, write: Callable) -> None:
    server.valid = "s3cret-other"
    chain = chain_of(write(server.url))
    assert sent(chain) is None
    write(server.url, refresh_token="s3cret-other")
    chain.forget()
    assert sent(chain) == "Bearer s3cret-access-1"


def test_expired_login_is_reported_once_if_it_has_no_refresh_token(
    server: Server, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    chain = chain_of(write(server.url, refresh_token=None))
    assert (sent(chain), sent(chain)) == (None, None)
    assert warnings(caplog) == [
        f"the login for 127.0.0.1 has ended: log in again: {command_at(server)}"
    ]
    assert server.forms == []


def test_next_provider_is_asked_if_a_renewal_fails(
    server: Server, write: Callable, tmp_path: Path
) -> None:
    second = tmp_path / "second.json"
    second.write_text(json.dumps({HOST: {"BearerToken": "s3cret-second"}}))
    server.valid = "s3cret-other"
    assert sent(chain_of(write(server.url), AuthFile(str(second)))) == "Bearer s3cret-second"


def test_warning_names_the_host_of_a_wildcard(
    server: Server, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    server.valid = "s3cret-other"
    sent(chain_of(write(server.url, key="*.h.example")), "https://repo.h.example/")
    assert ": authshim auth login h.example --oauth " in warnings(caplog)[0]


BAD = {
    "an error of the server's": Answer(500, b"s3cret"),
    "an error in JSON": says({"error": "invalid_client", "error_description": "s3cret"}, 401),
    "no JSON": Answer(200, b"<html>s3cret</html>"),
    "a list": says(["s3cret"]),
    "no token": says({"refresh_token": "s3cret"}),
    "a token that is no text": says({"access_token": 1}),
    "a token with a line break": says({"access_token": "s3cret\r\nX: y"}),
    "a refresh token that is no text": says({"access_token": "a", "refresh_token": ["s3cret"]}),
    "nested too deeply": Answer(200, b"[" * 200_000),
    "too much": Answer(200, b'{"access_token": "s3cret"}' + b" " * (1024 * 1024)),
    "nothing": Answer(200, b""),
    "no UTF-8": Answer(200, b'{"access_token": "\xff\xfe s3cret"}'),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_answer_is_one_warning_and_changes_nothing(
    bad: Answer,
    recorder: Recorder,
    write: Callable,
    caplog: pytest.LogCaptureFixture,
    no_secret: Callable,
) -> None:
    recorder.on("/token", bad)
    file = write(recorder.url + "/token")
    before = file.read_text()
    chain = chain_of(file)
    assert (sent(chain), sent(chain, "http://127.0.0.1:9/")) == (None, None)
    assert (len(recorder.seen), file.read_text()) == (1, before)
    (said,) = warnings(caplog)
    assert said.startswith(
        f"the login for 127.0.0.1 (auth file {file}) could not be renewed: "
        f"{recorder.url}/token answ"
    )
    no_secret()


def test_token_is_sent_until_it_expires_if_the_answer_is_bad(
    recorder: Recorder, write: Callable
) -> None:
    recorder.on("/token", Answer(500))
    chain = chain_of(write(recorder.url + "/token", 200))
    assert [sent(chain) for _ in range(5)] == ["Bearer s3cret-access-0"] * 5
    assert len(recorder.seen) == 1


class Held:
    """A token endpoint that takes the refresh token, and answers only when it is released.

    The first caller's deadline passes as soon as the endpoint was asked, and not by the clock: a
    slow machine would let it pass before.
    """

    def __init__(self, server: Server) -> None:
        self.asked, self.released = threading.Event(), threading.Event()
        self.deadlines = 0
        self._server = server
        server.recorder.on("/token", self.answer)

    def answer(self, seen: Seen) -> Answer:
        answer = self._server.answer(seen)
        self.asked.set()
        self.released.wait(120)
        return answer

    def call_with_timeout(self, seconds: float, work: Callable[[], Any]) -> Any:
        self.deadlines += 1
        if self.asked.is_set():
            return call_with_timeout(seconds, work)
        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()
        assert self.asked.wait(60)
        raise TimedOut

    def release(self) -> None:
        """Answer, and wait for the thread: what it logs belongs to this test."""
        self.released.set()
        self._thread.join(60)


@pytest.fixture
def held(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    # However slow the machine is, the request outlasts the deadline.
    monkeypatch.setattr("authshim.oauth.renewal._PATIENCE", 300)
    endpoint = Held(server)
    monkeypatch.setattr("authshim.oauth.renewal.call_with_timeout", endpoint.call_with_timeout)
    yield endpoint
    endpoint.release()


@pytest.mark.parametrize("left", [200, -60])
def test_hanging_endpoint_costs_the_deadline_once(
    left: float, held: Held, server: Server, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    chain = chain_of(write(server.url, left))
    answers = [sent(chain, url) for url in (URL, URL, "http://127.0.0.1:9/", URL)]
    assert answers == [None if left < 0 else "Bearer s3cret-access-0"] * 4
    assert (held.deadlines, len(server.forms)) == (1, 1)
    (warning,) = warnings(caplog)
    assert warning.endswith("/token did not answer in time")


def test_late_answer_is_stored_and_used(
    held: Held,
    server: Server,
    write: Callable,
    caplog: pytest.LogCaptureFixture,
    no_secret: Callable,
) -> None:
    file = write(server.url)
    chain = chain_of(file)
    assert sent(chain) is None
    assert warnings(caplog)[0].endswith("/token did not answer in time")
    held.release()
    assert stored(file)["refresh_token"] == "s3cret-refresh-1"
    assert sent(chain_of(file)) == "Bearer s3cret-access-1"
    chain.forget()
    assert sent(chain) == "Bearer s3cret-access-1"
    assert len(server.forms) == 1
    no_secret()


def test_late_answer_does_not_undo_a_logout(held: Held, server: Server, write: Callable) -> None:
    file = write(server.url)
    assert sent(chain_of(file)) is None
    file.write_text("{}")
    held.release()
    assert file.read_text() == "{}"


def test_refresh_token_is_not_sent_again_before_the_late_answer(
    held: Held, server: Server, write: Callable
) -> None:
    file = write(server.url)
    assert sent(chain_of(file)) is None
    assert sent(chain_of(file, deadline=0.2)) is None  # as another program does
    held.release()
    assert stored(file)["refresh_token"] == "s3cret-refresh-1"
    assert len(server.forms) == 1


def test_late_failure_changes_nothing(
    held: Held, server: Server, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(server.url)
    server.valid = "s3cret-other"
    before = file.read_text()
    assert sent(chain_of(file)) is None
    held.release()
    assert len(warnings(caplog)) == 2
    assert warnings(caplog)[1].startswith("the login for 127.0.0.1 has ended")
    assert file.read_text() == before


def test_lack_of_threads_leaves_the_login_as_it_is(
    server: Server,
    write: Callable,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def call_with_timeout(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("authshim.oauth.renewal.call_with_timeout", call_with_timeout)
    assert sent(chain_of(write(server.url, 200))) == "Bearer s3cret-access-0"
    assert warnings(caplog)[0].endswith("could not be renewed: the system has no thread to spare")


def test_trickling_answer_costs_the_deadline(write: Callable) -> None:
    with dripping() as url:
        began = time.monotonic()
        assert sent(chain_of(write(f"{url}/token"), deadline=0.3)) is None
        assert time.monotonic() - began < 15


def test_deadline_includes_the_wait_for_another_thread(recorder: Recorder, write: Callable) -> None:
    asked, release = threading.Event(), threading.Event()

    def answer(_: Seen) -> None:
        asked.set()
        release.wait(120)

    recorder.on("/token", answer)
    chain = chain_of(write(recorder.url + "/token", 200, key="*.h.example"), deadline=20.0)
    first = threading.Thread(target=sent, args=[chain, "https://a.h.example/"], daemon=True)
    first.start()
    try:
        assert asked.wait(60)
        chain._lookup.providers[0].renewer._deadline = 0.1
        assert sent(chain, "https://b.h.example/") == "Bearer s3cret-access-0"
    finally:
        release.set()
        first.join(60)
    assert len(recorder.seen) == 1


def test_login_is_renewed_if_no_lock_can_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    vault = Keeping(authshim.OAuth("s3cret", "s3cret-refresh-0", 1, server.url, None, "id"))
    chain = authshim.Chain([vault])
    chain._lookup.providers[0].renewer = Renewer(lock_dir=str(tmp_path / "file" / "below"))
    assert sent(chain) == "Bearer s3cret-access-1"


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_lock_that_is_a_link_empties_no_file(
    server: Server, write: Callable, tmp_path: Path
) -> None:
    path = write(server.url)
    (tmp_path / "precious").write_text("all of it")
    os.symlink("precious", f"{path}.oauth.lock")
    assert sent(chain_of(path)) == "Bearer s3cret-access-1"
    assert (tmp_path / "precious").read_text() == "all of it"


def test_renewer_remembers_the_last_64_refused_logins() -> None:
    renewer = Renewer()
    for number in range(1000):
        renewer.note_refused(
            authshim.OAuth(f"s3cret-{number}", None, None, "https://h/", None, "id")
        )
    assert [login.access_token for login in renewer._refused] == [
        f"s3cret-{number}" for number in range(936, 1000)
    ]


def test_deadline_includes_the_wait_for_another_process(server: Server, write: Callable) -> None:
    from filelock import FileLock

    file = write(server.url, 200)
    before = threading.enumerate()
    with FileLock(f"{file}.oauth.lock"):
        assert sent(chain_of(file, deadline=0.2)) == "Bearer s3cret-access-0"
        for thread in set(threading.enumerate()) - set(before):
            thread.join(60)  # it may try once more to get the lock
    assert server.forms == []


def test_unreachable_endpoint_is_one_warning(
    write: Callable, caplog: pytest.LogCaptureFixture, make_recorder: Callable
) -> None:
    gone = make_recorder()
    gone.stop()
    file = write(gone.url + "/token")
    assert sent(chain_of(file)) is None
    # A thread that an earlier test left behind may warn of its own file.
    (warning,) = [text for text in warnings(caplog) if str(file) in text]
    assert warning.endswith("/token cannot be reached (the connection was refused)")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://login.example/token",
        "http://127.0.0.1.evil.example/token",
        "ftp://127.0.0.1/",
        "token",
        "",
    ],
)
def test_endpoint_is_not_asked_if_it_is_neither_https_nor_local(
    endpoint: str, write: Callable, anywhere: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sent(chain_of(write(endpoint))) is None
    assert anywhere.dialled == []
    assert "could not be renewed" in warnings(caplog)[0]


def test_redirect_of_the_endpoint_is_not_followed(
    server: Server, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    server.recorder.on("/old", redirect(server.url, 307))
    assert sent(chain_of(write(server.recorder.url + "/old"))) is None
    assert [seen.path for seen in server.recorder.seen] == ["/old"]
    assert warnings(caplog)[0].endswith("/old answered HTTP 307")


def test_certificate_of_the_endpoint_is_verified(
    tls_recorder: Recorder, authority: Any, write: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tls_recorder)
    file = write(server.url)
    assert sent(chain_of(file)) is None
    assert warnings(caplog)[0].endswith(
        "/token cannot be reached (its TLS certificate does not verify)"
    )
    assert (
        sent(chain_of(file, environ={"REQUESTS_CA_BUNDLE": authority.file}))
        == "Bearer s3cret-access-1"
    )


def test_proxy_of_the_environment_is_used(write: Callable, make_wire: Callable) -> None:
    proxy = make_wire(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
    environ = {"HTTPS_PROXY": proxy.url.replace("http://", "u:p%40@")}
    assert sent(chain_of(write("https://login.example/token"), environ=environ)) is None
    (head,) = proxy.requests
    assert head.startswith(b"CONNECT login.example:443 ")
    assert b"proxy-authorization: Basic dTpwQA==" in head.replace(b"Proxy-A", b"proxy-a")


def test_no_proxy_excludes_a_host_from_the_proxy(
    recorder: Recorder, write: Callable, anywhere: Any
) -> None:
    environ = {"https_proxy": recorder.url, "no_proxy": ".example"}
    assert sent(chain_of(write("https://login.example/token"), environ=environ)) is None
    assert (anywhere.dialled, recorder.seen) == ([("login.example", 443)], [])


def test_local_endpoint_is_asked_without_a_proxy(
    server: Server, write: Callable, make_recorder: Callable
) -> None:
    proxy = make_recorder()
    environ = {"http_proxy": proxy.url, "all_proxy": proxy.url}
    assert sent(chain_of(write(server.url), environ=environ)) == "Bearer s3cret-access-1"
    assert proxy.seen == []


@pytest.mark.parametrize("lifetime", [None, "soon", True, -5, 1e300, [1]])
def test_expiry_is_none_if_the_lifetime_is_invalid(
    lifetime: object, server: Server, write: Callable
) -> None:
    server.extra["expires_in"] = lifetime
    file = write(server.url)
    assert sent(chain_of(file)) == "Bearer s3cret-access-1"
    assert stored(file)["expires_at"] is None


@pytest.mark.parametrize("lifetime", [3600, 3600.0, "3600"])
def test_expiry_is_counted_from_before_the_request(
    lifetime: object, server: Server, write: Callable
) -> None:
    server.extra["expires_in"] = lifetime
    file = write(server.url)
    sent(chain_of(file, clock=wall_clock(lambda: 2e9)))
    assert stored(file)["expires_at"] == 2_000_003_600


def test_wrong_clock_renews_a_login_once(server: Server, write: Callable) -> None:
    file = write(server.url, 3600)
    chain = chain_of(file, clock=wall_clock(lambda: time.time() + 86400))
    assert [sent(chain) for _ in range(3)] == ["Bearer s3cret-access-1"] * 3
    assert len(server.forms) == 1


def test_short_lived_token_is_not_renewed_at_each_request(server: Server, write: Callable) -> None:
    server.extra["expires_in"] = 120
    chain = chain_of(write(server.url, key="*.h.example"))
    assert {sent(chain, f"https://{name}.h.example/") for name in "abcabc"} == {
        "Bearer s3cret-access-1"
    }
    assert len(server.forms) == 1


class Broken(AuthFile):
    """A file on a full disk."""

    def save(self, key: str, credential: authshim.Credential) -> None:
        raise ProviderError(self.name, "no space left on device")


def test_renewed_login_stays_in_memory_if_it_cannot_be_stored(
    server: Server, write: Callable, caplog: pytest.LogCaptureFixture, no_secret: Callable
) -> None:
    file = write(server.url)
    before = file.read_text()
    chain = authshim.Chain([Broken(str(file))])
    assert sent(chain) == "Bearer s3cret-access-1"
    chain.forget()
    assert (sent(chain), file.read_text(), len(server.forms)) == (
        "Bearer s3cret-access-1",
        before,
        1,
    )
    (said,) = warnings(caplog)
    assert said == (
        f"the login for 127.0.0.1 was renewed, but auth file {file} did not store it "
        f"(no space left on device); "
        f"it is lost when this program ends: {command_at(server)}"
    )
    no_secret()


def test_unsaved_login_is_renewed_with_its_own_refresh_token(
    server: Server, write: Callable
) -> None:
    server.extra["expires_in"] = 0
    chain = authshim.Chain([Broken(str(write(server.url)))])
    for _ in range(3):
        sent(chain)
        chain.forget()
    assert [form["refresh_token"] for form in server.forms] == [
        [f"s3cret-refresh-{count}"] for count in range(3)
    ]


class Vault(authshim.Provider):
    """A provider of one's own that keeps nothing."""

    name = "vault"

    def __init__(self, credential: authshim.Credential) -> None:
        self.credential = credential

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return self.credential if key == HOST else None


@pytest.mark.parametrize(("left", "header"), [(200, "Bearer s3cret"), (-1, None)])
def test_login_is_not_renewed_if_its_provider_cannot_store(
    left: float, header: str | None, server: Server
) -> None:
    vault = Vault(
        authshim.OAuth("s3cret", "s3cret-refresh-0", time.time() + left, server.url, None, "id")
    )
    assert sent(authshim.Chain([vault])) == header
    assert server.forms == []


class Keeping(Vault):
    """One that keeps what it is given, in no file."""

    def save(self, key: str, credential: authshim.Credential) -> None:
        self.credential = credential


def test_lock_lies_in_the_lock_folder_if_the_store_has_no_file(
    server: Server, tmp_path: Path
) -> None:
    vault = Keeping(authshim.OAuth("s3cret", "s3cret-refresh-0", 1, server.url, None, "id"))
    chain = authshim.Chain([vault])
    folder = tmp_path / ".rattler"
    chain._lookup.providers[0].renewer = Renewer(lock_dir=str(folder))
    assert sent(chain) == "Bearer s3cret-access-1"
    assert vault.credential.header == "Bearer s3cret-access-1"
    assert folder.is_dir()
    assert [file.name for file in folder.iterdir()] in ([], ["oauth.lock"])


class Breaking(Keeping):
    """One that can be read once."""

    asked = 0

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        self.asked += key == HOST
        if self.asked > 1:
            raise RuntimeError("s3cret")
        return super().find(key)


def test_refresh_token_is_not_sent_if_the_store_breaks_before(
    server: Server, caplog: pytest.LogCaptureFixture, no_secret: Callable
) -> None:
    vault = Breaking(
        authshim.OAuth("s3cret", "s3cret-refresh-0", time.time() + 200, server.url, None, "id")
    )
    assert sent(authshim.Chain([vault])) == "Bearer s3cret"
    assert server.forms == []
    assert warnings(caplog) == [
        "the login for 127.0.0.1 (vault) could not be renewed: RuntimeError"
    ]
    no_secret()


@pytest.fixture
def session(write: Callable, server: Server) -> Any:
    """A session, and a login that its server takes no more although it looks good for an hour."""

    def prepare(left: float | None = 3600) -> Any:
        import requests

        return authshim.install(requests.Session(), chain=chain_of(write(server.url, left)))

    return prepare


@pytest.mark.parametrize("left", [3600, None])
def test_request_is_sent_again_after_a_refused_login_was_renewed(
    left: float | None, server: Server, session: Callable
) -> None:
    server.recorder.on(
        "/x", lambda seen: Answer() if seen.authorization == "Bearer s3cret-access-1" else CHALLENGE
    )
    with session(left) as logged_in:
        assert [logged_in.get(server.recorder.url + "/x").status_code for _ in range(3)] == [
            200
        ] * 3
    assert len(server.forms) == 1


def test_renewed_login_is_stored_before_it_is_sent(
    server: Server, session: Callable, tmp_path: Path
) -> None:
    used: list[tuple[str | None, str]] = []

    def answer(seen: Seen) -> Answer:
        used.append((seen.authorization, stored(tmp_path / "auth.json")["access_token"]))
        return Answer() if seen.authorization == "Bearer s3cret-access-1" else CHALLENGE

    server.recorder.on("/x", answer)
    with session() as logged_in:
        logged_in.get(server.recorder.url + "/x")
    assert used[-1] == ("Bearer s3cret-access-1", "s3cret-access-1")


def test_caller_waits_30_seconds_for_a_renewal(
    write: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def call_with_timeout(seconds: float, work: object) -> None:
        waited.append(seconds)
        raise TimedOut

    monkeypatch.setattr("authshim.oauth.renewal.call_with_timeout", call_with_timeout)
    authshim.Chain([AuthFile(str(write("https://login.example/token")))]).find(URL)
    assert waited == [30.0]


def test_request_of_a_renewal_ends_after_300_seconds(
    write: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def renew(credential: authshim.OAuth, *, seconds: float, **_: object) -> authshim.OAuth:
        given.append(seconds)
        return credential

    monkeypatch.setattr("authshim.oauth.endpoints.renew", renew)
    authshim.Chain([AuthFile(str(write("https://login.example/token")))]).find(URL)
    assert given == [300.0]


def test_refused_threads_renew_a_login_once(server: Server, session: Callable) -> None:
    server.recorder.on(
        "/x", lambda seen: Answer() if seen.authorization == "Bearer s3cret-access-1" else CHALLENGE
    )
    with session() as logged_in:
        assert (
            in_threads(32, lambda _: logged_in.get(server.recorder.url + "/x").status_code)
            == [200] * 32
        )
    assert len(server.forms) == 1


def test_server_that_refuses_every_token_costs_one_renewal(
    server: Server, session: Callable
) -> None:
    server.recorder.on("/x", CHALLENGE)
    with session() as logged_in:
        assert [logged_in.get(server.recorder.url + "/x").status_code for _ in range(5)] == [
            401
        ] * 5
    assert len(server.forms) == 1


def test_refused_path_costs_one_renewal_and_not_the_host(server: Server, session: Callable) -> None:
    server.recorder.on("/closed", CHALLENGE)
    with session() as logged_in:
        for _ in range(3):
            assert logged_in.get(server.recorder.url + "/open").status_code == 200
            assert logged_in.get(server.recorder.url + "/closed").status_code == 401
    assert len(server.forms) == 1


def test_login_is_not_renewed_after_a_403(server: Server, session: Callable) -> None:
    server.recorder.on("/x", Answer(403))
    with session() as logged_in:
        assert logged_in.get(server.recorder.url + "/x").status_code == 403
    assert server.forms == []


def test_found_is_valid_until_300_seconds_before_the_expiry(
    server: Server, write: Callable
) -> None:
    file = write(server.url, 3600)
    expires_at = stored(file)["expires_at"]
    found = chain_of(file).look_up(URL)
    assert found is not None
    assert found.expires_at == expires_at - 300


def test_login_is_renewed_if_it_becomes_due_in_a_running_program(
    server: Server, write: Callable
) -> None:
    passed = 0.0
    chain = chain_of(write(server.url, 3600), clock=wall_clock(lambda: time.time() + passed))
    assert sent(chain) == "Bearer s3cret-access-0"
    passed = 3400.0
    assert [sent(chain), sent(chain)] == ["Bearer s3cret-access-1"] * 2
    assert len(server.forms) == 1


def test_http_is_not_imported_before_a_renewal(server: Server, write: Callable) -> None:
    code = (
        "import sys, authshim\n"
        "from authshim.providers.auth_file import AuthFile\n"
        "authshim.Chain([AuthFile(sys.argv[1])]).find(sys.argv[2])\n"
        "print(*{'requests', 'filelock', 'certifi', 'urllib.request'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(write(server.url, 3600)), URL]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.split() == []


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Do the same in many threads at once."""
    barrier = threading.Barrier(count)
    answers: list[Any] = [None] * count

    def run(at: int) -> None:
        barrier.wait(60)
        answers[at] = work(at)

    threads = [threading.Thread(target=run, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
