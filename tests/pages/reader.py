"""A reader who types what a page shows, in an empty home, and compares what is printed."""

from __future__ import annotations

import configparser
import contextlib
import getpass
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pages.blocks import ROOT, Block, Command, commands, is_like
from pages.names.names import VARIABLE, resolver
from pages.not_run import is_run
from pages.world import SECRET

from authshim.cli import main

if TYPE_CHECKING:
    import pytest
    from pages.programs import Store
    from pages.world import World

TIMEOUT_SECONDS = 120
IN_PROCESS = {
    "auth",
    "check",
    "completion",
    "explain",
    "get",
    "resolve",
    "--help",
    "--version",
    "-h",
}
"""The commands that need no process of their own. A shell's syntax needs one."""

SPEAKS_SECRETS = "auth token"
"""The only command whose output may have a secret."""

_FOREIGN = ("CONDA", "PIP_", "UV_", "GIT_", "TWINE_", "POETRY_", "PDM_", "CI", "GITHUB_", "GITLAB_")
_SHELL = re.compile(r"[|<>&;$`]|(?<!\S)[#-](?!\S)|://\w+@")
"""A shell's syntax, bytes on standard input or output, or a user for the keyring command."""
_EXPORT = re.compile(r"export (\w+)=(.*)")
_INSTALLER = re.compile(r"pipx |uv tool |(python -m )?pip install .*authshim")
"""The commands whose packages come from the store. authshim would read these variables, too."""
_RUN = re.compile(r"^RUN ((?:.*\\\n)*.*)", re.MULTILINE)
"""An instruction of a Dockerfile."""
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_SECRET = re.compile(r"--mount=type=secret,id=(?P<id>\w+),target=(?P<target>\S+)")

_VARIABLES = {
    "NO_PROXY": "127.0.0.1,localhost",
    "GIT_CONFIG_NOSYSTEM": "1",
    # Little of it is imported.
    "PIP_COMPILE": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
    # The packages that authshim needs are here already.
    "PIP_NO_DEPS": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_QUIET": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "BROWSER": "the user's",
    "COLUMNS": "120",
    # As at a terminal: lines come in the order in which they are printed.
    "PYTHONUNBUFFERED": "1",
    "NAMES": str(ROOT / "tests" / "pages" / "names"),
}
"""The variables that are the same on each page."""

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Terminal(io.StringIO):
    """A standard input at which the reader types the secret, or yes."""

    def isatty(self) -> bool:
        return True

    def readline(self, _size: int | None = -1, /) -> str:
        return "y\n"


class Reader:
    """The home, the folder, the variables and the Python names of one page."""

    def __init__(
        self, world: World, home: Path, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._home = home
        self._store = store
        self._monkeypatch = monkeypatch
        self._names: dict[str, Any] = {"__name__": "page"}
        self._files = {"/etc/ssl/certs/acme.pem": world.certificates}
        self._set_variables(world)
        monkeypatch.setattr(getpass, "getpass", _type_secret)
        monkeypatch.setattr(socket, "getaddrinfo", resolver(world.ports))
        monkeypatch.setattr(webbrowser, "open", world.user.come_back)

    def _set_variables(self, world: World) -> None:
        for name in list(os.environ):
            if name.startswith(_FOREIGN):
                self._monkeypatch.delenv(name)
        proxy = f"127.0.0.1:{world.proxy.port}"
        variables = {
            **_VARIABLES,
            "HTTPS_PROXY": f"http://{proxy}",
            "https_proxy": f"http://{proxy}",
            "CONDA": self._store.conda,
            "CONDA_PKGS_DIRS": str(self._home / "pkgs"),
            "REQUESTS_CA_BUNDLE": world.certificates,
            "SSL_CERT_FILE": world.certificates,
            "CURL_CA_BUNDLE": world.certificates,
            "GCE_METADATA_HOST": proxy,
            "GCE_METADATA_IP": proxy,
            "GIT_SSL_CAINFO": world.certificates,
            VARIABLE: json.dumps(world.ports),
            "PATH": os.pathsep.join([*self._programs(), os.environ["PATH"]]),
            "PIP_TARGET": str(self._home / "installed"),
            "UV_CACHE_DIR": str(self._home / "uv"),
            "PWD": os.getcwd(),
        }
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def _programs(self) -> list[str]:
        """Return the folders of programs: those of pipx and ``uv tool`` come first."""
        return [str(self._home / ".local" / "bin"), os.path.dirname(sys.executable)]

    def read(self, blocks: list[Block]) -> None:
        """Do what the blocks show, one after another."""
        for block in blocks:
            self._do(block)

    def _do(self, block: Block) -> None:
        if block.kind in ("console", "first"):
            for command in commands(block.text):
                if is_run(block.path, command.typed):
                    self._type(block, command)
        elif block.kind == "docker":
            self._build(block)
        elif block.kind == "yaml" and block.named.endswith(".yml"):
            self._run_job(block)
        elif block.kind == "python" and not block.named:
            code = compile("\n" * block.line + block.text, str(block.page), "exec")
            exec(code, self._names)
        else:
            self._keep(block)

    def _run_job(self, block: Block) -> None:
        """Run the lines of a job of GitHub or GitLab, with the secret in its variables."""
        import yaml

        document = yaml.safe_load(block.text)
        steps = list(document["test"]["script"]) if "test" in document else []
        for job in document.get("jobs", {}).values():
            steps += [step for step in job["steps"] if "run" in step]
        assert steps, block.place
        self._monkeypatch.setenv("ACME_TOKEN", SECRET)
        for step in steps:
            typed = step
            if isinstance(step, dict):
                typed = step["run"]
                for name in step.get("env", ()):
                    self._monkeypatch.setenv(name, SECRET)
            self._type(block, Command(typed, ()))

    def _build(self, block: Block) -> None:
        """Run the lines of a Dockerfile by a shell, with each secret in a file of its own."""
        lines = _RUN.findall(block.text)
        assert lines, block.place
        for line in lines:
            mount = _SECRET.match(line)
            typed = line
            if mount:
                typed = line[mount.end() :].replace(mount["target"], self._mount(mount["id"]))
            self._type(block, Command(typed, ()))

    def _mount(self, secret: str) -> str:
        """Return a file with the content of a secret, which lies in the home."""
        path = self._home / "run" / f"{secret}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((self._home / f"{secret}.json").read_bytes())
        path.chmod(0o600)
        return str(path)

    def _keep(self, block: Block) -> None:
        """Read a file's content as its format, and write the file if the page names it."""
        _check_format(block)
        if block.named:
            path = Path(os.path.expanduser(block.named))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text + "\n", encoding="utf-8")
            path.chmod(0o600)

    def _type(self, block: Block, command: Command) -> None:
        if not self._change_shell(command.typed):
            self._type_program(block, command)

    def _change_shell(self, typed: str) -> bool:
        """Set or delete a variable, or change the folder. Return False for another command."""
        exported = _EXPORT.match(typed)
        if exported:
            value = os.path.expandvars(" ".join(shlex.split(exported[2], comments=True)))
            self._monkeypatch.setenv(exported[1], self._files.get(value, value))
            return True
        if typed.startswith("unset "):
            for name in typed.split()[1:]:
                self._monkeypatch.delenv(name)
            return True
        if typed.startswith("cd "):
            self._monkeypatch.chdir(os.path.expanduser(typed[3:]))
            self._monkeypatch.setenv("PWD", os.getcwd())
            return True
        return False

    def _type_program(self, block: Block, command: Command) -> None:
        installs = _INSTALLER.match(command.typed)
        code, printed = _run(command.typed, self._store.environ if installs else {})
        where = f"{block.place}: $ {command.typed}\n{printed}"
        if command.shown:
            assert is_like(command.shown, printed), where
        elif code:
            raise AssertionError(where)
        if SPEAKS_SECRETS not in command.typed:
            assert SECRET not in printed, where


def _type_secret(prompt: str = "") -> str:
    sys.stderr.write(f"{prompt}\n")
    return SECRET


def _run(typed: str, more: dict[str, str]) -> tuple[int, str]:
    """Run a command with more variables, and return its exit code and all that it printed."""
    words = typed.split()
    if words[0] == "authshim" and words[1] in IN_PROCESS and not _SHELL.search(typed):
        return _run_here(shlex.split(typed)[1:])
    # The null backend of the tests would be chosen instead of authshim's or a vendor's.
    environ = {name: os.environ[name] for name in os.environ if name != "PYTHON_KEYRING_BACKEND"}
    done = subprocess.run(
        ["bash", "-c", typed],
        env={**environ, **more},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
    )
    return done.returncode, _COLOUR.sub("", done.stdout.decode())


def _run_here(words: list[str]) -> tuple[int, str]:
    printed = io.StringIO()
    stdin = sys.stdin
    sys.stdin = _Terminal(f"{SECRET}\n")
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdin = stdin
    return code, printed.getvalue()


def _check_format(block: Block) -> None:
    """Read a file's content by the parser of its format.

    :raises AssertionError: the format has none here.
    """
    if block.kind == "toml":
        tomllib.loads(block.text)
    elif block.kind == "json":
        json.loads(block.text)
    elif block.kind == "ini":
        configparser.ConfigParser(interpolation=None).read_string(block.text)
    elif block.kind == "yaml":
        import yaml

        yaml.safe_load(block.text)
    elif block.kind == "python":
        compile(block.text, block.named, "exec")
    else:
        assert block.kind in ("text", "bash"), block
