"""A run of each service's recording, and a line of figures for each at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from replay.figures import Figures
from replay.internet import OURS, Internet
from replay.keyrings import Keyring
from replay.run import Run

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from replay.recording import Secret, Service
    from servers import Authority

_PROPERTY = "replayed"


@pytest.fixture
def internet(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """A proxy for this process and its children; it knows only the services that are added."""
    made = Internet(authority)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    yield made
    made.stop()
    assert made.strangers == []


@pytest.fixture
def replay(
    internet: Internet,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Run]]:
    """Begin runs; what they cost is told at the end of the session.

    ::

        run = replay(SERVICE, pixi_toml(URL), {URL: SECRET})  # a fake keyring holds SECRET run =
        replay(SERVICE, pixi_toml(URL), real=True)      # the real one, as the environment has it
        run = replay(SERVICE, pixi_toml(URL), apart="why")    # told in a line of its own
    """
    made: list[tuple[str, Run]] = []

    def make(
        service: Service,
        manifest: str,
        held: Mapping[str, Secret] | None = None,
        *,
        real: bool = False,
        apart: str = "",
    ) -> Run:
        internet.services.append(service)
        folder: Path = tmp_path_factory.mktemp("run")
        keyring = Keyring(folder, None if real else held or {})
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
        (folder / "pixi.toml").write_text(manifest)
        session = authshim.install(requests.Session(), manifest=folder / "pixi.toml")
        session.headers["User-Agent"] = OURS
        name = f"{service.name}: {apart}" if apart else service.name
        made.append((name, Run(internet, keyring, session)))
        return made[-1][1]

    yield make
    for name, run in made:
        run.session.close()
        request.node.user_properties.append((_PROPERTY, (name, *run.figures)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each service: the sums of its runs."""
    told = [
        value
        for report in _teardowns(terminalreporter)
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
    if told:
        terminalreporter.section("replayed")
    names = sorted({name for name, *_ in told})
    for name in names:
        runs = [figures for other, *figures in told if other == name]
        terminalreporter.line(
            f"{name:<{max(map(len, names))}}  {Figures(*map(sum, zip(*runs)))} ({len(runs)} runs)"
        )


def _teardowns(terminalreporter: pytest.TerminalReporter) -> Iterator[pytest.TestReport]:
    reports = (report for category in terminalreporter.stats.values() for report in category)
    return (report for report in reports if getattr(report, "when", "") == "teardown")
