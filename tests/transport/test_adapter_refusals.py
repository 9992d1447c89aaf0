"""A refused credential: the chain is asked again, and the request retried if its body allows."""

from __future__ import annotations

import io
import socket
import threading
import time
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import Canned, Fixed, Renewing, installed, mounted
from servers import CHALLENGE, Answer, Play, Recorder, Seen, redirect

import authshim
from authshim import BasicHTTP, BearerToken, CondaToken, Index
from authshim.urls import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Names

OLD, NEW = BearerToken("old"), BearerToken("new")
BASIC = BasicHTTP("ada", "s3cret")


def only_new(seen: Seen) -> Answer:
    if seen.authorization == "Bearer new":
        return Answer(200, b"let in")
    return Answer(401, b"who are you?", {"WWW-Authenticate": "Bearer"})


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


@pytest.mark.parametrize("login", [mounted, installed])
@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_token_is_fetched_once_more(
    login: Callable, status: int, recorder: Recorder
) -> None:
    recorder.on(
        "/x",
        lambda seen: only_new(seen)._replace(
            status=200 if seen.authorization == "Bearer new" else status
        ),
    )
    response = login(Renewing(OLD, NEW)).get(recorder.url + "/x")
    assert (response.status_code, response.content) == (200, b"let in")
    assert sent(recorder) == ["Bearer old", "Bearer new"]


def test_the_new_token_goes_with_the_next_request(recorder: Recorder) -> None:
    recorder.default = Answer(200)
    recorder.on("/x", only_new)
    session = mounted(Renewing(OLD, NEW))
    session.get(recorder.url + "/x")
    session.get(recorder.url + "/y")
    assert sent(recorder) == ["Bearer old", "Bearer new", "Bearer new"]


def test_the_same_answer_again_is_not_sent_again(recorder: Recorder) -> None:
    recorder.default = Answer(401, b"who are you?")
    response = mounted(Fixed({"127.0.0.1": OLD})).get(recorder.url)
    assert (response.status_code, response.content) == (401, b"who are you?")
    assert sent(recorder) == ["Bearer old"]


def test_one_request_is_sent_twice_at_most(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    tokens = [BearerToken(f"token-{number}") for number in range(9)]
    assert mounted(Renewing(*tokens)).get(recorder.url).status_code == 401
    assert sent(recorder) == ["Bearer token-0", "Bearer token-1"]


def test_a_token_that_was_never_accepted_is_not_sent_after_a_401(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    session = mounted(Fixed({"127.0.0.1": OLD}))
    session.get(recorder.url)
    session.get(recorder.url)
    assert sent(recorder) == ["Bearer old", None]


def test_a_forbidden_path_does_not_cost_the_host(recorder: Recorder) -> None:
    recorder.on("/forbidden", Answer(403))
    session = mounted(Fixed({"127.0.0.1": OLD}))
    assert session.get(recorder.url + "/forbidden").status_code == 403
    assert session.get(recorder.url + "/x").status_code == 200
    assert sent(recorder) == ["Bearer old"] * 2


def test_a_token_that_was_accepted_once_is_still_sent_after_a_401(recorder: Recorder) -> None:
    recorder.on("/x", Answer(200), Answer(401), Answer(200))
    session = mounted(Fixed({"127.0.0.1": OLD}))
    assert [session.get(recorder.url + "/x").status_code for _ in range(3)] == [200, 401, 200]
    assert sent(recorder) == ["Bearer old"] * 3


def test_refused_credential_is_not_looked_up_for_each_request(recorder: Recorder) -> None:
    recorder.default = Answer(403)
    provider = Fixed({"127.0.0.1": OLD})
    session = mounted(provider)
    session.get(recorder.url)
    session.get(recorder.url)
    asked = len(provider.asked)
    session.get(recorder.url)
    assert len(provider.asked) == asked


@pytest.mark.parametrize("status", [400, 404, 407, 429, 500, 503])
def test_another_failure_renews_nothing(status: int, recorder: Recorder) -> None:
    recorder.default = Answer(status)
    assert mounted(Renewing(OLD, NEW)).get(recorder.url).status_code == status
    assert sent(recorder) == ["Bearer old"]


PRESIGNED = "/files/x?X-Amz-Signature=0a1b"


def test_a_redirect_after_a_refusal_shows_that_the_credential_was_taken(recorder: Recorder) -> None:
    let_in = redirect("/files/x")
    recorder.default = Answer()
    recorder.on("/x", lambda seen: let_in if seen.authorization == BASIC.header else CHALLENGE)
    session = installed(Fixed({"default": BASIC}, [DEFAULT]))
    for _ in range(2):
        session.get(recorder.url + "/x", allow_redirects=False)
    assert sent(recorder) == [None, BASIC.header, BASIC.header]


@pytest.mark.parametrize(("location", "still_sent"), [(PRESIGNED, True), ("/login?next=x", False)])
def test_redirect_to_a_presigned_url_accepts_and_to_a_login_does_not(
    location: str, still_sent: bool, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(location))
    recorder.on("/y", Answer(401))
    session = mounted(Fixed({"127.0.0.1": OLD}))
    for path in ("/x", "/y", "/y"):
        session.get(recorder.url + path, allow_redirects=False)
    assert sent(recorder) == ["Bearer old", "Bearer old", "Bearer old" if still_sent else None]


def test_a_conda_token_is_renewed_too(recorder: Recorder) -> None:
    recorder.on("/t/old-token/*", Answer(401))
    session = mounted(Renewing(CondaToken("old-token"), CondaToken("new-token")))
    assert session.get(recorder.url + "/x").status_code == 200
    assert [seen.path for seen in recorder.seen] == ["/t/old-token/x", "/t/new-token/x"]


def test_a_header_may_follow_upon_a_conda_token(recorder: Recorder) -> None:
    recorder.on("/t/*", Answer(401))
    mounted(Renewing(CondaToken("old-token"), NEW)).get(recorder.url + "/x")
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [
        ("/t/old-token/x", None),
        ("/x", "Bearer new"),
    ]


def test_the_refusal_is_no_part_of_the_history(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    assert mounted(Renewing(OLD, NEW)).get(recorder.url + "/x").history == []


def test_hooks_are_called_once(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    called: list[int] = []
    hooks = {"response": lambda response, **_: called.append(response.status_code)}
    mounted(Renewing(OLD, NEW)).get(recorder.url + "/x", hooks=hooks)
    assert called == [200]


# The body


@pytest.mark.parametrize("body", [b"bytes", "text", {"form": "1"}, [("form", "1")]])
def test_a_body_is_sent_again(body: object, recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    assert mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", data=body).status_code == 200
    first, second = recorder.seen
    assert first.body == second.body != b""


def test_json_is_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", json={"a": 1})
    assert [seen.body for seen in recorder.seen] == [b'{"a": 1}'] * 2


def test_an_upload_is_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", files={"f": io.BytesIO(b"contents")})
    first, second = recorder.seen
    assert b"contents" in first.body
    assert first.body == second.body


def test_a_file_is_sent_again_from_where_it_stood(recorder: Recorder, tmp_path: Path) -> None:
    recorder.on("/x", only_new)
    (tmp_path / "f").write_bytes(b"skipped|contents")
    with (tmp_path / "f").open("rb") as file:
        file.seek(8)
        assert mounted(Renewing(OLD, NEW)).put(recorder.url + "/x", data=file).status_code == 200
    assert [seen.body for seen in recorder.seen] == [b"contents"] * 2


def test_a_generator_is_not_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    response = mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", data=iter([b"a", b"b"]))
    assert (response.status_code, response.content) == (401, b"who are you?")
    assert [seen.body for seen in recorder.seen] == [b"ab"]


def test_after_a_generator_the_next_request_has_the_new_token(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    session = mounted(Renewing(OLD, NEW))
    session.post(recorder.url + "/x", data=iter([b"a"]))
    assert session.post(recorder.url + "/x", data=iter([b"a"])).status_code == 200


class Pipe(io.BytesIO):
    """A file that cannot be rewound."""

    def tell(self) -> int:
        raise OSError("a pipe has no position")

    def seek(self, *_: int) -> int:
        raise OSError("a pipe cannot be rewound")


def test_a_pipe_is_not_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    assert (
        mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", data=Pipe(b"ab")).status_code == 401
    )
    assert [seen.body for seen in recorder.seen] == [b"ab"]


class Sinking(io.BytesIO):
    """A file that tells where it stands, and cannot go back."""

    def seek(self, *_: int) -> int:
        raise OSError("no way back")


def test_a_file_that_cannot_go_back_is_not_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    request_body = Sinking(b"ab")
    request_body.len = 2  # type: ignore[attr-defined]
    response = mounted(Renewing(OLD, NEW)).post(recorder.url + "/x", data=request_body)
    assert (response.status_code, response.content) == (401, b"who are you?")


def test_a_file_that_was_closed_meanwhile_is_not_sent_again() -> None:
    body = io.BytesIO(b"ab")

    class Closing(Canned):
        def send(self, *args: object, **options: object) -> object:
            body.close()
            return super().send(*args, **options)

    inner = Closing(401)
    assert (
        mounted(Renewing(OLD, NEW), inner=inner).post("http://127.0.0.1/", data=body).status_code
        == 401
    )
    assert len(inner.sent) == 1


# The connection


def test_the_connection_of_a_short_refusal_is_used_again(
    recorder: Recorder, anywhere: Names
) -> None:
    anywhere(recorder)
    recorder.on("/x", only_new)
    mounted(Renewing(OLD, NEW)).get(recorder.url + "/x")
    assert len(recorder.seen) == 2
    assert len(anywhere.dialled) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_connection_of_an_empty_refusal_is_used_again(
    method: str, recorder: Recorder, anywhere: Names
) -> None:
    anywhere(recorder)
    recorder.on("/x", lambda seen: only_new(seen)._replace(body=b""))
    mounted(Renewing(OLD, NEW)).request(method, recorder.url + "/x")
    assert len(recorder.seen) == 2
    assert len(anywhere.dialled) == 1


def test_a_long_refusal_is_not_read(recorder: Recorder, anywhere: Names) -> None:
    anywhere(recorder)
    recorder.on("/x", lambda seen: only_new(seen)._replace(body=b"x" * 1_000_000))
    assert mounted(Renewing(OLD, NEW)).get(recorder.url + "/x").status_code == 200
    assert len(anywhere.dialled) == 2


def test_a_streamed_refusal_gives_its_connection_back(recorder: Recorder, anywhere: Names) -> None:
    anywhere(recorder)
    recorder.on("/x", only_new)
    with mounted(Renewing(OLD, NEW)).get(recorder.url + "/x", stream=True) as response:
        assert b"".join(response.iter_content(3)) == b"let in"
    assert len(anywhere.dialled) == 1


LET_IN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlet in"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        b"HTTP/1.1 401 No\r\nConnection: close\r\n\r\nx",
        b"HTTP/1.1 401 No\r\nContent-Length: 999999999\r\n\r\nx",
        b"HTTP/1.1 401 No\r\nContent-Length: many\r\n\r\nx",
        b"HTTP/1.1 401 No\r\nContent-Length: -1\r\n\r\nx",
        b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nx",
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_without_end_does_not_hang(
    head: bytes, stream: bool, make_wire: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.transport.drain.MAX_DRAINED_SECONDS", 0.05)
    wire, contents = make_wire(head, LET_IN), []

    def get() -> None:
        with mounted(Renewing(OLD, NEW)).get(wire.url, stream=stream) as response:
            contents.append(response.content)

    thread = threading.Thread(target=get, daemon=True)
    thread.start()
    thread.join(60)
    assert contents == [b"let in"]


@pytest.mark.parametrize("piece", [b"x", b"x" * 16])
def test_a_refusal_that_trickles_is_cut_off_in_time(
    piece: bytes, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.transport.drain.MAX_DRAINED_SECONDS", 0.2)
    hung_up, over = threading.Event(), threading.Event()

    def trickle() -> Iterator[bytes]:
        until = time.monotonic() + 60
        try:
            while time.monotonic() < until and not over.wait(0.05):
                yield piece
        finally:
            hung_up.set()

    recorder.on("/x", Answer(401, trickle(), {"Content-Length": "60000"}), Answer(200, b"let in"))
    started = time.monotonic()
    response = mounted(Renewing(OLD, NEW)).get(recorder.url + "/x", timeout=60)
    took = time.monotonic() - started
    over.set()
    assert response.content == b"let in"
    assert took < 30
    assert hung_up.wait(60)


def test_a_refusal_that_comes_in_pieces_gives_its_connection_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authshim.transport.drain.MAX_DRAINED_SECONDS", 60)
    head = b"HTTP/1.1 401 No\r\nContent-Length: 12\r\n\r\n"

    def serve() -> None:
        connection, _ = listening.accept()  # once: a second connection would wait in vain
        with connection:
            connection.recv(65536)
            for piece in (head, b"who ", b"are ", b"you?"):
                connection.sendall(piece)
                time.sleep(0.02)
            connection.recv(65536)
            connection.sendall(LET_IN)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        session = mounted(Renewing(OLD, NEW))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        response = session.get(url, timeout=70, stream=True)
        assert response.raw.connection.sock.gettimeout() == 70
        assert response.content == b"let in"
        session.close()
        thread.join(10)


def test_a_refusal_that_breaks_off_does_no_harm(make_wire: Callable) -> None:
    broken = Play(b"HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\nx", "close")
    wire = make_wire(broken, LET_IN)
    assert mounted(Renewing(OLD, NEW)).get(wire.url, timeout=60).content == b"let in"


# Several indexes with one claim, at a server that hides what somebody may not see


BOB = BasicHTTP("bob", "s3cret")


@pytest.fixture
def hidden(recorder: Recorder) -> Recorder:
    """The files of two indexes, whose paths tell nobody which index they are of."""
    recorder.on(
        "/acme/files/1/*",
        lambda seen: Answer(200) if seen.authorization == BASIC.header else Answer(404),
    )
    recorder.on(
        "/acme/files/2/*",
        lambda seen: Answer(200) if seen.authorization == BOB.header else Answer(404),
    )
    recorder.on(
        "/acme/files/3/*",
        lambda seen: Answer(404 if seen.authorization == BASIC.header else 401, b"not here"),
    )
    return recorder


@pytest.fixture
def both(hidden: Recorder) -> requests.Session:
    """A session for a project with both indexes."""
    indexes = [Index(f"{hidden.url}/acme/{name}/simple", name, "s3cret") for name in ("ada", "bob")]
    return authshim.install(requests.Session(), authshim.Chain([], indexes=indexes))


def test_next_index_is_asked_after_a_404(hidden: Recorder, both: requests.Session) -> None:
    assert both.get(hidden.url + "/acme/files/2/a.whl").status_code == 200
    assert sent(hidden) == [BASIC.header, BOB.header]


def test_index_that_found_a_file_is_asked_first_for_its_siblings(
    hidden: Recorder, both: requests.Session
) -> None:
    both.get(hidden.url + "/acme/files/2/a.whl")
    hidden.clear()
    assert both.get(hidden.url + "/acme/files/2/b.whl").status_code == 200
    assert sent(hidden) == [BOB.header]


def test_two_indexes_whose_files_lie_side_by_side_are_told_apart(
    hidden: Recorder, both: requests.Session
) -> None:
    for name in ("2/a", "1/a", "2/b", "1/b"):
        both.get(f"{hidden.url}/acme/files/{name}.whl")
    hidden.clear()
    assert [
        both.get(f"{hidden.url}/acme/files/{name}.whl").status_code for name in ("1/c", "2/c")
    ] == [200, 200]
    assert sent(hidden) == [BASIC.header, BOB.header]


def test_file_that_no_index_finds_is_404(hidden: Recorder, both: requests.Session) -> None:
    response = both.get(hidden.url + "/acme/files/3/a.whl")
    assert (response.status_code, response.content) == (404, b"not here")
    assert sent(hidden) == [BASIC.header, BOB.header]


def test_a_presigned_url_that_finds_nothing_is_given_nothing(
    hidden: Recorder, both: requests.Session
) -> None:
    assert both.get(hidden.url + "/acme/files/2/a.whl?X-Amz-Signature=1").status_code == 404
    assert sent(hidden) == [None]


def test_path_below_an_index_root_belongs_to_that_index_alone(
    hidden: Recorder, both: requests.Session
) -> None:
    hidden.default = Answer(404)
    assert both.get(hidden.url + "/acme/bob/simple/absent/").status_code == 404
    assert sent(hidden) == [BOB.header]


def test_post_is_not_sent_to_the_next_index_after_a_404(
    hidden: Recorder, both: requests.Session
) -> None:
    assert both.post(hidden.url + "/acme/files/2/a.whl", data=b"x").status_code == 404
    assert sent(hidden) == [BASIC.header]


# Many threads


def test_one_look_up_renews_a_token_for_many_threads(recorder: Recorder) -> None:
    barrier = threading.Barrier(32)
    recorder.on("/x", only_new)
    provider = Renewing(OLD, NEW)
    session = mounted(provider, pool_maxsize=32)
    session.get(recorder.url)
    asked = len(provider.asked)
    statuses: list[int] = []

    def work() -> None:
        barrier.wait(60)
        statuses.append(session.get(recorder.url + "/x").status_code)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert statuses == [200] * 32
    assert len(provider.asked) <= asked + 2  # 127.0.0.1:PORT and 127.0.0.1
    assert set(sent(recorder)) == {"Bearer old", "Bearer new"}


def test_two_rotations_during_one_request_cost_that_request_only(recorder: Recorder) -> None:
    provider = Fixed({"127.0.0.1": BearerToken("s3cret-0")})
    numbers = iter(["s3cret-1", "s3cret-2"])

    def rotate(seen: Seen) -> Answer:
        provider.held["127.0.0.1"] = BearerToken(next(numbers))
        return Answer(401)

    def let_in(seen: Seen) -> Answer:
        return Answer(200 if seen.authorization == provider.held["127.0.0.1"].header else 401)

    recorder.on("/x", let_in)
    recorder.on("/rotates", rotate)
    session = mounted(provider)
    assert session.get(recorder.url + "/x").status_code == 200
    assert session.get(recorder.url + "/rotates").status_code == 401
    assert [session.get(recorder.url + "/x").status_code for _ in range(3)] == [200] * 3
    assert sent(recorder)[-1] == "Bearer s3cret-2"


def test_rotated_login_is_replaced_if_it_was_accepted_since_its_refusal(
    recorder: Recorder,
) -> None:
    provider = Fixed({"127.0.0.1": OLD})
    recorder.default = Answer(200)
    recorder.on("/closed", Answer(401))
    recorder.on("/x", only_new)
    session = mounted(provider)
    statuses = [session.get(recorder.url + path).status_code for path in ("/", "/closed", "/")]
    provider.held["127.0.0.1"] = NEW
    assert statuses == [200, 401, 200]
    assert session.get(recorder.url + "/x").status_code == 200


def test_a_password_of_netrc_is_renewed_when_the_file_changes(
    home: Path, recorder: Recorder
) -> None:
    from authshim.providers.netrc_file import NetrcFile

    def answer(seen: Seen) -> Answer:
        if seen.authorization == BasicHTTP("ada", "new").header:
            return Answer(200)
        (home / ".netrc").write_text("machine 127.0.0.1 login ada password new\n")
        return Answer(401)

    (home / ".netrc").write_text("machine 127.0.0.1 login ada password old\n")
    recorder.on("/x", answer)
    assert installed(NetrcFile([str(home / ".netrc")])).get(recorder.url + "/x").status_code == 200


def test_rejected_login_is_warned_of_once(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.default = CHALLENGE
    session = installed(BasicHTTP("ada", "s3cret"))
    statuses = [session.get(recorder.url).status_code for _ in range(3)]
    assert statuses == [401] * 3
    rejected = f"127.0.0.1:{recorder.port} rejected the login of user 'ada' from fixed"
    assert caplog.messages == [f"{rejected}; try: authshim explain {recorder.url}/"]
