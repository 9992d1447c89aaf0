"""A reader of the environment: which providers a chain asks, in which order, for which project."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from authshim.lookup.setup import Circumstances, Setup
from authshim.oauth.renewal import Renewer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from authshim.project.manifest import Channel, Index, Manifest
    from authshim.providers.base import Provider
    from authshim.settings import Settings

logger = logging.getLogger("authshim")


_OTHERS = (
    "OS keychain",
    "auth file ~/.rattler/credentials.json",
    "netrc",
    "stores of other tools",
)
"""The providers that an override file replaces, apart from the keyring command."""


def read_environment(
    *,
    auth_file: str | os.PathLike[str] | None,
    keyring_provider: str | None,
    manifest: str | os.PathLike[str] | Manifest | None,
    environment: str | None,
    environ: Mapping[str, str] | None,
) -> Setup:
    """Return the parts of a chain, and log each problem of the settings and the project.

    The parameters and exceptions are those of ``Chain.from_environment``.
    """
    project = load_manifest(manifest, environ)
    if auth_file is not None:
        auth_file = os.fspath(auth_file)
    settings = _read_settings(auth_file, keyring_provider, project, environ)
    warnings: Sequence[str] = ()
    if project is not None:
        warnings = project.warnings
    for problem in (*settings.problems, *warnings):
        logger.warning("%s", problem)
    options = {
        "auth_file": auth_file,
        "keyring_provider": keyring_provider,
        "environ": _kept(environ),
        "manifest": _recipe(project),
        "environment": environment,
    }
    return Setup(
        providers=list_providers(settings, environ, warnings),
        indexes=_indexes(project, environment),
        channels=_channels(project, environment),
        renewer=Renewer(lock_dir=_lock_dir(settings), environ=environ),
        note=note_of(settings),
        options=options,
        circumstances=_circumstances(settings, project),
    )


def _read_settings(
    auth_file: str | None,
    keyring_provider: str | None,
    project: Manifest | None,
    environ: Mapping[str, str] | None,
) -> Settings:
    from authshim.settings import read

    if environ is None:
        environ = os.environ
    folder = None
    if project is not None:
        folder = project.pixi_folder
    return read(
        environ,
        auth_file=auth_file,
        keyring_provider=keyring_provider,
        project=folder,
    )


def _circumstances(settings: Settings, project: Manifest | None) -> Circumstances:
    buckets = {options.bucket: options for options in settings.s3_options}
    if project is not None:
        buckets.update({options.bucket: options for options in project.s3_options()})
    found = Circumstances(
        absent=tuple(_absent(settings)),
        certificates=settings.certificates,
        proxies=settings.proxies,
        tls_no_verify=settings.tls_no_verify,
        s3_options=buckets,
    )
    if settings.auth_file_only and settings.auth_file:
        return found._replace(override=settings.auth_file)
    return found._replace(keyring_off=settings.keyring_off)


def _absent(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the providers that are not asked, each with the reason."""
    if settings.auth_file_only:
        reason = f"not asked: {settings.auth_file_named_by} is set"
        for name in _OTHERS:
            yield name, reason
        yield "keyring command", reason
        return
    if not settings.keychain:
        yield "OS keychain", "switched off: PYTHON_KEYRING_BACKEND names the null or fail back end"
    if settings.keyring_off:
        yield "keyring command", f"switched off: {settings.keyring_off}"


def load_manifest(
    manifest: str | os.PathLike[str] | Manifest | None,
    environ: Mapping[str, str] | None = None,
) -> Manifest | None:
    """Return the manifest at a path, or None if there is no path."""
    if manifest is None:
        return None
    from authshim.project.manifest import Manifest

    if isinstance(manifest, Manifest):
        return manifest
    return Manifest.load(manifest, environ=environ)


def _recipe(project: Manifest | None) -> str | Manifest | None:
    """Return the argument that makes the same chain in another process.

    A path is read again there. The tool of a project that is not pixi's goes with its manifest.
    """
    if project is None or project.pixi_folder is None:
        return project
    return project.path


def list_providers(
    settings: Settings,
    environ: Mapping[str, str] | None,
    told: Sequence[str] = (),
) -> list[Provider]:
    """List the providers in the order in which they are asked.

    :param told: the problems of a project's files that are logged already.
    """
    from authshim.providers.auth_file import AuthFile
    from authshim.providers.netrc_file import NetrcFile
    from authshim.providers.os_keychain import OSKeychain

    providers: list[Provider] = []
    if settings.auth_file:
        providers.append(AuthFile(settings.auth_file, named=True))
    if settings.auth_file_only:
        return providers
    if settings.keychain:
        providers.append(OSKeychain())
    if settings.home_auth_file:
        providers.append(AuthFile(settings.home_auth_file))
    if settings.netrc_files:
        providers.append(NetrcFile(settings.netrc_files, named=settings.netrc_named))
    providers += _stores_of_other_tools(settings, environ, told)
    if settings.keyring_enabled:
        providers.append(_command(settings, environ))
    providers += _identities(settings, environ)
    return providers


def _identities(
    settings: Settings,
    environ: Mapping[str, str] | None,
) -> Iterator[Provider]:
    """Yield the providers of what a CI gives its job."""
    if not settings.ci:
        return
    from authshim.lookup.ci import IdentityExchange
    from authshim.providers.ci_identity import CIIdentity
    from authshim.providers.job_token import JobToken

    if settings.ci == "GitLab":
        yield JobToken(environ)
    yield CIIdentity(settings.ci, IdentityExchange(settings.ci, environ))


def _stores_of_other_tools(
    settings: Settings,
    environ: Mapping[str, str] | None,
    told: Sequence[str],
) -> Iterator[Provider]:
    """Yield the providers of logins that other tools keep for the URLs below one of theirs."""
    from authshim.lookup.user_indexes import UserIndexes
    from authshim.providers.conda_tokens import CondaTokens
    from authshim.providers.configured import ConfiguredLogins
    from authshim.providers.micromamba import Micromamba
    from authshim.providers.uv_store import UvStore

    if settings.uv_credentials:
        yield UvStore(settings.uv_credentials)
    yield CondaTokens(settings.conda_token_folders)
    if settings.micromamba_file:
        yield Micromamba(settings.micromamba_file)
    yield ConfiguredLogins(UserIndexes(environ, told))


def _indexes(
    project: Manifest | None,
    environment: str | None,
) -> Sequence[Index]:
    if project is None:
        return ()
    shared = project.indexes(environment)
    return (*shared, *project.own_indexes(environment))


def _channels(
    project: Manifest | None,
    environment: str | None,
) -> Sequence[Channel]:
    if project is None:
        return ()
    declared = project.channels(environment)
    return (*declared, *project.build_channels())


def _command(
    settings: Settings,
    environ: Mapping[str, str] | None,
) -> Provider:
    from authshim.providers.keyring_command import KeyringCommand

    return KeyringCommand(
        settings.keyring_command,
        search_path=settings.search_path,
        timeout=settings.keyring_timeout,
        environ=environ,
    )


def _lock_dir(settings: Settings) -> str | None:
    """Return the folder for the locks of providers without a file, or None if there is no home."""
    if not settings.home_auth_file:
        return None
    return os.path.dirname(settings.home_auth_file)


def note_of(settings: Settings) -> str:
    """Return a sentence about an override file, or an empty string if there is none."""
    if not settings.auth_file_only:
        return ""
    return f"only {settings.auth_file} was read: {settings.auth_file_named_by} is set"


def _kept(environ: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return the variables that authshim reads, so that a pickle holds no other."""
    from authshim.settings import NAMES

    if environ is None:
        return None
    return {name: environ[name] for name in NAMES if name in environ}
