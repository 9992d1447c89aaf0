"""netrc as curl reads it: 2,500 files, and a reason for every difference.

The unit tests of the reader are in tests/providers/test_netrc_file.py.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Callable

import pytest
from interop.netrc_files import ASKED, CLASSES, File, Pair, files
from needs import missing, program
from servers import Answer, Recorder

from authshim.credentials import BasicHTTP
from authshim.providers.netrc_file import NetrcFile
from authshim.urls import DEFAULT, HOST, Key

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 2500

Answers = tuple["bytes | None", ...]


@pytest.fixture
def curl() -> str:
    """The curl of Debian 12, with which every difference was looked at; others read otherwise."""
    found = program("curl", "curl")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return found if version.startswith("curl 7.88.") else missing(f"no curl 7.88 here, but {version.split()[1]}")


@pytest.fixture
def ask(curl: str, recorder: Recorder, tmp_path: Path) -> Callable[[File], Answers]:
    """Return what curl sends to each of the hosts; they are all behind one proxy, which echoes the header."""
    recorder.on("/", lambda seen: Answer(200, (seen.authorization or "none").encode() + b"\n"))
    urls = [f"http://{host}/" for host in ASKED]

    def ask(number: int, file: File) -> Answers:
        path = tmp_path / str(number)
        path.write_bytes(file.data)
        command = [curl, "-q", "--silent", "--netrc-file", str(path), "--proxy", recorder.url, *urls]
        ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        path.unlink()
        sent = ended.stdout.split(b"\n")[:-1]
        # 26: it cannot read the file. It then asks for no other host either.
        assert len(sent) == len(ASKED) if ended.returncode == 0 else ended.returncode == 26, ended
        return (*map(_decoded, sent), *[None] * (len(ASKED) - len(sent)))

    return ask


def _decoded(header: bytes) -> bytes | None:
    kind, _, pair = header.partition(b" ")
    return base64.b64decode(pair) if kind == b"Basic" else None


def _encoded(pair: Pair) -> bytes | None:
    return None if pair is None else ":".join(pair).encode()


def _ours(file: File, path: Path) -> Answers:
    path.write_bytes(file.data)
    provider = NetrcFile([str(path)])
    found = [provider.find(Key(host, HOST)) or provider.find(Key("default", DEFAULT)) for host in ASKED]
    return tuple(_encoded((one.username, one.password)) if isinstance(one, BasicHTTP) else None for one in found)


def test_curl_reads_what_we_read_but_for_what_has_a_reason(
    ask: Callable[[int, File], Answers], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = files(Random(20), COUNT)
    with ThreadPoolExecutor(3) as pool:
        curls = list(pool.map(ask, range(COUNT), made))
    unexplained: list[str] = []
    differ, alone, agreeing = Counter[str](), Counter[str](), 0
    for file, theirs in zip(made, curls):
        ours = _ours(file, tmp_path / "netrc")
        assert ours == tuple(_encoded(file.answer(host)) for host in ASKED), file.data
        agreeing += ours == theirs
        for host, our, their in zip(ASKED, ours, theirs):
            if our == their:
                continue
            classes = [name for name, (_, applies) in CLASSES.items() if applies(file, host)]
            differ.update(classes)
            alone.update(classes if len(classes) == 1 else [])
            if not classes:
                unexplained.append(f"{host}: curl {their!r}, we {our!r}, of {file.data!r}")
    with capsys.disabled():
        sys.stdout.write(f"\nOf {COUNT} netrc files curl reads {agreeing} as we do, and otherwise for\n")
        sys.stdout.writelines(f"{differ[name]:5} {name}: {why}\n" for name, (why, _) in CLASSES.items())
    assert not unexplained, "\n".join([f"{len(unexplained)} without a reason", *unexplained[:10]])
    assert [name for name in CLASSES if not alone[name]] == [], "reasons that nothing needs"
    assert agreeing > COUNT * 0.8
