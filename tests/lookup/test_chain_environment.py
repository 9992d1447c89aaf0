"""The chain that the environment, pixi's settings and the project describe."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import sys
from typing import TYPE_CHECKING

import pytest
from chain_fakes import Keeper, basic, bearer, sent

from authshim import BasicHTTP, BearerToken, Chain, Credential, Manifest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def full_home(home: Path) -> Path:
    """Make a home whose files have different credentials for ``h``."""
    write(home / ".rattler" / "credentials.json", {"h": {"BearerToken": "s3cret-home"}})
    (home / ".netrc").write_text(
        "machine h login ada password s3cret-netrc\nmachine n login ada password s3cret\n"
    )
    return home


def write(path: Path, entries: object) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(entries))
    return str(path)


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "USERPROFILE": str(home), "PATH": "", "PIXI_NO_CONFIG": "1", **more}


def find(chain: Chain, url: str = "https://h/") -> Credential | None:
    return sent(chain.find(url))


def test_providers_of_the_environment_are_in_the_documented_order(
    full_home: Path, tmp_path: Path
) -> None:
    override = write(tmp_path / "o.json", {})
    chain = Chain.from_environment(
        environ=environ(full_home, RATTLER_AUTH_FILE=override, AUTHSHIM_AUTH_FILE_MODE="first")
    )
    home_file = full_home / ".rattler" / "credentials.json"
    assert repr(chain) == (
        f"Chain(auth file {override}, OS keychain, auth file {home_file}, "
        f"netrc {full_home / '.netrc'}, "
        f"uv store {full_home / '.local/share/uv/credentials/credentials.toml'}, "
        f"conda token files, micromamba store {full_home / '.mamba/auth/authentication.json'}, "
        "pip and uv configuration, keyring command)"
    )


def test_found_tells_kind_and_file_of_its_provider(full_home: Path) -> None:
    chain = null(full_home)
    in_file, in_netrc = chain.find("https://h/"), chain.find("https://n/")
    assert in_file is not None
    assert in_netrc is not None
    assert in_file.kind == "auth file"
    assert in_file.path == str(full_home / ".rattler" / "credentials.json")
    assert in_netrc.kind == "netrc"
    assert in_netrc.path == str(full_home / ".netrc")


def test_found_of_a_foreign_provider_has_no_kind() -> None:
    found = Chain([Keeper({"h": bearer()}, name="netrc of one's own")]).find("https://h/")
    assert found is not None
    assert (found.kind, found.path) == ("", "")


def test_null_backend_switches_the_keychain_off(full_home: Path) -> None:
    named = environ(full_home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
    assert "keychain" not in repr(Chain.from_environment(environ=named))


def test_option_switches_the_keyring_command_off(full_home: Path) -> None:
    chain = Chain.from_environment(environ=environ(full_home), keyring_provider="disabled")
    assert "keyring command" not in repr(chain)


def test_home_file_comes_before_netrc(full_home: Path) -> None:
    assert find(null(full_home)) == bearer("s3cret-home")
    assert find(null(full_home), "https://n/") == basic()


def null(home: Path, **more: str) -> Chain:
    return Chain.from_environment(
        environ=environ(home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring", **more)
    )


def test_override_file_is_the_only_provider(full_home: Path, tmp_path: Path) -> None:
    override = write(tmp_path / "o.json", {"g": {"BearerToken": "s3cret"}})
    chain = null(full_home, RATTLER_AUTH_FILE=override)
    assert repr(chain) == f"Chain(auth file {override})"
    assert find(chain, "https://g/") == bearer()
    assert find(chain) is None


def test_message_without_a_credential_names_the_override_file(
    full_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    override = write(tmp_path / "o.json", {})
    chain = null(full_home, RATTLER_AUTH_FILE=override)
    said = f"only {override} was read: RATTLER_AUTH_FILE is set"
    chain.find("https://h/")
    assert caplog.messages == [f"https://h:443: no credential ({said})"]
    assert chain.note == said
    assert str(chain.explain("https://h/")).splitlines()[-1] == f"no credential: {said}"


def test_variable_of_the_auth_file_comes_before_the_option(full_home: Path, tmp_path: Path) -> None:
    variable = write(tmp_path / "v.json", {"h": {"BearerToken": "s3cret-v"}})
    option = write(tmp_path / "o.json", {"h": {"BearerToken": "s3cret-o"}})
    named = environ(full_home, RATTLER_AUTH_FILE=variable)
    assert find(Chain.from_environment(environ=named, auth_file=option)) == bearer("s3cret-v")
    assert find(Chain.from_environment(environ=environ(full_home), auth_file=option)) == bearer(
        "s3cret-o"
    )


def test_option_of_the_auth_file_comes_before_pixis_configuration(
    full_home: Path, tmp_path: Path
) -> None:
    configured = write(tmp_path / "c.json", {"h": {"BearerToken": "s3cret-c"}})
    option = write(tmp_path / "o.json", {"h": {"BearerToken": "s3cret-o"}})
    config = tmp_path / "config.toml"
    config.write_text(f"authentication-override-file = {json.dumps(configured)}\n")
    named = {**environ(full_home, PIXI_CONFIG_FILE=str(config)), "PIXI_NO_CONFIG": ""}
    chain = Chain.from_environment(environ=named)
    assert find(chain) == bearer("s3cret-c")
    assert "authentication-override-file" in Chain.from_environment(environ=named).note
    assert find(Chain.from_environment(environ=named, auth_file=option)) == bearer("s3cret-o")


def test_override_file_is_the_first_of_all_in_mode_first(full_home: Path, tmp_path: Path) -> None:
    override = write(tmp_path / "o.json", {"h": {"BearerToken": "s3cret-o"}})
    chain = null(full_home, RATTLER_AUTH_FILE=override, AUTHSHIM_AUTH_FILE_MODE="first")
    assert find(chain) == bearer("s3cret-o")
    assert find(chain, "https://n/") == basic()
    assert chain.note == ""


def test_missing_override_file_is_one_warning(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = null(home, RATTLER_AUTH_FILE=str(tmp_path / "gone.json"))
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == [f"{tmp_path / 'gone.json'} does not exist"]


def test_missing_netrc_that_is_named_is_one_warning(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain = null(home, NETRC=str(tmp_path / "gone"))
    for host in "abc":
        chain.find(f"https://{host}/")
    assert caplog.messages == [f"NETRC names {tmp_path / 'gone'}, which does not exist"]


def test_broken_file_leaves_the_other_providers_in_use(
    full_home: Path, caplog: pytest.LogCaptureFixture, no_secret: object
) -> None:
    caplog.set_level(logging.WARNING)
    path = full_home / ".rattler" / "credentials.json"
    path.write_text('{"h": {"BearerToken": "s3cret"')
    chain = null(full_home)
    found = chain.find("https://h/")
    assert sent(found) == basic("ada", "s3cret-netrc")
    assert caplog.messages == [
        (
            f"cannot read auth file {path}: line 1: the file ends too early; "
            "it was perhaps half written"
        )
    ]
    no_secret(found, str(chain.explain("https://h/")))


@pytest.mark.usefixtures("unknowing_keyring")
def test_login_of_the_known_user_is_taken_from_netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine h login ada password 1\nmachine h login bob password 2\n")
    chain = null(home)
    assert find(chain, "https://ada@h/") == BasicHTTP("ada", "1")
    assert find(chain, "https://eve@h/") is None
    assert find(chain, "https://h/") == BasicHTTP("bob", "2")


def test_new_login_is_found_when_the_file_changes(home: Path) -> None:
    chain = null(home)
    assert find(chain) is None
    write(home / ".rattler" / "credentials.json", {"h": {"BearerToken": "s3cret"}})
    chain._lookup._next_check = 0.0
    assert find(chain) == bearer()


def test_path_key_of_the_auth_file_serves_its_path(home: Path) -> None:
    write(
        home / ".rattler" / "credentials.json",
        {"H/acme/": {"BearerToken": "a"}, "h": {"BearerToken": "b"}},
    )
    chain = null(home)
    assert find(chain, "https://h/acme/x") == BearerToken("a")
    assert find(chain, "https://h/x") == BearerToken("b")


MANIFEST = """\
[workspace]
name = "demo"
channels = ["https://h/channel"]
platforms = []

[pypi-options]
index-url = "https://ada:s3cret@h/simple"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pixi.toml").write_text(MANIFEST)
    return folder


@pytest.mark.parametrize(
    "how", [lambda folder: folder, lambda folder: folder / "pixi.toml", Manifest.load]
)
def test_manifest_declares_its_indexes(home: Path, project: Path, how: object) -> None:
    chain = Chain.from_environment(environ=environ(home), manifest=how(project))
    assert find(chain, "https://h/simple/x") == basic()
    assert find(chain, "https://h/channel/x") is None


def test_settings_of_the_project_are_read(home: Path, project: Path) -> None:
    (project / ".pixi").mkdir()
    (project / ".pixi" / "config.toml").write_text('[pypi-config]\nkeyring-provider = "disabled"\n')
    chain = Chain.from_environment(environ=environ(home), manifest=project)
    assert "keyring command" not in repr(chain)


def test_chain_of_the_environment_pickles_as_its_options(
    full_home: Path, project: Path, no_secret: object
) -> None:
    named = environ(
        full_home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring", OTHER="s3cret"
    )
    chain = Chain.from_environment(environ=named, manifest=project)
    find(chain, "https://h/simple/x")
    pickled = pickle.dumps(chain)
    no_secret(pickled)
    landed = pickle.loads(pickled)
    assert repr(landed) == repr(chain)
    assert find(landed, "https://h/simple/x") == basic()
    assert find(landed, "https://n/") == basic()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_keyring_command_is_found_and_asked(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "keyring"
    script.write_text(
        '#!/bin/sh\necho "$6 $7" >>"$HOME/asked"\n'
        'echo \'{"username": "ada", "password": "s3cret"}\'\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    named = environ(
        home,
        PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring",
        PATH=f"{tmp_path}{os.pathsep}/bin",
    )
    chain = Chain.from_environment(environ=named)
    for name in "abc":
        assert find(chain, f"https://ada@h/simple/{name}/") == basic()
    assert (home / "asked").read_text() == "https://h/simple ada\n"
