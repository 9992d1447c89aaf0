"""A page is read in every form that indexes have it in, and what is none is told for what it is."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable

import pytest
from servers import CHALLENGE, Answer, Authority, Names, Recorder, dripping, redirect

import authshim
from authshim.index import answer as answers
from authshim.index import simple_api
from authshim.index.client import IndexClient
from authshim.index.simple_api import File
from authshim.project.repositories import Index

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = authshim.BasicHTTP("ada", "s3cret")
DIGEST = "ab" * 32
JSON_TYPE = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
NAME = "demo-1.0-py3-none-any.whl"
JSON = {
    "meta": {"api-version": "1.1"},
    "name": "demo",
    "files": [
        {
            "filename": "demo-1.0-py3-none-any.whl",
            "url": "../../files/demo-1.0-py3-none-any.whl",
            "hashes": {"sha256": DIGEST},
            "requires-python": ">=3.9",
            "yanked": "broken",
        }
    ],
}
HTML = f"""<!DOCTYPE html><html><head>\
<meta name="pypi:repository-version" content="1.0"></head><body>
<a href="/files/demo-1.0-py3-none-any.whl#sha256={DIGEST}" \
data-requires-python="&gt;=3.9" data-yanked="broken">
demo-1.0-py3-none-any.whl</a></body></html>""".encode()


class Keeps(authshim.Provider):
    """Has one credential, for every host."""

    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return SECRET


@pytest.fixture
def index(recorder: Recorder) -> Index:
    return Index(f"{recorder.url}/simple/")


@pytest.fixture
def ask(recorder: Recorder) -> Iterator[Callable[..., answers.Answer]]:
    """``ask(answer)`` is what a reader says of a server that answers so."""
    readers = []

    def read(
        answer: object = None, *, chain: authshim.Chain | None = None, index: Index | None = None
    ) -> answers.Answer:
        if answer is not None:
            recorder.default = answer
            recorder.on("/simple/demo/", answer)
        readers.append(IndexClient(chain or authshim.Chain([])))
        return readers[-1].page(index or Index(f"{recorder.url}/simple/"), "demo")

    yield read
    for client in readers:
        client.close()


def test_a_page_is_asked_for_below_the_index_as_json_first(
    recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    ask()
    (seen,) = recorder.seen
    assert (seen.method, seen.path) == ("GET", "/simple/demo/")
    assert seen.headers["Accept"].startswith("application/vnd.pypi.simple.v1+json,")


@pytest.mark.parametrize(
    ("answer", "api"),
    [
        (Answer(200, json.dumps(JSON).encode(), JSON_TYPE), "JSON 1.1"),
        (Answer(200, HTML, {"Content-Type": "application/vnd.pypi.simple.v1+html"}), "HTML 1.0"),
        (Answer(200, HTML, {"Content-Type": "text/html; charset=utf-8"}), "HTML 1.0"),
        (
            Answer(200, HTML.replace(b"repository-version", b"x"), {"Content-Type": "text/html"}),
            "HTML",
        ),
        (Answer(200, HTML), "HTML 1.0"),
    ],
    ids=["json", "versioned html", "html", "html without its version", "no content type"],
)
def test_a_page_is_read_in_each_of_its_forms(
    answer: Answer, api: str, recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(answer)
    assert (page.answer, page.api, page.detail) == ("found", api, "")
    assert page.files == (
        File(
            "demo-1.0-py3-none-any.whl",
            f"{recorder.url}/files/demo-1.0-py3-none-any.whl",
            ">=3.9",
            (("sha256", DIGEST),),
            True,
        ),
    )


def test_a_file_of_html_is_named_by_its_link(ask: Callable[..., answers.Answer]) -> None:
    page = ask(
        Answer(
            200, b'<a href="/f/demo-1.0%2Bcpu-py3-none-any.whl?x=1#sha256=ab">Download (2 MB)</a>'
        )
    )
    assert [file.filename for file in page.files] == ["demo-1.0+cpu-py3-none-any.whl"]


def test_a_hash_that_is_none_is_left_out(ask: Callable[..., answers.Answer]) -> None:
    files = [
        {
            **JSON["files"][0],
            "hashes": {"sha256": "\x1b[31m", "md5": "abab", "\x1b": "ab", "sha1": "a" * 1000},
        }
    ]
    (file,) = ask(Answer(200, json.dumps({**JSON, "files": files}).encode(), JSON_TYPE)).files
    assert file.hashes == (("md5", "abab"),)


def test_a_compressed_page_is_read(ask: Callable[..., answers.Answer]) -> None:
    packed = gzip.compress(json.dumps(JSON).encode())
    assert len(ask(Answer(200, packed, {**JSON_TYPE, "Content-Encoding": "gzip"})).files) == 1


def test_a_page_without_files_is_found(ask: Callable[..., answers.Answer]) -> None:
    page = ask(Answer(200, b"<html></html>", {"Content-Type": "text/html"}))
    assert (page.answer, page.files) == ("found", ())


def test_a_newer_minor_version_of_the_api_is_no_hindrance(
    ask: Callable[..., answers.Answer],
) -> None:
    newer = {**JSON, "meta": {"api-version": "1.999"}}
    assert ask(Answer(200, json.dumps(newer).encode(), JSON_TYPE)).api == "JSON 1.999"


def test_links_are_relative_to_where_a_redirect_led(
    recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    recorder.on("/moved/simple/demo/", Answer(200, b'<a href="demo-1.0.zip">demo-1.0.zip</a>'))
    page = ask(redirect("/moved/simple/demo/"))
    assert [file.url for file in page.files] == [f"{recorder.url}/moved/simple/demo/demo-1.0.zip"]


def test_the_credential_that_was_sent_is_told(
    ask: Callable[..., answers.Answer], no_secret: Callable[..., None]
) -> None:
    page = ask(Answer(200, HTML), chain=authshim.Chain([Keeps()]))
    assert (page.answer, page.found and page.found.provider) == ("found", "vault")
    no_secret(page)


def test_an_index_is_asked_as_its_own_user(
    recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    index = Index(f"http://ada:s3cret@127.0.0.1:{recorder.port}/simple")
    page = ask(index=index, chain=authshim.Chain([], indexes=[index]))
    assert recorder.seen[0].authorization == SECRET.header
    assert page.found is not None


@pytest.mark.parametrize("link", ["/files/d-1.zip", "../../files/d-1.zip", "//HOST/files/d-1.zip"])
def test_file_of_a_page_has_no_userinfo_of_the_index(
    link: str, recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    recorder.default = Answer(200, f"<a href={link}>".replace("HOST", recorder.url[7:]).encode())
    index = Index(f"http://ada:s3cret@127.0.0.1:{recorder.port}/simple")
    page = ask(index=index, chain=authshim.Chain([], indexes=[index]))
    assert [file.url for file in page.files] == [f"{recorder.url}/files/d-1.zip"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_not_taken_for_a_name_that_is_not_there(
    status: int, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(CHALLENGE._replace(status=status), chain=authshim.Chain([Keeps()]))
    assert (page.answer, page.status, page.found and page.found.provider) == (
        "refused",
        status,
        "vault",
    )


@pytest.mark.parametrize("query", ["", "?next=/simple/demo/"])
def test_a_page_to_sign_in_is_a_refusal(
    query: str, recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    recorder.on("/login", Answer(200, b"<form>", {"Content-Type": "text/html"}))
    page = ask(redirect(f"/login{query}"))
    assert (page.answer, page.detail) == ("refused", "it showed a page to sign in")
    assert page.next_step.startswith("authshim auth login 127.0.0.1 ")


@pytest.mark.parametrize(
    ("asked", "moved"),
    [("/wheels", "/wheels/"), ("/wheels/", "/cdn/wheels/index.html"), ("/a/b", "/root/+simple/x/")],
)
def test_html_that_has_moved_is_no_page_to_sign_in(
    asked: str, moved: str, recorder: Recorder
) -> None:
    recorder.on(asked, redirect(moved))
    recorder.on(
        moved,
        Answer(200, b'<a href="demo-1.0.zip">demo-1.0.zip</a>', {"Content-Type": "text/html"}),
    )
    client = IndexClient(authshim.Chain([]))
    page = client.flat_page(Index(f"{recorder.url}{asked}", flat=True))
    client.close()
    assert (page.answer, len(page.files)) == ("found", 1)


def test_html_of_a_404_that_has_moved_is_no_page_to_sign_in(
    recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    recorder.on("/nothing", Answer(404, b"<h1>Sorry", {"Content-Type": "text/html"}))
    assert ask(redirect("/nothing")).answer == "not there"


def test_pytorchs_403_says_that_a_name_is_not_there(
    tls_recorder: Recorder,
    authority: Authority,
    anywhere: Names,
    ask: Callable[..., answers.Answer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    anywhere(tls_recorder).default = Answer(403)
    urls = ("https://download.pytorch.org/whl/cpu", "https://notpytorch.org/whl/cpu")
    assert [ask(index=Index(url)).answer for url in urls] == ["not there", "refused"]


def test_the_host_that_refused_is_named_after_a_redirect(
    recorder: Recorder, make_recorder: Callable[..., Recorder], ask: Callable[..., answers.Answer]
) -> None:
    other = make_recorder()
    other.default = CHALLENGE
    page = ask(redirect(f"http://localhost:{other.port}/simple/demo/"))
    assert (page.answer, page.detail) == ("refused", "localhost said so; no provider has one")
    assert page.next_step == (
        "ask whoever runs 127.0.0.1 if localhost, which it names, needs a login"
    )


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (Answer(503), "try again later"),
        (Answer(200, b"{", JSON_TYPE), "correct the URL, or ask whoever runs the index"),
        (Answer(404), ""),
    ],
)
def test_message_names_the_next_step(
    answer: Answer, step: str, ask: Callable[..., answers.Answer]
) -> None:
    assert ask(answer).next_step == step


def test_a_page_that_was_reached_by_a_credential_is_told_with_it(
    recorder: Recorder, make_recorder: Callable[..., Recorder], ask: Callable[..., answers.Answer]
) -> None:
    other = make_recorder()
    other.default = Answer(200, HTML)
    index = Index(f"http://ada:s3cret@127.0.0.1:{recorder.port}/simple")
    recorder.on("/simple/demo/", redirect(f"http://localhost:{other.port}/simple/demo/"))
    page = ask(index=index, chain=authshim.Chain([], indexes=[index]))
    assert (page.answer, page.host, other.seen[0].authorization) == ("found", "localhost", None)
    assert page.found is not None


def test_a_name_that_is_not_there_is_told_so(ask: Callable[..., answers.Answer]) -> None:
    assert ask(Answer(404)).answer == "not there"


@pytest.mark.parametrize("status", [204, 304, 410, 429, 500, 503])
def test_another_status_is_no_answer(status: int, ask: Callable[..., answers.Answer]) -> None:
    page = ask(Answer(status, b""))
    assert (page.answer, page.status, page.detail) == (
        "unreachable",
        status,
        f"the server answered HTTP {status}",
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, HTML, JSON_TYPE), "it answered HTML and called it JSON"),
        (Answer(200, b"{", JSON_TYPE), "its page is no JSON of the Simple API"),
        (Answer(200, b"[" * 100_000, JSON_TYPE), "its page is no JSON of the Simple API"),
        (Answer(200, b'{"files": []}', JSON_TYPE), "its page is no JSON of the Simple API"),
        (
            Answer(200, b"{}", {"Content-Type": "application/json"}),
            "its page is neither JSON nor HTML of an index but 'application/json'",
        ),
        (
            Answer(200, b"{}", {"Content-Type": "a/" + "a" * 50_000}),
            f"its page is neither JSON nor HTML of an index but 'a/{'a' * 198}...'",
        ),
        (
            Answer(200, json.dumps({**JSON, "meta": {"api-version": "2.0"}}).encode(), JSON_TYPE),
            "its page has a version of the Simple API that is not known here",
        ),
        (
            Answer(200, b"<html><form><input type=password></form></html>"),
            "it showed a page for people, not an index's",
        ),
        (
            Answer(
                200, HTML.replace(b'content="1.0"', b'content="2.0"'), {"Content-Type": "text/html"}
            ),
            "its page has a version of the Simple API that is not known here",
        ),
        (
            Answer(
                200, HTML.replace(b'content="1.0"', b'content="new"'), {"Content-Type": "text/html"}
            ),
            "its page is HTML that cannot be read",
        ),
        (
            Answer(200, b'<base href="http://[x"><a href="y">y</a>', {"Content-Type": "text/html"}),
            "its page is HTML that cannot be read",
        ),
    ],
    ids=[
        "html for json",
        "broken",
        "deep",
        "other json",
        "plain json",
        "endless type",
        "newer",
        "for people",
        "newer html",
        "odd version",
        "odd html",
    ],
)
def test_body_that_is_no_page_is_unreadable(
    answer: Answer, said: str, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(answer)
    assert (page.answer, page.status, page.detail) == ("unreadable", 200, said)


def test_a_page_of_which_a_warning_would_be_said_says_none(
    ask: Callable[..., answers.Answer],
) -> None:
    assert ask(Answer(200, b'<?xml version="1.0"?><html></html>')).answer == "found"


def test_a_redirect_loop_is_unreachable(ask: Callable[..., answers.Answer]) -> None:
    page = ask(redirect("/simple/demo/"))
    assert (page.answer, page.detail) == ("unreachable", "it redirects without end")


def test_a_certificate_that_does_not_verify_is_unreachable(
    tls_recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(index=Index(f"{tls_recorder.url}/simple"))
    assert (page.answer, page.detail) == ("unreachable", "its TLS certificate does not verify")


def test_a_trusted_certificate_is_no_hindrance(
    tls_recorder: Recorder,
    authority: Authority,
    ask: Callable[..., answers.Answer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    tls_recorder.default = Answer(200, HTML)
    assert ask(index=Index(f"{tls_recorder.url}/simple")).answer == "found"


def test_a_host_name_that_cannot_be_is_unreachable(ask: Callable[..., answers.Answer]) -> None:
    page = ask(index=Index("http://a..b.localhost/simple"))
    assert (page.answer, page.next_step) == ("unreachable", "correct the URL")


@pytest.mark.parametrize("hole", ["<location>", "{feed}", "$HOST"])
def test_an_index_that_is_not_filled_in_is_not_asked(
    hole: str, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(index=Index(f"https://{hole}.example/simple"))
    assert (page.answer, page.detail) == ("not asked", f"{hole} is not filled in")
    assert page.next_step == f"fill in {hole} in the index's URL"


def test_a_page_that_is_too_long_is_not_read_to_its_end(
    ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_BYTES", 1000)
    packed = gzip.compress(b" " * 100_000)
    page = ask(Answer(200, packed, {"Content-Encoding": "gzip"}))
    assert (page.answer, page.detail) == ("unreadable", "its page is longer than 1,000 bytes")


@pytest.mark.parametrize("body", [b"<b>" * 11, b'{"files": [' + b"{}," * 11], ids=["HTML", "JSON"])
def test_a_page_of_more_parts_than_any_index_lists_is_not_parsed(
    body: bytes, ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_PARTS", 10)
    page = ask(Answer(200, body, {"Content-Type": "text/html"}))
    assert (page.answer, page.detail) == ("unreadable", "its page lists more than any index has")


ENDLESS = f"{'demo-' * 100_000}2.0.zip"
BESIDE = [{**JSON["files"][0], "filename": ENDLESS}, *JSON["files"]]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (HTML + f'<a href="/f/demo-2.0.zip">{ENDLESS}</a>'.encode(), {"Content-Type": "text/html"}),
        (
            json.dumps(
                {**JSON, "files": [{**JSON["files"][0], "filename": ENDLESS}, *JSON["files"]]}
            ).encode(),
            JSON_TYPE,
        ),
    ],
    ids=["HTML", "JSON"],
)
def test_a_name_without_end_costs_its_file_only(
    body: bytes, kind: dict[str, str], ask: Callable[..., answers.Answer]
) -> None:
    assert ask(Answer(200, body, kind)).files[-1].filename.startswith("demo-")


HTML_TYPE = {"Content-Type": "text/html"}
BIG = 8_000_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<!--" * (BIG // 8), id="comments"),
        pytest.param(b"<a " * (BIG // 9), id="tags"),
        pytest.param(b"<a a=" * (BIG // 9), id="attributes"),
        pytest.param(b"<a " + b"x " * (BIG // 2), id="one tag"),
        pytest.param(b"<script>" + b"x " * (BIG // 2), id="script"),
        pytest.param(b"<![CDATA[" * (BIG // 9), id="CDATA"),
    ],
)
def test_page_takes_linear_time_and_memory_if_nothing_is_closed(
    body: bytes, ask: Callable[..., answers.Answer]
) -> None:
    began = time.process_time()
    page = ask(Answer(200, body, HTML_TYPE))
    assert (page.answer, page.files) == ("unreadable", ())
    assert time.process_time() - began < 20


def test_page_takes_linear_time_if_its_links_are_nested(ask: Callable[..., answers.Answer]) -> None:
    began = time.process_time()
    assert len(ask(Answer(200, b"<a href=x-1.tar.gz>" * 40_000, HTML_TYPE)).files) == 40_000
    assert time.process_time() - began < 20


def test_page_that_takes_too_long_to_parse_is_given_up(
    ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(simple_api.PageParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            time.sleep(0.2)

    monkeypatch.setattr("authshim.index.simple_api.PageParser", Slow)
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_SECONDS", 0.1)
    page = ask(Answer(200, HTML, HTML_TYPE))
    assert (page.answer, page.detail) == ("unreadable", "its page could not be read within 0.1 s")


def test_link_is_found_if_it_lies_across_two_chunks(
    ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.index.simple_api._CHUNK_CHARACTERS", 7)
    assert [file.filename for file in ask(Answer(200, HTML, HTML_TYPE)).files] == [NAME]


@pytest.mark.parametrize("codings", ["gzip, gzip", "gzip, gzip, gzip", "br", "deflate", "\x1b"])
def test_page_in_another_coding_than_gzip_is_not_unpacked(
    codings: str, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(Answer(200, b"\0", {"Content-Encoding": codings}))
    assert page.answer == "unreadable"
    assert page.detail.startswith("its page is packed as ")
    assert "\x1b" not in page.detail


def test_page_is_asked_for_in_gzip_alone(
    recorder: Recorder, ask: Callable[..., answers.Answer]
) -> None:
    ask()
    assert recorder.seen[0].headers["Accept-Encoding"] == "gzip"


def test_page_that_is_not_packed_as_it_says_is_unreachable(
    ask: Callable[..., answers.Answer],
) -> None:
    page = ask(Answer(200, HTML, {**HTML_TYPE, "Content-Encoding": "gzip"}))
    assert (page.answer, page.detail) == ("unreachable", "it is not packed as it says")


def test_page_that_is_packed_and_never_ends_is_given_up(
    ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_SECONDS", 0.3)
    begin = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03"
    with dripping(begin, b"\0\0\0\xff\xff") as url:
        page = ask(index=Index(f"{url}/simple"))
    assert (page.answer, page.detail) == ("unreadable", "its page did not end within 0.3 s")


def test_page_whose_urls_are_too_long_together_is_not_kept(
    ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'<base href="https://h/{"x" * 300}/">'.encode() + b'<a href="a.zip">' * 20
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_BYTES", 1000)
    page = ask(Answer(200, body, HTML_TYPE))
    assert (page.answer, page.detail) == ("unreadable", "its page lists more than any index has")


def test_number_of_any_length_in_json_takes_linear_time(ask: Callable[..., answers.Answer]) -> None:
    files = [{**JSON["files"][0], "size": "SIZE"}]
    body = json.dumps({**JSON, "files": files}).replace('"SIZE"', "9" * 2_000_000).encode()
    began = time.process_time()
    assert len(ask(Answer(200, body, JSON_TYPE)).files) == 1
    assert time.process_time() - began < 10


def test_base_of_a_page_is_where_its_links_start(ask: Callable[..., answers.Answer]) -> None:
    body = b'<base href="https://u:s3cret@cdn.example/a/"><base href="/b/"><a href="d-1.zip">d</a>'
    assert [file.url for file in ask(Answer(200, body)).files] == ["https://cdn.example/a/d-1.zip"]


def test_link_that_is_no_url_costs_its_file_only(ask: Callable[..., answers.Answer]) -> None:
    body = b'<a href="http://[x/d-1.zip">d</a><a>d</a><a href="#top">d</a><a href=" d-2.zip ">d</a>'
    assert [file.filename for file in ask(Answer(200, body)).files] == ["d-2.zip"]


@pytest.mark.parametrize(
    ("fragment", "hashes"),
    [
        ("sha256=AB", (("sha256", "AB"),)),
        ("egg=ab&md5=cd", (("md5", "cd"),)),
        ("egg=ab", ()),
        ("sha256=xy", ()),
    ],
)
def test_hash_of_a_link_is_read_from_its_fragment(
    fragment: str, hashes: object, ask: Callable[..., answers.Answer]
) -> None:
    (file,) = ask(Answer(200, f'<a href="d-1.zip#{fragment}">d</a>'.encode())).files
    assert (file.hashes, file.url.endswith("/d-1.zip")) == (hashes, True)


@pytest.mark.parametrize("attribute", ["data-yanked", 'data-yanked=""', 'data-yanked="broken"'])
def test_link_is_yanked_with_or_without_a_reason(
    attribute: str, ask: Callable[..., answers.Answer]
) -> None:
    (file,) = ask(Answer(200, f'<a href="d-1.zip" {attribute}>d</a>'.encode())).files
    assert file.yanked


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("iso-8859-1", b'<a href="d\xe9-1.zip">'),
        ("utf-8", b'<a href="d\xc3\xa9-1.zip">'),
        ("punycode", b'<a href="d\xc3\xa9-1.zip">'),
        ("none", b'<a href="d\xc3\xa9-1.zip">'),
    ],
)
def test_page_is_decoded_as_its_charset_says(
    charset: str, body: bytes, ask: Callable[..., answers.Answer]
) -> None:
    page = ask(Answer(200, body, {"Content-Type": f"text/html; charset={charset}"}))
    assert [file.filename for file in page.files] == ["d\xe9-1.zip"]


@pytest.mark.parametrize(
    "change",
    [
        {"filename": None},
        {"filename": 1},
        {"url": None},
        {"hashes": None},
        {"hashes": []},
        {"requires-python": 3},
    ],
)
def test_file_of_json_with_a_value_of_another_type_is_unreadable(
    change: dict[str, object], ask: Callable[..., answers.Answer]
) -> None:
    document = {**JSON, "files": [{**JSON["files"][0], **change}]}
    page = ask(Answer(200, json.dumps(document).encode(), JSON_TYPE))
    assert (page.answer, page.detail) == ("unreadable", "its page is no JSON of the Simple API")


@pytest.mark.parametrize(("yanked", "expected"), [("", False), (False, False), (True, True)])
def test_file_of_json_is_yanked_if_the_value_is_true_or_a_reason(
    yanked: object, expected: bool, ask: Callable[..., answers.Answer]
) -> None:
    document = {**JSON, "files": [{**JSON["files"][0], "yanked": yanked}]}
    (file,) = ask(Answer(200, json.dumps(document).encode(), JSON_TYPE)).files
    assert file.yanked is expected


@pytest.fixture
def trickling() -> Iterator[str]:
    """Yield the URL of a server whose pages never end: it sends a KiB now and then.

    urllib3 1.26 waits for it.
    """
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError), server.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n"
            )
            while not over.wait(0.05):
                connection.sendall(b" " * 1024)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    over.set()
    thread.join(5)
    server.close()


def test_a_page_that_trickles_in_without_end_is_given_up(
    trickling: str, ask: Callable[..., answers.Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_SECONDS", 0.3)
    page = ask(index=Index(f"{trickling}/simple"))
    assert (page.answer, page.detail) == ("unreadable", "its page did not end within 0.3 s")


def test_a_page_that_breaks_off_is_unreachable(ask: Callable[..., answers.Answer]) -> None:
    answer = Answer(200, HTML, {"Content-Length": str(len(HTML) + 1), "Connection": "close"})
    assert ask(answer).answer == "unreachable"


def test_pages_of_one_host_share_a_connection(recorder: Recorder) -> None:
    recorder.default = Answer(200, HTML)
    client = IndexClient(authshim.Chain([]))
    for name in ("a", "b", "c"):
        client.page(Index(f"{recorder.url}/simple"), name)
    client.close()
    assert len({seen.peer for seen in recorder.seen}) == 1


def test_a_flat_index_is_one_page_for_all_names(recorder: Recorder) -> None:
    recorder.on(
        "/wheels.html",
        Answer(200, b'<a href="demo-1.0.zip">demo-1.0.zip</a><a href="b-2.zip">b-2.zip</a>'),
    )
    client = IndexClient(authshim.Chain([]))
    page = client.flat_page(Index(f"{recorder.url}/wheels.html", flat=True))
    client.close()
    assert [file.filename for file in page.files] == ["demo-1.0.zip", "b-2.zip"]
