"""A session, an adapter and a chain in the processes of a real Dask cluster."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from clients.conftest import ENVIRONMENTS
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder

from authshim import BasicHTTP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Seen

PROGRAM = Path(__file__).with_name("dask_program.py")
ADA = {"BasicHTTP": {"username": "ada", "password": "s3cret"}}
THINGS = ("session", "adapter", "chain")


class Run(NamedTuple):
    """One run of the program."""

    answers: dict[str, Any]
    output: str
    pickles: dict[str, bytes]


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    """A server that lets ada in."""
    recorder = Recorder()
    header = BasicHTTP("ada", "s3cret").header

    def answer(seen: Seen) -> Answer:
        return Answer() if seen.authorization == header else CHALLENGE

    recorder.on("/*", answer)
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def run(server: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the program once, with ada's login in the home of the cluster."""
    python = Path(ENVIRONMENTS or "nowhere", "dask", "bin", "python")
    if not python.exists():
        pytest.skip("tox -e clients installs distributed")
    home = tmp_path_factory.mktemp("dask")
    kept = home / ".rattler" / "credentials.json"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"127.0.0.1": ADA}))
    pickles = home / "pickles"
    pickles.mkdir()
    done = subprocess.run(
        [str(python), str(PROGRAM), f"{server.url}/simple/", str(pickles)],
        env={
            "HOME": str(home),
            "PATH": os.defpath,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        },
        cwd=home,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {path.stem: path.read_bytes() for path in pickles.iterdir()}
    return Run(json.loads(done.stdout), done.stdout + done.stderr, found)


@pytest.mark.parametrize("way", ["submitted", "scattered", "closure"])
@pytest.mark.parametrize("thing", THINGS)
def test_thing_logs_in_from_a_worker(thing: str, way: str, run: Run) -> None:
    status, pid = run.answers[thing][way]
    assert status == 200
    assert pid != run.answers["pid"]


@pytest.mark.parametrize("thing", THINGS)
def test_pickle_of_a_thing_holds_no_secret(thing: str, run: Run) -> None:
    assert_no_secret(run.pickles[thing])


def test_found_names_the_cure_if_a_task_returns_it(run: Run) -> None:
    assert "credentials are not pickled; call chain.find in the worker" in run.answers["found"]


def test_cluster_logs_no_secret(run: Run) -> None:
    assert_no_secret(run.output)
