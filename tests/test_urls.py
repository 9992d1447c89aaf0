"""URLs as they are dialled, the keys they are looked up under, and what is shown of them."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import assert_no_secret

from authshim.errors import UrlError
from authshim.redact import redact
from authshim.secret import Secret
from authshim.urls import (
    HOST,
    KINDS,
    PATH,
    PORT,
    WILDCARD,
    Key,
    host_keys,
    is_ip,
    is_loopback,
    normalise,
    normalise_key,
    parse,
    without_userinfo,
)
from authshim.urls.paths import cut_after_simple, index_root, prefixes
from authshim.urls.presigned import is_presigned


def keys(url: str, *path_keys: str) -> list[str]:
    return [str(key) for key in host_keys(parse(url), frozenset(path_keys))]


# reading


def test_url_is_read_into_its_parts() -> None:
    url = parse("https://h.example:8443/a/b?c#d")
    assert (url.scheme, url.host, url.port, url.path) == ("https", "h.example", 8443, "/a/b")


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_port_is_the_default_if_the_url_names_none(scheme: str, port: int) -> None:
    assert parse(f"{scheme}://h.example/").port == port


PLAIN_URLS = st.from_regex(
    r"https?://([A-Za-z0-9_.~-]{1,3}@)?[a-z0-9.-]{1,9}(:[0-9]{1,6})?(/[A-Za-z0-9_.~+-]{0,3}){0,4}",
    fullmatch=True,
)


@pytest.mark.unmeasured
@given(PLAIN_URLS)
def test_plain_url_is_read_as_urllib3_reads_it(url: str) -> None:
    def read(text: str) -> object:
        with suppress(UrlError):
            return parse(text)
        return None

    assert read(url) == read(f"{url}?")  # a query is for urllib3


def test_plain_url_is_read_without_urllib3() -> None:
    program = (
        "import sys, authshim.urls as urls; "
        "urls.parse('https://ada@h.example:8443/a/'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "urllib3" not in done.stdout.split()


def test_path_is_never_empty() -> None:
    assert parse("https://h.example").path == "/"


def test_hosts_are_read_in_lower_case() -> None:
    assert parse("HTTPS://H.Example/").host == "h.example"


def test_hosts_are_read_in_punycode() -> None:
    assert parse("https://BÜCHER.example/").host == "xn--bcher-kva.example"


def test_ipv6_address_stays_in_brackets() -> None:
    assert parse("https://[FE80::1]:8443/").host == "[fe80::1]"


def test_userinfo_is_percent_decoded_once() -> None:
    url = parse("https://a%40b:s3%2541cret@h.example/")
    assert (url.username, url.password) == ("a@b", Secret("s3%41cret"))


def test_username_may_stand_alone() -> None:
    url = parse("https://ada@h.example/")
    assert (url.username, url.password) == ("ada", None)


def test_empty_password_is_a_password() -> None:
    assert parse("https://ada:@h.example/").password == Secret("")


def test_url_without_userinfo_has_no_username() -> None:
    url = parse("https://h.example/")
    assert (url.username, url.password) == (None, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example\\@evil.example/",
        "https://evil.example\\@h.example/",
        "https://℀.example/",
    ],
)
def test_host_is_refused_if_two_parsers_disagree(url: str) -> None:
    with pytest.raises(UrlError, match="not clear to every reader"):
        parse(url)


def test_percent_encoded_zone_is_refused() -> None:
    """Refuse a zone that urllib3 decodes once more when it dials: it connects to ``reth0``.

    In ``%25``, the sign for a zone, nothing is left to decode (RFC 6874).
    """
    assert parse("https://[fe80::1%25eth0]/").host == "[fe80::1%eth0]"
    with pytest.raises(UrlError, match="not clear to every reader"):
        parse("https://[fe80::1%52eth0]/")


@pytest.mark.parametrize(
    "url", ["h.example/simple", "h.example:8443", "ada:s3cret@h.example/simple", ""]
)
def test_url_without_its_scheme_is_reported_so(url: str) -> None:
    with pytest.raises(UrlError, match="it has no scheme, such as https://") as caught:
        parse(url)
    assert_no_secret(str(caught.value))


def test_percent_encoded_host_is_not_another_host() -> None:
    """Refuse the URL, or keep its host as it is written.

    urllib3 decodes it from 2.7 on, and dials another host than the standard library reads. Before,
    they agree.
    """
    with suppress(UrlError):
        assert parse("https://h%2eexample/").host == "h%2eexample"


@pytest.mark.parametrize(
    "url",
    [
        "https://[FE80::1]/",
        "https://[fe80::1%25eth0]:8443/",
        "https://STRASSE.de/",
        "https://straße.de/",
        "http://h:080/",
    ],
)
def test_host_in_another_form_is_not_refused(url: str) -> None:
    assert parse(url).host


def test_host_of_253_characters_is_the_longest() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert parse(f"https://{longest}./").host == f"{longest}."
    with pytest.raises(UrlError, match="its host name is too long"):
        parse(f"https://{longest}a/")


def test_backslash_in_the_path_is_allowed() -> None:
    assert parse("https://h.example/a\\@evil.example").host == "h.example"


def test_origin_is_scheme_host_and_port() -> None:
    assert parse("https://ada@H.example/a").origin == "https://h.example:443"


def test_netloc_leaves_the_schemes_own_port_out() -> None:
    assert parse("https://h.example:443/").netloc == "h.example"
    assert parse("https://h.example:80/").netloc == "h.example:80"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.example",
        "/a",
        "file:///a",
        "s3://bucket/a",
        "https://",
        "https:///a",
        "https://h.example:99999/",
        "https://h.example:0/",
        "https://h.example:x/",
        "https://[::1/",
        "https://h .example/",
        "https://h.example/\r\nx",
        "https://h.example/\x00",
        "https://\x7f.example/",
        "https://h..example/",
        "https://h.example../",
    ],
)
def test_url_that_cannot_be_dialled_is_refused(url: str) -> None:
    with pytest.raises(UrlError):
        parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:s3cret@h.example:99999/",
        "https://ada:x/s3cret@h.example/",
        "https://ada:s3cret\\@h.example/",
        "https://ada:s3cret@h .example/",
        "https://ada:s3cret#x@h.example/",
        "ftp://ada:s3cret@h.example/",
        "https://ada:s3cret@/",
        "https://h.example:x/t/s3cret/y",
        "https://h.example:x/?sig=s3cret",
    ],
)
def test_error_shows_no_secret(url: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(url)
    assert_no_secret(str(caught.value), repr(caught.value), caught.value.__context__)


def test_error_names_the_reason() -> None:
    with pytest.raises(UrlError) as caught:
        parse("s3://bucket/a")
    assert str(caught.value) == "cannot use the URL s3://bucket/a: it is not an http(s) URL"


def test_repr_of_a_url_has_no_password() -> None:
    url = parse("https://ada:s3cret@h.example/a")
    assert repr(url) == "Url('https://h.example:443/a')"


# keys


def test_keys_go_from_the_nearest_to_the_farthest() -> None:
    assert keys("https://repo.h.example:8443/a", "repo.h.example/a") == [
        "repo.h.example/a",
        "repo.h.example:8443",
        "repo.h.example",
        "*.repo.h.example",
        "*.h.example",
        "*.example",
    ]


def test_key_has_its_kind() -> None:
    found = host_keys(parse("https://h.example/a"), frozenset({"h.example/a"}))
    assert [key.kind for key in found] == [PATH, PORT, HOST, WILDCARD, WILDCARD]


def test_longest_path_goes_first() -> None:
    found = keys("https://h/a/b/c", "h/a", "h/a/b/c", "h/a/b")
    assert found[:3] == ["h/a/b/c", "h/a/b", "h/a"]


def test_path_key_with_a_port_comes_first() -> None:
    assert keys("https://h/a", "h/a", "h:443/a")[:2] == ["h:443/a", "h/a"]


def test_path_key_matches_whole_segments() -> None:
    assert "h/ab" not in keys("https://h/abc", "h/ab")


def test_unknown_path_is_no_key() -> None:
    assert keys("https://h/a")[0] == "h:443"


def test_ip_address_has_no_wildcards() -> None:
    assert keys("https://127.0.0.1/") == ["127.0.0.1:443", "127.0.0.1"]


def test_ipv6_address_has_no_wildcards() -> None:
    assert keys("https://[::1]:8443/") == ["[::1]:8443", "[::1]"]


def test_lone_star_is_never_a_key() -> None:
    assert "*" not in keys("https://h.example./") + keys("https://h/")


def test_wildcard_also_matches_its_own_host() -> None:
    assert "*.a.b" in keys("https://a.b/")


def test_keys_of_a_unicode_host_are_in_punycode() -> None:
    assert keys("https://bücher.example/")[1] == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("H.Example", "h.example"),
        ("H.Example:8443/Path/", "h.example:8443/Path"),
        ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
        ("bücher.example:443/a", "xn--bcher-kva.example:443/a"),
        ("bücher.example:80", "xn--bcher-kva.example:80"),
        ("ü." * 130, "ü." * 130),
        ("h.example#ü", "h.example#ü"),
        ("ü@h.example", "ü@h.example"),
        ("[FE80::1]:8443", "[fe80::1]:8443"),
        ("ü ü", "ü ü"),
        ("", ""),
    ],
)
def test_written_key_is_normalised(written: str, key: str) -> None:
    assert normalise_key(written) == key


def test_key_survives_a_copy_and_a_pickle() -> None:
    key = Key("h.example", HOST)
    for other in (copy.copy(key), pickle.loads(pickle.dumps(key))):
        assert (other, other.kind) == (key, HOST)


def test_kinds_of_key_are_in_the_order_in_which_they_are_asked() -> None:
    at_once = ("path", "port", "host", "wildcard", "prefix", "service")
    assert (*at_once, "default", "job", "identity", "s3") == KINDS


@pytest.mark.unmeasured
@given(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,4}", fullmatch=True), st.integers(1, 65535))
def test_keys_match_their_host(host: str, port: int) -> None:
    for key in keys(f"https://{host}:{port}/"):
        assert key in (host, f"{host}:{port}") or f".{host}".endswith(key[1:])


# parts of URLs


def test_prefixes_are_whole_segments() -> None:
    assert prefixes("/") == []
    assert prefixes("/a") == ["/a"]
    assert prefixes("/a/b/") == ["/a/b", "/a"]


def test_first_hundred_segments_of_a_path_count() -> None:
    found = prefixes("/a" * 30_000)
    assert [len(prefix) for prefix in found] == [2 * count for count in range(100, 0, -1)]


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://h/u/i/+simple/", "https://h/u/i"),
        ("https://h/a/Simple", "https://h/a"),
        ("https://h/simple", "https://h"),
        ("https://h/a/simple/", "https://h/a"),
        ("https://h/a/", "https://h/a"),
        ("https://h/asimple", "https://h/asimple"),
        ("https://h/simple/a", "https://h/simple/a"),
    ],
)
def test_index_covers_its_url_less_simple(url: str, root: str) -> None:
    assert index_root(url) == root


@pytest.mark.parametrize(
    ("url", "cut"),
    [
        ("https://h/a/simple/demo/", "https://h/a/simple"),
        ("https://h/simple", "https://h/simple"),
        ("https://h/simple?x", "https://h/simple"),
        ("https://h/simple/simple/x", "https://h/simple"),
        ("https://h/u/i/+simple/demo/", "https://h/u/i/+simple"),
        ("https://h/Simple/demo/", "https://h/Simple"),
        ("https://h/simpler/x", None),
        ("https://simple/x", None),
        ("https://h/?/simple/", None),
    ],
)
def test_url_is_cut_after_its_first_simple(url: str, cut: str | None) -> None:
    assert cut_after_simple(url) == cut


def test_userinfo_is_taken_off() -> None:
    assert without_userinfo("https://ada:s3cret@h.example/a@b") == "https://h.example/a@b"
    assert without_userinfo("https://h.example/a@b") == "https://h.example/a@b"


@pytest.mark.parametrize(
    "spelling",
    ["HTTPS://ada@H.example:443/a#x", "https://h.example/a", "https://h.example/b/../a"],
)
def test_spellings_of_one_url_are_the_same(spelling: str) -> None:
    assert normalise(spelling) == "https://h.example/a"


def test_empty_path_is_the_same_as_a_slash() -> None:
    assert normalise("https://h.example") == normalise("https://h.example/")
    assert normalise("https://h.example?q") == normalise("https://h.example/?q")


def test_another_query_is_another_url() -> None:
    assert normalise("https://h.example/?a") != normalise("https://h.example/?b")


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["h.example", "127.evil.example", "10.0.0.1", "[fe80::1]", "notlocalhost"]
)
def test_other_hosts_are_no_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_addresses_are_told_from_names() -> None:
    assert is_ip("10.0.0.1")
    assert is_ip("[::1]")
    assert not is_ip("10.0.0.example")


# what may be shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example/a", "https://h.example/a"),
        ("https://h.example:8443/a@b", "https://h.example:8443/a@b"),
        ("https://h.example:/a@b", "https://h.example:/a@b"),
        ("https://[::1]:8443/a@b", "https://[::1]:8443/a@b"),
        ("https://ada@h.example/a", "https://ada@h.example/a"),
        ("https://glpat-s3cret@h.example/a", "https://****@h.example/a"),
        ("https://pypi%2Ds3cret@h.example/a", "https://****@h.example/a"),
        ("https://gitlab+deploy-token-1@h.example/a", "https://gitlab+deploy-token-1@h.example/a"),
        ("https://ada:s3cret@h.example/a", "https://****@h.example/a"),
        ("https://ada:@h.example/a", "https://****@h.example/a"),
        ("https://a@b:s3cret@h.example/a", "https://****@h.example/a"),
        ("https://ada:s3/cret@h.example/a", "https://****@h.example/a"),
        ("https://ada:s3cret\\@h.example/a", "https://****@h.example/a"),
        # Where the @ might be of a query, what is behind it might be too.
        ("https://ada:s3#cret@h.example/a", "https://****@****"),
        ("https://h.example/https://ada:x/?sig=@s3cret", "https://h.example/https://****@****"),
        ("https://[::1]:s3/cret@h.example/a", "https://****@h.example/a"),
        (
            "https://h.example/https://ada:s3/cret@x@h.example/a",
            "https://h.example/https://****@h.example/a",
        ),
        ("https://h.example/t/s3cret/a", "https://h.example/t/****/a"),
        ("https://h.example/t/s3cret", "https://h.example/t/****"),
        ("https://h.example/a?sig=s3cret", "https://h.example/a?****"),
        ("https://h.example/a#s3cret", "https://h.example/a#****"),
        ("https://h.example/a\r\nb", "https://h.example/a??b"),
    ],
)
def test_only_what_is_no_secret_is_shown(url: str, shown: str) -> None:
    assert redact(url) == shown


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Signature=x&X-Amz-Date=y",
        "x-amz-signature=x",
        "X-Goog-Signature=x",
        "sv=2020&sig=x",
        "Signature=x&Key-Pair-Id=y&Expires=1",
        "AWSAccessKeyId=a&Expires=1&Signature=x",
        "GoogleAccessId=a&Expires=1&Signature=x",
    ],
)
def test_presigned_url_is_recognised(query: str) -> None:
    assert is_presigned(f"https://h.example/a?{query}")


@pytest.mark.parametrize(
    "query", ["", "?", "?sig=x", "?sv=x", "?signature=x", "?a=X-Amz-Signature", "#?sv=a&sig=b"]
)
def test_other_urls_are_not_presigned(query: str) -> None:
    assert not is_presigned(f"https://h.example/a{query}")
