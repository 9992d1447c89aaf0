"""The shape that the readers of all tools but pixi have in common.

A reader returns the ``DeclaredIndexes`` of its tool's files and variables. ``project_of`` makes a
``Project`` of them, with one environment.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from authshim.errors import UrlError
from authshim.project.declaration import Declaration
from authshim.project.lines import Lines
from authshim.project.model import DEFAULT, MODES, NO_OPTIONS, PYPI, STRATEGIES, Feature, Project
from authshim.project.repositories import Channel, Index, Repository, file_url
from authshim.project.toml import Section, TableError
from authshim.secret import clears_frames
from authshim.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from authshim.project.requirements import RawRequirement

P = TypeVar("P", bound=Repository)

Login = tuple["str | None", "str | None"]
"""A username and a password."""

NO_LOGIN: Login = (None, None)

PYPI_NAME = "pypi"

_BY_DEFAULT = "the default"
"""The place of an index that nobody declares."""


class DeclaredIndexes(NamedTuple):
    """The indexes that one tool's files and variables declare."""

    searched: tuple[Index, ...] = ()
    """In the tool's order. PyPI is among them if the tool asks it."""
    flat: tuple[Index, ...] = ()
    """The pages of ``find-links``."""
    explicit: tuple[Index, ...] = ()
    """The indexes that only serve the packages that name them."""
    strategy: str = STRATEGIES[0]
    prerelease_mode: str = MODES[0]
    problems: tuple[str, ...] = ()
    """Sentences about files that cannot be read, without their content."""
    keyring_provider: str = ""
    """The ``keyring-provider`` of uv or pip. Empty if nothing sets it."""
    pinned: tuple[Index, ...] = ()
    """The indexes that a file declares for its own packages only."""

    def by_name(self) -> dict[str, Index]:
        """Return the indexes that have a name."""
        found: dict[str, Index] = {}
        kinds = (
            self.pinned,
            self.searched,
            self.explicit,
            self.flat,
        )
        for indexes in kinds:
            for index in indexes:
                found.setdefault(index.declaration.name, index)
        found.pop("", None)
        return found

    @property
    def is_empty(self) -> bool:
        """Return True if nothing but PyPI, as the tool's default, is declared."""
        everything = [*self.searched]
        everything += self.flat
        everything += self.explicit
        return all(map(is_default, everything))


def is_default(index: Index) -> bool:
    """Return True if nobody declares an index: the tool asks it by default."""
    if index != PYPI:
        return False
    return index.declaration.place in ("", _BY_DEFAULT)


def pypi_by_default() -> Index:
    """Return PyPI as the index that a tool asks if no other is declared."""
    declaration = Declaration(_BY_DEFAULT, PYPI_NAME)
    return Index(PYPI.url, declaration=declaration)


def project_of(
    tool: str,
    declared: DeclaredIndexes,
    requirements: Iterable[RawRequirement] = (),
    requires_python: str = "",
) -> Project:
    """Return a project with one environment that has all the declared indexes."""
    options = NO_OPTIONS._replace(
        extra=declared.searched,
        flat=declared.flat,
        index_strategy=declared.strategy,
        prerelease_mode=declared.prerelease_mode,
    )
    feature = _only_feature(requirements, requires_python)
    return Project(
        options,
        platforms=(),
        environments={DEFAULT: (feature,)},
        tool=tool,
        default_index=None,
        keyring_provider=declared.keyring_provider,
        explicit=declared.explicit,
    )


def _only_feature(
    requirements: Iterable[RawRequirement],
    requires_python: str,
) -> Feature:
    pythons = []
    if requires_python:
        pythons.append(("", requires_python))
    return Feature(
        DEFAULT,
        channels=(),
        options=NO_OPTIONS,
        requirements=tuple(requirements),
        platforms=None,
        pythons=tuple(pythons),
    )


class TomlFile(NamedTuple):
    """A TOML file of a tool, and the lines of its values."""

    path: str
    document: Section
    lines: Lines

    @property
    def folder(self) -> str:
        """Return the folder that relative paths in the file start from."""
        return os.path.dirname(self.path)


def read_file(path: str | None) -> TomlFile | None:
    """Return a TOML file, or None if there is none.

    :raises TableError: the file cannot be read. The message names it.
    """
    if path is None:
        return None
    document = read_toml(path)
    if document is None:
        return None
    if isinstance(document, str):
        raise TableError(document, path)
    lines = Lines(path)
    return TomlFile(path, Section(document), lines)


def index_of(
    text: Any,
    declaration: Declaration,
    folder: str = "",
    *,
    flat: bool = False,
    login: Login = NO_LOGIN,
) -> Index:
    """Return the index that a file or variable names by a URL, or by a path in ``folder``.

    :param login: the username and password for a URL without userinfo.
    :raises TableError: the text is neither. The message names the place.
    """
    if not isinstance(text, str):
        raise TableError("expected a URL", declaration.place)
    text = text.strip()
    if not text:
        raise TableError("expected a URL", declaration.place)
    url = text
    try:
        if _is_path(text):
            url = _path_url(text, folder)
            login = NO_LOGIN
        elif login == NO_LOGIN or _has_username(url):
            login = NO_LOGIN
            declaration = declaration._replace(login_in="")
        return Index(
            url,
            *login,
            flat=flat,
            declaration=declaration,
        )
    except UrlError as error:
        raise TableError(str(error), declaration.place) from None


def _path_url(path: str, folder: str) -> str:
    expanded = os.path.expanduser(path)
    return file_url(expanded, os.path.abspath(folder))


def _has_username(url: str) -> bool:
    return Repository(url).username is not None


def asked_as(index: Index, services: Iterable[str]) -> Index:
    """Return an index with the names by which its tool asks a keyring, in the tool's order."""
    names = tuple(filter(None, services))
    return Index(
        index.url,
        index.username,
        index.password,
        flat=index.flat,
        declaration=index.declaration._replace(services=names),
    )


def _is_path(text: str) -> bool:
    if not text:
        return False
    # Text with an @ may be a URL with a login whose scheme is missing. A path would show it.
    return "://" not in text and "@" not in text


def login_of(
    environ: Mapping[str, str],
    username: str,
    password: str,
) -> tuple[Login, str]:
    """Return the username and password of two variables, and the name of the variable that counts.

    A variable that is missing or empty is None.
    """
    user = environ.get(username) or None
    secret = environ.get(password) or None
    if secret is not None:
        return (user or "", secret), password
    if user is not None:
        return (user, None), username
    return NO_LOGIN, ""


def words(text: str | None) -> list[str]:
    """Return the words of a variable or an option, which may be None."""
    return (text or "").split()


def place_of(repository: Repository, lines: Lines) -> str:
    """Return the place of a declaration, by the lines of its file if nothing else is known."""
    if repository.declaration.place:
        return repository.declaration.place
    place = lines.place(repository.url)
    if place == lines.path and isinstance(repository, Channel):
        _, _, name = repository.url.rpartition("/")
        place = lines.place(name, "channels")
    if place == lines.path and repository == PYPI:
        return _BY_DEFAULT
    return place


@clears_frames
def unique(repositories: Iterable[P]) -> tuple[P, ...]:
    """Return the repositories without duplicates.

    Equal ones may have different passwords. pixi keeps both then.
    """
    found = {}
    for repository in repositories:
        key = (repository, repository.password)
        found[key] = repository
    return tuple(found.values())
