"""The real pip takes the same file from the same index, in every situation with wheels alone."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import needs
import pytest
from interop.serving import fetched, run_installer, serve
from resolve_situations import IN_PIP, OTHERWISE_IN_PIP, Situation, wheel

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Recorder


def run_pip(situation: Situation, url: str, target: Path) -> str:
    """Let pip download what is wanted, and return what it said."""
    needs.module("pip")
    first, *extra = (f"{url}/{number}/simple" for number in range(len(situation.pages)))
    command = [
        *(sys.executable, "-m", "pip", "--isolated", "download", "--no-deps", "--no-cache-dir"),
        *("--no-input", "--retries", "0", "-d", str(target), "--index-url", first),
        *("--only-binary=:all:", "--python-version", "3.11"),
        *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"),
        *(f"--extra-index-url={each}" for each in extra),
        *([f"--find-links={url}/flat"] if situation.flat else []),
        situation.wanted,
    ]
    return run_installer(command, "PIP_", {"PIP_CONFIG_FILE": os.devnull})


@pytest.mark.parametrize("situation", IN_PIP, ids=lambda situation: situation.says)
def test_pip_takes_the_same_file_from_the_same_index(
    situation: Situation, recorder: Recorder, tmp_path: Path
) -> None:
    serve(recorder, situation)
    said = run_pip(situation, recorder.url, tmp_path / "target")
    expected = OTHERWISE_IN_PIP.get(situation.says, situation.expected)
    assert fetched(recorder) == expected, said


@pytest.mark.parametrize("status", [401, 403, 410, 503])
def test_pip_passes_over_an_index_that_does_not_answer(
    status: int, recorder: Recorder, tmp_path: Path
) -> None:
    situation = Situation("", "demo", (status, (wheel("1.0"),)), "")
    serve(recorder, situation)
    said = run_pip(situation, recorder.url, tmp_path / "target")
    assert fetched(recorder).startswith("1: "), said
