"""``authshim demo``: run ``check`` and ``explain`` on private servers of this machine.

Everything is in a temporary folder, which is HOME for the commands and is removed at the end.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from authshim.cli.demo.servers import Server

MANIFEST = """\
[workspace]
name = "demo"
channels = ["http://{channel}/private"]
platforms = []

[pypi-options]
index-url = "http://{basic}/simple"
extra-index-urls = [
    "http://{bearer}/simple",
    "http://ada@{keyring}/simple",
    "http://{closed}/simple",
]

[pypi-dependencies]
demo = "*"
"""

NETRC = """\
machine {basic}
login ada
password lovelace
"""


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "demo",
        parents=parents,
        help="see it work, on private servers of its own",
        description="Start five private servers on this machine, write a pixi.toml for them into "
        "a temporary folder, run check and explain there, and leave nothing behind.",
    )
    parser.set_defaults(run=run)


def run(_options: Namespace) -> int:
    """Start the servers, run the commands, and return 0 if all went well."""
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from authshim.cli.demo.servers import Server
    from authshim.credentials import BasicHTTP

    token = os.urandom(12).hex()
    conda_token = os.urandom(12).hex()
    with ExitStack() as stack:
        home = stack.enter_context(TemporaryDirectory(prefix="authshim-demo-"))
        servers = {
            "basic": Server(header=BasicHTTP("ada", "lovelace").header),
            "bearer": Server(header=f"Bearer {token}", realm="Bearer"),
            "channel": Server(segment=f"/t/{conda_token}"),
            "keyring": Server(header=BasicHTTP("ada", "byron").header),
            "closed": Server(),
        }
        for server in servers.values():
            stack.enter_context(server)
        _write(home, servers, token, conda_token)
        return _show(home, servers)


def _write(
    home: str,
    servers: dict[str, Server],
    token: str,
    conda_token: str,
) -> None:
    """Write the files of a user: a project, a netrc, rattler's file and a keyring."""
    import json

    places = {name: server.netloc for name, server in servers.items()}
    keyring = {f"http://{places['keyring']}/simple": ["ada", "byron"]}
    stored = {
        places["bearer"]: {"BearerToken": token},
        places["channel"]: {"CondaToken": conda_token},
    }
    files = {
        "project/pixi.toml": MANIFEST.format(**places),
        ".netrc": NETRC.format(**places),
        ".rattler/credentials.json": json.dumps(stored, indent=4),
        "keyring.json": json.dumps(keyring),
    }
    for name, text in files.items():
        path = os.path.join(home, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(
            path,
            os.O_WRONLY | os.O_CREAT,
            0o600,
        )
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def _show(
    home: str,
    servers: dict[str, Server],
) -> int:
    manifest = os.path.join("project", "pixi.toml")
    terminal.say(f"Five private servers are running on this machine; this is {manifest}:")
    terminal.say()
    with open(os.path.join(home, manifest), encoding="utf-8") as file:
        terminal.write("".join(f"    {line}" for line in file))
    terminal.say("Nobody has typed a password here. The credentials are in .netrc, in rattler's")
    terminal.say("credentials.json, and in a keyring; one server lets nobody in.")
    terminal.say()
    checked = _run(home, "check")
    explained = _run(home, "explain", f"http://ada@{servers['keyring'].netloc}/simple/demo/")
    if (checked, explained) != (1, 0):
        terminal.note(
            "This is not what the demo should show: check should end with 1, explain with 0."
        )
        return 1
    terminal.say(
        "check ended with exit code 1, because one server lets nobody in; nothing is left behind."
    )
    return 0


def _run(home: str, *arguments: str) -> int:
    """Run authshim in the demo's project, and return its exit code."""
    import subprocess

    terminal.say(f"$ authshim {shlex.join(arguments)}")
    terminal.flush()
    command = [sys.executable, "-m", "authshim", *arguments]
    code = subprocess.run(
        command, cwd=os.path.join(home, "project"), env=_environ(home), check=False
    ).returncode
    terminal.say()
    return code


def _environ(home: str) -> dict[str, str]:
    """Return an environment without this user's own settings and keychain."""
    foreign = ("AUTHSHIM_", "PIXI_", "RATTLER_", "XDG_", "DBUS_", "KEYRING_", "NETRC")
    kept = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)
    }
    ours = {
        "HOME": home,
        "USERPROFILE": home,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PIXI_NO_CONFIG": "1",
        "PYTHON_KEYRING_BACKEND": "authshim.cli.demo.keyring.Keyring",
        "AUTHSHIM_KEYRING_COMMAND": shlex.join([sys.executable, "-m", "keyring"]),
        "AUTHSHIM_DEMO_KEYRING": os.path.join(home, "keyring.json"),
    }
    return {**kept, **ours}
