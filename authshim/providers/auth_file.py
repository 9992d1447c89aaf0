"""The JSON file in which rattler keeps credentials: an override file, or ``~/.rattler/credentials.json``.

rattler refuses the whole file for one entry that it does not know; here such an entry
costs itself only. What is no JSON at all is refused here too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable

from authshim import credentials, files
from authshim.credentials import BearerToken
from authshim.errors import CredentialError, ProviderError, StoreError
from authshim.providers.base import MORE, Provider, note
from authshim.redact import is_unfilled, redact_key
from authshim.secret import SecretHolder
from authshim.urls import HOST, PATH, PORT, WILDCARD, normalise_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.credentials import Credential


class AuthFile(Provider):
    """Answers from one JSON file; it is read when first asked, and anew after ``refresh``.

    A key as ``urls.host_keys`` writes it wins over one that has to be put into that form
    (``EXAMPLE.com``), whatever their order; rattler would ignore the latter.

    :param path: the file; where there is none, nothing is here.
    :param name: what a person calls it.
    :param named: a person named this file, so that its absence is worth a sentence in ``problems``.
    """

    answers = frozenset({PATH, PORT, HOST, WILDCARD})

    def __init__(self, path: str, *, name: str | None = None, named: bool = False) -> None:
        self.path = path
        self.name = name or f"auth file {path}"
        self.problems: list[str] = []
        self._named = named
        self._contents: _Contents | None = None

    def find(self, key: str, username: str | None = None) -> Credential | None:  # noqa: ARG002 - the chain judges whose
        """Return the credential kept under ``key``, whoever's it is.

        :raises ProviderError: the file is there but cannot be used; again at each call, until ``refresh``.
        """
        contents = self._usable()
        written = contents.written(key)
        if written is None or written in contents.unmatched:
            return None
        if written not in contents.made:
            contents.made[written] = self._make(written, contents.entries[written])
        return contents.made[written]

    def path_keys(self) -> Iterable[str]:
        """List the keys with a path; none where the file cannot be used (``find`` says why)."""
        return self._read().paths

    def version(self) -> object:
        """Return what changes when the file does."""
        return files.version(self.path)

    def refresh(self) -> None:
        """Drop what was read, and read it again when next asked."""
        self.problems = []
        self._contents = None

    def save(self, key: str, credential: Credential) -> None:
        """Write the entry of ``key``; the others stay as they mean, in their order, those of unknown kinds too.

        :raises StoreError: it could not be written, or what is there is no JSON, which is never overwritten.
        """
        self._rewrite(lambda entries: _put(entries, key, credential))

    def forget(self, key: str) -> bool:
        """Remove the entry of ``key``, in every form in which the key is written; also one that matches nothing.

        :raises ProviderError: the file is there but cannot be used.
        :raises StoreError: it could not be written.
        """
        written = self._usable().written(key)
        return written is not None and self._rewrite(lambda entries: _drop(entries, key))

    def list(self) -> Mapping[str, Credential | None]:
        """Return the credentials by key, in the file's order; ``problems`` has what is wrong with the others.

        :raises ProviderError: the file is there but cannot be used.
        """
        contents = self._usable()
        if files.others_can_read(self.path):
            self._note(f"{self.path}: others can read it: chmod 600 {self.path}")
        found = {key: self.find(key) for key in contents.keys}
        return {key: credential for key, credential in found.items() if credential is not None}

    def keys(self) -> Iterable[str]:
        """List the keys as they are written, those too that match nothing or stand for no credential.

        :raises ProviderError: the file is there but cannot be used.
        """
        return tuple(self._usable().entries)

    def _rewrite(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        exposed = files.others_can_read(self.path)
        changed, failure = _rewrite(self.path, change)
        if failure:
            raise StoreError(self.name, failure)
        self.refresh()
        if exposed and changed:
            self._note(f"{self.path}: others could read it until now")
        return changed

    def _note(self, problem: str) -> None:
        note(self.problems, problem, f"{self.path}: {MORE}")

    def _usable(self) -> _Contents:
        contents = self._read()
        if contents.broken:
            raise ProviderError(self.name, contents.broken)
        return contents

    def _read(self) -> _Contents:
        if self._contents is None:
            self._contents = contents = _read(self.path)
            if contents.missing and self._named:
                self.problems.append(f"{self.path} does not exist")
            for key, why in contents.unmatched.items():
                self._note(f"{self.path}: {redact_key(key)} {why}")
        return self._contents

    def _make(self, written: str, entry: object) -> Credential | None:
        name = f"{self.path}: {redact_key(written)}"
        unfilled = _placeholder_in(entry)
        if unfilled:
            self._note(f"{name}: its {unfilled} is not filled in")
            return None
        try:
            made = credentials.from_json(entry)
        except CredentialError as error:
            self._note(f"{name}: {error}")
            return None
        if isinstance(made, BearerToken) and made.token.lower().startswith("bearer "):
            self._note(f"{name}: its token begins with Bearer; leave that word out")
        return made

    def __getstate__(self) -> dict[str, Any]:
        # What crosses to another process reads the file again where it lands.
        return {**vars(self), "problems": [], "_contents": None}

    def __repr__(self) -> str:
        return f"AuthFile({self.path!r})"


class _Contents(SecretHolder):
    """What one reading found."""

    __slots__ = ("_aliases", "broken", "entries", "keys", "made", "missing", "paths", "unmatched")

    def __init__(
        self, entries: dict[str, Any] | None = None, *, broken: str = "", missing: bool = False
    ) -> None:
        self.entries = entries or {}
        self.broken = broken
        self.missing = missing
        self.made: dict[str, Credential | None] = {}
        self.unmatched = {
            key: why for key, entry in self.entries.items() if (why := _never_matches(key, entry))
        }
        normalised = {key: normalise_key(key) for key in self.entries if key not in self.unmatched}
        self.keys = tuple(dict.fromkeys(normalised.values()))
        self.paths = tuple(key for key in self.keys if "/" in key and not key.startswith(_S3))
        self._aliases = {normal: key for key, normal in normalised.items() if normal != key}

    def written(self, key: str) -> str | None:
        """Return the key as the file has it; None where it has none."""
        return key if key in self.entries else self._aliases.get(key)


def _read(path: str) -> _Contents:
    try:
        text = files.read_text(path)
    except files.Unreadable as error:
        return _Contents(broken=str(error))
    if text is None:
        return _Contents(missing=True)
    entries = _parse(text)
    return _Contents(broken=entries) if isinstance(entries, str) else _Contents(entries)


def _parse(text: str) -> dict[str, Any] | str:
    """Return the entries, or why there are none."""
    import json

    if not text.strip():
        # rattler refuses it as well: whoever wrote it was interrupted.
        return "it is empty; write {} into it, or remove it"
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}: {_reason(error)}"
    except RecursionError:
        return "its JSON is nested too deeply"
    except ValueError:
        # Python refuses to read a whole number of more than 4,300 digits.
        return "it has a number that is too long"
    return data if isinstance(data, dict) else "it is not a JSON object"


def _rewrite(path: str, change: Callable[[dict[str, Any]], bool]) -> tuple[bool, str]:
    """Let ``change`` work on the entries; return whether it did, and why that could not be written.

    The reason is returned and not raised: the frames of an exception would hold the text.
    """
    refused: list[str] = []
    done = False

    def changed(text: str | None) -> str | None:
        entries = {} if text is None else _parse(text)
        if isinstance(entries, str):
            refused.append(f"{entries}; it stays as it is")
            return None
        nonlocal done
        done = change(entries)
        return _dump(entries, refused) if done else None

    try:
        files.rewrite(path, changed)
    except (files.Unreadable, files.Unwritable) as error:
        refused.append(str(error))
    return done, "".join(refused[:1])


def _dump(entries: dict[str, Any], refused: list[str]) -> str | None:
    import json

    try:
        return json.dumps(entries, indent=2, allow_nan=False) + "\n"
    except (ValueError, RecursionError):
        refused.append("it has a number that cannot be written back; it stays as it is")
        return None


def _put(entries: dict[str, Any], key: str, credential: Credential) -> bool:
    entries[key] = credential.to_json()
    for written in [
        written for written in entries if written != key and normalise_key(written) == key
    ]:
        del entries[written]
    return True


def _drop(entries: dict[str, Any], key: str) -> bool:
    doomed = [written for written in entries if key in (written, normalise_key(written))]
    for written in doomed:
        del entries[written]
    return bool(doomed)


def _reason(error: Any) -> str:
    """Say what is wrong with the JSON, without any of it.

    Behind a colon in its message the JSON parser may show a character of the file.
    """
    message: str = error.msg.partition(":")[0].strip()
    if message.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return "the file ends too early; it was perhaps half written"
    return f"this is not JSON ({message[0].lower()}{message[1:]})"


_S3 = "s3://"

_DEAD_KEYS = (
    (r"[^/]*:(?:/|\Z)", "is a URL and matches nothing; write the host alone"),
    (r"\s|.*\s\Z", "has a blank at an end and matches nothing; write it without"),
    (r"[^/]*@", "has a username and matches nothing; write the host alone"),
    (r".*[?#]", "has a query and matches nothing; write the host, or the host and a path"),
    (r"\*\Z", "matches nothing; name a host behind it"),
    (r"\*\.[^/*]*/", "has a wildcard and a path, and matches nothing; write one without the other"),
    (r"[^*]*/.*\*", "matches nothing; a key covers all paths below its own, so leave the * out"),
    (r"\*[^.]|.+\*", "matches nothing; a * stands only at the beginning, as in *.h.example"),
    (r".*:(?![0-9]+(?:/|\Z))[^/:\]]*(?:/|\Z)", "has a port that is no number and matches nothing"),
)
"""The forms of keys that match no URL, with the reason. rattler ignores the same keys silently."""


def _never_matches(key: str, entry: object) -> str:
    """Return the reason why a key matches no URL, or an empty string."""
    if key.startswith(_S3):
        # rattler's storage.rs looks s3:// URLs up whole, then without their last segments.
        is_s3 = isinstance(entry, dict) and "S3Credentials" in entry
        return "" if is_s3 else "is for s3:// URLs, which take S3Credentials only"
    return next((why for pattern, why in _DEAD_KEYS if re.match(pattern, key)), "")


def _placeholder_in(entry: object) -> str:
    """Return the name of a value of an entry that is only a placeholder, or an empty string."""
    ((kind, value),) = entry.items() if isinstance(entry, dict) and len(entry) == 1 else (("", ""),)
    values = value if isinstance(value, dict) else {kind: value}
    texts = ((name, text) for name, text in values.items() if isinstance(text, str))
    return next((str(name) for name, text in texts if is_unfilled(text)), "")
