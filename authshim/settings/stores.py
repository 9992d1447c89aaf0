"""The paths of the stores of other tools on each platform, and the CI that runs this job."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.settings.config_paths import Paths

_CI = {
    "GITHUB_ACTIONS": "GitHub",
    "GITLAB_CI": "GitLab",
    "CIRCLECI": "CircleCI",
    "BUILDKITE": "Buildkite",
}
"""The variables that are "true" in a job."""


def uv_credentials(
    paths: Paths,
    known: Mapping[str, str],
) -> str | None:
    """Return the path of uv's ``credentials.toml``, or None if there is no home."""
    folder = known.get("UV_CREDENTIALS_DIR")
    if not folder:
        state = _uv_state(paths, known)
        folder = paths.join(state, "credentials")
    return paths.join(folder, "credentials.toml")


def _uv_state(paths: Paths, known: Mapping[str, str]) -> str | None:
    """Return the folder of uv's state: that of its first versions, if it is still there."""
    if paths.windows:
        roaming = known.get("APPDATA")
        first = paths.join(roaming, "uv", "data")
        if _exists(first):
            return first
        return paths.join(roaming, "uv")
    if paths.macos:
        apple = _application_support(paths)
        first = paths.join(apple, "uv")
        if _exists(first):
            return first
    data = known.get("XDG_DATA_HOME")
    if not data:
        data = paths.join(paths.home, ".local", "share")
    return paths.join(data, "uv")


def _application_support(paths: Paths) -> str | None:
    return paths.join(paths.home, "Library", "Application Support")


def conda_token_folders(
    paths: Paths,
    known: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the folders of the token files, those of conda first and those of anaconda-client."""
    named = known.get("BINSTAR_CONFIG_DIR")
    if named:
        of_conda = paths.join(named, "data")
        of_client = paths.join(of_conda, "tokens")
    else:
        of_conda = _conda_tokens(paths, known)
        continuum = paths.join(paths.home, ".continuum")
        of_client = paths.join(continuum, "anaconda-client", "tokens")
    folders = [of_conda, of_client]
    return tuple(folder for folder in folders if folder)


def _conda_tokens(paths: Paths, known: Mapping[str, str]) -> str | None:
    if paths.windows:
        local = known.get("LOCALAPPDATA")
        return paths.join(local, "ContinuumIO", "binstar")
    if paths.macos:
        apple = _application_support(paths)
        return paths.join(apple, "binstar")
    config = known.get("XDG_CONFIG_HOME")
    if not config:
        config = paths.join(paths.home, ".config")
    return paths.join(config, "binstar")


def micromamba_file(paths: Paths) -> str | None:
    """Return the path of micromamba's ``authentication.json``, or None if there is no home."""
    folder = paths.join(paths.home, ".mamba", "auth")
    return paths.join(folder, "authentication.json")


def ci(known: Mapping[str, str]) -> str:
    """Return the name of the CI that runs this job, or an empty string."""
    for variable, name in _CI.items():
        if known.get(variable) == "true":
            return name
    return ""


def _exists(folder: str | None) -> bool:
    if folder is None:
        return False
    return os.path.isdir(folder)
