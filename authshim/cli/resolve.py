"""``authshim resolve [NAME ...]``: which index each package of the project would come from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim.cli import project
from authshim.cli.terminal import is_watched, say, with_tilde, write
from authshim.redact import redact

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence
    from typing import Callable

    from authshim.index.client import Page
    from authshim.project.manifest import Manifest
    from authshim.resolve.rules import Resolution

_ANSWERED = ("found", "not there")


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "resolve",
        parents=parents,
        help="say which index each package would come from",
        description="Ask every index of the project for the packages that it wants from PyPI's kind of index, and say "
        "which one serves each, in which version and file; no dependency of a package is looked at.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="packages, such as torch or 'torch>=2' (the project's without)",
    )
    parser.add_argument(
        "--json", action="store_true", help="for programs; README.rst names the keys"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print some lines for each package, or one JSON document."""
    from authshim.resolve.survey import queries, survey

    manifest = project.require_manifest(options)
    asked = queries(manifest, options.environment, options.names)
    chain = project.make_chain(options, manifest)
    with _progress() as tell:
        found = survey(chain, asked, tell, project.read_settings(options, manifest).mirrors)
    if options.json:
        _print_json(manifest, found)
    else:
        _print_lines(manifest, found)
        if not options.names:
            _print_empty(found)
    return 0 if all(each.fine for each in found) else 1


@contextmanager
def _progress() -> Iterator[Callable[[int, int], object] | None]:
    """Show how many pages are there, where somebody looks on and waits."""
    if not is_watched():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking the indexes", total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


def _print_lines(manifest: Manifest, found: Sequence[Resolution]) -> None:
    if not found:
        say("the project wants no package from an index")
    width = max((len(_wanted(each)) for each in found), default=0)
    groups: dict[str, list[Resolution]] = {}
    for each in found:
        groups.setdefault(_heading(manifest, each), []).append(each)
    for heading, group in groups.items():
        say(heading)
        for each in group:
            first, *others = _lines(each)
            say(f"  {_wanted(each):{width}}  {with_tilde(first)}")
            for line in others:
                say(f"  {'':{width}}  {with_tilde(line)}")
    _print_silent(found)


def _heading(manifest: Manifest, each: Resolution) -> str:
    """Say of which environments, and for what machine, something is true."""
    target = each.dependency.target
    chosen = target and (
        f"for {target.platform} ({target.platform_from}'s) and Python {target.python} ({target.python_from}'s)"
    )
    some = len(each.environments) < len(manifest.environments)
    unread = ", ".join(
        dict.fromkeys(key for name in each.environments for key in manifest.ignored_options(name))
    )
    parts = [
        f"{', '.join(each.environments)}" if some else "",
        chosen or "",
        unread and f"not looked at: {unread}",
    ]
    return "; ".join(part for part in parts if part)


def _wanted(each: Resolution) -> str:
    dependency = each.dependency
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    return f"{dependency.name}{extras}{dependency.specifier}"


def _lines(each: Resolution) -> Iterator[str]:
    if each.dependency.origin:
        yield f"not from an index: {each.dependency.origin}"
    elif each.taken is None:
        yield f"none: {each.problem}"
    else:
        yield f"{each.taken.version}{' (doubtful)' if each.doubts else ''}  {each.taken.place.shown}"
        digests = [":".join(pair) for pair in each.taken.file.hashes]
        yield "  ".join([each.taken.file.filename, *(digests or ["without a hash"])])
        yield from _servers(each)
    yield from (f"doubtful: {doubt}" for doubt in each.doubts)
    yield from (f"warning: {warning}" for warning in each.warnings)


def _servers(each: Resolution) -> Iterator[str]:
    """Name the servers that answered in place of the index that serves a package."""
    for page in _pages_taken(each):
        if page.mirror:
            yield page.mirror
        if page.forwarded_to:
            yield f"served by {page.forwarded_to}, to which the index redirects"


def _pages_taken(each: Resolution) -> list[Page]:
    """Return the pages of the index that serves a package."""
    taken = each.taken
    return [page for page in each.asked if taken is not None and page.place == taken.place]


def _print_silent(found: Sequence[Resolution]) -> None:
    """Print once for each index that did not answer each thing that is to be done about it."""
    pages = [page for each in found for page in each.asked if page.answer not in _ANSWERED]
    for page in {(page.place, page.next_step): page for page in pages}.values():
        said = "; ".join(
            part
            for part in (
                f"HTTP {page.status}" if page.status else "",
                page.detail,
                page.mirror,
            )
            if part
        )
        say(with_tilde(f"{page.place.shown}  {page.answer}{f' ({said})' if said else ''}"))
        if page.next_step:
            say(with_tilde(f"  -> {page.next_step}"))


def _print_empty(found: Sequence[Resolution]) -> None:
    """Name the indexes that have none of the project's packages: CodeArtifact says so of what may not be read."""
    from authshim.resolve.confusion import PYPI

    pages: dict[str, set[str]] = {}
    for page in (page for each in found for page in each.asked if page.host not in PYPI):
        pages.setdefault(page.place.shown, set()).add(page.answer)
    for place in (place for place, answers in pages.items() if answers == {"not there"}):
        say(
            f"{place}  has none of these; an index whose URL is wrong, or that hides them from its user, says the same"
        )
        say("  -> authshim check")


def _print_json(manifest: Manifest, found: Sequence[Resolution]) -> None:
    import json

    names = dict.fromkeys(name for each in found for name in each.environments)
    document = {
        "version": 1,
        "manifest": manifest.path,
        "fine": all(each.fine for each in found),
        "unread": list(
            dict.fromkeys(key for name in names for key in manifest.ignored_options(name))
        ),
        "results": [_entry(each) for each in found],
    }
    write(json.dumps(document, indent=2))


def _entry(each: Resolution) -> dict[str, Any]:
    dependency, taken = each.dependency, each.taken
    target = dependency.target
    return {
        "name": dependency.name,
        "specifier": dependency.specifier,
        "extras": list(dependency.extras),
        "environments": list(each.environments),
        "platforms": list(dependency.platforms),
        "platform": target and target.platform,
        "platform_from": target and target.platform_from,
        "python": target and target.python,
        "python_from": target and target.python_from,
        "origin": dependency.origin or "index",
        "fine": each.fine,
        "index": taken and taken.place.shown,
        "version": taken and str(taken.version),
        "filename": taken and taken.file.filename,
        "url": taken and redact(taken.file.url),
        "hashes": dict(taken.file.hashes) if taken else {},
        "problem": each.problem,
        "doubts": list(each.doubts),
        "warnings": list(each.warnings),
        "asked": [_asked(page) for page in each.asked],
    }


def _asked(page: Page) -> dict[str, Any]:
    return {
        "index": page.place.shown,
        "answer": page.answer,
        "status": page.status,
        "api": page.api or None,
        "seconds": round(page.seconds, 3),
        "files": len(page.files),
        **project.credential_json(page.found),
        "mirror": page.mirror or None,
        "host": page.host or None,
        "detail": page.detail,
        "next_step": page.next_step,
    }
