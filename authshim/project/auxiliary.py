"""The URLs of a manifest that pixi asks besides the indexes and channels of its environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import UrlError
from authshim.project.repositories import Repository, channel
from authshim.project.toml import TableError, get, location

if TYPE_CHECKING:
    from authshim.project.repositories import Channel
    from authshim.project.toml import Table


def build_channels(pixi: Table, root: tuple[str, ...], folder: str) -> tuple[Channel, ...]:
    """Return the channels from which pixi installs the build backend of a package.

    :raises TableError: a value has the wrong type, or is no channel.
    """
    where = (*root, "package", "build", "backend")
    package = get(pixi, "package", dict, where[:-3])
    build = get(package, "build", dict, where[:-2])
    backend = get(build, "backend", dict, where[:-1])
    # Older manifests have the channels beside the table of the backend.
    written = [*get(backend, "channels", list, where), *get(build, "channels", list, where[:-1])]
    return tuple(_channel(entry, folder, location(where, "channels")) for entry in written)


def pypi_maps(workspace: Table, where: tuple[str, ...]) -> tuple[Repository, ...]:
    """Return the URLs of ``conda-pypi-map``, without the files and folders that it names.

    :raises TableError: a value is a malformed URL.
    """
    table = workspace.get("conda-pypi-map")
    if not isinstance(table, dict):
        return ()
    texts = (text for text in table.values() if isinstance(text, str))
    place = location(where, "conda-pypi-map")
    return tuple(_repository(text, place) for text in texts if "://" in text)


def _channel(entry: Any, folder: str, place: str) -> Channel:
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
