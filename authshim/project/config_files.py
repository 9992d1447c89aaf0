"""The paths of the configuration files of pip, uv, poetry and pdm, and of the folders of a user.

The rules of pip's files are those of its module configuration, those of uv's of uv-dirs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_TRUE = (
    "1",
    "on",
    "t",
    "true",
    "y",
    "yes",
)


def pip_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the candidates for pip's configuration files, the weakest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    yield from _pip_global_files(environ)
    replaces_user_files = named and os.path.exists(named)
    if not replaces_user_files:
        yield from _pip_user_files(environ)
    virtual_environment = environ.get("VIRTUAL_ENV")
    if virtual_environment:
        yield os.path.join(virtual_environment, _basename())
    if named:
        yield named


def _basename() -> str:
    if sys.platform == "win32":
        return "pip.ini"
    return "pip.conf"


def _pip_global_files(environ: Mapping[str, str]) -> Iterator[str]:
    if sys.platform == "win32":
        folder = _program_data(environ)
        yield os.path.join(folder, "pip", "pip.ini")
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
    folders = variable.split(os.pathsep)
    return [folder for folder in folders if folder]


def _pip_user_files(environ: Mapping[str, str]) -> Iterator[str]:
    old_folder = ".pip"
    if sys.platform == "win32":
        old_folder = "pip"
    home = home_of(environ)
    config = config_home(environ)
    old = below(home, old_folder)
    new = below(config, "pip")
    if sys.platform == "darwin":
        apple_config = config_home(environ, apple=True)
        apple = below(apple_config, "pip")
        if apple and os.path.isdir(apple):
            new = apple
    for folder in (old, new):
        if folder:
            yield os.path.join(folder, _basename())


def uv_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the candidates for uv's files of the user and of the system, the strongest first."""
    named = environ.get("UV_CONFIG_FILE")
    if named:
        yield os.path.abspath(named)
        return
    if is_set(environ, "UV_NO_CONFIG"):
        return
    config = config_home(environ)
    user = below(config, "uv", "uv.toml")
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
    value = environ.get(name, "")
    return value.lower() in _TRUE


def home_of(environ: Mapping[str, str]) -> str:
    """Return the user's home, or an empty string if there is none."""
    name = "HOME"
    if sys.platform == "win32":
        name = "USERPROFILE"
    home = environ.get(name)
    if not home:
        home = os.path.expanduser("~")
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
    named = environ.get("XDG_CONFIG_HOME")
    if named:
        return named
    return _below(home, ".config")


def _below(folder: str, *names: str) -> str:
    if not folder:
        return ""
    return os.path.join(folder, *names)


def below(folder: str, *names: str) -> str | None:
    """Return the joined path, or None without a folder."""
    path = _below(folder, *names)
    return path or None


def poetry_files(folder: str, environ: Mapping[str, str]) -> list[str]:
    """List the candidates for poetry's configuration files, the strongest first."""
    own = os.path.join(folder, "poetry.toml")
    files = [own]
    config = environ.get("POETRY_CONFIG_DIR")
    if not config:
        parent = config_home(environ, apple=True)
        config = below(parent, "pypoetry")
    if config:
        for name in ("auth.toml", "config.toml"):
            path = os.path.join(config, name)
            files.append(path)
    return files


def pdm_files(folder: str, environ: Mapping[str, str]) -> list[str]:
    """List the candidates for pdm's configuration files, the strongest first."""
    own = os.path.join(folder, "pdm.toml")
    files = [own]
    user = environ.get("PDM_CONFIG_FILE")
    if not user:
        parent = config_home(environ, apple=True)
        user = below(parent, "pdm", "config.toml")
    if user:
        files.append(user)
    if sys.platform != "win32":
        files.append("/etc/xdg/pdm/config.toml")
    return files
