"""The keyring command: its output is a credential, a miss or a sentence without a password.

The first byte is the exit status, and a NUL stands between what is printed to stdout and to stderr.
"""

from __future__ import annotations

import json
import sys

from fuzz.promises import assert_sentences, assert_untold, attempt, innocent

from authshim.errors import ProviderError
from authshim.providers.child_process import Result
from authshim.providers.keyring_command import KeyringCommand

WORDS = [
    *(
        b"\x00",
        b"\x01",
        b"\x02",
        b'{"username": ',
        b'"password": ',
        b'"ada"',
        b'"s3cret"',
        b"null",
        b"{",
        b"}",
        b",",
        b"[]",
    ),
    *(
        b"s3cret",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b"\\",
        b"\\n",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\xef\xbb\xbf",
        b" ",
        b"****",
    ),
    *(
        b"usage: keyring get",
        b"unrecognized arguments",
        b"Traceback (most recent call last):\n",
        b"Bearer ",
        b"Basic ",
    ),
    *(
        b"https://ada:s3cret@h.example/",
        b"https://h.example/t/s3cret/x",
        b"://",
        b"\x1b[31m",
        "\u202e".encode(),
        b"*",
        b"@",
    ),
]

URL = "https://h.example/simple/"


def check(data: bytes) -> None:
    """Let a command print ``data``, and then a password with ``data`` around it."""
    status, printed = data[:1] or b"\0", data[1:]
    stdout, _, stderr = printed.partition(b"\0")
    for username in (None, "ada"):
        _ask(Result(_status(status), stdout, stderr), username)
    _planted(_status(status) or 1, stdout, stderr)


def _status(byte: bytes) -> int:
    return (0, 1, 2, -9)[byte[0] % 4]


def _ask(ended: Result, username: str | None, second: Result | None = None) -> str:
    """Return what is said where there is no credential."""
    answers = [ended, second or ended]
    provider = KeyringCommand(
        [sys.executable], environ={}, run=lambda *_, **__: answers.pop(0), terminal=lambda: False
    )
    found, said = attempt(lambda: provider.find(URL, username), ProviderError)
    assert_sentences(provider.problems)
    assert all(len(problem) < 2500 for problem in [said, *provider.problems])
    if found is not None:
        assert (found.header or "").isascii()
        assert username is None or ended.status == 0 or second is not None or not ended.stdout
        assert (found.header or "").isprintable()
        assert found.password in _readings(ended.stdout), "a password that was not printed"
    return " ".join([said, *provider.problems])


def _readings(stdout: bytes) -> str:
    """Return all that was printed, and what it means as JSON."""
    text = stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    found = [text]
    for part in (text, *text.split("\n")):
        try:
            answer = json.loads(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(answer, dict):
            found += [value for value in answer.values() if isinstance(value, str)]
    return "\0".join(found)


def _planted(status: int, before: bytes, after: bytes) -> None:
    """A command that printed a password and failed, and tells it again on stderr."""
    noise, heard = (
        innocent(before.decode("utf-8", "replace")),
        innocent(after.decode("utf-8", "replace")),
    )
    answer = {"username": "ada", "password": f"s3cret{noise[:20]}".strip()}
    again = f"login with {answer['password']} failed"
    for printed, stderr in (
        (f"{noise}\n{json.dumps(answer)}\n", again),
        (f"{noise}\n{json.dumps(answer, indent=1)}", again),
        (json.dumps(answer, indent=1, ensure_ascii=False), again),
        (f"{noise}\ns3cret\n", f"{heard} s3cret"),
    ):
        ended = Result(
            status, printed.encode("utf-8", "replace"), stderr.encode("utf-8", "replace")
        )
        assert_untold(_ask(ended, "ada", Result(1)))
