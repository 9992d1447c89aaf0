"""The declared index or channel that covers a URL."""

from __future__ import annotations

import pytest
from leaks import assert_no_secret

from authshim import Channel, Index
from authshim.lookup.coverage import Declared, declared_by_origin

H = "https://h.example"


def covering(path: str, *declared: Index | Channel) -> list[str]:
    found = declared_by_origin(
        [item for item in declared if isinstance(item, Index)],
        [item for item in declared if isinstance(item, Channel)],
    )
    return [item.url for item in found[f"{H}:443"].covering(path)[1]]


def test_index_covers_its_own_root() -> None:
    a, b = Index(f"{H}/a/simple/"), Index(f"{H}/b/simple/")
    assert covering("/a/simple/demo/", a, b) == [a.url]
    assert covering("/a/files/demo.whl", a, b) == [a.url]
    assert covering("/b", a, b) == [b.url]


def test_root_is_matched_by_whole_segments() -> None:
    a, b = Index(f"{H}/a/simple"), Index(f"{H}/b/simple")
    assert covering("/ab/demo.whl", a, b) == []


@pytest.mark.parametrize("path", ["/", "/elsewhere/demo.whl", "/a/simple/"])
def test_lone_index_covers_the_whole_origin(path: str) -> None:
    assert covering(path, Index(f"{H}/a/simple/")) == [f"{H}/a/simple/"]


def test_index_covers_no_other_origin() -> None:
    found = declared_by_origin([Index(f"{H}/simple")], [])
    assert list(found) == [f"{H}:443"]


def test_index_on_another_port_has_another_origin() -> None:
    found = declared_by_origin([Index(f"{H}/simple"), Index(f"{H}:8443/simple")], [])
    assert [found[origin].covering("/x")[1][0].url for origin in found] == [
        f"{H}/simple",
        f"{H}:8443/simple",
    ]


def test_channel_covers_only_its_own_root() -> None:
    channel = Channel(f"{H}/c")
    assert covering("/c/noarch/repodata.json", channel) == [channel.url]
    assert covering("/d", channel) == []


def test_lone_index_does_not_cover_the_root_of_a_channel() -> None:
    index, channel = Index(f"{H}/a/simple"), Channel(f"{H}/c")
    assert covering("/c/noarch/repodata.json", index, channel) == [channel.url]
    assert covering("/elsewhere", index, channel) == [index.url]


def test_longest_common_path_decides_between_indexes() -> None:
    a, b = Index(f"{H}/acme/a/simple"), Index(f"{H}/other/b/simple")
    assert covering("/acme/files/demo.whl", a, b) == [a.url]


def test_tie_is_in_the_order_of_the_manifest() -> None:
    a, b = Index(f"{H}/acme/a/simple"), Index(f"{H}/acme/b/simple")
    assert covering("/acme/files/demo.whl", b, a) == [b.url, a.url]


def test_path_without_a_common_segment_is_not_covered() -> None:
    a, b = Index(f"{H}/a/simple"), Index(f"{H}/b/simple")
    assert covering("/c/demo.whl", a, b) == []


def test_root_comes_before_a_path_that_is_merely_shared() -> None:
    outer, inner = Index(f"{H}/a/simple"), Index(f"{H}/a/b/simple")
    assert covering("/a/x", inner, outer) == [outer.url]


def test_inner_root_comes_before_an_outer_one() -> None:
    outer, inner = Index(f"{H}/a/simple"), Index(f"{H}/a/b/simple")
    assert covering("/a/b/x", outer, inner) == [inner.url]


def test_index_at_the_root_covers_every_path() -> None:
    assert covering("/packages/x", Index(f"{H}/simple"), Index(f"{H}/b/simple")) == [f"{H}/simple"]


def test_two_users_at_one_root_are_a_tie() -> None:
    ada, bob = Index(f"{H}/simple", "ada"), Index(f"{H}/simple", "bob")
    found = declared_by_origin([ada, bob], [])[f"{H}:443"].covering("/simple/demo/")[1]
    assert [item.username for item in found] == ["ada", "bob"]


def test_index_that_is_declared_twice_is_no_tie() -> None:
    a, b = Index(f"{H}/a/simple"), Index(f"{H}/b/simple")
    again = Index(f"{H}/a/simple/")
    assert covering("/a/x", a, b, again) == [a.url]


def test_index_that_is_declared_twice_covers_the_whole_origin() -> None:
    assert covering("/elsewhere", Index(f"{H}/a/simple"), Index(f"{H}/a/simple/")) == [
        f"{H}/a/simple"
    ]


def test_hosts_are_compared_as_they_are_dialled() -> None:
    assert list(declared_by_origin([Index("https://BÜCHER.example/simple")], [])) == [
        "https://xn--bcher-kva.example:443"
    ]


@pytest.mark.parametrize(
    "url", ["file:///srv/index", "s3://bucket/simple", "https://<location>:x/simple"]
)
def test_url_that_is_not_http_is_left_out(url: str) -> None:
    assert declared_by_origin([Index(url)], []) == {}


def test_repr_of_a_declared_index_shows_no_password() -> None:
    assert_no_secret(repr(Declared(f"{H}/simple", "", "ada", "s3cret", True)))
    assert_no_secret(repr(declared_by_origin([Index(f"{H}/simple", "ada", "s3cret")], [])))
