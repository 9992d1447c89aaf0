"""The candidate sets of an origin: the first segments of a path find them without a parser."""

from __future__ import annotations

import time

import pytest
from chain_fakes import Keeper, bearer, sent

from authshim import Chain, Index
from authshim.lookup import origin as module
from authshim.urls import path_of

H = "https://h.example"
INDEXES = [Index(f"{H}/pypi/{name}/simple/") for name in ("a", "b")]
PLAIN = f"{H}/pypi/a/simple/demo/"

SPELLINGS = [
    H,
    f"{H}/",
    f"{H}/pypi",
    f"{H}/pypi/a",
    f"{H}/pypi/a/",
    f"{H}/pypi/ab/simple/",
    f"{H}//pypi/a/simple/",
    f"{H}/pypi//a/simple/",
    f"{H}/pypi/a/../b/simple/",
    f"{H}/pypi/a/simple/..%2f..%2fb/x",
    f"{H}/pypi/a/..;/b/",
    f"{H}/pypi/%61/simple/",
    f"{H}/pypi/a%2Fb/simple/",
    f"{H}/pypi/a\\..\\b",
    f"{H}/pypi/a/simple/demo/?x=/pypi/b",
    f"{H}/pypi/a/simple/demo/#/pypi/b",
    f"{H}/pypi/a/.hidden",
    f"{H}?x/pypi/a/simple/",
    f"{H}#x/pypi/a/simple/",
    f"{H}/pypi/a/s\u00efmple/",
    f"{H}/pypi/a /simple/",
]


def chain_of(*indexes: Index, **held: str) -> Chain:
    keys = {key.replace("_", "/"): bearer(token) for key, token in held.items()}
    keeper = Keeper({f"h.example/{key}": value for key, value in keys.items()})
    return Chain([keeper], indexes=indexes)


@pytest.mark.parametrize("url", SPELLINGS)
def test_origin_chooses_the_set_of_the_parsed_path(url: str) -> None:
    cache = chain_of(*INDEXES, pypi_a_simple="s3cret")._lookup.cache
    for warm in (PLAIN, f"{H}/pypi/b/simple/", f"{H}/other/", f"{H}/"):
        cache.candidates(warm)
    origin = cache.origin(url)
    assert isinstance(origin, module.OriginEntry)
    assert origin.candidates(url) is origin.candidates_at(path_of(url), url)
    assert origin.candidates(url) is origin.candidates(url)


def test_cached_path_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = chain_of(*INDEXES, pypi_a="s3cret")
    chain.find(PLAIN)
    monkeypatch.setattr(module, "path_of", lambda url: pytest.fail("the URL was parsed"))
    assert sent(chain.find(f"{H}/pypi/a/simple/other/")) == bearer("s3cret")


def test_path_keys_of_each_depth_serve_their_own_paths() -> None:
    chain = chain_of(pypi="s3cret-1", pypi_a_simple_demo="s3cret-2")
    urls = [f"{H}/pypi/a/simple/", f"{H}/pypi/a/simple/demo/x", f"{H}/pypi/a/simple/demos/"]
    for _ in range(2):
        found = [sent(chain.find(url)) for url in urls]
        assert found == [bearer("s3cret-1"), bearer("s3cret-2"), bearer("s3cret-1")]


def test_each_undeclared_index_of_a_user_has_a_set_of_its_own() -> None:
    origin = Chain([Keeper()])._lookup.cache
    first = origin.candidates("https://ada@h.example/a/simple/")
    assert origin.candidates("https://ada@h.example/b/simple/") is not first


def test_cached_paths_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_ENTRIES", 10)
    cache = chain_of(*INDEXES)._lookup.cache
    origin = cache.origin(PLAIN)
    assert isinstance(origin, module.OriginEntry)
    for number in range(50):
        cache.candidates(f"{H}/pypi/x{number}/demo/")
        assert len(origin._written_paths.sets) <= 10


@pytest.mark.parametrize("tail", ["/a" * 50_000 + "%41", "/" + "a" * 100_000 + "%41"])
def test_long_path_is_matched_in_linear_time(tail: str) -> None:
    began = time.process_time()
    assert module._plain_url(100).fullmatch(H + tail) is None
    assert time.process_time() - began < 10
