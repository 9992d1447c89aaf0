"""The CPU time of ``keyring get`` with authshim's backend, without it, and of the look-alike."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from functools import partial
from importlib import metadata

from authshim.integrations import look_alike
from benchmarks.measure import Figure, Plan, interleaved, median, ratios
from benchmarks.scene import HOST, PASSWORD, USER
from benchmarks.table import Row, seconds

URL = f"https://{HOST}/simple/"

_KEYRING = (
    "import sys; sys.path.append(sys.argv.pop(1)); from keyring.cli import main; sys.exit(main())"
)

_BACKEND = '''\
from keyring.backend import KeyringBackend


class Kept(KeyringBackend):
    """A keychain that answers at once, so that keyring has an answer without authshim, too."""

    priority = 5

    def get_password(self, service, username):
        return "kept"

    def set_password(self, service, username, password):
        raise NotImplementedError
'''


def rows(plan: Plan) -> list[Row]:
    """Ask one service that is no URL, and one that is."""
    os.environ.pop("PYTHON_KEYRING_BACKEND", None)  # else keyring looks for no backend at all
    _keep()
    without, beside = _keyring("without"), _keyring("beside", has_authshim=True)
    look_alike_words = [look_alike.write(_folder("look-alike"))]
    cases = {
        "without": partial(_cpu, [*without, "get", URL, USER], "kept"),
        "name": partial(_cpu, [*beside, "get", "github.com", USER], "kept"),
        "url": partial(_cpu, [*beside, "get", URL, USER], PASSWORD),
        "look-alike": partial(_cpu, [*look_alike_words, "get", URL, USER], PASSWORD),
    }
    times = interleaved(cases, plan)
    said = {name: seconds(median(values)) for name, values in times.items()}
    asked = (
        ("keyring get NAME, with the backend", "name", 1.1),
        ("keyring get URL, with the backend", "url", 1.5),
        ("keyring get URL, look-alike of authshim run", "look-alike", 0.6),
    )
    return [
        Row(
            what,
            "keyring get",
            target,
            Figure.of(ratios(times[name], times["without"])),
            "x",
            said[name],
            said["without"],
        )
        for what, name, target in asked
    ]


def _keep() -> None:
    path = os.path.join(_folder(".rattler"), "credentials.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({HOST: {"BasicHTTP": {"username": USER, "password": PASSWORD}}}, file)


def _keyring(name: str, *, has_authshim: bool = False) -> list[str]:
    """Return keyring's command over a folder of links to the installed packages."""
    folder = _folder(name)
    site = str(metadata.distribution("keyring").locate_file(""))
    for entry in os.listdir(site):
        if not entry.startswith(("authshim", "keyrings", "__")):
            os.symlink(os.path.join(site, entry), os.path.join(folder, entry))
    if has_authshim:
        _link_authshim(site, folder)
    _add_backend(folder)
    return [sys.executable, "-I", "-S", "-c", _KEYRING, folder]


def _link_authshim(site: str, folder: str) -> None:
    package = os.path.dirname(os.path.dirname(look_alike.__file__))
    os.symlink(package, os.path.join(folder, "authshim"))
    info = next(entry for entry in os.listdir(site) if entry.startswith("authshim-"))
    os.symlink(os.path.join(site, info), os.path.join(folder, info))


def _add_backend(folder: str) -> None:
    info = os.path.join(folder, "kept-1.0.dist-info")
    os.mkdir(info)
    texts = {
        os.path.join(folder, "kept.py"): _BACKEND,
        os.path.join(info, "METADATA"): "Metadata-Version: 2.1\nName: kept\nVersion: 1.0\n",
        os.path.join(info, "entry_points.txt"): "[keyring.backends]\nkept = kept\n",
    }
    for path, text in texts.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def _folder(name: str) -> str:
    path = os.path.join(os.environ["HOME"], name)
    os.mkdir(path)
    return path


def _cpu(words: list[str], answer: str) -> float:
    """Return the CPU seconds of a command that must print an answer."""
    before = _used()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    if done.stdout.strip() != answer:
        raise RuntimeError(f"not the answer that was to be measured: {done.stderr}")
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
