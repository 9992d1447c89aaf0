"""A file comes whole, checked and under its name, or not at all, whatever the server and the disk do."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
import trustme
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder, Served, redirect

import authshim
from authshim import download, files, link, trouble
from authshim.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Authority, Names

ADA = authshim.BasicHTTP("ada", "s3cret")
DATA = bytes(range(256)) * 1024
HALF = len(DATA) // 2
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = "demo.whl"
NOON, LATER = "Mon, 06 Jan 2025 12:00:00 GMT", "Mon, 06 Jan 2025 12:00:01 GMT"


class Vault(authshim.Provider):
    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return ADA if key == "127.0.0.1" else None


class Downloads:
    """Downloads ``NAME`` from one server into the current folder, and notes what is said."""

    def __init__(self, recorder: Recorder) -> None:
        self.url = f"{recorder.url}/{NAME}"
        self.chain = authshim.Chain([Vault()])
        self.said: list[str] = []
        self.waits: list[float] = []
        self.progress: list[tuple[int, int | None]] = []

    def __call__(self, rest: str = "", *, url: str | None = None, target: str = NAME) -> download.Got:
        return download.get(
            self.chain,
            link.read((url or self.url) + rest),
            target,
            progress=lambda length, size: self.progress.append((length, size)),
            say=self.said.append,
            sleep=self.waits.append,
        )

    def fails(self, rest: str = "", **options: str) -> DownloadError:
        with pytest.raises(DownloadError) as failed:
            self(rest, **options)
        assert not Path(NAME).exists() or Path(NAME).read_bytes() == b"old"
        return failed.value


@pytest.fixture
def get(recorder: Recorder) -> Downloads:
    return Downloads(recorder)


@pytest.fixture
def served(recorder: Recorder) -> Served:
    """The file, where ``get`` asks for it."""
    file = Served(DATA)
    recorder.on(f"/{NAME}", file)
    return file


def here() -> set[str]:
    return {path.name for path in Path.cwd().iterdir()}


def asked(recorder: Recorder) -> list[tuple[str | None, str | None]]:
    return [(seen.headers.get("Range"), seen.headers.get("If-Range")) for seen in recorder.seen]


# Whole


def test_a_file_comes_with_the_users_credential_and_nothing_else_is_left(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    assert get() == download.Got(len(DATA), "written")
    assert Path(NAME).read_bytes() == DATA
    assert here() == {NAME}
    assert [seen.authorization for seen in recorder.seen] == [ADA.header]


def test_an_empty_file_is_a_file(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, b"")
    assert get(f"#sha256={hashlib.sha256(b'').hexdigest()}").size == 0
    assert here() == {NAME}


def test_a_file_of_which_no_length_is_said_ends_with_the_connection(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, [DATA[:10], DATA[10:]])
    assert get().size == len(DATA)
    assert get.progress[-1] == (len(DATA), None)


def test_the_progress_is_told_from_the_start_to_the_end(get: Downloads, served: Served) -> None:
    get()
    assert (get.progress[0], get.progress[-1]) == ((0, len(DATA)), (len(DATA), len(DATA)))


def test_a_file_that_is_there_is_replaced_and_keeps_its_mode(get: Downloads, served: Served) -> None:
    Path(NAME).write_bytes(b"old")
    Path(NAME).chmod(0o640)
    assert get().how == "replaced"
    assert Path(NAME).read_bytes() == DATA
    assert os.name != "posix" or stat.S_IMODE(Path(NAME).stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_new_file_has_the_mode_that_the_umask_leaves(get: Downloads, served: Served) -> None:
    before = os.umask(0o027)
    try:
        get()
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(NAME).stat().st_mode) == 0o640


def test_a_symbolic_link_is_followed_and_stays(get: Downloads, served: Served, tmp_path: Path) -> None:
    Path(NAME).symlink_to(tmp_path / "elsewhere")
    get()
    assert Path(NAME).is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_more_than_was_said_is_not_taken(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, [DATA, DATA], {"Content-Length": str(len(DATA))})
    assert get().size == len(DATA)


# Hashes


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "blake2b"])
def test_a_right_hash_lets_the_file_take_its_name(algorithm: str, get: Downloads, served: Served) -> None:
    get(f"#{algorithm}={hashlib.new(algorithm, DATA).hexdigest()}")
    assert here() == {NAME}


def test_a_wrong_hash_leaves_neither_the_file_nor_a_part(get: Downloads, served: Served) -> None:
    error = get.fails(f"#sha256={'0' * 64}")
    assert str(error) == f"cannot get {get.url}: its sha256 is not the one in the URL, so it was thrown away"
    assert here() == set()


def test_a_wrong_hash_leaves_the_file_that_was_there(get: Downloads, served: Served) -> None:
    Path(NAME).write_bytes(b"old")
    get.fails(f"#sha256={'0' * 64}")
    assert here() == {NAME}


def test_a_file_that_is_there_with_the_right_hash_is_not_asked_for(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    Path(NAME).write_bytes(DATA)
    assert get(f"#sha256={SHA256}") == download.Got(len(DATA), "already there")
    assert recorder.seen == []


def test_no_encoding_is_asked_for(get: Downloads, served: Served, recorder: Recorder) -> None:
    get()
    assert recorder.seen[0].headers["Accept-Encoding"] == "identity"


def test_an_encoding_that_nobody_asked_for_is_left_in_the_bytes_and_told(get: Downloads, recorder: Recorder) -> None:
    packed = gzip.compress(DATA, mtime=0)
    recorder.default = Answer(200, packed, {"Content-Encoding": "gzip"})
    assert get(f"#sha256={hashlib.sha256(packed).hexdigest()}").encoding == "gzip"
    assert Path(NAME).read_bytes() == packed


# Breaks within one run


def test_a_break_is_gone_on_after_with_the_rest_of_the_same_version(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF, 1000]
    get(f"#sha256={SHA256}")
    assert asked(recorder) == [(None, None), (f"bytes={HALF}-", '"v1"'), (f"bytes={HALF + 1000}-", '"v1"')]
    assert Path(NAME).read_bytes() == DATA
    assert get.waits == [1, 2]
    assert get.said == [
        f"the connection broke after {HALF:,} of {len(DATA):,} bytes; trying again in 1 s",
        f"going on after {HALF:,} bytes",
        f"the connection broke after {HALF + 1000:,} of {len(DATA):,} bytes; trying again in 2 s",
        f"going on after {HALF + 1000:,} bytes",
    ]


def test_the_tries_are_bounded_and_the_part_is_kept(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [10] * 6
    error = get.fails()
    assert error.reason == f"the connection broke after 60 of {len(DATA):,} bytes"
    assert error.next_step == "run it again"
    assert get.waits == list(download.WAITS)
    assert here() == {f"{NAME}.part", f"{NAME}.part.json"}


def test_a_chunked_body_that_breaks_is_no_whole_file(get: Downloads, recorder: Recorder) -> None:
    chunks = [b"5\r\nhello\r\n"]
    recorder.default = Answer(200, chunks, {"Transfer-Encoding": "chunked", "ETag": '"v1"'})
    assert get.fails().reason == "the connection broke after 5 bytes"


def test_a_server_that_is_down_for_a_moment_is_asked_again(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(502), served)
    get()
    assert Path(NAME).read_bytes() == DATA


def test_a_connection_that_is_refused_in_the_middle_is_tried_again(
    get: Downloads, served: Served, recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    served.ends = [HALF]
    gone = make_recorder()
    gone.stop()
    anywhere(recorder)

    class Waits(list):
        def append(self, wait: float) -> None:
            super().append(wait)
            anywhere(gone if len(self) == 1 else recorder)

    get.waits = Waits()
    get(url=f"http://files.example/{NAME}")
    assert Path(NAME).read_bytes() == DATA
    assert get.waits == [1, 2]


def test_silence_in_the_middle_is_a_break(
    get: Downloads, served: Served, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    monkeypatch.setattr(trouble, "TIMEOUT", (10, 0.2))
    done = Event()

    def silent() -> Iterator[bytes]:
        yield DATA[:HALF]
        done.wait(20)

    recorder.on(f"/{NAME}", Answer(200, silent(), {"Content-Length": str(len(DATA)), "ETag": '"v1"'}), served)
    get()
    done.set()
    assert asked(recorder)[1] == (f"bytes={HALF}-", '"v1"')
    assert Path(NAME).read_bytes() == DATA


def test_where_nothing_tells_the_versions_apart_a_break_starts_over(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    del served.headers["ETag"]
    served.ends = [HALF]
    get()
    assert asked(recorder) == [(None, None)] * 2
    assert Path(NAME).read_bytes() == DATA


def test_a_hash_tells_the_versions_apart_as_well(get: Downloads, served: Served, recorder: Recorder) -> None:
    del served.headers["ETag"]
    served.ends = [HALF]
    get(f"#sha256={SHA256}")
    assert asked(recorder)[1] == (f"bytes={HALF}-", None)


def test_a_date_tells_the_versions_apart_where_there_is_no_tag(get: Downloads, recorder: Recorder) -> None:
    headers = {"Content-Length": str(len(DATA)), "Last-Modified": NOON}
    recorder.on(
        f"/{NAME}",
        Answer(200, [DATA[:HALF]], headers),
        Answer(206, DATA[HALF:], {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/{len(DATA)}"}),
    )
    get()
    assert asked(recorder)[1] == (f"bytes={HALF}-", NOON)
    assert Path(NAME).read_bytes() == DATA


def test_the_credential_is_renewed_in_the_middle(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    bob = authshim.BasicHTTP("bob", "s3cret")

    class Renews(Vault):
        def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
            return (bob if len(recorder.seen) > 1 else ADA) if key == "127.0.0.1" else None

    get.chain = authshim.Chain([Renews()])
    recorder.on(f"/{NAME}", served, CHALLENGE, served)
    get()
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, ADA.header, bob.header]
    assert Path(NAME).read_bytes() == DATA


# What is sent in place of the rest


def test_a_file_that_has_changed_is_taken_from_its_start(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Served(DATA[::-1], tag='"v2"'))
    get()
    assert Path(NAME).read_bytes() == DATA[::-1]
    assert "starting over: the file has changed, or its rest cannot be asked for" in get.said


def test_a_server_that_knows_no_ranges_sends_it_all_again(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(200, DATA))
    get()
    assert Path(NAME).read_bytes() == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"},
        {"Content-Range": f"bytes {HALF + 1}-{len(DATA) - 1}/{len(DATA)}"},
        {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/{len(DATA) + 1}"},
        {"Content-Range": "bytes five-ten/all"},
        {"Content-Type": "multipart/byteranges; boundary=x"},
        {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/{len(DATA)}", "ETag": '"v2"'},
    ],
    ids=["none", "whole", "later", "another size", "no numbers", "multipart", "another version, If-Range ignored"],
)
def test_another_part_than_the_rest_is_not_taken_for_it(
    headers: dict[str, str], get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(206, b"x" * HALF, headers), served)
    get()
    assert Path(NAME).read_bytes() == DATA
    assert asked(recorder)[2] == (None, None)


def test_a_rest_that_is_sent_in_two_pieces_is_asked_for_in_two(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    piece = {"Content-Range": f"bytes {HALF}-{HALF + 9}/{len(DATA)}", "ETag": '"v1"'}
    recorder.on(f"/{NAME}", served, Answer(206, DATA[HALF : HALF + 10], piece), served)
    get()
    assert asked(recorder)[2] == (f"bytes={HALF + 10}-", '"v1"')
    assert Path(NAME).read_bytes() == DATA


def test_a_rest_of_unknown_length_is_taken(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    rest = {"Content-Range": f"bytes {HALF}-{len(DATA) - 1}/*", "ETag": '"v1"'}
    recorder.on(f"/{NAME}", served, Answer(206, DATA[HALF:], rest))
    get()
    assert Path(NAME).read_bytes() == DATA


def test_what_comes_after_the_rest_is_not_taken(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [len(DATA) - 10]
    rest = {"Content-Range": f"bytes {len(DATA) - 10}-{len(DATA) - 1}/{len(DATA)}", "ETag": '"v1"'}
    more = iter([b"x" * 65536] * 1024)
    recorder.on(f"/{NAME}", served, Answer(206, chain([DATA[-10:] + b"x"], more), rest))
    get()
    assert Path(NAME).read_bytes() == DATA
    assert next(more, None) is not None


def test_a_part_that_nobody_asked_for_is_no_file(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(206, DATA[:10], {"Content-Range": f"bytes 0-9/{len(DATA)}"})
    assert get.fails().reason == "the server answered HTTP 206"
    assert here() == set()


def test_a_refused_range_starts_over(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(416, b"", {"Content-Range": "bytes */5"}), served)
    get()
    assert asked(recorder)[2] == (None, None)
    assert Path(NAME).read_bytes() == DATA


# Between two runs


@pytest.fixture
def half(get: Downloads, served: Served, recorder: Recorder) -> Callable[..., None]:
    """Leave a part behind, as a run that was given up does."""

    def leave(rest: str = "", url: str | None = None) -> None:
        served.ends = [HALF] + [0] * 5
        get.fails(rest, **({"url": url} if url else {}))
        assert Path(f"{NAME}.part").stat().st_size == HALF
        recorder.clear()
        get.waits.clear()
        get.said.clear()

    return leave


def test_the_next_run_goes_on(half: Callable[..., None], get: Downloads, recorder: Recorder) -> None:
    half()
    get()
    assert asked(recorder) == [(f"bytes={HALF}-", '"v1"')]
    assert Path(NAME).read_bytes() == DATA
    assert here() == {NAME}
    assert get.progress[-1] == (len(DATA), len(DATA))


def test_the_next_run_checks_what_the_earlier_one_left(half: Callable[..., None], get: Downloads) -> None:
    half(f"#sha256={SHA256}")
    with Path(f"{NAME}.part").open("r+b") as file:
        file.write(b"other")
    assert get.fails(f"#sha256={SHA256}").reason.startswith("its sha256 is not the one in the URL")
    assert here() == set()
    assert get(f"#sha256={SHA256}").how == "written"


def test_a_part_that_was_whole_already_only_takes_its_name(
    half: Callable[..., None], get: Downloads, recorder: Recorder
) -> None:
    half()
    with Path(f"{NAME}.part").open("ab") as file:
        file.write(DATA[HALF:])
    get()
    assert asked(recorder) == [(f"bytes={len(DATA)}-", '"v1"')]
    assert Path(NAME).read_bytes() == DATA


def test_a_part_that_was_whole_takes_its_name_also_where_a_416_says_no_size(
    half: Callable[..., None], get: Downloads, recorder: Recorder
) -> None:
    half()
    with Path(f"{NAME}.part").open("ab") as file:
        file.write(DATA[HALF:])
    recorder.on(f"/{NAME}", Answer(416, b""))
    get()
    assert Path(NAME).read_bytes() == DATA


def test_the_part_of_another_url_is_not_gone_on_with(
    half: Callable[..., None], get: Downloads, recorder: Recorder
) -> None:
    half()
    other = Served(DATA[::-1])
    recorder.on("/other.whl", other)
    get(url=get.url.replace(NAME, "other.whl"))
    assert asked(recorder) == [(None, None)]
    assert Path(NAME).read_bytes() == DATA[::-1]


def test_the_part_of_another_url_stays_until_the_file_is_there(
    half: Callable[..., None], get: Downloads, recorder: Recorder
) -> None:
    half()
    recorder.on("/gone.whl", Answer(404))
    get.fails(url=get.url.replace(NAME, "gone.whl"))
    get()
    assert asked(recorder)[-1] == (f"bytes={HALF}-", '"v1"')


def test_a_page_to_sign_in_does_not_cost_the_part(
    half: Callable[..., None], get: Downloads, served: Served, recorder: Recorder
) -> None:
    half()
    recorder.on(f"/{NAME}", Answer(200, b"<form>", {"Content-Type": "text/html"}), served)
    get.fails()
    get()
    assert asked(recorder)[-1] == (f"bytes={HALF}-", '"v1"')


def test_a_query_may_name_the_file_so_the_next_run_starts_over(
    half: Callable[..., None], get: Downloads, recorder: Recorder
) -> None:
    half(url=f"{get.url}?id=1")
    get(url=f"{get.url}?id=2")
    assert asked(recorder) == [(None, None)]


def test_another_signature_is_the_same_file(half: Callable[..., None], get: Downloads, recorder: Recorder) -> None:
    half(url=f"{get.url}?sv=1&sig=s3cret1")
    get(url=f"{get.url}?sv=1&sig=s3cret2")
    assert asked(recorder) == [(f"bytes={HALF}-", '"v1"')]
    assert [seen.authorization for seen in recorder.seen] == [None]


@pytest.mark.parametrize("side", ["", "{", "[]", "{}", '{"url": 3}', '{"url": "u", "validator": "a\\nb"}', "[" * 9999])
def test_a_part_of_which_it_is_not_known_what_it_is_is_left_alone(
    side: str, half: Callable[..., None], get: Downloads
) -> None:
    half()
    Path(f"{NAME}.part.json").write_text(side)
    assert get.fails().reason.endswith("is not the beginning of a download of this user's: remove it")
    assert Path(f"{NAME}.part").stat().st_size == HALF


def test_what_is_kept_beside_the_part_tells_no_secret(half: Callable[..., None], get: Downloads) -> None:
    half(url=get.url.replace("://", "://ada:s3cret@") + "?key=s3cret")
    kept = json.loads(Path(f"{NAME}.part.json").read_text())
    assert kept == {
        "url": get.url.replace("://", "://****@") + "?****",
        "digests": "",
        "validator": '"v1"',
        "size": len(DATA),
    }


def test_a_run_that_is_interrupted_leaves_the_part(get: Downloads, served: Served, recorder: Recorder) -> None:
    class Stop(list):
        def append(self, progress: tuple[int, int | None]) -> None:
            if progress[0]:
                raise KeyboardInterrupt

    get.progress = Stop()
    with pytest.raises(KeyboardInterrupt):
        get()
    had = Path(f"{NAME}.part").stat().st_size
    assert 0 < had < len(DATA)
    get.progress = []
    get()
    assert asked(recorder)[-1] == (f"bytes={had}-", '"v1"')


# What is no file


def test_a_missing_credential_is_told_with_the_command_that_gives_one(get: Downloads, recorder: Recorder) -> None:
    get.chain = authshim.Chain([])
    recorder.default = CHALLENGE
    error = get.fails()
    assert error.reason == "the server asks for a credential, and no provider has one (HTTP 401)"
    assert error.next_step.startswith("authshim auth login 127.0.0.1 --username USER")
    assert here() == set()


def test_a_credential_that_is_refused_is_told(get: Downloads, recorder: Recorder, no_secret: Callable) -> None:
    recorder.default = CHALLENGE
    error = get.fails()
    assert error.reason == "the server does not take BasicHTTP(username='ada', password=****) from vault (HTTP 401)"
    no_secret(error)


def test_a_user_who_may_not_read_is_told(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(403)
    error = get.fails()
    assert error.reason == "the server forbids it to BasicHTTP(username='ada', password=****) from vault (HTTP 403)"
    assert error.next_step == "ask its owner to let this user read it"


def test_a_password_in_the_url_that_is_refused_is_told(get: Downloads, recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    error = get.fails(url=get.url.replace("://", "://ada:s3cret@"))
    assert error.reason == "the server does not take the user:password@ of the URL (HTTP 401)"
    assert error.url == get.url.replace("://", "://****@")


@pytest.mark.parametrize(
    ("status", "reason", "next_step"),
    [
        (404, "the server has no such file (HTTP 404)", "correct the URL"),
        (410, "the server has no such file (HTTP 410)", "correct the URL"),
        (500, "the server answered HTTP 500", "try again later"),
        (429, "the server answered HTTP 429", "try again later"),
        (407, "the proxy asks for a credential (HTTP 407)", "write user:password@ into HTTPS_PROXY or HTTP_PROXY"),
        (204, "the server answered HTTP 204", "correct the URL"),
        (304, "the server answered HTTP 304", "correct the URL"),
        (400, "the server answered HTTP 400", "correct the URL"),
    ],
)
def test_any_other_answer_is_named(
    status: int, reason: str, next_step: str, get: Downloads, recorder: Recorder
) -> None:
    recorder.default = Answer(status, b"")
    error = get.fails()
    assert (error.reason, error.next_step) == (reason, next_step)
    assert (len(recorder.seen), get.waits) == (1, [])


def test_a_404_without_a_credential_may_be_a_refusal(get: Downloads, recorder: Recorder) -> None:
    get.chain = authshim.Chain([])
    recorder.default = Answer(404)
    assert get.fails().next_step.startswith("correct the URL, or log in: authshim auth login 127.0.0.1")


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_to_wait_is_waited_for_once(
    status: int, get: Downloads, served: Served, recorder: Recorder
) -> None:
    recorder.on(f"/{NAME}", Answer(status, b"", {"Retry-After": "7"}), served)
    get()
    assert get.waits == [7]
    assert get.said == [f"the server answered HTTP {status}; trying again in 7 s"]


def test_a_server_that_asks_to_wait_again_and_again_is_given_up(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(503, b"", {"Retry-After": "7"})
    assert get.fails().reason == "the server answered HTTP 503"
    assert get.waits == [7]


def test_a_wait_that_is_too_long_is_left_to_the_user(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(429, b"", {"Retry-After": "3600"})
    assert get.fails().next_step == "run it again in 3600 s, as the server asks"
    assert get.waits == []


@pytest.mark.parametrize("page", [Answer(203, b"x"), Answer(200, b"<form>", {"Content-Type": "Text/HTML; charset=x"})])
def test_a_page_to_sign_in_is_no_file(page: Answer, get: Downloads, recorder: Recorder) -> None:
    recorder.default = page
    error = get.fails()
    assert error.reason == "127.0.0.1 sent a page for people, perhaps to sign in"
    assert error.next_step.startswith("authshim auth login 127.0.0.1")
    assert here() == set()


@pytest.mark.parametrize(("path", "target"), [("/x.html", NAME), ("/simple/", NAME), ("/latest", "page.HTML")])
def test_a_page_that_was_asked_for_is_a_file(path: str, target: str, get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, b"<p>", {"Content-Type": "text/html"})
    get(url=recorder.url + path, target=target)
    assert Path(target).read_bytes() == b"<p>"


# Redirects


def test_a_presigned_url_that_the_index_names_gets_no_credential_and_is_shown_nowhere(
    get: Downloads, recorder: Recorder
) -> None:
    blob = "/blob?sv=1&sig=s3cret"
    recorder.on(f"/{NAME}", redirect(blob, 303))
    recorder.on("/blob", Served(DATA), Answer(403))
    get()
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, None]
    Path(NAME).unlink()
    error = get.fails()
    assert error.reason == "the server does not take the signature in the URL (HTTP 403)"
    assert error.next_step == "run it again: the index signs it anew"
    assert_no_secret(error)


def test_a_presigned_url_that_has_expired_is_told(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(403)
    error = get.fails(url=f"{get.url}?sv=1&sig=s3cret")
    assert error.next_step == "get a new URL from where this one came from"
    assert "s3cret" not in str(error)


def test_a_file_that_is_not_at_a_presigned_url_is_not_there(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(404)
    assert get.fails(url=f"{get.url}?sv=1&sig=x").reason == "the server has no such file (HTTP 404)"


def test_a_redirect_to_what_is_not_http_is_told(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect("ftp://h.example/x"))
    assert get.fails().reason == "it redirects to what is not http(s)"


@pytest.mark.parametrize("location", ["http://[", "http://h.example:99999/"])
def test_a_redirect_to_what_is_no_url_is_told(location: str, get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect(location))
    assert get.fails().reason == "a redirect or the proxy names a host that cannot be dialled"


def test_a_break_goes_on_through_the_same_redirect(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    recorder.on("/moved", redirect(f"/{NAME}"))
    get(url=f"{recorder.url}/moved")
    assert [seen.headers.get("Range") for seen in recorder.seen] == [None, None] + [f"bytes={HALF}-"] * 2
    assert Path(NAME).read_bytes() == DATA


def test_the_host_that_refuses_after_a_redirect_is_named(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect(f"http://localhost:{recorder.port}/x"))
    recorder.on("/x", CHALLENGE)
    assert get.fails().reason == "localhost asks for a credential, and no provider has one (HTTP 401)"


def test_a_redirect_loop_is_told(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect(f"/{NAME}"))
    assert get.fails().reason == "it redirects without end"


def test_a_redirect_whose_page_has_no_end_is_followed(get: Downloads, served: Served, recorder: Recorder) -> None:
    page = iter([b"x" * 65536] * 1024)
    recorder.on("/moved", Answer(302, page, {"Location": f"/{NAME}"}))
    get(url=f"{recorder.url}/moved")
    assert next(page, None) is not None


# Connections


def test_a_connection_that_was_never_there_is_not_tried_again(get: Downloads) -> None:
    error = get.fails(url=f"http://127.0.0.1:1/{NAME}")
    assert error.reason == "the connection was refused or broke"
    assert get.waits == []
    assert here() == set()


def test_a_certificate_that_does_not_verify_is_told(get: Downloads, tls_recorder: Recorder) -> None:
    error = get.fails(url=f"{tls_recorder.url}/{NAME}")
    assert error.reason == "its TLS certificate does not verify"
    assert "REQUESTS_CA_BUNDLE" in error.next_step


def test_a_certificate_that_does_not_verify_in_the_middle_is_not_tried_again(
    get: Downloads,
    served: Served,
    tls_recorder: Recorder,
    make_recorder: Callable[..., Recorder],
    authority: Authority,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    served.ends = [HALF]
    anywhere(tls_recorder).on(f"/{NAME}", served)

    class Waits(list):
        def append(self, wait: float) -> None:
            super().append(wait)
            anywhere(make_recorder(ca=trustme.CA()))

    get.waits = Waits()
    assert get.fails(url=f"https://files.example/{NAME}").reason == "its TLS certificate does not verify"
    assert get.waits == [1]


# The disk


def test_a_target_that_is_a_folder_is_told(get: Downloads, recorder: Recorder) -> None:
    Path("folder").mkdir()
    error = get.fails(target="folder")
    assert (error.reason, error.next_step) == ("folder is a folder", "name another file by -o")
    assert recorder.seen == []


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_a_device_is_not_replaced(get: Downloads, recorder: Recorder) -> None:
    os.mkfifo("pipe")
    assert get.fails(target="pipe").reason == "pipe is not a regular file"
    assert recorder.seen == []


def test_a_folder_that_is_not_there_is_told(get: Downloads, recorder: Recorder) -> None:
    assert get.fails(target="no/such/x.whl").reason == "there is no folder no/such"
    assert recorder.seen == []


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a folder that somebody is in")
def test_a_current_folder_that_was_removed_is_told(
    get: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert get.fails().reason == "the current folder is not there"


def test_a_name_that_is_too_long_is_told(get: Downloads) -> None:
    assert get.fails(target="x" * 300).reason.endswith("cannot be written: file name too long")


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_asked(
    get: Downloads, recorder: Recorder, open_folder: Path, nobody: None
) -> None:
    with pytest.raises(DownloadError, match="permission denied") as failed:
        get(target=str(open_folder / NAME))
    assert failed.value.next_step == "name another file by -o"
    assert recorder.seen == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_told(get: Downloads, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "write", lambda _, data, write=os.write: write(full, data))
    error = get.fails()
    os.close(full)
    assert error.reason == f"{NAME}.part cannot be written: no space left on device"
    assert error.next_step == "free some space, and run it again"


def test_what_is_written_in_pieces_is_whole(get: Downloads, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda file, data, write=os.write: write(file, data[:1000]))
    get()
    assert Path(NAME).read_bytes() == DATA


def test_a_file_is_on_the_disk_before_it_takes_its_name(
    get: Downloads, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else a power cut leaves a part of it under the name."""
    done: list[str] = []

    def sync(descriptor: int, sync: Callable[[int], None] = os.fsync) -> None:
        done.append("sync" if os.fstat(descriptor).st_size == len(DATA) else "another")
        sync(descriptor)

    def rename(old: str, new: str, rename: Callable[[str, str], None] = os.replace) -> None:
        done.append(f"rename to {new}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    get()
    assert done.index("sync") < done.index(f"rename to {NAME}")


def test_a_file_that_another_process_is_getting_is_left_to_it(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    with files.locked(f"{NAME}.part", 0, stays=False):
        error = get.fails()
    assert (error.reason, recorder.seen) == (f"another process is getting {NAME}", [])
    get()


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("kind", ["file", "hard link", "symbolic link", "pipe"])
def test_what_somebody_else_put_where_the_part_would_be_is_not_written(
    kind: str, get: Downloads, served: Served, recorder: Recorder
) -> None:
    part, victim = Path(f"{NAME}.part"), Path("victim")
    victim.touch()
    make = {
        "file": partial(part.write_bytes, b"dear"),
        "hard link": partial(os.link, victim, part),
        "symbolic link": partial(part.symlink_to, victim),
        "pipe": partial(os.mkfifo, part),
    }
    make[kind]()
    error = get.fails()
    assert error.next_step == "name another file by -o"
    assert (victim.read_bytes(), recorder.seen) == (b"", [])
    assert kind != "file" or part.read_bytes() == b"dear"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_an_empty_part_of_another_user_is_not_written(get: Downloads, served: Served, recorder: Recorder) -> None:
    Path(f"{NAME}.part").touch()
    os.chown(f"{NAME}.part", 65534, 65534)
    assert get.fails().reason.endswith("remove it")
    assert recorder.seen == []
