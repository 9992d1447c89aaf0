"""The keys that the JSON of several commands has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authshim.index.answer import Answer
    from authshim.index.verdict import Result
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Manifest


def manifest_json(manifest: Manifest) -> dict[str, Any]:
    """Return the keys that ``check`` and ``resolve`` both print of the project."""
    return {
        "manifest": manifest.path or None,
        "tool": manifest.tool,
        "other_tools": list(manifest.other_tools),
    }


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
