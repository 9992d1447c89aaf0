"""The completion scripts in real shells: a test begins a word, presses Tab and reads the line."""

from __future__ import annotations

import argparse
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import needs
import pytest

from authshim.cli import _parser, main

DEADLINE_SECONDS = 60
READY = "ready"
CTRL_A, TAB = "\x01", "\t"

LINES = [
    ("authshim expl", "authshim explain"),
    ("authshim auth logi", "authshim auth login"),
    ("authshim check --mani", "authshim check --manifest-path"),
    ("authshim auth login --oauth-f", "authshim auth login --oauth-flow"),
    ("authshim auth token --hea", "authshim auth token --header"),
]

pytestmark = pytest.mark.interop


class Shell:
    """An interactive shell at a terminal."""

    def __init__(self, words: list[str]) -> None:
        self._terminal, inner = pty.openpty()
        environ = {**os.environ, "TERM": "dumb", "PS1": "", "INPUTRC": os.devnull}
        self._process = subprocess.Popen(
            words, stdin=inner, stdout=inner, stderr=inner, env=environ, start_new_session=True
        )
        os.close(inner)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def read_until(self, end: str) -> str:
        """Return what is printed, up to a text that has to come in time."""
        printed, until = "", time.monotonic() + DEADLINE_SECONDS
        while end not in printed:
            ready, _, _ = select.select([self._terminal], [], [], until - time.monotonic())
            assert ready, printed
            printed += os.read(self._terminal, 65536).decode(errors="replace")
        return printed

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._terminal)


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Path:
    """The completion script of a shell, as a file."""
    assert main(["completion", request.param]) == 0
    path = Path(f"completion.{request.param}")
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    return path


def complete(shell: Shell, begun: str) -> None:
    """Press Tab behind a line, and let the shell print the line instead of running it."""
    shell.type(f"echo {READY[:2]}''{READY[2:]}\n")
    shell.read_until(READY)
    shell.type(f"{begun}{TAB}{CTRL_A}echo '>' \n")


@pytest.mark.parametrize(("begun", "completed"), LINES)
@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_completes_a_line(script: Path, begun: str, completed: str) -> None:
    shell = Shell([needs.program("bash", "bash"), "--norc", "--noprofile", "-i"])
    try:
        shell.type(f"source {script}\n")
        complete(shell, begun)
        shell.read_until(f"> {completed}")
    finally:
        shell.end()


@pytest.mark.parametrize(("begun", "completed"), LINES)
@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_completes_a_line(script: Path, begun: str, completed: str) -> None:
    script.rename("_authshim")
    shell = Shell([needs.program("zsh", "zsh"), "-f", "-i"])
    try:
        shell.type("fpath=($PWD $fpath); autoload -U compinit; compinit -u; bindkey -e\n")
        complete(shell, begun)
        shell.read_until(f"> {completed}")
    finally:
        shell.end()


@pytest.mark.parametrize(("begun", "completed"), LINES)
@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_completes_a_line(script: Path, begun: str, completed: str) -> None:
    assert completed.rsplit(maxsplit=1)[-1] in offered_by_fish(script, begun)


@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish_offers_each_command_and_option(script: Path) -> None:
    missing = {
        f"{command} {word}"
        for command, words in words_of(_parser()).items()
        for word in words
        - offered_by_fish(script, f"{command} ")
        - offered_by_fish(script, f"{command} -")
    }
    assert missing == set()


def words_of(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    """Return the commands and long options that each command takes, by its name as typed."""
    words: dict[str, set[str]] = {parser.prog: set()}
    for action in parser._actions:
        words[parser.prog] |= {word for word in action.option_strings if word.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            words[parser.prog] |= set(action.choices)
            for below in action.choices.values():
                words.update(words_of(below))
    return words


def offered_by_fish(script: Path, begun: str) -> set[str]:
    """Return the words that fish offers behind a line."""
    fish = needs.program("fish", "fish")
    asked = f"source {script}; complete --do-complete '{begun}'"
    done = subprocess.run([fish, "--no-config", "-c", asked], check=True, capture_output=True)
    return {line.split("\t")[0] for line in done.stdout.decode().splitlines()}
