"""A test for usernames that are tokens, and the form in which a username may be shown.

Some services take a token as the username, with an empty password or none. Such a name is shown as ``****``, and is
no argument of another process. Any other name is spoken.
"""

from __future__ import annotations

import re

MASK = "****"
"""The text that is shown in place of a secret."""

_PREFIXES = (
    "pypi-",
    # GitHub; https://docs.github.com/en/authentication, "About authentication to GitHub"
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    # GitLab; https://docs.gitlab.com/security/tokens/, "Token prefixes"
    *(
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
    ),
    # Hugging Face, prefix.dev, npm, Docker Hub
    *("hf_", "pfx_", "npm_", "dckr_pat_"),
)
"""The beginnings of the tokens of vendors that mark them."""

_NO_TOKEN = re.compile(r"[@.+$\\:]|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
"""Characters that are in no token but in names (``ada@h.example``, ``gitlab+deploy-token-1``), and a GUID."""

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{32,}\Z")
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{20,}\Z")


def looks_like_token(name: str) -> bool:
    """Tell if a username is probably a token.

    It is one if it begins with a vendor's known prefix. It is one, too, if it has 32 or more characters that are all
    hexadecimal digits, or 20 or more letters, digits, ``-`` and ``_`` with a digit, a lower- and an upper-case letter.

    >>> looks_like_token("glpat-x"), looks_like_token("ada"), looks_like_token("gitlab+deploy-token-1")
    (True, False, False)
    """
    if _NO_TOKEN.search(name):
        return False
    return bool(name.startswith(_PREFIXES) or _HEXADECIMAL.match(name) or _MIXED.match(name))


def shown_user(name: str) -> str:
    """Return a username as it may be shown: ``****`` if it looks like a token."""
    return MASK if looks_like_token(name) else name


_UNFILLED = re.compile(
    r"\$\{\w+\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|<[^<>]+>|\{[\w-]+\}|\*{3,}"
    r"|(?i:your[-_ ][\w -]*(?:token|password|secret|key|username|name)(?:[-_ ]here)?)"
)
"""The placeholders of shells, of templates and of documentation."""


def is_unfilled(value: str) -> bool:
    """Tell if a username, password or token is only a placeholder.

    >>> is_unfilled("${TOKEN}"), is_unfilled("<your-token>"), is_unfilled("pa$$word")
    (True, True, False)
    """
    return _UNFILLED.fullmatch(value) is not None


CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""A control character, which may stand in no header, URL or argument."""

SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
"""A character that may not stand in a URL."""

MAX_SHOWN_CHARACTERS = 200
"""Characters of a name that a message shows at most."""


def redact(url: str) -> str:
    """Return what may be shown of a URL: no password, no ``/t/TOKEN``, no query.

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
    slashed = re.search(_NO_PORT, url[: url.rfind("@") + 1])
    if slashed:
        url = f"{url[: slashed.start()]}://****@{parted_at(url[slashed.end() :])[1]}"
    url = re.sub(r"(?<=/t/)[^/?#]+", "****", url)
    url = re.sub(r"[?#].*", lambda rest: rest.group()[0] + "****", url, flags=re.DOTALL)
    return printable(SPACE_OR_CONTROL.sub("?", url))


def _shown_userinfo(userinfo: str) -> str:
    """Return what may be shown before the ``@`` of a URL: a username alone, if it is no token."""
    if ":" in userinfo:
        return MASK
    from urllib.parse import unquote

    is_token = looks_like_token(unquote(userinfo))
    return MASK if is_token else userinfo


def printable(text: str) -> str:
    r"""Return a text as one line that any terminal shows as it is; the rest is escaped.

    >>> print(printable("caf\u00e9 \x1b[2J"))
    café \x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shorten(text: str) -> str:
    """Return what a sentence shows of a name that a file holds, of any length and in any characters."""
    return printable(
        text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}..."
    )


def redact_key(key: str) -> str:
    """Return what may be shown of a key that somebody wrote: it may be a URL with a password.

    >>> redact_key("https://ada:lovelace@h.example")
    '****@h.example'
    """
    before, behind = parted_at(key)
    return shorten(redact(f"****@{behind}" if before else behind))


def parted_at(text: str) -> tuple[str, str]:
    """Return a text up to its last ``@``, and what may be shown of the rest: nothing where it may be of a query."""
    before, at, behind = text.rpartition("@")
    return before + at, "****" if re.search("[?#]", before) else behind


# Both go on from each ``://`` to the next slash at most, so that they are linear in the length of the URL.
_USERINFO = r"://([^/?#\\]*)@"
_NO_PORT = r"://(?:\[[^]/?#\\@]*\]|[^/?#\\:@[]*):(?![0-9]*(?:[/?#\\]|$))"
"""What is behind the host is no port; where an @ comes later it is a password with a slash in it, perhaps."""


def redact_invalid(url: str) -> str:
    """Return what may be shown of a URL that has no parts to go by: nothing up to its last ``@``, and no odd port."""
    before, behind = parted_at(url)
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", before)
    bare = redact(f"{scheme.group() if scheme else ''}****@{behind}" if before else url)
    return shorten(
        re.sub(r"^([A-Za-z0-9+.-]+://[^/?#:\[]*):(?![0-9]+(?:[/?#]|$))[^/?#]*", r"\1:****", bare)
    )
