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
from authshim.project.declaration import Declaration
from authshim.project.declaring import index_of
from authshim.project.pyproject_groups import raw_requirements
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from authshim.project.pip import Search
    from authshim.project.requirements import RawRequirement

MAX_REQUIREMENTS_FILES = 100
"""The requirements files that one project includes."""

MAX_LOGICAL_LINES = 100_000
"""The lines of all requirements files of one project."""

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION = re.compile(r"(?:^|\s)-")

_LONG_NAMES = {
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
    "-r": "--requirement",
    "-c": "--constraint",
}
"""The options that have another name, with that name."""

_WITH_VALUE = (
    "--constraint",
    "--extra-index-url",
    "--find-links",
    "--index-url",
    "--requirement",
)

_SEARCH_OPTIONS = (
    "--no-index",
    "--pre",
    "--index-url",
    "--extra-index-url",
    "--find-links",
)
"""The options of a search, in the order in which pip applies those of one line."""


class RequirementsFile:
    """The content of a requirements file, together with the files that it includes."""

    def __init__(
        self,
        path: str,
        search: Search,
        environ: Mapping[str, str],
    ) -> None:
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
        return self._search._replace(
            indexes=tuple(self._indexes),
            flat=tuple(self._flat),
        )

    @property
    def requirements(self) -> tuple[RawRequirement, ...]:
        """Return the packages, without duplicates."""
        found = raw_requirements(self._texts)
        return tuple(dict.fromkeys(found))

    def _read(
        self,
        path: str,
        named_in: str,
        *,
        is_constraint: bool,
    ) -> None:
        """Read a file.

        :param named_in: the place that names it, for messages. The name may be anything.
        """
        if path in self._files:
            return
        self._files.add(path)
        if len(self._files) > MAX_REQUIREMENTS_FILES:
            raise TableError(f"it includes more than {MAX_REQUIREMENTS_FILES} files")
        text = _text(path, named_in)
        for number, line in _logical_lines(text):
            self._lines += 1
            if self._lines > MAX_LOGICAL_LINES:
                raise TableError(f"it has more than {MAX_LOGICAL_LINES} lines")
            expanded = _VARIABLE.sub(self._value, line)
            if expanded.startswith("-"):
                self._apply(expanded, path, number)
            elif not is_constraint:
                requirement, *_ = _OPTION.split(expanded)
                self._texts.append(requirement)

    def _value(self, match: re.Match[str]) -> str:
        as_written = match[0]
        name = match[1]
        return self._environ.get(name) or as_written

    def _apply(
        self,
        line: str,
        path: str,
        number: int,
    ) -> None:
        """Apply the options of one line of a file. Of a repeated option the last counts."""
        place = f"{path}:{number}"
        folder = os.path.dirname(path)
        words = _words(line, place)
        options = dict(_options(words))
        for name in _SEARCH_OPTIONS:
            value = options.get(name)
            if value is not None:
                self._apply_to_search(name, value, place, folder)
        for name in ("--requirement", "--constraint"):
            value = options.get(name)
            if value is not None:
                is_constraint = name == "--constraint"
                self._include(value, folder, place, is_constraint=is_constraint)

    def _apply_to_search(
        self,
        name: str,
        value: str,
        place: str,
        folder: str,
    ) -> None:
        if name == "--no-index":
            self._search = self._search._replace(uses_no_index=True)
            return
        if name == "--pre":
            self._search = self._search._replace(allows_prereleases=True)
            return
        declaration = Declaration(place)
        if name == "--find-links":
            page = index_of(value, declaration, folder, flat=True)
            self._flat.append(page)
            return
        index = index_of(value, declaration, folder)
        if name == "--index-url":
            self._indexes.clear()
        self._indexes.append(index)

    def _include(
        self,
        name: str,
        folder: str,
        place: str,
        *,
        is_constraint: bool,
    ) -> None:
        if "://" in name:
            self.problems.append(f"{place}: a requirements file on a server is not read")
            return
        joined = os.path.join(folder, name)
        path = os.path.abspath(joined)
        self._read(path, place, is_constraint=is_constraint)


def _text(path: str, named_in: str) -> str:
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable as error:
        raise TableError(str(error), named_in) from None
    if text is None or not path.isprintable():
        raise TableError("there is no such file", named_in)
    return text


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each joined line with the number of its first one, without comments."""
    first = 0
    parts: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        first = first or number
        is_comment = line.lstrip().startswith("#")
        if is_comment:
            # It ends the lines that a backslash joins, and is cut off behind this blank.
            parts.append(f" {line}")
        elif line.endswith("\\"):
            parts.append(line.rstrip("\\"))
            continue
        else:
            parts.append(line)
        joined = "".join(parts)
        content = _COMMENT.sub("", joined).strip()
        if content:
            yield first, content
        first = 0
        parts = []
    joined = "".join(parts).strip()
    if joined:
        yield first, joined


def _words(line: str, place: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise TableError("a quote is not closed", place) from None


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each option of a line with its value, or an empty string."""
    rest = iter(words)
    for word in rest:
        name, equals, value = _parts(word)
        name = _LONG_NAMES.get(name, name)
        if name in _WITH_VALUE and not equals:
            value = next(rest, "")
        yield name, value


def _parts(word: str) -> tuple[str, bool, str]:
    """Return the option of a word, True if its value is in the word too, and that value."""
    short, value = word[:2], word[2:]
    if short in _LONG_NAMES and value:
        return short, True, value
    name, equals, value = word.partition("=")
    return name, bool(equals), value
