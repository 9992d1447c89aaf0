"""netrc as curl reads it: 2,500 files, and a reason for every difference.

The unit tests of the reader are in tests/providers/test_netrc_file.py.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Callable
from urllib.parse import quote

import pytest
from interop.netrc_files import ASKED, CLASSES, File, Pair, files, reasons
from needs import missing, program
from servers import Answer, Recorder

from authshim.credentials import BasicHTTP
from authshim.providers.netrc_file import NetrcFile
from authshim.urls import DEFAULT, HOST, Key

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT = 2500
TOGETHER = 50
"""The files that one curl reads, one after another."""
QUESTIONS = len(ASKED) + 1
"""The URLs that are asked for with one file: each host, and the first with a user."""
OUTCOME = " status %{exitcode}\n"

Answers = tuple["bytes | None", ...]


@pytest.fixture
def curl() -> str:
    """The curl of Debian 12, with which every difference was looked at; others read otherwise."""
    found = program("curl", "curl")
    version = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return (
        found
        if version.startswith("curl 7.88.")
        else missing(f"no curl 7.88 here, but {version.split()[1]}")
    )


@pytest.fixture
def ask(curl: str, recorder: Recorder, tmp_path: Path) -> Callable[[Sequence[File]], list[Answers]]:
    """Return the logins that curl sends to each host; one proxy for all hosts echoes the header."""
    recorder.on("/", lambda seen: Answer(200, (seen.authorization or "none").encode()))

    def ask(files: Sequence[File]) -> list[Answers]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        words: list[str] = []
        for number, file in enumerate(files):
            path = folder / str(number)
            path.write_bytes(file.data)
            # The header that the proxy has seen, or nothing, and curl's status for each URL.
            words += ["--next", "--silent", "--netrc-file", str(path), "--proxy", recorder.url]
            words += ["--write-out", OUTCOME, *_urls(file)]
        ended = subprocess.run(
            [curl, "-q", *words[1:]],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        outcomes = [line.split(b" status ") for line in ended.stdout.splitlines()]
        # 26: curl cannot read the file.
        assert len(outcomes) == len(files) * QUESTIONS, ended
        assert all(status == b"26" or (status == b"0" and seen) for seen, status in outcomes), ended
        answers = [_decoded(seen) for seen, _ in outcomes]
        return [tuple(answers[at : at + QUESTIONS]) for at in range(0, len(answers), QUESTIONS)]

    return ask


def _urls(file: File) -> list[str]:
    hosts = [*ASKED, f"{quote(file.user, safe='')}@{ASKED[0]}"]
    return [f"http://{host}/" for host in hosts]


def _decoded(header: bytes) -> bytes | None:
    """Return ``user:password`` of a Basic header."""
    kind, _, pair = header.partition(b" ")
    return base64.b64decode(pair) if kind == b"Basic" else None


def _encoded(pair: Pair) -> bytes | None:
    return None if pair is None else ":".join(pair).encode()


def _ours(file: File, path: Path) -> Answers:
    path.write_bytes(file.data)
    provider = NetrcFile([str(path)])
    found = [_found(provider, host) for host in ASKED]
    return tuple(_encoded(pair) for pair in (*found, _found(provider, ASKED[0], file.user)))


def _without_placeholder(file: File, answers: Answers) -> Answers:
    """Return the answers, with None for ``user:``, which curl also sends without a login."""
    *of_hosts, of_user = answers
    return (*of_hosts, None if of_user == f"{file.user}:".encode() else of_user)


def _found(provider: NetrcFile, host: str, user: str | None = None) -> Pair:
    """Return the login that the chain takes: the host's or the default's, of no other user."""
    for key in (Key(host, HOST), Key("default", DEFAULT)):
        found = provider.find(key, user)
        if isinstance(found, BasicHTTP) and user in (None, found.username):
            return found.username, found.password
    return None


def test_curl_reads_what_we_read_but_for_what_has_a_reason(
    ask: Callable[[Sequence[File]], list[Answers]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = files(Random(20), COUNT)
    with ThreadPoolExecutor(3) as pool:
        asked = pool.map(ask, (made[at : at + TOGETHER] for at in range(0, COUNT, TOGETHER)))
        curls = [answers for together in asked for answers in together]
    assert len(curls) == COUNT
    unexplained: list[str] = []
    differ, alone, agreeing = Counter[str](), Counter[str](), 0
    for file, theirs in zip(made, curls):
        ours = _ours(file, tmp_path / "netrc")
        expected = [file.answer(host) for host in ASKED] + [file.answer(ASKED[0], file.user)]
        assert ours == tuple(map(_encoded, expected)), file.data
        questions = [*((host, None) for host in ASKED), (ASKED[0], file.user)]
        agreeing += ours[:-1] == theirs[:-1]
        answers = zip(_without_placeholder(file, ours), _without_placeholder(file, theirs))
        for (host, user), (our, their) in zip(questions, answers):
            if our == their:
                continue
            classes = reasons(file, host, user)
            differ.update(classes)
            alone.update(classes if len(classes) == 1 else [])
            if not classes:
                unexplained.append(
                    f"{host} for {user}: curl {their!r}, we {our!r}, of {file.data!r}"
                )
    with capsys.disabled():
        sys.stdout.write(
            f"\nOf {COUNT} netrc files curl reads {agreeing} as we do, and otherwise for\n"
        )
        sys.stdout.writelines(
            f"{differ[name]:5} {name}: {why}\n" for name, (why, _) in CLASSES.items()
        )
    assert not unexplained, "\n".join([f"{len(unexplained)} without a reason", *unexplained[:10]])
    assert [name for name in CLASSES if not alone[name]] == [], "reasons that nothing needs"
    assert agreeing > COUNT * 0.8
