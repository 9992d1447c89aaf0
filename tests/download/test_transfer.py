"""Tests of complete, verified and resumed downloads, with faults of the server and of the disk."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
import trustme
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder, Served, redirect

import authshim
from authshim.download import link, transfer
from authshim.download.partial_file import PartialFile
from authshim.errors import DownloadError
from authshim.transport import failures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Authority, Names

ADA = authshim.BasicHTTP("ada", "s3cret")
DATA = bytes(range(256)) * 1024
HALF = len(DATA) // 2
SHA256 = hashlib.sha256(DATA).hexdigest()
NAME = "demo.whl"
REST = f"bytes {HALF}-{len(DATA) - 1}/{len(DATA)}"
NOON = "Mon, 06 Jan 2025 12:00:00 GMT"


class Vault(authshim.Provider):
    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return ADA if key == "127.0.0.1" else None


class Downloads:
    """A download of ``NAME`` from one server into the current folder, which records callbacks."""

    def __init__(self, recorder: Recorder) -> None:
        self.url = f"{recorder.url}/{NAME}"
        self.chain = authshim.Chain([Vault()])
        self.waits: list[float] = []
        self.progress: list[tuple[int, int | None]] = []

    def __call__(self, rest: str = "", *, url: str | None = None, target: str = NAME) -> int:
        return transfer.get(
            self.chain,
            link.read((url or self.url) + rest),
            target,
            progress=lambda length, size: self.progress.append((length, size)),
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
    """Return the file at the URL that ``get`` requests."""
    file = Served(DATA)
    recorder.on(f"/{NAME}", file)
    return file


def here() -> set[str]:
    return {path.name for path in Path.cwd().iterdir()}


def ranges_of(recorder: Recorder) -> list[tuple[str | None, str | None]]:
    return [(seen.headers.get("Range"), seen.headers.get("If-Range")) for seen in recorder.seen]


# Complete files


def test_get_sends_the_credential_and_leaves_only_the_file(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    assert get() == len(DATA)
    assert Path(NAME).read_bytes() == DATA
    assert here() == {NAME}
    assert [seen.authorization for seen in recorder.seen] == [ADA.header]


def test_get_writes_an_empty_file(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, b"")
    assert get(f"#sha256={hashlib.sha256(b'').hexdigest()}") == 0
    assert here() == {NAME}


def test_get_reads_to_the_end_if_the_length_is_unknown(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, [DATA[:10], DATA[10:]])
    assert get() == len(DATA)
    assert get.progress[-1] == (len(DATA), None)


def test_progress_runs_to_the_size(get: Downloads, served: Served) -> None:
    get()
    assert get.progress[-1] == (len(DATA), len(DATA))
    assert get.progress == sorted(get.progress)


def test_get_replaces_a_file_and_keeps_its_mode(get: Downloads, served: Served) -> None:
    Path(NAME).write_bytes(b"old")
    Path(NAME).chmod(0o640)
    get()
    assert Path(NAME).read_bytes() == DATA
    assert os.name != "posix" or stat.S_IMODE(Path(NAME).stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_new_file_gets_the_mode_of_the_umask(get: Downloads, served: Served) -> None:
    before = os.umask(0o027)
    try:
        get()
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(NAME).stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_private_file_stays_private_during_the_download(get: Downloads, served: Served) -> None:
    Path(NAME).touch(0o600)
    modes: set[int] = set()

    class Look(list):
        def append(self, _: tuple[int, int | None]) -> None:
            modes.update(stat.S_IMODE(path.stat().st_mode) for path in Path.cwd().iterdir())

    get.progress = Look()
    get()
    assert modes == {0o600}


def test_get_replaces_a_symbolic_link(get: Downloads, served: Served, tmp_path: Path) -> None:
    """Another user may have planted it in a shared folder."""
    (tmp_path / "precious").write_bytes(b"dear")
    Path(NAME).symlink_to(tmp_path / "precious")
    get()
    assert (tmp_path / "precious").read_bytes() == b"dear"
    assert not Path(NAME).is_symlink()
    assert Path(NAME).read_bytes() == DATA


def test_get_ignores_bytes_after_the_content_length(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(200, [DATA, DATA], {"Content-Length": str(len(DATA))})
    assert get() == len(DATA)


# Hashes


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "blake2b"])
def test_get_writes_the_file_if_the_hash_matches(
    algorithm: str, get: Downloads, served: Served
) -> None:
    get(f"#{algorithm}={hashlib.new(algorithm, DATA).hexdigest()}")
    assert here() == {NAME}


def test_get_deletes_the_download_if_the_hash_differs(get: Downloads, served: Served) -> None:
    error = get.fails(f"#sha256={'0' * 64}")
    assert str(error) == f"cannot get {get.url}: its sha256 does not match the URL"
    assert here() == set()


def test_get_keeps_the_old_file_if_the_hash_differs(get: Downloads, served: Served) -> None:
    Path(NAME).write_bytes(b"old")
    get.fails(f"#sha256={'0' * 64}")
    assert here() == {NAME}


def test_get_requests_the_identity_encoding(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    get()
    assert recorder.seen[0].headers["Accept-Encoding"] == "identity"


# Broken connections in one run


def test_get_resumes_the_same_version_after_each_break(
    get: Downloads, served: Served, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "authshim")
    served.ends = [HALF, 1000]
    get(f"#sha256={SHA256}")
    assert ranges_of(recorder) == [
        (None, None),
        (f"bytes={HALF}-", '"v1"'),
        (f"bytes={HALF + 1000}-", '"v1"'),
    ]
    assert Path(NAME).read_bytes() == DATA
    assert get.waits == [0, 2]
    assert caplog.messages == [
        "the answer broke off; retrying in 0 s",
        f"resuming after {HALF:,} bytes",
        "the answer broke off; retrying in 2 s",
        f"resuming after {HALF + 1000:,} bytes",
    ]


def test_get_stops_after_five_retries(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [10] * 6
    error = get.fails()
    assert error.reason == "unreachable (the answer broke off)"
    assert error.next_step == "try again later"
    assert get.waits == [0, 2, 4, 8, 16]
    assert here() == set()


def test_get_fails_if_a_chunked_body_breaks(get: Downloads, recorder: Recorder) -> None:
    chunks = [b"5\r\nhello\r\n"]
    recorder.default = Answer(200, chunks, {"Transfer-Encoding": "chunked", "ETag": '"v1"'})
    assert get.fails().reason == "unreachable (the answer broke off)"


def test_get_retries_a_502_after_a_break(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(502), served)
    get()
    assert Path(NAME).read_bytes() == DATA


def test_get_retries_a_refused_connection_after_a_break(
    get: Downloads,
    served: Served,
    recorder: Recorder,
    make_recorder: Callable[..., Recorder],
    anywhere: Names,
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
    assert get.waits == [0, 2]


def test_get_resumes_after_a_timeout(
    get: Downloads, served: Served, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    monkeypatch.setattr(failures, "TIMEOUT", (60, 0.2))
    done = Event()

    class Waits(list):
        def append(self, wait: float) -> None:
            super().append(wait)
            monkeypatch.setattr(failures, "TIMEOUT", (60, 60))

    get.waits = Waits()

    def silent() -> Iterator[bytes]:
        yield DATA[:HALF]
        done.wait(60)

    recorder.on(
        f"/{NAME}",
        Answer(200, silent(), {"Content-Length": str(len(DATA)), "ETag": '"v1"'}),
        served,
    )
    get()
    done.set()
    assert ranges_of(recorder)[1] == (f"bytes={HALF}-", '"v1"')
    assert Path(NAME).read_bytes() == DATA


def test_get_starts_over_without_a_validator_or_hash(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    del served.headers["ETag"]
    served.ends = [HALF]
    get()
    assert ranges_of(recorder) == [(None, None)] * 2
    assert Path(NAME).read_bytes() == DATA


def test_get_resumes_without_a_validator_if_there_is_a_hash(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    del served.headers["ETag"]
    served.ends = [HALF]
    get(f"#sha256={SHA256}")
    assert ranges_of(recorder)[1] == (f"bytes={HALF}-", None)


def test_get_resumes_with_a_renewed_credential(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
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


# Responses that are not the rest


def test_get_starts_over_if_the_file_has_changed(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Served(DATA[::-1], tag='"v2"'))
    get()
    assert Path(NAME).read_bytes() == DATA[::-1]


def test_get_starts_over_if_the_server_ignores_range(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(200, DATA))
    get()
    assert Path(NAME).read_bytes() == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"v1"'},
        {"ETag": '"v1"', "Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"},
        {"ETag": '"v1"', "Content-Range": f"bytes {HALF + 1}-{len(DATA) - 1}/{len(DATA)}"},
        {"ETag": '"v1"', "Content-Range": f"bytes {HALF}-{len(DATA) - 1}/*"},
        {"ETag": '"v1"', "Content-Range": "bytes five-ten/all"},
        {"ETag": '"v1"', "Content-Type": "multipart/byteranges; boundary=x"},
        {"ETag": '"v1"', "Content-Range": REST, "Content-Encoding": "gzip"},
        {"ETag": '"v2"', "Content-Range": REST},
        {"ETag": 'W/"v1"', "Content-Range": REST},
        {"ETag": "v1", "Content-Range": REST},
        {"Last-Modified": NOON, "Content-Range": REST},
        {"Content-Range": REST},
    ],
    ids=[
        "no range",
        "from zero",
        "later",
        "no size",
        "no numbers",
        "multipart",
        "encoded",
        "another ETag",
        "weak ETag",
        "unquoted ETag",
        "another kind of validator",
        "no validator",
    ],
)
def test_get_starts_over_if_the_206_does_not_fit(
    headers: dict[str, str], get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on(f"/{NAME}", served, Answer(206, b"x" * HALF, headers), served)
    get()
    assert Path(NAME).read_bytes() == DATA
    assert ranges_of(recorder)[2] == (None, None)


@pytest.mark.parametrize("headers", [{"ETag": '"v2"'}, {"Content-Encoding": "gzip"}], ids=str)
def test_get_starts_over_if_the_206_differs_despite_a_hash(
    headers: dict[str, str], get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    rest = Answer(206, b"x" * HALF, {"Content-Range": REST, **headers})
    recorder.on(f"/{NAME}", served, rest, served)
    get(f"#sha256={SHA256}")
    assert Path(NAME).read_bytes() == DATA


@pytest.mark.parametrize("tag", ['W/"v1"', "v1"])
def test_get_starts_over_if_the_validator_is_not_strong(
    tag: str, get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.headers["ETag"] = tag
    served.ends = [HALF]
    get()
    assert ranges_of(recorder) == [(None, None)] * 2
    assert Path(NAME).read_bytes() == DATA


@pytest.mark.parametrize("fragment", ["", f"#sha256={SHA256}"])
def test_get_never_resumes_an_encoded_body(
    fragment: str,
    get: Downloads,
    served: Served,
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    served.headers["Content-Encoding"] = "gzip"
    served.ends = [HALF]
    get(fragment)
    assert "the server encoded the body, which is written as it is" in caplog.messages
    assert ranges_of(recorder) == [(None, None)] * 2
    assert Path(NAME).read_bytes() == DATA


def test_get_fails_on_a_206_that_it_did_not_request(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(206, DATA[:10], {"Content-Range": f"bytes 0-9/{len(DATA)}"})
    reason = f"({ADA!r} from vault; HTTP 206; the server did not send the rest of the same file)"
    assert get.fails().reason == f"unreachable {reason}"
    assert here() == set()


@pytest.mark.parametrize("range_", [f"bytes */{HALF}", REST], ids=["another size", "the rest"])
def test_get_starts_over_after_a_416(
    range_: str, get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    refusal = Answer(416, b"x" * HALF, {"Content-Range": range_, "ETag": '"v1"'})
    recorder.on(f"/{NAME}", served, refusal, served)
    get()
    assert ranges_of(recorder)[2] == (None, None)
    assert Path(NAME).read_bytes() == DATA


@pytest.mark.parametrize("fragment", ["", f"#sha256={SHA256}"])
def test_get_continues_after_a_piece(
    fragment: str, get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    range_ = {"ETag": '"v1"', "Content-Range": f"bytes {HALF}-{HALF + 9}/{len(DATA)}"}
    recorder.on(f"/{NAME}", served, Answer(206, DATA[HALF:][:10], range_), served)
    get(fragment)
    assert ranges_of(recorder)[2] == (f"bytes={HALF + 10}-", '"v1"')
    assert Path(NAME).read_bytes() == DATA


def test_get_resumes_a_url_with_a_query(get: Downloads, served: Served, recorder: Recorder) -> None:
    served.ends = [HALF]
    get("?id=1")
    assert ranges_of(recorder)[1] == (f"bytes={HALF}-", '"v1"')


# The temporary file


class Stop(list):
    """A record of the progress that presses Ctrl-C."""

    def append(self, progress: tuple[int, int | None]) -> None:
        super().append(progress)
        raise KeyboardInterrupt


def test_interrupted_download_leaves_nothing(get: Downloads, served: Served) -> None:
    Path(NAME).write_bytes(b"old")
    get.progress = Stop()
    with pytest.raises(KeyboardInterrupt):
        get()
    assert get.progress
    assert here() == {NAME}
    assert Path(NAME).read_bytes() == b"old"


def test_two_downloads_of_one_file_do_not_meet(get: Downloads, served: Served) -> None:
    other = PartialFile(NAME)
    with other.opened():
        other.append(DATA[::-1])
        get()
        assert Path(NAME).read_bytes() == DATA
        other.finish()
    assert Path(NAME).read_bytes() == DATA[::-1]
    assert here() == {NAME}


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("kind", ["file", "hard link", "symbolic link"])
def test_get_writes_to_no_file_that_was_there(
    kind: str, get: Downloads, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.urandom", lambda size: b"0" * size)
    part, victim = Path(PartialFile(NAME).path), Path("victim")
    victim.touch()
    make = {
        "file": part.touch,
        "hard link": partial(os.link, victim, part),
        "symbolic link": partial(part.symlink_to, victim),
    }
    make[kind]()
    with pytest.raises(DownloadError, match="file exists"):
        get()
    assert victim.read_bytes() == b""


# Responses that are not the file


def test_missing_credential_error_names_the_login_command(
    get: Downloads, recorder: Recorder
) -> None:
    get.chain = authshim.Chain([])
    recorder.default = CHALLENGE
    error = get.fails()
    assert error.reason == "no credential (HTTP 401; no provider has one)"
    assert error.next_step.startswith("authshim auth login 127.0.0.1 --username USER")
    assert here() == set()


def test_rejected_credential_error_names_the_provider(
    get: Downloads, recorder: Recorder, no_secret: Callable
) -> None:
    recorder.default = CHALLENGE
    error = get.fails()
    assert error.reason == f"rejected ({ADA!r} from vault; HTTP 401)"
    no_secret(error)


def test_rejected_password_of_the_url_is_named_and_redacted(
    get: Downloads, recorder: Recorder
) -> None:
    recorder.default = CHALLENGE
    error = get.fails(url=get.url.replace("://", "://ada:s3cret@"))
    assert error.reason == f"rejected ({ADA!r} from URL; HTTP 401)"
    assert error.next_step == "correct the user:password@ in the URL"
    assert error.url == get.url.replace("://", "://****@")


@pytest.mark.parametrize(
    ("answer", "reason", "next_step"),
    [
        (
            Answer(403),
            f"forbidden ({ADA!r} from vault; HTTP 403; this user may not read it)",
            "ask its owner to let this user read it",
        ),
        (
            Answer(404),
            f"not found ({ADA!r} from vault; HTTP 404)",
            "correct the URL, or ask its owner to let this user read it",
        ),
        (Answer(500), "unreachable (ADA; the server answered HTTP 500)", "try again later"),
        (Answer(429), "unreachable (ADA; the server answered HTTP 429)", "try again later"),
        (
            Answer(407),
            "unreachable (ADA; HTTP 407; the proxy asks for a credential)",
            "write user:password@ into HTTPS_PROXY or HTTP_PROXY",
        ),
        (Answer(304, b""), "unreachable (ADA; the server answered HTTP 304)", "correct the URL"),
        (Answer(400), "unreachable (ADA; the server answered HTTP 400)", "correct the URL"),
        (
            Answer(203),
            "rejected (ADA; HTTP 203; it showed a page to sign in)",
            "authshim auth login 127.0.0.1 --username ada",
        ),
    ],
    ids=lambda answer: getattr(answer, "status", None),
)
def test_error_is_the_verdict_of_check(
    answer: Answer, reason: str, next_step: str, get: Downloads, recorder: Recorder
) -> None:
    recorder.default = answer
    error = get.fails()
    assert error.reason == reason.replace("ADA", f"{ADA!r} from vault")
    assert error.next_step.startswith(next_step)
    assert (get.waits, here()) == ([], set())


def test_page_to_sign_in_behind_a_redirect_is_an_error(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect("/login"))
    recorder.on("/login", Answer(200, b"<form>", {"Content-Type": "Text/HTML; charset=x"}))
    assert "it showed a page to sign in" in get.fails().reason
    assert here() == set()


@pytest.mark.parametrize("status", [429, 503])
def test_get_waits_for_retry_after(
    status: int, get: Downloads, served: Served, recorder: Recorder
) -> None:
    recorder.on(f"/{NAME}", Answer(status, b"", {"Retry-After": "7"}), served)
    get()
    assert get.waits == [7]


def test_get_obeys_retry_after_at_most_five_times(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(503, b"", {"Retry-After": "7"})
    assert "the server answered HTTP 503" in get.fails().reason
    assert get.waits == [7] * 5


@pytest.mark.parametrize("value", ["61", "0", "soon", "-5", " ", "9" * 4000, NOON])
def test_get_does_not_wait_for_another_retry_after(
    value: str, get: Downloads, recorder: Recorder
) -> None:
    recorder.default = Answer(503, b"", {"Retry-After": value})
    assert get.fails().next_step == "try again later"
    assert get.waits == []


def test_retry_after_may_be_a_date(get: Downloads, served: Served, recorder: Recorder) -> None:
    date = formatdate(time.time() + 50, usegmt=True)
    recorder.on(f"/{NAME}", Answer(503, b"", {"Retry-After": date}), served)
    get()
    assert 40 < get.waits[0] <= 50


# Redirects


def test_presigned_redirect_gets_no_credential_and_is_not_shown(
    get: Downloads, recorder: Recorder
) -> None:
    blob = "/blob?sv=1&sig=s3cret"
    recorder.on(f"/{NAME}", redirect(blob, 303))
    recorder.on("/blob", Served(DATA), Answer(403))
    get()
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, None]
    Path(NAME).unlink()
    error = get.fails()
    assert error.reason == (
        "unreachable (the server does not accept the signature in the URL (HTTP 403))"
    )
    assert error.next_step == "run it again: the index signs a new URL"
    assert_no_secret(error)


def test_expired_presigned_url_error_asks_for_a_new_url(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(403)
    error = get.fails(url=f"{get.url}?sv=1&sig=s3cret")
    assert error.next_step == "get a new URL from where this one came from"
    assert "s3cret" not in str(error)


def test_404_of_a_presigned_url_is_a_missing_file(get: Downloads, recorder: Recorder) -> None:
    recorder.default = Answer(404)
    assert get.fails(url=f"{get.url}?sv=1&sig=x").reason == "not found (HTTP 404)"


def test_redirect_to_another_scheme_is_an_error(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect("ftp://h.example/x"))
    assert get.fails().reason == "unreachable (it redirects to what is not http(s))"


@pytest.mark.parametrize("location", ["http://[", "http://h.example:99999/"])
def test_redirect_to_a_malformed_url_is_an_error(
    location: str, get: Downloads, recorder: Recorder
) -> None:
    recorder.on(f"/{NAME}", redirect(location))
    reason = "unreachable (a redirect or the proxy names a host that cannot be dialled)"
    assert get.fails().reason == reason


def test_redirect_to_an_escaped_host_fails_through_a_proxy(
    get: Downloads, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", recorder.url)
    recorder.default = Answer(404)
    recorder.on(f"/{NAME}", redirect("http://h.example%20/x"))
    assert get.fails().reason.startswith(("unreachable (a redirect", "not found"))


def test_get_resumes_through_the_same_redirect(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    served.ends = [HALF]
    recorder.on("/moved", redirect(f"/{NAME}"))
    get(url=f"{recorder.url}/moved")
    assert [seen.headers.get("Range") for seen in recorder.seen] == [None, None] + [
        f"bytes={HALF}-"
    ] * 2
    assert Path(NAME).read_bytes() == DATA


def test_a_redirect_to_plain_http_says_who_named_it(
    get: Downloads, recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    anywhere(recorder, host="127.0.0.1")
    anywhere(make_recorder(), host="files.example").default = CHALLENGE
    recorder.default = redirect("http://files.example/demo.whl")
    error = get.fails()
    assert error.reason == (
        "no credential (HTTP 401; files.example said so; not sent: 127.0.0.1 named it over http)"
    )
    step = "declare http://files.example in the project, or ask whoever named it to use https"
    assert error.next_step == step


def test_error_names_the_host_after_a_redirect(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect(f"http://localhost:{recorder.port}/x"))
    recorder.on("/x", CHALLENGE)
    reason = "no credential (HTTP 401; localhost said so; no provider has one)"
    assert get.fails().reason == reason


def test_redirect_loop_is_an_error(get: Downloads, recorder: Recorder) -> None:
    recorder.on(f"/{NAME}", redirect(f"/{NAME}"))
    assert get.fails().reason == "unreachable (it redirects without end)"


def test_get_follows_a_redirect_with_an_endless_body(
    get: Downloads, served: Served, recorder: Recorder
) -> None:
    page = iter([b"x" * 65536] * 1024)
    recorder.on("/moved", Answer(302, page, {"Location": f"/{NAME}"}))
    get(url=f"{recorder.url}/moved")
    assert next(page, None) is not None


# Connections


def test_get_does_not_retry_the_first_connection(get: Downloads) -> None:
    error = get.fails(url=f"http://127.0.0.1:1/{NAME}")
    assert error.reason == "unreachable (the connection was refused or broke)"
    assert get.waits == []
    assert here() == set()


def test_untrusted_certificate_is_an_error(get: Downloads, tls_recorder: Recorder) -> None:
    error = get.fails(url=f"{tls_recorder.url}/{NAME}")
    assert error.reason == "unreachable (its TLS certificate does not verify)"
    assert "REQUESTS_CA_BUNDLE" in error.next_step


def test_untrusted_certificate_after_a_break_is_an_error(
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
    reason = "unreachable (its TLS certificate does not verify)"
    assert get.fails(url=f"https://files.example/{NAME}").reason == reason


# The disk


def test_folder_as_target_is_an_error(get: Downloads, recorder: Recorder) -> None:
    Path("folder").mkdir()
    error = get.fails(target="folder")
    assert (error.reason, error.next_step) == (
        "folder is not a regular file",
        "name another file with -o, on another disk if this one is full",
    )
    assert recorder.seen == []


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_pipe_as_target_is_an_error(get: Downloads, recorder: Recorder) -> None:
    os.mkfifo("pipe")
    assert get.fails(target="pipe").reason == "pipe is not a regular file"
    assert recorder.seen == []


def test_missing_folder_is_an_error(get: Downloads, recorder: Recorder) -> None:
    assert get.fails(target="no/such/x.whl").reason.endswith("/no/such")
    assert recorder.seen == []


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a folder that somebody is in")
def test_removed_current_folder_is_an_error(
    get: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert get.fails().reason.endswith(": no such file or directory")


def test_too_long_name_is_an_error(get: Downloads) -> None:
    assert get.fails(target="x" * 300).reason.endswith("cannot be written: file name too long")


def test_get_sends_no_request_if_the_folder_is_read_only(
    get: Downloads, recorder: Recorder, open_folder: Path, nobody: None
) -> None:
    with pytest.raises(DownloadError, match="permission denied") as failed:
        get(target=str(open_folder / NAME))
    assert (
        failed.value.next_step == "name another file with -o, on another disk if this one is full"
    )
    assert recorder.seen == []


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_full_disk_is_an_error(get: Downloads, served: Served) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, limits[1]))
    try:
        error = get.fails()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.reason == f"{NAME} cannot be written: file too large"
    assert error.next_step == "name another file with -o, on another disk if this one is full"
    assert here() == set()


def test_get_syncs_the_file_before_the_rename(
    get: Downloads, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check the order: after a power cut the target must be complete."""
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
