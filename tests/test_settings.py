"""pixi's configuration files and the environment become Settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret

from authshim import settings as settings_module
from authshim.errors import SettingsError
from authshim.settings import config_paths, pixi_config
from authshim.settings.network import Proxies

if TYPE_CHECKING:
    from authshim.settings import Settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def names_auth_file(path: Path, auth_file: str) -> Path:
    return write(path, f'authentication-override-file = "{auth_file}"\n')


def read(home: Path | None = None, **variables: str) -> Settings:
    environ = {} if home is None else {"HOME": str(home)}
    return settings_module.read({**environ, **variables}, platform="linux")


# Mirrors, proxies and certificates


def test_mirror_of_the_highest_file_wins_for_its_key(home: Path, tmp_path: Path) -> None:
    low = write(
        home / ".config/rattler/config.toml",
        '[mirrors]\n"https://a.example" = ["https://low"]\n"https://b.example/x" = []\n',
    )
    high = write(
        tmp_path / ".pixi/config.toml", '[mirrors]\n"https://a.example/" = ["https://m/"]\n'
    )
    found = settings_module.read({"HOME": str(home)}, project=str(tmp_path), platform="linux")
    assert found.mirrors == (
        ("https://a.example/", ("https://m/",), str(high)),
        ("https://b.example/x", (), str(low)),
    )
    assert found.problems == ()


def test_userinfo_of_a_mirror_is_dropped_and_reported(home: Path) -> None:
    file = write(
        home / ".pixi/config.toml", '[mirrors]\n"https://a.example" = ["https://u:s3cret@m/x"]\n'
    )
    found = read(home)
    assert found.mirrors == (("https://a.example/", ("https://m/x",), str(file)),)
    ignored = "the user:password@ of a mirror is never sent; log in at its host instead"
    assert found.problems == (f"{file}: line 1: mirrors: {ignored}",)
    assert_no_secret(found)


@pytest.mark.parametrize(
    "line", ["mirrors = 1", 'mirrors = {"https://a" = "https://b"}', "mirrors = {a = []}"]
)
def test_malformed_mirrors_are_reported(line: str, home: Path) -> None:
    write(home / ".pixi/config.toml", line)
    (problem,) = read(home).problems
    assert "line 1: mirrors: expected a" in problem


def test_proxy_of_the_configuration_is_read_and_hidden(home: Path) -> None:
    write(
        home / ".pixi/config.toml",
        '[proxy-config]\nhttps = "http://u:s3cret@proxy"\nnon-proxy-hosts = ["in.example"]\n',
    )
    found = read(home)
    assert found.proxies is not None
    assert (found.proxies.http, found.proxies.bypassed) == (None, ("in.example",))
    assert found.proxies.https is not None
    assert found.proxies.https.text == "http://u:s3cret@proxy"
    assert_no_secret(found)


def test_switches_are_named_with_their_file_and_line(home: Path) -> None:
    file = write(
        home / ".pixi/config.toml",
        'tls-no-verify = true\n[pypi-config]\nkeyring-provider = "disabled"\n',
    )
    found = read(home)
    assert found.tls_no_verify == f"{file}:1"
    assert found.keyring_off == f'keyring-provider = "disabled" in {file}:3'


def test_higher_file_switches_verification_on_again(home: Path, tmp_path: Path) -> None:
    write(home / ".pixi/config.toml", "tls-no-verify = true")
    write(tmp_path / ".pixi/config.toml", "tls-no-verify = false")
    found = settings_module.read({"HOME": str(home)}, project=str(tmp_path), platform="linux")
    assert found.tls_no_verify == ""


# The override file


def test_empty_environment_has_every_provider(home: Path) -> None:
    settings = read(home)
    assert settings.auth_file is None
    assert settings.auth_file_named_by == ""
    assert not settings.auth_file_only
    assert settings.keychain
    assert settings.keyring_enabled
    assert settings.keyring_command == ()
    assert settings.keyring_timeout is None
    assert settings.problems == ()


def test_variable_beats_the_option_and_the_option_beats_the_configuration(home: Path) -> None:
    file = names_auth_file(home / ".pixi/config.toml", "/config.json")
    environ = {"HOME": str(home)}
    by_config = settings_module.read(environ, platform="linux")
    by_option = settings_module.read(environ, auth_file="/option.json", platform="linux")
    by_variable = settings_module.read(
        {**environ, "RATTLER_AUTH_FILE": "/env.json"}, auth_file="/option.json", platform="linux"
    )
    assert (by_config.auth_file, by_config.auth_file_named_by) == (
        "/config.json",
        f"authentication-override-file in {file}",
    )
    assert (by_option.auth_file, by_option.auth_file_named_by) == ("/option.json", "--auth-file")
    assert (by_variable.auth_file, by_variable.auth_file_named_by) == (
        "/env.json",
        "RATTLER_AUTH_FILE",
    )
    assert by_config.auth_file_only
    assert by_option.auth_file_only
    assert by_variable.auth_file_only


def test_mode_first_lets_the_other_providers_answer_too(home: Path) -> None:
    settings = read(home, RATTLER_AUTH_FILE="/a.json", AUTHSHIM_AUTH_FILE_MODE="first")
    assert settings.auth_file == "/a.json"
    assert not settings.auth_file_only


def test_tilde_is_the_home(home: Path) -> None:
    settings = read(home, RATTLER_AUTH_FILE="~/a.json", NETRC="~/b")
    assert settings.auth_file == f"{home}/a.json"
    assert settings.netrc_files == (f"{home}/b",)


def test_empty_variable_counts_as_unset(home: Path) -> None:
    settings = read(home, **dict.fromkeys(settings_module.NAMES - {"HOME"}, ""))
    assert settings == read(home)


def test_auth_file_of_the_configuration_that_is_empty_counts_as_unset(home: Path) -> None:
    names_auth_file(home / ".pixi/config.toml", "")
    assert read(home).auth_file is None


def test_snake_case_forms_are_read(home: Path) -> None:
    write(
        home / ".pixi/config.toml",
        'authentication_override_file = "/a.json"\n[pypi_config]\nkeyring_provider = "disabled"\n',
    )
    assert read(home).auth_file == "/a.json"
    assert not read(home).keyring_enabled


# Order of the files


LINUX = ["{project}/.pixi", "{home}/ph", "{home}/xdg/pixi", "{home}/rh", "{home}/xdg/rattler"]
MACOS = [
    "{project}/.pixi",
    "{home}/ph",
    "{home}/Library/Application Support/pixi",
    "{home}/xdg/pixi",
    "{home}/rh",
    "{home}/Library/Application Support/rattler",
    "{home}/xdg/rattler",
]


@pytest.mark.parametrize(("platform", "folders"), [("linux", LINUX), ("darwin", MACOS)])
def test_highest_file_wins(platform: str, folders: list[str], home: Path, tmp_path: Path) -> None:
    environ = {
        "HOME": str(home),
        "PIXI_HOME": f"{home}/ph",
        "RATTLER_HOME": f"{home}/rh",
        "XDG_CONFIG_HOME": f"{home}/xdg",
    }
    files = [Path(folder.format(home=home, project=tmp_path), "config.toml") for folder in folders]
    for file in files:
        names_auth_file(file, str(file))
    for file in files:
        assert settings_module.read(
            environ, project=str(tmp_path), platform=platform
        ).auth_file == str(file)
        file.unlink()


@pytest.mark.parametrize(
    ("variable", "unread"), [("PIXI_HOME", ".pixi"), ("XDG_CONFIG_HOME", ".config/pixi")]
)
def test_default_folder_is_not_read_if_a_variable_names_another(
    variable: str, unread: str, home: Path
) -> None:
    names_auth_file(home / unread / "config.toml", "/a.json")
    assert read(home).auth_file == "/a.json"
    assert read(home, **{variable: f"{home}/other"}).auth_file is None


def test_rattler_has_no_folder_in_the_home(home: Path) -> None:
    names_auth_file(home / ".rattler/config.toml", "/a.json")
    assert read(home).auth_file is None


def test_keyring_provider_of_the_shared_file_is_ignored(home: Path) -> None:
    text = (
        'authentication-override-file = "/a.json"\n[pypi-config]\nkeyring-provider = "disabled"\n'
    )
    write(home / ".config/rattler/config.toml", text)
    assert (read(home).auth_file, read(home).keyring_enabled) == ("/a.json", True)


def test_macos_does_not_read_dot_config(home: Path) -> None:
    names_auth_file(home / ".config/pixi/config.toml", "/a.json")
    assert settings_module.read({"HOME": str(home)}, platform="darwin").auth_file is None


def test_option_comes_from_the_highest_file_that_has_it(home: Path, tmp_path: Path) -> None:
    write(tmp_path / ".pixi/config.toml", '[pypi-config]\nkeyring-provider = "disabled"\n')
    names_auth_file(home / ".pixi/config.toml", "/a.json")
    settings = settings_module.read({"HOME": str(home)}, project=str(tmp_path), platform="linux")
    assert settings.auth_file == "/a.json"
    assert not settings.keyring_enabled


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_system_file_is_the_last(
    platform: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asked_files(monkeypatch, {"HOME": str(home)}, platform)
    assert asked[-2:] == ["/etc/pixi/config.toml", "/etc/rattler/config.toml"]


def test_windows_has_its_own_places(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {
        "HOME": "H:\\",
        "USERPROFILE": "C:\\Users\\ada",
        "PIXI_HOME": "D:\\px",
        "APPDATA": "C:\\Users\\ada\\AppData\\Roaming",
        "XDG_CONFIG_HOME": "C:\\xdg",
    }
    assert asked_files(monkeypatch, environ, "win32") == [
        "D:\\px\\config.toml",
        "C:\\Users\\ada\\AppData\\Roaming\\pixi\\config.toml",
        "C:\\Users\\ada\\AppData\\Roaming\\rattler\\config.toml",
        "C:\\ProgramData\\pixi\\config.toml",
        "C:\\ProgramData\\rattler\\config.toml",
    ]


def asked_files(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], platform: str
) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr(pixi_config, "read_toml", asked.append)
    settings_module.read(environ, platform=platform)
    return asked


def test_config_file_is_read_only_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_files(
        monkeypatch,
        {"HOME": str(home), "PIXI_HOME": f"{home}/.pixi", "XDG_CONFIG_HOME": f"{home}/.config"},
        "linux",
    )
    assert len(asked) == len(set(asked)) == 5


def test_named_configuration_replaces_those_of_the_user_only(home: Path, tmp_path: Path) -> None:
    named = names_auth_file(tmp_path / "named.toml", "/named.json")
    write(home / ".pixi/config.toml", '[pypi-config]\nkeyring-provider = "disabled"\n')
    environ = {"HOME": str(home), "PIXI_CONFIG_FILE": str(named)}
    settings = settings_module.read(environ, platform="linux")
    assert settings.auth_file == "/named.json"
    assert settings.keyring_enabled
    names_auth_file(tmp_path / ".pixi/config.toml", "/project.json")
    assert (
        settings_module.read(environ, project=str(tmp_path), platform="linux").auth_file
        == "/project.json"
    )


def test_named_configuration_that_is_missing_is_reported(home: Path) -> None:
    assert read(home, PIXI_CONFIG_FILE="/nowhere.toml").problems == (
        "/nowhere.toml: there is no such file, but PIXI_CONFIG_FILE names it",
    )


@pytest.mark.parametrize("value", ["1", "true", "YES", "on", "t", "y"])
def test_pixi_no_config_leaves_the_file_of_the_project(
    value: str, home: Path, tmp_path: Path
) -> None:
    names_auth_file(home / ".pixi/config.toml", "/a.json")
    environ = {"HOME": str(home), "PIXI_NO_CONFIG": value}
    assert settings_module.read(environ, platform="linux").auth_file is None
    names_auth_file(tmp_path / ".pixi/config.toml", "/project.json")
    assert (
        settings_module.read(environ, project=str(tmp_path), platform="linux").auth_file
        == "/project.json"
    )


@pytest.mark.parametrize("value", ["", "0", "false", "No", "off", "n", "f"])
def test_no_to_no_configuration_reads_it(value: str, home: Path) -> None:
    names_auth_file(home / ".pixi/config.toml", "/a.json")
    assert read(home, PIXI_NO_CONFIG=value).auth_file == "/a.json"


# Files that are wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\nb = s3cret\n", "line 2, column 5: it is not valid TOML"),
        (
            "\nauthentication-override-file = ['s3cret']\n",
            "line 2: authentication-override-file: expected a path",
        ),
        ("pypi-config = 's3cret'\n", "line 1: pypi-config: expected a table"),
        (
            "[pypi-config]\nkeyring-provider = 's3cret'\n",
            'line 2: [pypi-config] keyring-provider: expected "subprocess" or "disabled"',
        ),
        ("pypi-config.keyring-provider = 3\n", "line 1: [pypi-config] keyring-provider: expected"),
        ("a = " + "[" * 100_000, "it is not valid TOML"),
    ],
)
def test_wrong_file_is_a_problem_and_the_next_is_read(text: str, said: str, home: Path) -> None:
    file = write(home / ".pixi/config.toml", text)
    names_auth_file(home / ".config/pixi/config.toml", "/next.json")
    settings = read(home)
    assert settings.auth_file == "/next.json"
    (problem,) = settings.problems
    assert problem.startswith(f"{file}: ")
    assert said in problem
    assert_no_secret(problem)


def test_folder_in_place_of_a_file_is_a_problem(home: Path) -> None:
    (home / ".pixi/config.toml").mkdir(parents=True)
    (problem,) = read(home).problems
    assert "config.toml: " in problem


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_does_not_hang(home: Path) -> None:
    (home / ".pixi").mkdir()
    os.mkfifo(home / ".pixi/config.toml")
    (problem,) = read(home).problems
    assert "it is not a regular file" in problem


def test_byte_order_mark_is_read(home: Path) -> None:
    write(home / ".pixi/config.toml", '\ufeffauthentication-override-file = "/a.json"')
    assert read(home).auth_file == "/a.json"


def test_empty_file_has_no_problems(home: Path) -> None:
    write(home / ".pixi/config.toml", "")
    assert read(home).problems == ()


# Homes and netrc


def test_home_file_is_rattlers(home: Path) -> None:
    assert read(home).home_auth_file == f"{home}/.rattler/credentials.json"


def test_netrc_alone_is_read_where_it_is_named(home: Path) -> None:
    settings = read(home, NETRC="/n")
    assert settings.netrc_files == ("/n",)
    assert settings.netrc_named


def test_netrc_is_in_the_home_otherwise(home: Path) -> None:
    settings = read(home)
    assert settings.netrc_files == (f"{home}/.netrc",)
    assert not settings.netrc_named


def test_windows_knows_two_homes_and_two_names_of_netrc() -> None:
    environ = {"HOME": "H:\\", "USERPROFILE": "C:\\Users\\ada"}
    settings = settings_module.read(environ, platform="win32")
    assert settings.netrc_files == (
        "H:\\_netrc",
        "H:\\.netrc",
        "C:\\Users\\ada\\_netrc",
        "C:\\Users\\ada\\.netrc",
    )
    assert settings.home_auth_file == "C:\\Users\\ada\\.rattler\\credentials.json"
    assert settings_module.read({**environ, "NETRC": "~\\n"}, platform="win32").netrc_files == (
        "H:\\n",
    )
    assert (
        settings_module.read({**environ, "RATTLER_AUTH_FILE": "~\\a"}, platform="win32").auth_file
        == "C:\\Users\\ada\\a"
    )


def test_sources_of_the_home_are_skipped_if_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_paths, "_home_of_user", lambda: None)
    settings = read(RATTLER_AUTH_FILE="~/a.json")
    assert settings.home_auth_file is None
    assert settings.netrc_files == ()
    assert settings.auth_file == "~/a.json"
    assert settings_module.read({}, platform="win32").home_auth_file is None


@pytest.mark.skipif(sys.platform == "win32", reason="no password database on Windows")
def test_home_is_that_of_the_password_database_if_home_is_unset() -> None:
    import pwd

    assert read().home_auth_file == f"{pwd.getpwuid(os.getuid()).pw_dir}/.rattler/credentials.json"


# Keyring


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"]
)
def test_null_backend_switches_the_keychain_off(backend: str, home: Path) -> None:
    assert not read(home, PYTHON_KEYRING_BACKEND=backend).keychain


def test_another_backend_leaves_the_keychain_on(home: Path) -> None:
    assert read(home, PYTHON_KEYRING_BACKEND="keyrings.alt.file.PlaintextKeyring").keychain


def test_option_for_keyring_beats_the_configuration(home: Path) -> None:
    file = write(home / ".pixi/config.toml", '[pypi-config]\nkeyring-provider = "disabled"\n')
    environ = {"HOME": str(home)}
    assert not settings_module.read(environ, platform="linux").keyring_enabled
    assert settings_module.read(
        environ, keyring_provider="subprocess", platform="linux"
    ).keyring_enabled
    file.write_text('[pypi-config]\nkeyring-provider = "subprocess"\n')
    assert settings_module.read(environ, platform="linux").keyring_enabled
    assert not settings_module.read(
        environ, keyring_provider="disabled", platform="linux"
    ).keyring_enabled


def test_command_is_read_as_a_shell_reads_words(home: Path) -> None:
    settings = read(
        home,
        AUTHSHIM_KEYRING_COMMAND="'/opt/my keyring' --flag #1 a\\ b",
        AUTHSHIM_KEYRING_TIMEOUT="2.5",
    )
    assert settings.keyring_command == ("/opt/my keyring", "--flag", "#1", "a b")
    assert settings.keyring_timeout == 2.5


def test_backslash_stays_in_a_command_on_windows() -> None:
    environ = {"AUTHSHIM_KEYRING_COMMAND": r'C:\bin\keyring.exe "a b"'}
    assert settings_module.read(environ, platform="win32").keyring_command == (
        r"C:\bin\keyring.exe",
        "a b",
    )


def test_search_path_is_kept(home: Path) -> None:
    assert read(home, PATH="/a:/b").search_path == "/a:/b"


# Options that are wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHSHIM_AUTH_FILE_MODE", "s3cret"),
        *(("AUTHSHIM_KEYRING_TIMEOUT", value) for value in ("s3cret", "-1", "0", "nan", "inf")),
        *(("AUTHSHIM_KEYRING_COMMAND", value) for value in ("keyring 's3cret", "  ", "''")),
        ("PIXI_NO_CONFIG", "s3cret"),
    ],
)
def test_variable_that_is_wrong_is_named_with_what_is_allowed(
    name: str, value: str, home: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(home, **{name: value})
    assert caught.value.name == name
    assert "expected" in str(caught.value) or "quote" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["foo", ""])
def test_keyring_provider_that_is_wrong_is_an_error(value: str) -> None:
    with pytest.raises(
        SettingsError, match='keyring_provider: expected "subprocess" or "disabled"'
    ):
        settings_module.read({}, keyring_provider=value)


# Cost and promises


def test_other_variables_are_not_read(home: Path) -> None:
    class Watched(dict):  # type: ignore[type-arg]
        asked: set[str] = set()

        def get(self, name: str, default: object = None) -> object:
            self.asked.add(name)
            return super().get(name, default)

        def __getitem__(self, name: str) -> object:
            self.asked.add(name)
            return super().__getitem__(name)

    settings_module.read(Watched(HOME=str(home), OTHER="x"), platform="linux")
    assert Watched.asked == settings_module.NAMES


def test_tomli_is_not_imported_where_no_file_is(home: Path) -> None:
    program = (
        "import sys; from authshim import settings; settings.read({}, platform='win32'); "
        "print('tomli' in sys.modules)"
    )
    root = str(Path(settings_module.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_keyring_provider_that_pixi_does_not_know_is_an_error(home: Path) -> None:
    with pytest.raises(
        SettingsError, match=r'keyring_provider: expected "subprocess" or "disabled"'
    ):
        settings_module.read({"HOME": str(home)}, keyring_provider="native")


def test_unknown_user_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(_: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    settings = settings_module.read({}, platform="linux")
    assert (settings.home_auth_file, settings.netrc_files) == (None, ())


def test_file_to_be_named_without_a_name_is_an_error(home: Path) -> None:
    with pytest.raises(SettingsError, match="--auth-file: expected the name of a file"):
        settings_module.read({"HOME": str(home)}, auth_file="")


def test_configuration_that_vanishes_is_reported_without_the_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(_: str) -> str:
        raise pixi_config.Unreadable("permission denied")

    file = write(home / ".pixi/config.toml", 'pypi-config = "s3cret"\n')
    monkeypatch.setattr(pixi_config, "read_text", vanished)
    (problem,) = read(home).problems
    assert problem == f"{file}: pypi-config: expected a table"


@pytest.mark.parametrize(
    ("entries", "host", "bypassed"),
    [
        (["h.example"], "h.example", True),
        (["h.example"], "sub.h.example", True),
        ([".h.example"], "h.example", True),
        ([".h.example"], "a.b.h.example", True),
        (["H.example"], "h.example", True),
        (["h.example"], "noth.example", False),
        (["*.h.example"], "sub.h.example", False),
        (["*"], "h.example", True),
        (["*"], "127.0.0.1", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["::1"], "[::1]", True),
        (["x.example, h.example"], "h.example", True),
        (["h.example:8080"], "h.example", False),
        (["", "."], "h.example", False),
    ],
)
def test_proxy_of_pixi_is_bypassed_by_the_rules_of_reqwest(
    entries: list[str], host: str, bypassed: bool
) -> None:
    assert Proxies(None, None, tuple(entries), "").bypasses(host) is bypassed


# Buckets


def test_s3_options_of_the_highest_file_win_for_their_bucket(home: Path, tmp_path: Path) -> None:
    table = '[s3-options.{}]\nendpoint-url = "https://{}"\nregion = "r"\nforce-path-style = true\n'
    write(
        home / ".config/rattler/config.toml",
        table.format("a", "low.example") + table.format("b", "low.example"),
    )
    write(tmp_path / ".pixi/config.toml", table.format("a", "high.example"))
    found = settings_module.read({"HOME": str(home)}, project=str(tmp_path), platform="linux")
    endpoints = {options.bucket: options.endpoint_url for options in found.s3_options}
    assert endpoints == {"a": "https://high.example/", "b": "https://low.example/"}


def test_malformed_s3_options_are_a_problem_with_their_line(home: Path) -> None:
    file = write(home / ".pixi/config.toml", '\n[s3-options.a]\nregion = "s3cret"\n')
    assert read(home).problems == (
        f"{file}: line 2: [s3-options.a] endpoint-url: expected an http(s) URL",
    )


# The stores of other tools, and the CI

CLIENT_TOKENS = "~/.continuum/anaconda-client/tokens"


@pytest.mark.parametrize(
    ("platform", "variables", "uv", "tokens", "client"),
    [
        ("linux", {}, "~/.local/share/uv/credentials", "~/.config/binstar", CLIENT_TOKENS),
        (
            "linux",
            {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/config"},
            "/data/uv/credentials",
            "/config/binstar",
            CLIENT_TOKENS,
        ),
        (
            "linux",
            {"UV_CREDENTIALS_DIR": "/uv", "BINSTAR_CONFIG_DIR": "/binstar"},
            "/uv",
            "/binstar/data",
            "/binstar/data/tokens",
        ),
        (
            "darwin",
            {},
            "~/.local/share/uv/credentials",
            "~/Library/Application Support/binstar",
            CLIENT_TOKENS,
        ),
    ],
)
def test_stores_of_other_tools_are_where_their_tools_have_them(
    platform: str, variables: dict[str, str], uv: str, tokens: str, client: str, home: Path
) -> None:
    settings = settings_module.read({"HOME": str(home), **variables}, platform=platform)
    assert settings.uv_credentials == f"{uv}/credentials.toml".replace("~", str(home))
    folders = tuple(folder.replace("~", str(home)) for folder in (tokens, client))
    assert settings.conda_token_folders == folders
    assert settings.micromamba_file == str(home / ".mamba/auth/authentication.json")


def test_old_folder_of_uv_on_macos_is_used_if_it_exists(home: Path) -> None:
    old = home / "Library/Application Support/uv"
    old.mkdir(parents=True)
    settings = settings_module.read({"HOME": str(home)}, platform="darwin")
    assert settings.uv_credentials == str(old / "credentials/credentials.toml")


def test_stores_of_other_tools_on_windows() -> None:
    folders = {"USERPROFILE": "C:\\U", "APPDATA": "C:\\R", "LOCALAPPDATA": "C:\\L"}
    settings = settings_module.read(folders, platform="win32")
    assert settings.uv_credentials == "C:\\R\\uv\\credentials\\credentials.toml"
    client = "C:\\U\\.continuum\\anaconda-client\\tokens"
    assert settings.conda_token_folders == ("C:\\L\\ContinuumIO\\binstar", client)
    assert settings.micromamba_file == "C:\\U\\.mamba\\auth\\authentication.json"


def test_without_a_home_there_are_no_stores_of_other_tools() -> None:
    settings = settings_module.read({}, platform="win32")
    assert settings.uv_credentials is None
    assert settings.conda_token_folders == ()
    assert settings.micromamba_file is None


@pytest.mark.parametrize(
    ("variables", "ci"),
    [
        ({}, ""),
        ({"GITHUB_ACTIONS": "true"}, "GitHub"),
        ({"GITHUB_ACTIONS": "1"}, ""),
        ({"GITLAB_CI": "true"}, "GitLab"),
        ({"CIRCLECI": "true"}, "CircleCI"),
        ({"BUILDKITE": "true"}, "Buildkite"),
    ],
)
def test_ci_is_known_by_its_variable(variables: dict[str, str], ci: str, home: Path) -> None:
    assert read(home, **variables).ci == ci
