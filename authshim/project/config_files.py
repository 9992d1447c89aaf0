"""The paths of the configuration files of pip, uv, poetry and pdm, and of the folders of a user.

The rules of pip's files are those of its module configuration, those of uv's of uv-dirs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def pip_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the candidates for pip's configuration files, the weakest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    yield from _pip_global_files(environ)
    if not (named and os.path.exists(named)):
        yield from _pip_user_files(environ)
    if environ.get("VIRTUAL_ENV"):
        yield os.path.join(environ["VIRTUAL_ENV"], _basename())
    if named:
        yield named


def _basename() -> str:
    if sys.platform == "win32":
        return "pip.ini"
    return "pip.conf"


def _pip_global_files(environ: Mapping[str, str]) -> Iterator[str]:
    if sys.platform == "win32":
        yield os.path.join(_program_data(environ), "pip", "pip.ini")
        return
    if sys.platform == "darwin":
        yield "/Library/Application Support/pip/pip.conf"
    else:
        for folder in _shared_folders(environ):
            yield os.path.join(folder, "pip", "pip.conf")
    yield "/etc/pip.conf"


def _shared_folders(environ: Mapping[str, str]) -> list[str]:
    """List the folders of the configuration that all users of a Unix machine share."""
    variable = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [folder for folder in variable.split(os.pathsep) if folder]


def _pip_user_files(environ: Mapping[str, str]) -> Iterator[str]:
    old_folder = ".pip"
    if sys.platform == "win32":
        old_folder = "pip"
    old = below(home_of(environ), old_folder)
    new = below(config_home(environ), "pip")
    if sys.platform == "darwin":
        apple = below(config_home(environ, apple=True), "pip")
        if apple and os.path.isdir(apple):
            new = apple
    for folder in (old, new):
        if folder:
            yield os.path.join(folder, _basename())


def uv_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the candidates for uv's files of the user and of the system, the strongest first."""
    if environ.get("UV_CONFIG_FILE"):
        yield os.path.abspath(environ["UV_CONFIG_FILE"])
        return
    if is_set(environ, "UV_NO_CONFIG"):
        return
    user = below(config_home(environ), "uv", "uv.toml")
    if user:
        yield user
    if is_set(environ, "UV_NO_SYSTEM_CONFIG"):
        return
    yield from _uv_system_file(environ)


def _uv_system_file(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the first of the system's files that exists."""
    if sys.platform == "win32":
        folders = [_program_data(environ)]
    else:
        folders = [*_shared_folders(environ), "/etc"]
    for folder in folders:
        path = os.path.join(folder, "uv", "uv.toml")
        if os.path.exists(path):
            yield path
            return


def _program_data(environ: Mapping[str, str]) -> str:
    """Return the folder of the configuration that all users of a Windows machine share."""
    return environ.get("PROGRAMDATA", r"C:\ProgramData")


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Return True if a variable of uv is true."""
    return environ.get(name, "").lower() in ("1", "true", "yes", "y", "on", "t")


def home_of(environ: Mapping[str, str]) -> str:
    """Return the user's home, or an empty string if there is none."""
    name = "HOME"
    if sys.platform == "win32":
        name = "USERPROFILE"
    home = environ.get(name) or os.path.expanduser("~")
    if not os.path.isabs(home):
        return ""
    return home


def config_home(
    environ: Mapping[str, str],
    *,
    apple: bool = False,
) -> str:
    """Return the folder of the user's configuration files, or an empty string.

    :param apple: True for a tool that uses ``~/Library/Application Support`` on macOS.
    """
    if sys.platform == "win32":
        return environ.get("APPDATA", "")
    home = home_of(environ)
    if apple and sys.platform == "darwin":
        return _below(home, "Library", "Application Support")
    return environ.get("XDG_CONFIG_HOME") or _below(home, ".config")


def _below(folder: str, *names: str) -> str:
    if not folder:
        return ""
    return os.path.join(folder, *names)


def below(folder: str, *names: str) -> str | None:
    """Return the joined path, or None without a folder."""
    return _below(folder, *names) or None


def poetry_files(folder: str, environ: Mapping[str, str]) -> list[str]:
    """List the candidates for poetry's configuration files, the strongest first."""
    files = [os.path.join(folder, "poetry.toml")]
    config = environ.get("POETRY_CONFIG_DIR")
    if not config:
        config = below(config_home(environ, apple=True), "pypoetry")
    if config:
        files.append(os.path.join(config, "auth.toml"))
        files.append(os.path.join(config, "config.toml"))
    return files


def pdm_files(folder: str, environ: Mapping[str, str]) -> list[str]:
    """List the candidates for pdm's configuration files, the strongest first."""
    files = [os.path.join(folder, "pdm.toml")]
    user = environ.get("PDM_CONFIG_FILE")
    if not user:
        user = below(config_home(environ, apple=True), "pdm", "config.toml")
    if user:
        files.append(user)
    if sys.platform != "win32":
        files.append("/etc/xdg/pdm/config.toml")
    return files
