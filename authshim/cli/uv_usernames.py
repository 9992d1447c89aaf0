"""The variables that tell uv the users of a project's indexes, so that it asks a keyring for them.

uv asks a keyring only if it knows the username.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from authshim.cli import project
from authshim.credentials import BasicHTTP
from authshim.redact import looks_like_token

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.lookup.chain import Chain
    from authshim.project.manifest import Index


def variables(options: Namespace) -> dict[str, str]:
    """Return ``UV_INDEX_NAME_USERNAME`` for each named index of a uv project with a known user.

    A variable that is set already is left out, and so is a username that looks like a token.
    """
    manifest = project.find_manifest_here(options)
    if manifest is None or "uv" not in manifest.tool:
        return {}
    from authshim.project.uv_settings import variable_name

    chain = project.make_chain(options, manifest)
    found = {}
    shared = manifest.indexes(options.environment)
    for index in (*shared, *manifest.own_indexes()):
        variable = f"UV_INDEX_{variable_name(index.declaration.name)}_USERNAME"
        if index.declaration.name and index.username is None and variable not in os.environ:
            username = _username(chain, index)
            if username:
                found[variable] = username
    return found


def _username(chain: Chain, index: Index) -> str:
    """Return the user of an index if it may be in an environment, or an empty string."""
    found = chain.find(index.url)
    if found is None or not isinstance(found.credential, BasicHTTP):
        return ""
    username = found.credential.username
    if not username.isprintable() or looks_like_token(username):
        return ""
    return username
