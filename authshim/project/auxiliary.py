"""The URLs of a manifest that pixi asks besides the indexes and channels of its environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import UrlError
from authshim.project.repositories import Repository, channel
from authshim.project.toml import TableError

if TYPE_CHECKING:
    from authshim.project.repositories import Channel
    from authshim.project.toml import Section


def build_channels(pixi: Section, folder: str) -> tuple[Channel, ...]:
    """Return the channels from which pixi installs the build backend of a package.

    :raises TableError: a value has the wrong type, or is no channel.
    """
    package = pixi.section("package")
    build = package.section("build")
    backend = build.section("backend")
    place = backend.location("channels")
    found = []
    # Older manifests have the channels beside the table of the backend.
    for table in (backend, build):
        for entry in table.array("channels"):
            one = _channel(entry, folder, place)
            found.append(one)
    return tuple(found)


def pypi_maps(workspace: Section) -> tuple[Repository, ...]:
    """Return the URLs of ``conda-pypi-map``, without the files and folders that it names.

    :raises TableError: a value is a malformed URL.
    """
    table = workspace.table.get("conda-pypi-map")
    if not isinstance(table, dict):
        return ()
    place = workspace.location("conda-pypi-map")
    found = []
    for text in table.values():
        if isinstance(text, str) and "://" in text:
            repository = _repository(text, place)
            found.append(repository)
    return tuple(found)


def _channel(
    entry: Any,
    folder: str,
    place: str,
) -> Channel:
    text = entry
    if isinstance(entry, dict):
        text = entry.get("channel")
    if not isinstance(text, str):
        raise TableError(f"{place}: expected the name or the URL of a channel")
    try:
        return channel(text, folder)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None


def _repository(text: str, place: str) -> Repository:
    try:
        return Repository(text)
    except UrlError as error:
        raise TableError(f"{place}: {error}") from None
