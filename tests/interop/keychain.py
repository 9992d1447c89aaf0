"""A real keychain for tests: gnome-keyring on a D-Bus session that no other program sees.

::

    with private_keychain(folder) as environ:
        store(environ, "h.example", '{"BearerToken": "..."}')
        subprocess.run([...], env=environ)
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from needs import program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


_KEPT = ("PATH", "LANG", "PYTHONPATH")


@contextmanager
def private_keychain(folder: Path) -> Iterator[dict[str, str]]:
    """Start a bus and an unlocked keychain; give the environment of those who shall see them.

    Skips the test where the Debian programs are missing.
    """
    daemon = program("gnome-keyring-daemon", "gnome-keyring")
    program("secret-tool", "libsecret-tools")
    with private_bus(folder) as environ:
        keychain = _start(daemon, environ)
        try:
            _wait_for_owner(environ)
            yield environ
        finally:
            _end(keychain)


@contextmanager
def private_bus(folder: Path) -> Iterator[dict[str, str]]:
    """Start a bus that starts no service by itself, and yield the environment of its clients."""
    bus = program("dbus-daemon", "dbus")
    for name in ("run", "data"):
        (folder / name).mkdir(mode=0o700, parents=True)
    config = folder / "bus.conf"
    config.write_text(_CONFIG.format(path=folder / "run" / "bus"))
    environ = {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_DATA_HOME": str(folder / "data"),
    }
    process = subprocess.Popen(
        [bus, f"--config-file={config}", "--nofork", "--print-address"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "dbus-daemon did not start"
        yield {**environ, "DBUS_SESSION_BUS_ADDRESS": address}
    finally:
        _end(process)


_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def store(environ: dict[str, str], host: str, secret: str, **attributes: str) -> None:
    """Store an entry as rattler does, and with more attributes where they are given."""
    more = [word for pair in attributes.items() for word in pair]
    subprocess.run(
        [
            "secret-tool",
            "store",
            f"--label=keyring:{host}@rattler",
            "service",
            "rattler",
            "username",
            host,
            *more,
        ],
        env=environ,
        input=secret.encode(),
        check=True,
        timeout=90,
    )


def items(environ: Mapping[str, str], host: str) -> list[str]:
    """List the entries of a host, with their attributes, label and content type."""
    command = [sys.executable, "-W", "error", "-c", _ITEMS, host]
    return subprocess.run(
        command, env=dict(environ), capture_output=True, text=True, check=True, timeout=90
    ).stdout.splitlines()


_ITEMS = """\
import contextlib, secretstorage, sys
with contextlib.closing(secretstorage.dbus_init()) as connection:
    wanted = {"service": "rattler", "username": sys.argv[1]}
    for item in secretstorage.search_items(connection, wanted):
        print(item.get_attributes(), item.get_label(), item.get_secret_content_type(), sep="|")
"""


def lock(environ: dict[str, str]) -> None:
    """Lock the collection (``secret-tool lock`` of Debian 12 crashes)."""
    paths = "array:objpath:/org/freedesktop/secrets/collection/login"
    _call(
        environ,
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.Lock",
        paths,
    )


def _call(
    environ: dict[str, str], destination: str, path: str, method: str, *arguments: str
) -> str:
    command = [
        "dbus-send",
        "--session",
        "--print-reply",
        f"--dest={destination}",
        path,
        method,
        *arguments,
    ]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, timeout=90
    ).stdout


def _start(daemon: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [daemon, "--unlock", "--foreground", "--components=secrets"]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    keychain = subprocess.Popen(command, env=environ, **streams)
    assert keychain.stdin is not None
    keychain.stdin.write(b"\n")  # the password of the new collection is empty
    keychain.stdin.close()
    return keychain


def _wait_for_owner(environ: dict[str, str]) -> None:
    import time

    bus = (
        "org.freedesktop.DBus",
        "/",
        "org.freedesktop.DBus.NameHasOwner",
        "string:org.freedesktop.secrets",
    )
    until = time.monotonic() + 90
    while "true" not in _call(environ, *bus):
        assert time.monotonic() < until, "gnome-keyring-daemon did not come up"
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
    if process.stdout is not None:
        process.stdout.close()
