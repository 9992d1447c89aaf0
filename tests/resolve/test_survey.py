"""Every index is asked for every package, once, side by side, as its own user."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Callable

import pytest
from servers import CHALLENGE, Answer, Recorder, redirect

import authshim
from authshim.errors import ManifestError, SettingsError
from authshim.project.manifest import Index, Manifest
from authshim.resolve import confusion
from authshim.resolve.query import Query, queries
from authshim.resolve.survey import Survey

if TYPE_CHECKING:
    from authshim.resolve.rules import Resolution

PROJECT = """
[workspace]
channels = []
platforms = ["linux-64", "win-64"]
[dependencies]
python = "3.12.*"
"""

Load = Callable[..., Manifest]


@pytest.fixture
def load() -> Load:
    """``load(text)`` reads it as the project's pixi.toml, in the current folder."""

    def write(text: str) -> Manifest:
        Path("pixi.toml").write_text(PROJECT + text, encoding="utf-8")
        return Manifest.load("pixi.toml")

    return write


def links(*filenames: str) -> Answer:
    text = "".join(f'<a href="/files/{each}">{each}</a>' for each in filenames)
    return Answer(200, text.encode(), {"Content-Type": "text/html"})


def ask(manifest: Manifest, *names: str, environment: str | None = None) -> list[Resolution]:
    chain = authshim.Chain.from_environment(manifest=manifest, environment=environment)
    survey = Survey(chain, queries(manifest, environment, names))
    survey.run()
    return survey.results()


def dependencies(asked: list[Query]) -> list[tuple[str, str]]:
    return [(each.dependency.name, each.dependency.specifier) for each in asked]


# What is asked


def test_without_names_the_project_s_packages_are_asked_for(load: Load) -> None:
    manifest = load('[pypi-dependencies]\na = ">=1"\nb = "*"\n')
    assert dependencies(queries(manifest, None)) == [("a", ">=1"), ("b", "")]


def test_a_name_takes_the_specifier_index_and_machine_of_the_project(load: Load) -> None:
    manifest = load(
        "[pypi-dependencies]\n"
        'A = { version = ">=1", extras = ["x"], index = "https://own/simple" }\nb = "*"\n'
    )
    ((query),) = queries(manifest, None, ["a"])
    assert query.dependency[:4] == ("a", ">=1", ("x",), Index("https://own/simple"))
    assert query.dependency.platforms == ("linux-64", "win-64")


def test_given_specifier_and_extras_replace_those_of_the_project(load: Load) -> None:
    manifest = load('[pypi-dependencies]\na = { version = ">=1", extras = ["x"] }\n')
    (query,) = queries(manifest, None, ["A[y]<1"])
    assert query.dependency[:3] == ("a", "<1", ("y",))


def test_a_name_that_the_project_does_not_want_is_asked_for_all_the_same(load: Load) -> None:
    (query,) = queries(load(""), None, ["torch>=2"])
    assert query.dependency[:2] == ("torch", ">=2")
    assert query.dependency.target is not None
    assert query.dependency.target.python == "3.12"
    assert query.indexes == (Index("https://pypi.org/simple"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "-x",
        "https://ada:s3cret@h/",
        "a @ https://ada:s3cret@h/",
        "a; os_name == 's3cret'",
        "a>=x",
        pytest.param(f"a>={'1' * 5000}", id="a>=1..."),
    ],
)
def test_invalid_name_is_reported_without_a_secret(text: str, load: Load) -> None:
    with pytest.raises(
        SettingsError, match="it is no package's name; expected one such as torch or 'torch>=2'"
    ) as e:
        queries(load(""), None, [text])
    assert "s3cret" not in str(e.value)


ENVIRONMENTS = """
[pypi-dependencies]
a = "*"
[feature.f.pypi-dependencies]
b = "*"
[feature.g.pypi-options]
extra-index-urls = ["https://g/simple"]
index-strategy = "unsafe-best-match"
prerelease-mode = "allow"
[environments]
f = ["f"]
g = ["g"]
"""


def test_equal_requirements_of_environments_are_asked_once(load: Load) -> None:
    asked = queries(load(ENVIRONMENTS), None)
    assert [(each.dependency.name, each.environments) for each in asked] == [
        ("a", ("default", "f")),
        ("b", ("f",)),
        ("a", ("g",)),
    ]
    assert [(each.strategy, each.mode) for each in asked[1:]] == [
        ("first-index", "if-necessary-or-explicit"),
        ("unsafe-best-match", "allow"),
    ]


def test_one_environment_can_be_asked_for(load: Load) -> None:
    manifest = load(ENVIRONMENTS)
    assert dependencies(queries(manifest, "f")) == [("b", ""), ("a", "")]
    with pytest.raises(ManifestError, match="no environment 'x'"):
        queries(manifest, "x")


def test_a_name_is_asked_for_where_some_environment_wants_it(load: Load) -> None:
    asked = queries(load(ENVIRONMENTS), None, ["b", "c", "b"])
    assert [(each.dependency.name, each.environments) for each in asked] == [
        ("b", ("f",)),
        ("c", ("default", "f")),
        ("c", ("g",)),
    ]


def test_a_dependency_s_own_index_is_the_only_one_besides_flat_pages(load: Load) -> None:
    manifest = load(
        """
        [pypi-options]
        find-links = [{ url = "https://flat/" }]
        [pypi-dependencies]
        a = { version = "*", index = "https://own/simple" }
        """
    )
    (query,) = queries(manifest, None)
    assert [index.url for index in query.indexes] == ["https://own/simple", "https://flat/"]


# How it is asked


def test_pages_are_fetched_side_by_side(recorder: Recorder, load: Load) -> None:
    together = Barrier(4, timeout=50)
    recorder.on("/*", lambda seen: together.wait() < 4 and links("a-1.0.zip", "b-1.0.zip"))
    manifest = load(
        f"""
        [pypi-options]
        extra-index-urls = ["{recorder.url}/one/simple"]
        index-url = "{recorder.url}/two/simple"
        [pypi-dependencies]
        a = "*"
        b = "*"
        """
    )
    found = ask(manifest)
    assert [(each.dependency.name, each.fine) for each in found] == [("a", True), ("b", True)]
    assert sorted(seen.path for seen in recorder.seen) == [
        f"/{number}/simple/{name}/" for number in ("one", "two") for name in ("a", "b")
    ]


def test_a_page_that_several_environments_need_is_fetched_once(
    recorder: Recorder, load: Load
) -> None:
    recorder.default = links("a-1.0.zip")
    manifest = load(
        f"""
        [pypi-options]
        index-url = "{recorder.url}/simple"
        [pypi-dependencies]
        a = "*"
        [feature.f.pypi-dependencies]
        a = ">=1"
        [environments]
        f = ["f"]
        """
    )
    assert len(ask(manifest)) == 2
    assert len(recorder.seen) == 1


def test_a_flat_page_is_fetched_once_for_all_names(recorder: Recorder, load: Load) -> None:
    recorder.default = Answer(404)
    recorder.on("/flat", links("a-1.0.zip", "b-2.0.zip"))
    manifest = load(
        f"""
        [pypi-options]
        index-url = "{recorder.url}/simple"
        find-links = [{{ url = "{recorder.url}/flat" }}]
        [pypi-dependencies]
        a = "*"
        b = "*"
        """
    )
    assert [each.taken and each.taken.file.filename for each in ask(manifest)] == [
        "a-1.0.zip",
        "b-2.0.zip",
    ]
    assert [seen.path for seen in recorder.seen].count("/flat") == 1


def test_a_folder_of_files_is_a_flat_page(recorder: Recorder, load: Load) -> None:
    recorder.default = Answer(404)
    Path("wheel house").mkdir()
    Path("wheel house/a-1.0-py3-none-any.whl").touch()
    manifest = load(
        f"""
        [pypi-options]
        index-url = "{recorder.url}/simple"
        find-links = [{{ path = "wheel house" }}, {{ path = "nowhere" }}, {{ path = "\\u0000" }}]
        [pypi-dependencies]
        a = "*"
        """
    )
    (found,) = ask(manifest)
    assert found.taken is not None
    assert found.taken.file.filename == "a-1.0-py3-none-any.whl"
    assert [page.detail for page in found.asked[1:]] == [
        "",
        "the folder cannot be read: no such file or directory",
        "the folder cannot be read: its name cannot be used",
    ]
    assert not found.fine


def test_an_index_that_is_a_file_url_is_not_taken_for_one_that_has_nothing(load: Load) -> None:
    (found,) = ask(
        load('[pypi-options]\nindex-url = "file:///srv/simple"\n[pypi-dependencies]\na = "*"\n')
    )
    assert found.doubts == (
        (
            "whether file:///srv/simple has a is not known: "
            "not asked (only http(s) indexes are read here)"
        ),
    )


def test_a_dependency_s_own_index_gets_its_own_credential(
    recorder: Recorder, load: Load, no_secret: Callable[..., None]
) -> None:
    header = authshim.BasicHTTP("ada", "s3cret").header
    recorder.on(
        "/*", lambda seen: links("a-1.0.zip") if seen.authorization == header else CHALLENGE
    )
    url = f"http://ada:s3cret@127.0.0.1:{recorder.port}/own/simple"
    (found,) = ask(load(f'[pypi-dependencies]\na = {{ version = "*", index = "{url}" }}\n'))
    assert found.fine
    assert len(recorder.seen) == 1
    no_secret(found)


def test_requirement_from_no_index_is_not_asked_for(recorder: Recorder, load: Load) -> None:
    manifest = load(
        f'[pypi-options]\nindex-url = "{recorder.url}"\n[pypi-dependencies]\na = {{ path = "." }}\n'
    )
    (found,) = ask(manifest)
    assert (found.fine, found.asked, recorder.seen) == (True, (), [])


def test_survey_reports_each_page_and_the_hosts_that_have_more(
    recorder: Recorder, load: Load
) -> None:
    recorder.default = Answer(404)
    manifest = load(
        f'[pypi-options]\nindex-url = "{recorder.url}"\n[pypi-dependencies]\na = "*"\nb = "*"\n'
    )
    told: list[tuple[int, int, list[str]]] = []
    survey = Survey(authshim.Chain([]), queries(manifest, None))
    survey.run(lambda *numbers: told.append(numbers))
    host = recorder.url.partition("://")[2]
    assert told == [(0, 2, [host]), (1, 2, [host]), (2, 2, [])]


def test_an_error_that_nobody_foresaw_is_not_swallowed(
    recorder: Recorder, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("authshim.resolve.survey.IndexClient.page", page)
    with pytest.raises(ZeroDivisionError):
        ask(load('[pypi-dependencies]\na = "*"\n'))


def forwarding(recorder: Recorder, load: Load) -> Manifest:
    """Return a project whose index redirects each name but one to a public server."""
    wheel = links("demo-1.0-py3-none-any.whl")
    recorder.on("/simple/mine/", links("mine-1.0-py3-none-any.whl"))
    recorder.on("/simple/demo/", redirect(f"http://localhost:{recorder.port}/pypi/demo/"))
    recorder.on("/pypi/demo/", wheel)
    packages = '[pypi-dependencies]\ndemo = "*"\nmine = "*"\n'
    return load(f'[pypi-options]\nindex-url = "{recorder.url}/simple"\n{packages}')


def test_redirect_to_a_public_index_is_warned_of(
    recorder: Recorder, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confusion, "PYPI", ("localhost",))
    demo, mine = ask(forwarding(recorder, load))
    assert demo.warnings == (
        f"{recorder.url}/simple redirects demo to localhost, where anybody may upload that name",
    )
    assert (demo.asked[0].forwarded_to, mine.asked[0].forwarded_to) == ("localhost", "")
    assert mine.warnings == ()


def test_redirect_to_another_private_host_is_not_warned_of(recorder: Recorder, load: Load) -> None:
    demo, _ = ask(forwarding(recorder, load))
    assert (demo.warnings, demo.asked[0].forwarded_to) == ((), "localhost")
