"""A step of ``check`` names a path only if a login for the host would keep another index out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers import CHALLENGE, Answer, Recorder

import authshim
from authshim.index.check import check

if TYPE_CHECKING:
    from pathlib import Path

ADA = authshim.BasicHTTP("ada", "s3cret")
BOB = authshim.BasicHTTP("bob", "s3cret")


def steps(recorder: Recorder, folder: Path, **stored: authshim.Credential) -> list[str]:
    """Return the key of each login that is advised for the indexes a and b of a server."""

    class Keeps(authshim.Provider):
        name = "vault"
        answers = frozenset({"host", "path"})

        def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
            return stored.get(key.rpartition("/")[2].replace(".", "_"))

        def path_keys(self) -> list[str]:
            return [f"127.0.0.1/{name}" for name in stored if len(name) == 1]

    (folder / "pixi.toml").write_text(
        "[workspace]\nchannels = []\nplatforms = []\n"
        "[pypi-dependencies]\ndemo = '*'\n[pypi-options]\n"
        f'index-url = "{recorder.url}/b/simple"\n'
        f'extra-index-urls = ["{recorder.url}/a/simple"]\n',
        encoding="utf-8",
    )
    manifest = authshim.Manifest.load(folder)
    chain = authshim.Chain([Keeps()], indexes=manifest.indexes())
    words = [result.next_step.split() for result in check(chain, manifest)]
    return [word[3] if word[:3] == ["authshim", "auth", "login"] else "" for word in words]


def lets_in(*users: authshim.Credential) -> object:
    headers = [user.header for user in users]
    return lambda seen: Answer() if seen.authorization in headers else CHALLENGE


PATHS = ["127.0.0.1/a", "127.0.0.1/b"]


def test_two_indexes_without_a_login_are_kept_apart(recorder: Recorder, tmp_path: Path) -> None:
    recorder.default = CHALLENGE
    assert steps(recorder, tmp_path) == PATHS


def test_index_beside_an_open_one_needs_no_path(recorder: Recorder, tmp_path: Path) -> None:
    recorder.on("/a/*", CHALLENGE)
    assert steps(recorder, tmp_path) == ["127.0.0.1", ""]


def test_index_beside_one_with_a_login_of_its_own_needs_no_path(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.on("/a/*", CHALLENGE)
    recorder.on("/b/*", lets_in(BOB))
    assert steps(recorder, tmp_path, b=BOB) == ["127.0.0.1", ""]


def test_login_that_both_indexes_reject_is_replaced(recorder: Recorder, tmp_path: Path) -> None:
    recorder.default = CHALLENGE
    assert steps(recorder, tmp_path, **{"127_0_0_1": ADA}) == ["127.0.0.1", "127.0.0.1"]


def test_login_that_one_index_takes_stays(recorder: Recorder, tmp_path: Path) -> None:
    recorder.on("/a/*", CHALLENGE)
    recorder.on("/b/*", lets_in(ADA))
    assert steps(recorder, tmp_path, **{"127_0_0_1": ADA}) == ["127.0.0.1/a", ""]
