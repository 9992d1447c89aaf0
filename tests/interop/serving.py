"""Serve the pages and files of a situation to a real installer."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import needs
from servers import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resolve_situations import Listed, Situation
    from servers import Recorder

WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SIMPLE = "application/vnd.pypi.simple.v1+json"


def uv() -> str:
    """Return the path of uv, which starts without a Python before it."""
    needs.module("uv")
    from uv import find_uv_bin

    return find_uv_bin()


def run_installer(
    command: Sequence[str],
    prefix: str,
    variables: Mapping[str, str],
) -> str:
    """Run an installer without the user's own settings, and return what it printed.

    :param prefix: the beginning of the names of its variables, which are taken away.
    :param variables: the variables to set.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(prefix)}
    ended = subprocess.run(
        command,
        env={**environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.stdout + ended.stderr


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


def fetched(recorder: Recorder) -> str:
    """Return the index and the file that an installer fetched last, or an empty string."""
    files = [seen.path for seen in recorder.seen if "/files/" in seen.path]
    if not files:
        return ""
    return ": ".join(files[-1].strip("/").split("/files/"))
