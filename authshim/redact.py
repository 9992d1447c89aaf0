"""The forms in which URLs, usernames and keys may be shown, without their secrets.

Some services take a token as the username, with an empty password or none. Such a name is shown as
``****``, and is no argument of another process. Any other name is shown.
"""

from __future__ import annotations

import re

MASK = "****"
"""The text that replaces a secret."""

_PREFIXES = (
    "pypi-",
    # GitHub; https://docs.github.com/en/authentication, "About authentication to GitHub"
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    # GitLab; https://docs.gitlab.com/security/tokens/, "Token prefixes"
    "glpat-",
    "gldt-",
    "glcbt-",
    "glptt-",
    "glft-",
    "glrt-",
    "glsoat-",
    "glagent-",
    "gloas-",
    "glimt-",
    # Hugging Face, prefix.dev, npm, Docker Hub
    "hf_",
    "pfx_",
    "npm_",
    "dckr_pat_",
)
"""The prefixes by which vendors mark their tokens."""

_ORDINARY_NAME = r"[@.+$\\:]|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z"
"""A GUID, or a character of names (``ada@h.example``, ``gitlab+deploy-token-1``) but no token."""

_HEXADECIMAL = r"[0-9A-Fa-f]{32,}"
_MIXED = r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{20,}"


def looks_like_token(name: str) -> bool:
    """Return True if a username is probably a token.

    1. It begins with a vendor's prefix.
    2. Or it has at least 32 characters, which all are hexadecimal digits.
    3. Or it has at least 20 letters, digits, ``-`` and ``_``, among them a digit, a lower-case and
       an upper-case letter.

    >>> looks_like_token("glpat-x"), looks_like_token("ada")
    (True, False)
    """
    if re.search(_ORDINARY_NAME, name):
        return False
    if name.startswith(_PREFIXES):
        return True
    if re.fullmatch(_HEXADECIMAL, name):
        return True
    return re.fullmatch(_MIXED, name) is not None


def shown_user(name: str) -> str:
    """Return the username, or ``****`` if it looks like a token."""
    if looks_like_token(name):
        return MASK
    return name


_UNFILLED = (
    r"\$\{\w+\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|<[^<>]+>|\{[\w-]+\}|\*{3,}"
    r"|(?i:your[-_ ][\w -]*(?:token|password|secret|key|username|name)(?:[-_ ]here)?)"
)
"""The placeholders of shells, of templates and of documentation."""


def is_unfilled(value: str) -> bool:
    """Return True if a username, password or token is only a placeholder.

    >>> is_unfilled("${TOKEN}"), is_unfilled("<your-token>"), is_unfilled("pa$$word")
    (True, True, False)
    """
    return re.fullmatch(_UNFILLED, value) is not None


CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""A control character, which may stand in no header, URL or argument."""

SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
"""A character that may not stand in a URL."""

MAX_SHOWN_CHARACTERS = 200
"""The number of characters of a name that a message shows."""

# Each pattern stops at the next slash, so that it is linear in the length of the URL.
_USERINFO = r"://([^/?#\\]*)@"
_ODD_PORT = r"://(?:\[[^]/?#\\@]*\]|[^/?#\\:@[]*):(?![0-9]*(?:[/?#\\]|$))"
"""A host and a colon without a port. Before an ``@`` it is a password with a slash, perhaps."""

_CONDA_SEGMENT = r"(?<=/t/)[^/?#]+"
_QUERY = r"(?s)([?#]).*"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"
_HOST_AND_ODD_PORT = r"^([A-Za-z0-9+.-]+://[^/?#:\[]*):(?![0-9]+(?:[/?#]|$))[^/?#]*"


def redact(url: str) -> str:
    """Return a URL without its password, ``/t/TOKEN`` and query.

    >>> redact("https://ada:lovelace@h.example/t/tk-1/c?sig=1")
    'https://****@h.example/t/****/c?****'
    >>> redact("https://ada@h.example/simple/")
    'https://ada@h.example/simple/'
    >>> redact("https://ada:love/lace@h.example/")
    'https://****@h.example/'
    >>> redact("https://glpat-1@h.example/simple/")
    'https://****@h.example/simple/'
    """
    url = re.sub(_USERINFO, lambda match: f"://{_shown_userinfo(match[1])}@", url)
    odd_port = re.search(_ODD_PORT, url[: url.rfind("@") + 1])
    if odd_port:
        _, behind = split_at_sign(url[odd_port.end() :])
        url = f"{url[: odd_port.start()]}://{MASK}@{behind}"
    url = re.sub(_CONDA_SEGMENT, MASK, url)
    url = re.sub(_QUERY, rf"\1{MASK}", url)
    return printable(SPACE_OR_CONTROL.sub("?", url))


def _shown_userinfo(userinfo: str) -> str:
    """Return the userinfo of a URL if it is a username that is no token, else ``****``."""
    if ":" in userinfo:
        return MASK
    from urllib.parse import unquote

    if looks_like_token(unquote(userinfo)):
        return MASK
    return userinfo


def printable(text: str) -> str:
    r"""Return a text with escapes for characters that a terminal may not show.

    >>> print(printable("caf\u00e9 \x1b[2J"))
    café \x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def shorten(text: str) -> str:
    """Return a name from a file, cut and escaped for a message."""
    if len(text) > MAX_SHOWN_CHARACTERS:
        text = f"{text[:MAX_SHOWN_CHARACTERS]}..."
    return printable(text)


def redact_key(key: str) -> str:
    """Return a written key for a message. It may be a URL with a password.

    >>> redact_key("https://ada:lovelace@h.example")
    '****@h.example'
    """
    before, behind = split_at_sign(key)
    if before:
        behind = f"{MASK}@{behind}"
    return shorten(redact(behind))


def split_at_sign(text: str) -> tuple[str, str]:
    """Return a text up to its last ``@``, and the rest, which is ``****`` if it may be a query."""
    before, at, behind = text.rpartition("@")
    if re.search("[?#]", before):
        behind = MASK
    return before + at, behind


def redact_invalid(url: str) -> str:
    """Return a URL that cannot be parsed, without its part before the last ``@`` and its port.

    A number is shown as the port.
    """
    before, behind = split_at_sign(url)
    if before:
        scheme = re.match(_SCHEME, before)
        url = f"{MASK}@{behind}"
        if scheme:
            url = scheme.group() + url
    return shorten(re.sub(_HOST_AND_ODD_PORT, rf"\1:{MASK}", redact(url)))
