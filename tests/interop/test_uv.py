"""The real uv takes the same file from the same index, in every situation of the table but a few."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import needs
import pytest
from resolve_situations import OTHERWISE_IN_UV, SITUATIONS, STRATEGIES, Listed, Situation, wheel
from servers import Answer, Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SIMPLE = "application/vnd.pypi.simple.v1+json"


def run_uv(situation: Situation, url: str, target: Path) -> str:
    """Let uv install what is wanted, and return what it said."""
    needs.module("uv")
    *extra, default = (f"{url}/{number}/simple" for number in range(len(situation.pages)))
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--no-deps", "--no-cache", "--no-config"),
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
    environ = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    environ["UV_HTTP_RETRIES"] = "0"
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    return ended.stderr


def serve(recorder: Recorder, situation: Situation) -> None:
    for number, listed in enumerate(situation.pages):
        answer = (
            Answer(listed, b"")
            if isinstance(listed, int)
            else page_of(listed, f"{recorder.url}/{number}/files")
        )
        recorder.on(f"/{number}/simple/demo/", answer)
        recorder.on(
            f"/{number}/files/*", lambda seen: Answer(200, content_of(seen.path.rpartition("/")[2]))
        )
    links = "".join(
        f'<a href="flat/files/{each.filename}">{each.filename}</a>' for each in situation.flat
    )
    recorder.on("/flat", Answer(200, links.encode(), {"Content-Type": "text/html"}))
    recorder.on("/flat/files/*", lambda seen: Answer(200, content_of(seen.path.rpartition("/")[2])))
    recorder.default = Answer(404, b"")


def page_of(listed: Sequence[Listed], files: str) -> Answer:
    entries = [
        {
            "filename": each.filename,
            "url": f"{files}/{each.filename}",
            "hashes": {},
            "yanked": each.yanked,
            **({"requires-python": each.requires_python} if each.requires_python else {}),
        }
        for each in listed
    ]
    document = {"meta": {"api-version": "1.0"}, "name": "demo", "files": entries}
    return Answer(200, json.dumps(document).encode(), {"Content-Type": SIMPLE})


def content_of(filename: str) -> bytes:
    """Return a distribution with the metadata that its name promises."""
    if filename.endswith(".whl"):
        name, version, *_ = filename.split("-")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr(f"{name}-{version}.dist-info/METADATA", metadata(version))
            file.writestr(f"{name}-{version}.dist-info/WHEEL", WHEEL)
            file.writestr(f"{name}-{version}.dist-info/RECORD", "")
        return buffer.getvalue()
    stem = filename.replace(".tar.gz", "").replace(".zip", "")
    content = metadata(stem.rpartition("-")[2]).encode()
    buffer = io.BytesIO()
    if filename.endswith(".zip"):
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr(f"{stem}/PKG-INFO", content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo(f"{stem}/PKG-INFO")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def metadata(version: str) -> str:
    return f"Metadata-Version: 2.2\nName: demo\nVersion: {version}\n"


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.says)
def test_uv_takes_the_same_file_from_the_same_index(
    situation: Situation, recorder: Recorder, tmp_path: Path
) -> None:
    serve(recorder, situation)
    said = run_uv(situation, recorder.url, tmp_path / "target")
    fetched = [
        seen.path.strip("/").split("/files/") for seen in recorder.seen if "/files/" in seen.path
    ]
    expected = OTHERWISE_IN_UV.get(situation.says, situation.expected)
    assert (": ".join(fetched[-1]) if fetched else "") == expected, said


@pytest.mark.parametrize("status", [401, 403, 410, 503])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_uv_passes_over_a_refusal_only_where_that_is_unsafe(
    status: int, strategy: str, recorder: Recorder, tmp_path: Path
) -> None:
    # tests/test_resolve.py: test_what_pixi_does_at_an_index_that_did_not_answer_is_told
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
