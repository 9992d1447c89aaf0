"""The ``keyring`` that ``authshim run`` puts first on a child's PATH.

It answers ``keyring get`` with what the user keeps. Every other question, and every miss, goes
to the real ``keyring`` behind it on PATH, so that the vendors' backends still answer.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from authshim.integrations import ASKING, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authshim.credentials import BasicHTTP


class Question(NamedTuple):
    """A question of ``keyring get``."""

    service: str
    username: str | None
    mode: str
    output: str


def main(words: Sequence[str]) -> int:
    """Answer one command and return its exit code."""
    question = read(words)
    if question is None:
        return _run_real(words, is_get=False)
    found = _find(question)
    if found is None:
        return _run_real(words, is_get=True)
    # pip and uv read UTF-8, whatever the locale is.
    answer = _answer(question, found).encode("utf-8")
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return 0


def read(words: Sequence[str]) -> Question | None:
    """Return the question of a command line, or None if it is for the real keyring."""
    options = {"--mode": "password", "--output": "plain"}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in options:
            if not equals:
                value = next(rest, "")
            options[name] = value
        elif word.startswith("-"):
            return None
        else:
            plain.append(word)
    return _question(plain, options["--mode"], options["--output"])


def _question(
    plain: Sequence[str],
    mode: str,
    output: str,
) -> Question | None:
    if mode not in ("password", "creds"):
        return None
    if output not in ("plain", "json"):
        return None
    if len(plain) not in (2, 3):
        return None
    if plain[0] != "get":
        return None
    service = plain[1]
    username = None
    if len(plain) == 3:
        username = plain[2]
    if username is None and mode == "password":
        return None
    return Question(service, username, mode, output)


def _find(question: Question) -> BasicHTTP | None:
    if "://" not in question.service or os.environ.get(ASKING):
        return None
    import logging

    from authshim.lookup.unnamed import ask_basic, make_chain

    logging.basicConfig(format="authshim: %(message)s")
    return ask_basic(make_chain, question.service, question.username)


def _answer(question: Question, found: BasicHTTP) -> str:
    """Return the text that keyring would print."""
    answer = {"password": found.password}
    if question.mode == "creds":
        answer = {"username": found.username, "password": found.password}
    if question.output == "plain":
        lines = [f"{value}\n" for value in answer.values()]
        return "".join(lines)
    import json

    text = json.dumps(answer)
    return f"{text}\n"


def _run_real(
    words: Sequence[str],
    *,
    is_get: bool,
) -> int:
    """Become the real keyring; it must not ask authshim's backend once more."""
    program = find_real(os.environ)
    if program is None:
        if not is_get:
            sys.stderr.write(
                "authshim: there is no keyring command behind this one: pipx install keyring\n"
            )
        return 1
    environ = {**os.environ, ASKING: "1"}
    command = [program, *words]
    if os.name != "nt":
        os.execve(program, command, environ)  # noqa: S606 - a list, and no shell
    import subprocess

    return subprocess.call(command, env=environ)


def find_real(environ: Mapping[str, str]) -> str | None:
    """Return the path of the first ``keyring`` on PATH that is no look-alike."""
    import shutil

    search_path = environ.get("PATH", os.defpath)
    for folder in search_path.split(os.pathsep):
        look_alike = os.path.join(folder, SCRIPT)
        if not os.path.isabs(folder) or os.path.exists(look_alike):
            continue
        program = os.path.join(folder, "keyring")
        found = shutil.which(program)
        if found is not None:
            return found
    return None
