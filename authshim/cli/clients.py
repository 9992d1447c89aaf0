"""The programs that can ask authshim, and what keeps each from it.

The chain of reasons is that of the programs themselves: a setting first, then the keyring that
the setting leads to, then the backend in that keyring's environment.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from authshim.cli.keyring_state import switch_on, why_backend_is_off
from authshim.cli.programs import interpreter_of
from authshim.integrations import SCRIPT
from authshim.integrations.git_config import PROGRAM, set_up
from authshim.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.cli.programs import InstalledPrograms, Packages

_YES = frozenset({"1", "true", "yes", "on"})


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


class Answer(NamedTuple):
    """The version of a client, and the verdict on it."""

    version: str | None
    verdict: Verdict


def clients(programs: InstalledPrograms) -> Iterator[Client]:
    """Yield every client, in turn."""
    for name, judge in _CLIENTS.items():
        path = programs.which(name)
        if path is None:
            missing = Verdict(False, "not on PATH")
            yield Client(name, None, None, missing)
        else:
            version, verdict = judge(programs, path)
            yield Client(name, path, version, verdict)


def _pip(programs: InstalledPrograms, path: str) -> Answer:
    packages = programs.packages(path, "pip")
    settings = programs.output([path, "config", "list"])
    verdict = _judge_pip(programs, packages, settings)
    return Answer(packages.get("pip"), verdict)


def _judge_pip(
    programs: InstalledPrograms,
    packages: Packages,
    settings: str,
) -> Verdict:
    run = "authshim run -- pip ..."
    provider = _of_pip(settings, "keyring-provider") or "auto"
    if provider == "disabled":
        return Verdict(False, "its keyring-provider is disabled", run)
    if provider == "auto":
        no_input = _of_pip(settings, "no-input")
        if no_input.lower() in _YES:
            return Verdict(False, "its keyring-provider auto is off under no-input", run)
        provider = "subprocess"
        if packages.get("keyring"):
            provider = "import"
    if provider == "import":
        return _judge_import(programs, packages, "pip", run)
    scripts = packages.get("scripts") or ""
    why = programs.why_keyring_does_not_ask(without=scripts)
    if why:
        return Verdict(False, why, run)
    return Verdict(True, "by the keyring on PATH")


def _of_pip(settings: str, name: str) -> str:
    """Return a setting from ``pip config list``: a variable beats the files."""
    lines = re.findall(rf"^(\S+)\.{name}='(.*)'$", settings, re.MULTILINE)
    found = dict(lines)
    for place in (":env:", "install", "global"):
        if place in found:
            return str(found[place])
    return ""


def _judge_import(
    programs: InstalledPrograms,
    packages: Packages,
    name: str,
    next_step: str,
) -> Verdict:
    """Return the verdict on a program that imports keyring.

    :param packages: the versions of the packages in its environment.
    """
    for package in ("keyring", "authshim"):
        if not packages.get(package):
            return Verdict(False, f"the environment of {name} has no {package}", next_step)
    why = why_backend_is_off(programs.environ)
    if why:
        reason = f"the keyring backend is off: {why}"
        step = switch_on(programs.environ)
        return Verdict(False, reason, step)
    return Verdict(True, "authshim is in its environment")


def _uv(programs: InstalledPrograms, path: str) -> Answer:
    printed = programs.output([path, "--version"])
    verdict = _judge_uv(programs)
    return Answer(_word(printed), verdict)


def _judge_uv(programs: InstalledPrograms) -> Verdict:
    run = "authshim run -- uv ..."
    provider = programs.environ.get("UV_KEYRING_PROVIDER")
    if not provider:
        provider = _of_uv(programs.environ)
    why = programs.why_keyring_does_not_ask()
    if provider == "subprocess":
        if why:
            return Verdict(False, why, run)
        return Verdict(True, "for index URLs with a username@")
    reason = "its keyring-provider is not subprocess"
    if why:
        return Verdict(False, reason, run)
    return Verdict(False, reason, "export UV_KEYRING_PROVIDER=subprocess")


def _of_uv(environ: Mapping[str, str]) -> str:
    """Return the keyring-provider of uv's files.

    The project's comes first, then the user's, then the system's.
    """
    home = os.path.expanduser("~")
    user = environ.get("XDG_CONFIG_HOME")
    if not user:
        user = os.path.join(home, ".config")
    of_user = os.path.join(user, "uv", "uv.toml")
    for path in (*_project_files(), of_user, "/etc/uv/uv.toml"):
        table: Any = read_toml(path)
        if os.path.basename(path) == "pyproject.toml":
            tools = _entry(table, "tool")
            table = _entry(tools, "uv")
        provider = _entry(table, "keyring-provider")
        if isinstance(provider, str):
            return provider
    return ""


def _entry(table: object, name: str) -> object:
    if isinstance(table, dict):
        return table.get(name)
    return None


def _project_files() -> Iterator[str]:
    folder = os.path.realpath(os.curdir)
    while True:
        yield os.path.join(folder, "uv.toml")
        yield os.path.join(folder, "pyproject.toml")
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _poetry(programs: InstalledPrograms, path: str) -> Answer:
    packages = programs.packages(path, "poetry")
    setting = programs.output([path, "config", "keyring.enabled"])
    if setting.strip() == "false":
        next_step = "poetry config keyring.enabled true"
        verdict = Verdict(False, "its keyring.enabled is false", next_step)
    else:
        next_step = _install_beside(path, "poetry")
        verdict = _judge_import(programs, packages, "poetry", next_step)
    return Answer(packages.get("poetry"), verdict)


def _twine(programs: InstalledPrograms, path: str) -> Answer:
    packages = programs.packages(path, "twine")
    if programs.environ.get("TWINE_PASSWORD"):
        next_step = "unset TWINE_USERNAME TWINE_PASSWORD"
        verdict = Verdict(False, "TWINE_PASSWORD is set", next_step)
    else:
        next_step = _install_beside(path, "twine")
        verdict = _judge_import(programs, packages, "twine", next_step)
    return Answer(packages.get("twine"), verdict)


def _conda(programs: InstalledPrograms, path: str) -> Answer:
    printed = programs.output([path, "--version"])
    verdict = _judge_conda(programs, path)
    return Answer(_word(printed), verdict)


def _judge_conda(programs: InstalledPrograms, path: str) -> Verdict:
    netrc = programs.environ.get("NETRC", "")
    look_alike = os.path.join(os.path.dirname(netrc), SCRIPT)
    if os.path.exists(look_alike):
        return Verdict(True, "by the netrc of authshim run")
    packages = programs.packages(path, "conda")
    if not packages.get("authshim"):
        next_step = _install_beside(path, "conda")
        return Verdict(False, "the environment of conda has no authshim", next_step)
    no_plugins = programs.environ.get("CONDA_NO_PLUGINS", "")
    if no_plugins.lower() in _YES:
        return Verdict(False, "CONDA_NO_PLUGINS is set", "unset CONDA_NO_PLUGINS")
    return Verdict(True, "authshim is in its environment")


def _git(programs: InstalledPrograms, path: str) -> Answer:
    answer = programs.output([path, "--version"])
    version = answer.replace("git version", "").strip() or None
    helpers = programs.output([path, "config", "--get-regexp", r"^credential\..*helper$"])
    return Answer(version, _judge_helpers(programs, helpers))


def _judge_helpers(programs: InstalledPrograms, helpers: str) -> Verdict:
    """Return the verdict on the helpers that git's configuration names."""
    if "authshim" not in helpers:
        reason = "it asks no keyring, and no credential helper names authshim"
        commands = set_up("https", "HOST")
        return Verdict(False, reason, "\n".join(commands))
    # The configuration names our helper with its path, or git searches for it.
    if f"/{PROGRAM}" in helpers or programs.which(PROGRAM) is not None:
        return Verdict(True, "by its credential helper")
    folder = os.path.dirname(sys.executable)
    return Verdict(False, f"{PROGRAM} is not on PATH", f'export PATH="$PATH:{folder}"')


_CLIENTS: dict[str, Callable[[InstalledPrograms, str], Answer]] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "twine": _twine,
    "conda": _conda,
    "git": _git,
}


def _install_beside(path: str, name: str) -> str:
    """Return the command that installs authshim beside a program."""
    real = os.path.realpath(path)
    if f"{os.sep}pipx{os.sep}" in real:
        return f"pipx inject {name} authshim"
    if f"{os.sep}uv{os.sep}tools{os.sep}" in real:
        return f"uv tool install --with authshim {name}"
    python = interpreter_of(path) or "python"
    return f"{python} -m pip install authshim"


def _word(version: str) -> str | None:
    """Return the number of ``NAME NUMBER (more)``."""
    words = version.split()
    if len(words) < 2:
        return None
    return words[1]
