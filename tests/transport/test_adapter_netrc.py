"""netrc belongs to the chain: a login that requests took from it is recognised and replaced."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from fakes import Canned, Fixed, installed, mounted
from requests.auth import HTTPDigestAuth
from servers import Answer, Recorder, redirect

import authshim
from authshim import BasicHTTP, BearerToken, Chain
from authshim.providers.auth_file import AuthFile
from authshim.providers.netrc_file import NetrcFile

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Authority, Names

BEARER = BearerToken("s3cret")
CHALLENGE = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="private"'})
EITHER_WAY = pytest.mark.parametrize("login", [mounted, installed])


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def netrc(home: Path) -> Path:
    path = home / ".netrc"
    path.write_text("machine 127.0.0.1 login ambient password netrc-pw\n")
    path.chmod(0o600)
    return path


def test_requests_alone_would_send_what_netrc_has(netrc: Path, recorder: Recorder) -> None:
    requests.get(recorder.url, headers={"Authorization": "Token mine"})
    assert recorder.seen[0].authorization == basic("ambient:netrc-pw")


@EITHER_WAY
def test_a_provider_goes_before_what_requests_took_from_netrc(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    login(BEARER).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


@EITHER_WAY
def test_the_file_that_netrc_names_is_recognised(
    login: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    (tmp_path / "other").write_text("machine 127.0.0.1 login ambient password netrc-pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "other"))
    login(BEARER).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


# Of an entry without a login, requests itself warns on Python 3.9 and 3.10.
@pytest.mark.filterwarnings("ignore:Non-string usernames:DeprecationWarning")
@EITHER_WAY
def test_netrc_entry_without_login_serves_the_user_of_the_url(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("machine 127.0.0.1 password netrc-pw\n")
    login(NetrcFile([str(netrc)])).get(recorder.url.replace("//", "//ada@"))
    assert recorder.seen[0].authorization == basic("ada:netrc-pw")


@EITHER_WAY
def test_a_chain_without_netrc_takes_its_header_off(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    login(None).get(recorder.url)
    assert recorder.seen[0].authorization is None


@EITHER_WAY
def test_an_override_file_replaces_netrc(
    login: Callable,
    netrc: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorder: Recorder,
) -> None:
    (tmp_path / "override.json").write_text("{}")
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "override.json"))
    session = requests.Session()
    if login is mounted:
        session.mount("http://", authshim.AuthAdapter())
    else:
        authshim.install(session)
    session.get(recorder.url)
    assert recorder.seen[0].authorization is None


@EITHER_WAY
def test_a_chain_with_netrc_sends_it(login: Callable, netrc: Path, recorder: Recorder) -> None:
    login(NetrcFile([str(netrc)])).get(recorder.url)
    assert recorder.seen[0].authorization == basic("ambient:netrc-pw")


@EITHER_WAY
def test_netrc_is_sent_in_utf_8(login: Callable, netrc: Path, recorder: Recorder) -> None:
    netrc.write_text("machine 127.0.0.1 login ada password pässwörd\n", encoding="utf-8")
    login(NetrcFile([str(netrc)])).get(recorder.url)
    assert recorder.seen[0].authorization == basic("ada:pässwörd")


@EITHER_WAY
def test_a_presigned_url_loses_what_requests_took_from_netrc(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    login(NetrcFile([str(netrc)])).get(recorder.url + "/x?X-Amz-Signature=1")
    assert recorder.seen[0].authorization is None


def test_a_conda_token_goes_in_place_of_netrc(netrc: Path, recorder: Recorder) -> None:
    mounted(authshim.CondaToken("s3cret")).get(recorder.url + "/x")
    assert [(seen.path, seen.authorization) for seen in recorder.seen] == [("/t/s3cret/x", None)]


@EITHER_WAY
def test_a_default_entry_is_not_sent_unasked(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    recorder.default = Answer(200)
    login(NetrcFile([str(netrc)])).get(recorder.url)
    assert [seen.authorization for seen in recorder.seen] == [None]


@EITHER_WAY
def test_a_default_entry_answers_a_basic_challenge(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    recorder.default = Answer(200)
    recorder.on("/x", lambda seen: None if seen.authorization else CHALLENGE)
    session = login(NetrcFile([str(netrc)]))
    assert session.get(recorder.url + "/x").status_code == 200
    assert [seen.authorization for seen in recorder.seen] == [None, basic("anybody:netrc-pw")]


@EITHER_WAY
def test_a_default_entry_that_was_let_in_goes_unasked_from_then_on(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    recorder.on("/*", lambda seen: None if seen.authorization else CHALLENGE)
    session = login(NetrcFile([str(netrc)]))
    session.get(recorder.url + "/x")
    recorder.clear()
    session.get(recorder.url + "/y")
    assert [seen.authorization for seen in recorder.seen] == [basic("anybody:netrc-pw")]


@EITHER_WAY
@pytest.mark.parametrize("challenge", ["", "Bearer", "Negotiate"])
def test_a_default_entry_answers_no_other_challenge(
    login: Callable, challenge: str, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    recorder.default = Answer(401, b"", {"WWW-Authenticate": challenge} if challenge else {})
    assert login(NetrcFile([str(netrc)])).get(recorder.url).status_code == 401
    assert [seen.authorization for seen in recorder.seen] == [None]


@EITHER_WAY
def test_a_redirect_collects_no_default_entry(
    login: Callable, netrc: Path, recorder: Recorder, make_recorder: Callable
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    other = make_recorder()
    other.default = CHALLENGE
    recorder.default = redirect(other.url + "/x")
    login(NetrcFile([str(netrc)])).get(recorder.url)
    assert [seen.authorization for seen in other.seen] == [None]


@EITHER_WAY
@pytest.mark.parametrize(
    "location",
    [
        "/a b",
        "/%7Ex",
        "/ü".encode().decode("latin-1"),
        "/x#frag",
        "/x\\y",
        "/a/../b",
        "/x?y= z",
        "//x",
    ],
)
def test_a_redirect_collects_no_default_entry_however_it_is_written(
    login: Callable, location: str, netrc: Path, recorder: Recorder, make_recorder: Callable
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    other = make_recorder()
    other.default = CHALLENGE
    recorder.default = redirect(other.url + location)
    login(NetrcFile([str(netrc)])).get(recorder.url + "/#mine")
    assert [seen.authorization for seen in other.seen] == [None]


@EITHER_WAY
def test_a_protocol_relative_redirect_collects_no_default_entry(
    login: Callable, netrc: Path, recorder: Recorder, make_recorder: Callable
) -> None:
    netrc.write_text("default login anybody password netrc-pw\n")
    other = make_recorder()
    other.default = CHALLENGE
    recorder.default = redirect(other.url.replace("http:", "") + "/x")
    login(NetrcFile([str(netrc)])).get(recorder.url)
    assert [seen.authorization for seen in other.seen] == [None]


@EITHER_WAY
def test_netrc_entry_of_another_host_is_sent_there_after_a_redirect(
    login: Callable,
    netrc: Path,
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
) -> None:
    netrc.write_text(
        "machine a.example login a password pw-a\nmachine b.example login b password pw-b\n"
    )
    anywhere(recorder, host="a.example")
    anywhere(tls_recorder, host="b.example")
    recorder.default = redirect("https://b.example/y")
    login(NetrcFile([str(netrc)])).get("http://a.example/x", verify=authority.file)
    assert [seen.authorization for seen in (*recorder.seen, *tls_recorder.seen)] == [
        basic("a:pw-a"),
        basic("b:pw-b"),
    ]


@EITHER_WAY
def test_netrc_header_of_a_redirect_is_removed(
    login: Callable,
    netrc: Path,
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
) -> None:
    netrc.write_text("machine b.example login b password pw-b\n")
    anywhere(recorder, host="a.example")
    anywhere(tls_recorder, host="b.example")
    recorder.default = redirect("https://b.example/y")
    login(Fixed({"b.example": BEARER})).get("http://a.example/x", verify=authority.file)
    assert [seen.authorization for seen in tls_recorder.seen] == ["Bearer s3cret"]


@EITHER_WAY
def test_netrc_header_of_a_redirect_to_plain_http_is_not_sent(
    login: Callable, netrc: Path, recorder: Recorder, make_recorder: Callable, anywhere: Names
) -> None:
    netrc.write_text("machine b.example login b password netrc-pw\n")
    anywhere(recorder, host="a.example")
    other = anywhere(make_recorder(), host="b.example")
    recorder.default = redirect("http://b.example/y")
    login(NetrcFile([str(netrc)])).get("http://a.example/x")
    assert [seen.authorization for seen in other.seen] == [None]


def test_after_install_a_redirect_does_not_fail_on_what_is_not_latin_1(
    netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("machine 127.0.0.1 login ada password пароль\n", encoding="utf-8")
    recorder.on("/x", redirect("/y"))
    assert installed(NetrcFile([str(netrc)])).get(recorder.url + "/x").status_code == 200
    assert [seen.authorization for seen in recorder.seen] == [basic("ada:пароль")] * 2


def test_after_install_requests_reads_no_netrc(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*args: object, **options: object) -> None:
        raise AssertionError("requests has read netrc")

    monkeypatch.setattr("requests.sessions.get_netrc_auth", read)
    recorder.on("/x", redirect("/y"))
    assert installed(None).get(recorder.url + "/x").status_code == 200


def test_a_header_in_place_of_netrcs_is_the_callers(netrc: Path, recorder: Recorder) -> None:
    mounted(BEARER).get(recorder.url, auth=("ambient", "another"))
    assert recorder.seen[0].authorization == basic("ambient:another")


def test_after_install_an_explicit_header_goes_before_netrc(
    netrc: Path, recorder: Recorder
) -> None:
    installed(NetrcFile([str(netrc)])).get(recorder.url, headers={"Authorization": "Token mine"})
    assert recorder.seen[0].authorization == "Token mine"


def test_netrc_header_of_another_host_is_foreign_if_netrc_is_not_read(
    netrc: Path, recorder: Recorder
) -> None:
    netrc.write_text("machine elsewhere.example login ambient password netrc-pw\n")
    mounted(BEARER).get(recorder.url, auth=("ambient", "netrc-pw"))
    assert recorder.seen[0].authorization == basic("ambient:netrc-pw")


def test_a_changed_netrc_is_recognised(netrc: Path, recorder: Recorder) -> None:
    session = mounted(BEARER)
    session.get(recorder.url)
    netrc.write_text("machine 127.0.0.1 login ambient password changed-meanwhile\n")
    session.get(recorder.url)
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 2


def test_a_userinfo_goes_before_netrc(netrc: Path, recorder: Recorder) -> None:
    mounted(None).get(recorder.url.replace("//", "//bob:pw@"))
    assert recorder.seen[0].authorization == basic("bob:pw")


@EITHER_WAY
def test_netrcs_user_is_not_sent_for_another_user(
    login: Callable, netrc: Path, recorder: Recorder
) -> None:
    login(NetrcFile([str(netrc)])).get(recorder.url.replace("//", "//bob@"))
    assert recorder.seen[0].authorization is None


def test_digest_does_not_get_what_a_redirect_makes_of_netrc(
    netrc: Path, recorder: Recorder
) -> None:
    recorder.on("/x", redirect("/y"))
    mounted(BEARER).get(recorder.url + "/x", auth=HTTPDigestAuth("bob", "pw"))
    assert [seen.authorization for seen in recorder.seen] == [None, None]


@pytest.mark.skipif(os.name == "nt", reason="a FIFO is a thing of Unix")
@pytest.mark.parametrize("text", ["machine", "machine 127.0.0.1 login a password b c", "\udc80"])
def test_a_netrc_that_requests_cannot_read_harms_no_explicit_header(
    text: str, netrc: Path, recorder: Recorder
) -> None:
    netrc.write_bytes(text.encode("utf-8", "surrogateescape"))
    installed(BEARER).get(recorder.url, headers={"Authorization": "Token mine"})
    assert recorder.seen[0].authorization == "Token mine"


def test_more_hosts_than_are_remembered_do_no_harm(
    netrc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.transport.netrc_header.MAX_HOSTS", 20)
    netrc.write_text("default login ambient password netrc-pw\n")
    inner = Canned()
    session = mounted(None, inner=inner)
    for number in range(21):
        session.get(f"http://h{number}.example/")
    assert {request.headers.get("Authorization") for request in inner.sent} == {None}
    assert len(session.adapters["http://"]._netrc._known) <= 20


def test_a_chain_of_real_providers_prefers_the_auth_file(
    netrc: Path, tmp_path: Path, recorder: Recorder
) -> None:
    (tmp_path / "auth.json").write_text(
        '{"127.0.0.1": {"BasicHTTP": {"username": "file", "password": "s3cret"}}}'
    )
    chain = Chain([AuthFile(str(tmp_path / "auth.json")), NetrcFile([str(netrc)])])
    session = requests.Session()
    session.mount("http://", authshim.AuthAdapter(chain))
    session.get(recorder.url)
    assert recorder.seen[0].authorization == BasicHTTP("file", "s3cret").header


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not here")
def test_netrc_pipe_does_not_hang_a_request_with_its_own_header(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("NETRC", str(tmp_path / "pipe"))
    session = authshim.install(requests.Session(), Chain([]))
    session.get(recorder.url, headers={"Authorization": "Bearer mine"}, timeout=60)
    assert recorder.seen[0].authorization == "Bearer mine"
