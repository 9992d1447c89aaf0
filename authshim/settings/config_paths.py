"""The paths of the user's files, and of pixi's configuration, on one platform."""

from __future__ import annotations

import ntpath
import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import SettingsError
from authshim.settings.pixi_config import ConfigFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType


class _Folder(NamedTuple):
    """A folder that may have a configuration file."""

    path: str | None
    is_shared: bool = False
    """True if the folder is that of all rattler tools."""


_YES = (
    "1",
    "on",
    "t",
    "true",
    "y",
    "yes",
)
_NO = (
    "",
    "0",
    "f",
    "false",
    "n",
    "no",
    "off",
)


class Paths:
    """The paths of the user's files on one platform."""

    def __init__(self, known: Mapping[str, str], platform: str) -> None:
        self.windows = platform == "win32"
        self.macos = platform == "darwin"
        self._path: ModuleType = posixpath
        self._separators = "/"
        home = known.get("HOME")
        if self.windows:
            # curl and uv look for netrc in HOME on Windows. pixi's home is USERPROFILE.
            self._path = ntpath
            self._separators = "/\\"
            self.home = known.get("USERPROFILE")
            self._homes = [home, self.home]
        else:
            self.home = home or _home_of_user()
            self._homes = [self.home]

    def join(self, folder: str | None, *names: str) -> str | None:
        """Return the joined path, or None without a folder."""
        if not folder:
            return None
        joined = self._path.join(folder, *names)
        return str(joined)

    def expand(self, path: str, home: str | None = None) -> str:
        """Return the path with its leading ``~`` replaced by the home."""
        home = home or self.home
        if not home or not path.startswith("~"):
            return path
        rest = path[1:]
        if rest and rest[0] not in self._separators:
            # ~name is the home of another user.
            return path
        bare_home = home.rstrip(self._separators)
        # The home may be the root, of which stripping leaves nothing.
        return bare_home + rest or home

    def netrc_files(self, named: str | None) -> tuple[str, ...]:
        """Return the candidates, without duplicates.

        :param named: the value of NETRC.
        """
        homes = [home for home in self._homes if home]
        if named:
            first_home = next(iter(homes), None)
            return (self.expand(named, first_home),)
        names = [".netrc"]
        if self.windows:
            names = ["_netrc", ".netrc"]
        files: dict[str, None] = {}
        for home in homes:
            for name in names:
                path = self._path.join(home, name)
                files[path] = None
        return tuple(files)

    def config_files(
        self,
        known: Mapping[str, str],
        project: str | None,
    ) -> Iterator[ConfigFile]:
        """Yield the configuration files in order of precedence."""
        if project:
            own = self._path.join(project, ".pixi", "config.toml")
            yield ConfigFile(own)
        if _says_yes(known, "PIXI_NO_CONFIG"):
            return
        if "PIXI_CONFIG_FILE" in known:
            named = self.expand(known["PIXI_CONFIG_FILE"])
            yield ConfigFile(named, must_exist=True)
            return
        yield from self._files_of_folders(known)

    def _files_of_folders(self, known: Mapping[str, str]) -> Iterator[ConfigFile]:
        """Yield the files of the user and the system, each once."""
        seen = set()
        for folder, is_shared in self._config_folders(known):
            if not folder:
                continue
            path = self._path.join(folder, "config.toml")
            if path not in seen:
                seen.add(path)
                yield ConfigFile(path, is_shared=is_shared)

    def _config_folders(self, known: Mapping[str, str]) -> Iterator[_Folder]:
        """Yield the folders in the order of rattler's locations.rs, reversed."""
        users = self._user_folders(known)
        rattler_home = self._named(known, "RATTLER_HOME")
        system = "/etc"
        if self.windows:
            system = "C:\\ProgramData"
        yield _Folder(self._pixi_home(known))
        for folder in users:
            yield self._pixi_folder(folder)
        yield _Folder(rattler_home, is_shared=True)
        for folder in users:
            yield self._shared_folder(folder)
        yield self._pixi_folder(system)
        yield self._shared_folder(system)

    def _pixi_folder(self, parent: str | None) -> _Folder:
        path = self.join(parent, "pixi")
        return _Folder(path)

    def _shared_folder(self, parent: str | None) -> _Folder:
        path = self.join(parent, "rattler")
        return _Folder(path, is_shared=True)

    def _pixi_home(self, known: Mapping[str, str]) -> str | None:
        named = self._named(known, "PIXI_HOME")
        return named or self.join(self.home, ".pixi")

    def _named(
        self,
        known: Mapping[str, str],
        variable: str,
    ) -> str | None:
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
            apple = self.join(self.home, "Library", "Application Support")
            return [apple, xdg]
        if xdg:
            return [xdg]
        default = self.join(self.home, ".config")
        return [default]


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
