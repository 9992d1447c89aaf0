"""The changes of the entries of an auth file, which keep all others in their order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable

from authshim import files
from authshim.providers.json_text import parse_json
from authshim.urls import normalise_key

if TYPE_CHECKING:
    from authshim.credentials import Credential

    Entries = dict[str, Any]
    Change = Callable[[Entries], bool]


def putting(key: str, credential: Credential) -> Change:
    """Return the change that writes an entry, and removes those of the same normalised key."""

    def put(entries: Entries) -> bool:
        entries[key] = credential.to_json()
        for written in list(entries):
            if written != key and normalise_key(written) == key:
                del entries[written]
        return True

    return put


def dropping(key: str) -> Change:
    """Return the change that removes the entries of a key, as it is or normalised."""

    def drop(entries: Entries) -> bool:
        removed = False
        for written in list(entries):
            if key in (written, normalise_key(written)):
                del entries[written]
                removed = True
        return removed

    return drop


def rewrite(path: str, change: Change) -> tuple[bool, str]:
    """Change the entries of a file. Return True if they changed, and the reason of a failure.

    The reason is returned and not raised, because the frames of an exception would hold the text.

    :param change: returns True if it changed the entries.
    """
    edit = _Edit(change)
    try:
        files.rewrite(path, edit.text_of)
    except (files.Unreadable, files.Unwritable) as error:
        edit.refuse(str(error))
    return edit.done, edit.refused


class _Edit:
    """A change of the text of a file, with its outcome."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.done = False
        self.refused = ""
        """The reason of the first failure, or an empty string."""

    def refuse(self, reason: str) -> None:
        self.refused = self.refused or reason

    def text_of(self, text: str | None) -> str | None:
        """Return the new text, or None if the file stays as it is."""
        entries: Entries | str = {}
        if text is not None:
            entries = parse_json(text)
        if isinstance(entries, str):
            self.refuse(f"{entries}; it stays as it is")
            return None
        self.done = self._change(entries)
        if not self.done:
            return None
        try:
            changed = json.dumps(entries, indent=2, allow_nan=False)
        except (ValueError, RecursionError):
            self.refuse("it has a number that cannot be written back; it stays as it is")
            return None
        return f"{changed}\n"
