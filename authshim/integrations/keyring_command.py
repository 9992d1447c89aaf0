"""The ``keyring`` that ``authshim run`` puts first on a child's PATH.

It answers ``keyring get`` with what the user keeps. Every other question, and every miss, goes
to the real ``keyring`` behind it on PATH, so that the vendors' backends still answer.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from authshim.integrations import ASKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from authshim.credentials import BasicHTTP

SCRIPT = "authshim_keyring.py"
"""The file that marks a folder of a look-alike, and that its program runs."""

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from authshim.integrations.keyring_command import main
sys.exit(main(sys.argv[1:]))
"""

_POSIX = """\
#!/bin/sh
exec {python} -I -S {script} "$@"
"""

_WINDOWS = """\
@"{python}" -I -S "{script}" %*
"""


class Question(NamedTuple):
    """A question of ``keyring get``."""

    service: str
    username: str | None
    mode: str
    output: str


def main(words: Sequence[str]) -> int:
    """Answer one command and return its exit code."""
    question = read(words)
    found = None
    if question is not None and not os.environ.get(ASKING):
        found = _find(question)
    if question is None or found is None:
        return _run_real(words, is_get=question is not None)
    sys.stdout.buffer.write(_answer(question, found).encode("utf-8"))  # pip and uv read UTF-8
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
            options[name] = value if equals else next(rest, "")
        elif word.startswith("-"):
            return None
        else:
            plain.append(word)
    return _question(plain, options["--mode"], options["--output"])


def _question(plain: Sequence[str], mode: str, output: str) -> Question | None:
    if mode not in ("password", "creds") or output not in ("plain", "json"):
        return None
    if len(plain) not in (2, 3) or plain[0] != "get":
        return None
    username = plain[2] if len(plain) == 3 else None
    if username is None and mode == "password":
        return None
    return Question(plain[1], username, mode, output)


def _find(question: Question) -> BasicHTTP | None:
    if "://" not in question.service:
        return None
    import logging

    from authshim.errors import AuthshimError
    from authshim.lookup.unnamed import find_basic, make_chain

    logging.basicConfig(format="authshim: %(message)s")
    try:
        return find_basic(make_chain(), question.service, question.username)
    except AuthshimError as error:
        logging.getLogger("authshim").warning("%s", error)
    return None


def _answer(question: Question, found: BasicHTTP) -> str:
    """Return the text that keyring would print."""
    answer = {"password": found.password}
    if question.mode == "creds":
        answer = {"username": found.username, "password": found.password}
    if question.output == "plain":
        return "".join(f"{value}\n" for value in answer.values())
    import json

    return f"{json.dumps(answer)}\n"


def _run_real(words: Sequence[str], *, is_get: bool) -> int:
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

    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder) or os.path.exists(os.path.join(folder, SCRIPT)):
            continue
        found = shutil.which(os.path.join(folder, "keyring"))
        if found is not None:
            return found
    return None


def write(folder: str, *, windows: bool = os.name == "nt", launcher: str | None = None) -> str:
    """Write a look-alike into a folder and return the path of its program.

    :param launcher: Windows' own ``authshim.exe``, which is copied, since uv finds no ``.cmd``.
    """
    script = os.path.join(folder, SCRIPT)
    _write_text(script, _PROGRAM.format(path=_import_path()))
    if not windows:
        import shlex

        program = os.path.join(folder, "keyring")
        text = _POSIX.format(python=shlex.quote(sys.executable), script=shlex.quote(script))
        _write_text(program, text)
        os.chmod(program, 0o700)
        return program
    if launcher is None:
        program = os.path.join(folder, "keyring.cmd")
        _write_text(program, _WINDOWS.format(python=sys.executable, script=script))
        return program
    import shutil

    program = os.path.join(folder, "keyring.exe")
    shutil.copyfile(launcher, program)
    return program


def _import_path() -> list[str]:
    """Return the folders that this process imports from, without the current one.

    The program runs isolated: no variable of the child and no folder of its project has a say.
    """
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    others = [folder for folder in sys.path if os.path.isabs(folder) and not _is_current(folder)]
    return list(dict.fromkeys([own, *others]))


def _is_current(folder: str) -> bool:
    try:
        return os.path.samefile(folder, os.curdir)
    except OSError:
        return False


def _write_text(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
