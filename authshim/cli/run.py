"""``authshim run -- COMMAND``: serve the user's credentials to programs that ask ``keyring``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim.cli import spawn, terminal, uv_usernames
from authshim.errors import AuthshimError, SettingsError
from authshim.integrations import look_alike

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

PROVIDERS = {"PIP_KEYRING_PROVIDER": "subprocess", "UV_KEYRING_PROVIDER": "subprocess"}
"""The variables at which pip and uv ask the ``keyring`` on PATH."""


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run",
        parents=parents,
        help="run a command whose pip and uv are logged in",
        usage="authshim run [options] [--] COMMAND ...",
        description="Run a command. It and its children find a keyring first on PATH that answers "
        "with your credentials, and pip and uv are told to ask it. No secret is in the "
        "environment, in arguments or on disk. The exit code is the command's.",
    )
    parser.add_argument(
        "--netrc",
        action="store_true",
        help="also write a temporary netrc with the logins of the project's indexes and channels, "
        "for programs that ask no keyring; NETRC names it",
    )
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Run the command and return its exit code."""
    words = options.command
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        raise SettingsError("run", "name the command to run: authshim run -- COMMAND ...")
    try:
        status = _run(options, words)
    except spawn.SpawnError as error:
        terminal.note(terminal.with_tilde(f"authshim: error: {error}"))
        return error.code
    return spawn.end_like(status)


def _run(options: Namespace, words: list[str]) -> int:
    netrc = _netrc(options)
    with spawn.signals_held(), _folder() as folder:
        environ = _environ(options, folder)
        if netrc is not None:
            environ["NETRC"] = os.path.join(folder, "netrc")
            _write_private(environ["NETRC"], netrc)
        program = spawn.find_program(words[0], environ)
        return spawn.run(program, words, environ)


def _netrc(options: Namespace) -> str | None:
    """Return the text of the temporary netrc, or None if none is wanted."""
    if not options.netrc:
        return None
    from authshim.cli import temporary_netrc

    return temporary_netrc.text(options)


def _environ(
    options: Namespace,
    folder: str,
) -> dict[str, str]:
    path = os.environ.get("PATH", os.defpath)
    environ = {**os.environ, **PROVIDERS, "PATH": f"{folder}{os.pathsep}{path}"}
    environ.update(uv_usernames.variables(options))
    if options.auth_file is not None:
        environ.setdefault("RATTLER_AUTH_FILE", os.path.abspath(options.auth_file))
    return environ


@contextmanager
def _folder() -> Iterator[str]:
    """Make a folder with the look-alike, and remove it at the end.

    :raises AuthshimError: no folder lets a program run.
    """
    for parent in _parents():
        try:
            folder = tempfile.TemporaryDirectory(prefix="authshim-run-", dir=parent)
        except OSError:
            continue
        with folder as path:
            program = look_alike.write(path, launcher=_launcher())
            if os.access(program, os.X_OK):
                yield path
                return
    raise AuthshimError(
        "no program can be run from the temporary folder: set TMPDIR to another one"
    )


def _parents() -> list[str]:
    """Return the folders to try: many systems forbid programs in the temporary one."""
    home = os.path.expanduser("~")
    found = [
        tempfile.gettempdir(),
        os.environ.get("XDG_RUNTIME_DIR", ""),
        os.path.join(home, ".cache"),
        home,
    ]
    return [folder for folder in found if os.path.isabs(folder)]


def _launcher() -> str | None:
    """Return Windows' program of this very command, or None."""
    found = f"{os.path.splitext(sys.argv[0])[0]}.exe"
    return found if os.name == "nt" and os.path.isfile(found) else None


def _write_private(path: str, text: str) -> None:
    descriptor = os.open(
        path,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL,
        0o600,
    )
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
