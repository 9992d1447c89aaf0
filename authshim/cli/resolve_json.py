"""The JSON of ``authshim resolve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.cli.json_output import answer_json, manifest_json
from authshim.cli.terminal import write
from authshim.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from authshim.index.answer import Answer
    from authshim.project.manifest import Manifest
    from authshim.project.target import Target
    from authshim.resolve.candidates import Candidate
    from authshim.resolve.rules import Resolution


def print_json(manifest: Manifest, found: Sequence[Resolution]) -> None:
    """Print the JSON document of ``authshim resolve``."""
    import json

    names: dict[str, None] = {}
    for each in found:
        names.update(dict.fromkeys(each.environments))
    document = {
        "version": 1,
        **manifest_json(manifest),
        "fine": all(each.fine for each in found),
        "unread": ignored_options(manifest, names),
        "results": [_entry(each) for each in found],
    }
    write(json.dumps(document, indent=2))


def _entry(each: Resolution) -> dict[str, Any]:
    dependency = each.dependency
    return {
        "name": dependency.name,
        "specifier": dependency.specifier,
        "extras": list(dependency.extras),
        "environments": list(each.environments),
        "platforms": list(dependency.platforms),
        **_target_json(dependency.target),
        "origin": dependency.origin or "index",
        "fine": each.fine,
        **_taken_json(each.taken),
        "problem": each.problem,
        "doubts": list(each.doubts),
        "warnings": list(each.warnings),
        "asked": [_asked(page) for page in each.asked],
    }


def _target_json(target: Target | None) -> dict[str, Any]:
    if target is None:
        return dict.fromkeys(("platform", "platform_from", "python", "python_from"))
    return {
        "platform": target.platform,
        "platform_from": target.platform_from,
        "python": target.python,
        "python_from": target.python_from,
    }


def _taken_json(taken: Candidate | None) -> dict[str, Any]:
    if taken is None:
        return {
            "index": None,
            "version": None,
            "filename": None,
            "url": None,
            "hashes": {},
        }
    return {
        "index": taken.place.shown,
        "version": str(taken.version),
        "filename": taken.file.filename,
        "url": redact(taken.file.url),
        "hashes": dict(taken.file.hashes),
    }


def _asked(page: Answer) -> dict[str, Any]:
    return {
        "index": page.place.shown,
        "host": page.host or None,
        "files": len(page.files),
        **answer_json(page),
    }


def ignored_options(
    manifest: Manifest,
    environments: Iterable[str],
) -> list[str]:
    """Return the options of environments that are not looked at, each once."""
    found: dict[str, None] = {}
    for environment in environments:
        found.update(dict.fromkeys(manifest.ignored_options(environment)))
    return list(found)
