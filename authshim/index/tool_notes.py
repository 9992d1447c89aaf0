"""Sentences about a login that authshim sends, and that the tool of the project would not find.

tests/interop/test_tool_notes.py holds each of them against the real program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.urls import SERVICE, without_userinfo
from authshim.urls.paths import index_root

if TYPE_CHECKING:
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Manifest
    from authshim.project.repositories import Index, Repository

_NOT_READ = {
    "uv": ("auth file", "OS keychain", "micromamba"),
    "pip": ("auth file", "OS keychain", "micromamba", "uv store"),
}
"""The beginnings of the names of providers that a tool does not read."""


def tool_note(manifest: Manifest, place: Repository, found: Found | None) -> str:
    """Return a sentence if the tool of a project would not send a credential, or nothing."""
    tool = manifest.tool
    if found is None or tool not in _NOT_READ:
        return ""
    if found.key.kind == SERVICE:
        reason = _keyring_note(manifest, place)
        return reason and f"{tool} itself asks no keyring: {reason}"
    if not found.provider.startswith(_NOT_READ[tool]):
        return ""
    step = f"authshim run -- {tool} asks authshim"
    if tool == "uv" and place.username is None and not place.declaration.name:
        step = f"if the index has a name, {step}"
    return f"{tool} itself does not read {found.provider}; {step}"


def covering(manifest: Manifest, url: str) -> Index | None:
    """Return the index of a project with the longest root above a URL, or None."""
    path = f"{without_userinfo(url)}/"
    roots = {
        f"{index_root(index.url)}/": index
        for index in (*manifest.indexes(None), *manifest.own_indexes(None))
    }
    matching = [root for root in roots if path.startswith(root)]
    return roots[max(matching, key=len)] if matching else None


def _keyring_note(manifest: Manifest, place: Repository) -> str:
    """Return the reason for which uv or pip asks no keyring, or an empty string."""
    provider = manifest.keyring_provider
    if manifest.tool == "pip":
        return "keyring-provider is disabled" if provider == "disabled" else ""
    if place.username is None and place.declaration.authenticate != "always":
        return "the index has no username"
    return "" if provider == "subprocess" else "keyring-provider is not subprocess"
