"""A credential goes to its own origin only, wherever and however a server redirects.

a.example is the origin, with one server for http and one for https. Every other name, and every
other port of a.example, leads to servers that ask everybody for a login. All that they get is
searched for the secret.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urlsplit

import needs
import pytest
import requests
from ci_jobs import VARIABLES
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import assert_no_secret, told
from proof.in_process import answer_in_process
from proof.namings import AT_PREFIX_DEV, CI_IDENTITY, HOW, WHAT, WHERE, Cell, How, Where, reason
from proof.sources import IDENTITY, KINDS, MINT, SOURCES, UV_STORE, Source
from proof.stage import CHALLENGE, SECRET, Stage, installed, mounted
from proof.tunnel import Tunnel
from servers import Answer, redirect

import authshim
from authshim.lookup.locations import seen_locations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Seen

pytestmark = pytest.mark.unmeasured

BOTH_WAYS = pytest.mark.parametrize("login", [mounted, installed], ids=["mounted", "installed"])
STATUSES = [301, 302, 303, 307, 308]

HERE = [
    "/y",
    "y",
    "?y",
    "",
    "//a.example/y",
    "//A.EXAMPLE:80/y",
    "http://a.example/y",
    "http://a.example:80/y",
    "http://a.example:080/y",
    "http://a.example:/y",
    "HTTP://A.Example/y",
    "http://a%2eexample/y",
    "http://a.example\\b.example/y",
]
"""Locations that lead back to http://a.example, however they are written."""

OTHER_HOSTS = [
    "http://b.example/y",
    "//b.example/y",
    "http://sub.a.example/y",
    "http://example/y",
    "http://ba.example/y",
    "http://a.example.b.example/y",
    "http://a.exampl/y",
    "http://a.example.example/y",
    "http://a-example/y",
    "http://a.example./y",
    "http://127.0.0.1/y",
    "http://[::1]/y",
]
OTHER_PORTS = ["http://a.example:8080/y", "//a.example:81/y", "https://a.example:8443/y"]
TRICKS = [
    "http://a.example@b.example/y",
    "http://a.example:80@b.example/y",
    "http://a.example:80%2F@b.example/y",
    "http://a.example%2F@b.example/y",
    "http://a.example%40b.example/y",
    "http://a.example\\@b.example/y",
    "http://b.example\\@a.example/y",
    "http://b.example#@a.example/y",
    "http://b.example?@a.example/y",
    "http://b.example/@a.example/y",
    "http://b.example;a.example/y",
    "http://a.example%2f.b.example/y",
    "http://a.example%00.b.example/y",
    "http://a.example%23.b.example/y",
    "http://a.example%252eb.example/y",
    "http://b.example:80:a.example/y",
    "http://a.example b.example/y",
    "http://a.example\tb.example/y",
    "http:\\\\b.example/y",
    "http:///b.example/y",
    "///b.example/y",
    "/\\b.example/y",
    "//a.example@b.example/y",
    "//b.example\\@a.example/y",
    "http://[a.example]/y",
    "http://ada@b.example/y",
    "http://ada:@b.example/y",
    "javascript://a.example/%0ax",
    "ftp://a.example/y",
]
LOOK_ALIKES = [
    "http://а.example/y",  # a Cyrillic letter
    "http://ａ.example/y",
    "http://a。example/y",
    "http://a.exa\u00admple/y",
    "http://a.example\u2044b.example/y",
    "http://a.example\uff0fb.example/y",
    "http://xn--a-.example/y",
]
ELSEWHERE = [*OTHER_HOSTS, *TRICKS, *LOOK_ALIKES]

PRESIGNED = [
    "X-Amz-Signature=1",
    "x-goog-signature=1",
    "sv=1&sig=1",
    "Signature=1&Key-Pair-Id=1",
    "AWSAccessKeyId=1&Signature=1",
    "GoogleAccessId=1&Signature=1",
]

FOR_A_HOST = ["keychain, OAuth", "netrc"]
"""Keys without a port, as rattler and netrc have them, are for every port of their host."""

SOME = [
    "auth file, BasicHTTP",
    "auth file, BearerToken",
    "auth file, CondaToken",
    "URL",
    "uv",
    *FOR_A_HOST,
]
SOME += [
    name
    for name in ("keyring", "manifest", "netrc, default", "keyring, declared without a user")
    if name in SOURCES
]

HTTPS_ONLY = [name for name in SOURCES if SOURCES[name].https]

FEW = [name for name in ("auth file, CondaToken", "netrc", "URL", "keyring") if name in SOME]
"""One of each way in which a credential gets into a request."""


def header(text: str) -> str:
    """Write a Location as servers do, which is in UTF-8."""
    return text.encode().decode("latin-1")


def reset(stage: Stage) -> None:
    """Forget what was seen and said, and let everybody elsewhere ask who is there."""
    for recorder in stage.servers.recorders:
        recorder.reset()
    for recorder in stage.servers.recorders[2:]:
        recorder.default = CHALLENGE


def send_on(stage: Stage, location: str, status: int = 302) -> Callable[[Seen], Answer | None]:
    """Return a script that sends everybody on, once they have shown what is asked for."""

    def script(seen: Seen) -> Answer | None:
        if stage.asks and not seen.authorization:
            return CHALLENGE
        return redirect(header(location), status) if seen.path.endswith("/simple/x") else None

    return script


def ask(
    stage: Stage, login: Callable, source: Source, *, scheme: str = "http", **options: Any
) -> None:
    """Ask for a page of a.example, as far as that goes."""
    chain = authshim.Chain.from_environment(manifest=stage.home if source.project else None)
    with login(chain) as session, suppress(requests.RequestException, ValueError):
        session.max_redirects = 3
        session.verify = stage.servers.authority.file
        url = f"{scheme}://{source.userinfo}{source.host}/simple/x"
        session.get(url, timeout=30, **options)


def follow(stage: Stage, login: Callable, source: Source, location: str, status: int = 302) -> None:
    """Ask for a page of a.example, from where everybody is sent on."""
    reset(stage)
    stage.servers.origin.on("/*", send_on(stage, location, status))
    ask(stage, login, source)


def arrived(stage: Stage, where: str) -> list[bool]:
    """Tell of each request that a server got whether it held the secret."""
    return [told(text, SECRET) != "" for text in stage.received[where]]


def prepare(stage: Stage, name: str, *, scheme: str = "http") -> Source:
    """Plant a credential of a.example; in the auth file for one port."""
    source = SOURCES[name]
    source.plant(stage, scheme)
    stage.asks = source.asked
    if name.startswith("auth file"):
        stage.keep(
            **{f"a_example:{80 if scheme == 'http' else 443}": KINDS[name.partition(", ")[2]]}
        )
    return source


@BOTH_WAYS
@pytest.mark.parametrize("name", SOME)
def test_a_redirect_within_the_origin_keeps_its_credential(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    # If nothing is declared, the user stands in the URL alone: a Location without a user leads to
    # no credential.
    for location in HERE[: HERE.index("//a.example/y")] if name == "keyring" else HERE:
        follow(stage, login, source, location)
        assert arrived(stage, "origin")[-1], f"{location!r} lost it"
        assert_no_secret(
            stage.received["elsewhere"], stage.received["elsewhere_tls"], secret=SECRET
        )


@BOTH_WAYS
@pytest.mark.parametrize("name", SOME)
def test_a_redirect_elsewhere_carries_no_credential(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    for location in [
        *(ELSEWHERE if name in FEW else OTHER_HOSTS),
        *([] if name in FOR_A_HOST else OTHER_PORTS),
    ]:
        follow(stage, login, source, location)
        for where in ("elsewhere", "elsewhere_tls", "origin_tls"):
            assert not any(arrived(stage, where)), f"{location!r} took it to {where}"
        if location in (*OTHER_HOSTS, *OTHER_PORTS):
            assert stage.servers.elsewhere.seen or stage.servers.elsewhere_tls.seen, (
                f"{location!r} led nowhere"
            )


@BOTH_WAYS
@pytest.mark.parametrize("name", FOR_A_HOST)
def test_a_credential_of_a_host_is_for_all_its_https_ports(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    follow(stage, login, source, "https://a.example:8443/y")
    assert arrived(stage, "elsewhere_tls")[-1]


@pytest.fixture
def without_wire(stage: Stage) -> None:
    """Hand the requests to the servers directly: no URL of the test is written in an odd way."""
    answer_in_process(stage)


@pytest.mark.usefixtures("without_wire")
@BOTH_WAYS
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", FEW)
def test_every_kind_of_redirect_is_alike(
    name: str, status: int, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    follow(stage, login, source, "/y", status)
    assert arrived(stage, "origin")[-1]
    for location in ("http://b.example/y", "//sub.a.example/y"):
        follow(stage, login, source, location, status)
        assert arrived(stage, "elsewhere") == [False]


# From one scheme to the other


@pytest.mark.usefixtures("without_wire")
@BOTH_WAYS
@pytest.mark.parametrize(
    ("name", "status"),
    [(name, status) for name in FEW for status in STATUSES] + [(name, 302) for name in HTTPS_ONLY],
)
def test_https_to_http_carries_no_credential(
    name: str, status: int, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name, scheme="https")
    stage.servers.origin.default = stage.servers.elsewhere.default = CHALLENGE
    own = f"http://{source.host}"
    for location in (f"{own}/y", f"{own}:8080/y", "http://b.example/y"):
        stage.servers.origin_tls.on("/*", send_on(stage, location, status))
        ask(stage, login, source, scheme="https")
        assert any(arrived(stage, "origin_tls"))
        assert not any(arrived(stage, "origin"))
        assert not any(arrived(stage, "elsewhere"))


@pytest.mark.usefixtures("without_wire")
@BOTH_WAYS
@pytest.mark.parametrize("name", ["uv", *HTTPS_ONLY])
def test_https_to_another_https_origin_carries_no_credential(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name, scheme="https")
    host = source.host
    for location in (f"https://{host}:8443/y", "https://b.example/y", f"https://sub.{host}/y"):
        stage.servers.elsewhere_tls.reset()
        stage.servers.origin_tls.on("/*", send_on(stage, location))
        ask(stage, login, source, scheme="https")
        assert any(arrived(stage, "origin_tls"))
        assert arrived(stage, "elsewhere_tls") == [False]


@BOTH_WAYS
@pytest.mark.parametrize("name", HTTPS_ONLY)
def test_login_without_a_scheme_goes_nowhere_over_http(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    stage.servers.origin.default = CHALLENGE
    ask(stage, login, source)
    assert arrived(stage, "origin") == [False]


@BOTH_WAYS
@pytest.mark.parametrize("name", FOR_A_HOST)
def test_http_to_https_keeps_the_credential_of_the_host(
    name: str, login: Callable, stage: Stage
) -> None:
    source = prepare(stage, name)
    stage.servers.origin.on("/*", send_on(stage, "https://a.example/y"))
    ask(stage, login, source)
    assert arrived(stage, "origin_tls") == [True]


# What else a Location may name


@BOTH_WAYS
@pytest.mark.parametrize("name", [name for name in FEW if name != "URL"])
def test_nothing_is_added_to_a_presigned_url(name: str, login: Callable, stage: Stage) -> None:
    source = prepare(stage, name)
    for query in PRESIGNED:
        follow(stage, login, source, f"/y?{query}")
        assert [told(text, SECRET) != "" for text in stage.received["origin"] if "/y?" in text] == [
            False
        ]


@BOTH_WAYS
def test_each_of_two_hosts_gets_its_own_credential(login: Callable, stage: Stage) -> None:
    stage.keep(a_example={"BearerToken": SECRET}, b_example={"BearerToken": "its-own"})
    stage.servers.origin.on("/*", send_on(stage, "https://b.example/y"))
    ask(stage, login, Source(plant=lambda *_: None))
    assert [seen.authorization for seen in stage.servers.elsewhere_tls.seen] == ["Bearer its-own"]


@BOTH_WAYS
def test_a_header_that_the_caller_set_goes_nowhere_else(login: Callable, stage: Stage) -> None:
    for location in [*ELSEWHERE, *OTHER_PORTS]:
        reset(stage)
        stage.servers.origin.on("/*", send_on(stage, location))
        ask(
            stage,
            login,
            Source(plant=lambda *_: None),
            headers={"Authorization": f"Bearer {SECRET}"},
        )
        assert arrived(stage, "origin")[0]
        for where in ("elsewhere", "elsewhere_tls", "origin_tls"):
            assert not any(arrived(stage, where)), f"{location!r} took it to {where}"


PIECES = [
    *(
        "http://",
        "//",
        "/",
        "\\",
        "@",
        ":",
        ":80",
        "?",
        "#",
        ".",
        ";",
        "[",
        "]",
        "%",
        "xn--",
        "ada",
    ),
    *("a.example", "b.example", "a", "а", "。", "%2e", "%2F", "%40", "%5C", "%00"),
]


@BOTH_WAYS
@settings(max_examples=60)
@given(location=st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
def test_no_location_takes_a_credential_elsewhere(
    login: Callable, stage: Stage, location: str
) -> None:
    source = prepare(stage, "auth file, BearerToken")
    follow(stage, login, source, location)
    for where in ("elsewhere", "elsewhere_tls", "origin_tls"):
        assert not any(arrived(stage, where)), f"{location!r} took it to {where}"


# A request that somebody has prepared by hand: its URL was read by nobody yet


@BOTH_WAYS
@pytest.mark.parametrize("trick", ["\\@", "%5C@", "\t\\@", "%2F@", "%00."])
def test_a_request_whose_url_two_parsers_read_in_two_ways_gets_nothing(
    trick: str, login: Callable, stage: Stage
) -> None:
    stage.keep(a_example=KINDS["BearerToken"])
    request = requests.Request("GET", "http://a.example/").prepare()
    request.url = f"http://a.example{trick}b.example/y"
    with (
        login(authshim.Chain.from_environment()) as session,
        suppress(requests.RequestException, ValueError),
    ):
        session.send(request, timeout=30)
    assert not any(arrived(stage, "elsewhere"))


@pytest.mark.skipif(
    needs.REQUESTS < (2, 32), reason="this requests looks up the whole netloc in netrc"
)
def test_requests_alone_sends_netrc_to_the_host_before_a_backslash(
    stage: Stage,
) -> None:
    r"""The limit of an adapter that is only mounted.

    requests reads netrc with the URL as it was typed, in which the standard library sees a.example,
    and only then rewrites the URL to http://b.example/%5C@a.example/. The adapter cannot tell the
    header that it gets from one that the caller has set. After ``install``, requests reads no
    netrc.
    """
    SOURCES["netrc"].plant(stage, "http")
    with mounted(authshim.Chain.from_environment()) as session:
        session.get("http://b.example\\@a.example/", timeout=30)
    assert arrived(stage, "elsewhere") == [True]
    reset(stage)
    with installed(authshim.Chain.from_environment()) as session:
        session.get("http://b.example\\@a.example/", timeout=30)
    assert arrived(stage, "elsewhere") == [False]


# Proxies


@BOTH_WAYS
def test_a_proxy_for_http_gets_what_it_passes_on_and_no_more(login: Callable, stage: Stage) -> None:
    stage.keep(a_example=KINDS["BearerToken"])
    stage.names(stage.servers.elsewhere, "proxy.example", 8080)
    stage.servers.elsewhere.default = Answer()
    with login(authshim.Chain.from_environment()) as session:
        session.proxies["http"] = "http://eve:proxy-password@proxy.example:8080"
        session.get("http://a.example/x", timeout=30)
        session.get("http://b.example/x", timeout=30)
    assert arrived(stage, "elsewhere") == [True, False]
    assert len({seen.headers["Proxy-Authorization"] for seen in stage.servers.elsewhere.seen}) == 1


@pytest.fixture
def tunnel(stage: Stage) -> Iterator[Tunnel]:
    """A proxy for https to a.example; what goes to another host ends elsewhere."""
    servers = stage.servers
    tunnel = Tunnel(
        lambda host: (servers.origin_tls if host == "a.example" else servers.elsewhere_tls).port
    )
    stage.names.to_port(tunnel.port, "proxy.example", 8080)
    yield tunnel
    tunnel.stop()


@BOTH_WAYS
@pytest.mark.parametrize("name", SOME)
def test_a_proxy_for_https_gets_no_credential(
    name: str, login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    source = prepare(stage, name, scheme="https")
    stage.servers.origin_tls.on("/*", send_on(stage, "https://b.example/y"))
    stage.monkeypatch.setenv("https_proxy", "http://eve:proxy-password@proxy.example:8080")
    ask(stage, login, source, scheme="https")
    assert any(arrived(stage, "origin_tls"))
    assert [head.split()[1] for head in tunnel.heads][-1] == "b.example:443"
    assert_no_secret(tunnel.heads, stage.received["elsewhere_tls"], secret=SECRET)
    to_servers = [*stage.received["origin_tls"], *stage.received["elsewhere_tls"]]
    if needs.REQUESTS < (2, 31):
        return  # CVE-2023-32681: this requests sends the proxy's password to the server itself
    assert not any("proxy-authorization" in text.lower() for text in to_servers)


# netrc's default


@BOTH_WAYS
def test_a_netrc_default_answers_the_host_that_was_asked_for_and_no_other(
    login: Callable, stage: Stage
) -> None:
    source = prepare(stage, "netrc, default")
    follow(stage, login, source, "http://b.example/y")
    assert arrived(stage, "origin") == [False, True]
    assert arrived(stage, "elsewhere") == [False]


# Who named the URL: the matrix of how it came, where it leads, and what could be collected


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("how", HOW)
def test_a_url_gets_what_its_namer_allows(how: str, where: str, stage: Stage) -> None:
    got: dict[str, bool] = {}
    allowed: dict[str, str] = {}
    for name in WHAT:
        got[name] = collected(name, HOW[how], WHERE[where], stage)
        allowed[name] = reason(HOW[how], WHERE[where], name)
    assert got == {name: bool(why) for name, why in allowed.items()}, allowed


@pytest.mark.parametrize("how", HOW)
def test_servers_get_over_the_wire_what_they_get_without_it(how: str, stage: Stage) -> None:
    for where in ("same origin", "http to another https host", "https to http"):
        for name in ("exact key", "wide wildcard"):
            allowed = reason(HOW[how], WHERE[where], name)
            assert collected(name, HOW[how], WHERE[where], stage) == bool(allowed), (where, name)


@pytest.mark.usefixtures("without_wire")
@pytest.mark.skipif(CI_IDENTITY not in WHAT, reason="the extra ci needs urllib3 2")
@pytest.mark.parametrize("how", HOW)
def test_prefix_dev_gets_an_identity_if_its_namer_allows(how: str, stage: Stage) -> None:
    for place, where in AT_PREFIX_DEV.items():
        stage.servers.github.clear()
        allowed = reason(HOW[how], where, CI_IDENTITY)
        got = collected(CI_IDENTITY, HOW[how], where, stage)
        exchanges = [
            text for texts in stage.received.values() for text in texts if IDENTITY in text
        ]
        assert got == bool(allowed), (place, allowed)
        assert len(exchanges) == len(stage.servers.github.seen) == int(got), place
        assert all(text.startswith(f"{MINT}\n") for text in exchanges), place


def collected(name: str, how: How, where: Where, stage: Stage) -> bool:
    """Play one cell, in a home that keeps nothing else, and tell if the target got it."""
    seen_locations.clear()
    reset(stage)
    for kept in (".netrc", ".rattler/credentials.json", UV_STORE):
        (stage.home / kept).unlink(missing_ok=True)
    stage.monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", "false")
    for variable in VARIABLES.values():
        stage.monkeypatch.delenv(variable, raising=False)
    what = WHAT[name]
    what.plant(stage, urlsplit(where.target).netloc)
    return how.run(Cell(stage, where, what))
