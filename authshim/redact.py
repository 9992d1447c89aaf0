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
    *("glpat-", "gldt-", "glcbt-", "glptt-", "glft-", "glrt-", "glsoat-", "glagent-", "gloas-", "glimt-"),
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
