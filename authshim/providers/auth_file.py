"""The JSON file in which rattler keeps credentials: an override file, or ``~/.rattler/credentials.json``.

rattler refuses the whole file for one entry that it does not know; here such an entry
costs itself only. What is no JSON at all is refused here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim import credentials, files
from authshim.errors import CredentialError, ProviderError
from authshim.providers.base import Provider
from authshim.urls import HOST, PATH, PORT, WILDCARD, normalise_key, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        contents = self._read()
        if contents.broken:
            raise ProviderError(self.name, contents.broken)
        written = contents.written(key)
        if written is None:
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

    def _read(self) -> _Contents:
        if self._contents is None:
            self._contents = contents = _read(self.path)
            if contents.missing and self._named:
                self.problems.append(f"{self.path} does not exist")
            self.problems += [f"{self.path}: {_shown(key)} {why}" for key, why in contents.unmatched.items()]
        return self._contents

    def _make(self, written: str, entry: object) -> Credential | None:
        try:
            return credentials.from_json(entry)
        except CredentialError as error:
            self.problems.append(f"{self.path}: {_shown(written)}: {error}")
            return None

    def __getstate__(self) -> dict[str, Any]:
        # What crosses to another process reads the file again where it lands.
        return {**vars(self), "problems": [], "_contents": None}

    def __repr__(self) -> str:
        return f"AuthFile({self.path!r})"


class _Contents:
    """What one reading found; not a tuple, whose repr would show it."""

    def __init__(self, entries: dict[str, Any] | None = None, *, broken: str = "", missing: bool = False) -> None:
        self.entries = entries or {}
        self.broken = broken
        self.missing = missing
        self.made: dict[str, Credential | None] = {}
        self.unmatched = {key: why for key in self.entries if (why := _never_matches(key))}
        for key in self.unmatched:
            del self.entries[key]
        normalised = {key: normalise_key(key) for key in self.entries}
        self.paths = tuple(key for key in normalised.values() if "/" in key)
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
    if not text.strip():
        # rattler refuses it as well: whoever wrote it was interrupted.
        return _Contents(broken="it is empty; write {} into it, or remove it")
    return _parse(text)


def _parse(text: str) -> _Contents:
    import json

    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return _Contents(broken=f"line {error.lineno}: {_reason(error)}")
    except RecursionError:
        return _Contents(broken="its JSON is nested too deeply")
    except ValueError:
        # Python refuses to read a whole number of more than 4,300 digits.
        return _Contents(broken="it has a number that is too long")
    if not isinstance(data, dict):
        return _Contents(broken="it is not a JSON object")
    return _Contents(data)


def _reason(error: Any) -> str:
    """Say what is wrong with the JSON, without any of it.

    Behind a colon in its message the JSON parser may show a character of the file.
    """
    message: str = error.msg.partition(":")[0].strip()
    if message.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return "the file ends too early; it was perhaps half written"
    return f"this is not JSON ({message[0].lower()}{message[1:]})"


def _never_matches(key: str) -> str:
    """Say why a key matches no URL; rattler passes over the same keys, in silence."""
    if key.partition("/")[0].endswith(":"):
        return "is a URL and matches nothing; write the host alone"
    if key == "*":
        return "matches nothing; name a host behind it"
    return ""


def _shown(key: str) -> str:
    """Return what may be shown of a key, which may be a URL with a password."""
    _, at, host = key.rpartition("@")
    shown = redact(f"****@{host}" if at else key)
    return shown.encode("utf-8", "backslashreplace").decode()
