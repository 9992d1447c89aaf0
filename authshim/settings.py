"""Settings from the environment, the options and pixi's configuration files.

Only ``read`` reads the environment. A malformed configuration file becomes a sentence in
``Settings.problems``, and the next file is read. A malformed option or variable stops the
program, because the user has just set it.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.errors import SettingsError
from authshim.files import Unreadable, read_text, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    ConfigFiles = Iterator[tuple[str, bool]]

NAMES = frozenset(
    {
        "APPDATA",
        "AUTHSHIM_AUTH_FILE_MODE",
        "AUTHSHIM_KEYRING_COMMAND",
        "AUTHSHIM_KEYRING_TIMEOUT",
        "HOME",
        "NETRC",
        "PATH",
        "PIXI_CONFIG_FILE",
        "PIXI_HOME",
        "PIXI_NO_CONFIG",
        "PREFIX_DEV_API_URL",
        "PYTHON_KEYRING_BACKEND",
        "RATTLER_AUTH_FILE",
        "USERPROFILE",
        "XDG_CONFIG_HOME",
    }
)
"""The variables that ``read`` uses. An empty variable counts as unset."""

_NO_KEYCHAIN = frozenset({"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"})
_KEYRING_PROVIDERS = ("subprocess", "disabled")
_YES = frozenset({"y", "yes", "t", "true", "on", "1"})
_NO = frozenset({"", "n", "no", "f", "false", "off", "0"})


class Settings(NamedTuple):
    """The settings of one chain of providers. None and empty values are unset."""

    auth_file: str | None  # the override file
    auth_file_named_by: str  # the variable, the option, or the key and its file
    auth_file_only: bool  # True if the override file replaces every other provider
    home_auth_file: str | None  # ~/.rattler/credentials.json
    netrc_files: tuple[str, ...]  # the candidates; only the first that exists is read
    netrc_named: bool  # True if NETRC names the file: no fallback, and a warning if it is missing
    keychain: bool  # False if PYTHON_KEYRING_BACKEND names keyring's null or fail backend
    keyring_enabled: bool  # False if the option, or else pixi's keyring-provider, is "disabled"
    keyring_command: tuple[str, ...]  # the words of AUTHSHIM_KEYRING_COMMAND
    keyring_timeout: float | None  # the seconds of AUTHSHIM_KEYRING_TIMEOUT
    search_path: str  # PATH
    prefix_dev_url: str | None  # PREFIX_DEV_API_URL
    problems: tuple[str, ...]  # sentences about malformed files, without their content


def read(
    environ: Mapping[str, str],
    *,
    auth_file: str | None = None,
    keyring_provider: str | None = None,
    project: str | None = None,
    platform: str = sys.platform,
) -> Settings:
    """Read the environment, and the configuration files of pixi that it names.

    :param auth_file: the value of ``--auth-file``. ``RATTLER_AUTH_FILE`` overrides it.
    :param keyring_provider: "subprocess" or "disabled". It overrides pixi's configuration.
    :param project: the project's folder. Its ``.pixi/config.toml`` overrides the other files.
    :raises SettingsError: an option or a variable has a value that cannot be used.
    """
    _check_options(auth_file, keyring_provider)
    known = {name: environ[name] for name in NAMES if environ.get(name)}
    paths = _Paths(known, platform)
    config = _read_config(paths.config_files(known, project))
    override, named_by = _override(known.get("RATTLER_AUTH_FILE"), auth_file, config)
    return Settings(
        auth_file=paths.expand(override) if override else None,
        auth_file_named_by=named_by,
        auth_file_only=not _is_first(known) and bool(override),
        home_auth_file=paths.join(paths.home, ".rattler", "credentials.json"),
        netrc_files=paths.netrc_files(known.get("NETRC")),
        netrc_named="NETRC" in known,
        keychain=known.get("PYTHON_KEYRING_BACKEND") not in _NO_KEYCHAIN,
        keyring_enabled=(keyring_provider or config.keyring_provider) != "disabled",
        keyring_command=_command(known.get("AUTHSHIM_KEYRING_COMMAND"), windows=paths.windows),
        keyring_timeout=_seconds(known.get("AUTHSHIM_KEYRING_TIMEOUT")),
        search_path=known.get("PATH", ""),
        prefix_dev_url=known.get("PREFIX_DEV_API_URL"),
        problems=config.problems,
    )


def _check_options(auth_file: str | None, keyring_provider: str | None) -> None:
    if keyring_provider not in (None, *_KEYRING_PROVIDERS):
        raise SettingsError("--pypi-keyring-provider", 'expected "subprocess" or "disabled"')
    if auth_file == "":
        raise SettingsError("--auth-file", "expected the name of a file")


class _Paths:
    """The paths of the user's files on one platform."""

    def __init__(self, known: Mapping[str, str], platform: str) -> None:
        self.windows = platform == "win32"
        self._macos = platform == "darwin"
        self._path = ntpath if self.windows else posixpath
        if self.windows:
            # curl and uv look for netrc in HOME on Windows. pixi's home is USERPROFILE.
            self._homes = [known[name] for name in ("HOME", "USERPROFILE") if name in known]
            self.home = known.get("USERPROFILE")
        else:
            self.home = known.get("HOME") or _home_of_user()
            self._homes = [self.home] if self.home else []

    def join(self, folder: str | None, *names: str) -> str | None:
        """Return the joined path, or None without a folder."""
        return self._path.join(folder, *names) if folder else None

    def expand(self, path: str, home: str | None = None) -> str:
        """Return the path with its leading ``~`` replaced by the home."""
        home = home or self.home
        separators = "/\\" if self.windows else "/"
        name, rest = path[:1], path[1:]
        if not home or name != "~" or (rest and rest[0] not in separators):
            return path
        return home.rstrip(separators) + rest or home

    def netrc_files(self, named: str | None) -> tuple[str, ...]:
        """Return the candidates, without duplicates."""
        if named:
            home = self._homes[0] if self._homes else None
            return (self.expand(named, home),)
        names = ("_netrc", ".netrc") if self.windows else (".netrc",)
        files = [self._path.join(home, name) for home in self._homes for name in names]
        return tuple(dict.fromkeys(files))

    def config_files(self, known: Mapping[str, str], project: str | None) -> ConfigFiles:
        """Yield the configuration files in order of precedence, each with True if it must exist."""
        if project:
            yield self._path.join(project, ".pixi", "config.toml"), False
        if _says_yes(known, "PIXI_NO_CONFIG"):
            return
        if "PIXI_CONFIG_FILE" in known:
            yield self.expand(known["PIXI_CONFIG_FILE"]), True
            return
        for folder in dict.fromkeys(self._config_folders(known)):
            if folder:
                yield self._path.join(folder, "config.toml"), False

    def _config_folders(self, known: Mapping[str, str]) -> list[str | None]:
        """Return the folders in the order of pixi's page "The configuration of pixi itself"."""
        pixi_home = known.get("PIXI_HOME")
        own = [self.expand(pixi_home) if pixi_home else None, self.join(self.home, ".pixi")]
        if self.windows:
            return [*own, self.join(known.get("APPDATA"), "pixi"), "C:\\ProgramData\\pixi"]
        xdg = self.join(known.get("XDG_CONFIG_HOME"), "pixi")
        if self._macos:
            library = self.join(self.home, "Library", "Application Support", "pixi")
            return [*own, library, xdg, "/etc/pixi"]
        return [*own, xdg, self.join(self.home, ".config", "pixi"), "/etc/pixi"]


class _Config(NamedTuple):
    """The options of all configuration files together."""

    auth_file: str | None
    auth_file_in: str
    keyring_provider: str | None
    problems: tuple[str, ...]


def _read_config(paths: ConfigFiles) -> _Config:
    auth_file, auth_file_in, provider, problems = None, "", None, []
    for path, required in paths:
        options = _read_options(path, required=required)
        if isinstance(options, str):
            problems.append(f"{path}: {options}")
            continue
        if not auth_file and options[0]:
            auth_file, auth_file_in = options[0], path
        provider = provider or options[1]
    return _Config(auth_file, auth_file_in, provider, tuple(problems))


def _read_options(path: str, *, required: bool) -> tuple[str | None, str | None] | str:
    """Return the auth file and the keyring provider of a file, or the reason of a failure."""
    document = read_toml(path)
    if document is None:
        return "there is no such file, but PIXI_CONFIG_FILE names it" if required else (None, None)
    if isinstance(document, str):
        return document
    auth_file = _either(document, "authentication-override-file")
    if not isinstance(auth_file, (str, type(None))):
        line = _line(path, "authentication-override-file")
        return f"{line}authentication-override-file: expected a path"
    pypi = _either(document, "pypi-config")
    if not isinstance(pypi, (dict, type(None))):
        return f"{_line(path, 'pypi-config')}pypi-config: expected a table"
    provider = _either(pypi or {}, "keyring-provider")
    if provider not in (None, *_KEYRING_PROVIDERS):
        expected = 'expected "subprocess" or "disabled"'
        return f"{_line(path, 'keyring-provider')}[pypi-config] keyring-provider: {expected}"
    return auth_file, provider


def _either(table: Mapping[str, Any], name: str) -> Any:
    """Return the value of a key. Old versions of pixi wrote it with underscores."""
    return table.get(name, table.get(name.replace("-", "_")))


def _line(path: str, key: str) -> str:
    """Return "line N: " for a key, or an empty string. The parser does not keep line numbers."""
    pattern = re.compile(r"(?:^|[\[.{,])\s*[\"']?" + key.replace("-", "[-_]") + r"[\"']?\s*[\].=]")
    try:
        lines = (read_text(path) or "").splitlines()
    except Unreadable:
        return ""
    for number, line in enumerate(lines, 1):
        if pattern.search(line):
            return f"line {number}: "
    return ""


def _override(variable: str | None, option: str | None, config: _Config) -> tuple[str | None, str]:
    """Return the override file and its origin. The variable overrides the option."""
    if variable:
        return variable, "RATTLER_AUTH_FILE"
    if option:
        return option, "--auth-file"
    if config.auth_file:
        return config.auth_file, f"authentication-override-file in {config.auth_file_in}"
    return None, ""


def _is_first(known: Mapping[str, str]) -> bool:
    mode = known.get("AUTHSHIM_AUTH_FILE_MODE", "only")
    if mode not in ("first", "only"):
        raise SettingsError("AUTHSHIM_AUTH_FILE_MODE", 'expected "first" or "only"')
    return mode == "first"


def _says_yes(known: Mapping[str, str], name: str) -> bool:
    value = known.get(name, "").lower()
    if value not in _YES and value not in _NO:
        raise SettingsError(name, 'expected "true" or "false"')
    return value in _YES


def _command(text: str | None, *, windows: bool) -> tuple[str, ...]:
    if text is None:
        return ()
    import shlex

    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters = True, ""
    if windows:
        words.escape = ""  # C:\Tools\keyring.exe
    try:
        command = tuple(words)
    except ValueError:
        raise SettingsError("AUTHSHIM_KEYRING_COMMAND", "a quote is not closed") from None
    if not command or not command[0]:
        raise SettingsError("AUTHSHIM_KEYRING_COMMAND", "expected a program and its arguments")
    return command


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise SettingsError("AUTHSHIM_KEYRING_TIMEOUT", "expected a number of seconds above 0")
    return seconds


def _home_of_user() -> str | None:
    """Return the home of the password database, or None. It is used if HOME is unset."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir or None
    except (ImportError, KeyError):
        return None
