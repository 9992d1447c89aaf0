"""Read the environment: which providers there are, in which order, and for which project."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from authshim.project.manifest import Manifest
    from authshim.providers.base import Provider
    from authshim.settings import Settings


def load_manifest(manifest: str | os.PathLike[str] | Manifest | None) -> Manifest | None:
    if manifest is None:
        return None
    from authshim.project.manifest import Manifest

    return manifest if isinstance(manifest, Manifest) else Manifest.load(manifest)


def list_providers(settings: Settings, environ: Mapping[str, str] | None) -> list[Provider]:
    """List the providers in the order in which they are asked; an override file may be the only one."""
    from authshim.providers.auth_file import AuthFile
    from authshim.providers.netrc_file import NetrcFile
    from authshim.providers.os_keychain import OSKeychain

    override = [AuthFile(settings.auth_file, named=True)] if settings.auth_file else []
    if settings.auth_file_only:
        return [*override]
    return [
        *override,
        *([OSKeychain()] if settings.keychain else []),
        *([AuthFile(settings.home_auth_file)] if settings.home_auth_file else []),
        *(
            [NetrcFile(settings.netrc_files, named=settings.netrc_named)]
            if settings.netrc_files
            else []
        ),
        *([_command(settings, environ)] if settings.keyring_enabled else []),
    ]


def _command(settings: Settings, environ: Mapping[str, str] | None) -> Provider:
    from authshim.providers.keyring_command import KeyringCommand

    return KeyringCommand(
        settings.keyring_command,
        search_path=settings.search_path,
        timeout=settings.keyring_timeout,
        environ=environ,
    )
