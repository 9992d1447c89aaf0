"""What every target of the fuzzing holds its subject to, and a place for the file that it reads."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Callable, TypeVar

from leaks import SECRET, forms

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from authshim.errors import AuthshimError
    from authshim.providers.base import Provider

Result = TypeVar("Result")

LONGEST = 3000
"""Characters of a sentence: a path, a place in the file, and what is shown of a URL."""

_FORMS = forms(SECRET)
_folders: list[str] = []


def file(name: str, data: bytes) -> str:
    """Write a file of this process, where the last one of its name was, and return its path."""
    if not _folders:
        _folders.append(tempfile.mkdtemp(prefix="authshim-fuzz-"))
        atexit.register(shutil.rmtree, _folders[0], ignore_errors=True)
    path = os.path.join(_folders[0], name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
        written.write(data)
    return path


def attempt(act: Callable[[], Result], *errors: type[AuthshimError]) -> tuple[Result | None, str]:
    """Return what ``act`` does, and the sentence of the documented error that it raised instead."""
    try:
        return act(), ""
    except errors as error:
        said = str(error)
    assert_sentences([said])
    return None, said


def assert_sentences(texts: Iterable[str]) -> None:
    """Fail where a text is not one line that a terminal can show, or has no end."""
    for text in texts:
        assert text, "an empty sentence"
        assert text.isprintable(), f"a terminal cannot show {text!r}"
        assert len(text) < LONGEST, f"{len(text)} characters: {text[:300]!r}"


def assert_reason(said: str, provider: Provider, reasons: re.Pattern[str]) -> None:
    """Fail if the error of a provider gives no reason that it may give."""
    reason = said.removeprefix(f"cannot read {provider.name}: ")
    assert reasons.fullmatch(reason), said


def assert_untold(*things: object) -> None:
    """Fail where the planted secret stands in the text or the repr of a thing."""
    for thing in things:
        for text in (str(thing), repr(thing)):
            told = [form for form in _FORMS if form in text]
            assert not told, f"{told[0]!r} is told by {text[:1000]!r}"


def innocent(text: str) -> str:
    """Return a text in which the secret does not stand before it is planted."""
    while any(form in text for form in _FORMS):
        for form in _FORMS:
            text = text.replace(form, "")
    return text
