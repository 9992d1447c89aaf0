"""The project that a command runs in, and the chain for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.errors import AuthshimError, ManifestError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from authshim.index.answer import Answer
    from authshim.index.probe import Result
    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Manifest
    from authshim.settings import Settings

_NO_PROJECT = (
    "there is no pixi.toml here or above, and no pyproject.toml with [tool.pixi]; "
    "name one by --manifest-path"
)


def find_manifest(options: Namespace) -> Manifest | None:
    """Return the manifest that was named, or the nearest one here or above, or None."""
    from authshim.project.manifest import Manifest

    if options.manifest_path is not None:
        return Manifest.load(options.manifest_path)
    for folder in _folders():
        if Manifest.is_in(folder):
            return Manifest.load(folder)
    return None


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
    for folder in _folders():
        path = os.path.join(folder, "pixi.toml")
        if os.path.isfile(path):
            raise ManifestError(path, "it has no [workspace], and no folder above has one")
    raise AuthshimError(_NO_PROJECT)


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
        if options.manifest_path is not None or options.environment is not None:
            raise
        terminal.note(terminal.with_tilde(f"authshim: {error}; going on without it"))
        return None


def make_chain_here(options: Namespace) -> Chain:
    """Make the chain; a manifest that nobody named may be wrong, and is then left out."""
    return make_chain(options, find_manifest_here(options))


def read_settings(options: Namespace, manifest: Manifest | None) -> Settings:
    """Return the settings of the options, the environment and the project."""
    from authshim import settings

    return settings.read(
        os.environ,
        auth_file=options.auth_file,
        keyring_provider=options.pypi_keyring_provider,
        project=None if manifest is None else manifest.folder,
    )


def find_project_settings(options: Namespace) -> Settings | None:
    """Return the settings in the project of the current folder, or None outside of projects."""
    from authshim import settings
    from authshim.project.manifest import Manifest

    folder = next(filter(Manifest.is_in, _folders()), None)
    if folder is None:
        return None
    return settings.read(os.environ, auth_file=options.auth_file, project=folder)


def settings_of(options: Namespace) -> Settings:
    """Return the settings without those of a project, which cannot say where a login goes."""
    from authshim.settings import read as read_settings

    return read_settings(os.environ, auth_file=options.auth_file)


def environ_of(settings: Settings, url: str) -> dict[str, str] | None:
    """Return the environment with pixi's proxy for a URL, or None if pixi names no proxy."""
    from authshim.urls import parse

    if settings.proxies is None:
        return None
    parsed = parse(url)
    environ = {**os.environ, "no_proxy": "", "NO_PROXY": ""}
    environ[f"{parsed.scheme}_proxy"] = settings.proxies.find(parsed.scheme, parsed.host)
    return environ


def chain_of(options: Namespace) -> Chain:
    """Return the chain of the user's own providers."""
    from authshim.lookup.chain import Chain

    return Chain.from_environment(auth_file=options.auth_file)


def answer_json(answer: Answer | Result) -> dict[str, Any]:
    """Return the keys that ``check`` and ``resolve`` both print of an answer."""
    seconds = answer.seconds
    if seconds is not None:
        seconds = round(seconds, 3)
    return {
        "answer": answer.answer,
        "status": answer.status,
        **_credential_json(answer.found),
        "api": answer.api or None,
        "seconds": seconds,
        "mirror": answer.mirror or None,
        "detail": answer.detail,
        "next_step": answer.next_step,
    }


def _credential_json(found: Found | None) -> dict[str, str | None]:
    if found is None:
        return dict.fromkeys(("credential", "username", "provider", "key"))
    return {
        "credential": type(found.credential).__name__,
        "username": found.credential.shown_username,
        "provider": found.provider,
        "key": found.key,
    }
