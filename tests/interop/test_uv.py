"""The real uv takes the same file from the same index, in nearly every situation of the table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from interop.serving import content_of, fetched, run_installer, serve, uv
from resolve_situations import OTHERWISE_IN_UV, SITUATIONS, STRATEGIES, Situation, wheel
from servers import Answer, Recorder

if TYPE_CHECKING:
    from pathlib import Path


def run_uv(situation: Situation, url: str, target: Path) -> str:
    """Let uv install what is wanted, and return what it said."""
    *extra, default = (f"{url}/{number}/simple" for number in range(len(situation.pages)))
    command = [
        *(uv(), "pip", "install", "--no-deps", "--no-cache", "--no-config"),
        *(
            "--python",
            sys.executable,
            "--python-version",
            "3.11",
            "--python-platform",
            "x86_64-manylinux_2_28",
        ),
        *(
            "--target",
            str(target),
            "--index-strategy",
            situation.strategy,
            "--prerelease",
            situation.mode,
        ),
        *(f"--extra-index-url={each}" for each in extra),
        *([f"--find-links={url}/flat"] if situation.flat else []),
        *(f"--default-index={default}", situation.wanted),
    ]
    return run_installer(command, "UV_", {"UV_HTTP_RETRIES": "0"})


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.says)
def test_uv_takes_the_same_file_from_the_same_index(
    situation: Situation, recorder: Recorder, tmp_path: Path
) -> None:
    serve(recorder, situation)
    said = run_uv(situation, recorder.url, tmp_path / "target")
    expected = OTHERWISE_IN_UV.get(situation.says, situation.expected)
    assert fetched(recorder) == expected, said


@pytest.mark.parametrize("status", [401, 403, 410, 503])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_uv_passes_over_a_refusal_only_if_that_is_unsafe(
    status: int, strategy: str, recorder: Recorder, tmp_path: Path
) -> None:
    # tests/test_resolve.py: test_message_says_what_pixi_does_at_an_index_without_answer
    situation = Situation("", "demo", (status, (wheel("1.0"),)), "", strategy)
    serve(recorder, situation)
    said = run_uv(situation, recorder.url, tmp_path / "target")
    passes = strategy != "first-index" and status in (401, 403)
    assert any("/files/" in seen.path for seen in recorder.seen) is passes, said


def test_uv_takes_a_file_s_name_from_the_link_of_a_page(recorder: Recorder, tmp_path: Path) -> None:
    # tests/index/test_client.py: test_a_file_of_html_is_named_by_its_link
    situation = Situation("", "demo", ((wheel("1.0+cpu"),),), "")
    serve(recorder, situation)
    link = f'<a href="/0/files/{wheel("1.0%2Bcpu").filename}">Download</a>'
    recorder.on("/0/simple/demo/", Answer(200, link.encode(), {"Content-Type": "text/html"}))
    recorder.on("/0/files/*", lambda seen: Answer(200, content_of(wheel("1.0+cpu").filename)))
    said = run_uv(situation, recorder.url, tmp_path / "target")
    assert "demo==1.0+cpu" in said
