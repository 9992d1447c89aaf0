"""The ``keyring`` command, which knows the credentials of package indexes.

It is a program and not imported, since it is often installed in its own environment (pipx, pixi
global) with the back ends of cloud services. They may wait for a person, so the command has a
deadline.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.base import KEYRING_COMMAND, Provider
from authshim.providers.keyring_answer import (
    Miss,
    is_failure,
    is_usage_error,
    read_json,
    read_password,
)
from authshim.providers.keyring_program import find_program
from authshim.redact import looks_like_token, redact
from authshim.urls import SERVICE, without_userinfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Callable

    from authshim.providers.child_process import Result
    from authshim.providers.keyring_answer import Outcome

ASKING = "AUTHSHIM_ASKING"
"""A variable of the child: the chain is asking, so authshim's own keyring backend does not."""

MAX_KEYRING_SECONDS = 30.0
"""The deadline if nobody watches the command."""

MAX_WATCHED_SECONDS = 300.0
"""The deadline if a person may have to enter a device code."""

_MAX_PROBLEMS = 20
"""The number of newest problems that are kept. There may be one for each URL."""


class _CredsMode:
    """The state of ``--mode creds``, which came with keyring 25.2.1."""

    is_missing = False
    """True after a usage error. Then the command is not run without a username."""
    works = False
    """True after an answer, or after a miss whose stderr was read."""
    failed = False
    """True after a failure. Then the password of a known user is asked for instead."""


def _stderr_is_a_terminal() -> bool:
    return os.isatty(2)  # The child inherits the descriptor, not sys.stderr.


def _run_child(command: list[str], **options: Any) -> Result:
    from authshim.providers.child_process import run  # most programs need no child process

    return run(command, **options)


class KeyringCommand(Provider):
    """A provider that runs ``keyring get`` for the credential of an index.

    :param command: the words to run. Without words ``keyring`` is searched on PATH, then beside
        this Python.
    :param search_path: replaces the PATH of the child.
    :param timeout: in seconds. The default is 300 if our stderr is a terminal, else 30.
    :param environ: the environment of the child, by default ours. It may hold tokens, so it is
        not pickled.
    :param terminal: returns True if our stderr is a terminal. Then the child writes to it.
    """

    name = KEYRING_COMMAND
    kind = KEYRING_COMMAND
    answers = frozenset({SERVICE})

    def __init__(
        self,
        command: Sequence[str] = (),
        *,
        search_path: str | None = None,
        timeout: float | None = None,
        environ: Mapping[str, str] | None = None,
        terminal: Callable[[], bool] = _stderr_is_a_terminal,
        run: Callable[..., Result] = _run_child,
    ) -> None:
        self.command = tuple(command)
        self.search_path = search_path
        self.timeout = timeout
        self.problems: list[str] = []
        self._environ = environ
        self._terminal = terminal
        self._run_child = run
        self._mode = _CredsMode()

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> BasicHTTP | None:
        """Return the credential of ``key``, which is the URL of an index or ``host[:port]``.

        A keyring before 25.2.1 answers only if the username is known. The command is not run for a
        URL or a username that holds a secret: every user of the machine can see its arguments.

        :raises ProviderMissing: there is no such command, or the username looks like a token.
        :raises ProviderError: it failed, did not answer in time, or its answer is no credential.
        """
        # No URL and no host begins with a dash. The command would take it for an option.
        if key.startswith("-"):
            return None
        self._check_arguments(key, username)
        if redact(key) != key:
            self._note(
                "it is not asked for a URL with a token or a query, "
                "since others see what a command is given"
            )
            return None
        if looks_like_token(username or ""):
            raise ProviderMissing(
                self.name, "others see its arguments, and the username looks like a token"
            )
        program = find_program(self.command, self._path())
        outcome = self._ask(program, key, username or None)
        return self._credential_of(outcome)

    def _credential_of(self, outcome: Outcome) -> BasicHTTP | None:
        if isinstance(outcome, str):
            raise ProviderError(self.name, outcome)
        if isinstance(outcome, BasicHTTP):
            return outcome
        if outcome.reason:
            self._note(outcome.reason)
        return None

    def refresh(self) -> None:
        """Forget the problems."""
        self.problems = []

    def __copy__(self) -> KeyringCommand:
        made = type(self).__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {
            **vars(self),
            "_environ": None,
            "_mode": _CredsMode(),
            "problems": [],
        }

    def _note(self, problem: str) -> None:
        sentence = f"{self.name}: {problem}"
        if sentence not in self.problems:
            newest = self.problems[1 - _MAX_PROBLEMS :]
            self.problems = [*newest, sentence]

    def _check_arguments(self, key: str, username: str | None) -> None:
        name = username or ""
        are_printable = key.isprintable() and name.isprintable()
        if not are_printable:
            raise ProviderError(
                self.name, "it is not asked for a URL or username that cannot be printed"
            )
        if without_userinfo(key) != key:
            raise ProviderError(
                self.name, "it is not asked for a URL that holds a username or password"
            )
        if name.startswith("-"):
            raise ProviderError(
                self.name, "a username that begins with - would be read as an option"
            )

    def _path(self) -> str:
        """Return the folders in which the program is searched."""
        if self.search_path is not None:
            return self.search_path
        environ = self._environment()
        return environ.get("PATH", os.defpath)

    def _environment(self) -> dict[str, str]:
        if self._environ is None:
            return dict(os.environ)
        return dict(self._environ)

    def _ask(
        self,
        program: list[str],
        key: str,
        username: str | None,
    ) -> Outcome:
        mode = self._mode
        if mode.failed and username is not None:
            return self._ask_for_password(program, key, username)
        if mode.is_missing:
            return Miss()
        result = self._ask_for_credential(program, key, username)
        if not is_failure(result):
            mode.works = True
            return read_json(result, username)
        is_refused = is_usage_error(result)
        mode.is_missing = is_refused and bool(result.stderr)
        if username is not None:
            mode.failed = True
            return self._ask_for_password(program, key, username)
        if is_refused:
            return Miss()
        return read_json(result, username)

    def _ask_for_credential(
        self,
        program: list[str],
        key: str,
        username: str | None,
    ) -> Result:
        options = ["--mode", "creds", "--output", "json"]
        command = [*program, *options, "get", key]
        if username is not None:
            command.append(username)
        watched = self._terminal()
        result = self._run(command, watched=watched)
        if watched and result.status == 1 and not self._mode.works:
            # The status is 1 for a miss and for the traceback of keyring 25.2.0. Only the stderr,
            # which went to the terminal, tells them apart.
            result = self._run(command, watched=False)
        return result

    def _ask_for_password(
        self,
        program: list[str],
        key: str,
        username: str,
    ) -> Outcome:
        command = [*program, "get", key, username]
        result = self._run(command, watched=self._terminal())
        return read_password(result, username)

    def _run(self, command: list[str], *, watched: bool) -> Result:
        environ = self._environment()
        if not watched:
            # Azure's back end would open a browser, or wait for a device code that nobody sees.
            environ.setdefault("ARTIFACTS_KEYRING_NONINTERACTIVE_MODE", "true")
        # The code page of a Windows pipe cannot encode every password.
        environ.setdefault("PYTHONIOENCODING", "utf-8")
        environ[ASKING] = "1"
        return self._run_child(
            command,
            environ=environ,
            deadline=self._deadline(watched),
            pass_stderr=watched,
        )

    def _deadline(self, watched: bool) -> float:
        if self.timeout is not None:
            return self.timeout
        if watched:
            return MAX_WATCHED_SECONDS
        return MAX_KEYRING_SECONDS
