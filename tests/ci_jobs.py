"""The jobs of four CI services, as the programs in them see them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

VARIABLES = {
    "GitHub": "GITHUB_ACTIONS",
    "GitLab": "GITLAB_CI",
    "CircleCI": "CIRCLECI",
    "Buildkite": "BUILDKITE",
}
"""The variable by which each tells its jobs that they are jobs."""

_PROGRAMS = {"CircleCI": "circleci", "Buildkite": "buildkite-agent"}


def start_job(service: str, identity: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be a job that gets its identity as the service gives it.

    GitHub's has to be asked for, so ``start_github_job`` is for its jobs.
    """
    monkeypatch.setenv(VARIABLES[service], "true")
    if service == "GitLab":
        monkeypatch.setenv("PREFIX_DEV_ID_TOKEN", identity)
        return
    script = folder / _PROGRAMS[service]
    script.write_text(f"#!/bin/sh\ncase \"$*\" in *prefix.dev*) echo '{identity}';; esac\n")
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def start_github_job(server: str, request_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be a job that asks a server for its identity."""
    monkeypatch.setenv(VARIABLES["GitHub"], "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{server}/token?api-version=2")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token)
