"""The project that a command runs in, and the chain for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from authshim.cli import terminal
from authshim.errors import AuthshimError, ManifestError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Manifest
    from authshim.settings import Settings
    from authshim.settings.pixi_config import Mirror

_CONFIG = (".pixi", "config.toml")
"""A project's own configuration."""

_ALL = "pixi, uv, poetry, pdm or pip"

_OF_USER = {None: "pip and uv", "pip": "pip", "uv": "uv"}
"""The tools whose configuration is read outside of projects, by the tool that was named."""


def find_manifest(options: Namespace) -> Manifest | None:
    """Return the manifest that was named, or the nearest one here or above.

    Outside of projects return the user's configuration of pip and uv, or None if it declares no
    index.
    """
    from authshim.project.declaring import is_default
    from authshim.project.manifest import Manifest

    tool = options.tool
    if options.manifest_path is not None:
        return Manifest.load(options.manifest_path, tool)
    for folder in _folders():
        if Manifest.is_in(folder, tool):
            return Manifest.load(folder, tool)
    if tool not in _OF_USER:
        raise _no_project(tool)
    user = Manifest.of_user(tool)
    indexes = (*user.indexes(), *user.own_indexes())
    if all(is_default(index) for index in indexes):
        return None
    return user


def heading(manifest: Manifest) -> str:
    """Return the line that names the tool of a project, and those that were not taken.

    It is empty for a project of pixi alone.
    """
    tools = manifest.tool.split(" and ")
    owners = " and ".join([f"{tool}'s" for tool in tools])
    if not manifest.path:
        return f"outside a project: {owners} configuration"
    line = f"{owners} project: {manifest.path}"
    if manifest.other_tools:
        return f"{line} (not taken: {', '.join(manifest.other_tools)}; --tool NAME chooses)"
    if manifest.tool == "pixi":
        return ""
    return line


def print_heading(manifest: Manifest) -> None:
    """Print the heading of a project, if it has one."""
    line = heading(manifest)
    if line:
        terminal.say(terminal.with_tilde(line))


def mirrors_of(
    options: Namespace,
    manifest: Manifest | None,
) -> Sequence[Mirror]:
    """Return pixi's mirrors, or none in a project of another tool."""
    if manifest is not None and manifest.pixi_folder is None:
        return ()
    return read_settings(options, manifest).mirrors


def short_place(place: str, manifest: Manifest) -> str:
    """Return a place, relative to the project's folder if it is in there."""
    if not manifest.folder:
        return place
    return place.removeprefix(os.path.join(manifest.folder, ""))


def _folders() -> Iterator[str]:
    """Yield the current folder and all above it, or nothing if it is gone."""
    try:
        folder = os.getcwd()
    except OSError:
        return
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def require_manifest(options: Namespace) -> Manifest:
    """Return the project's manifest.

    :raises AuthshimError: there is none.
    """
    manifest = find_manifest(options)
    if manifest is not None:
        return manifest
    from authshim.project.manifest import Manifest

    tool = options.tool
    for warning in Manifest.of_user(tool).warnings:
        terminal.note(terminal.with_tilde(f"authshim: {warning}"))
    raise _no_project(tool)


def _no_project(tool: str | None) -> AuthshimError:
    """Return the error that there is no project, with the nearest file that is almost one."""
    if tool is None:
        for folder in _folders():
            almost = _almost_project(folder)
            if almost is not None:
                return almost
    reason = f"there is no project of {tool or _ALL} here or above"
    if tool in _OF_USER:
        reason = f"{reason}, and the configuration of {_OF_USER[tool]} declares no index"
    return AuthshimError(f"{reason}; name a project by --manifest-path")


def _almost_project(folder: str) -> ManifestError | None:
    """Return the reason for which a file in a folder is no project, or None without a file."""
    pixi_toml = os.path.join(folder, "pixi.toml")
    if os.path.isfile(pixi_toml):
        return ManifestError(pixi_toml, "it has no [workspace], and no folder above has one")
    pyproject = os.path.join(folder, "pyproject.toml")
    if os.path.isfile(pyproject):
        reason = "no tool has a table or a lock file here; choose one by --tool"
        return ManifestError(pyproject, reason)
    return None


def make_chain(options: Namespace, manifest: Manifest | None) -> Chain:
    """Return the chain of the options, the environment and the project."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(
        auth_file=options.auth_file,
        keyring_provider=options.pypi_keyring_provider,
        manifest=manifest,
        environment=options.environment,
    )


def find_manifest_here(options: Namespace) -> Manifest | None:
    """Return the manifest, or None if it is malformed and no option names it."""
    try:
        return find_manifest(options)
    except ManifestError as error:
        if options.manifest_path or options.environment is not None or options.tool is not None:
            raise
        terminal.note(terminal.with_tilde(f"authshim: {error}; going on without it"))
        return None


def make_chain_here(options: Namespace) -> Chain:
    """Make the chain; a manifest that nobody named may be wrong, and is then left out."""
    return make_chain(options, find_manifest_here(options))


def read_settings(options: Namespace, manifest: Manifest | None) -> Settings:
    """Return the settings of the options, the environment and the project."""
    from authshim import settings

    folder = None
    if manifest is not None:
        folder = manifest.pixi_folder
    return settings.read(
        os.environ,
        auth_file=options.auth_file,
        keyring_provider=options.pypi_keyring_provider,
        project=folder,
    )


def find_project_override(options: Namespace) -> Settings | None:
    """Return the settings of this folder's project if it names an auth file that replaces all.

    Return None if the same file is in force outside of the project, or no file.
    """
    from authshim import settings

    # The import below takes longer than this search.
    files = [os.path.join(folder, *_CONFIG) for folder in _folders()]
    if not any(os.path.isfile(file) for file in files):
        return None
    from authshim.project.manifest import Manifest

    folder = next((each for each in _folders() if Manifest.is_in(each)), None)
    if folder is None or not Manifest.is_in(folder, "pixi"):
        return None
    found = settings.read(
        os.environ,
        auth_file=options.auth_file,
        project=folder,
    )
    if not found.auth_file_only or found.auth_file == settings_of(options).auth_file:
        return None
    return found


def warn_of_project(options: Namespace, verb: str) -> None:
    """Warn that the project of this folder reads another auth file than this command changes."""
    import logging

    found = find_project_override(options)
    if found is None:
        return
    file = found.auth_file
    sentence = "in this project only %s is read (%s); to %s there, add --auth-file %s"
    logger = logging.getLogger("authshim")
    logger.warning(sentence, file, found.auth_file_named_by, verb, file)


def settings_of(options: Namespace) -> Settings:
    """Return the settings without those of a project, which cannot say where a login goes.

    One command reads them once.
    """
    found: Settings | None = getattr(options, "user_settings", None)
    if found is None:
        from authshim.settings import read as read_settings

        found = options.user_settings = read_settings(os.environ, auth_file=options.auth_file)
    return found


def environ_of(
    settings: Settings,
    url: str,
) -> dict[str, str] | None:
    """Return the environment with pixi's proxy for a URL, or None if pixi names no proxy."""
    from authshim.urls import parse

    if settings.proxies is None:
        return None
    parsed = parse(url)
    environ = {**os.environ, "no_proxy": "", "NO_PROXY": ""}
    proxy = settings.proxies.find(parsed.scheme, parsed.host)
    environ[f"{parsed.scheme}_proxy"] = proxy
    return environ


def chain_of(options: Namespace) -> Chain:
    """Return the chain of the user's own providers, whose stores a login changes."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(auth_file=options.auth_file)


def chain_in_force(options: Namespace) -> tuple[Chain, str]:
    """Return the chain of ``chain_of``, or of the file that this folder's project names.

    The second value is a sentence about that file, or an empty string.
    """
    found = find_project_override(options)
    if found is None:
        return chain_of(options), ""
    from authshim.lookup.chain import Chain
    from authshim.lookup.environment import list_providers, note_of

    return Chain(list_providers(found, None)), note_of(found)
