"""``authshim doctor``: report if pip, uv and the others ask authshim, and the settings in force."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.cli.clients import clients
from authshim.cli.keyring_state import why_backend_is_off
from authshim.cli.programs import InstalledPrograms
from authshim.errors import ProviderError, ProviderUnlisted
from authshim.integrations import SWITCH
from authshim.settings import NAMES
from authshim.settings import read as read_settings

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from authshim.cli.clients import Client
    from authshim.settings import Settings

_OF_THE_SYSTEM = frozenset({"APPDATA", "HOME", "PATH", "USERPROFILE"})
_VARIABLES = (NAMES - _OF_THE_SYSTEM) | {SWITCH, "PIP_KEYRING_PROVIDER", "UV_KEYRING_PROVIDER"}
"""The variables that change an answer."""


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "doctor",
        parents=parents,
        help="say whether pip, uv and the others ask authshim",
        description="Look at pip, uv, poetry, twine, conda and git on PATH. Report if each asks "
        "authshim, and print the lines that switch it on. "
        "Then list the files and variables that are in force.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the clients and the settings."""
    found = list(clients(InstalledPrograms(os.environ)))
    in_force = _in_force()
    if options.json:
        document = {
            "version": 1,
            "clients": [client.as_json() for client in found],
            "in_force": in_force,
        }
        terminal.write(json.dumps(document, indent=2))
        return 0
    for client in found:
        _say(client)
    terminal.say("in force")
    for name, value in in_force.items():
        terminal.say(terminal.with_tilde(f"  {name.replace('_', ' '):16} {_text(value)}"))
    return 0


def _say(client: Client) -> None:
    """Print the verdict on a client, and the commands that let it ask."""
    name = f"{client.name} {client.version or ''}".strip()
    verdict = client.verdict
    if client.path is None:
        state = "not here"
    elif verdict.asks:
        state = "asks authshim"
    else:
        state = "does not ask authshim"
    terminal.say(terminal.with_tilde(f"{name:18} {state} ({verdict.reason})"))
    for command in verdict.next_step.splitlines():
        terminal.say(terminal.with_tilde(f"  -> {command}"))


def _in_force() -> dict[str, Any]:
    settings = read_settings(os.environ)
    keyring_backend = "on"
    why_off = why_backend_is_off(os.environ)
    if why_off:
        keyring_backend = f"off ({why_off})"
    existing = [path for path in settings.netrc_files if os.path.exists(path)]
    return {
        "auth_file": settings.auth_file,
        "auth_file_named_by": settings.auth_file_named_by or None,
        "auth_file_only": settings.auth_file_only,
        "store": settings.home_auth_file,
        "netrc": next(iter(existing), None),
        "keychain": _keychain(settings),
        "keyring_command": _keyring_command(settings),
        "keyring_backend": keyring_backend,
        "variables": sorted(name for name in _VARIABLES if os.environ.get(name)),
    }


def _keychain(settings: Settings) -> str:
    if settings.auth_file_only:
        return "not asked: an auth file replaces it"
    if not settings.keychain:
        return "off: PYTHON_KEYRING_BACKEND names no backend that keeps anything"
    from authshim.providers.os_keychain import OSKeychain

    try:
        OSKeychain().keys()
    except ProviderUnlisted:
        return "here"
    except ProviderError as error:
        return str(error)
    return "here"


def _keyring_command(settings: Settings) -> str:
    if settings.auth_file_only:
        return "not asked: an auth file replaces it"
    if not settings.keyring_enabled:
        return "off: pixi's keyring-provider is disabled"
    if settings.keyring_command:
        return settings.keyring_command[0]
    return InstalledPrograms(os.environ).which("keyring") or "none on PATH"


def _text(value: object) -> str:
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)
