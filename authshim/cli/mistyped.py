"""Sentences about a mistyped command line; none of them shows a secret.

1. A word behind an option that takes a secret is never shown, nor is one behind an unknown option.
2. A command that takes a secret shows no argument that it does not know.
3. The value of ``--option=VALUE`` is never shown.
4. A word is shown only if it is plain and does not look like a token.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from authshim.redact import MASK, looks_like_token, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SECRET_OPTIONS = frozenset(
    {
        "--token",
        "--password",
        "--conda-token",
        "--oauth-client-secret",
        "--s3-secret-access-key",
        "--s3-session-token",
    }
)
"""The options whose value is a secret."""

_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,40}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def unknown(
    parser: argparse.ArgumentParser,
    words: Sequence[str],
    extra: Sequence[str],
) -> str:
    """Return a sentence about the words that a command does not know.

    :param words: the whole command line.
    :param extra: the unknown words.
    """
    command = parser.prog.replace("authshim ", "")
    hidden = _hidden(parser, words)
    options = [word for word in extra if _is_option(word)]
    for option in options:
        # Python 3.12 and later part -vs3cret, so that -s3cret was not typed.
        if option in words and option not in hidden:
            shown = _shown_option(option)
            guess = _guess_option(parser, option)
            return f"{command} has no option {shown}{guess}"
    if options:
        rule = "a secret that begins with - is written as in --password=-secret"
        return f"{command} has no option {MASK} ({rule})"
    if SECRET_OPTIONS & _options_of(parser):
        return f"{command} does not take the argument {MASK} (quote a secret that has blanks)"
    return f"{command} does not take the argument {_shown(extra[0], hidden)}"


def bad_choice(
    parser: argparse.ArgumentParser,
    words: Sequence[str],
    word: str,
    action: argparse.Action,
) -> str:
    """Return a sentence about a word that is none of the choices of an action."""
    shown = _shown(word, _hidden(parser, words))
    choices = [str(choice) for choice in action.choices or ()]
    is_command = isinstance(action, argparse._SubParsersAction)
    candidates = {choice: choice for choice in choices}
    if is_command:
        candidates = _commands(parser)
    guess = _guess(word, candidates)
    listed = guess or f" (choose from {', '.join(choices)})"
    if is_command:
        return f"no command '{shown}'{listed}"
    return f"{_name_of(action)} cannot be {shown}{listed}"


def _name_of(action: argparse.Action) -> str:
    if action.option_strings:
        return "/".join(action.option_strings)
    return action.dest.upper()


def _shown_option(option: str) -> str:
    """Return an option without its value, or ``****``.

    A secret may be glued to an option: ``-ps3cret``, ``--tokens3cret``.
    """
    if not option.startswith("--"):
        return option[:2]
    name, _, _ = option.partition("=")
    if any(name.startswith(known) for known in SECRET_OPTIONS):
        return MASK
    return _shown(name, ())


def _shown(word: str, hidden: Iterable[str]) -> str:
    """Return a word as it may be shown."""
    if word in hidden or looks_like_token(word):
        return MASK
    if _URL.match(word):
        return redact(word)
    if _PLAIN.fullmatch(word):
        return word
    return MASK


def _hidden(
    parser: argparse.ArgumentParser,
    words: Iterable[str],
) -> set[str]:
    """Return the words that stand behind an option that takes a secret, or may take one."""
    known = _options_of(parser)
    hidden: set[str] = set()
    previous = ""
    may_be_secret = False
    for word in words:
        is_option = _is_option(word)
        is_value = may_be_secret and not is_option
        if is_value or previous in SECRET_OPTIONS:
            hidden.add(word)
        if is_option:
            may_be_secret = word in SECRET_OPTIONS or word not in known
        previous = word
    return hidden


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and word != "--"


def _options_of(parser: argparse.ArgumentParser) -> frozenset[str]:
    return frozenset(parser._option_string_actions)


def _commands(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the commands below a parser by the word that names each. A nearer one comes first."""
    found: dict[str, str] = {}
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for name, below in action.choices.items():
            for word, path in _commands(below).items():
                found.setdefault(word, f"{name} {path}")
        found.update({name: name for name in action.choices})
    return found


def _guess_option(parser: argparse.ArgumentParser, option: str) -> str:
    name, _, _ = option.partition("=")
    long = [known for known in _options_of(parser) if known.startswith("--")]
    candidates = {known: known for known in long}
    return _guess(name, candidates)


def _guess(
    word: str,
    candidates: dict[str, str],
) -> str:
    """Return ``; did you mean ...?``, or an empty string if no candidate is near."""
    from difflib import get_close_matches

    near = get_close_matches(
        word,
        sorted(candidates),
        n=1,
        cutoff=0.6,
    )
    if not near:
        return ""
    meant = candidates[near[0]]
    return f"; did you mean {meant}?"
