"""A reader of the answers of the ``keyring`` command.

Back ends of cloud services print what they like. So an answer is read strictly, and a failure is
described by one line without the text of stdout, which may hold the password.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Union

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError
from authshim.redact import CONTROL, MASK, printable, redact, shown_user
from authshim.urls import without_userinfo

if TYPE_CHECKING:
    from authshim.providers.child_process import Result

MAX_LINE_CHARACTERS = 2000
"""A longer line of stderr is cut before its URLs are redacted."""

MAX_REASON_CHARACTERS = 200
"""The length of the line of stderr that a message shows."""

_NO_USERNAME = "__poetry_source_empty_username__"
"""The username under which poetry keeps the password of a source without one."""

_NO_CREDENTIAL = "it printed something that is no credential"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_QUOTED = re.compile(r'(?:[^"\\]|\\.)+')
_PUNCTUATION = " ,:{}[]"
_HEADER = re.compile(r"(?i)\b(basic|bearer)\s+\S+")
_ASSIGNED = re.compile(r"(?i)((?:token|password|secret)\s*=\s*)\S+")
_LONG_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")


class Miss(NamedTuple):
    """An answer without a credential, and the last line that the command printed to stderr."""

    reason: str = ""


Outcome = Union[BasicHTTP, Miss, str]
"""A credential, a miss, or the reason of a failure.

A failure is no exception, because its frames would hold the output.
"""


def is_failure(result: Result) -> bool:
    """Return True if the command ended by itself with neither an answer nor a silent miss."""
    if result.stopped or result.status == 0:
        return False
    if result.status != 1:
        return True
    output = result.stdout.strip() or result.stderr.strip()
    return bool(output)


def is_usage_error(result: Result) -> bool:
    """Return True if the command does not know the arguments.

    The stderr is empty if it was passed to the terminal. Then the status of argparse decides.
    """
    if result.status != 2 or result.stdout:
        return False
    if not result.stderr:
        return True
    return b"usage:" in result.stderr.lower()


def read_json(result: Result, username: str | None) -> Outcome:
    """Return the credential that ``--mode creds --output json`` printed."""
    return _read(result, username, _from_json)


def read_password(result: Result, username: str) -> Outcome:
    """Return the credential whose password ``keyring get URL USER`` printed."""
    return _read(result, username, _from_line)


def _read(
    result: Result,
    username: str | None,
    read: Callable[[str, str | None], Outcome],
) -> Outcome:
    if result.stopped:
        return result.stopped
    stdout = _text(result.stdout)
    if result.status == 0:
        return read(stdout, username)
    is_silent = not result.stdout.strip()
    is_miss = result.status == 1 and is_silent
    if is_miss and not result.stderr.strip():
        return Miss()
    reason = _reason(result, stdout)
    if is_miss:
        return Miss(reason)
    return reason


def _text(output: bytes) -> str:
    """Return the text of an output, with the line ends of Unix."""
    text = output.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _reason(result: Result, stdout: str) -> str:
    reason = f"it failed with status {result.status}"
    if result.status < 0:
        reason = f"it was ended by signal {-result.status}"
    stderr = result.stderr.decode("utf-8", "replace")
    line = _last_line(stderr, stdout)
    if line:
        reason = f"{reason}: {line}"
    return reason


def _from_json(stdout: str, username: str | None) -> Outcome:
    answer = _object(stdout)
    if not answer:
        # Back ends print notices before the answer (microsoft/artifacts-keyring#73).
        *_, last_line = _lines(stdout)
        answer = _object(last_line)
    if answer is None:
        return _NO_CREDENTIAL
    password = answer.get("password")
    if not isinstance(password, str):
        return _NO_CREDENTIAL
    found = answer.get("username")
    if found is None:
        found = username
    if found is None:
        return "it gave a password without a username"
    return _basic(found, password)


def _from_line(stdout: str, username: str | None) -> Outcome:
    # Notices come before the password. A password with a line break could not be sent.
    text = stdout
    if text.endswith("\n"):
        text = text[:-1]
    *notices, password = text.split("\n")
    has_notices_only = notices and not password
    if username is None or not stdout or has_notices_only:
        return _NO_CREDENTIAL
    return _basic(username, password)


def _basic(username: Any, password: str) -> Outcome:
    if "\ufffd" in password:
        return "its answer is not in UTF-8"
    if username == _NO_USERNAME:
        username = ""
    try:
        return BasicHTTP(username, password)
    except CredentialError as error:
        return f"its answer cannot be sent: {error}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return found


def _lines(text: str) -> list[str]:
    """Return the lines that are not blank, or one empty line."""
    stripped = [line.strip() for line in text.split("\n")]
    filled = [line for line in stripped if line]
    if not filled:
        return [""]
    return filled


def _last_line(stderr: str, stdout: str) -> str:
    """Return the last line of stderr without the text of stdout, secrets and control characters."""
    *_, line = _lines(stderr)
    if len(line) > MAX_LINE_CHARACTERS:
        beginning = line[:MAX_LINE_CHARACTERS]
        # Half a URL could not be redacted.
        line, _, _ = beginning.rpartition(" ")
    secrets = list(_possible_secrets(stdout))
    # A secret may be a part of a longer one.
    secrets.sort(key=len, reverse=True)
    for secret in secrets:
        line = line.replace(secret, MASK)
    line = _URL.sub(_redacted, line)
    line = _HEADER.sub(rf"\1 {MASK}", line)
    line = _ASSIGNED.sub(rf"\1{MASK}", line)
    line = _LONG_WORD.sub(_without_token, line)
    line = CONTROL.sub("?", line)
    return printable(line[:MAX_REASON_CHARACTERS])


def _redacted(url: re.Match[str]) -> str:
    bare = without_userinfo(url.group())
    return redact(bare)


def _without_token(word: re.Match[str]) -> str:
    return shown_user(word.group())


def _possible_secrets(stdout: str) -> set[str]:
    """Return the lines of stdout and the texts between quotes, even of JSON that is broken."""
    lines = _lines(stdout)
    texts = set(lines)
    for line in lines:
        for quoted in _QUOTED.findall(line):
            unescaped = _unescaped(quoted)
            texts.add(unescaped)
    texts -= {"username", "password"}
    return {text for text in texts if text.strip(_PUNCTUATION)}


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
