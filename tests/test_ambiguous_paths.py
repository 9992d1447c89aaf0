"""A path that servers read in different ways gets nothing that is kept for a path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from chain_fakes import Keeper, basic, bearer, keyring, refused, sent
from fakes import LOOPBACK
from servers import redirect

from authshim import Chain, Index, install
from authshim.urls.paths import has_ambiguous_path

if TYPE_CHECKING:
    from servers import Recorder

AMBIGUOUS = [
    "/a/../b/x",
    "/a/./x",
    "/a/..",
    "/a/%2e%2e/b/x",
    "/a/%2E./b/x",
    "/a/..%2fb/x",
    "/a%2F..%2Fb/x",
    "/a/%252e%252e/b/x",
    "/a/..%252fb/x",
    "/a/%25252e%25252e/b/x",
    "/a/..;/b/x",
    "/a/..;s=1/b/x",
    "/a/..%3bs/b/x",
    "/a/..%3f/b/x",
    "/a/..%20/b/x",
    "/a/%20../b/x",
    "/a/.%20./b/x",
    "/a/..%c2%a0/b/x",
    "/a/..%e2%80%8b/b/x",
    "/a/%e2%80%8b../b/x",
    "/a/.%c2%ad./b/x",
    "/a/.%ef%b8%8f./b/x",
    "/a/..%e3%85%a4/b/x",
    "/a/..%ef%bb%bf;s/b/x",
    "/a/.%e2%81%a0/x",
    "/a/.%00./b/x",
    "/a/.%09./b/x",
    "/a/..%0d/b/x",
    "/a/%7f/x",
    "/a/..%c0%af/b/x",
    "/a/%c0%ae%c0%ae/b/x",
    "/a/%ff/x",
    "/a/%ef%bc%8e%ef%bc%8e/b/x",
    "/a/\uff0e\uff0e/b/x",
    "/a/..%ef%bc%8fb/x",
    "/a/..%e2%88%95b/x",
    "/a/..%ef%bc%bcb/x",
    "/a\\..\\b\\x",
    "/a/..%5cb/x",
    "/a/x%5cy",
    "/a/..%255cb/x",
    "/a/%u002e%u002e/b/x",
    "/a/%25u002e%25u002e/b/x",
    "/a/%" + "25" * 1000,
    "/a/\ud800",
]

CLEAR = [
    "/a/x",
    "/a/.well-known/x",
    "/a/x..y/..x/x../v1.0",
    "/a/%e2%80%8b/..x%e2%80%8b",
    "/a/group%2Fproject/x",
    "/a/demo%20one.whl",
    "/a/100%25/x",
    "/a/b;v=1.0/x",
    "/a/caf%C3%A9/\u00e9",
    "/a/x?y=/../%2e%2e",
    "/a/x#/../%2e%2e",
    "/a//x",
    "/",
    "",
]


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_path_with_hidden_dots_is_ambiguous(path: str) -> None:
    assert has_ambiguous_path(f"https://ada%40b:p%2F..@h.example{path}")
    assert has_ambiguous_path(f"http://h{path}?x")


@pytest.mark.parametrize("path", CLEAR)
def test_path_that_all_servers_read_alike_is_clear(path: str) -> None:
    assert not has_ambiguous_path(f"https://ada%40b:p%2F..@h.example{path}")


def test_path_is_judged_in_linear_time() -> None:
    began = time.process_time()
    for piece in ("%25", "%252e", "/.", "/ .", " ", "%20", ";", "\uff0e", "..%2f", "%e2%80%8b"):
        has_ambiguous_path(f"https://h/{piece * 50_000}x")
    assert time.process_time() - began < 10


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_ambiguous_path_matches_no_path_key(path: str) -> None:
    chain = Chain([Keeper({"h/a": bearer("a"), "h/b": bearer("b")})])
    assert chain.find(f"https://h{path}") is None
    assert sent(chain.find("https://h/a/x")) == bearer("a")


def test_ambiguous_path_gets_what_is_kept_for_the_host() -> None:
    chain = Chain([Keeper({"h/a": bearer("a"), "h": bearer("all")})])
    assert sent(chain.find("https://h/a/..%2fb")) == bearer("all")


@pytest.mark.parametrize(
    "path", ["/a/..%2fb/simple/", "/a/%252e%252e/b/simple/", "/a/..;/b/simple/"]
)
def test_ambiguous_path_is_covered_by_none_of_several_indexes(path: str) -> None:
    indexes = [Index("https://ada:1@h/a/simple/"), Index("https://bob:2@h/b/simple/")]
    chain = Chain([], indexes=indexes)
    assert chain.find(f"https://h{path}") is None
    assert refused(chain, f"https://h{path}", status=401, challenge="Basic") is None
    assert refused(chain, f"https://h{path}", status=404, tried=[]) is None
    assert sent(chain.find("https://h/a/simple/")) == basic("ada", "1")


def test_keyring_is_asked_for_no_index_of_an_ambiguous_path() -> None:
    command = keyring({"https://h/a/simple": basic()})
    assert Chain([command]).find("https://ada@h/a/simple/..%2f..%2fb/") is None
    assert command.asked == ["https://h/", "https://h", "h"]


def test_encoded_slash_of_gitlab_stays_a_part_of_its_segment() -> None:
    chain = Chain(
        [Keeper({"h/projects/group%2Fproject": bearer("it"), "h/projects/group": bearer("other")})]
    )
    assert sent(chain.find("https://h/projects/group%2Fproject/packages/x")) == bearer("it")
    assert sent(chain.find("https://h/projects/group%2fproject/packages/x")) == bearer("it")


def test_index_of_gitlab_covers_the_pages_below_it() -> None:
    urls = [
        "https://ada:1@h/projects/group%2Fone/simple",
        "https://bob:2@h/projects/group%2Ftwo/simple",
    ]
    chain = Chain([], indexes=[Index(url) for url in urls])
    assert sent(chain.find("https://h/projects/group%2Ftwo/simple/demo/")) == basic("bob", "2")


def test_explain_tells_that_an_ambiguous_path_does_not_decide() -> None:
    chain = Chain([Keeper({"h/a": bearer()})])
    note = "servers read its path in different ways, so nothing that is kept for a path applies"
    assert chain.explain("https://h/a/..%2fb").notes == (note,)
    assert chain.explain("https://h/a/b").notes == ()


@pytest.mark.parametrize(
    "location", ["/a/..%2fb/x", "/a%2f%2e%2e%2fb/x", "/a/%252e%252e/b/x", "/a/..;/b/x"]
)
@pytest.mark.parametrize("prefix", ["", "{url}"])
def test_redirect_to_an_ambiguous_path_takes_no_token(
    location: str, prefix: str, recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    host = f"{LOOPBACK}:{recorder.port}"
    chain = Chain([Keeper({f"{host}/a": bearer("s3cret-a"), f"{host}/b": bearer("s3cret-b")})])
    recorder.on("/b/start", redirect(prefix.format(url=recorder.url) + location))
    install(requests.Session(), chain).get(f"{recorder.url}/b/start")
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret-b", None]
