"""Time and memory stay in proportion to files and URLs that are huge, deep, or full of entries."""

from __future__ import annotations

import os
import signal
import sys
import threading
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable

import pytest
from leaks import assert_no_secret

from authshim import files
from authshim.errors import AuthshimError, ProviderError
from authshim.project.manifest import Manifest
from authshim.project.repositories import Index
from authshim.providers import netrc_file
from authshim.providers.auth_file import AuthFile
from authshim.providers.base import MAX_PROBLEMS
from authshim.providers.netrc_file import NetrcFile
from authshim.redact import redact
from authshim.urls import host_keys, normalise_key, parse, without_userinfo
from authshim.urls.paths import cut_after_simple
from authshim.urls.presigned import is_presigned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A measured line takes more time, and more memory.
pytestmark = pytest.mark.unmeasured

SIZE = 50_000
"""Characters: what takes the square of their number would be busy for minutes."""

FEWER = SIZE // 10
"""Of what takes its time for each entry."""

FACTOR = 450
"""How many times its size a file may take while it is read.

TOML of nothing but dotted keys takes 400 times.
"""


@contextmanager
def deadline(seconds: int = 60) -> Iterator[None]:
    """End what does not end: with room, for what is here takes a second."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def netrc(path: str) -> list[str]:
    provider = NetrcFile([path])
    provider.find("h.example")
    return [*provider.problems]


def auth_file(path: str) -> list[str]:
    provider = AuthFile(path)
    provider.list()
    provider.path_keys()
    return [*provider.problems]


def manifest(path: str) -> list[str]:
    read = Manifest.load(path)
    read.indexes(None), read.channels(None), read.dependencies(None), read.target()
    with pytest.raises(AuthshimError) as caught:
        read.indexes("none of that name")
    return [*read.warnings, str(caught.value)]


def pyproject(path: str) -> list[str]:
    os.rename(path, named := os.path.join(os.path.dirname(path), "pyproject.toml"))
    return manifest(named)


def requirements(path: str) -> list[str]:
    os.rename(path, named := os.path.join(os.path.dirname(path), "requirements.txt"))
    return _of_tool(named, "pip")


def uv_project(path: str) -> list[str]:
    os.rename(path, named := os.path.join(os.path.dirname(path), "pyproject.toml"))
    return _of_tool(named, "uv")


def _of_tool(path: str, tool: str) -> list[str]:
    read = Manifest.load(path, tool)
    read.places([*read.indexes(), *read.own_indexes()])
    return [*read.warnings]


def numbered(form: str, size: int = SIZE) -> str:
    """Repeat a form with a number in it, up to a size."""
    return "".join(form.replace("%", str(number)) for number in range(size // len(form)))


UV_INDEX = "[[tool.uv.index]]\nname='n%'\nurl='https://s3cret@h/%'\nexplicit=true\n"
UV_SOURCES = "[[tool.uv.index]]\nname='n'\nurl='https://h'\n[tool.uv.sources]\n"

GROUPS = "[tool.pixi.workspace]\n[dependency-groups]\n"

SHAPES: dict[str, tuple[Callable[[str], list[str]], str]] = {
    "indexes of uv": (uv_project, numbered(UV_INDEX, FEWER)),
    "sources of uv": (uv_project, UV_SOURCES + numbered("p%={index='n'}\n", FEWER)),
    "a workspace of uv": (
        uv_project,
        "[tool.uv.workspace]\nmembers=[" + numbered("'" + "*/" * 99 + "%',") + "]",
    ),
    "options of requirements": (
        requirements,
        numbered("--extra-index-url https://s3cret@h/%\n"),
    ),
    "joined lines of requirements": (requirements, "a \\\n" * FEWER),
    "quotes of requirements": (requirements, "-i '" * FEWER),
    "empty lines": (netrc, "\n" * FEWER),
    "short lines": (netrc, numbered("ab\n")),
    "machines": (netrc, numbered("machine h% login a password s3cret\n")),
    "one machine, again and again": (
        netrc,
        numbered("machine h.example login a password s3cret\n"),
    ),
    "entries that are wrong": (netrc, numbered("machine h% s3cret\n", FEWER)),
    "keywords without a value": (netrc, numbered("machine\n", FEWER)),
    "one line": (netrc, "machine h.example " + numbered("login s3cret ")),
    "quotes": (netrc, '"' * SIZE),
    "open quotes": (netrc, numbered('machine h login "s3cret\n')),
    "escapes": (netrc, 'machine h login "' + numbered("\\a") + '"'),
    "a host of a million labels": (netrc, "machine " + numbered("ü.") + " login a"),
    "a host of one label": (netrc, "machine " + "ü" * SIZE + " login a"),
    "lists": (auth_file, '{"a": [' + "[]," * (SIZE // 3) + "[]]}"),
    "objects": (auth_file, '{"a": [' + "{}," * (SIZE // 3) + "{}]}"),
    "brackets": (auth_file, "[" * SIZE),
    "braces": (auth_file, '{"":' * SIZE),
    "a number": (auth_file, '{"a": ' + "1" * SIZE + "}"),
    "keys": (auth_file, "{" + numbered('"h%": "s3cret",') + '"": 0}'),
    "URLs as keys": (auth_file, "{" + numbered('"https://s3cret@h/%": 0,') + '"": 0}'),
    "keys in Unicode": (auth_file, "{" + numbered('"ü%": 0,', FEWER) + '"": 0}'),
    "a long key": (auth_file, '{"h' + "h" * SIZE + '": 0}'),
    "a long key in Unicode": (auth_file, '{"' + numbered("ü.") + '": 0}'),
    "a key of colons": (auth_file, '{"https://' + ":" * SIZE + '": 0}'),
    "tables": (manifest, numbered("[t%]\n", FEWER)),
    "a table in tables": (manifest, "[" + "a." * SIZE + "a]\n"),
    "a key of keys": (manifest, "a." * SIZE + "a=1\n"),
    "keys of a hundred parts": (manifest, numbered("k%" + ".a" * 99 + "=1\n", FEWER)),
    "arrays": (manifest, "a=" + "[" * SIZE),
    "inline tables": (manifest, "a=" + "{a=" * SIZE),
    "digits": (manifest, "a=" + "1" * SIZE),
    "features": (manifest, "[workspace]\n" + numbered("[feature.f%]\n", FEWER)),
    "environments": (manifest, "[workspace]\n[environments]\n" + numbered("e%=[]\n", FEWER)),
    "channels": (manifest, "[workspace]\nchannels=[" + numbered("'c%',", FEWER) + "]\n"),
    "indexes": (
        manifest,
        "[workspace]\n[pypi-options]\nextra-index-urls=["
        + numbered("'x://u:s3cret@%/',", FEWER)
        + "]\n",
    ),
    "an index of colons": (
        manifest,
        "[workspace]\n[pypi-options]\nindex-url='x://" + ":" * SIZE + "'\n",
    ),
    "a channel of colons": (manifest, "[workspace]\nchannels=['x://s3cret@" + ":" * SIZE + "']\n"),
    "options that are misplaced": (
        manifest,
        "[workspace]\n" + numbered("[target.t%.pypi-options]\n", FEWER),
    ),
    "an environment with a feature that is not there": (
        manifest,
        "[workspace]\n[environments]\ne=['" + "f" * SIZE + "']\n",
    ),
    "a name of a million characters": (manifest, "[workspace]\n[feature]\n" + "f" * SIZE + "=1\n"),
    "groups of one name": (
        pyproject,
        "[tool.pixi.workspace]\n[dependency-groups]\n"
        + "".join(
            f"{name}=['a']\n"
            for name in (
                f"{number:016b}".replace("0", "_").replace("1", "-") for number in range(SIZE // 40)
            )
        ),
    ),
    "a project's name in many tables": (
        pyproject,
        "[tool.pixi.workspace]\n[project]\nname"
        + ".a" * 90
        + ("={a" + ".a" * 90) * 30
        + "=1"
        + "}" * 30
        + "\n",
    ),
    "groups in groups": (
        pyproject,
        GROUPS + "".join(f"g{n} = [{{include-group = 'g{n + 1}'}}]\n" for n in range(2000)),
    ),
    "groups that include each other twice": (
        pyproject,
        GROUPS
        + "g0 = ['a']\n"
        + "".join(
            f"g{n} = [{f'{{include-group = {chr(34)}g{n - 1}{chr(34)}}},' * 2}]\n"
            for n in range(1, 40)
        ),
    ),
    "a group in many groups": (
        pyproject,
        GROUPS
        + "g = ["
        + numbered("'a%',", FEWER)
        + "]\n"
        + numbered("g%a = [{include-group = 'g'}]\n", FEWER),
    ),
    "environments of many channels": (
        manifest,
        "[workspace]\nchannels = ["
        + numbered("'c%',", FEWER // 2)
        + "]\n[environments]\n"
        + numbered("e%=[]\n", FEWER // 2),
    ),
    "a Python of many versions": (
        manifest,
        "[workspace]\n[dependencies]\npython = '" + numbered("3.%.99|", FEWER) + "'\n",
    ),
    "a Python of many digits": (
        manifest,
        "[workspace]\n[dependencies]\npython = '3." + "1" * 400 + ".1'\n",
    ),
    "a package of many digits": (
        manifest,
        "[workspace]\n[pypi-dependencies]\na = '>=" + "1" * FEWER + "'\n",
    ),
    "a marker of brackets": (
        manifest,
        "[workspace]\n[pypi-dependencies]\na = {env-markers = '" + "(" * 900 + "'}\n",
    ),
}


@pytest.fixture(autouse=True, scope="module")
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what is imported when it is first used, which takes memory as well."""
    for number, read in enumerate((netrc, auth_file, manifest)):
        folder = tmp_path_factory.mktemp(str(number))
        (folder / "pixi.toml").write_text(
            "[workspace]\n[feature.ü]\n" if read is manifest else "machine ü login a"
        )
        _said(read, str(folder / "pixi.toml"))
    parse("https://ü.example/")


@pytest.mark.parametrize("shape", SHAPES)
def test_file_is_read_or_refused_within_bounds(shape: str, tmp_path: Path) -> None:
    read, text = SHAPES[shape]
    path = tmp_path / "pixi.toml"
    path.write_text(text, encoding="utf-8")
    tracemalloc.start()
    try:
        with deadline():
            said = _said(read, str(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < FACTOR * max(len(text), FEWER)
    assert len(said) <= MAX_PROBLEMS + 2
    assert all(len(line) < 3000 and line.isprintable() for line in said)
    assert_no_secret(said)


def _said(read: Callable[[str], list[str]], path: str) -> list[str]:
    try:
        return read(path)
    except AuthshimError as error:
        return [str(error)]


URLS = {
    "colons": "https://" + ":" * SIZE,
    "colons and an @": "https://" + ":" * SIZE + "@h/",
    "at signs": "https://" + "@" * SIZE,
    "colons and at signs": "https://" + ":@" * SIZE,
    "URLs in it": "://:x" * SIZE,
    "URLs in it, and an @": "://:x" * SIZE + "@",
    "brackets": "://[" * SIZE + "@",
    "labels": "https://" + "a." * SIZE,
    "labels in Unicode": "https://" + "ü." * FEWER,
    "a label in Unicode": "https://" + "ü" * SIZE,
    "segments": "https://h/" + "a/" * SIZE,
    "slashes": "https://h" + "/" * SIZE,
    "dots": "https://h/" + "../" * SIZE,
    "simple": "https://h/" + "simpler/" * SIZE,
    "tokens": "https://h" + "/t/" * SIZE,
    "percent signs": "https://" + "%" * SIZE,
    "digits": "https://h:" + "9" * SIZE,
    "an address": "https://[" + ":" * SIZE + "]/",
    "parameters": "https://h/?" + "sig&" * SIZE,
    "letters": "a" * SIZE,
    "backslashes": "https://" + "\\" * SIZE,
    "control characters": "https://h/" + "\x00" * SIZE,
}


def _url(name: str) -> object:
    marks = (
        [pytest.mark.slow("punycode of half a million letters")]
        if name == "labels in Unicode"
        else []
    )
    return pytest.param(URLS[name], id=name, marks=marks)


@pytest.mark.parametrize("url", [_url(name) for name in URLS])
def test_url_is_read_or_refused_within_bounds(url: str) -> None:
    tracemalloc.start()
    try:
        with deadline():
            for read in (
                redact,
                cut_after_simple,
                without_userinfo,
                is_presigned,
                normalise_key,
                _keys,
                Index,
            ):
                assert len(_refusal(read, url)) < 1000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < FACTOR * len(url)


def _keys(url: str) -> None:
    keys = host_keys(parse(url), frozenset({"h/a"}))
    assert len(keys) < 300


def _refusal(read: Callable[[str], object], url: str) -> str:
    try:
        read(url)
    except AuthshimError as error:
        return str(error)
    return ""


# What is too large is not read at all.


@pytest.mark.parametrize(
    ("read", "limit"),
    [
        (netrc, netrc_file.MAX_NETRC_BYTES),
        (auth_file, files.MAX_FILE_BYTES),
        (manifest, files.MAX_TOML_BYTES),
    ],
    ids=["netrc", "auth file", "manifest"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="files with holes")
def test_too_large_file_is_refused_with_the_limit(
    read: Callable[[str], list[str]], limit: int, tmp_path: Path
) -> None:
    path = tmp_path / "pixi.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(AuthshimError, match=f"it is larger than {limit >> 20} MiB$"):
        read(str(path))


def test_key_of_more_than_a_hundred_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pixi.toml"
    path.write_text("[workspace]\n[a" + " . 'b'" * 99 + "]\n")
    assert Manifest.load(path).warnings == ()
    path.write_text("[workspace]\n[a" + " . 'b'" * 100 + "]\n")
    with pytest.raises(AuthshimError, match=r"it has a key of more than 100 parts$"):
        Manifest.load(path)


# What is told is bounded as well.


def test_hundred_of_many_bad_entries_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine\n" * 1000)
    problems = netrc(str(path))
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[0] == f"{path}: line 1: expected a host name"
    assert problems[-1] == f"{path}: more is wrong with it than is told here"


def test_hundred_bad_entries_are_reported_whole(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine\n" * MAX_PROBLEMS)
    assert netrc(str(path))[-1] == f"{path}: line {MAX_PROBLEMS}: expected a host name"


def test_hundred_of_many_bad_keys_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text("{" + numbered('"h%": 0,', 4000) + '"x": 0}')
    path.chmod(0o600)
    problems = auth_file(str(path))
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[0] == f"{path}: h0: is not one credential"
    assert problems[-1] == f"{path}: more is wrong with it than is told here"


def test_hundred_of_many_misplaced_options_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "pixi.toml"
    path.write_text("[workspace]\n" + numbered("[target.t%.pypi-options]\n", 4000))
    warnings = Manifest.load(path).warnings
    assert len(warnings) == MAX_PROBLEMS + 1
    assert warnings[-1] == f"{path}: pixi does not read more than is told here"


def test_twenty_of_many_environments_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pixi.toml"
    path.write_text("[workspace]\n[environments]\n" + numbered("e%=[]\n", 400))
    told = manifest(str(path))[-1]
    assert told.endswith(
        "it has default, " + ", ".join(f"e{number}" for number in range(19)) + ", and more"
    )


def test_unprintable_name_is_shown_in_escapes(tmp_path: Path) -> None:
    path = tmp_path / "pixi.toml"
    path.write_text('[workspace]\n[feature]\n"a\\u001b[2J\\u202e" = 1\n')
    with pytest.raises(AuthshimError) as caught:
        Manifest.load(path)
    assert str(caught.value) == f"{path}: [feature.a\\x1b[2J\\u202e]: expected a table"


def test_long_key_is_cut_if_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text('{"' + "h" * 1000 + '": 0}')
    path.chmod(0o600)
    assert auth_file(str(path)) == [f"{path}: {'h' * 200}...: is not one credential"]


def test_broken_file_that_was_too_large_is_still_broken_when_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_bytes(b" " * (files.MAX_FILE_BYTES + 1))
    provider = AuthFile(str(path))
    for _ in range(2):
        with pytest.raises(ProviderError, match="larger than 16 MiB"):
            provider.find("h.example")
