"""The options ``chain=``, ``manifest=`` and ``environment=`` of all that sends requests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from authshim.lookup.chain import Chain

if TYPE_CHECKING:
    from authshim.project.manifest import Manifest


def chain_of(
    chain: Chain | None,
    manifest: str | os.PathLike[str] | Manifest | None,
    environment: str | None,
) -> Chain:
    """Return the given chain, or the chain that the environment and the project describe.

    :raises TypeError: both a chain and a project are given.
    """
    if chain is None:
        return Chain.from_environment(manifest=manifest, environment=environment)
    if manifest is not None or environment is not None:
        raise TypeError(
            "a chain has its indexes already: give chain= or manifest= and environment=, not both"
        )
    return chain


def options_of(
    chain: Chain | None,
    manifest: str | os.PathLike[str] | Manifest | None,
    environment: str | None,
) -> tuple[object, ...]:
    """Return the value by which ``install`` compares the options of two calls.

    A chain counts by its identity, which a deep copy and a pickle keep.
    """
    path: Any = getattr(manifest, "path", manifest)
    if path:
        path = os.path.abspath(path)
    identity = None
    if chain is not None:
        identity = chain.identity
    return identity, path, environment
