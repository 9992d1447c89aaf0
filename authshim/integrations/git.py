"""The credential helper of git: ``git-credential-authshim``.

git starts it for each host whose ``credential.https://HOST.helper`` names ``authshim``.
``get`` answers from the user's own stores. ``store`` and ``erase`` change nothing.

git hands a password that worked to every helper in its list. So the helper warns if another
one would store it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.credentials import Credential

MAX_QUESTION_BYTES = 65536
"""The longest question that is read; git's own are a few hundred bytes."""


class Question(NamedTuple):
    """A question of git."""

    scheme: str
    host: str
    path: str
    username: str | None
    takes_authtype: bool
    """git 2.46 and later send a header of any scheme."""

    @property
    def url(self) -> str:
        """The URL that git connects to."""
        from urllib.parse import quote

        path = quote(self.path, safe="/:@!$&'()*+,;=~")
        return f"{self.scheme}://{self.host}/{path}"


def main(words: Sequence[str] | None = None) -> int:
    """Answer one question of git and return the exit code."""
    if words is None:
        words = sys.argv[1:]
    if list(words) != ["get"]:
        return 0
    data = sys.stdin.buffer.read(MAX_QUESTION_BYTES + 1)
    question = read(data)
    if question is None:
        return 0
    lines = [f"{line}\n" for line in _answer(question)]
    sys.stdout.buffer.write("".join(lines).encode())
    sys.stdout.buffer.flush()
    return 0


def read(data: bytes) -> Question | None:
    """Return the question in git's input, or None if it has no answer."""
    lines = _lines(data)
    values = dict(line.split("=", 1) for line in lines)
    host = values.get("host", "")
    # git decodes the host: a slash in it would make another host of the URL.
    if not host or re.search(r"[\s/\\@?#%]", host):
        return None
    return Question(
        scheme=values.get("protocol", ""),
        host=host,
        path=values.get("path", ""),
        username=values.get("username"),
        takes_authtype="capability[]=authtype" in lines,
    )


def _lines(data: bytes) -> list[str]:
    """Return the lines ``name=value`` of git's input, or none if it cannot be read."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return []
    if len(data) > MAX_QUESTION_BYTES or re.search("[\0\r]", text):
        return []
    return [line for line in text.split("\n") if "=" in line]


def _answer(question: Question) -> Iterator[str]:
    """Yield the lines of the answer, or none if there is no credential."""
    from authshim.integrations.git_config import warn_of_storing
    from authshim.lookup.unnamed import as_basic, token_of

    credential = _find(question)
    if credential is None:
        return
    token = token_of(credential)
    if token is not None and question.takes_authtype:
        yield "capability[]=authtype"
        yield "authtype=Bearer"
        yield f"credential={token}"
        yield "ephemeral=1"
        return
    basic = as_basic(credential, question.username)
    if basic is None:
        return
    warn_of_storing(question.scheme, question.host)
    yield f"username={basic.username}"
    yield f"password={basic.password}"


def _find(question: Question) -> Credential | None:
    import logging

    from authshim.lookup.unnamed import ask, make_chain

    logging.basicConfig(format="authshim: %(message)s")
    return ask(make_chain, question.url, question.username)
