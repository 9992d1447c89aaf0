"""The clients of the matrix. A new row is a function that gets a Case, and its line in ROWS.

A client is installed by ``tests/clients/install.py`` in an environment of its own, with authshim
beside it or without.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from clients.stage import PASSWORDS, ROOMS, filename
from wheels import wheel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clients.places import Setup
    from clients.stage import Stage

TESTS = Path(__file__).parents[1]

COUNTING = """\
#!/bin/sh
echo run >> {log}
PATH="${{PATH#{folder}:}}" exec "$(PATH="${{PATH#{folder}:}}" command -v keyring)" "$@"
"""


class NotHereError(Exception):
    """A client that could not be installed."""


class Case:
    """One client and one place."""

    def __init__(self, stage: Stage, setup: Setup, environments: Path, folder: Path) -> None:
        self.stage = stage
        self.rooms = setup.rooms
        self.folder = folder
        self.keyring_log = folder / "keyring.log"
        self.output = ""
        self._environments = environments
        self._environ = setup.environ
        self._has_password = setup.has_password
        folder.mkdir(parents=True)

    @property
    def room(self) -> str:
        """The room that clients of one index go to."""
        return self.rooms[0]

    def url(self, room: str, *, user: bool = False, path: str = "") -> str:
        """Return the URL of an index, with ``user@`` if the client needs it to ask keyring."""
        bare = path or self.stage.url(room)
        name = self.user(room)
        if self._has_password:
            return bare.replace("://", f"://{name}:{PASSWORDS[name]}@")
        return bare.replace("://", f"://{name}@") if user else bare

    def user(self, room: str) -> str:
        """Return the user of a room; a token is the password of any."""
        return ROOMS[room] if ROOMS[room] in PASSWORDS else "__token__"

    def program(self, environment: str, name: str) -> str:
        """Return the path of a program of an installed environment."""
        found = self._environments / environment / "bin" / name
        if not found.exists():
            raise NotHereError(f"{name} could not be installed")
        return str(found)

    def variable(self, name: str) -> str:
        """Return a variable of the environment that the place needs."""
        return self._environ.get(name, "")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def wheel(self) -> Path:
        """Write the wheel that is uploaded."""
        path = self.folder / filename(self.room)
        path.write_bytes(wheel(f"demo_{self.room}"))
        return path

    def upload_url(self) -> str:
        return self.stage.url(self.room).replace("simple/", "")

    def run(self, words: Sequence[str], *, keyring: str = "", **environ: str) -> None:
        """Run a client.

        :param keyring: the environment whose ``keyring`` is on PATH.
        """
        folders = [
            str(self._counting()),
            *([str(self._environments / keyring / "bin")] if keyring else []),
        ]
        self._start(words, os.pathsep.join([*folders, self._environ["PATH"]]), environ)

    def run_inside(self, words: Sequence[str], *options: str) -> None:
        """Run a client under ``authshim run``, with a keyring behind it that has no authshim."""
        counted = ["sh", "-c", f'PATH="{self._counting()}:$PATH" exec "$@"', "sh", *words]
        path = os.pathsep.join([str(self._environments / "alone" / "bin"), self._environ["PATH"]])
        self._start([sys.executable, "-m", "authshim", "run", *options, "--", *counted], path, {})

    def _start(self, words: Sequence[str], path: str, environ: dict[str, str]) -> None:
        environ = {**self._environ, "PYTHONWARNINGS": "ignore", **environ, "PATH": path}
        done = subprocess.run(
            list(words),
            env=environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=180,
            check=False,
        )
        self.output += done.stdout

    def _counting(self) -> Path:
        """Return a folder with a ``keyring`` that counts, and goes on to the next on PATH."""
        folder = self.folder / "counting"
        folder.mkdir(exist_ok=True)
        program = folder / "keyring"
        program.write_text(COUNTING.format(log=self.keyring_log, folder=folder))
        program.chmod(0o700)
        return folder


class Row(NamedTuple):
    """A client."""

    name: str
    run: Callable[[Case], Any]
    uploads: bool = False
    """It sends a file, and asks for no page."""
    asks_channels: bool = False
    """It asks for channels too."""


def _pip_words(case: Case, environment: str, *, user: bool) -> list[str]:
    rooms = [room for room in case.rooms if room != "channel"]
    first, *more = [case.url(room, user=user) for room in rooms]
    extra = [word for url in more for word in ("--extra-index-url", url)]
    packages = [f"demo-{room}" for room in rooms]
    options = [
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "-d",
        "got",
        "--index-url",
        first,
    ]
    return [case.program(environment, "pip"), "download", *options, *extra, *packages]


def pip_import(case: Case) -> None:
    """Let pip import keyring, with authshim beside it."""
    case.run([*_pip_words(case, "pip", user=False), "--keyring-provider", "import"])


def pip_subprocess(case: Case) -> None:
    """Let pip run a keyring that has authshim beside it."""
    words = [*_pip_words(case, "plain", user=False), "--keyring-provider", "subprocess"]
    case.run(words, keyring="keyring")


def pip_run(case: Case) -> None:
    """Run pip under ``authshim run``."""
    case.run_inside(_pip_words(case, "plain", user=False))


def _uv_words(case: Case) -> list[str]:
    rooms = [room for room in case.rooms if room != "channel"]
    options = ["--no-deps", "--no-cache", "--target", "got", "--python", sys.executable]
    first, *more = [case.url(room, user=True) for room in rooms]
    extra = [word for url in more for word in ("--extra-index-url", url)]
    packages = [f"demo-{room}" for room in rooms]
    return [
        case.program("uv", "uv"),
        "pip",
        "install",
        *options,
        "--index-url",
        first,
        *extra,
        *packages,
    ]


def uv(case: Case) -> None:
    """Let uv run a keyring that has authshim beside it."""
    case.run(_uv_words(case), keyring="keyring", UV_KEYRING_PROVIDER="subprocess")


def uv_run(case: Case) -> None:
    """Run uv under ``authshim run``."""
    case.run_inside(_uv_words(case))


def uv_publish(case: Case) -> None:
    """Upload with uv under ``authshim run``."""
    url = case.url(case.room, path=case.upload_url())
    words = [case.program("uv", "uv"), "publish", "--publish-url", url, str(case.wheel())]
    if "@" not in url:
        words[2:2] = ["-u", case.user(case.room)]
    case.run_inside(words)


def twine(case: Case) -> None:
    """Upload with twine, with authshim beside it."""
    url = case.url(case.room, path=case.upload_url())
    words = [case.program("twine", "twine"), "upload", "--non-interactive", "--repository-url", url]
    case.run([*words, str(case.wheel())])


def hatch(case: Case) -> None:
    """Upload with hatch, with authshim beside it."""
    case.write("pyproject.toml", f'[project]\nname = "demo-{case.room}"\nversion = "1.0"\n')
    url = case.url(case.room, path=case.upload_url())
    words = [
        case.program("hatch", "hatch"),
        "publish",
        "--no-prompt",
        "-u",
        case.user(case.room),
        "-r",
        url,
    ]
    case.run([*words, str(case.wheel())])


PROJECT = """\
[project]
name = "project"
version = "1.0"
requires-python = ">=3.9"
dependencies = [{wanted}]
"""


def _write_project(case: Case, table: str, *, first: str = "", more: str = "") -> None:
    """Write a project that wants a package of each room.

    :param table: the name of the tables of its sources.
    :param first: the name of the first source, if it is not that of its room.
    :param more: a line that each source has.
    """
    rooms = [room for room in case.rooms if room != "channel"]
    wanted = ", ".join(f'"demo-{room}==1.0"' for room in rooms)
    names = [first or rooms[0], *rooms[1:]]
    sources = [
        f'[[{table}]]\nname = "{name}"\nurl = "{case.url(room)}"\n{more}\n'
        for name, room in zip(names, rooms)
    ]
    case.write("pyproject.toml", PROJECT.format(wanted=wanted) + "".join(sources))


def poetry(case: Case) -> None:
    """Lock with poetry, with authshim beside it."""
    _write_project(case, "tool.poetry.source")
    case.run([case.program("poetry", "poetry"), "lock", "--no-interaction", "--no-cache"])


def pdm(case: Case) -> None:
    """Lock with pdm, with authshim beside it."""
    _write_project(case, "tool.pdm.source", first="pypi", more="verify_ssl = true")
    words = [case.program("pdm", "pdm"), "lock", "--no-cross-platform", "-v"]
    case.run(words, PDM_CHECK_UPDATE="0", PDM_IGNORE_SAVED_PYTHON="1", PDM_PYTHON=sys.executable)


def keyring_cli(case: Case) -> None:
    """Ask the keyring command, and send what it prints."""
    import requests

    for room in case.rooms:
        url = case.stage.url(room)
        before = len(case.output)
        case.run([case.program("keyring", "keyring"), "--mode", "creds", "get", case.url(room)])
        answer, case.output = case.output[before:].splitlines(), case.output[:before]
        session = requests.Session()
        session.trust_env = False
        if len(answer) == 2:
            session.auth = (answer[0], answer[1])
        session.get(url)


def curl(case: Case) -> None:
    """Get the pages of the indexes with curl, by the netrc of ``authshim run --netrc``."""
    rooms = [room for room in case.rooms if room != "channel"]
    indexes = ", ".join(f'"{case.url(room, user=True)}"' for room in rooms)
    case.write(
        "pixi.toml", f"[workspace]\nchannels = []\n[pypi-options]\nextra-index-urls = [{indexes}]\n"
    )
    urls = " ".join(case.stage.url(room) for room in rooms)
    case.run_inside(["sh", "-c", f'curl --silent --netrc-file "$NETRC" {urls}'], "--netrc")


def curl_header(case: Case) -> None:
    """Get the pages with curl, by the header line of ``authshim auth token``."""
    authshim = case.program("pip", "authshim")
    for room in case.rooms:
        token = f"{authshim} auth token --header {case.url(room, user=True)}"
        script = f"curl --silent -H @<({token}) {case.stage.url(room)}"
        case.run(["bash", "-c", script], keyring="keyring")


GIT_CONFIG = """\
[credential "http://{netloc}"]
    helper =
    helper = authshim
    useHttpPath = true
"""


def _run_git(case: Case, words: Sequence[str], prefix: str = "") -> None:
    """Run a command for each repository, with the credential helper on PATH."""
    config = case.write("gitconfig", GIT_CONFIG.format(netloc=case.stage.netloc))
    case.program("pip", "git-credential-authshim")
    environ = {"GIT_CONFIG_GLOBAL": str(config), "GIT_TERMINAL_PROMPT": "0"}
    for room in case.rooms:
        if room != "channel":
            bare = f"http://{case.stage.netloc}/{room}/repo.git"
            url = prefix + case.url(room, path=bare)
            case.run([*words, url], keyring="pip", **environ)


def git_clone(case: Case) -> None:
    """Clone with git and its credential helper."""
    script = 'git clone "$1" "$(basename "$(dirname "$1")")"'
    _run_git(case, ["sh", "-c", script, "sh"])


def pip_git(case: Case) -> None:
    """Install from the repositories with pip, which runs git."""
    options = ["--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--target", "got"]
    _run_git(case, [case.program("plain", "pip"), "install", *options], "git+")


def uv_git(case: Case) -> None:
    """Install from the repositories with uv, which runs git."""
    options = ["--no-deps", "--no-cache", "--target", "got", "--python", sys.executable]
    _run_git(case, [case.program("uv", "uv"), "pip", "install", *options], "git+")


CONDA = Path(__file__).with_name("conda_program.py")


def conda_headers(case: Case) -> None:
    """Get a page of each channel with conda's session, which asks the hooks for headers."""
    _run_conda(case, "headers")


def conda_handler(case: Case) -> None:
    """Get a page of each channel with the auth handler of the channel settings."""
    _run_conda(case, "handler")


def _run_conda(case: Case, how: str) -> None:
    root = f"http://{case.stage.netloc}"
    urls = [case.url(room, path=f"{root}/{room}/noarch/repodata.json") for room in case.rooms]
    words = [sys.executable, str(CONDA), how, *urls]
    folders = filter(None, [str(TESTS), case.variable("PYTHONPATH")])
    case.run(words, keyring="keyring", PYTHONPATH=os.pathsep.join(folders))


DASK = """\
import sys, authshim, requests
from distributed import Client, LocalCluster
def get(session, url):
    return session.get(url).status_code
if __name__ == "__main__":
    session = authshim.install(requests.Session())
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=True, host="127.0.0.1", **options) as cluster:
        with Client(cluster) as client:
            for url in sys.argv[1:]:
                print(client.submit(get, session, url).result())
"""


def dask(case: Case) -> None:
    """Get the pages with a session of requests in the worker of a Dask cluster."""
    program = case.write("program.py", DASK)
    urls = [case.url(room, user=True) for room in case.rooms]
    case.run([case.program("dask", "python"), str(program), *urls], keyring="keyring")


REQUESTS = """\
import sys, authshim, requests
session = authshim.install(requests.Session())
for url in sys.argv[1:]:
    print(session.get(url).status_code)
"""


def requests(case: Case) -> None:
    """Get the pages with a session of requests."""
    _run_program(case, REQUESTS)


HTTPX = """\
import sys, {library}
from authshim.integrations.httpx import install
client = install({library}.Client())
for url in sys.argv[1:]:
    print(client.get(url).status_code)
"""

HTTPX_ASYNC = """\
import asyncio, sys, httpx
from authshim.integrations.httpx import install
async def main():
    async with install(httpx.AsyncClient()) as client:
        for url in sys.argv[1:]:
            print((await client.get(url)).status_code)
asyncio.run(main())
"""

AIOHTTP = """\
import asyncio, sys, aiohttp
from authshim.integrations.aiohttp import AuthMiddleware
async def main():
    middleware = AuthMiddleware(manifest=sys.argv[1])
    async with aiohttp.ClientSession(middlewares=[middleware]) as session:
        for url in sys.argv[2:]:
            async with session.get(url) as response:
                print(response.status)
asyncio.run(main())
"""

URLLIB = """\
import sys, urllib.error, urllib.request
from authshim.integrations.urllib import AuthHandler
opener = urllib.request.build_opener(AuthHandler(manifest=sys.argv[1]))
for url in sys.argv[2:]:
    try:
        print(opener.open(url).status)
    except urllib.error.HTTPError as error:
        print(error)
"""


def httpx_sync(case: Case) -> None:
    """Get the pages with a client of httpx."""
    _run_program(case, HTTPX.format(library="httpx"))


def httpx_async(case: Case) -> None:
    """Get the pages with an asynchronous client of httpx."""
    _run_program(case, HTTPX_ASYNC)


def httpx2(case: Case) -> None:
    """Get the pages with a client of httpx2."""
    _run_program(case, HTTPX.format(library="httpx2"))


def aiohttp(case: Case) -> None:
    """Get the pages with a session of aiohttp, which takes the user from the manifest."""
    _run_with_manifest(case, AIOHTTP)


def urllib(case: Case) -> None:
    """Get the pages with an opener of urllib, which takes the user from the manifest."""
    _run_with_manifest(case, URLLIB)


def _run_program(case: Case, program: str) -> None:
    urls = [case.url(room, user=True) for room in case.rooms]
    case.run([sys.executable, "-c", program, *urls], keyring="keyring")


def _run_with_manifest(case: Case, program: str) -> None:
    """Run a program that gets plain URLs, and an index with a username for each of them."""
    rooms = [room for room in case.rooms if room != "channel"]
    indexes = ", ".join(f'"{case.url(room, user=True)}"' for room in rooms)
    manifest = case.write(
        "pixi.toml", f"[workspace]\nchannels = []\n[pypi-options]\nextra-index-urls = [{indexes}]\n"
    )
    urls = [case.stage.url(room) for room in case.rooms]
    case.run([sys.executable, "-c", program, str(manifest), *urls], keyring="keyring")


ROWS = (
    Row("pip, import", pip_import),
    Row("pip, subprocess", pip_subprocess),
    Row("pip, authshim run", pip_run),
    Row("uv, subprocess", uv),
    Row("uv, authshim run", uv_run),
    Row("uv publish, authshim run", uv_publish, uploads=True),
    Row("twine", twine, uploads=True),
    Row("poetry", poetry),
    Row("pdm", pdm),
    Row("hatch publish", hatch, uploads=True),
    Row("keyring command line", keyring_cli),
    Row("curl, authshim run --netrc", curl),
    Row("curl, authshim auth token --header", curl_header),
    Row("git clone", git_clone),
    Row("pip, git+http", pip_git),
    Row("uv, git+http", uv_git),
    Row("conda, conda_request_headers", conda_headers, asks_channels=True),
    Row("conda, conda_auth_handlers", conda_handler, asks_channels=True),
    Row("Dask, requests in a worker", dask),
    Row("requests", requests),
    Row("httpx", httpx_sync),
    Row("httpx, asynchronous", httpx_async),
    Row("httpx2", httpx2),
    Row("aiohttp", aiohttp),
    Row("urllib", urllib),
)

_NO_KEYRING = (
    "git and conda do not tell who named a URL, so authshim runs no keyring command for them"
)

CANNOT: dict[tuple[str, str], str] = {
    (
        "curl, authshim run --netrc",
        "auth file",
    ): "two users share the host, and a netrc has one user a host",
    ("curl, authshim run --netrc", "auth file, token"): "a netrc holds no token",
    ("curl, authshim run --netrc", "OAuth entry"): "a netrc holds no token",
    ("git clone", "keyring command"): _NO_KEYRING,
    ("pip, git+http", "keyring command"): _NO_KEYRING,
    ("uv, git+http", "keyring command"): _NO_KEYRING,
    ("conda, conda_request_headers", "keyring command"): _NO_KEYRING,
    ("conda, conda_auth_handlers", "keyring command"): _NO_KEYRING,
}
"""The cells that cannot work, by client and place, and why."""
