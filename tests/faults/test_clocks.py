"""The wall clock jumps. The cache uses the steady one, and an OAuth login survives."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from chain_fakes import Keeper, bearer, begin, in_threads, oauth, refused, sent
from servers import Answer, Recorder, Seen

from authshim import Chain, OAuth
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://h.example/"
DAY = 86_400.0
NOON = 1_800_000_000.0


class Clocks:
    """Two clocks that a test sets apart, for ``Chain(clock=...)``."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 1000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


jumps = pytest.mark.parametrize("jump", [-NOON, -DAY, -1, 1, 301, DAY, 1000 * DAY])


@jumps
def test_a_jump_ends_no_hit_no_miss_and_no_refusal(jump: float, clocks: Clocks) -> None:
    keeper = Keeper({"h.example": bearer(), "refused.example": bearer()})
    chain = Chain([keeper], clock=clocks)
    urls = [URL, "https://missed.example/", "https://refused.example/"]
    found = [begin(chain, url) for url in urls]
    refused(chain, urls[2], status=401, tried=[found[2]])
    keeper.asked.clear()
    clocks.wall += jump
    clocks.steady += 299
    assert [begin(chain, url) for url in urls] == [found[0], None, None]
    assert keeper.asked == []


@jumps
def test_a_miss_ends_after_five_minutes_wherever_the_wall_clock_is(
    jump: float, clocks: Clocks
) -> None:
    keeper = Keeper()
    chain = Chain([keeper], clock=clocks)
    assert chain.find(URL) is None
    keeper.held["h.example"] = bearer()
    clocks.wall += jump
    clocks.steady += 300
    assert sent(chain.find(URL)) == bearer()


def test_a_login_that_a_jump_made_expire_is_back_after_five_minutes(clocks: Clocks) -> None:
    login = oauth(expires_at=NOON + 3600)
    chain = Chain([Keeper({"h.example": login})], clock=clocks)
    assert sent(chain.find(URL)) == login
    clocks.wall += DAY
    assert chain.find(URL) is None
    clocks.wall -= DAY
    clocks.steady += 300
    assert sent(chain.find(URL)) == login


def test_a_login_that_a_jump_keeps_alive_is_sent_until_it_is_refused(clocks: Clocks) -> None:
    login = oauth(expires_at=NOON + 3600)
    keeper = Keeper({"h.example": login})
    chain = Chain([keeper], clock=clocks)
    found = begin(chain, URL)
    clocks.wall -= DAY
    clocks.steady += 7200
    assert sent(chain.find(URL)) == login
    keeper.held["h.example"] = bearer()
    assert sent(refused(chain, URL, status=401, tried=[found])) == bearer()


class Endpoint:
    """Gives one access token after another, each for an hour."""

    def __init__(self, recorder: Recorder, clocks: Clocks, file: Path) -> None:
        self.given = 0
        self._numbers = itertools.count(1)
        recorder.on("/token", self._answer)
        login = OAuth("token-0", "refresh", NOON + 3600, recorder.url + "/token", None, "pixi")
        file.write_text(json.dumps({"h.example": login.to_json()}))
        self.chain = Chain([AuthFile(str(file))], clock=clocks)

    def _answer(self, seen: Seen) -> Answer:
        self.given = next(self._numbers)
        token = {
            "access_token": f"token-{self.given}",
            "refresh_token": "refresh",
            "expires_in": 3600,
        }
        return Answer(200, json.dumps(token).encode())

    @property
    def sent(self) -> str | None:
        found = begin(self.chain, URL)
        return found and found.credential.header


@pytest.fixture
def endpoint(recorder: Recorder, clocks: Clocks, tmp_path: Path) -> Endpoint:
    return Endpoint(recorder, clocks, tmp_path / "auth.json")


def test_a_jump_forwards_renews_a_login_once_for_all_threads(
    endpoint: Endpoint, clocks: Clocks
) -> None:
    assert endpoint.sent == "Bearer token-0"
    clocks.wall += DAY
    assert in_threads(16, lambda: endpoint.sent) == ["Bearer token-1"] * 16
    assert endpoint.given == 1


def test_after_a_jump_back_a_login_is_renewed_when_it_is_refused(
    endpoint: Endpoint, clocks: Clocks
) -> None:
    clocks.wall += DAY
    assert endpoint.sent == "Bearer token-1"
    clocks.wall -= DAY
    clocks.steady += 3601
    assert endpoint.sent == "Bearer token-1"
    found = begin(endpoint.chain, URL)
    renewed = refused(endpoint.chain, URL, status=401, tried=[found])
    assert renewed is not None
    assert renewed.credential.header == endpoint.sent == "Bearer token-2"
    assert endpoint.given == 2


def test_a_clock_that_jumps_to_and_fro_renews_a_login_once(
    endpoint: Endpoint, clocks: Clocks
) -> None:
    for _ in range(50):
        clocks.wall += DAY
        assert endpoint.sent == "Bearer token-1"
        clocks.wall -= DAY
        assert endpoint.sent == "Bearer token-1"
        clocks.steady += 0.5
    assert endpoint.given == 1
