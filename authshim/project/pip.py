"""The indexes that pip's files and variables declare.

1. Of the files that have an option, the last counts: global, user, site, ``PIP_CONFIG_FILE``.
2. ``[install]`` comes before ``[global]``, and a variable before any file.
3. If ``PIP_CONFIG_FILE`` names a file, the user's own is not read. The null device switches all
   files off.
4. ``PIP_INDEX_URL``, ``PIP_EXTRA_INDEX_URL``, ``PIP_FIND_LINKS`` and ``PIP_NO_INDEX`` are the
   variables of the options that are read.
5. ``-i`` in a requirements file replaces all indexes so far. ``--extra-index-url`` adds one.

The rules are those of pip's modules configuration, cli.parser and req.req_file.
"""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING, NamedTuple

from authshim.files import MAX_TOML_BYTES, Unreadable, read_text
from authshim.project.config_files import pip_files
from authshim.project.declaration import Declaration
from authshim.project.declaring import (
    DeclaredIndexes,
    index_of,
    pypi_by_default,
    words,
)
from authshim.project.lines import Lines
from authshim.project.model import MODES, STRATEGIES
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.project.repositories import Index

_SECTIONS = ("global", "install")
"""The sections that ``pip install`` reads, the strongest last."""

_YES = (
    "1",
    "on",
    "t",
    "true",
    "y",
    "yes",
)


class _Option(NamedTuple):
    """The value of an option, and the file or variable that has it."""

    text: str
    lines: Lines | None
    variable: str = ""

    @property
    def has_value(self) -> bool:
        """Return True unless the text is blank."""
        return bool(self.text.strip())

    def place(self, value: str) -> str:
        """Return the place of one of the values of the option."""
        if self.lines is None:
            return self.variable
        return self.lines.place(value)


_Options = dict[str, _Option]
"""Options by their normalised name."""


class Search(NamedTuple):
    """The indexes and flat pages of one run of pip, in its order."""

    indexes: tuple[Index, ...]
    flat: tuple[Index, ...]
    uses_no_index: bool = False
    allows_prereleases: bool = False
    keyring_provider: str = ""

    def declared(self, problems: tuple[str, ...] = ()) -> DeclaredIndexes:
        """Return the indexes as pip asks them: all, for the best version."""
        indexes = self.indexes
        if self.uses_no_index:
            indexes = ()
        mode = MODES[0]
        if self.allows_prereleases:
            mode = "allow"
        return DeclaredIndexes(
            indexes,
            self.flat,
            strategy=STRATEGIES[2],
            prerelease_mode=mode,
            problems=problems,
            keyring_provider=self.keyring_provider,
        )


def read_user(environ: Mapping[str, str]) -> DeclaredIndexes:
    """Return the indexes of pip's variables, and of its files of all levels."""
    search, problems = read_configuration(environ)
    return search.declared(problems)


def read_configuration(environ: Mapping[str, str]) -> tuple[Search, tuple[str, ...]]:
    """Return the indexes of pip's configuration, and a sentence about each malformed value."""
    options, problems = _options(environ)
    main = _indexes(options, "index-url", problems)
    extra = _indexes(options, "extra-index-url", problems)
    flat = _indexes(options, "find-links", problems, flat=True)
    if "index-url" not in options:
        pypi = pypi_by_default()
        main.append(pypi)
    search = Search(
        indexes=(*main[-1:], *extra),
        flat=tuple(flat),
        uses_no_index=_is_true(options, "no-index"),
        allows_prereleases=_is_true(options, "pre"),
        keyring_provider=_text(options, "keyring-provider"),
    )
    return search, tuple(problems)


def _is_true(options: _Options, name: str) -> bool:
    text = _text(options, name)
    return text.lower() in _YES


def _text(options: _Options, name: str) -> str:
    option = options.get(name)
    if option is None:
        return ""
    return option.text.strip()


def _indexes(
    options: _Options,
    name: str,
    problems: list[str],
    *,
    flat: bool = False,
) -> list[Index]:
    """Return the indexes of an option. A malformed one becomes a problem."""
    option = options.get(name)
    if option is None:
        return []
    found = []
    for text in words(option.text):
        declaration = Declaration(option.place(text))
        try:
            index = index_of(text, declaration, os.curdir, flat=flat)
        except TableError as error:
            problems.append(str(error))
        else:
            found.append(index)
    return found


def _options(environ: Mapping[str, str]) -> tuple[_Options, list[str]]:
    """Return the options by name, and a sentence about each file that cannot be read."""
    by_section: dict[str, _Options] = {}
    for name in _SECTIONS:
        by_section[name] = {}
    problems = []
    for path in pip_files(environ):
        try:
            parser = _parse(path)
        except TableError as error:
            problems.append(str(error.at(path)))
            continue
        lines = Lines(path)
        for name, options in by_section.items():
            in_file = _section(parser, name, lines)
            options.update(in_file)
    joined = _joined([*by_section.values()])
    joined.update(_variables(environ))
    return joined, problems


def _section(
    parser: configparser.RawConfigParser,
    section: str,
    lines: Lines,
) -> _Options:
    """Return the options of one section of a file, which may not have it."""
    if section not in parser:
        return {}
    options = {}
    for name, text in parser[section].items():
        key = _normalised(name)
        options[key] = _Option(text, lines)
    return options


def _variables(environ: Mapping[str, str]) -> _Options:
    options = {}
    for name, text in environ.items():
        if name.startswith("PIP_") and text:
            key = _normalised(name[len("PIP_") :])
            options[key] = _Option(text, None, variable=name)
    return options


def _joined(sections: list[_Options]) -> _Options:
    """Return the options of sections, the strongest last.

    pip ignores an empty value, but a stronger file hides a weaker one with it.
    """
    joined: _Options = {}
    for section in sections:
        given = {name: option for name, option in section.items() if option.has_value}
        joined.update(given)
    return joined


def _normalised(name: str) -> str:
    with_dashes = name.lower().replace("_", "-")
    return with_dashes.lstrip("-")


def _parse(path: str) -> configparser.RawConfigParser:
    """Return the sections of a file, which may be missing.

    :raises TableError: the file cannot be read. The message shows none of its content.
    """
    parser = configparser.RawConfigParser()
    try:
        text = read_text(path, limit=MAX_TOML_BYTES)
    except Unreadable as error:
        raise TableError(str(error)) from None
    try:
        parser.read_string(text or "")
    except configparser.Error as error:
        line = _line_of(error)
        raise TableError(f"line {line}: it is not a configuration file of pip") from None
    return parser


def _line_of(error: configparser.Error) -> int:
    """Return the number of the first line that cannot be read, or 0 if it is unknown."""
    number = getattr(error, "lineno", None)
    if number:
        return int(number)
    errors = getattr(error, "errors", None)
    if not errors:
        return 0
    number, _ = errors[0]
    return int(number)
