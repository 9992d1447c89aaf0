"""``authshim resolve`` as it is typed, its output, and each way an index may be broken."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest
from servers import CHALLENGE, Answer, Recorder, redirect

from authshim.cli import main
from authshim.concurrency import map_concurrently

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

JSON_TYPE = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
DIGEST = "ab" * 32
PROJECT = """
[workspace]
channels = []
platforms = ["linux-64"]
[dependencies]
python = "3.12.*"
[pypi-options]
extra-index-urls = ["{private}/simple"]
index-url = "{public}/simple"
[pypi-dependencies]
acme = ">=1"
"""


def page(*filenames: str) -> Answer:
    files = [
        {"filename": each, "url": f"../../files/{each}", "hashes": {"sha256": DIGEST}}
        for each in filenames
    ]
    document = {"meta": {"api-version": "1.1"}, "name": "acme", "files": files}
    return Answer(200, json.dumps(document).encode(), JSON_TYPE)


@pytest.fixture
def private(recorder: Recorder, home: Path) -> Recorder:
    """An index that lets ada in."""
    line = f"machine 127.0.0.1:{recorder.port} login ada password s3cret\n"
    (home / ".netrc").write_text(line, encoding="utf-8")
    recorder.default = CHALLENGE
    return recorder


@pytest.fixture
def public(make_recorder: Callable[..., Recorder], private: Recorder) -> Recorder:
    """The other index of a project in the current folder."""
    made = make_recorder()
    made.default = Answer(404)
    text = PROJECT.format(private=private.url, public=made.url)
    Path("pixi.toml").write_text(text, encoding="utf-8")
    return made


def serve(private: Recorder, *filenames: str) -> None:
    """Let the private index have the project's package, for ada."""
    private.on("/simple/acme/", lambda seen: page(*filenames) if seen.authorization else CHALLENGE)


def test_it_tells_index_version_file_and_hash(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl", "acme-1.0.tar.gz")
    assert main(["resolve", "acme"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "for linux-64 (the project's) and Python 3.12 (the project's)",
        f"  acme>=1  2.0  {private.url}/simple",
        f"           acme-2.0-py3-none-any.whl  sha256:{DIGEST}",
    ]
    assert told.err == ""


def test_a_name_may_be_given_with_a_specifier(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl", "acme-1.0.tar.gz")
    assert main(["resolve", "acme<2"]) == 0
    assert f"  acme<2  1.0  {private.url}/simple\n" in capsys.readouterr().out


def test_file_without_a_hash_is_named_in_the_message(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    public.on("/simple/other/", Answer(200, b'<a href="other-1.zip">other-1.zip</a>'))
    private.on("/simple/other/", Answer(404))
    assert main(["resolve", "other"]) == 0
    assert "other-1.zip  without a hash\n" in capsys.readouterr().out


def test_a_public_index_with_the_same_name_is_a_warning(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl")
    public.on("/simple/acme/", page("acme-99.0-py3-none-any.whl"))
    assert main(["resolve"]) == 0
    assert f"warning: {public.url}/simple has acme as well, up to 99.0: " in capsys.readouterr().out


def test_a_name_that_nobody_has_ends_with_1(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    private.on("/simple/acme/", Answer(404))
    assert main(["resolve", "acme"]) == 1
    assert capsys.readouterr().out.endswith("  acme>=1  none: no index has it\n")


def test_an_index_that_has_none_of_the_project_s_packages_is_told(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl")
    assert main(["resolve"]) == 0
    *_, said, step = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{public.url}/simple  has none of these; ")
    assert step == "  -> authshim check"


@pytest.mark.usefixtures("unknowing_keyring")
def test_a_refused_index_makes_the_answer_doubtful_and_says_what_to_do(
    private: Recorder, public: Recorder, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".netrc").unlink()
    public.on("/simple/acme/", page("acme-99.0-py3-none-any.whl"))
    assert main(["resolve"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"  acme>=1  99.0 (doubtful)  {public.url}/simple"
    said = "refused (HTTP 401, no provider has one); pixi stops there"
    assert (
        lines[3].strip() == f"doubtful: whether {private.url}/simple has acme is not known: {said}"
    )
    assert lines[4] == f"{private.url}/simple  refused (HTTP 401; no provider has one)"
    host = private.url.partition("://")[2]
    assert lines[5].startswith(f"  -> authshim auth login {host} --username USER")


def test_a_rejected_credential_is_mended_where_it_is_kept(
    private: Recorder,
    public: Recorder,
    capsys: pytest.CaptureFixture[str],
    no_secret: Callable[..., None],
) -> None:
    assert main(["resolve"]) == 1
    told = capsys.readouterr()
    assert f"  -> correct the entry for 127.0.0.1:{private.port} in netrc ~/.netrc\n" in told.out
    no_secret(told.out, told.err)


def test_a_user_who_may_not_read_is_told_to_ask(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    private.default = Answer(403)
    assert main(["resolve"]) == 1
    assert (
        "  -> ask its owner to let this user read it, or correct the entry for"
        in capsys.readouterr().out
    )


def test_an_index_that_fails_in_two_ways_has_a_step_for_each(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    private.on("/simple/other/", Answer(503))
    assert main(["resolve", "acme", "other"]) == 1
    steps = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  -> ")]
    netrc = f"  -> correct the entry for 127.0.0.1:{private.port} in netrc ~/.netrc"
    assert steps == [netrc, "  -> try again later"]


ENDLESS = Answer(200, b" " * 100_000, {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(200, b"<html>", JSON_TYPE),
            "unreadable (HTTP 200, it answered HTML and called it JSON)",
        ),
        (
            Answer(200, b"{", JSON_TYPE),
            "unreadable (HTTP 200, its page is no JSON of the Simple API)",
        ),
        (ENDLESS, "unreadable (HTTP 200, its page is longer than 50,000 bytes)"),
        (redirect("/simple/acme/"), "unreachable (it redirects without end)"),
        (Answer(503), "unreachable (the server answered HTTP 503)"),
        (
            redirect("http://a..b/"),
            "unreachable (a redirect or the proxy names a host that cannot be dialled)",
        ),
        (
            redirect("http://["),
            "unreachable (a redirect or the proxy names a host that cannot be dialled)",
        ),
    ],
    ids=[
        "html for json",
        "broken json",
        "endless",
        "redirect loop",
        "broken server",
        "odd redirect",
        "open bracket",
    ],
)
def test_an_index_that_is_broken_is_told_in_a_sentence(
    answer: Answer,
    said: str,
    private: Recorder,
    public: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("authshim.index.simple_api.MAX_PAGE_BYTES", 50_000)
    private.on("/simple/acme/", answer)
    public.on("/simple/acme/", page("acme-99.0-py3-none-any.whl"))
    assert main(["resolve"]) == 1
    told = capsys.readouterr()
    assert (
        f"doubtful: whether {private.url}/simple has acme is not known: {said}; pixi stops there\n"
        in told.out
    )
    assert told.err == ""


def test_a_certificate_that_does_not_verify_is_told_with_what_to_do(
    tls_recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PROJECT.format(private=tls_recorder.url, public=tls_recorder.url)
    Path("pixi.toml").write_text(text, encoding="utf-8")
    assert main(["resolve"]) == 1
    out = capsys.readouterr().out
    assert f"{tls_recorder.url}/simple  unreachable (its TLS certificate does not verify)\n" in out
    assert "  -> set REQUESTS_CA_BUNDLE to the file of your company's CA\n" in out


def test_an_index_that_is_no_http_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    text = PROJECT.format(private="file:///srv", public="file:///srv")
    Path("pixi.toml").write_text(text, encoding="utf-8")
    assert main(["resolve"]) == 1
    out = capsys.readouterr().out
    assert out.endswith("\nfile:///srv/simple  not asked (only http(s) indexes are read here)\n")


@pytest.mark.parametrize("name", ["a b", "https://ada:s3cret@h/", "torch @ https://ada:s3cret@h/"])
def test_invalid_package_name_is_a_usage_error(
    name: str, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve", name]) == 2
    err = capsys.readouterr().err
    assert "it is no package's name; expected one such as torch or 'torch>=2'" in err
    assert "s3cret" not in err


def test_a_project_without_packages_is_told_so(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("pixi.toml").read_text(encoding="utf-8").replace('acme = ">=1"', "")
    Path("pixi.toml").write_text(text, encoding="utf-8")
    assert main(["resolve"]) == 0
    assert capsys.readouterr().out == "the project wants no package from an index\n"


def test_it_needs_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "torch"]) == 1
    assert (
        "there is no project of pixi, uv, poetry, pdm or pip here or above"
        in capsys.readouterr().err
    )


def test_environments_and_machines_that_differ_have_a_heading_each(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    private.default = Answer(404)
    more = """
[target.linux-64.pypi-dependencies]
here = { path = "." }
[feature.f.pypi-options]
no-binary = true
[feature.f.dependencies]
python = "<3.12.3"
[environments]
f = ["f"]
"""
    with Path("pixi.toml").open("a", encoding="utf-8") as file:
        file.write(more)
    assert main(["resolve", "acme", "here"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "default; for linux-64 (the project's) and Python 3.12 (the project's)",
        "  acme>=1  none: no index has it",
        "  here     not from an index: path",
        (
            "f; for linux-64 (the project's) and Python 3.12.2 (the project's); "
            "not looked at: no-binary"
        ),
        "  acme>=1  none: no index has it",
        "  here     not from an index: path",
    ]


def test_json_has_a_version_each_index_that_was_asked_and_no_secret(
    private: Recorder, public: Recorder, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl")
    assert main(["resolve", "--json"]) == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    (result,) = document.pop("results")
    asked = result.pop("asked")
    assert document == {
        "version": 1,
        "manifest": str(Path("pixi.toml").resolve()),
        "tool": "pixi",
        "other_tools": [],
        "fine": True,
        "unread": [],
    }
    assert result == {
        "name": "acme",
        "specifier": ">=1",
        "extras": [],
        "environments": ["default"],
        "platforms": ["linux-64"],
        "platform": "linux-64",
        "platform_from": "the project",
        "python": "3.12",
        "python_from": "the project",
        "origin": "index",
        "fine": True,
        "index": f"{private.url}/simple",
        "version": "2.0",
        "filename": "acme-2.0-py3-none-any.whl",
        "url": f"{private.url}/files/acme-2.0-py3-none-any.whl",
        "hashes": {"sha256": DIGEST},
        "problem": "",
        "doubts": [],
        "warnings": [],
    }
    assert all(each.pop("seconds") >= 0 for each in asked)
    first, second = asked
    assert first == {
        "index": f"{private.url}/simple",
        "answer": "found",
        "status": 200,
        "api": "JSON 1.1",
        "files": 1,
        "credential": "BasicHTTP",
        "username": "ada",
        "provider": f"netrc {home / '.netrc'}",
        "key": f"127.0.0.1:{private.port}",
        "mirror": None,
        "host": "127.0.0.1",
        "detail": "",
        "next_step": "",
    }
    assert (second["answer"], second["status"], second["credential"]) == ("not there", 404, None)
    assert "s3cret" not in out


def test_json_of_what_nobody_has_says_why(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    private.on("/simple/acme/", Answer(404))
    assert main(["resolve", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (result,) = document["results"]
    assert (document["fine"], result["fine"], result["index"], result["problem"]) == (
        False,
        False,
        None,
        "no index has it",
    )


def test_a_presigned_url_of_a_file_is_not_shown(
    private: Recorder, public: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    link = '<a href="https://blob.example/acme-1.0.zip?sig=s3cret&sv=1">acme-1.0.zip</a>'
    private.on("/simple/acme/", Answer(200, link.encode()))
    assert main(["resolve", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["results"][0]["url"] == "https://blob.example/acme-1.0.zip?****"
    assert "s3cret" not in out


def test_resolve_shows_its_progress_on_a_terminal(
    private: Recorder,
    public: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve(private, "acme-2.0-py3-none-any.whl")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["resolve"]) == 0
    told = capsys.readouterr()
    assert "asked the indexes" in told.err
    assert "100%" in told.err
    assert "asked the indexes" not in told.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "resolve" in capsys.readouterr().out


def test_resolve_names_the_server_to_which_an_index_redirects(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = b'<a href="demo-1.0-py3-none-any.whl">demo</a>'
    recorder.on("/simple/demo/", redirect(f"http://localhost:{recorder.port}/pypi/demo/"))
    recorder.on("/pypi/demo/", Answer(200, wheel, {"Content-Type": "text/html"}))
    Path("pixi.toml").write_text(
        f'[workspace]\nchannels = []\nplatforms = ["linux-64"]\n'
        f'[pypi-options]\nindex-url = "{recorder.url}/simple"\n',
        encoding="utf-8",
    )
    assert main(["resolve", "demo"]) == 0
    assert "served by localhost, to which the index redirects" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["lines", "json"])
def test_resolve_prints_what_is_known_if_it_is_interrupted(
    options: list[str],
    private: Recorder,
    public: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(keys: Collection[Any], worker: Any) -> Iterator[Any]:
        yield from islice(map_concurrently(keys, worker), 1)
        raise KeyboardInterrupt

    monkeypatch.setattr("authshim.resolve.survey.map_concurrently", interrupt)
    assert main(["resolve", *options]) == 130
    out = capsys.readouterr().out
    assert "interrupted" in out
    if options:
        answers = [page["answer"] for each in json.loads(out)["results"] for page in each["asked"]]
        assert len([answer for answer in answers if answer != "unreachable"]) == 1
