"""Settings from the environment, the options and pixi's configuration files.

Only ``read`` reads the environment. A malformed configuration file becomes a sentence in
``Settings.problems``, and the next file is read. A malformed option or variable stops the
program, because the user has just set it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from authshim.errors import SettingsError
from authshim.settings import stores
from authshim.settings.config_paths import Paths
from authshim.settings.network import Certificates, read_certificates
from authshim.settings.pixi_config import KEYRING_PROVIDERS, read_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.settings.network import Proxies
    from authshim.settings.pixi_config import Mirror, PixiConfig
    from authshim.urls.s3 import S3Options

NAMES = frozenset(
    {
        "APPDATA",
        "AUTHSHIM_AUTH_FILE_MODE",
        "AUTHSHIM_KEYRING_COMMAND",
        "AUTHSHIM_KEYRING_TIMEOUT",
        "BINSTAR_CONFIG_DIR",
        "BUILDKITE",
        "CIRCLECI",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "HOME",
        "LOCALAPPDATA",
        "NETRC",
        "PATH",
        "PIXI_CONFIG_FILE",
        "PIXI_HOME",
        "PIXI_NO_CONFIG",
        "PREFIX_DEV_API_URL",
        "PYTHON_KEYRING_BACKEND",
        "RATTLER_AUTH_FILE",
        "RATTLER_HOME",
        "CURL_CA_BUNDLE",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "USERPROFILE",
        "UV_CREDENTIALS_DIR",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    }
)
"""The variables that ``read`` uses. An empty variable counts as unset."""

_PROXIES = frozenset({"all_proxy", "http_proxy", "https_proxy"})

_NO_KEYCHAIN = frozenset({"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"})


class Settings(NamedTuple):
    """The settings of one chain of providers. None and empty values are unset."""

    auth_file: str | None = None
    """The override file."""
    auth_file_named_by: str = ""
    """The variable, the option, or the key and its file."""
    auth_file_only: bool = False
    """True if the override file replaces every other provider."""
    home_auth_file: str | None = None
    """``~/.rattler/credentials.json``."""
    netrc_files: tuple[str, ...] = ()
    """The candidates. Only the first that exists is read."""
    netrc_named: bool = False
    """True if NETRC names the file. It has no fallback, and is missed with a warning."""
    uv_credentials: str | None = None
    """uv's ``credentials.toml``."""
    conda_token_folders: tuple[str, ...] = ()
    """The folders of the token files of conda and anaconda-client."""
    micromamba_file: str | None = None
    """micromamba's ``authentication.json``."""
    ci: str = ""
    """The CI that runs this job."""
    keychain: bool = True
    """False if PYTHON_KEYRING_BACKEND names keyring's null or fail backend."""
    keyring_enabled: bool = True
    """False if the option, or else pixi's keyring-provider, is "disabled"."""
    keyring_off: str = ""
    """The option, or the key and its FILE:LINE. Empty if the keyring command is enabled."""
    keyring_command: tuple[str, ...] = ()
    """The words of AUTHSHIM_KEYRING_COMMAND."""
    keyring_timeout: float | None = None
    """The seconds of AUTHSHIM_KEYRING_TIMEOUT."""
    search_path: str = ""
    """PATH."""
    prefix_dev_url: str | None = None
    """PREFIX_DEV_API_URL."""
    mirrors: tuple[Mirror, ...] = ()
    """The mirrors of all configuration files."""
    proxies: Proxies | None = None
    """pixi's proxy-config."""
    certificates: Certificates = Certificates()
    tls_no_verify: str = ""
    """FILE:LINE of ``tls-no-verify = true``, which authshim does not obey."""
    s3_options: tuple[S3Options, ...] = ()
    """The buckets of all configuration files."""
    problems: tuple[str, ...] = ()
    """Sentences about malformed files, without their content."""


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
    paths = Paths(known, platform)
    files = paths.config_files(known, project)
    config = read_config(files)
    settings = _of_config(config, environ)
    settings = _with_stores(settings, paths, known)
    keyring_off = _keyring_off(keyring_provider, config)
    settings = _with_keyring(settings, keyring_off, known, windows=paths.windows)
    path, named_by = _override(known.get("RATTLER_AUTH_FILE"), auth_file, config)
    is_first = _is_first(known)
    if path:
        path = paths.expand(path)
    return settings._replace(
        auth_file=path,
        auth_file_named_by=named_by,
        auth_file_only=bool(path) and not is_first,
        prefix_dev_url=known.get("PREFIX_DEV_API_URL"),
        certificates=read_certificates(known),
    )


def _of_config(
    config: PixiConfig,
    environ: Mapping[str, str],
) -> Settings:
    """Return the settings of pixi's configuration files."""
    proxies = config.proxies
    if _has_proxy(environ):
        proxies = None
    return Settings(
        mirrors=config.mirrors,
        proxies=proxies,
        tls_no_verify=_tls_no_verify(config),
        s3_options=config.s3_options,
        problems=config.problems,
    )


def _with_stores(
    settings: Settings,
    paths: Paths,
    known: Mapping[str, str],
) -> Settings:
    """Return the settings with the places in which a user keeps logins."""
    return settings._replace(
        home_auth_file=paths.join(paths.home, ".rattler", "credentials.json"),
        netrc_files=paths.netrc_files(known.get("NETRC")),
        netrc_named="NETRC" in known,
        uv_credentials=stores.uv_credentials(paths, known),
        conda_token_folders=stores.conda_token_folders(paths, known),
        micromamba_file=stores.micromamba_file(paths),
        ci=stores.ci(known),
        keychain=known.get("PYTHON_KEYRING_BACKEND") not in _NO_KEYCHAIN,
    )


def _with_keyring(
    settings: Settings,
    keyring_off: str,
    known: Mapping[str, str],
    *,
    windows: bool,
) -> Settings:
    """Return the settings with those of the keyring command.

    :param keyring_off: the setting that switches it off, or an empty string.
    """
    return settings._replace(
        keyring_enabled=not keyring_off,
        keyring_off=keyring_off,
        keyring_command=_command(known.get("AUTHSHIM_KEYRING_COMMAND"), windows=windows),
        keyring_timeout=_seconds(known.get("AUTHSHIM_KEYRING_TIMEOUT")),
        search_path=known.get("PATH", ""),
    )


def _check_options(
    auth_file: str | None,
    keyring_provider: str | None,
) -> None:
    if keyring_provider not in (None, *KEYRING_PROVIDERS):
        raise SettingsError("keyring_provider", 'expected "subprocess" or "disabled"')
    if auth_file == "":
        raise SettingsError("--auth-file", "expected the name of a file")


def _has_proxy(environ: Mapping[str, str]) -> bool:
    """Tell if a variable names a proxy, which switches pixi's proxy-config off."""
    set_names = [name for name, value in environ.items() if value]
    return not _PROXIES.isdisjoint(map(str.lower, set_names))


def _keyring_off(option: str | None, config: PixiConfig) -> str:
    """Return the setting that switches the keyring command off, or an empty string."""
    provider = option or config.keyring_provider
    if provider != "disabled":
        return ""
    if option:
        return "--pypi-keyring-provider disabled"
    return f'keyring-provider = "disabled" in {config.keyring_provider_in}'


def _tls_no_verify(config: PixiConfig) -> str:
    """Return the place that switches the verification of certificates off, or an empty string."""
    if config.tls_no_verify is None:
        return ""
    is_off, place = config.tls_no_verify
    if not is_off:
        return ""
    return place


def _override(
    variable: str | None,
    option: str | None,
    config: PixiConfig,
) -> tuple[str | None, str]:
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


def _command(text: str | None, *, windows: bool) -> tuple[str, ...]:
    if text is None:
        return ()
    import shlex

    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = ""
    if windows:
        # The backslashes of C:\Tools\keyring.exe are part of the path.
        words.escape = ""
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
