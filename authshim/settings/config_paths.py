"""The paths of the user's files, and of pixi's configuration, on one platform."""

from __future__ import annotations

import ntpath
import os
import posixpath
from typing import TYPE_CHECKING

from authshim.errors import SettingsError
from authshim.settings.pixi_config import ConfigFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

_YES = frozenset({"y", "yes", "t", "true", "on", "1"})
_NO = frozenset({"", "n", "no", "f", "false", "off", "0"})


class Paths:
    """The paths of the user's files on one platform."""

    def __init__(self, known: Mapping[str, str], platform: str) -> None:
        self.windows = platform == "win32"
        self.macos = platform == "darwin"
        self._path: ModuleType = posixpath
        self._separators = "/"
        self.home = known.get("HOME") or _home_of_user()
        self._homes = [self.home]
        if self.windows:
            # curl and uv look for netrc in HOME on Windows. pixi's home is USERPROFILE.
            self._path = ntpath
            self._separators = "/\\"
            self.home = known.get("USERPROFILE")
            self._homes = [known.get("HOME"), self.home]

    def join(self, folder: str | None, *names: str) -> str | None:
        """Return the joined path, or None without a folder."""
        if not folder:
            return None
        return str(self._path.join(folder, *names))

    def expand(self, path: str, home: str | None = None) -> str:
        """Return the path with its leading ``~`` replaced by the home."""
        home = home or self.home
        if not home or not path.startswith("~"):
            return path
        rest = path[1:]
        if rest and rest[0] not in self._separators:
            return path
        return home.rstrip(self._separators) + rest or home

    def netrc_files(self, named: str | None) -> tuple[str, ...]:
        """Return the candidates, without duplicates."""
        homes = [home for home in self._homes if home]
        if named:
            return (self.expand(named, next(iter(homes), None)),)
        names = ["_netrc", ".netrc"] if self.windows else [".netrc"]
        files = [self._path.join(home, name) for home in homes for name in names]
        return tuple(dict.fromkeys(files))

    def config_files(self, known: Mapping[str, str], project: str | None) -> Iterator[ConfigFile]:
        """Yield the configuration files in order of precedence."""
        if project:
            yield ConfigFile(self._path.join(project, ".pixi", "config.toml"))
        if _says_yes(known, "PIXI_NO_CONFIG"):
            return
        if "PIXI_CONFIG_FILE" in known:
            yield ConfigFile(self.expand(known["PIXI_CONFIG_FILE"]), must_exist=True)
            return
        files: dict[str, ConfigFile] = {}
        for folder, is_shared in self._config_folders(known):
            if folder:
                path = self._path.join(folder, "config.toml")
                files.setdefault(path, ConfigFile(path, is_shared=is_shared))
        yield from files.values()

    def _config_folders(self, known: Mapping[str, str]) -> Iterator[tuple[str | None, bool]]:
        """Yield the folders, each with True if it is shared by all rattler tools.

        The order is that of rattler's locations.rs, reversed.
        """
        system = "C:\\ProgramData" if self.windows else "/etc"
        users = self._user_folders(known)
        yield self._named(known, "PIXI_HOME") or self.join(self.home, ".pixi"), False
        for folder in users:
            yield self.join(folder, "pixi"), False
        yield self._named(known, "RATTLER_HOME"), True
        for folder in users:
            yield self.join(folder, "rattler"), True
        yield self._path.join(system, "pixi"), False
        yield self._path.join(system, "rattler"), True

    def _named(self, known: Mapping[str, str], variable: str) -> str | None:
        """Return the folder that a variable names, or None."""
        if variable not in known:
            return None
        return self.expand(known[variable])

    def _user_folders(self, known: Mapping[str, str]) -> list[str | None]:
        """Return the folders of the user's configuration, in order of precedence."""
        if self.windows:
            return [known.get("APPDATA")]
        xdg = known.get("XDG_CONFIG_HOME")
        if self.macos:
            return [self.join(self.home, "Library", "Application Support"), xdg]
        return [xdg or self.join(self.home, ".config")]


def _says_yes(known: Mapping[str, str], name: str) -> bool:
    value = known.get(name, "").lower()
    if value not in _YES and value not in _NO:
        raise SettingsError(name, 'expected "true" or "false"')
    return value in _YES


def _home_of_user() -> str | None:
    """Return the home of the password database, or None. It is used if HOME is unset."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir or None
    except (ImportError, KeyError):
        return None
