"""The programs that can ask authshim, and what keeps each from it.

The chain of reasons is that of the programs themselves: a setting first, then the keyring that
the setting leads to, then the backend in that keyring's environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from authshim.cli.keyring_state import why_backend_is_off
from authshim.files import read_toml
from authshim.integrations.keyring_command import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TIMEOUT_SECONDS = 30.0
"""The time that a program has to tell its version or a setting."""

_PROBE = """\
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import json, sysconfig
from importlib import metadata
found = {"scripts": sysconfig.get_path("scripts")}
for name in (sys.argv[1], "keyring", "authshim"):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""


class Verdict(NamedTuple):
    """The answer to "does it ask authshim?"."""

    asks: bool
    reason: str
    next_step: str = ""


class Client(NamedTuple):
    """A program on PATH, or one that is not there."""

    name: str
    path: str | None
    version: str | None
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints of it."""
        return {
            "name": self.name,
            "path": self.path,
            "version": self.version,
            "asks": self.verdict.asks,
            "reason": self.verdict.reason,
            "next_step": self.verdict.next_step or None,
        }


class Machine:
    """The environment that programs are looked for and started in."""

    def __init__(
        self,
        environ: Mapping[str, str],
        run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
    ) -> None:
        self.environ = environ
        self._run = run

    def which(self, name: str, *, without: str = "") -> str | None:
        """Return the path of a program on PATH.

        :param without: a folder to pass over.
        """
        folders = self.environ.get("PATH", os.defpath).split(os.pathsep)
        kept = [folder for folder in folders if not without or not _is_same(folder, without)]
        return shutil.which(name, path=os.pathsep.join(kept))

    def output(self, words: Sequence[str]) -> str:
        """Return the standard output of a program, or an empty string if it fails."""
        try:
            done = self._run(
                list(words),
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout if done.returncode == 0 else ""

    def packages(self, program: str, name: str) -> dict[str, str | None]:
        """Return the versions of a program's package, of keyring and of authshim in its environment."""
        python = interpreter_of(program)
        if python is None:
            return {}
        answer = self.output([python, "-c", _PROBE, name])
        try:
            found: dict[str, str | None] = json.loads(answer)
        except ValueError:
            return {}
        return found

    def why_keyring_does_not_ask(self, *, without: str = "") -> str:
        """Return the reason for which the ``keyring`` on PATH does not ask authshim, or an empty string."""
        program = self.which("keyring", without=without)
        if program is None:
            return "there is no other keyring on PATH" if without else "there is no keyring on PATH"
        if os.path.exists(os.path.join(os.path.dirname(program), SCRIPT)):
            return ""
        if not self.packages(program, "keyring").get("authshim"):
            return f"{program} has no authshim beside it"
        return why_backend_is_off(self.environ)


def interpreter_of(program: str) -> str | None:
    """Return the Python that a script runs, as its first lines tell."""
    try:
        with open(program, "rb") as file:
            head = file.read(2048).decode("utf-8", "replace")
    except OSError:
        return None
    first, _, rest = head.partition("\n")
    if not first.startswith("#!"):
        return None
    # A path that is too long for the system stands in the second line, behind sh.
    match = re.match(r"""'''exec' (?:"([^"]+)"|(\S+)) """, rest)
    python = first[2:].strip() if match is None else match.group(1) or match.group(2)
    return python if "python" in os.path.basename(python) else None


def clients(machine: Machine) -> Iterator[Client]:
    """Yield every client, in turn."""
    for name, judge in _CLIENTS.items():
        path = machine.which(name)
        if path is None:
            yield Client(name, None, None, Verdict(False, "not on PATH"))
        else:
            yield judge(machine, path)


def _pip(machine: Machine, path: str) -> Client:
    packages = machine.packages(path, "pip")
    settings = machine.output([path, "config", "list"])
    provider = _of_pip(settings, "keyring-provider") or "auto"
    no_input = _of_pip(settings, "no-input").lower() in ("1", "true", "yes", "on")
    return Client(
        "pip", path, packages.get("pip"), _judge_pip(machine, packages, provider, no_input=no_input)
    )


def _of_pip(settings: str, name: str) -> str:
    """Return a setting from ``pip config list``: a variable beats the files."""
    found = dict(re.findall(rf"^(\S+)\.{name}='(.*)'$", settings, re.MULTILINE))
    return next((found[place] for place in (":env:", "install", "global") if place in found), "")


def _judge_pip(
    machine: Machine, packages: dict[str, str | None], provider: str, *, no_input: bool
) -> Verdict:
    run = "authshim run -- pip ..."
    if provider == "disabled":
        return Verdict(False, "its keyring-provider is disabled", run)
    if provider == "auto" and no_input:
        return Verdict(False, "its keyring-provider auto is off under no-input", run)
    if provider == "import" or (provider == "auto" and packages.get("keyring")):
        return _judge_import(machine, packages, "pip", run)
    why = machine.why_keyring_does_not_ask(without=packages.get("scripts") or "")
    if why:
        return Verdict(False, why, run)
    return Verdict(
        True,
        "its keyring-provider is subprocess"
        if provider == "subprocess"
        else "by the keyring on PATH",
    )


def _judge_import(
    machine: Machine, packages: dict[str, str | None], name: str, next_step: str
) -> Verdict:
    if not packages.get("keyring"):
        return Verdict(False, f"the environment of {name} has no keyring", next_step)
    if not packages.get("authshim"):
        return Verdict(False, f"the environment of {name} has no authshim", next_step)
    why = why_backend_is_off(machine.environ)
    if why:
        return Verdict(
            False, f"the keyring backend is off: {why}", "unset the variable, or change the file"
        )
    return Verdict(True, "authshim is in its environment")


def _uv(machine: Machine, path: str) -> Client:
    version = _word(machine.output([path, "--version"]))
    provider = machine.environ.get("UV_KEYRING_PROVIDER") or _uv_setting(machine.environ)
    why = machine.why_keyring_does_not_ask()
    if provider != "subprocess":
        next_step = "authshim run -- uv ..." if why else "export UV_KEYRING_PROVIDER=subprocess"
        return Client(
            "uv", path, version, Verdict(False, "its keyring-provider is not subprocess", next_step)
        )
    if why:
        return Client("uv", path, version, Verdict(False, why, "authshim run -- uv ..."))
    return Client("uv", path, version, Verdict(True, "for index URLs with a username@"))


def _uv_setting(environ: Mapping[str, str]) -> str:
    """Return the keyring-provider of uv's files: the project's, else the user's, else the system's."""
    home = os.path.expanduser("~")
    user = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    for path in (*_project_files(), os.path.join(user, "uv", "uv.toml"), "/etc/uv/uv.toml"):
        document = read_toml(path)
        if not isinstance(document, dict):
            continue
        table = document
        if os.path.basename(path) == "pyproject.toml":
            table = document.get("tool", {}).get("uv", {})
        provider = table.get("keyring-provider")
        if isinstance(provider, str):
            return provider
    return ""


def _project_files() -> Iterator[str]:
    folder = os.path.abspath(os.curdir)
    while True:
        yield os.path.join(folder, "uv.toml")
        yield os.path.join(folder, "pyproject.toml")
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _poetry(machine: Machine, path: str) -> Client:
    packages = machine.packages(path, "poetry")
    version = packages.get("poetry")
    if machine.output([path, "config", "keyring.enabled"]).strip() == "false":
        next_step = "poetry config keyring.enabled true"
        return Client(
            "poetry", path, version, Verdict(False, "its keyring.enabled is false", next_step)
        )
    return Client(
        "poetry", path, version, _judge_import(machine, packages, "poetry", _beside(path, "poetry"))
    )


def _twine(machine: Machine, path: str) -> Client:
    packages = machine.packages(path, "twine")
    version = packages.get("twine")
    if machine.environ.get("TWINE_PASSWORD"):
        verdict = Verdict(False, "TWINE_PASSWORD is set", "unset TWINE_USERNAME TWINE_PASSWORD")
        return Client("twine", path, version, verdict)
    return Client(
        "twine", path, version, _judge_import(machine, packages, "twine", _beside(path, "twine"))
    )


def _conda(machine: Machine, path: str) -> Client:
    version = _word(machine.output([path, "--version"]))
    netrc = machine.environ.get("NETRC", "")
    if os.path.exists(os.path.join(os.path.dirname(netrc), SCRIPT)):
        return Client("conda", path, version, Verdict(True, "by the netrc of authshim run"))
    return Client(
        "conda",
        path,
        version,
        Verdict(False, "it asks no keyring", "authshim run --netrc -- conda ..."),
    )


def _git(machine: Machine, path: str) -> Client:
    version = re.sub(r"^git version ", "", machine.output([path, "--version"])).strip() or None
    helpers = machine.output([path, "config", "--get-regexp", r"^credential\..*helper$"])
    if "authshim" in helpers:
        return Client("git", path, version, Verdict(True, "by its credential helper"))
    return Client(
        "git",
        path,
        version,
        Verdict(False, "it asks no keyring, and no credential helper names authshim"),
    )


_CLIENTS: dict[str, Callable[[Machine, str], Client]] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "twine": _twine,
    "conda": _conda,
    "git": _git,
}


def _beside(path: str, name: str) -> str:
    """Return the command that installs authshim beside a program."""
    python = interpreter_of(path) or "python"
    real = os.path.realpath(path)
    if f"{os.sep}pipx{os.sep}" in real:
        return f"pipx inject {name} authshim"
    if f"{os.sep}uv{os.sep}tools{os.sep}" in real:
        return f"uv tool install --with authshim {name}"
    return f"{python} -m pip install authshim"


def _word(version: str) -> str | None:
    """Return the number of ``NAME NUMBER (more)``."""
    words = version.split()
    return words[1] if len(words) > 1 else None


def _is_same(folder: str, other: str) -> bool:
    try:
        return os.path.samefile(folder, other)
    except OSError:
        return False
