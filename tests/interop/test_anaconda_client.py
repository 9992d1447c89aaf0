"""anaconda-client judges how its token files are read: it writes them, and finds the same token.

The tests use the release on PyPI, without conda, which is not there.
conda's own module writes the same files.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import needs
import pytest
from clients.install import install
from leaks import assert_no_secret

import authshim
from authshim.credentials import CondaToken

if TYPE_CHECKING:
    from pathlib import Path

API, CHANNELS = "https://api.anaconda.org", "https://conda.anaconda.org"
FIRST, SECOND = ".config/binstar", ".continuum/anaconda-client/tokens"
NAME = "https%3A%2F%2Fapi.anaconda.org.token"

STORE = "config.store_token('s3cret-stored', None)"
REMOVE = "config.remove_token(None)"
LOAD = f"print(config.load_token('{API}') or '')"


@pytest.fixture(scope="session")
def anaconda_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has anaconda-client."""
    folder = tmp_path_factory.mktemp("anaconda-client")
    if not install(folder, ["anaconda-client >= 1.14"]):
        needs.missing("anaconda-client cannot be installed from PyPI here")
    return folder / "bin" / "python"


def call(python: Path, statement: str) -> str:
    """Run a statement with the configuration module of anaconda-client."""
    program = f"from binstar_client.utils import config\n{statement}"
    ended = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stdout.strip()


def sent(url: str = CHANNELS) -> str:
    """Return the token that authshim sends to a channel, or an empty string."""
    chain = authshim.Chain.from_environment(keyring_provider="disabled")
    found = chain.find(f"{url}/acme/noarch/repodata.json")
    assert_no_secret(str(chain.explain(f"{url}/acme/noarch/repodata.json")))
    if found is None:
        return ""
    assert isinstance(found.credential, CondaToken)
    return found.credential.token


def test_token_that_the_client_stores_is_sent_until_it_removes_it(
    anaconda_client: Path, home: Path
) -> None:
    assert sent() == ""
    call(anaconda_client, STORE)
    assert sorted(path.name for path in home.rglob("*.token")) == [NAME, NAME]
    assert sent() == "s3cret-stored"
    call(anaconda_client, REMOVE)
    assert sent() == ""


def test_token_of_another_site_goes_to_its_channels_alone(
    anaconda_client: Path, home: Path
) -> None:
    settings = home / ".continuum/anaconda-client/config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"url": "https://h.example:8443/api/x"}), encoding="utf-8")
    call(anaconda_client, STORE)
    assert sent("https://h.example:8443/conda/x") == "s3cret-stored"
    assert sent("https://h.example:8443/conda/other") == ""
    assert sent() == ""


PLANTED = {
    "first folder": {f"{FIRST}/{NAME}": "s3cret-1"},
    "second folder": {f"{SECOND}/{NAME}": "s3cret-2"},
    "both": {f"{FIRST}/{NAME}": "s3cret-1", f"{SECOND}/{NAME}": "s3cret-2"},
    "empty first": {f"{FIRST}/{NAME}": "\n", f"{SECOND}/{NAME}": "s3cret-2"},
    "blanks": {f"{FIRST}/{NAME}": " s3cret-1 \r\n"},
    "URL that is not quoted": {f"{FIRST}/api.anaconda.org.token": "s3cret-1"},
    "other URL": {f"{FIRST}/https%3A%2F%2Fapi.example.token": "s3cret-1"},
    "folder of BINSTAR_CONFIG_DIR": {f"own/data/{NAME}": "s3cret-1", f"{FIRST}/{NAME}": "s3cret-2"},
    "tokens of BINSTAR_CONFIG_DIR": {
        f"own/data/tokens/{NAME}": "s3cret-1",
        f"{SECOND}/{NAME}": "s3cret-2",
    },
    "BINSTAR_CONFIG_DIR without files": {
        "own/data/config.yaml": "{}",
        f"{SECOND}/{NAME}": "s3cret-2",
    },
}


@pytest.mark.parametrize("name", PLANTED)
def test_client_finds_the_token_that_authshim_sends(
    name: str, anaconda_client: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, text in PLANTED[name].items():
        path = home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if "BINSTAR" in name:
        monkeypatch.setenv("BINSTAR_CONFIG_DIR", os.fspath(home / "own"))
    # The client removes an empty file, so authshim reads first.
    ours = sent()
    assert ours == call(anaconda_client, LOAD)
