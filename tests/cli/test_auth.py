"""``authshim auth``: what is typed, what is stored, and what is printed."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from servers import Answer

from authshim.cli import _parser, main, token

if TYPE_CHECKING:
    from servers import Authority, Names, Recorder


UNQUOTED = "auth login does not take the argument **** (quote a secret that has blanks)"
DASHED = (
    "auth login has no option **** "
    "(a secret that begins with - is written as in --password=-secret)"
)
NO_CHANNEL = (
    "HOST: anaconda.org itself serves no channel; "
    "log in at conda.anaconda.org/ada or at anaconda.org"
)
MISSPELT = "auth login has no option --pasword; did you mean --password?"


@pytest.fixture
def kept(home: Path) -> Path:
    """The file that a login without a keychain goes to."""
    return home / ".rattler" / "credentials.json"


def keep(file: Path, **entries: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps(
            {key.replace("__", "*.").replace("_", "."): entry for key, entry in entries.items()}
        )
    )
    file.chmod(0o600)


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


BASIC = ["--username", "ada", "--password", "s3cret"]


# login


def test_a_standard_input_without_end_is_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kept: Path
) -> None:
    class Endless(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            assert size is not None
            assert size > 0
            return "s" * size

    monkeypatch.setattr(sys, "stdin", Endless())
    assert main(["auth", "login", "h.example", "--token", "-"]) == 2
    assert (
        "--token: standard input has more than 1,048,576 characters, which is no secret"
        in capsys.readouterr().err
    )
    assert not kept.exists()


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        (["--token", "s3cret"], {"BearerToken": "s3cret"}),
        (BASIC, {"BasicHTTP": {"username": "ada", "password": "s3cret"}}),
        (["--conda-token", "s3cret"], {"CondaToken": "s3cret"}),
    ],
)
def test_login_stores_an_entry_as_pixi_does_and_names_the_store(
    words: list[str], entry: object, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", "myserver.com", *words]) == 0
    assert json.loads(kept.read_bytes()) == {"*.myserver.com": entry}
    out, err = capsys.readouterr()
    (kind,) = entry
    assert out == f"stored the {kind} for *.myserver.com in auth file ~/.rattler/credentials.json\n"
    assert err == "authshim: auth file ~/.rattler/credentials.json is not encrypted\n"


@pytest.mark.parametrize("how", ["variable", "option", "config"])
def test_login_goes_to_the_override_file(
    how: str,
    kept: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = home / "own.json"
    if how == "variable":
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(file))
    elif how == "config":
        (home / ".pixi").mkdir()
        (home / ".pixi" / "config.toml").write_text(
            f'authentication-override-file = "{file.as_posix()}"'
        )
    option = ["--auth-file", str(file)] if how == "option" else []
    assert main(["auth", "login", "otherhost.example.com", *BASIC, *option]) == 0
    assert set(json.loads(file.read_bytes())) == {"otherhost.example.com"}
    assert not kept.exists()
    assert capsys.readouterr().err == ""


def test_login_goes_to_the_file_that_is_the_first_only(
    home: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(home / "own.json"))
    monkeypatch.setenv("AUTHSHIM_AUTH_FILE_MODE", "first")
    assert main(["auth", "login", "h.example", *BASIC]) == 0
    assert (home / "own.json").exists()
    assert not kept.exists()


def test_login_names_the_credential_that_it_replaces(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = ["auth", "login", "a.h.example"]
    replaced = []
    for words in (["--token", "s3cret"], BASIC, BASIC, ["--token", "s3cret"]):
        assert main([*login, *words]) == 0
        replaced.append(capsys.readouterr().out.partition("credentials.json")[2].strip())
    assert replaced == [
        "",
        "(in place of the BearerToken that was there)",
        "",
        "(in place of the BasicHTTP of ada that was there)",
    ]


def test_login_keeps_a_good_secret_if_the_new_one_is_empty(kept: Path) -> None:
    login = ["auth", "login", "a.h.example", "--token"]
    assert main([*login, "s3cret"]) == 0
    assert main([*login, ""]) == 2
    assert json.loads(kept.read_bytes()) == {"a.h.example": {"BearerToken": "s3cret"}}


@pytest.fixture
def theirs() -> Path:
    """The auth file that the project of this folder names."""
    Path(".pixi").mkdir()
    file = Path("theirs.json").absolute()
    config = f"authentication-override-file = {json.dumps(str(file))}"
    Path(".pixi/config.toml").write_text(config, encoding="utf-8")
    Path("pixi.toml").write_text("[workspace]\nchannels = []\nplatforms = []\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("words", "verb"),
    [(["login", "h.example", *BASIC], "log in"), (["logout", "h.example"], "log out")],
)
def test_login_and_logout_tell_that_the_project_reads_another_file(
    words: list[str], verb: str, theirs: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", *words]) == 0
    assert not theirs.exists()
    config = Path(".pixi/config.toml").absolute()
    assert capsys.readouterr().err.splitlines()[0] == (
        f"authshim: in this project only {theirs} is read "
        f"(authentication-override-file in {config}); to {verb} there, add --auth-file {theirs}"
    )
    assert main(["auth", *words, "--auth-file", str(theirs)]) == 0
    assert "in this project" not in capsys.readouterr().err


def test_status_and_token_read_the_file_of_the_project(
    theirs: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs.write_text('{"h.example": {"BearerToken": "s3cret-theirs"}}', encoding="utf-8")
    keep(kept, h_example={"BearerToken": "s3cret-ours"})
    note = f"only {theirs} was read: authentication-override-file in "
    assert main(["auth", "token", "h.example"]) == 0
    out, err = capsys.readouterr()
    assert out == "s3cret-theirs\n"
    assert err.startswith(f"authshim: {note}")
    assert main(["auth", "status", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    assert [each["provider"] for each in listing["entries"]] == [f"auth file {theirs}"]
    assert any(each.startswith(note) for each in listing["notes"])


@pytest.mark.parametrize(
    ("typed", "key"), [("y\n", "h.example/acme"), ("n\n", "*.h.example"), ("", "*.h.example")]
)
def test_login_at_a_path_asks_if_the_host_is_meant(
    typed: str,
    key: str,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("authshim.cli.terminal.can_ask", lambda: True)
    given(monkeypatch, typed)
    assert main(["auth", "login", "https://h.example/acme/simple/demo/", *BASIC]) == 0
    assert set(json.loads(kept.read_bytes())) == {key}
    assert "Store it for h.example/acme alone, not for all of h.example?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "key"), [("", "h.example:8443"), ("/a/simple", "h.example:8443/a")]
)
def test_login_at_a_port_asks_if_the_host_is_meant(
    path: str,
    key: str,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("authshim.cli.terminal.can_ask", lambda: True)
    given(monkeypatch, "y\n")
    assert main(["auth", "login", f"https://h.example:8443{path}", *BASIC]) == 0
    assert set(json.loads(kept.read_bytes())) == {key}
    assert f"Store it for {key} alone, not for all of h.example?" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["h.example:8443", "*.a.h.example", "https://h.example:443/"])
def test_login_at_a_key_does_not_ask_about_its_port(
    words: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", words, *BASIC]) == 0
    assert len(json.loads(kept.read_bytes())) == 1
    assert "this login serves all" not in capsys.readouterr().err


def test_login_at_a_path_warns_if_nobody_can_be_asked(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", "https://h.example/acme/simple/", *BASIC]) == 0
    assert set(json.loads(kept.read_bytes())) == {"*.h.example"}
    sentence = (
        "this login serves all of h.example "
        "(for h.example/acme alone: authshim auth login h.example/acme)"
    )
    assert sentence in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "url", ["https://h.example/simple", "https://anaconda.org/x", "https://h.example/t/tk-s3cret/x"]
)
def test_login_does_not_ask_about_a_path_that_is_no_key(
    url: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authshim.cli.terminal.can_ask", lambda: True)
    given(monkeypatch, "y\n")
    kind = ["--conda-token", "s3cret"] if "anaconda" in url else BASIC
    assert main(["auth", "login", url, *kind]) == 0
    assert not any("/" in key for key in json.loads(kept.read_bytes()))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_dash_reads_the_secret_from_standard_input(
    end: str, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, f"s3cret {end}".replace(" ", ""))
    assert main(["auth", "login", "h.example", "--token", "-"]) == 0
    assert json.loads(kept.read_bytes()) == {"*.h.example": {"BearerToken": "s3cret"}}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["h.example"],
            "say how: add --username NAME, --token, --conda-token or --oauth",
        ),
        (["h.example", "--token", "s3cret", *BASIC], "--token: cannot go together with --username"),
        (["h.example", "--password", "s3cret"], "--password: goes together with --username"),
        (
            ["prefix.dev", *BASIC],
            "--username: prefix.dev takes --oauth or --token and nothing else",
        ),
        (
            ["anaconda.org", "--token", "s3cret"],
            "--token: anaconda.org takes --conda-token and nothing else",
        ),
        (
            ["h.example", "--username", "ada"],
            "--password: there is no terminal to ask at; - reads it from standard input",
        ),
        (["h.example", "--token", "-"], "--token: standard input is empty"),
        (
            ["h.example", "--token", ""],
            "--token: it is empty, so nothing was stored (is a variable unset?)",
        ),
        (
            ["h.example", "--username", "ada", "--password", ""],
            "--password: it is empty, so nothing was stored (is a variable unset?)",
        ),
        (
            ["h.example", "--username", "ada:s3cret", "--password", "s3cret"],
            "--username: a username has no colon; --password takes the password",
        ),
        (
            ["h.example", "--token", "Bearer s3cret"],
            "--token: leave out the word Bearer: authshim sends it by itself",
        ),
        (
            ["anaconda.org/ada", "--conda-token", "s3cret"],
            NO_CHANNEL,
        ),
        (["h.example", "--pasword=s3cret"], MISSPELT),
        (["h.example", "--token", "my", "s3cret"], UNQUOTED),
        (["h.example", "--username", "u", "--password", "--s3cret"], DASHED),
    ],
)
def test_login_refuses_in_one_sentence_without_a_secret(
    words: list[str],
    sentence: str,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given(monkeypatch, "")
    assert main(["auth", "login", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"authshim: error: {sentence}")
    assert "s3cret" not in err
    assert not kept.exists()


def test_login_replaces_the_oauth_login_of_the_bare_host(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {
        "access_token": "s3cret",
        "expires_at": 1,
        "token_endpoint": "https://h.example/token",
        "client_id": "pixi",
    }
    kept.parent.mkdir(mode=0o700)
    kept.write_text(json.dumps({"h.example": {"OAuth": ended}}))
    assert main(["auth", "login", "h.example", "--token", "new"]) == 0
    assert json.loads(kept.read_bytes()) == {"*.h.example": {"BearerToken": "new"}}
    assert "removed the OAuth login for h.example" in capsys.readouterr().out


def test_a_login_for_one_port_leaves_the_oauth_login_of_the_host(kept: Path) -> None:
    keep(
        kept,
        h_example={
            "OAuth": {"access_token": "s3cret", "token_endpoint": "https://x/", "client_id": "c"}
        },
    )
    assert main(["auth", "login", "h.example:8443", *BASIC]) == 0
    assert set(json.loads(kept.read_bytes())) == {"h.example", "h.example:8443"}


def test_a_secret_that_looks_like_an_option_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        code: object = main(["auth", "login", "h.example", "--token", "-vs3cret"])
    except SystemExit as ended:  # argparse's own exit, up to Python 3.11
        code = ended.code
    err = capsys.readouterr().err
    assert (code, "****" in err, "s3cret" in err) == (2, True, False)


def test_a_secret_that_cannot_be_sent_is_refused(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", "h.example", "--token", "s3cret\n"]) == 1
    assert (
        capsys.readouterr().err
        == "authshim: error: the token has a control character (a line break, perhaps)\n"
    )
    assert not kept.exists()


def test_login_warns_of_a_key_that_pixi_does_not_read(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", "h.example:8443", *BASIC]) == 0
    assert set(json.loads(kept.read_bytes())) == {"h.example:8443"}
    assert "pixi does not read keys with a port or a path; authshim does" in capsys.readouterr().err


def test_login_warns_of_an_entry_that_comes_first(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".netrc").write_text("machine myserver.com login bob password s3cret\n")
    assert main(["auth", "login", "myserver.com", *BASIC]) == 0
    err = capsys.readouterr().err
    assert (
        "authshim: for https://myserver.com/ another comes first: myserver.com in netrc ~/.netrc\n"
        in err
    )


def test_quiet_drops_the_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["auth", "login", "-q", "h.example:1", *BASIC]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_that_is_broken_stops_the_login(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.parent.mkdir()
    kept.write_text('{"h": "s3cret"')
    assert main(["auth", "login", "h.example", *BASIC]) == 1
    out, err = capsys.readouterr()
    assert (out, kept.read_text()) == ("", '{"h": "s3cret"')
    assert err.startswith("authshim: error: cannot write to auth file ")
    assert "s3cret" not in err


def test_a_folder_that_cannot_be_written_is_one_sentence(
    open_folder: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(open_folder))
    login = ["auth", "login", "h.example", *BASIC, "--auth-file", str(open_folder / "auth.json")]
    assert main(login) == 0  # nobody might not be allowed to import what it takes
    before = (open_folder / "auth.json").read_text()
    (open_folder / "auth.json").chmod(0o644)
    open_folder.chmod(0o555)
    capsys.readouterr()
    request.getfixturevalue("nobody")
    for words in (
        login,
        ["auth", "logout", "h.example", "--auth-file", str(open_folder / "auth.json")],
    ):
        assert main(words) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "cannot write to auth file " in err
        assert "s3cret" not in err
    assert (open_folder / "auth.json").read_text() == before


def test_without_a_home_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from authshim.settings import config_paths

    for name in ("HOME", "USERPROFILE"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(config_paths, "_home_of_user", lambda: None)
    assert main(["auth", "login", "h.example", *BASIC]) == 1
    assert (
        capsys.readouterr().err
        == "authshim: error: there is no file to store it in; name one by --auth-file\n"
    )


def test_a_keychain_is_never_said_to_be_unencrypted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where it is the last store, for want of a home."""
    from types import SimpleNamespace

    from authshim.providers import os_keychain
    from authshim.settings import config_paths

    kept: dict[str, str] = {}
    keychain = SimpleNamespace(
        get_password=lambda service, key: kept.get(key),
        set_password=lambda service, key, secret: kept.update({key: secret}),
    )
    monkeypatch.setattr(os_keychain, "open_keychain", lambda platform: keychain)
    monkeypatch.setattr(config_paths, "_home_of_user", lambda: None)
    for name in ("HOME", "USERPROFILE", "PYTHON_KEYRING_BACKEND"):
        monkeypatch.delenv(name)
    assert main(["auth", "login", "h.example", *BASIC]) == 0
    assert list(kept) == ["*.h.example"]
    assert capsys.readouterr() == ("stored the BasicHTTP for *.h.example in OS keychain\n", "")


# prefix.dev


@pytest.fixture
def prefix(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setenv("PREFIX_DEV_API_URL", recorder.url)
    recorder.default = Answer(200, b'{"data": {"viewer": {"login": "ada"}}}')
    return recorder


@pytest.mark.parametrize("host", ["prefix.dev", "repo.prefix.dev"])
def test_a_token_of_prefix_dev_is_verified(
    host: str, prefix: Recorder, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "login", host, "--token", "s3cret"]) == 0
    assert [seen.authorization for seen in prefix.seen] == ["Bearer s3cret"]
    assert capsys.readouterr().out.startswith("stored the BearerToken of ada for ")
    assert len(json.loads(kept.read_bytes())) == 1


def test_without_the_variable_prefix_dev_itself_is_asked(
    make_recorder: Callable[..., Recorder],
    authority: Authority,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
    kept: Path,
) -> None:
    server = make_recorder(ca=authority.ca)
    server.on("/api/graphql", Answer(200, b'{"data": {"viewer": {"login": "ada"}}}'))
    anywhere(server, host="prefix.dev")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    assert main(["auth", "login", "repo.prefix.dev", "--token", "s3cret"]) == 0
    assert anywhere.dialled == [("prefix.dev", 443)]
    assert [seen.authorization for seen in server.seen] == ["Bearer s3cret"]
    assert set(json.loads(kept.read_bytes())) == {"repo.prefix.dev"}


@pytest.mark.parametrize(
    "words",
    [
        ["prefix.dev", "--token", "s3cret"],
        ["h.example", "--oauth", "--oauth-issuer-url", "https://api.example"],
    ],
)
@pytest.mark.parametrize(
    ("bypassed", "dialled"),
    [("[]", ("127.0.0.9", 3128)), ('["api.example"]', ("api.example", 443))],
)
def test_login_uses_the_proxy_of_pixi(
    bypassed: str,
    dialled: tuple[str, int],
    words: list[str],
    home: Path,
    anywhere: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFIX_DEV_API_URL", "https://api.example")
    (home / ".pixi").mkdir()
    config = f'https = "http://127.0.0.9:3128"\nnon-proxy-hosts = {bypassed}\n'
    (home / ".pixi/config.toml").write_text(f"[proxy-config]\n{config}", encoding="utf-8")
    assert main(["auth", "login", *words]) == 1
    assert anywhere.dialled == [dialled]


def test_a_token_that_prefix_dev_does_not_know_is_not_stored(
    prefix: Recorder, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix.default = Answer(200, b'{"data": {"viewer": null}}')
    assert main(["auth", "login", "prefix.dev", "--token", "s3cret"]) == 1
    assert capsys.readouterr().err == f"authshim: error: {prefix.url} does not accept the token\n"
    assert not kept.exists()


# logout

TOK = {"BearerToken": "s3cret"}


def test_logout_forgets_the_host_and_its_wildcard(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, h_example=TOK, __h_example=TOK, other_example=TOK)
    assert main(["auth", "logout", "h.example"]) == 0
    assert set(json.loads(kept.read_bytes())) == {"other.example"}
    assert capsys.readouterr().out.splitlines() == [
        "removed h.example from auth file ~/.rattler/credentials.json",
        "removed *.h.example from auth file ~/.rattler/credentials.json",
    ]


def test_logout_all_forgets_every_entry_whatever_it_is(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user of --all wants no secret to stay, so that an entry of an unknown kind goes too."""
    kept.parent.mkdir(mode=0o700)
    odd = {
        "https://ada:s3cret@h.example/x": TOK,
        "*": TOK,
        "h.example.": TOK,
        "H.Example": TOK,
        "n.example": 1,
    }
    kept.write_text(json.dumps({"h.example": TOK, "strange.example": {"Magic": "s3cret"}, **odd}))
    kept.chmod(0o600)
    assert main(["auth", "logout", "--all"]) == 0
    assert json.loads(kept.read_bytes()) == {}
    out, err = capsys.readouterr()
    assert out.count("removed ") == 6  # h.example and H.Example are one
    assert "removed strange.example from auth file ~/.rattler/credentials.json\n" in out
    assert "s3cret" not in out
    assert err == ""


@pytest.mark.parametrize(
    "key", ["https://h.example/x", "h.example.", "H.Example", "ada:s3cret@h.example", "*"]
)
def test_logout_forgets_the_words_as_they_are_given(
    key: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.parent.mkdir(mode=0o700)
    kept.write_text(json.dumps({key: TOK, "other.example": TOK}))
    kept.chmod(0o600)
    assert main(["auth", "logout", key]) == 0
    assert set(json.loads(kept.read_bytes())) == {"other.example"}
    out, err = capsys.readouterr()
    assert out.count("removed ") == 1
    assert "s3cret" not in out + err


def test_logout_takes_the_name_of_a_bucket_as_pixi_does(kept: Path) -> None:
    keys = {"access_key_id": "id", "secret_access_key": "s3cret"}
    keep(kept, bucket={"S3Credentials": keys}, other_example=TOK)
    assert main(["auth", "logout", "s3://bucket"]) == 0
    assert set(json.loads(kept.read_bytes())) == {"other.example"}


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("h.example", "h.example"),
        ("https://ada:s3cret@h.example/", "****@h.example/"),
        ("h example", "h?example"),
    ],
)
def test_logout_of_what_is_not_stored_says_so(
    words: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "logout", words]) == 0
    assert capsys.readouterr() == (f"nothing is stored for {shown}\n", "")


@pytest.mark.parametrize("words", [[], [""], ["h.example", "--all"]])
def test_logout_wants_a_host_or_all(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["auth", "logout", *words]) == 2
    assert capsys.readouterr().err == "authshim: error: HOST: name a host, or give --all\n"


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ("h.example", "its login for h.example"),
        ("h.example:1", "its login for h.example:1"),
        ("--all", "its logins"),
    ],
)
def test_logout_names_a_netrc_that_it_cannot_change(
    words: str, which: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "machine h.example login bob password s3cret\n"
        "machine h.example:1 login bob password s3cret\n"
    )
    (home / ".netrc").write_text(text)
    assert main(["auth", "logout", words]) == 0
    out = capsys.readouterr().out
    assert f"netrc ~/.netrc keeps {which}: it is not for authshim to change\n" in out
    assert "s3cret" not in out
    assert (home / ".netrc").read_text() == text


def test_logout_goes_on_behind_a_store_that_is_broken(
    home: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(home / "own.json"))
    monkeypatch.setenv("AUTHSHIM_AUTH_FILE_MODE", "first")
    (home / "own.json").write_text("s3cret")
    keep(kept, h_example=TOK)
    assert main(["auth", "logout", "h.example"]) == 1
    out, err = capsys.readouterr()
    assert out == "removed h.example from auth file ~/.rattler/credentials.json\n"
    assert err.startswith("authshim: cannot read auth file ~/own.json: line 1: ")


def test_logout_revokes_an_oauth_login(
    recorder: Recorder, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {
        "access_token": "s3cret",
        "refresh_token": None,
        "expires_at": None,
        "token_endpoint": "https://x/",
    }
    entry.update(revocation_endpoint=f"{recorder.url}/r", client_id="c")
    keep(kept, h_example={"OAuth": entry})
    recorder.default = Answer(500)
    assert main(["auth", "logout", "h.example"]) == 0
    assert [seen.path for seen in recorder.seen] == ["/r"]
    assert json.loads(kept.read_bytes()) == {}
    assert "the tokens could not be revoked at" in capsys.readouterr().err


# status


def test_status_lists_the_entries_of_every_provider(
    home: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, h_example=TOK, a_example={"BasicHTTP": {"username": "ada", "password": "s3cret"}})
    (home / ".netrc").write_text(
        "machine h.example login bob password s3cret\ndefault login eve password s3cret\n"
    )
    assert main(["auth", "status"]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()[:-1]] == [
        ["h.example", "BearerToken", "auth", "file", "~/.rattler/credentials.json"],
        ["a.example", "BasicHTTP", "ada", "auth", "file", "~/.rattler/credentials.json"],
        [
            "h.example",
            "BasicHTTP",
            "bob",
            "netrc",
            "~/.netrc",
            "shadowed",
            "by",
            "auth",
            "file",
            "~/.rattler/credentials.json",
        ],
        ["default", "BasicHTTP", "eve", "netrc", "~/.netrc"],
        [
            "the",
            "keyring",
            "command",
            "cannot",
            "be",
            "listed;",
            "try:",
            "authshim",
            "explain",
            "URL",
        ],
    ]
    assert "s3cret" not in out


def test_status_of_a_host_lists_what_answers_for_it_the_first_first(
    home: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, __h_example=TOK, other_example=TOK)
    (home / ".netrc").write_text("machine a.h.example login bob password s3cret\n")
    assert main(["auth", "status", "a.h.example", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    netrc = f"netrc {home / '.netrc'}"
    assert [
        (entry["key"], entry["shadowed_by"], entry["shadowed_by_key"])
        for entry in document["entries"]
    ] == [
        ("a.h.example", None, None),
        ("*.h.example", netrc, "a.h.example"),
    ]
    assert (document["version"], document["fine"]) == (1, True)
    assert main(["auth", "status", "a.h.example"]) == 0
    assert "  shadowed by a.h.example in netrc ~/.netrc\n" in capsys.readouterr().out


def test_expired_login_shadows_another_only_if_it_can_be_renewed(
    home: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {
        "access_token": "s3cret",
        "expires_at": 1,
        "token_endpoint": "https://h/",
        "client_id": "c",
    }
    keep(
        kept,
        ended_example={"OAuth": ended},
        h_example={"OAuth": {**ended, "refresh_token": "s3cret"}},
    )
    (home / ".netrc").write_text(
        "machine ended.example login bob password s3cret\n"
        "machine h.example login bob password s3cret\n"
    )
    assert main(["auth", "status"]) == 0
    ends = [line.rpartition(".json  ")[2] for line in capsys.readouterr().out.splitlines()[:2]]
    assert ends == [
        "expired 1970-01-01 00:00 UTC",
        "expired 1970-01-01 00:00 UTC and is renewed when it is used",
    ]
    for host, answers in (("ended.example", "netrc"), ("h.example", "auth file")):
        assert main(["auth", "status", host, "--json"]) == 0
        taken = [
            entry
            for entry in json.loads(capsys.readouterr().out)["entries"]
            if entry["shadowed_by"] is None
        ]
        assert taken[-1]["provider"].startswith(answers)


def test_status_names_the_command_that_asks_the_keyring(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["auth", "status"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the keyring command cannot be listed; try: authshim explain URL" in out


@pytest.mark.parametrize(
    ("words", "shown"),
    [("h.example", "h.example"), ("https://ada:s3cret@h.example/", "****@h.example/")],
)
def test_status_of_an_unknown_host_ends_with_1(
    words: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["auth", "status", words]) == 1
    assert capsys.readouterr().out == f"no credential for {shown}\n"


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_status_shows_no_password_in_a_key(
    option: list[str], kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.parent.mkdir(mode=0o700)
    kept.write_text(json.dumps({"ada:s3cret@h.example": TOK, "https://ada:s3cret@h.example": TOK}))
    assert main(["auth", "status", *option]) == 0
    out = capsys.readouterr().out
    assert "****@h.example" in out
    assert "s3cret" not in out


def test_status_says_when_a_token_expires(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"access_token": "s3cret", "token_endpoint": "https://h/", "client_id": "c"}
    claims = base64.urlsafe_b64encode(b'{"exp": 4102444800}').decode().rstrip("=")
    keep(
        kept,
        a={"OAuth": {**fields, "expires_at": 4102444800}},
        b={"OAuth": {**fields, "expires_at": 1}},
        c={"BearerToken": f"eyJhbGciOiJub25lIn0.{claims}.c2ln"},
        d=TOK,
    )
    assert main(["auth", "status"]) == 0
    ends = [line.partition(".json  ")[2] for line in capsys.readouterr().out.splitlines()[:4]]
    assert ends == [
        "expires 2100-01-01 00:00 UTC",
        "expired 1970-01-01 00:00 UTC",
        "expires 2100-01-01 00:00 UTC",
        "",
    ]


def test_status_json_has_its_documented_keys_and_no_secret(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, h_example={"BasicHTTP": {"username": "ada", "password": "s3cret"}})
    assert main(["auth", "status", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["entries"] == [
        {
            "key": "h.example",
            "kind": "BasicHTTP",
            "username": "ada",
            "provider": f"auth file {kept}",
            "place": None,
            "expires_at": None,
            "expired": None,
            "shadowed_by": None,
            "shadowed_by_key": None,
        }
    ]
    assert "s3cret" not in out


@pytest.mark.parametrize("words", [[], ["h.example"]])
def test_status_of_a_broken_file_ends_with_1_and_says_why(
    words: list[str], kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.parent.mkdir()
    kept.write_text("s3cret")
    assert main(["auth", "status", *words]) == 1
    out = capsys.readouterr().out
    assert "cannot read auth file ~/.rattler/credentials.json: line 1: " in out
    assert "s3cret" not in out


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_status_tells_of_a_file_that_others_can_read(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(kept, h_example=TOK)
    kept.chmod(0o644)
    assert main(["auth", "status"]) == 0
    assert "others can read it: chmod 600" in capsys.readouterr().out


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A keychain that cannot list its entries, as that of macOS."""
    from types import SimpleNamespace

    from authshim.errors import ProviderUnlisted
    from authshim.providers import os_keychain

    held: dict[str, str] = {}

    def usernames(service: str) -> list[str]:
        raise ProviderUnlisted("OS keychain", "name a host")

    keychain = SimpleNamespace(
        get_password=lambda service, key: held.get(key),
        delete_password=lambda service, key: held.pop(key, None) is not None,
        usernames=usernames,
    )
    monkeypatch.setattr(os_keychain, "open_keychain", lambda platform: keychain)
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    return held


def test_status_names_a_keychain_that_cannot_be_listed(
    unlisted: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    unlisted["*.h.example"] = '{"BearerToken": "s3cret"}'
    assert main(["auth", "status"]) == 0
    assert (
        "list OS keychain: name a host; try: authshim auth status HOST\n" in capsys.readouterr().out
    )
    assert main(["auth", "status", "a.h.example"]) == 0
    assert capsys.readouterr().out.split() == ["*.h.example", "BearerToken", "OS", "keychain"]


def test_logout_all_fails_if_a_keychain_cannot_be_listed(
    unlisted: dict[str, str], kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unlisted["*.h.example"] = '{"BearerToken": "s3cret"}'
    keep(kept, other_example=TOK)
    assert main(["auth", "logout", "--all"]) == 1
    assert capsys.readouterr() == (
        "removed other.example from auth file ~/.rattler/credentials.json\n",
        "authshim: cannot list OS keychain: name a host\n",
    )
    assert main(["auth", "logout", "h.example"]) == 0
    assert unlisted == {}


def test_logout_reports_no_problem_of_a_removed_entry(
    unlisted: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    unlisted["h.example"] = "s3cret"
    assert main(["auth", "logout", "h.example"]) == 0
    assert capsys.readouterr() == ("removed h.example from OS keychain\n", "")


def test_status_says_that_one_file_replaced_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    keep(Path("own.json"))
    assert main(["auth", "status", "--auth-file", "own.json"]) == 0
    *lines, _ = capsys.readouterr().out.splitlines()
    assert lines == ["no credential", "only own.json was read: --auth-file is set"]


# token


@pytest.mark.parametrize("override", [True, False])
@pytest.mark.parametrize(
    "entry",
    [
        TOK,
        {"CondaToken": "s3cret"},
        {"OAuth": {"access_token": "s3cret", "token_endpoint": "x", "client_id": ""}},
    ],
)
def test_token_prints_the_bare_token(
    entry: object,
    override: bool,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(kept, __h_example=entry)
    if override:
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    for host in ("a.h.example", "https://a.h.example/acme", "h.example"):
        assert main(["auth", "token", host]) == 0
        assert capsys.readouterr() == ("s3cret\n", "")


@pytest.mark.parametrize("override", [True, False])
def test_token_of_a_url_is_what_a_request_gets(
    override: bool,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(kept, h_example={"BearerToken": "host"}, **{"h.example/a": {"BearerToken": "path"}})
    if override:
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    clear = "authshim: a credential is sent to h.example in the clear: use https\n"
    for url, code, *printed in (
        ("https://h.example/a/x", 0, "path\n", ""),
        ("https://h.example/a/..%2fb", 0, "host\n", ""),
        ("https://h.example/./a/x", 0, "host\n", ""),
        ("http://h.example/a", 0, "path\n", clear),
        ("https://h.example/a?X-Amz-Signature=x", 1, ""),
    ):
        assert main(["auth", "token", url]) == code
        assert list(capsys.readouterr())[: len(printed)] == printed


@pytest.mark.parametrize("override", [True, False])
@pytest.mark.parametrize(
    ("kind", "kept_as"),
    [("BasicHTTP", "a username and password"), ("S3Credentials", "S3 keys")],
)
def test_token_refuses_a_credential_that_is_no_token(
    kind: str,
    kept_as: str,
    override: bool,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {
        "BasicHTTP": ["username", "password"],
        "S3Credentials": ["access_key_id", "secret_access_key"],
    }[kind]
    keep(kept, h_example={kind: dict.fromkeys(names, "s3cret")})
    if override:
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    assert main(["auth", "token", "h.example"]) == 1
    reason = f"h.example has {kept_as}, and auth token prints tokens only"
    assert capsys.readouterr() == ("", f"authshim: error: {reason}\n")


def test_token_names_the_next_step_if_there_is_no_credential(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["auth", "token", "h.example"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(
        "no provider has a credential for https://h.example/; "
        "to give it one: authshim auth login h.example\n"
    )


def test_every_command_takes_an_auth_file_and_the_variable_comes_first(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    named, other = home / "named.json", home / "other.json"
    keep(named, h_example=TOK)
    keep(other)
    option = ["--auth-file", str(named)]
    assert main(["auth", "token", "h.example", *option]) == 0
    assert main(["auth", "status", "h.example", *option]) == 0
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(other))
    assert main(["auth", "token", "h.example", *option]) == 1
    assert main(["auth", "status", "h.example", *option]) == 1
    assert main(["auth", "logout", "h.example", *option]) == 0
    assert "h.example" in json.loads(named.read_bytes())
    monkeypatch.delenv("RATTLER_AUTH_FILE")
    assert main(["auth", "logout", "h.example", *option]) == 0
    assert json.loads(named.read_bytes()) == {}
    assert capsys.readouterr().out.startswith("s3cret\n")


def test_an_oauth_token_that_has_expired_is_not_printed(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"access_token": "s3cret", "token_endpoint": "https://h/", "client_id": "c"}
    keep(kept, h_example={"OAuth": {**fields, "expires_at": int(time.time()) - 1}})
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(kept))
    assert main(["auth", "token", "h.example"]) == 1
    assert capsys.readouterr().out == ""


QUICK = """\
import sys, typing
from authshim.cli import main
assert main(["auth", "token", "a.h.example"]) == 0
print(*{*HEAVY} & {*sys.modules})

for module in [module for name, module in sys.modules.items() if "authshim" in name]:
    for value in vars(module).values():
        if hasattr(value, "_fields"):
            kinds = value.__annotations__.values()
            print(*[kind for kind in kinds if isinstance(kind, typing.ForwardRef)], end="")
"""
HEAVY = (
    *("argparse", "asyncio", "dataclasses", "filelock", "keyring", "logging", "requests", "shutil"),
    *("subprocess", "tempfile", "threading", "tomli", "urllib.parse", "urllib3"),
    *("authshim.lookup", "authshim.settings"),
)


def test_token_of_an_override_file_imports_little(kept: Path) -> None:
    """Without a NamedTuple with postponed annotations, too: it compiles them, which takes 3 ms."""
    keep(kept, __h_example=TOK)
    environ = {**os.environ, "RATTLER_AUTH_FILE": str(kept)}
    source = str(Path(sys.modules["authshim"].__file__ or "").parents[1])
    # -S: what a machine puts into site-packages for itself may import anything.
    command = [sys.executable, "-S", "-c", QUICK.replace("HEAVY", repr(HEAVY))]
    ended = subprocess.run(
        command,
        env={**environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("s3cret\n\n", "")


@pytest.mark.parametrize("words", [["h.example"], ["--header", "h.example"], [""]])
def test_plain_command_line_of_token_is_read_as_argparse_reads_it(words: list[str]) -> None:
    line = ["auth", "token", *words]
    plain = token.plain_options(line)
    assert plain is not None
    assert vars(plain).items() <= vars(_parser().parse_args(line)).items()


@pytest.mark.parametrize(
    "words",
    [[], ["--header"], ["-h"], ["a.example", "b.example"], ["h.example", "--header"], ["--", "h"]],
)
def test_any_other_command_line_of_token_is_left_to_argparse(words: list[str]) -> None:
    assert token.plain_options(["auth", "token", *words]) is None


# The command line


def test_auth_alone_names_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["auth"]) == 2
    assert "name a command: login, logout, status or token" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], ["auth"], ["auth", "login"], ["auth", "logout"], ["auth", "status"], ["auth", "token"]],
)
def test_help_verbose_and_quiet_are_on_every_level(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "-h"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--help", "--verbose", "--quiet"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_knows_the_commands(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("login", "logout", "conda-token", "explain"))
    found = shutil.which(shell)
    if found:
        assert (
            subprocess.run(
                [found, "-n"], input=script, text=True, timeout=60, check=False
            ).returncode
            == 0
        )


# A terminal


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(
    ("words", "prompt", "entry"),
    [
        (["h.example", "--token"], "Token for h.example: ", {"BearerToken": "s3cret"}),
        (
            ["h.example:8443", "--token"],
            "Token for h.example:8443: ",
            {"BearerToken": "s3cret"},
        ),
        (
            ["h.example/acme", "--token"],
            "Token for h.example/acme: ",
            {"BearerToken": "s3cret"},
        ),
        (["anaconda.org"], "Token for anaconda.org: ", {"CondaToken": "s3cret"}),
        (
            ["h.example", "--username", "ada"],
            "Password of ada at h.example: ",
            {"BasicHTTP": {"username": "ada", "password": "s3cret"}},
        ),
    ],
)
def test_a_secret_that_is_left_out_is_asked_for_without_echo(
    words: list[str], prompt: str, entry: object, kept: Path
) -> None:
    shown, status = type_at_terminal(["auth", "login", *words], prompt, "s3cret\n")
    assert status == 0
    assert shown.startswith(prompt)
    assert "s3cret" not in shown
    assert list(json.loads(kept.read_bytes()).values()) == [entry]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
def test_login_stores_nothing_if_enter_alone_is_typed(kept: Path) -> None:
    words = ["auth", "login", "h.example", "--token"]
    shown, status = type_at_terminal(words, "Token for", "\n")
    assert status == 2
    assert "--token: it is empty, so nothing was stored" in shown
    assert not kept.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(
    ("typed", "left"), [("\n", {"h.example"}), ("no\n", {"h.example"}), ("y\n", set())]
)
def test_logout_all_removes_only_if_it_is_confirmed(typed: str, left: set[str], kept: Path) -> None:
    keep(kept, h_example=TOK)
    question = "Remove every login from auth file ~/.rattler/credentials.json? [y/N]"
    shown, status = type_at_terminal(["auth", "logout", "--all"], question, typed)
    assert set(json.loads(kept.read_bytes())) == left
    assert status == len(left)
    assert ("nothing was removed" in shown) is bool(left)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("typed", "code"), [("\x03", 130), ("\x04", 2)], ids=["Ctrl-C", "Ctrl-D"])
def test_a_prompt_can_be_left(typed: str, code: int, kept: Path) -> None:
    shown, status = type_at_terminal(["auth", "login", "h.example", "--token"], "Token for", typed)
    assert status == code
    assert shown.partition("\r\n")[0] == "Token for h.example: "
    assert shown.endswith("\r\n")
    assert "Traceback" not in shown
    assert not kept.exists()


def type_at_terminal(words: list[str], prompt: str, typed: str) -> tuple[str, int]:
    """Run a command on a terminal of its own, and return its output and exit code.

    Type once the prompt is there.
    """
    import pty

    source = str(Path(sys.modules["authshim"].__file__ or "").parents[1])
    code = (
        f"import sys; sys.path.insert(0, {source!r}); "
        f"from authshim.cli import main; sys.exit(main({words!r}))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", SESSION, code],
        stdin=(ends := pty.openpty())[1],
        stdout=ends[1],
        stderr=ends[1],
        start_new_session=True,
        close_fds=True,
    )
    os.close(ends[1])
    shown = b""
    try:
        while prompt.encode() not in shown:
            data = _read(ends[0])
            assert data, shown
            shown += data
        time.sleep(
            0.1
        )  # the echo is switched off before the prompt is written, but not the line's other modes
        os.write(ends[0], typed.encode())
        while data := _read(ends[0]):
            shown += data
        return shown.decode(), child.wait(60)
    finally:
        os.close(ends[0])
        child.kill()
        child.wait()


SESSION = """\
import fcntl, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
exec(sys.argv[1])
"""
"""Makes the terminal the one that controls the process: getpass asks there, and Ctrl-C reaches it.

Whoever runs the tests in the background had SIGINT ignored, and children inherit that.
"""


def _read(terminal: int) -> bytes:
    import select

    assert select.select([terminal], [], [], 60)[0], "the command neither said anything nor ended"
    try:
        return os.read(terminal, 1024)
    except OSError:  # EIO: the other side is closed
        return b""


def test_logout_continues_if_there_is_no_keychain(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text('{"h.example": {"BearerToken": "s3cret"}}')
    assert main(["auth", "logout", "-v", "h.example"]) == 0
    shown = capsys.readouterr()
    assert "no OS keychain here: there is no D-Bus session" in shown.err
    assert "removed h.example from auth file" in shown.out


def test_logout_reports_problems_of_a_file_but_none_of_a_netrc(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".netrc").mkdir()
    (home / ".rattler").mkdir()
    file = home / ".rattler/credentials.json"
    file.write_text(
        '{"h.example": {"BearerToken": "s3cret"}, "https://x.example/": {"BearerToken": "s3cret"}}'
    )
    file.chmod(0o644)
    assert main(["auth", "logout", "h.example"]) == 0
    shown = capsys.readouterr()
    assert "others could read it until now" in shown.err
    assert ".netrc" not in shown.out
    assert "s3cret" not in shown.out + shown.err


def test_ctrl_c_at_the_prompt_stores_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("getpass.getpass", interrupted)
    assert main(["auth", "login", "h.example", "--token"]) == 130
    assert capsys.readouterr().err == "\n"
    assert not (home / ".rattler").exists()


def test_login_reports_ctrl_d_at_the_prompt(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("getpass.getpass", ended)
    assert main(["auth", "login", "h.example", "--token"]) == 2
    assert capsys.readouterr().err == "\nauthshim: error: --token: nothing was typed\n"
    assert not (home / ".rattler").exists()


def test_login_reports_a_secret_that_is_no_text_without_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(b"s3cret\xff\n"), encoding="utf-8")
    )
    assert main(["auth", "login", "h.example", "--token", "-"]) == 2
    assert capsys.readouterr().err == "authshim: error: --token: the input is not text\n"
    assert not (home / ".rattler").exists()


def test_status_lists_the_keys_of_buckets(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"access_key_id": "id", "secret_access_key": "s3cret"}
    entries = {key: {"S3Credentials": keys} for key in ("s3://bucket", "s3://bucket/path")}
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(entries), encoding="utf-8")
    kept.chmod(0o600)
    assert main(["auth", "status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["key"] for each in found["entries"]] == ["s3://bucket", "s3://bucket/path"]
    assert not any("s3:" in note for note in found["notes"])
