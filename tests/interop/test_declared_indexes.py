"""The real uv and pip take a package from the index that ``resolve`` names, in any declaration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import needs
import pytest
from interop.serving import content_of, page_of, uv
from resolve_situations import wheel
from servers import Answer, Recorder

from authshim.cli import main

if TYPE_CHECKING:
    from servers import Seen

PROJECT = "[project]\nname='x'\nversion='1'\nrequires-python='>=3.9'\ndependencies=['demo']\n"


class Case(NamedTuple):
    """Files and variables in which URL stands for the server."""

    says: str
    tool: str
    files: dict[str, str]
    environ: dict[str, str] = {}


def index(name: str, *options: str) -> str:
    """Return an index of uv by the name of its folder."""
    return "\n".join(["[[tool.uv.index]]", f"name='{name}'", f"url='URL/{name}'", *options, ""])


def user(*names: str) -> str:
    """Return a uv.toml."""
    return "".join(index(name).replace("tool.uv.", "") for name in names)


DEFAULT = "default=true"

CASES = [
    Case("the first index", "uv", {"pyproject.toml": PROJECT + index("b") + index("a", DEFAULT)}),
    Case("the default last", "uv", {"pyproject.toml": PROJECT + index("a", DEFAULT) + index("b")}),
    Case(
        "an explicit index",
        "uv",
        {"pyproject.toml": PROJECT + index("b", "explicit=true") + index("a", DEFAULT)},
    ),
    Case(
        "a pinned index",
        "uv",
        {
            "pyproject.toml": PROJECT
            + index("b", "explicit=true")
            + index("a", DEFAULT)
            + "[tool.uv.sources]\ndemo={index='b'}\n"
        },
    ),
    Case(
        "the project before the user",
        "uv",
        {"pyproject.toml": PROJECT + index("a", DEFAULT), "home/.config/uv/uv.toml": user("b")},
    ),
    Case(
        "uv.toml in place of pyproject.toml",
        "uv",
        {"pyproject.toml": PROJECT + index("a", DEFAULT), "uv.toml": "index-url='URL/b'\n"},
    ),
    Case(
        "a variable before the project",
        "uv",
        {"pyproject.toml": PROJECT + index("a") + index("b", DEFAULT)},
        {"UV_INDEX": "URL/c"},
    ),
    Case(
        "a variable with the name of an index",
        "uv",
        {"pyproject.toml": PROJECT + index("a") + index("b", DEFAULT)},
        {"UV_INDEX": "a=URL/c"},
    ),
    Case(
        "the default of a variable",
        "uv",
        {"pyproject.toml": PROJECT + index("a", DEFAULT)},
        {"UV_DEFAULT_INDEX": "URL/c"},
    ),
    Case(
        "a refusal that is ignored",
        "uv",
        {
            "pyproject.toml": PROJECT
            + index("refused", "ignore-error-codes=[401]")
            + index("a", DEFAULT)
        },
    ),
    Case(
        "old keys",
        "uv",
        {
            "pyproject.toml": PROJECT
            + "[tool.uv]\nindex-url='URL/a'\nextra-index-url=['URL/b', 'URL/c']\n"
        },
    ),
    Case(
        "old variables",
        "uv",
        {"pyproject.toml": PROJECT + "[tool.uv]\nindex-url='URL/a'\n"},
        {"UV_EXTRA_INDEX_URL": "URL/b", "UV_INDEX_URL": "URL/c"},
    ),
    Case(
        "the strategy of a variable",
        "uv",
        {"pyproject.toml": PROJECT + index("a") + index("b", DEFAULT)},
        {"UV_INDEX_STRATEGY": "unsafe-best-match"},
    ),
    Case(
        "one configuration for all",
        "uv",
        {"pyproject.toml": PROJECT + index("a", DEFAULT), "x.toml": "index-url='URL/b'\n"},
        {"UV_CONFIG_FILE": "x.toml"},
    ),
    Case(
        "a member of a workspace",
        "uv",
        {
            "../pyproject.toml": "[tool.uv.workspace]\nmembers=['*']\n" + index("a", DEFAULT),
            "pyproject.toml": PROJECT + index("b"),
        },
    ),
    Case(
        "pip.conf of the user",
        "pip",
        {
            "requirements.txt": "demo\n",
            "home/.config/pip/pip.conf": "[global]\nindex-url=URL/a\nextra-index-url=URL/b\n",
        },
    ),
    Case(
        "[install] before [global]",
        "pip",
        {
            "requirements.txt": "demo\n",
            "home/.config/pip/pip.conf": "[install]\nindex-url=URL/a\n[global]\nindex_url=URL/b\n",
        },
    ),
    Case(
        "the old file of the user before the new one",
        "pip",
        {
            "requirements.txt": "demo\n",
            "home/.config/pip/pip.conf": "[global]\nindex-url=URL/a\n",
            "home/.pip/pip.conf": "[global]\nindex-url=URL/b\n",
        },
    ),
    Case(
        "a variable before a file",
        "pip",
        {
            "requirements.txt": "demo\n",
            "home/.config/pip/pip.conf": "[global]\nindex-url=URL/c\nextra-index-url=URL/a\n",
        },
        {"PIP_INDEX_URL": "URL/b"},
    ),
    Case(
        "a named file in place of the user's",
        "pip",
        {
            "requirements.txt": "demo\n",
            "home/.config/pip/pip.conf": "[global]\nextra-index-url=URL/c\n",
            "x.conf": "[global]\nindex-url=URL/a\n",
        },
        {"PIP_CONFIG_FILE": "x.conf"},
    ),
    Case(
        "-i in place of all before",
        "pip",
        {
            "requirements.txt": "--extra-index-url URL/c\n-i URL/a\n-r more.txt\ndemo\n",
            "more.txt": "--extra-index-url URL/b\n",
        },
    ),
]


@pytest.fixture
def server(recorder: Recorder) -> Recorder:
    """Indexes a, b and c with the versions 1, 2 and 3 of ``demo``."""

    def answer(seen: Seen) -> Answer:
        if seen.path.startswith("/files/"):
            return Answer(200, content_of(seen.path.rpartition("/")[2]))
        folder, _, rest = seen.path.strip("/").partition("/")
        if folder == "refused":
            return Answer(401, b"", {"WWW-Authenticate": "Basic"})
        if rest != "demo" or folder not in ("a", "b", "c"):
            return Answer(404)
        version = f"{'abc'.index(folder) + 1}.0"
        return page_of([wheel(version)], f"{recorder.url}/files/{folder}")

    recorder.default = answer  # type: ignore[assignment]
    return recorder


def run_tool(tool: str) -> str:
    """Let the tool ask for the package, and return what it said."""
    command = [uv(), "--no-cache", "lock", "--python", sys.executable]
    if tool == "pip":
        needs.module("pip")
        command = [sys.executable, "-m", "pip", "--no-input", "install", "--no-cache-dir"]
        command += ["--retries", "0", "--target", "target", "-r", "requirements.txt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.tool}, {case.says}")
def test_tool_takes_the_index_that_resolve_names(
    case: Case,
    server: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "root" / "x"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.delenv("PIP_CONFIG_FILE")
    for name, text in case.files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("URL", server.url), encoding="utf-8")
    for name, text in case.environ.items():
        monkeypatch.setenv(name, text.replace("URL", server.url))
    main(["resolve", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["tool"] == case.tool
    (result,) = document["results"]
    before = len(server.seen)
    said = run_tool(case.tool)
    files = [seen.path for seen in server.seen[before:] if seen.path.startswith("/files/")]
    assert files, said
    assert result["index"] == f"{server.url}/{files[-1].split('/')[2]}", said
