"""The credential helpers in git's configuration, and the commands that set ours up."""

from __future__ import annotations

import logging
import os
import re
import shutil
from fnmatch import fnmatchcase

from authshim.providers.child_process import run
from authshim.redact import printable

PROGRAM = "git-credential-authshim"
"""The program that git starts for the helper ``authshim``."""

MAX_GIT_SECONDS = 10.0
"""The time that ``git config`` has to list the helpers."""

STORING = frozenset(
    {"gnome-keyring", "libsecret", "manager", "manager-core", "osxkeychain", "store", "wincred"}
)
"""The helpers that keep a password longer than a process."""

_CONTEXT = re.compile(r"(?:(?P<scheme>[^/:]*)://)?(?:[^@/]*@)?(?P<host>[^/]*)")
"""The URL pattern of ``credential.URL.helper``; git lets a scheme be left out."""


def set_up(
    scheme: str,
    host: str,
    *,
    again: bool = False,
) -> list[str]:
    """Return the commands that make authshim the only helper of a host.

    :param again: remove what the configuration has for the host. Then the host's section comes
        last, behind every helper that it is to replace.
    """
    key = f"credential.{scheme}://{host}.helper"
    commands = []
    if again:
        commands.append(f"git config --global --unset-all {key}")
    # An empty value ends the list of the helpers before it.
    commands.append(f"git config --global {key} ''")
    commands.append(f"git config --global --add {key} authshim")
    return commands


def list_helpers() -> str:
    """Return the settings as ``git config -z`` lists them, or nothing if git cannot be asked."""
    git = shutil.which("git")
    if git is None:
        return ""
    words = [git, "config", "-z", "--get-regexp", r"^credential\.(.*\.)?helper$"]
    return run(
        words,
        environ=os.environ,
        deadline=MAX_GIT_SECONDS,
    ).text


def storing(
    configured: str,
    scheme: str,
    host: str,
) -> list[str]:
    """Return the helpers of a host that store passwords.

    :param configured: the output of ``list_helpers``.
    """
    names: list[str] = []
    for entry in configured.split("\0")[:-1]:
        key, _, value = entry.partition("\n")
        context = key[len("credential.") : -len(".helper")]
        if not _applies(context, scheme, host):
            continue
        if not value:
            # git begins a new list there.
            names.clear()
            continue
        program = os.path.basename(value.split()[0])
        name = program.replace("git-credential-", "").replace(".exe", "")
        names.append(name)
    return [name for name in names if name in STORING]


def warn_of_storing(scheme: str, host: str) -> None:
    """Warn if git also gives the password of a host to a helper that stores it."""
    helpers = storing(list_helpers(), scheme, host)
    if not helpers:
        return
    commands = set_up(scheme, host, again=True)
    listed = "".join(f"\n  {printable(command)}" for command in commands)
    logging.getLogger("authshim").warning(
        "git also gives the password for %s to its credential helper %s, which stores it. "
        "To stop that:%s",
        printable(host),
        printable(", ".join(helpers)),
        listed,
    )


def _applies(
    context: str,
    scheme: str,
    host: str,
) -> bool:
    """Return True if the URL pattern of a setting covers a host."""
    if not context:
        return True
    match = _CONTEXT.match(context)
    if match is None:
        return False
    if match["scheme"] not in (None, scheme):
        return False
    pattern = match["host"].lower()
    name = host.lower()
    return name == pattern or fnmatchcase(name, pattern)
