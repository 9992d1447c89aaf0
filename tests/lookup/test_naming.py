"""The source of a URL, and the keys that it allows."""

from __future__ import annotations

import pytest
from chain_fakes import through

from authshim.lookup.locations import MAX_SEEN_LOCATIONS, SeenLocations
from authshim.lookup.naming import CALLER, MANIFEST, MAX_ORIGINS, SERVER, NamedBy, follow, named_by
from authshim.urls import DEFAULT, GIVEN, HOST, PATH, PORT, SERVICE, WILDCARD, Key, parse

ELSEWHERE = ("https://other.example:443",)


@pytest.mark.parametrize(
    ("way", "url"),
    [
        (["https://h/"], "https://h/x"),
        (["https://h/"], "https://h:443/x"),
        (["https://H/", "https://h/a"], "https://h/x"),
        (["http://h/"], "https://h/x"),
        (["http://h/", "https://h/"], "https://h/x"),
        (["http://[::1]/"], "https://[::1]/x"),
    ],
)
def test_trail_within_one_origin_names_the_caller(way: list[str], url: str) -> None:
    assert through(*way, to=url) is CALLER


@pytest.mark.parametrize(
    ("way", "url"),
    [
        (["https://other.example/"], "https://h/x"),
        (["https://h/"], "http://h/x"),
        (["http://h/"], "http://h:8080/x"),
        (["http://h:8080/"], "https://h/x"),
        (["http://h/"], "https://h:8443/x"),
        (["http://h/"], "https://other.example/x"),
        (["http://h/", "https://h/"], "http://h/x"),
        (["https://h/", "https://other.example/"], "https://h/x"),
        (["https://other.example/", "https://h/x"], "https://h/y"),
        (["http://h/", "https://h/", "http://h/"], "https://h/x"),
        (["http://h\\@other.example/"], "http://h/x"),
        (["https://h/"], "no URL"),
    ],
)
def test_trail_through_another_origin_marks_the_url(way: list[str], url: str) -> None:
    assert through(*way, to=url).is_marked


def test_trail_holds_only_origins() -> None:
    assert follow((), "https://ada:s3cret@h/x?sig=s3cret") == ("https://h:443",)


def test_trail_drops_equal_neighbours_and_is_bounded() -> None:
    way: tuple[str, ...] = ()
    for number in range(2 * MAX_ORIGINS):
        way = follow(follow(way, f"https://h{number}/a"), f"https://h{number}/b")
    assert len(way) == MAX_ORIGINS + 1
    assert not named_by(way, "https://h0/").allows(Key("*.example", WILDCARD))


def test_caller_and_manifest_allow_every_key() -> None:
    keys = [Key("k", kind) for kind in (PATH, PORT, HOST, WILDCARD, SERVICE, DEFAULT, GIVEN)]
    assert all(
        namer.allows(key) and namer.lets_ask(key) for namer in (CALLER, MANIFEST) for key in keys
    )
    assert {namer.forbidden_by(parse("http://h/"), ()) for namer in (CALLER, MANIFEST)} == {""}


@pytest.mark.parametrize("namer", [SERVER, SERVER._replace(origins=ELSEWHERE)])
def test_server_allows_no_default_and_asks_no_keyring(namer: NamedBy) -> None:
    assert not namer.allows(Key("default", DEFAULT))
    assert namer.allows(Key("https://h/simple", SERVICE))
    assert not namer.lets_ask(Key("https://h/simple", SERVICE))
    assert all(namer.lets_ask(Key("h", kind)) for kind in (PATH, PORT, HOST))


@pytest.mark.parametrize(
    ("origins", "key", "allowed"),
    [
        (("https://pub.corp.example:443",), "*.corp.example", True),
        (("https://corp.example:443", "https://a.b.corp.example:8443"), "*.corp.example", True),
        (("https://pypi.example:443",), "*.corp.example", False),
        (("https://pypi.example:443", "https://pub.corp.example:443"), "*.corp.example", False),
        (("https://pub.corp.example:443",), "*.old.corp.example", False),
        (("https://notcorp.example:443",), "*.corp.example", False),
        (("https://10.0.0.1:443",), "*.0.0.1", False),
        ((), "*.corp.example", False),
    ],
)
def test_wildcard_goes_to_a_marked_url_only_if_it_covers_all_servers(
    origins: tuple[str, ...], key: str, allowed: bool
) -> None:
    assert SERVER._replace(origins=origins).allows(Key(key, WILDCARD)) is allowed


@pytest.mark.parametrize(
    ("way", "url", "host"),
    [
        (["https://other.example/"], "http://h/", "other.example"),
        (["http://other.example/"], "http://h/", "other.example"),
        (["https://h/"], "http://h/", "h"),
        (["https://other.example/"], "http://localhost:8080/", "other.example"),
        (["https://localhost/"], "http://localhost/", "localhost"),
        (["http://localhost/", "https://other.example/"], "http://127.0.0.1/", "other.example"),
        (["https://other.example/", "http://h/a"], "http://h/b", "other.example"),
        (["https://a.example/", "http://h/", "http://b.example/"], "http://h/", "b.example"),
    ],
)
def test_plain_http_url_that_a_server_named_is_forbidden(
    way: list[str], url: str, host: str
) -> None:
    assert through(*way, to=url).forbidden_by(parse(url), ()) == host


@pytest.mark.parametrize(
    ("way", "url", "declared"),
    [
        (["http://other.example/"], "https://h/", ()),
        (["http://h/", "http://other.example/"], "http://h/", ()),
        (["http://h/", "https://h/"], "http://h/", ()),
        (["https://other.example/"], "http://h/", ("http://h:80",)),
        (["http://127.0.0.1/"], "http://localhost:8080/", ()),
        (["http://[::1]/", "http://a.localhost/"], "http://127.0.0.2/", ()),
    ],
    ids=[
        "https",
        "begun there",
        "begun there, upgraded",
        "in the manifest",
        "loopback",
        "loopback all the way",
    ],
)
def test_plain_http_url_is_allowed_for_a_reason(
    way: list[str], url: str, declared: tuple[str, ...]
) -> None:
    assert through(*way, to=url).forbidden_by(parse(url), declared) == ""


def test_plain_http_url_of_an_unknown_server_is_forbidden() -> None:
    assert SERVER.forbidden_by(parse("http://localhost/"), ()) == "a server"


# The memory of Locations


@pytest.fixture
def seen() -> SeenLocations:
    return SeenLocations()


@pytest.mark.parametrize(
    "spelling", ["https://h:443/x", "https://H/x", "https://h/a/../x", "https://ada@h/x#y"]
)
def test_location_is_known_in_every_spelling(spelling: str, seen: SeenLocations) -> None:
    seen.note(spelling, ELSEWHERE)
    assert seen.take("https://h/x") == ELSEWHERE


def test_location_marks_one_request(seen: SeenLocations) -> None:
    seen.note("https://h/x", ELSEWHERE)
    assert [seen.take("https://h/x"), seen.take("https://h/x")] == [ELSEWHERE, ()]
    assert not seen.origins


@pytest.mark.parametrize(
    "url", ["https://h/y", "https://h/x?q=1", "https://h:8443/x", "http://h/x", "https://h", "h"]
)
def test_location_marks_no_other_url(url: str, seen: SeenLocations) -> None:
    seen.note("https://h/x", ELSEWHERE)
    assert seen.take(url) == ()


@pytest.mark.parametrize(
    "target", ["https://other.example/x", "javascript:alert(1)", "https://[/", "http://h\\@g/"]
)
def test_location_that_needs_no_mark_is_not_kept(target: str, seen: SeenLocations) -> None:
    seen.note(target, ELSEWHERE)
    assert not seen.origins


def test_newest_locations_are_kept(seen: SeenLocations) -> None:
    seen.note("https://h/0", ELSEWHERE)
    seen.note("https://h/1", ELSEWHERE)
    seen.note("https://h/0", ELSEWHERE)
    for number in range(2, MAX_SEEN_LOCATIONS + 1):
        seen.note(f"https://h/{number}", ELSEWHERE)
    assert sum(seen.origins.values()) == MAX_SEEN_LOCATIONS
    assert [seen.take("https://h/1"), seen.take("https://h/0")] == [(), ELSEWHERE]


def test_origins_of_locations_are_bounded(seen: SeenLocations) -> None:
    for number in range(3 * MAX_SEEN_LOCATIONS):
        seen.note(f"https://h{number}/", ELSEWHERE)
        seen.take(f"https://g{number}/")
    assert len(seen.origins) == len(seen._trails) == MAX_SEEN_LOCATIONS
    assert len(seen._starts) <= MAX_SEEN_LOCATIONS


def test_repr_of_the_seen_locations_shows_no_url(seen: SeenLocations) -> None:
    seen.note("https://ada:s3cret@h/s3cret?sig=s3cret", ELSEWHERE)
    seen.take("https://ada:s3cret@h/s3cret?sig=other")
    kept = [getattr(seen, name) for name in SeenLocations.__slots__]
    assert "s3cret" not in repr((seen, kept))


def test_seen_locations_can_be_cleared_and_survive_a_fork(seen: SeenLocations) -> None:
    seen.note("https://h/x", ELSEWHERE)
    seen._lock.acquire()
    seen.renew_lock()
    seen.clear()
    assert seen.take("https://h/x") == ()
