"""Remove what was added to a request from texts, exceptions and logs, for every HTTP client.

A header is in the frames of an exception. A conda token is in the URL, and so also in the texts
of the client and in the answer of the server. Only this very token is removed, never a text of
the caller.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from authshim.credentials import CondaToken
from authshim.secret import SecretHolder, related_exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from authshim.credentials import Credential

SHOWN = "****"

MIN_TOKEN_CHARACTERS = 6
"""The shortest token that is removed from any text; a shorter one is in common words."""


class Censor(SecretHolder):
    """A filter that removes one token from texts, however it is percent-encoded there."""

    __slots__ = ("_segment", "_token")

    def __init__(self, token: CondaToken) -> None:
        # The server may have decoded an escape of the token, or have encoded a text once more.
        plain = unquote_to_bytes(token.token).decode("latin-1")
        written = "".join(_pattern(char) for char in plain)
        slash = _pattern("/")
        end = r"(?=[/?#&;,\s\"'<>]|%(?:25)*2[Ff]|$)"
        self._segment = re.compile(f"{slash}t{slash}{written}{end}")
        self._token: re.Pattern[str] | None = None
        if len(plain) >= MIN_TOKEN_CHARACTERS:
            self._token = re.compile(written)

    def remove(self, text: str) -> str:
        """Return ``text`` without ``/t/TOKEN``, and with ``****`` for the token alone."""
        text = self._segment.sub("", text)
        return self._mask_token(text)

    def mask(self, value: Any) -> Any:
        """Return a text or a list of texts with ``****`` for the token, and other values as is."""
        if isinstance(value, list):
            return [self.mask(item) for item in value]
        if not isinstance(value, str):
            return value
        value = self._segment.sub(f"/t/{SHOWN}", value)
        return self._mask_token(value)

    def _mask_token(self, text: str) -> str:
        if self._token is None:
            return text
        return self._token.sub(SHOWN, text)


def _pattern(char: str) -> str:
    """Return a pattern of a character, percent-encoded any number of times."""
    return f"(?:{re.escape(char)}|%(?:25)*(?i:{ord(char):02x}))"


def censors(credentials: Iterable[Credential | None]) -> list[Censor]:
    """Return the filters for those of the credentials that are sent in the URL."""
    return [Censor(each) for each in credentials if isinstance(each, CondaToken)]


def clean_exception(
    error: BaseException,
    credentials: Iterable[Credential],
    outer: BaseException | None = None,
) -> list[BaseException]:
    """Remove the frames and the tokens of an exception and of its causes, and return all of them.

    :param outer: the exception that the caller is handling. It stays whole, though Python makes
        it the context.
    """
    filters = censors(credentials)
    parts = list(related_exceptions(error, outer))
    for part in parts:
        part.__traceback__ = None
        for censor in filters:
            _mask_attributes(part, censor)
    return parts


def _mask_attributes(error: BaseException, censor: Censor) -> None:
    args = [censor.mask(arg) for arg in error.args]
    error.args = tuple(args)
    masked = {}
    for name, value in vars(error).items():
        masked[name] = censor.mask(value)
    vars(error).update(masked)


def cleaned(error: BaseException, credentials: Iterable[Credential]) -> BaseException:
    """Return an exception without the credentials that were tried until then.

    It is called behind "except", so that no frame from below is hung on again.
    """
    clean_exception(error, credentials, sys.exc_info()[1])
    return error


class _RequestLines(logging.Filter):
    """A filter that shows ``/t/****`` for ``/t/TOKEN`` in the log of an HTTP client."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        shown = re.sub(r"/t/[^/?#\s]+", f"/t/{SHOWN}", text)
        if shown != text:
            # An argument may be an object that remembers the URL.
            record.msg = shown
            record.args = ()
            record.exc_info = None
            record.exc_text = None
        return True


_request_lines = _RequestLines()


def hide_request_lines(*loggers: str) -> None:
    """Keep tokens in URLs out of these loggers; a second call changes nothing."""
    for name in loggers:
        logging.getLogger(name).addFilter(_request_lines)
