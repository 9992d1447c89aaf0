"""Published faults of requests, urllib3, pip, curl and httpx with credentials, one test each.

A docstring says what was wrong there, and where that can be read.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import quote

import needs
import pytest
import requests
from leaks import assert_no_secret, told
from proof.sources import KINDS, OAUTH, SOURCES, declare
from proof.stage import SECRET, Stage, installed, mounted
from proof.tunnel import Tunnel
from servers import CHALLENGE, Answer, redirect
from urllib3.util.retry import Retry

import authshim
from authshim import BasicHTTP
from authshim.cli import main
from authshim.errors import UrlError

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH_WAYS = pytest.mark.parametrize("login", [mounted, installed], ids=["mounted", "installed"])
MINE = {"Authorization": f"Bearer {SECRET}"}
"""A header that the caller sets."""


def ask(stage: Stage, login: Callable, url: str = "http://a.example/x", **options: Any) -> None:
    """Send one request, as far as it goes."""
    project = (stage.home / "pixi.toml").exists()
    chain = authshim.Chain.from_environment(manifest=stage.home if project else None)
    with login(chain) as session, suppress(requests.RequestException, ValueError):
        session.verify = stage.servers.authority.file
        session.get(url, timeout=30, **options)


def send_on(stage: Stage, location: str, status: int = 302, **headers: str) -> None:
    """Let the origin, http and https, send everybody on to another place."""
    for recorder in stage.servers.recorders[:2]:
        recorder.on("/x", Answer(status, b"", {"Location": location, **headers}))


def had(stage: Stage, where: str) -> list[bool]:
    """Tell of each request that a server got whether it held the secret."""
    return [told(text, SECRET) != "" for text in stage.received[where]]


@pytest.fixture
def tunnel(stage: Stage) -> Iterator[Tunnel]:
    """A proxy for https, which wants ``eve`` and the secret."""
    servers = stage.servers
    tunnel = Tunnel(
        lambda host: (servers.origin_tls if host == "a.example" else servers.elsewhere_tls).port
    )
    stage.names.to_port(tunnel.port, "proxy.example", 8080)
    yield tunnel
    tunnel.stop()


PROXY = f"http://eve:{quote(SECRET, safe='')}@proxy.example:8080"


# requests


@BOTH_WAYS
def test_cve_2014_1829_a_redirect_takes_no_netrc_password_along(
    login: Callable, stage: Stage
) -> None:
    """A server that a redirect named got the netrc password of the host before.

    https://github.com/pypa/advisory-database/blob/main/vulns/requests/PYSEC-2014-13.yaml
    """
    SOURCES["netrc"].plant(stage, "http")
    send_on(stage, "http://b.example/y")
    ask(stage, login)
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
def test_cve_2014_1830_redirect_past_a_proxy_carries_no_proxy_password(
    login: Callable, stage: Stage
) -> None:
    """A redirect's target that is reached without the proxy got the proxy's password.

    https://github.com/pypa/advisory-database/blob/main/vulns/requests/PYSEC-2014-14.yaml
    """
    stage.keep(a_example=KINDS["BearerToken"])
    send_on(stage, "/y")
    stage.servers.origin.on("/y", redirect("https://b.example/z"))
    stage.monkeypatch.setenv("http_proxy", PROXY)
    ask(stage, login)
    assert all(seen.headers["Proxy-Authorization"] for seen in stage.servers.origin.seen)
    assert [seen.headers["Proxy-Authorization"] for seen in stage.servers.elsewhere_tls.seen] == [
        None
    ]


@BOTH_WAYS
@pytest.mark.parametrize("kind", ["BearerToken", "CondaToken"])
def test_cve_2015_2296_a_cookie_of_a_redirect_stays_with_its_host(
    kind: str, login: Callable, stage: Stage
) -> None:
    """A cookie that came with a redirect belonged to no host, and so was sent to every other.

    https://github.com/pypa/advisory-database/blob/main/vulns/requests/PYSEC-2015-17.yaml
    """
    stage.keep(a_example=KINDS[kind])
    for path in ("/x", f"/t/{SECRET}/x"):
        stage.servers.origin.on(
            path,
            Answer(302, b"", {"Location": "http://b.example/y", "Set-Cookie": f"session={SECRET}"}),
        )
    ask(stage, login)
    assert [seen.headers["Cookie"] for seen in stage.servers.elsewhere.seen] == [None]


@BOTH_WAYS
@pytest.mark.parametrize("whose", ["the chain's", "the caller's"])
def test_cve_2018_18074_https_to_http_takes_no_header_along(
    whose: str, login: Callable, stage: Stage
) -> None:
    """A redirect from https to http on one host took the Authorization header along, in the clear.

    https://github.com/pypa/advisory-database/blob/main/vulns/requests/PYSEC-2018-28.yaml
    """
    if whose == "the chain's":
        stage.keep(a_example=KINDS["BearerToken"])
    stage.servers.origin_tls.on("/x", redirect("http://a.example/y"))
    ask(stage, login, "https://a.example/x", headers={} if whose == "the chain's" else MINE)
    assert (had(stage, "origin_tls"), had(stage, "origin")) == ([True], [False])


@BOTH_WAYS
@pytest.mark.skipif(
    needs.REQUESTS < (2, 31), reason="this requests has the fault: it sends the password itself"
)
def test_cve_2023_32681_a_proxys_password_does_not_go_through_the_tunnel(
    login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    """After a redirect to https, the server behind the tunnel got the proxy's password.

    https://github.com/psf/requests/security/advisories/GHSA-j8r2-6x86-q33q
    """
    send_on(stage, "https://b.example/y")
    stage.monkeypatch.setenv("https_proxy", PROXY)
    ask(stage, login)
    assert [told(head, SECRET) != "" for head in tunnel.heads] == [True]
    assert had(stage, "elsewhere_tls") == [False]


@BOTH_WAYS
@pytest.mark.parametrize("userinfo", ["a.example:", "a.example:@", "a.example", "a.example:80:"])
def test_cve_2024_47081_a_username_is_not_looked_up_as_a_host(
    userinfo: str, login: Callable, stage: Stage
) -> None:
    """The host for netrc was cut out of the URL at the first colon, which may follow a username.

    https://github.com/psf/requests/security/advisories/GHSA-9hjg-9r4m-mvj7
    """
    SOURCES["netrc"].plant(stage, "http")
    ask(stage, login, f"http://{userinfo}@b.example/x")
    assert had(stage, "elsewhere") == [False]


# urllib3


@pytest.fixture
def renewing(stage: Stage) -> Stage:
    """A login that is due, at an endpoint that answers with a redirect elsewhere."""
    endpoint = f"{stage.servers.origin.url}/token"
    stage.keep(
        a_example={
            "OAuth": {
                **OAUTH,
                "expires_at": 1,
                "token_endpoint": endpoint,
                "revocation_endpoint": None,
            }
        }
    )
    return stage


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_cve_2018_20060_what_urllib3_sends_follows_no_redirect(
    status: int, renewing: Stage
) -> None:
    """urllib3's own redirects took the Authorization header along to other origins.

    A request that authshim sends by urllib3 follows no redirect. A refresh token goes to its
    token endpoint only.
    https://github.com/pypa/advisory-database/blob/main/vulns/urllib3/PYSEC-2018-32.yaml
    """
    renewing.servers.origin.on("/token", redirect("http://b.example/token", status))
    ask(renewing, installed)
    assert (had(renewing, "origin")[0], had(renewing, "elsewhere")) == (True, [])


@BOTH_WAYS
@pytest.mark.parametrize("name", ["authorization", "AUTHORIZATION", "aUTHORIZATION"])
def test_cve_2018_25091_a_header_is_taken_off_however_it_is_written(
    name: str, login: Callable, stage: Stage
) -> None:
    """The header was taken off before a redirect only where it was written with one capital letter.

    https://github.com/urllib3/urllib3/issues/1510
    """
    send_on(stage, "http://b.example/y")
    ask(stage, login, headers={name: MINE["Authorization"]})
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
def test_cve_2023_43804_a_cookie_header_stays_with_its_host(login: Callable, stage: Stage) -> None:
    """A Cookie header was taken along to other origins.

    https://github.com/urllib3/urllib3/security/advisories/GHSA-v845-jxx5-vc9f
    """
    send_on(stage, "http://b.example/y")
    ask(stage, login, headers={"Cookie": f"session={SECRET}"})
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
def test_cve_2024_37891_a_proxy_authorization_header_stays_with_its_host(
    login: Callable, stage: Stage
) -> None:
    """A Proxy-Authorization header set by the caller, without a proxy, went to other origins.

    https://github.com/urllib3/urllib3/security/advisories/GHSA-34jh-p97f-mpxf
    """
    send_on(stage, "http://b.example/y")
    ask(stage, login, headers={"Proxy-Authorization": f"Basic {SECRET}"})
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
def test_cve_2025_50181_a_redirect_that_is_switched_off_is_not_followed(
    login: Callable, stage: Stage
) -> None:
    """Redirects were followed although the caller had switched them off for all requests of a pool.

    https://github.com/urllib3/urllib3/security/advisories/GHSA-pq67-6m6q-mj2v
    """
    stage.keep(a_example=KINDS["BearerToken"])
    send_on(stage, "http://b.example/y")
    chain = authshim.Chain.from_environment()
    with login(chain, max_retries=Retry(5, redirect=5, backoff_factor=0)) as session:
        assert (
            session.get("http://a.example/x", timeout=30, allow_redirects=False).status_code == 302
        )
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [])


@pytest.mark.parametrize("status", [302, 307])
def test_cve_2026_44431_a_redirect_behind_a_proxy_is_not_followed_either(
    status: int, stage: Stage, tunnel: Tunnel
) -> None:
    """Behind a proxy the headers that are taken off elsewhere were kept at a redirect.

    A token endpoint behind a proxy keeps what it was sent, too.
    https://github.com/urllib3/urllib3/security/advisories/GHSA-qccp-gfcp-xxvc
    """
    login = {
        **OAUTH,
        "expires_at": 1,
        "token_endpoint": "https://a.example/token",
        "revocation_endpoint": None,
    }
    stage.keep(a_example={"OAuth": login})
    stage.monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", stage.servers.authority.file)
    stage.servers.origin_tls.on("/token", redirect("https://b.example/token", status))
    ask(stage, installed)
    assert had(stage, "origin_tls") == [True]
    assert [head.split()[1] for head in tunnel.heads] == ["a.example:443"]


# pip, of whose leaks none has a number


@pytest.mark.parametrize("line", [["check"], ["check", "-vv"], ["check", "--json"]])
def test_pip_5249_the_url_of_an_index_is_printed_without_its_password(
    line: list[str], stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each run printed the URL of the index with user and password; with -v it did so for longer.

    https://github.com/pypa/pip/issues/5249 and https://github.com/pypa/pip/issues/6124
    """
    stage.monkeypatch.chdir(stage.home)
    SOURCES["manifest"].plant(stage, "http")
    main(line)
    out, err = capfd.readouterr()
    assert "a.example/simple" in out
    assert_no_secret(out, err, secret=SECRET)


@pytest.mark.parametrize(
    "line", [["check"], ["check", "-vv"], ["check", "--json"], ["explain", "URL"]]
)
def test_pip_9973_a_token_in_place_of_the_username_is_not_printed(
    line: list[str], stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    """A token that stands as the username, before an empty password, was printed.

    https://github.com/pypa/pip/issues/9973
    """
    stage.monkeypatch.chdir(stage.home)
    url = f"http://{quote(SECRET, safe='')}:@a.example/simple"
    declare(stage, url)
    main([url if word == "URL" else word for word in line])
    out, err = capfd.readouterr()
    assert "a.example/simple" in out
    assert_no_secret(out, err, secret=SECRET)


# httpx


@pytest.mark.parametrize(
    "part",
    ["b.example/", "b.example#", "b.example?", "b.example\\", "b.example:80/", "x@b.example/"],
)
def test_cve_2021_41945_no_part_of_a_url_becomes_its_host(part: str, stage: Stage) -> None:
    """A part that was put into a URL could bring along another host, since it was not checked.

    A username goes before the host, and a conda token behind it; neither becomes the host.
    https://github.com/pypa/advisory-database/blob/main/vulns/httpx/PYSEC-2022-183.yaml
    """
    stage.monkeypatch.chdir(stage.home)
    declare(stage, f"http://{quote(part, safe='')}@a.example/simple")
    main(["check", "--json"])
    if "\\" not in part:
        stage.keep(a_example={"CondaToken": part + SECRET})
        for url in (
            "http://a.example",
            "http://a.example?x",
            "http://a.example#x",
            "http://a.example/x",
        ):
            ask(stage, installed, url)
    assert {host for host, _ in stage.names.dialled if host != "pypi.org"} == {"a.example"}


# curl


@BOTH_WAYS
def test_cve_2003_1605_the_server_does_not_get_the_proxys_password(
    login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    """The password of a proxy that tunnels was sent to the server behind it as well.

    https://curl.se/docs/CVE-2003-1605.html
    """
    stage.monkeypatch.setenv("https_proxy", PROXY)
    ask(stage, login, "https://a.example/x")
    assert [told(head, SECRET) != "" for head in tunnel.heads] == [True]
    assert had(stage, "origin_tls") == [False]


@pytest.mark.parametrize("kept", ["ample", "*.ample", "xample", "*.xample"])
def test_cve_2013_1944_a_name_that_ends_alike_is_another_host(kept: str, stage: Stage) -> None:
    """curl sent what belonged to ample.com to example.com, which ends alike.

    https://curl.se/docs/CVE-2013-1944.html
    """
    stage.keep(**{kept: KINDS["BearerToken"]})
    stage.write(".netrc", f"machine {kept} login ada password {SECRET}\n")
    ask(stage, installed)
    assert had(stage, "origin") == [False]


@pytest.mark.parametrize("kept", ["*.0.0.1", "*.0.1", "0.0.1", "*.1"])
def test_cve_2014_3613_an_address_has_no_domain(kept: str, stage: Stage) -> None:
    """An address was taken for a name, and its end for the domain that it belongs to.

    https://curl.se/docs/CVE-2014-3613.html
    """
    stage.keep(**{kept.replace(".", "_"): KINDS["BearerToken"]})
    ask(stage, installed, f"{stage.servers.origin.url}/x")
    assert had(stage, "origin") == [False]


@BOTH_WAYS
@pytest.mark.parametrize("whose", ["the chain's", "the caller's"])
def test_cve_2015_3153_the_proxy_does_not_get_the_servers_header(
    whose: str, login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    """The headers for a server were sent to the proxy that leads to it, too.

    https://curl.se/docs/CVE-2015-3153.html
    """
    if whose == "the chain's":
        stage.keep(a_example=KINDS["BearerToken"])
    stage.monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    ask(stage, login, "https://a.example/x", headers={} if whose == "the chain's" else MINE)
    assert had(stage, "origin_tls") == [True]
    assert len(tunnel.heads) == 1
    assert_no_secret(tunnel.heads, secret=SECRET)


@BOTH_WAYS
def test_cve_2015_3236_a_connection_keeps_no_credential(login: Callable, stage: Stage) -> None:
    """A connection that was used again sent the credentials of its first request again.

    https://curl.se/docs/CVE-2015-3236.html
    """
    with login(authshim.Chain.from_environment()) as session:
        session.get(f"http://ada:{quote(SECRET, safe='')}@a.example/private", timeout=30)
        session.get("http://a.example/public", timeout=30)
    assert len(stage.names.dialled) == 1
    assert had(stage, "origin") == [True, False]


@BOTH_WAYS
def test_cve_2016_8616_a_password_is_compared_letter_by_letter(
    login: Callable, stage: Stage
) -> None:
    """User and password were compared without regard to case, so that a wrong one was sent.

    https://curl.se/docs/CVE-2016-8616.html
    """
    pairs = ["ada:Secret", "ada:SECRET", "Ada:Secret"]
    with login(authshim.Chain.from_environment()) as session:
        for pair in pairs:
            session.get(f"http://{pair}@a.example/x", timeout=30)
    sent = [
        base64.b64decode(str(seen.authorization).split()[1]).decode()
        for seen in stage.servers.origin.seen
    ]
    assert sent == pairs


@BOTH_WAYS
@pytest.mark.parametrize("mark", ["#", "?", "/", "#:80"])
def test_cve_2016_8624_a_host_ends_at_its_first_mark(
    mark: str, login: Callable, stage: Stage
) -> None:
    """A host that ends at # was read on up to the @, as if it were a username.

    https://curl.se/docs/CVE-2016-8624.html
    """
    stage.keep(a_example=KINDS["BearerToken"])
    ask(stage, login, f"http://b.example{mark}@a.example/x")
    assert [host for host, _ in stage.names.dialled] == ["b.example"]
    assert had(stage, "elsewhere") == [False]


@BOTH_WAYS
def test_cve_2016_8625_dialled_host_is_the_one_looked_up(login: Callable, stage: Stage) -> None:
    """By the older rules ß was dialled as ss, which is another host.

    https://curl.se/docs/CVE-2016-8625.html
    """
    stage.keep(strasse_example=KINDS["BearerToken"], straße_example={"BearerToken": "its-own"})
    ask(stage, login, "http://straße.example/x")
    assert [host for host, _ in stage.names.dialled] == ["xn--strae-oqa.example"]
    assert [seen.authorization for seen in stage.servers.elsewhere.seen] == ["Bearer its-own"]


@BOTH_WAYS
def test_cve_2018_1000007_a_header_of_the_callers_stays_with_its_host(
    login: Callable, stage: Stage
) -> None:
    """An Authorization header of the caller's was sent to every host that a redirect named.

    https://curl.se/docs/CVE-2018-1000007.html
    """
    send_on(stage, "http://b.example/y")
    ask(stage, login, headers=MINE)
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
@pytest.mark.parametrize("from_where", ["URL", "netrc", "manifest"])
@pytest.mark.parametrize("location", ["y", "/y", "?y", "//a.example/y"])
def test_cve_2020_8169_no_end_of_a_password_becomes_the_host(
    location: str, from_where: str, login: Callable, stage: Stage
) -> None:
    """At a relative redirect, a password with an @ was not quoted: its end became the host.

    https://curl.se/docs/CVE-2020-8169.html
    """
    password = "passw@rd123"
    userinfo = f"ada:{quote(password, safe='')}@"
    if from_where == "netrc":
        stage.write(".netrc", f"machine a.example login ada password {password}\n")
    elif from_where == "manifest":
        declare(stage, f"http://{userinfo}a.example/simple")
    send_on(stage, location)
    ask(stage, login, f"http://{userinfo if from_where == 'URL' else ''}a.example/x")
    assert {host for host, _ in stage.names.dialled} == {"a.example"}
    assert {seen.authorization for seen in stage.servers.origin.seen} == {
        BasicHTTP("ada", password).header
    }


@BOTH_WAYS
@pytest.mark.parametrize("source", ["URL", "auth file, CondaToken"])
def test_cve_2021_22876_no_referer_tells_of_the_request_before(
    source: str, login: Callable, stage: Stage
) -> None:
    """The URL of the request before was sent as the Referer, user and password included.

    https://curl.se/docs/CVE-2021-22876.html
    """
    SOURCES[source].plant(stage, "http")
    send_on(stage, "http://b.example/y")
    stage.servers.origin.on(f"/t/{SECRET}/x", redirect("http://b.example/y"))
    ask(stage, login, f"http://{SOURCES[source].userinfo}a.example/x")
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
def test_cve_2021_22923_a_link_gets_nothing_of_the_page(login: Callable, stage: Stage) -> None:
    """The credentials for a list of files were sent to each server that the list named.

    What a page of an index links to on another host gets nothing of the index.
    https://curl.se/docs/CVE-2021-22923.html
    """
    SOURCES["manifest"].plant(stage, "http")
    for url in (
        "http://a.example/simple/demo/",
        "http://b.example/demo-1.0.whl",
        "https://b.example/demo-1.0.whl",
    ):
        ask(stage, login, url)
    assert had(stage, "origin") == [True]
    assert (had(stage, "elsewhere"), had(stage, "elsewhere_tls")) == ([False], [False])


@BOTH_WAYS
@pytest.mark.parametrize(
    ("source", "location"),
    [
        *product(
            ["manifest", "URL", "auth file", "caller"],
            ["http://a.example:8080/y", "https://a.example:8443/y"],
        ),
        # From http to https of one host, the caller's credential is kept, as requests does it,
        # and so is one that an index declares.
        ("auth file", "https://a.example/y"),
    ],
)
def test_cve_2022_27774_another_port_or_scheme_is_another_server(
    source: str, location: str, login: Callable, stage: Stage
) -> None:
    """Other ports and schemes of the same host were taken for the same server.

    https://curl.se/docs/CVE-2022-27774.html
    """
    if source == "auth file":
        stage.keep(**{"a_example:80": KINDS["BasicHTTP"]})
    elif source == "manifest":
        SOURCES["manifest"].plant(stage, "http")
    send_on(stage, location)
    userinfo = SOURCES["URL"].userinfo if source == "URL" else ""
    ask(stage, login, f"http://{userinfo}a.example/x", headers=MINE if source == "caller" else {})
    assert had(stage, "origin") == [True]
    assert [*had(stage, "origin_tls"), *had(stage, "elsewhere"), *had(stage, "elsewhere_tls")] == [
        False
    ]


@BOTH_WAYS
@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
def test_cve_2022_27776_a_header_of_the_callers_stays_with_its_port(
    name: str, login: Callable, stage: Stage
) -> None:
    """Headers that the caller set were sent to another port of the same host.

    https://curl.se/docs/CVE-2022-27776.html
    """
    send_on(stage, "http://a.example:8080/y")
    ask(stage, login, headers={name: f"session={SECRET}"})
    assert (had(stage, "origin"), had(stage, "elsewhere")) == ([True], [False])


@BOTH_WAYS
@pytest.mark.parametrize(
    "second", ["machine b.example", "machine b.example login bob", "default", "default login bob"]
)
@pytest.mark.parametrize("asks", [False, True])
def test_cve_2024_11053_2025_0167_entry_without_password_gets_no_other(
    asks: bool, second: str, login: Callable, stage: Stage
) -> None:
    """curl sent the first host's password to the second if netrc's entry for that had none.

    https://curl.se/docs/CVE-2024-11053.html and https://curl.se/docs/CVE-2025-0167.html
    """
    stage.write(".netrc", f"machine a.example\n  login ada\n  password {SECRET}\n\n{second}\n")
    send_on(stage, "http://b.example/y")
    stage.servers.elsewhere.default = CHALLENGE if asks else Answer()
    ask(stage, login)
    assert had(stage, "origin") == [True]
    assert not any(had(stage, "elsewhere"))
    assert stage.servers.elsewhere.seen


@BOTH_WAYS
@pytest.mark.parametrize("scheme", ["ftp", "imap", "ldap", "pop3", "smtp", "file", "s3", "ws"])
def test_cve_2025_14524_another_protocol_gets_nothing(
    scheme: str, login: Callable, stage: Stage
) -> None:
    """A redirect to another protocol took a bearer token along.

    https://curl.se/docs/CVE-2025-14524.html
    """
    stage.keep(a_example=KINDS["BearerToken"])
    send_on(stage, f"{scheme}://ada@a.example/y")
    ask(stage, login)
    assert had(stage, "origin") == [True]
    assert stage.names.dialled == [("a.example", 80)]
    with suppress(UrlError):  # s3:// has buckets and no users
        assert authshim.Chain.from_environment().find(f"{scheme}://ada@a.example/y") is None


@BOTH_WAYS
@pytest.mark.parametrize("second", ["machine b.example", "default"])
def test_cve_2026_3783_a_token_does_not_go_where_netrc_has_an_entry(
    second: str, login: Callable, stage: Stage
) -> None:
    """A bearer token went to the host that a redirect named if netrc had an entry for that host.

    https://curl.se/docs/CVE-2026-3783.html
    """
    stage.keep(a_example=KINDS["BearerToken"])
    stage.write(".netrc", f"{second} login bob password its-own\n")
    send_on(stage, "https://b.example/y")
    ask(stage, login)
    assert (had(stage, "origin"), had(stage, "elsewhere_tls")) == ([True], [False])
    # A default entry waits for a 401, and a server that another server named does not get it.
    expected = BasicHTTP("bob", "its-own").header if second != "default" else None
    assert [seen.authorization for seen in stage.servers.elsewhere_tls.seen] == [expected]


@BOTH_WAYS
def test_cve_2026_3784_9079_each_user_of_a_proxy_has_an_own_tunnel(
    login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    """A tunnel and a removed password were reused for another user of the proxy, or for none.

    https://curl.se/docs/CVE-2026-3784.html and https://curl.se/docs/CVE-2026-9079.html
    """
    with login(authshim.Chain.from_environment()) as session:
        for proxy in (PROXY, "http://bob:its-own@proxy.example:8080", "http://proxy.example:8080"):
            proxies = {"https": proxy}
            session.get(
                "https://a.example/x",
                proxies=proxies,
                verify=stage.servers.authority.file,
                timeout=30,
            )
    assert [told(head, SECRET) != "" for head in tunnel.heads] == [True, False, False]
    assert ["Proxy-Authorization" in head for head in tunnel.heads] == [True, True, False]


@BOTH_WAYS
def test_cve_2026_6253_a_second_proxy_does_not_get_the_firsts_password(
    login: Callable, stage: Stage, tunnel: Tunnel
) -> None:
    """At a redirect from http to https, the proxy of https got the password of the proxy of http.

    https://curl.se/docs/CVE-2026-6253.html
    """
    stage.names(stage.servers.origin, "proxy.example", 8080)
    stage.names.to_port(tunnel.port, "second.example", 8080)
    stage.monkeypatch.setenv("http_proxy", PROXY)
    stage.monkeypatch.setenv("https_proxy", "http://second.example:8080")
    send_on(stage, "https://b.example/y")
    ask(stage, login)
    assert had(stage, "origin") == [True]
    assert ["Proxy-Authorization" in head for head in tunnel.heads] == [False]
    assert had(stage, "elsewhere_tls") == [False]


@BOTH_WAYS
@pytest.mark.parametrize("second", ["", "machine b.example\n", "machine b.example login bob\n"])
def test_cve_2026_6429_a_connection_to_a_proxy_keeps_no_netrc_password(
    second: str, login: Callable, stage: Stage
) -> None:
    """curl sent the first host's netrc password to the second over one connection to a proxy.

    https://curl.se/docs/CVE-2026-6429.html
    """
    stage.write(".netrc", f"machine a.example login ada password {SECRET}\n{second}")
    stage.monkeypatch.setenv("http_proxy", "http://proxy.example:8080")
    stage.servers.origin.on("/x", redirect("http://b.example/y"))
    ask(stage, login)
    assert stage.names.dialled == [("proxy.example", 8080)]
    assert had(stage, "origin") == [True, False]


@BOTH_WAYS
@pytest.mark.parametrize("entry", ["machine a.example", "default"])
@pytest.mark.parametrize("asks", [False, True])
def test_cve_2026_8926_a_user_in_the_url_gets_nobody_elses_password(
    asks: bool, entry: str, login: Callable, stage: Stage
) -> None:
    """For a URL with a username and no password, netrc's password of another user was taken.

    https://curl.se/docs/CVE-2026-8926.html
    """
    stage.write(".netrc", f"{entry} login bob password {SECRET}\n")
    stage.servers.origin.default = CHALLENGE if asks else Answer()
    ask(stage, login, "http://ada@a.example/x")
    assert had(stage, "origin") == [False]
