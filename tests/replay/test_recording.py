"""The words of the recordings, the proxy that replays them, and what is counted."""

from __future__ import annotations

import subprocess
import sys
from email.message import Message
from typing import TYPE_CHECKING

import pytest
import requests
from replay.figures import leaked, wasted
from replay.internet import BEGUN, OURS, Exchange
from replay.keyrings import Keyring
from replay.recording import Door, Route, Secret, Service, page
from servers import Answer, Seen

if TYPE_CHECKING:
    from pathlib import Path

    from replay.internet import Internet

HOST = "packages.example"
ADA = Secret("s3cret-ada", (HOST,), "ada")
BOB = Secret("s3cret-bob", (HOST,), "bob")
TOKEN = Secret("s3cret-token", (HOST,), in_path=True)
DOOR = Door(
    (ADA,),
    nobody=Answer(401, b"who?"),
    stranger=Answer(401, b"no"),
    forbidden=Answer(403, b"not you"),
    knows=(BOB,),
)
IN_PATH = Door((TOKEN,), nobody=None, stranger=Answer(404, b"no"))
SERVICE = Service(
    "an example",
    (
        Route(HOST, "/simple/{project}/", Answer(200, b"come in"), DOOR),
        Route(HOST, "/wrong/{project}/", page("{verison}/{file}")),
        Route(HOST, "/t/{token}/{file*}", Answer(200, b"come in"), IN_PATH),
    ),
    (ADA, BOB, TOKEN),
)


@pytest.fixture
def served(internet: Internet) -> Internet:
    internet.services.append(SERVICE)
    return internet


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (None, (401, "who?")),
        ("Basic bm90", (401, "no")),
        (BOB.shown, (403, "not you")),
        (ADA.shown, (200, "come in")),
    ],
)
def test_a_door_tells_nobody_a_stranger_and_who_may_not_apart(
    served: Internet, shown: str | None, told: tuple[int, str]
) -> None:
    response = requests.get(
        f"https://{HOST}/simple/demo/", headers={"Authorization": shown}, timeout=20
    )
    assert (response.status_code, response.text) == told


def test_expired_credential_is_answered_as_anonymous(served: Internet) -> None:
    served.expire(ADA)
    response = requests.get(
        f"https://{HOST}/simple/demo/", headers={"Authorization": ADA.shown}, timeout=20
    )
    assert response.text == "no"


def test_a_token_in_the_path_is_shown(served: Internet) -> None:
    assert (
        requests.get(f"https://{HOST}/t/{TOKEN.value}/noarch/repodata.json", timeout=20).status_code
        == 200
    )
    assert (
        requests.get(f"https://{HOST}/t/other/noarch/repodata.json", timeout=20).status_code == 404
    )


def test_another_process_sees_the_service_under_its_name(served: Internet) -> None:
    code = (
        "import requests; "
        f"print(requests.get('https://{HOST}/simple/demo/', auth=('ada', 's3cret-ada')).text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "come in\n"


def test_unrecorded_request_is_reported_at_the_end(served: Internet) -> None:
    requests.get(f"https://{HOST}/other", timeout=20)
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("https://evil.example/", timeout=20)
    assert served.strangers == [f"GET https://{HOST}/other", "evil.example:443"]
    served.strangers.clear()


def test_a_recording_that_is_wrong_is_told_at_the_end(served: Internet) -> None:
    assert requests.get(f"https://{HOST}/wrong/part-1/", timeout=20).status_code == 500
    assert served.strangers == [f"GET https://{HOST}/wrong/part-1/: KeyError('verison')"]
    served.strangers.clear()


def exchange(
    shown: str | None,
    *,
    refused: bool = False,
    host: str = HOST,
    door: Door = DOOR,
    begun: int | None = None,
) -> Exchange:
    """Make an entry of the log."""
    headers = Message()
    if begun is not None:
        headers[BEGUN] = str(begun)
    headers["User-Agent"] = OURS
    if shown is not None:
        headers["Authorization"] = shown
    status = 401 if refused else 200
    return Exchange(host, Seen("GET", "/simple/demo/", headers, b""), status, shown, door, refused)


def test_a_refusal_is_wasted_where_the_key_was_there() -> None:
    first = exchange(None, refused=True)
    assert wasted([first, exchange(ADA.shown)]) == [first]
    assert wasted([first]) == []


def test_to_learn_that_a_token_has_expired_is_no_waste() -> None:
    old, refused, new = exchange(ADA.shown), exchange(ADA.shown, refused=True), exchange(BOB.shown)
    in_flight, later = (
        exchange(ADA.shown, refused=True, begun=1),
        exchange(ADA.shown, refused=True, begun=3),
    )
    assert wasted([old, refused, new, in_flight]) == []
    assert wasted([old, refused, new, later]) == [later]


def test_credential_of_another_host_counts_as_wasted() -> None:
    elsewhere = exchange(BOB.shown, door=DOOR._replace(takes=(BOB,)))
    refused = exchange(BOB.shown, refused=True)
    assert wasted([elsewhere, refused, exchange(ADA.shown)]) == [refused]


def test_a_secret_is_found_where_it_does_not_belong() -> None:
    told = exchange(ADA.shown, host="evil.example")
    assert leaked([exchange(ADA.shown), exchange(None, host="evil.example"), told], [ADA]) == [told]


def test_every_keyring_process_is_counted(tmp_path: Path) -> None:
    url = f"https://{HOST}/simple/"
    keyring = Keyring(tmp_path, {url: ADA})
    command = [str(tmp_path / "keyring"), "--mode", "creds", "--output", "json", "get"]
    found = [
        subprocess.run([*command, key], capture_output=True, timeout=60, check=False)
        for key in (url, HOST)
    ]
    assert [(done.returncode, done.stdout) for done in found] == [
        (0, b'{"username": "ada", "password": "s3cret-ada"}\n'),
        (1, b""),
    ]
    assert len(keyring.calls) == 2
