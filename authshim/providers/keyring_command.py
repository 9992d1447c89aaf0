"""The ``keyring`` command, which knows the credentials of package indexes.

It is run as a program, not imported: it often lives in an environment of its own (pipx, pixi
global), with the back ends of cloud services, which print what they like and may wait for a
person. So what it prints is read strictly, and how long it may take is bounded.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError, ProviderError, ProviderMissing
from authshim.providers.base import Provider
from authshim.providers.child_process import run
from authshim.redact import looks_like_token, printable, redact
from authshim.urls import SERVICE, without_userinfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Callable, Union

    from authshim.providers.child_process import Result

    Outcome = Union[BasicHTTP, "_Miss", str]
    """A credential, a miss, or why it is broken: an exception's frames would hold the output."""

ASKING = "AUTHSHIM_ASKING"
"""The variable at which our own backend and look-alike answer nothing: the chain is asking already."""

_ALONE, _WATCHED = 30.0, 300.0
"""Seconds that the command has: a person who is shown a device code needs the longer one."""

_PROBLEMS = 20
"""How many are kept, the newest: what a back end says of a URL often names it, and there may be thousands."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class _Mode:
    """A record of what is known of the command's ``--mode creds``, which came with keyring 25.2.1."""

    is_missing = False
    """Whether the command refused it as a usage error; nothing is asked without a username then."""
    works = False
    """Whether the command gave an answer in it, or a miss that was read to its end."""
    failed = False
    """Whether it failed; from then on the password of a known user is asked for instead."""


class _Miss(NamedTuple):
    """Not here; and what the command said of it, as back ends do of every URL that is not theirs."""

    said: str = ""


def _stderr_is_a_terminal() -> bool:
    return os.isatty(2)  # what a child inherits, whatever sys.stderr is now


class KeyringCommand(Provider):
    """Asks ``keyring get`` for the credential of an index.

    :param command: the words to run; () finds ``keyring`` on the search path, else beside
        this Python.
    :param search_path: as in PATH; None: the child's own.
    :param timeout: in seconds; None: 300 where our stderr is a terminal, which is then
        passed through, else 30.
    :param environ: the child's environment; None: ours. It may hold tokens and is not pickled.
    :param terminal: tells whether somebody reads our stderr.
    """

    name = "keyring command"
    answers = frozenset({SERVICE})

    def __init__(
        self,
        command: Sequence[str] = (),
        *,
        search_path: str | None = None,
        timeout: float | None = None,
        environ: Mapping[str, str] | None = None,
        terminal: Callable[[], bool] = _stderr_is_a_terminal,
        run: Callable[..., Result] = run,
    ) -> None:
        self.command = tuple(command)
        self.search_path = search_path
        self.timeout = timeout
        self.problems: list[str] = []
        self._environ = environ
        self._terminal = terminal
        self._run_child = run
        self._mode = _Mode()

    def find(self, key: str, username: str | None = None) -> BasicHTTP | None:
        """Ask for the credential of ``key``, the URL of an index or ``host[:port]``.

        An older keyring answers only if the username is known. The command is not run for a URL
        or a username that holds a secret: every user of the machine may see its arguments.

        :raises ProviderMissing: there is no such command, or none for a username that looks like a token.
        :raises ProviderError: it failed, did not answer in time, or its answer is no credential.
        """
        if key.startswith("-"):
            return None  # it would be read as an option; no URL and no host begins so
        self._refuse(key, username)
        if redact(key) != key:
            self._note(
                "it is not asked for a URL with a token or a query, since others see what a command is given"
            )
            return None
        if username and looks_like_token(username):
            raise ProviderMissing(
                self.name, "others see its arguments, and the username looks like a token"
            )
        outcome = self._ask(self._program(), key, username or None)
        if isinstance(outcome, str):
            raise ProviderError(self.name, outcome)
        if isinstance(outcome, BasicHTTP):
            return outcome
        if outcome.said:
            self._note(outcome.said)
        return None

    def refresh(self) -> None:
        """Drop what was said of misses; nothing else is kept."""
        self.problems = []

    def __copy__(self) -> KeyringCommand:
        made = type(self).__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_environ": None, "_mode": _Mode(), "problems": []}

    def _note(self, said: str) -> None:
        problem = f"{self.name}: {said}"
        if problem not in self.problems:
            self.problems = [*self.problems[1 - _PROBLEMS :], problem]

    def _refuse(self, key: str, username: str | None) -> None:
        if _CONTROL.search(key) or _CONTROL.search(username or ""):
            raise ProviderError(
                self.name, "it is not asked for a URL or username with a control character"
            )
        if without_userinfo(key) != key:
            raise ProviderError(
                self.name, "it is not asked for a URL that holds a username or password"
            )
        if (username or "").startswith("-"):
            raise ProviderError(
                self.name, "a username that begins with - would be read as an option"
            )

    def _program(self) -> list[str]:
        first, *rest = self.command or ("keyring",)
        if os.path.dirname(first) and not os.path.isabs(first):
            raise ProviderError(
                self.name, f"{first} is relative to the current folder: give its whole path"
            )
        found = _which(first, self._folders(first))
        if found is None and self.command:
            raise ProviderMissing(
                self.name, f"{first} is no program that can be run: give its whole path"
            )
        if found is None:
            raise ProviderMissing(
                self.name, "keyring is neither on PATH nor beside this Python: pipx install keyring"
            )
        return [found, *rest]

    def _folders(self, first: str) -> list[str]:
        if os.path.isabs(first):
            return [os.path.dirname(first)]
        path = (
            self._environment().get("PATH", os.defpath)
            if self.search_path is None
            else self.search_path
        )
        beside = [] if self.command else [os.path.dirname(sys.executable or "")]
        return [*path.split(os.pathsep), *beside]

    def _environment(self) -> dict[str, str]:
        return dict(os.environ if self._environ is None else self._environ)

    def _ask(self, program: list[str], key: str, username: str | None) -> Outcome:
        mode = self._mode
        if mode.failed and username is not None:
            return self._ask_for_password(program, key, username)
        if mode.is_missing:
            return _Miss()
        ended = self._ask_for_credential(program, key, username)
        if not _failed(ended):
            mode.works = True
            return _outcome(ended, _from_json, username)
        is_usage_error = _is_usage_error(ended)
        mode.is_missing = is_usage_error and bool(ended.stderr)
        if username is None:
            return _Miss() if is_usage_error else _outcome(ended, _from_json, username)
        mode.failed = True
        return self._ask_for_password(program, key, username)

    def _ask_for_credential(self, program: list[str], key: str, username: str | None) -> Result:
        asked = [] if username is None else [username]
        command = [*program, "--mode", "creds", "--output", "json", "get", key, *asked]
        watched = self._terminal()
        ended = self._run(command, watched=watched)
        if watched and ended.status == 1 and not self._mode.works:
            # keyring 25.2.0 fails with a traceback, which went to the terminal: a miss has none.
            ended = self._run(command, watched=False)
        return ended

    def _ask_for_password(self, program: list[str], key: str, username: str) -> Outcome:
        ended = self._run([*program, "get", key, username], watched=self._terminal())
        return _outcome(ended, _from_line, username)

    def _run(self, command: list[str], *, watched: bool) -> Result:
        environ = self._environment()
        if not watched:
            # Else Azure's back end opens a browser, or waits for a device code that nobody sees.
            environ.setdefault("ARTIFACTS_KEYRING_NONINTERACTIVE_MODE", "true")
        # On Windows a pipe has the code page's encoding, in which not every password can be written.
        environ.setdefault("PYTHONIOENCODING", "utf-8")
        environ[ASKING] = "1"
        deadline = (_WATCHED if watched else _ALONE) if self.timeout is None else self.timeout
        return self._run_child(command, environ=environ, deadline=deadline, pass_stderr=watched)


def _which(name: str, folders: Sequence[str], *, windows: bool = os.name == "nt") -> str | None:
    """Find a program, never in the current folder.

    On Windows only an ``.exe``: a batch file has its arguments read again by a shell.
    """
    if windows and not name.lower().endswith(".exe"):
        name += ".exe"
    for folder in folders:
        # A whole path: given a bare name, shutil.which looks in Windows' current folder first.
        found = shutil.which(os.path.join(folder, name)) if os.path.isabs(folder) else None
        if found:
            return found
    return None


def _failed(ended: Result) -> bool:
    """Tell if a command ended by itself with neither an answer nor a silent miss."""
    is_silent = not ended.stdout.strip() and not ended.stderr.strip()
    is_miss = ended.status == 1 and is_silent
    return not (ended.stopped or ended.status == 0 or is_miss)


def _is_usage_error(ended: Result) -> bool:
    # Where stderr was passed through there is nothing to read, and argparse's status must do.
    return (
        ended.status == 2
        and not ended.stdout
        and (not ended.stderr or b"usage:" in ended.stderr.lower())
    )


def _outcome(
    ended: Result, read: Callable[[str, str | None], Outcome], username: str | None
) -> Outcome:
    if ended.stopped:
        return ended.stopped
    stdout = ended.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    if ended.status == 0:
        return read(stdout, username)
    is_miss = ended.status == 1 and not ended.stdout.strip()
    if is_miss and not ended.stderr.strip():
        return _Miss()
    how = (
        f"was ended by signal {-ended.status}"
        if ended.status < 0
        else f"failed with status {ended.status}"
    )
    line = _last_line(ended.stderr.decode("utf-8", "replace"), stdout)
    said = f"it {how}: {line}" if line else f"it {how}"
    return _Miss(said) if is_miss else said


def _from_json(stdout: str, username: str | None) -> Outcome:
    """Read the answer; back ends print notices before it (microsoft/artifacts-keyring#73), so the last line will do."""
    answer = _object(stdout) or _object(_lines(stdout)[-1])
    if answer is None or not isinstance(answer.get("password"), str):
        return "it printed something that is no credential"
    found = username if answer.get("username") is None else answer["username"]
    return (
        "it gave a password without a username"
        if found is None
        else _basic(found, answer["password"])
    )


def _from_line(stdout: str, username: str | None) -> Outcome:
    """Take the last line: the password is printed last, and one with a line break could not be sent anyway."""
    *before, password = stdout[: -1 if stdout.endswith("\n") else None].split("\n")
    if username is None or not stdout or (before and not password):
        return "it printed something that is no credential"
    return _basic(username, password)


def _basic(username: Any, password: str) -> Outcome:
    if "\ufffd" in password:
        return "its answer is not in UTF-8"
    try:
        return BasicHTTP(username, password)
    except CredentialError as error:
        return f"its answer cannot be sent: {error}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()] or [""]


def _last_line(stderr: str, stdout: str) -> str:
    """Return the last line of stderr, without what stdout held, for a person."""
    line = _lines(stderr)[-1]
    if len(line) > 2000:
        line = line[:2000].rpartition(" ")[0]  # half a URL could not be redacted
    for told in sorted(_told(stdout), key=len, reverse=True):
        line = line.replace(told, "****")
    line = re.sub(
        r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+",
        lambda url: redact(without_userinfo(url.group())),
        line,
    )
    line = re.sub(r"(?i)\b(basic|bearer)\s+\S+", r"\1 ****", line)
    return printable(_CONTROL.sub("?", line)[:200])


def _told(stdout: str) -> set[str]:
    """Return what stdout tells: its lines, and what stands between two quotes, in JSON that cannot be read perhaps."""
    quoted = [
        _unescaped(text) for line in _lines(stdout) for text in re.findall(r'(?:[^"\\]|\\.)+', line)
    ]
    return {text for text in (*_lines(stdout), *quoted) if text.strip(" ,:{}[]")} - {
        "username",
        "password",
    }


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
