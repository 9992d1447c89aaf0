"""A session that authshim prepared, against a real pypiserver and a real nginx."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Callable
from urllib.parse import urljoin

import pytest
import requests
from interop.real_servers import BASIC, PASSWORD, TOKEN, USER, WHEEL, wheel

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interop.real_servers import Nginx

STATUSES = (301, 302, 303, 307, 308)


@pytest.fixture
def session() -> Iterator[Callable[..., requests.Session]]:
    """Return a function that prepares a session; what it reads must be written first."""
    made: list[requests.Session] = []

    def prepare(**options: object) -> requests.Session:
        made.append(authshim.install(requests.Session(), **options))
        return made[-1]

    yield prepare
    for one in made:
        one.close()


def write_netrc(home: Path, password: str = PASSWORD) -> None:
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {password}\n")
    (home / ".netrc").chmod(0o600)


def write_auth_file(home: Path, entries: dict[str, object]) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler" / "credentials.json").write_text(json.dumps(entries))


def test_pypiserver_lists_its_pages_to_a_login_from_netrc(
    pypiserver: str, session: Callable, home: Path
) -> None:
    write_netrc(home)
    assert WHEEL in session().get(pypiserver + "demo/").text


def test_a_package_comes_from_pypiserver(pypiserver: str, session: Callable, home: Path) -> None:
    write_auth_file(home, {"127.0.0.1": {"BasicHTTP": {"username": USER, "password": PASSWORD}}})
    logged_in = session()
    page = logged_in.get(pypiserver + "demo/")
    link = re.search(r'href="([^"]+)"', page.text).group(1)
    assert logged_in.get(urljoin(page.url, link)).content == wheel()


def test_nobody_gets_into_pypiserver_without_a_credential(
    pypiserver: str, session: Callable
) -> None:
    assert session().get(pypiserver + "demo/").status_code == 401


def test_pypiserver_forbids_a_wrong_password(
    pypiserver: str, session: Callable, home: Path
) -> None:
    write_netrc(home, password="wrong")
    assert session().get(pypiserver + "demo/").status_code == 403


@pytest.mark.parametrize(("password", "word"), [("wrong", "rejected"), (PASSWORD, "let in")])
def test_check_knows_that_pypiservers_403_is_a_wrong_password(
    password: str, word: str, pypiserver: str, home: Path
) -> None:
    from authshim.index.check import probe

    write_netrc(home, password=password)
    assert (
        probe(authshim.Chain.from_environment(), authshim.Index(pypiserver), ["demo"]).answer
        == word
    )


def test_a_refused_password_is_read_anew(pypiserver: str, session: Callable, home: Path) -> None:
    write_netrc(home, password="wrong")
    chain = authshim.Chain.from_environment()
    assert chain.find(pypiserver) is not None
    write_netrc(home)
    assert session(chain=chain).get(pypiserver + "demo/").status_code == 200


def test_the_urls_own_password_lets_in(pypiserver: str, session: Callable) -> None:
    url = pypiserver.replace("://", f"://{USER}:{PASSWORD}@")
    assert session().get(url + "demo/").status_code == 200


def test_nginx_lets_a_basic_login_in(nginx: Nginx, session: Callable, home: Path) -> None:
    write_netrc(home)
    assert session().get(nginx.url + "/basic/x").text == "let in"


def test_nginx_lets_a_bearer_token_in(nginx: Nginx, session: Callable, home: Path) -> None:
    write_auth_file(home, {"127.0.0.1": {"BearerToken": TOKEN}})
    assert session().get(nginx.url + "/bearer/x").text == "let in"


def test_a_wrong_bearer_token_is_refused(nginx: Nginx, session: Callable, home: Path) -> None:
    write_auth_file(home, {"127.0.0.1": {"BearerToken": "wrong"}})
    assert session().get(nginx.url + "/bearer/x").status_code == 401


def test_a_conda_token_lets_in_and_is_never_seen(
    nginx: Nginx, session: Callable, home: Path, no_secret: Callable
) -> None:
    write_auth_file(home, {"127.0.0.1": {"CondaToken": TOKEN}})
    response = session().get(nginx.url + "/acme/noarch/repodata.json")
    assert response.text == "let in"
    assert response.url == nginx.url + "/acme/noarch/repodata.json"
    no_secret(response)


def test_a_conda_token_that_the_server_echoes_in_a_redirect_is_never_seen(
    nginx: Nginx, session: Callable, home: Path, no_secret: Callable
) -> None:
    write_auth_file(home, {"127.0.0.1": {"CondaToken": TOKEN}})
    response = session().get(nginx.url + "/moved/x")
    assert response.text == "let in"
    assert [hop.status_code for hop in response.history] == [302]
    no_secret(response, response.history)


CROOKED = [
    *(
        "/tenant/a/../b/x",
        "/tenant/a/%2e%2e/b/x",
        "/tenant/a/..%2fb/x",
        "/tenant%2fa%2f..%2fb/x",
        "//tenant/a/../b/x",
    ),
    *(
        "/tenant/a//../../b/x",
        "/tenant/a/.%2e/b/x",
        "/tenant/a/%2E%2E%2Fb/x",
        "/tenant/./a/..%2fb/x",
    ),
    *("/tenant/a/..;/b/x", "/tenant/a/%252e%252e/b/x", "/tenant/a/..%5cb/x", "/tenant/a/..%20/b/x"),
]


@pytest.mark.parametrize("path", ["/tenant/a/x", "/tenant/a/group%2Fproject/x", *CROOKED])
def test_tenant_of_nginx_sees_no_token_of_the_other(
    nginx: Nginx, session: Callable, home: Path, path: str
) -> None:
    host = f"127.0.0.1:{nginx.port}/tenant"
    write_auth_file(
        home, {f"{host}/a": {"BearerToken": "of-a"}, f"{host}/b": {"BearerToken": "of-b"}}
    )
    request = requests.Request("GET", nginx.url).prepare()
    request.url = nginx.url + path  # without what requests makes of it
    answer = session().send(request).text
    if path in CROOKED:
        assert "[Bearer of-a]" not in answer or answer.startswith("a ")
        assert "[Bearer of-b]" not in answer or answer.startswith("b ")
    else:
        assert answer == "a [Bearer of-a]"


def test_nginx_reads_hidden_dots(nginx: Nginx) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port)) as connection:
        connection.sendall(b"GET /tenant/a/..%2fb/x HTTP/1.0\r\nAuthorization: planted\r\n\r\n")
        assert connection.makefile("rb").read().endswith(b"b [planted]")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", ["relative", "absolute"])
def test_a_redirect_within_the_origin_keeps_the_credential(
    nginx: Nginx, session: Callable, home: Path, kind: str, status: int
) -> None:
    write_netrc(home)
    response = session().get(f"{nginx.url}/{kind}/{status}/echo/")
    assert response.history[0].status_code == status
    assert response.text == f"[{BASIC}]"


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_to_another_port_does_not_carry_the_credential(
    nginx: Nginx, session: Callable, home: Path, status: int
) -> None:
    # Kept for this port alone: a key without a port would be the other port's as well.
    login = {"BasicHTTP": {"username": USER, "password": PASSWORD}}
    write_auth_file(home, {f"127.0.0.1:{nginx.port}": login})
    response = session().get(f"{nginx.url}/away/{status}/x")
    assert response.url == nginx.other + "/x"
    assert response.text == "[]"


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_to_another_port_does_not_carry_the_urls_password(
    nginx: Nginx, session: Callable, status: int
) -> None:
    url = nginx.url.replace("://", f"://{USER}:{PASSWORD}@")
    assert session().get(f"{url}/away/{status}/x").text == "[]"


def test_a_redirect_to_another_port_never_collects_the_default_of_netrc(
    nginx: Nginx, session: Callable, home: Path
) -> None:
    (home / ".netrc").write_text(f"default login {USER} password {PASSWORD}\n")
    assert session().get(f"{nginx.url}/away/302/x").text == "[]"


def test_the_default_of_netrc_answers_a_challenge(
    nginx: Nginx, session: Callable, home: Path
) -> None:
    (home / ".netrc").write_text(f"default login {USER} password {PASSWORD}\n")
    logged_in = session()
    assert logged_in.get(nginx.url + "/echo/").text == "[]"
    assert logged_in.get(nginx.url + "/basic/x").text == "let in"
