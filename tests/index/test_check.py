"""What each answer of a server is called, and what is said to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Callable

import pytest
from servers import CHALLENGE, Answer, Authority, Names, Recorder, dripping, redirect

import authshim
from authshim.errors import ProviderError
from authshim.index.check import NOBODYS_NAME, Result, check, probe
from authshim.providers.base import KEYRING_COMMAND, NETRC

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Seen

SECRET = authshim.BasicHTTP("ada", "s3cret")
UNREADABLE_STEP = "correct the URL, or ask whoever runs the index"
LOGIN_AS_ADA = (
    "authshim auth login {host} --username ada   "
    "(or --token, or --conda-token; it asks for the secret)"
)
LOGIN = (
    "authshim auth login {host} --username USER   "
    "(or --token, or --conda-token; it asks for the secret)"
)


class Keeps(authshim.Provider):
    """Has one credential, for every host."""

    def __init__(
        self,
        credential: authshim.Credential | None = None,
        name: str = "vault",
        kind: str = "",
    ) -> None:
        self.credential = credential
        self.name = name
        self.kind = kind

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return None if key.startswith("*") else self.credential


class NoKeyring(Keeps):
    """A keyring command that has nothing."""

    answers = frozenset({"service"})

    def __init__(self) -> None:
        super().__init__(None, KEYRING_COMMAND, KEYRING_COMMAND)


class Answers(Keeps):
    """Has one credential, for the kinds of key that it is given."""

    def __init__(self, credential: authshim.Credential, name: str, *kinds: str) -> None:
        super().__init__(credential, name)
        self.answers = frozenset(kinds)


def chain(
    credential: authshim.Credential | None = None, *places: object, kind: str = ""
) -> authshim.Chain:
    indexes = [place for place in places if isinstance(place, authshim.Index)]
    channels = [place for place in places if isinstance(place, authshim.Channel)]
    return authshim.Chain(
        [Keeps(credential, kind=kind), NoKeyring()], indexes=indexes, channels=channels
    )


def ask(
    place: authshim.Index | authshim.Channel, credential: authshim.Credential | None = None
) -> Result:
    return probe(chain(credential, place), place, ["demo"])


@pytest.fixture
def index(recorder: Recorder) -> authshim.Index:
    return authshim.Index(f"{recorder.url}/acme/simple/")


def test_an_index_is_asked_for_the_page_of_one_package_only(
    recorder: Recorder, index: authshim.Index
) -> None:
    assert ask(index).answer == "open"
    assert [(seen.method, seen.path) for seen in recorder.seen] == [("GET", "/acme/simple/demo/")]


def test_project_without_packages_asks_its_index_for_an_unused_name(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on(f"/acme/simple/{NOBODYS_NAME}/", Answer(404))
    assert probe(chain(None, index), index).answer == "open"
    assert [seen.method for seen in recorder.seen] == ["GET", "HEAD"]


def test_an_index_whose_page_and_root_are_not_there_is_not_found(recorder: Recorder) -> None:
    recorder.default = Answer(404)
    result = ask(authshim.Index(f"{recorder.url}/acme/"))
    assert (result.answer, result.status, result.fine) == ("not found", 404, False)
    assert result.detail == "the URL of an index mostly ends with /simple"


def test_advice_names_simple_only_for_an_index_without_it(
    recorder: Recorder,
) -> None:
    recorder.default = Answer(404)
    url = f"{recorder.url}/acme"
    places = [
        authshim.Index(f"{url}/simple/"),
        authshim.Index(url, flat=True),
        authshim.Channel(url),
    ]
    assert [(ask(place).answer, ask(place).detail) for place in places] == [("not found", "")] * 3


def test_a_channel_is_asked_for_its_repodata(recorder: Recorder) -> None:
    assert ask(authshim.Channel(f"{recorder.url}/acme/")).answer == "open"
    assert [seen.path for seen in recorder.seen] == ["/acme/noarch/repodata.json"]


def test_a_flat_index_is_asked_for_itself(recorder: Recorder) -> None:
    assert ask(authshim.Index(f"{recorder.url}/wheels.html", flat=True)).kind == "flat index"
    assert [seen.path for seen in recorder.seen] == ["/wheels.html"]


def test_an_index_that_takes_our_credential_lets_in(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on(
        "/acme/*", lambda seen: Answer() if seen.authorization == SECRET.header else CHALLENGE
    )
    result = ask(index, SECRET)
    assert (result.answer, result.fine, result.next_step) == ("let in", True, "")
    assert result.found == authshim.Found(SECRET, "vault", f"127.0.0.1:{recorder.port}")


def test_check_says_no_credential_if_no_provider_answers_a_401(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = CHALLENGE
    result = ask(index)
    assert (result.answer, result.detail) == ("no credential", "no provider has one")
    assert result.next_step.startswith("authshim auth login 127.0.0.1 --username USER")


def test_a_credential_that_is_not_taken_is_rejected(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = CHALLENGE
    result = ask(index, SECRET)
    assert (result.answer, result.status) == ("rejected", 401)
    assert len(recorder.seen) == 1


def knows(
    *,
    known: int,
    nobody: int,
    anonymous: int = 401,
    root: int | None = None,
    login: authshim.Credential = SECRET,
) -> Callable[[Seen], Answer]:
    """Answer the known user, other logins, no login, and the known user at the root."""

    def answer(seen: Seen) -> Answer:
        if seen.authorization != login.header:
            status = nobody if seen.authorization else anonymous
            return CHALLENGE if status == 401 else Answer(status)
        return Answer(known if root is None or not seen.path.endswith("/simple/") else root)

    return answer


def test_a_user_who_may_not_read_is_forbidden(recorder: Recorder, index: authshim.Index) -> None:
    recorder.default = knows(known=403, nobody=401)  # type: ignore[assignment]
    result = ask(index, SECRET)
    assert (result.answer, result.status, result.detail) == (
        "forbidden",
        403,
        "this user may not read it",
    )
    assert result.next_step == "ask its owner to let this user read it"


@pytest.mark.parametrize(("status", "anonymous"), [(403, 401), (404, 401), (404, 403)])
def test_a_login_that_is_answered_like_one_that_nobody_has_is_rejected(
    status: int, anonymous: int, recorder: Recorder, index: authshim.Index
) -> None:
    # pypiserver says 403 to a wrong password; Artifactory may say 404: pypa/pip issue 10016
    answer = knows(known=status, nobody=status, anonymous=anonymous)
    recorder.default = answer  # type: ignore[assignment]
    result = ask(index, SECRET)
    assert (result.answer, result.status) == ("rejected", status)
    assert (
        result.detail
        == f"the login is wrong, as it seems: one that nobody has is answered {status} as well"
    )
    assert result.next_step == LOGIN_AS_ADA.format(host="127.0.0.1")


@pytest.mark.parametrize(("status", "word"), [(403, "forbidden"), (404, "not found")])
def test_a_login_is_not_wrong_where_everybody_is_told_the_same(
    status: int, word: str, recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = Answer(status)
    assert ask(index, SECRET).answer == word


def test_404_to_a_valid_login_points_at_the_url_or_the_owner(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = knows(known=404, nobody=401)  # type: ignore[assignment]
    result = ask(index, SECRET)
    assert (result.answer, result.found and result.found.provider, result.detail) == (
        "not found",
        "vault",
        "",
    )
    assert result.next_step == "correct the URL, or ask its owner to let this user read it"
    assert (
        ask(authshim.Index(f"{recorder.url}/acme"), SECRET).detail
        == "the URL of an index mostly ends with /simple"
    )


def test_anonymous_probe_runs_once_under_a_made_up_name(
    recorder: Recorder, index: authshim.Index, no_secret: Callable[..., None]
) -> None:
    recorder.default = knows(known=403, nobody=403)  # type: ignore[assignment]
    ask(index, SECRET)
    nobody = authshim.BasicHTTP(NOBODYS_NAME, NOBODYS_NAME).header
    assert [(seen.method, seen.authorization) for seen in recorder.seen] == [
        ("GET", SECRET.header),
        ("HEAD", SECRET.header),
        ("GET", nobody),
        ("GET", None),
    ]


def test_a_user_who_may_read_the_index_but_not_one_page_is_told_so(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = knows(known=403, nobody=403, root=200)  # type: ignore[assignment]
    result = ask(index, SECRET)
    assert (result.answer, result.detail) == (
        "forbidden",
        "this user may read the index, but not demo",
    )
    assert [seen.method for seen in recorder.seen] == ["GET", "HEAD"]


def test_a_403_is_no_wrong_password_where_the_root_says_401(
    recorder: Recorder, index: authshim.Index
) -> None:
    answer = knows(known=403, nobody=403, anonymous=403, root=401)
    recorder.default = answer  # type: ignore[assignment]
    assert ask(index, SECRET).answer == "rejected"


def test_a_channel_whose_403_a_nobody_gets_as_well_rejects(recorder: Recorder) -> None:
    token = authshim.BearerToken("s3cret")
    recorder.default = knows(known=403, nobody=403, login=token)  # type: ignore[assignment]
    assert ask(authshim.Channel(f"{recorder.url}/acme"), token).answer == "rejected"
    assert {seen.path for seen in recorder.seen} == {"/acme/noarch/repodata.json"}


def test_a_channel_is_logged_in_to_by_no_keyring(recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    result = ask(authshim.Channel(f"http://ada@127.0.0.1:{recorder.port}/acme"))
    hint = "   (if ada is itself the secret: write ada:@ in the URL)"
    assert result.next_step == LOGIN_AS_ADA.format(host="127.0.0.1") + hint


@pytest.mark.parametrize(("nobody", "word"), [(403, "rejected"), (401, "forbidden")])
def test_a_conda_token_is_compared_with_one_that_nobody_has(
    nobody: int, word: str, recorder: Recorder
) -> None:
    recorder.default = CHALLENGE
    recorder.on("/t/s3cret/acme/*", Answer(403))
    recorder.on(f"/t/{NOBODYS_NAME}/acme/*", Answer(nobody))
    assert (
        ask(authshim.Channel(f"{recorder.url}/acme"), authshim.CondaToken("s3cret")).answer == word
    )


NO_FILES = "its page is there, but not its files"


def page_of(
    *links: str, kind: str = "application/vnd.pypi.simple.v1+json", version: str = "1.1"
) -> Answer:
    files = [{"filename": link.rpartition("/")[2], "url": link, "hashes": {}} for link in links]
    body = {"meta": {"api-version": version}, "name": "demo", "files": files}
    return Answer(200, json.dumps(body).encode(), {"Content-Type": kind})


def test_the_version_of_the_api_and_the_time_are_told(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on("/acme/simple/demo/", page_of())
    result = ask(index)
    assert (result.answer, result.api) == ("open", "JSON 1.1")
    assert result.seconds is not None
    assert 0 < result.seconds < 30
    html = (
        b'<meta name="pypi:repository-version" content="1.0">'
        b'<a href="/x/demo-1.0.tar.gz">demo-1.0.tar.gz</a>'
    )
    recorder.on("/acme/simple/demo/", Answer(200, html, {"Content-Type": "text/html"}))
    assert ask(index).api == "HTML 1.0"


def test_html_that_is_called_json_is_unreadable(recorder: Recorder, index: authshim.Index) -> None:
    recorder.default = Answer(
        200, b"<html>", {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    )
    result = ask(index)
    assert (result.answer, result.fine) == ("unreadable", False)
    assert (result.detail, result.next_step) == (
        "it answered HTML and called it JSON",
        UNREADABLE_STEP,
    )


def test_index_user_goes_with_files_beside_it_and_not_elsewhere(
    recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    index = authshim.Index("http://ada@private.example/simple/")
    beside, elsewhere = (
        "/files/demo-1.0-py3-none-any.whl",
        "http://cdn.example/demo-1.0-py3-none-any.whl",
    )
    private = anywhere(recorder, host="private.example")
    private.default = knows(known=200, nobody=401)  # type: ignore[assignment]
    cdn = anywhere(make_recorder(), host="cdn.example")
    for link in (beside, elsewhere):
        recorder.on(
            "/simple/demo/",
            lambda seen, link=link: page_of(link) if seen.authorization else CHALLENGE,
        )
        command = Answers(SECRET, "keyring command", "service")
        result = probe(authshim.Chain([command], indexes=[index]), index, ["demo"])
        assert (result.answer, result.detail) == ("let in", "")
    assert [seen.authorization for seen in recorder.seen] == [SECRET.header] * 3
    assert [seen.authorization for seen in cdn.seen] == [None]


@pytest.mark.parametrize(
    ("file", "credential", "word", "said"),
    [
        (CHALLENGE, None, "no credential", f"no provider has one; {NO_FILES}"),
        (CHALLENGE, SECRET, "forbidden", NO_FILES),
        (Answer(403), SECRET, "forbidden", NO_FILES),
        (
            Answer(404),
            SECRET,
            "not found",
            "let in, but its files are missing (HTTP 404 for demo-1.0-py3-none-any.whl)",
        ),
        (Answer(503), None, "unreachable", f"the server answered HTTP 503; {NO_FILES}"),
        (
            redirect("http://localhost:1/"),
            None,
            "unreachable",
            f"the connection was refused or broke; {NO_FILES}",
        ),
    ],
)
def test_a_page_whose_files_cannot_be_had_is_not_fine(
    file: Answer,
    credential: authshim.Credential | None,
    word: str,
    said: str,
    recorder: Recorder,
    index: authshim.Index,
) -> None:
    recorder.on(
        "/acme/simple/demo/", page_of("file:///nowhere", "../../files/demo-1.0-py3-none-any.whl")
    )
    recorder.on("/acme/files/*", file)
    result = ask(index, credential)
    assert (result.answer, result.detail, result.fine) == (word, said, False)
    assert result.next_step


@pytest.mark.parametrize("link", ["http://ada@files.example/{}", "http://ada:pw@files.example/{}"])
def test_a_user_in_a_link_is_a_servers_word_and_is_not_sent(
    link: str, recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    name = "demo-1.0-py3-none-any.whl"
    anywhere(recorder, host="private.example").default = page_of(link.format(name))
    other = anywhere(make_recorder(), host="files.example")
    other.default = CHALLENGE
    command = Answers(SECRET, "keyring command", "service")
    index = authshim.Index("http://private.example/simple/")
    probe(authshim.Chain([command], indexes=[index]), index, ["demo"])
    assert [seen.authorization for seen in other.seen] == [None]


def test_a_refresh_is_not_followed(
    recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    refresh = "0; url=http://files.example/demo-1.0-py3-none-any.whl"
    html = f'<meta http-equiv="refresh" content="{refresh}">'.encode()
    page = Answer(200, html, {"Content-Type": "text/html", "Refresh": refresh})
    anywhere(recorder, host="private.example").default = page
    other = anywhere(make_recorder(), host="files.example")
    ask(authshim.Index("http://private.example/simple/"), SECRET)
    assert other.seen == []


class OfFiles(Keeps):
    """Has one credential, for files.example."""

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return SECRET if key == "files.example" else None


@pytest.fixture
def files(
    recorder: Recorder,
    tls_recorder: Recorder,
    anywhere: Names,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> Recorder:
    """The https server of a file that the page of http://private.example/simple/ names."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    anywhere(recorder, host="private.example").default = page_of(
        "https://files.example/demo-1.0-py3-none-any.whl"
    )
    return anywhere(tls_recorder, host="files.example")


@pytest.mark.parametrize("status", [401, 403])
def test_file_host_that_only_a_page_names_gets_no_advice_to_log_in(
    status: int, files: Recorder
) -> None:
    files.default = CHALLENGE._replace(status=status)
    result = ask(authshim.Index("http://private.example/simple/"))
    assert (result.answer, result.status) == ("no credential", status)
    assert result.detail == f"files.example said so; no provider has one; {NO_FILES}"
    ask_owner = "ask whoever runs private.example if files.example, which it names, needs a login"
    assert result.next_step == ask_owner


def test_file_host_that_the_project_names_gets_the_advice_to_log_in(files: Recorder) -> None:
    files.default = CHALLENGE
    index = authshim.Index("http://private.example/simple/")
    declared = [index, authshim.Index("http://files.example/simple")]
    result = probe(authshim.Chain([NoKeyring()], indexes=declared), index, ["demo"])
    assert result.next_step == LOGIN.format(host="files.example")


@pytest.mark.parametrize(("status", "word"), [(401, "rejected"), (403, "forbidden")])
def test_a_login_of_the_files_own_that_is_refused_is_told(
    status: int, word: str, files: Recorder
) -> None:
    files.default = Answer(status)
    index = authshim.Index("http://private.example/simple/")
    result = probe(authshim.Chain([OfFiles()], indexes=[index]), index, ["demo"])
    assert (result.answer, result.found and result.found.key) == (word, "files.example")


@pytest.mark.parametrize("provider", [OfFiles(), NoKeyring()], ids=["with a login", "without"])
def test_a_file_on_another_http_host_gets_nothing_and_says_who_named_it(
    provider: authshim.Provider,
    recorder: Recorder,
    make_recorder: Callable[..., Recorder],
    anywhere: Names,
) -> None:
    anywhere(recorder, host="private.example").default = page_of(
        "http://files.example/demo-1.0-py3-none-any.whl"
    )
    other = anywhere(make_recorder(), host="files.example")
    other.default = CHALLENGE
    index = authshim.Index("http://private.example/simple/")
    result = probe(authshim.Chain([provider], indexes=[index]), index, ["demo"])
    assert [seen.authorization for seen in other.seen] == [None]
    assert (result.answer, result.found) == ("no credential", None)
    assert (
        result.detail
        == f"files.example said so; not sent: private.example named it over http; {NO_FILES}"
    )
    step = "declare http://files.example in the project, or ask whoever named it to use https"
    assert result.next_step == step


def test_a_signature_that_is_not_taken_is_no_matter_of_logins(
    recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    signed = (
        "http://blobs.example/x?X-Amz-Signature=0a&X-Amz-Credential=b"
        "&X-Amz-Date=c&X-Amz-Algorithm=d"
    )
    anywhere(recorder, host="private.example").on(
        "/simple/demo/", page_of("/files/demo-1.0-py3-none-any.whl")
    )
    recorder.on("/files/*", redirect(signed))
    anywhere(make_recorder(), host="blobs.example").default = Answer(403)
    result = ask(authshim.Index("http://private.example/simple/"))
    assert (result.answer, result.next_step) == (
        "unreachable",
        "run it again: the index signs a new URL",
    )
    reason = "the server does not accept the signature in the URL (HTTP 403)"
    assert result.detail == f"blobs.example said so; {reason}; {NO_FILES}"


def test_an_index_that_leaves_a_page_to_another_one_is_judged_by_its_root(
    recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    index = authshim.Index("http://private.example/simple/")
    anywhere(recorder, host="private.example").on(
        "/simple/demo/", redirect("http://public.example/simple/demo/")
    )
    anywhere(make_recorder(), host="public.example").default = page_of()
    recorder.on("/simple/", CHALLENGE)
    assert ask(index).answer == "no credential"
    recorder.on("/simple/", Answer())
    result = ask(index)
    assert (result.answer, result.detail) == ("open", "public.example serves demo in its place")
    recorder.on("/simple/", Answer(404))
    assert ask(index).answer == "open"


def test_an_index_is_asked_for_more_names_until_it_has_one(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on("/acme/simple/*", Answer(404))
    recorder.on("/acme/simple/third/", page_of())
    names = ["first", "second", "third", "fourth"]
    result = probe(chain(None, index), index, names)
    assert (result.answer, result.api) == ("open", "JSON 1.1")
    assert [seen.path for seen in recorder.seen] == [f"/acme/simple/{name}/" for name in names[:3]]


def test_an_index_of_gitea_which_lists_nothing_lets_in(recorder: Recorder) -> None:
    recorder.default = knows(known=404, nobody=401)  # type: ignore[assignment]
    result = ask(authshim.Index(f"{recorder.url}/api/packages/acme/pypi/simple"), SECRET)
    assert (result.answer, result.fine) == ("let in", True)
    assert result.detail.startswith("it has no page of the project's packages, and lists none")


def test_index_that_lists_nothing_is_not_judged_by_an_unused_name(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = knows(known=404, nobody=401)  # type: ignore[assignment]
    result = probe(chain(SECRET, index), index)
    assert (result.answer, result.fine) == ("not probed", True)
    assert result.detail == "it lists no packages, and the project names none to ask for"


def test_an_answer_after_a_refusal_is_the_credential_that_let_in(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on(
        "/acme/*", lambda seen: Answer() if seen.authorization == SECRET.header else CHALLENGE
    )
    result = probe(authshim.Chain([Answers(SECRET, "netrc", "default")], indexes=[index]), index)
    assert (result.answer, result.found and result.found.provider) == ("let in", "netrc")


def test_an_answer_after_a_refusal_that_is_refused_as_well_is_rejected(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = CHALLENGE
    result = probe(authshim.Chain([Answers(SECRET, "netrc", "default")], indexes=[index]), index)
    assert (result.answer, result.found and result.found.provider) == ("rejected", "netrc")


def test_a_private_index_without_the_page_lets_in_by_its_root(
    recorder: Recorder, index: authshim.Index
) -> None:
    def answer(seen: object) -> Answer:
        if getattr(seen, "authorization", None) != SECRET.header:
            return CHALLENGE
        return Answer(404 if getattr(seen, "method", "") == "GET" else 200)

    recorder.on("/acme/*", answer)
    result = probe(
        authshim.Chain([Answers(SECRET, "keyring command", "service")], indexes=[index]), index
    )
    assert (result.answer, result.found and result.found.provider) == ("let in", "keyring command")


@pytest.mark.parametrize(
    ("root", "word"),
    [(401, "no credential"), (203, "no credential"), (500, "not found"), (404, "not found")],
)
def test_a_missing_page_is_judged_by_the_root(
    root: int, word: str, recorder: Recorder, index: authshim.Index
) -> None:
    recorder.on("/acme/*", lambda seen: Answer(404 if seen.method == "GET" else root))
    assert ask(index).answer == word


@pytest.mark.parametrize(
    ("status", "word"), [(200, "open"), (401, "no credential"), (404, "not found")]
)
@pytest.mark.parametrize("head", [405, 501])
def test_root_that_refuses_head_is_asked_with_get(
    head: int, status: int, word: str, recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = Answer(404)
    recorder.on("/acme/simple/", lambda seen: Answer(status if seen.method == "GET" else head))
    assert ask(index).answer == word


def test_the_host_that_refused_is_named_after_a_redirect(
    make_recorder: Callable[..., Recorder], recorder: Recorder, index: authshim.Index
) -> None:
    other = make_recorder()
    other.default = CHALLENGE
    recorder.default = redirect(f"http://localhost:{other.port}/x")
    result = probe(
        authshim.Chain([Answers(SECRET, "vault", "port")], indexes=[index]), index, ["demo"]
    )
    assert result.detail.startswith("localhost said so")


def test_two_users_of_one_index_are_told_apart(recorder: Recorder) -> None:
    recorder.on(
        "/simple/*", lambda seen: Answer() if seen.authorization == SECRET.header else Answer(403)
    )
    ada = authshim.Index(f"http://ada:s3cret@127.0.0.1:{recorder.port}/simple")
    bob = authshim.Index(f"http://bob:s3cret@127.0.0.1:{recorder.port}/simple")
    both = chain(None, bob, ada)
    assert [probe(both, place, ["demo"]).answer for place in (ada, bob)] == ["let in", "forbidden"]


def test_a_token_that_stands_as_the_username_is_not_shown(recorder: Recorder) -> None:
    result = ask(authshim.Index(f"http://s3cret:@127.0.0.1:{recorder.port}/simple"))
    assert (result.answer, result.url) == (
        "let in",
        f"http://****@127.0.0.1:{recorder.port}/simple",
    )
    assert "s3cret" not in repr(result)


def test_s3_keys_are_no_credential_for_http(recorder: Recorder, index: authshim.Index) -> None:
    recorder.default = CHALLENGE
    assert ask(index, authshim.S3Credentials("id", "s3cret")).answer == "no credential"


def test_a_page_to_sign_in_is_no_open_index(recorder: Recorder, index: authshim.Index) -> None:
    recorder.on("/acme/*", redirect("/login"))
    recorder.on("/login", Answer(200, b"<form>", {"Content-Type": "text/html"}))
    result = ask(index)
    assert (result.answer, result.detail) == ("no credential", "it showed a page to sign in")


def test_a_page_to_sign_in_rejects_the_login_that_was_shown(
    recorder: Recorder, make_recorder: Callable[..., Recorder], anywhere: Names
) -> None:
    anywhere(recorder, host="private.example").default = redirect("http://login.example/who")
    anywhere(make_recorder(), host="login.example").default = Answer(
        200, b"<form>", {"Content-Type": "text/html"}
    )
    result = ask(authshim.Index("http://private.example/simple/"), SECRET)
    assert (result.answer, result.next_step) == (
        "rejected",
        LOGIN_AS_ADA.format(host="private.example"),
    )


def test_azures_203_is_a_page_to_sign_in(recorder: Recorder, index: authshim.Index) -> None:
    recorder.default = Answer(203)
    assert ask(index).answer == "no credential"


@pytest.mark.parametrize("host", ["a..b.localhost", f"{'x' * 70}.example"])
def test_a_host_name_that_cannot_be_costs_its_own_line_only(host: str) -> None:
    result = ask(authshim.Index(f"http://{host}/simple"))
    assert (result.answer, result.next_step) == ("unreachable", "correct the URL")


@pytest.mark.parametrize(
    "url",
    [
        "file:///srv/wheels/simple",
        "oci://ghcr.io/acme",
        "gcs://b/c",
        "az://h/c",
    ],
)
def test_url_that_is_not_http_is_fine_without_a_probe(url: str) -> None:
    result = ask(authshim.Channel(url))
    assert (result.answer, result.fine) == ("not probed", True)


@pytest.mark.parametrize(
    ("url", "unfilled"),
    [
        ("https://oauth2accesstoken@<location>-python.pkg.dev/p/r/simple", "<location>"),
        (
            "https://VssSessionToken@pkgs.dev.azure.com/acme/_packaging/{feed}/pypi/simple/",
            "{feed}",
        ),
        ("https://$HOST/simple", "$HOST"),
        ("https://h.example/${ORG}/simple", "${ORG}"),
        ("https://h.example/%ORG_NAME%/simple", "%ORG_NAME%"),
        ("https://h.example/t/<token>/simple", "the token"),
        ("https://${NAME}:${PASS}@h.example/simple", "the password"),
        ("https://ada:%ADA_PASS%@h.example/simple", "the password"),
        ("https://__token__:<your-token>@h.example/simple", "the password"),
        ("https://ada:****@h.example/simple", "the password"),
        ("https://{user}@h.example/simple", "the username"),
    ],
)
def test_a_placeholder_is_said_and_not_fine(url: str, unfilled: str) -> None:
    result = ask(authshim.Index(url))
    assert (result.answer, result.detail, result.fine) == (
        "not probed",
        f"{unfilled} is not filled in",
        False,
    )
    assert result.next_step == f"fill in {unfilled} in the index's URL"


def test_a_host_that_dns_does_not_know_is_unreachable() -> None:
    result = ask(authshim.Index("https://nobody.invalid/simple"))
    assert (result.answer, result.detail) == ("unreachable", "its name is not known to DNS")


def test_a_refused_connection_is_unreachable() -> None:
    result = ask(authshim.Index("http://127.0.0.1:1/simple"))
    assert (result.answer, result.detail) == ("unreachable", "the connection was refused or broke")


def test_a_certificate_that_does_not_verify_is_told(tls_recorder: Recorder) -> None:
    result = ask(authshim.Index(f"{tls_recorder.url}/simple"))
    assert (result.answer, result.detail) == ("unreachable", "its TLS certificate does not verify")
    assert "REQUESTS_CA_BUNDLE" in result.next_step


def test_requests_ca_bundle_is_honoured(
    tls_recorder: Recorder, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    assert ask(authshim.Index(f"{tls_recorder.url}/simple")).answer == "open"


def test_a_ca_bundle_that_is_not_there_is_told(
    tls_recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    result = ask(authshim.Index(f"{tls_recorder.url}/simple"))
    assert result.detail == "the file of trusted certificates is not there"


def test_a_proxy_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    result = ask(authshim.Index("https://index.example/simple"))
    assert result.detail == "the proxy http://127.0.0.1:1 (from https_proxy) cannot be reached"
    assert result.next_step == "check https_proxy"


def test_a_server_that_does_not_answer_in_time_is_told(
    recorder: Recorder, index: authshim.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    monkeypatch.setattr("authshim.transport.failures.TIMEOUT", (0.1, 0.1))
    done = Event()
    recorder.on("/acme/*", lambda seen: done.wait(60) and None)
    result = ask(index)
    done.set()
    assert (result.answer, result.detail) == ("unreachable", "no answer within 0.1 s")


def test_a_server_whose_answer_comes_byte_by_byte_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("authshim.transport.failures.MAX_TOTAL_SECONDS", 0.3)
    with dripping() as url:
        result = ask(authshim.Index(f"{url}/simple"))
    assert (result.answer, result.detail) == ("unreachable", "no whole answer within 0.3 s")


def test_a_server_that_is_broken_is_unreachable_with_its_status(
    recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = Answer(503)
    result = ask(index)
    assert (result.answer, result.status, result.detail) == (
        "unreachable",
        503,
        "the server answered HTTP 503",
    )


def test_a_redirect_loop_is_told(recorder: Recorder, index: authshim.Index) -> None:
    recorder.default = redirect("/acme/simple/demo/")
    assert ask(index).detail == "it redirects without end"


@pytest.mark.parametrize(
    ("url", "step"),
    [
        (
            "https://europe-python.pkg.dev/acme/lib/simple",
            (
                "write oauth2accesstoken@ before europe-python.pkg.dev in the index URL, "
                "then: gcloud auth login"
            ),
        ),
        (
            "https://oauth2accesstoken@europe-python.pkg.dev/acme/lib/simple",
            (
                "gcloud auth login   "
                "(once before: pipx inject keyring keyrings.google-artifactregistry-auth)"
            ),
        ),
        (
            "https://VssSessionToken@pkgs.dev.azure.com/acme/_packaging/feed/pypi/simple/",
            "az login   (once before: pipx inject keyring keyrings.artifacts)",
        ),
        (
            "https://aws@acme-1.d.codeartifact.eu-west-1.amazonaws.com/pypi/lib/simple/",
            "aws sso login   (once before: pipx inject keyring keyrings.codeartifact)",
        ),
        (
            "https://ada@index.example/simple",
            (
                "keyring set https://index.example/simple ada   "
                "(if ada is itself the secret: write ada:@ in the URL)"
            ),
        ),
        (
            "https://glpat-s3cret@index.example/simple",
            (
                "correct the token in the URL, or take it out and: "
                f"{LOGIN.format(host='index.example')}"
            ),
        ),
        (
            "https://1RKjr9abcDEF0123456789xyz@europe-python.pkg.dev/acme/lib/simple",
            (
                "write oauth2accesstoken@ in place of the token before europe-python.pkg.dev, "
                "then: gcloud auth login"
            ),
        ),
        (
            "https://index.example/simple",
            LOGIN.format(host="index.example"),
        ),
    ],
)
def test_the_next_step_is_the_vendors_own_command(
    url: str,
    step: str,
    tls_recorder: Recorder,
    authority: Authority,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    anywhere(tls_recorder).default = CHALLENGE
    assert ask(authshim.Index(url)).next_step == step


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (KEYRING_COMMAND, "keyring set {url} ada"),
        (NETRC, "correct the entry for {netloc} in vault"),
        ("", LOGIN_AS_ADA.format(host="127.0.0.1")),
    ],
)
def test_a_rejected_credential_is_mended_where_it_is_kept(
    kind: str, step: str, recorder: Recorder, index: authshim.Index
) -> None:
    recorder.default = CHALLENGE
    result = probe(chain(SECRET, index, kind=kind), index, ["demo"])
    assert result.next_step == step.format(url=index.url, netloc=f"127.0.0.1:{recorder.port}")


def test_a_password_in_the_url_is_mended_there(recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    result = ask(authshim.Index(f"http://ada:s3cret@127.0.0.1:{recorder.port}/simple"))
    assert (result.answer, result.next_step) == (
        "rejected",
        "correct the user:password@ in the URL",
    )
    assert "s3cret" not in repr(result)


def test_all_places_of_a_project_are_asked_side_by_side_and_told_in_order(
    recorder: Recorder, no_secret: Callable[..., None]
) -> None:
    from pathlib import Path
    from threading import Barrier

    together = Barrier(3, timeout=50)
    recorder.on("/*", lambda seen: together.wait() < 3 and Answer())
    Path("pixi.toml").write_text(
        f"""
        [workspace]
        channels = ["{recorder.url}/channel"]
        platforms = []
        [pypi-options]
        index-url = "http://ada:s3cret@127.0.0.1:{recorder.port}/one/simple"
        extra-index-urls = ["{recorder.url}/two/simple"]
        """,
        encoding="utf-8",
    )
    manifest = authshim.Manifest.load("pixi.toml")
    results = check(authshim.Chain.from_environment(manifest=manifest), manifest)
    assert [result.url.rpartition("/")[0].rpartition("/")[2] for result in results[:2]] == [
        "two",
        "one",
    ]
    assert [result.answer for result in results] == ["open", "let in", "open"]
    no_secret(results)


PROJECT = """
[workspace]
channels = []
platforms = ["linux-64"]
[pypi-options]
index-url = "{url}/simple"
[pypi-dependencies]
public = "*"
mine = {{ version = "*", index = "{url}/own/simple" }}
here = {{ path = "." }}
"""


def asked_for(recorder: Recorder, text: str) -> list[str]:
    """Check a project whose indexes have nothing; return what they were asked for."""
    from pathlib import Path

    Path("pixi.toml").write_text(PROJECT.format(url=recorder.url) + text, encoding="utf-8")
    manifest = authshim.Manifest.load("pixi.toml")
    recorder.default = Answer(404)
    assert len(check(authshim.Chain.from_environment(manifest=manifest), manifest)) == 2
    return [seen.path for seen in recorder.seen if seen.method == "GET"]


def test_conda_project_without_pypi_packages_asks_no_pypi(recorder: Recorder) -> None:
    from pathlib import Path

    text = f'[workspace]\nchannels = ["{recorder.url}/priv"]\nplatforms = []\n'
    Path("pixi.toml").write_text(text, encoding="utf-8")
    manifest = authshim.Manifest.load("pixi.toml")
    results = check(chain(), manifest)
    assert [result.url for result in results] == [f"{recorder.url}/priv"]


def test_an_index_is_asked_for_the_packages_that_come_from_it(recorder: Recorder) -> None:
    assert sorted(asked_for(recorder, "")) == ["/own/simple/mine/", "/simple/public/"]


@pytest.mark.parametrize("written", ["1.0", ">=x", "https://ada:s3cret@h/"])
def test_a_requirement_that_is_wrong_does_not_stop_the_check(
    written: str, recorder: Recorder
) -> None:
    assert "/simple/wrong/" in asked_for(recorder, f'wrong = "{written}"')


def test_a_broken_provider_does_not_stop_the_check(
    recorder: Recorder, index: authshim.Index
) -> None:
    class Broken(Keeps):
        def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
            raise ProviderError("vault", "its door is stuck")

    assert probe(authshim.Chain([Broken()], indexes=[index]), index).answer == "open"


def verdict_at(host: str) -> Result:
    return probe(authshim.Chain.from_environment(), authshim.Index(f"https://{host}/simple"))


def test_certificates_of_ssl_cert_file_are_trusted(
    tls_recorder: Recorder, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"localhost:{tls_recorder.port}"
    assert verdict_at(host).answer == "unreachable"
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    assert verdict_at(host).answer == "open"


@pytest.mark.parametrize(
    ("variables", "remark", "step"),
    [
        (
            ["PIP_CERT"],
            "PIP_CERT is set, but requests reads REQUESTS_CA_BUNDLE",
            "set REQUESTS_CA_BUNDLE to {PIP_CERT}",
        ),
        (
            ["SSL_CERT_FILE"],
            "SSL_CERT_FILE is read here, but requests reads REQUESTS_CA_BUNDLE",
            "add your company's CA to {SSL_CERT_FILE}, which SSL_CERT_FILE names",
        ),
        (
            ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"],
            "SSL_CERT_FILE is set, but requests reads REQUESTS_CA_BUNDLE",
            "add your company's CA to {REQUESTS_CA_BUNDLE}, which REQUESTS_CA_BUNDLE names",
        ),
        ([], "", "set REQUESTS_CA_BUNDLE to the file of your company's CA"),
    ],
    ids=["pip", "uv", "both", "none"],
)
def test_next_step_names_the_variable_that_is_read(
    variables: list[str],
    remark: str,
    step: str,
    tls_recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import certifi

    for variable in variables:
        monkeypatch.setenv(variable, certifi.where())
    result = verdict_at(f"localhost:{tls_recorder.port}")
    reasons = ["its TLS certificate does not verify", remark]
    assert result.detail == "; ".join(filter(None, reasons))
    assert result.next_step == step.format(**dict.fromkeys(variables, certifi.where()))


def test_tls_no_verify_of_pixi_is_named_and_not_obeyed(tls_recorder: Recorder) -> None:
    from pathlib import Path

    config = Path.home() / ".pixi/config.toml"
    config.parent.mkdir()
    config.write_text("tls-no-verify = true", encoding="utf-8")
    result = verdict_at(f"localhost:{tls_recorder.port}")
    assert (result.answer, tls_recorder.seen) == ("unreachable", [])
    assert f"pixi does not verify it (tls-no-verify in {config}:1)" in result.detail


def test_proxy_of_pixi_is_used_except_for_its_hosts(recorder: Recorder) -> None:
    from pathlib import Path

    config = Path.home() / ".pixi/config.toml"
    config.parent.mkdir()
    table = f'[proxy-config]\nhttp = "{recorder.url}"\nnon-proxy-hosts = ["127.0.0.1"]\n'
    config.write_text(table, encoding="utf-8")
    chain = authshim.Chain.from_environment()
    for url in ("http://away.example/simple", f"{recorder.url}/simple"):
        assert probe(chain, authshim.Index(url)).answer == "open"
    assert recorder.seen[0].target.startswith("http://away.example/simple/")
    assert recorder.seen[-1].target.startswith("/simple")


def test_comparison_with_a_fake_login_uses_the_proxy_of_pixi(
    recorder: Recorder, home: Path
) -> None:
    (home / ".netrc").write_text("machine away.example login ada password s3cret")
    (home / ".pixi").mkdir()
    table = f'[proxy-config]\nhttp = "{recorder.url}"\n'
    (home / ".pixi/config.toml").write_text(table)
    recorder.on("*", lambda seen: Answer(404) if seen.authorization else CHALLENGE)
    result = probe(authshim.Chain.from_environment(), authshim.Index("http://away.example/simple"))
    assert result.answer == "rejected"
    assert len([seen for seen in recorder.seen if seen.authorization is None]) == 1
