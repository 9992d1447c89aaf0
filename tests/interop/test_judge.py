"""authshim sends the same as pixi's own library; each difference has its reason."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from interop.judge import PAGE, REPODATA, Rattler, Situation, in_words
from interop.keychain import private_keychain, store
from interop.situations import DIFFERENT, IN_KEYCHAIN, KEYCHAIN, SAME

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from servers import Recorder


@pytest.fixture(scope="module")
def rattler() -> Iterator[Rattler]:
    child = Rattler()
    yield child
    child.stop()


@pytest.fixture
def both(
    rattler: Rattler, recorder: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[str, str]]:
    """Return what authshim and what pixi send."""
    recorder.default = REPODATA

    def ask(situation: Situation, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
        variables = {**situation.environment(home), **(environ or {}), "http_proxy": recorder.url}
        rattler.fetch(situation.url, variables)
        pixi = in_words(recorder, situation.url)
        recorder.clear()
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with authshim.install(requests.Session()) as session:
            assert session.get(situation.url + PAGE).status_code == 200
        return in_words(recorder, situation.url), pixi

    return ask


def by_title(situation: Situation) -> str:
    return situation.title


@pytest.mark.parametrize("situation", SAME, ids=by_title)
def test_authshim_sends_what_pixi_sends(situation: Situation, both: Callable) -> None:
    assert both(situation) == (situation.sends, situation.sends)


@pytest.mark.parametrize("situation", list(chain.from_iterable(DIFFERENT.values())), ids=by_title)
def test_authshim_differs_from_pixi_for_a_reason(situation: Situation, both: Callable) -> None:
    assert situation.sends != situation.pixi
    assert both(situation) == (situation.sends, situation.pixi)


@pytest.fixture(scope="module")
def keychain(
    rattler: Rattler, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables that lead to a keychain in which ``pixi auth login`` stored ``KEYCHAIN``."""
    rattler.stop()  # a process that found no keychain once does not look for it again
    with private_keychain(tmp_path_factory.mktemp("keychain")) as environ:
        for host, credential in KEYCHAIN.items():
            store(environ, host, json.dumps(credential))
        names = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
        yield {name: environ[name] for name in names}
    rattler.stop()


@pytest.mark.parametrize("situation", IN_KEYCHAIN, ids=by_title)
def test_both_read_the_same_keychain(
    situation: Situation, both: Callable, keychain: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    pixi = situation.pixi or situation.sends
    assert both(situation, keychain) == (situation.sends, pixi)
