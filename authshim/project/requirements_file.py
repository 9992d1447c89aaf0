"""A requirements file of pip: its packages, and the indexes that its options declare.

1. A backslash joins lines. A ``#`` after a blank begins a comment. ``${VARIABLE}`` is expanded.
2. A line of options changes the search of all packages, before and after it.
3. ``-i`` replaces all indexes so far. ``--extra-index-url`` and ``--find-links`` add one.
4. ``-r`` and ``-c`` include a file. A file on a server is not read.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from authshim.files import MAX_TOML_BYTES, Unreadable, read_text
from authshim.project.declaring import index_of
from authshim.project.pyproject_groups import raw_requirements
from authshim.project.repositories import Declaration
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.pip import Search
    from authshim.project.repositories import Index
    from authshim.project.requirements import RawRequirement

MAX_REQUIREMENTS_FILES = 100
"""The requirements files that one project includes."""

MAX_LOGICAL_LINES = 100_000
"""The lines of all requirements files of one project."""

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION = re.compile(r"(?:^|\s)-")

_SHORT = {"-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint"}
_WITH_VALUE = frozenset({*_SHORT.values(), "--extra-index-url", "--pypi-url"})


class RequirementsFile:
    """The content of a requirements file, together with the files that it includes."""

    def __init__(self, path: str, search: Search, environ: Mapping[str, str]) -> None:
        """Read the file.

        :param search: the indexes of pip's configuration.
        :raises TableError: pip would refuse a file, or there are too many.
        """
        self._search = search
        self._indexes = [*search.indexes]
        self._flat = [*search.flat]
        self.problems: list[str] = []
        self._environ = environ
        self._files: set[str] = set()
        self._lines = 0
        self._texts: list[str] = []
        self._read(path, path, is_constraint=False)

    @property
    def search(self) -> Search:
        """Return the indexes of the configuration and of the files."""
        return self._search._replace(indexes=tuple(self._indexes), flat=tuple(self._flat))

    @property
    def requirements(self) -> tuple[RawRequirement, ...]:
        """Return the packages, without duplicates."""
        return tuple(dict.fromkeys(raw_requirements(self._texts)))

    def _read(self, path: str, named_in: str, *, is_constraint: bool) -> None:
        """Read a file.

        :param named_in: the place that names it, for messages. The name may be anything.
        """
        if path in self._files:
            return
        self._files.add(path)
        if len(self._files) > MAX_REQUIREMENTS_FILES:
            raise TableError(f"it includes more than {MAX_REQUIREMENTS_FILES} files")
        for number, line in _logical_lines(_text(path, named_in)):
            self._lines += 1
            if self._lines > MAX_LOGICAL_LINES:
                raise TableError(f"it has more than {MAX_LOGICAL_LINES} lines")
            expanded = _VARIABLE.sub(self._value, line)
            place = f"{path}:{number}"
            if expanded.startswith("-"):
                self._apply(_words(expanded, place), path, place)
            elif not is_constraint:
                self._texts.append(_OPTION.split(expanded)[0])

    def _value(self, match: re.Match[str]) -> str:
        return self._environ.get(match[1]) or match[0]

    def _apply(self, words: list[str], path: str, place: str) -> None:
        """Apply the options of one line."""
        found = dict(_options(words))
        folder = os.path.dirname(path)
        if "--no-index" in found:
            self._search = self._search._replace(uses_no_index=True)
        if "--pre" in found:
            self._search = self._search._replace(allows_prereleases=True)
        if "--index-url" in found:
            self._indexes = [self._index(found["--index-url"], place, folder)]
        if "--extra-index-url" in found:
            self._indexes.append(self._index(found["--extra-index-url"], place, folder))
        if "--find-links" in found:
            self._flat.append(self._index(found["--find-links"], place, folder, flat=True))
        for option in ("--requirement", "--constraint"):
            if option in found:
                self._include(found[option], path, place, is_constraint=option == "--constraint")

    def _index(self, text: str, place: str, folder: str, *, flat: bool = False) -> Index:
        return index_of(text, Declaration(place), folder, flat=flat)

    def _include(self, name: str, path: str, place: str, *, is_constraint: bool) -> None:
        if "://" in name:
            self.problems.append(f"{place}: a requirements file on a server is not read")
            return
        nested = os.path.abspath(os.path.join(os.path.dirname(path), name))
        self._read(nested, place, is_constraint=is_constraint)


def _text(path: str, named_in: str) -> str:
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable as error:
        raise TableError(f"{named_in}: {error}") from None
    if text is None or not path.isprintable():
        raise TableError(f"{named_in}: there is no such file")
    return text


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each joined line with the number of its first one, without comments."""
    first, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line.rstrip("\\"))
            continue
        parts.append(f" {line}" if is_comment else line)
        joined = _COMMENT.sub("", "".join(parts)).strip()
        if joined:
            yield first, joined
        first, parts = 0, []
    joined = "".join(parts).strip()
    if joined:
        yield first, joined


def _words(line: str, place: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise TableError(f"{place}: a quote is not closed") from None


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each option of a line with its value, or an empty string."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("--") and word[:2] in _SHORT and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:]
        name = _SHORT.get(name, name)
        if name in _WITH_VALUE and not equals:
            value = next(rest, "")
        yield name.replace("--pypi-url", "--index-url"), value
