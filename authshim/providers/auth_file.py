"""The JSON file of rattler: an override file, or ``~/.rattler/credentials.json``.

rattler refuses the whole file because of one entry that it does not know. authshim skips that
entry only. Both refuse a file that is not JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim import files
from authshim.credentials import BearerToken
from authshim.credentials.from_json import from_json
from authshim.errors import CredentialError, ProviderError, StoreError
from authshim.providers.auth_file_checks import unfilled_field, why_key_never_matches
from authshim.providers.base import AUTH_FILE, MORE, Provider, note
from authshim.providers.json_text import parse_json
from authshim.redact import redact_key
from authshim.secret import SecretHolder
from authshim.urls import HOST, PATH, PORT, S3, WILDCARD, normalise_key
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.credentials import Credential
    from authshim.providers.auth_file_changes import Change


class AuthFile(Provider):
    """A provider that reads one JSON file, at the first question and again after ``refresh``.

    A key in the form of ``urls.host_keys`` overrides a key that is first normalised to it
    (``EXAMPLE.com``), in any order. rattler would ignore the second key.

    :param path: the file. A missing file is an empty one.
    :param name: the name in messages.
    :param named: True if the user named this file. Then ``problems`` mentions that it is missing.
    """

    kind = AUTH_FILE
    answers = frozenset({PATH, PORT, HOST, WILDCARD, S3})

    def __init__(
        self,
        path: str,
        *,
        name: str | None = None,
        named: bool = False,
    ) -> None:
        self.path = path
        self.name = name or f"{AUTH_FILE} {path}"
        self.problems: list[str] = []
        self._named = named
        self._contents: _Contents | None = None

    def find(self, key: str, username: str | None = None) -> Credential | None:  # noqa: ARG002
        """Return the credential of ``key``. The chain compares its username.

        :raises ProviderError: the file exists but cannot be used. Each call raises it, until
            ``refresh``.
        """
        contents = self._usable()
        written = contents.written(key)
        if written is None or written in contents.unmatched:
            return None
        if written not in contents.made:
            entry = contents.entries[written]
            contents.made[written] = self._make(written, entry)
        return contents.made[written]

    def why_not(self, key: str) -> str:
        """Return the problem with the entry of a key, or an empty string."""
        about = f"{self.path}: {redact_key(key)}: "
        for problem in self.problems:
            if problem.startswith(about):
                return problem[len(about) :]
        return ""

    def path_keys(self) -> Iterable[str]:
        """List the keys with a path, or nothing if the file cannot be used (see ``find``)."""
        return self._read().paths

    def version(self) -> object:
        """Return a value that changes with the file."""
        return files.version(self.path)

    def refresh(self) -> None:
        """Forget the contents. The next question reads the file again."""
        self.problems = []
        self._contents = None

    def save(self, key: str, credential: Credential) -> None:
        """Write the entry of ``key``. All other entries stay, in their order.

        :raises StoreError: the file cannot be written. A file that is not JSON is not overwritten.
        """
        from authshim.providers.auth_file_changes import putting

        change = putting(key, credential)
        self._rewrite(change)

    def forget(self, key: str) -> bool:
        """Remove the entries whose key is ``key`` as it is or normalised. Return True if one was.

        :raises ProviderError: the file exists but cannot be used.
        :raises StoreError: the file cannot be written.
        """
        from authshim.providers.auth_file_changes import dropping

        contents = self._usable()
        if contents.written(key) is None:
            return False
        change = dropping(key)
        return self._rewrite(change)

    def list(self) -> Mapping[str, Credential | None]:
        """Return the credentials by key, in the file's order. ``problems`` names the bad entries.

        :raises ProviderError: the file exists but cannot be used.
        """
        contents = self._usable()
        if files.others_can_read(self.path):
            self._note(f"{self.path}: others can read it: chmod 600 {self.path}")
        found = {}
        for key in contents.keys:
            credential = self.find(key)
            if credential is not None:
                found[key] = credential
        return found

    def keys(self) -> Iterable[str]:
        """List the keys as they are written, those of bad entries included.

        :raises ProviderError: the file exists but cannot be used.
        """
        contents = self._usable()
        return tuple(contents.entries)

    def _rewrite(self, change: Change) -> bool:
        from authshim.providers.auth_file_changes import rewrite

        exposed = files.others_can_read(self.path)
        changed, failure = rewrite(self.path, change)
        if failure:
            raise StoreError(self.name, failure)
        self.refresh()
        if exposed and changed:
            self._note(f"{self.path}: others could read it until now")
        return changed

    def _note_entry(self, written: str, problem: str) -> None:
        shown = redact_key(written)
        self._note(f"{self.path}: {shown}: {problem}")

    def _note(self, problem: str) -> None:
        note(self.problems, problem, f"{self.path}: {MORE}")

    def _usable(self) -> _Contents:
        contents = self._read()
        if contents.broken:
            raise ProviderError(self.name, contents.broken)
        return contents

    def _read(self) -> _Contents:
        if self._contents is not None:
            return self._contents
        contents = _read(self.path)
        self._contents = contents
        if contents.missing and self._named:
            self.problems.append(f"{self.path} does not exist")
        for key, reason in contents.unmatched.items():
            shown = redact_key(key)
            self._note(f"{self.path}: {shown} {reason}")
        return contents

    def _make(self, written: str, entry: object) -> Credential | None:
        unfilled = unfilled_field(entry)
        if unfilled:
            self._note_entry(written, f"its {unfilled} is not filled in")
            return None
        try:
            made = from_json(entry)
        except CredentialError as error:
            self._note_entry(written, str(error))
            return None
        if isinstance(made, BearerToken) and _begins_with_bearer(made):
            self._note_entry(written, "its token begins with Bearer; leave that word out")
        return made

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no secret: its copy reads the file again.
        return {
            **vars(self),
            "problems": [],
            "_contents": None,
        }

    def __repr__(self) -> str:
        return f"AuthFile({self.path!r})"


class _Contents(SecretHolder):
    """The entries of the file, or the reason why it cannot be used."""

    __slots__ = (
        "_aliases",
        "broken",
        "entries",
        "keys",
        "made",
        "missing",
        "paths",
        "unmatched",
    )

    def __init__(
        self,
        entries: dict[str, Any] | None = None,
        *,
        broken: str = "",
        missing: bool = False,
    ) -> None:
        self.entries = entries or {}
        self.broken = broken
        self.missing = missing
        self.made: dict[str, Credential | None] = {}
        self.unmatched: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        keys: dict[str, None] = {}
        for written, entry in self.entries.items():
            reason = why_key_never_matches(written, entry)
            if reason:
                self.unmatched[written] = reason
                continue
            key = normalise_key(written)
            keys[key] = None
            if key != written:
                self._aliases[key] = written
        self.keys = tuple(keys)
        paths = [key for key in keys if "/" in key and not is_s3(key)]
        self.paths = tuple(paths)

    def written(self, key: str) -> str | None:
        """Return the key in the form that the file has, or None."""
        if key in self.entries:
            return key
        return self._aliases.get(key)


def _read(path: str) -> _Contents:
    try:
        text = files.read_text(path)
    except files.Unreadable as error:
        return _Contents(broken=str(error))
    if text is None:
        return _Contents(missing=True)
    entries = parse_json(text)
    if isinstance(entries, str):
        return _Contents(broken=entries)
    return _Contents(entries)


def _begins_with_bearer(credential: BearerToken) -> bool:
    scheme, blank, _ = credential.token.partition(" ")
    return bool(blank) and scheme.lower() == "bearer"
