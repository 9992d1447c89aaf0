"""pixi's configuration files and the environment, as Settings.

The environment is read here, in ``read``, and nowhere else. A configuration file that cannot be
read is a sentence in ``Settings.problems``, and the next one is read; an option or a variable
that is wrong stops the program: somebody has just named it.
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
"""The variables that ``read`` looks at; an empty one counts as unset."""

_NO_KEYCHAIN = frozenset({"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"})
_KEYRING_PROVIDERS = ("subprocess", "disabled")
_YES = frozenset({"y", "yes", "t", "true", "on", "1"})
_NO = frozenset({"", "n", "no", "f", "false", "off", "0"})


class Settings(NamedTuple):
    """What the environment, the options and pixi's configuration say."""

    auth_file: str | None  # the override file
    auth_file_named_by: str  # the variable, the option, or the key and its file; "" where none does
    auth_file_only: bool  # it replaces every other provider; not so under AUTHSHIM_AUTH_FILE_MODE=first
    home_auth_file: str | None  # ~/.rattler/credentials.json; None without a home
    netrc_files: tuple[str, ...]  # the candidates; the first that exists is read
    netrc_named: bool  # NETRC names it: no fallback, and a warning where it is missing
    keychain: bool  # False where PYTHON_KEYRING_BACKEND names keyring's null or fail backend
    keyring_enabled: bool  # False where the option, or else pixi's keyring-provider, says "disabled"
    keyring_command: tuple[str, ...]  # AUTHSHIM_KEYRING_COMMAND in words; () where unset
    keyring_timeout: float | None  # AUTHSHIM_KEYRING_TIMEOUT in seconds; None where unset
    search_path: str  # PATH
    prefix_dev_url: str | None  # PREFIX_DEV_API_URL; None where unset
    problems: tuple[str, ...]  # what was wrong with configuration files; never their content


def read(
    environ: Mapping[str, str],
    *,
    auth_file: str | None = None,
    keyring_provider: str | None = None,
    project: str | None = None,
    platform: str = sys.platform,
) -> Settings:
    """Read the environment, and the configuration files of pixi that it leads to.

    :param auth_file: what ``--auth-file`` names; ``RATTLER_AUTH_FILE`` beats it.
    :param keyring_provider: "subprocess" or "disabled"; beats pixi's configuration.
    :param project: the project's folder, whose ``.pixi/config.toml`` beats the other files.
    :raises SettingsError: an option or a variable has a value that cannot be used.
    """
    known = {name: environ[name] for name in NAMES if environ.get(name)}
    if keyring_provider is not None and keyring_provider not in _KEYRING_PROVIDERS:
        raise SettingsError("--pypi-keyring-provider", 'expected "subprocess" or "disabled"')
    if auth_file == "":
        raise SettingsError("--auth-file", "expected the name of a file")
    places = _Places(known, platform)
    config = _read_config(places.config_files(known, project))
    override, named_by = _override(known.get("RATTLER_AUTH_FILE"), auth_file, config)
    return Settings(
        auth_file=places.expand(override) if override else None,
        auth_file_named_by=named_by,
        auth_file_only=not _is_first(known) and bool(override),
        home_auth_file=places.join(places.home, ".rattler", "credentials.json"),
        netrc_files=places.netrc_files(known.get("NETRC")),
        netrc_named="NETRC" in known,
        keychain=known.get("PYTHON_KEYRING_BACKEND") not in _NO_KEYCHAIN,
        keyring_enabled=(keyring_provider or config.keyring_provider) != "disabled",
        keyring_command=_command(known.get("AUTHSHIM_KEYRING_COMMAND"), windows=places.windows),
        keyring_timeout=_seconds(known.get("AUTHSHIM_KEYRING_TIMEOUT")),
        search_path=known.get("PATH", ""),
        prefix_dev_url=known.get("PREFIX_DEV_API_URL"),
        problems=config.problems,
    )


class _Places:
    """Where files are, by the platform's rules."""

    def __init__(self, known: Mapping[str, str], platform: str) -> None:
        self.windows = platform == "win32"
        self._macos = platform == "darwin"
        self._path = ntpath if self.windows else posixpath
        if self.windows:
            # netrc's home is HOME there, as curl and uv have it; pixi's is USERPROFILE.
            self._homes = [known[name] for name in ("HOME", "USERPROFILE") if name in known]
            self.home = known.get("USERPROFILE")
        else:
            self.home = known.get("HOME") or _home_of_user()
            self._homes = [self.home] if self.home else []

    def join(self, folder: str | None, *names: str) -> str | None:
        return self._path.join(folder, *names) if folder else None

    def expand(self, path: str, home: str | None = None) -> str:
        home = home or self.home
        if home and (path == "~" or path.startswith("~/") or (self.windows and path.startswith("~\\"))):
            return (home.rstrip("/\\" if self.windows else "/") + path[1:]) or home
        return path

    def netrc_files(self, named: str | None) -> tuple[str, ...]:
        if named:
            return (self.expand(named, self._homes[0] if self._homes else None),)
        names = ("_netrc", ".netrc") if self.windows else (".netrc",)
        return tuple(dict.fromkeys(self._path.join(home, name) for home in self._homes for name in names))

    def config_files(self, known: Mapping[str, str], project: str | None) -> Iterator[tuple[str, bool]]:
        """List pixi's files, the highest first, and whether each must be there."""
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
        """List pixi's folders as its page "The configuration of pixi itself" does."""
        pixi_home = known.get("PIXI_HOME")
        own = [self.expand(pixi_home) if pixi_home else None, self.join(self.home, ".pixi")]
        if self.windows:
            return [*own, self.join(known.get("APPDATA"), "pixi"), "C:\\ProgramData\\pixi"]
        xdg = self.join(known.get("XDG_CONFIG_HOME"), "pixi")
        if self._macos:
            return [*own, self.join(self.home, "Library", "Application Support", "pixi"), xdg, "/etc/pixi"]
        return [*own, xdg, self.join(self.home, ".config", "pixi"), "/etc/pixi"]


class _Config(NamedTuple):
    auth_file: str | None
    auth_file_in: str
    keyring_provider: str | None
    problems: tuple[str, ...]


def _read_config(paths: Iterator[tuple[str, bool]]) -> _Config:
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
    """Return the auth file and the keyring provider that a file names, or why it cannot be used."""
    document = read_toml(path)
    if document is None:
        return "there is no such file, but PIXI_CONFIG_FILE names it" if required else (None, None)
    if isinstance(document, str):
        return document
    auth_file = _either(document, "authentication-override-file")
    if not isinstance(auth_file, (str, type(None))):
        return f"{_line(path, 'authentication-override-file')}authentication-override-file: expected a path"
    pypi = _either(document, "pypi-config")
    if not isinstance(pypi, (dict, type(None))):
        return f"{_line(path, 'pypi-config')}pypi-config: expected a table"
    provider = _either(pypi or {}, "keyring-provider")
    if provider is not None and provider not in _KEYRING_PROVIDERS:
        expected = 'expected "subprocess" or "disabled"'
        return f"{_line(path, 'keyring-provider')}[pypi-config] keyring-provider: {expected}"
    return auth_file, provider


def _either(table: Mapping[str, Any], name: str) -> Any:
    """pixi wrote its keys with underscores once, and reads them still."""
    return table.get(name, table.get(name.replace("-", "_")))


def _line(path: str, key: str) -> str:
    """Say in which line a key stands; the parser tells it for broken TOML only."""
    pattern = re.compile(r"(?:^|[\[.{,])\s*[\"']?" + key.replace("-", "[-_]") + r"[\"']?\s*[\].=]")
    try:
        lines = (read_text(path) or "").splitlines()
    except Unreadable:
        return ""
    return next((f"line {number}: " for number, line in enumerate(lines, 1) if pattern.search(line)), "")


def _override(variable: str | None, option: str | None, config: _Config) -> tuple[str | None, str]:
    """Return the file that is the only provider, and what names it: the first that is set."""
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
    """Return the home that the password database knows, where HOME is unset."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir or None
    except (ImportError, KeyError):
        return None
